/** Call records against what was done to the packets of a call: SIP and RTP of ours to the built program. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { systemClock as clock } from '../../common/clock.ts';
import { systemRandom as random } from '../../common/ids.ts';
import { createLogger } from '../../common/log.ts';
import { createMetrics } from '../../common/metrics.ts';
import { ok, type Result } from '../../common/result.ts';
import { TestPeer, toneOf } from '../../mixer/test-peer.ts';
import { legMedia } from '../../signaling/conference/leg-media.ts';
import { createUserAgent } from '../../signaling/sip/ua.ts';
import { parseNameAddress, parseSipUri } from '../../signaling/sip/uri.ts';
import type { UserAgent } from '../../signaling/sip/user-agent.ts';
import { type Server, startServer, TOKEN } from './server.ts';

const TALK_MS = 8_000;

/** Nothing is missing of what calls with G.711 have. */
const whole = legMedia.required().extend({ rFactor: z.number(), mos: z.number() });
type Media = z.infer<typeof whole>;
const callRecords = z.object({ items: z.array(z.object({ media: whole })) });
const conferences = z.object({ items: z.array(z.object({ id: z.string() })) });
const confereeMedia = z.object({ media: whole });

let server: Server;
let agent: UserAgent;

beforeAll(async () => {
  server = await startServer();
  agent = createUserAgent({
    listen: { udp: { address: '127.0.0.1', port: server.ports.own } },
    clock,
    random,
    log: createLogger('silent'),
    metrics: createMetrics(),
    events: { onInvite: (session) => session.reject(480) },
  });
  const started = await agent.start();
  if (!started.ok) throw started.error;
});

afterAll(async () => {
  await agent.stop();
  await server.close();
});

function unwrap<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error('refused');
  return result.value;
}

const description = (port: number): string =>
  `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio ${port} RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n`;

interface Talk {
  readonly caller: string;
  readonly number: string;
  readonly isLost: (packet: number) => boolean;
  /** While the call goes on. */
  readonly meanwhile?: (peer: TestPeer, port: number) => Promise<void>;
}

/** Resolves when the call is over. */
async function talk({ caller, number, isLost, meanwhile = () => sleep(TALK_MS) }: Talk) {
  const peer = await TestPeer.open(random.below(1_000_000));
  const offer = description(peer.port);
  let answer = '';
  let hungUp: (by: string) => void = () => {};
  const ended = new Promise<string>((resolve) => {
    hungUp = resolve;
  });
  const session = agent.invite({
    to: unwrap(parseSipUri(`sip:${number}@${server.sip}`)),
    from: unwrap(parseNameAddress(`sip:${caller}@127.0.0.1`)),
    ringTimeoutMs: 20_000,
    media: {
      createOffer: () => ok(offer),
      acceptOffer: () => ok(offer),
      acceptAnswer: (text) => {
        answer = text;
        return ok(undefined);
      },
      rollBack: () => {},
    },
    events: {
      onEstablished: () => {
        const port = Number(/m=audio (\d+)/.exec(answer)?.[1]);
        peer.talk(port, toneOf(440, 8_000), isLost);
        void meanwhile(peer, port).then(() => session.end());
      },
      onEnded: ({ by }) => hungUp(by),
    },
  });
  expect(await ended).toBe('local');
  peer.close();
}

async function api(path: string): Promise<unknown> {
  const response = await fetch(`${server.http}/api/v1${path}`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  return await response.json();
}

async function recordOf(caller: string): Promise<Media> {
  for (let tries = 0; tries < 50; tries++) {
    const [call] = callRecords.parse(await api(`/call-records?caller=${caller}`)).items;
    if (call !== undefined) return call.media;
    await sleep(200);
  }
  throw new Error(`no record of ${caller}`);
}

/** Enters as host of a demo account; resolves with what the mixer measures after a while. */
async function measuredInConference(peer: TestPeer, port: number): Promise<Media> {
  for (const key of ['9', '1', '0', '0', '0', '1', '#']) {
    // The tone of a key takes the place of speech.
    peer.quiet();
    peer.press(port, key === '#' ? 11 : Number(key));
    await sleep(150);
  }
  peer.talk(port, toneOf(440, 8_000), inBursts);
  for (let tries = 0; tries < 150; tries++) {
    await sleep(200);
    const [conference] = conferences.parse(await api('/conferences')).items;
    if (conference === undefined) continue;
    const measured = await api(`/conferences/${conference.id}/conferees/1/media`);
    const { data } = confereeMedia.safeParse(measured);
    if (data !== undefined && data.media.packetsReceived > 300) return data.media;
  }
  throw new Error('no conferee with media');
}

/** Every second one of a quarter of a second in each 2 s, and one more alone in between. */
const inBursts = (packet: number): boolean => {
  const place = packet % 100;
  return place === 90 || (place >= 40 && place < 53 && place % 2 === 0);
};

describe('call records', () => {
  it('tell bursts of loss, and that they are worse to hear', async () => {
    const number = '2000';
    await Promise.all([
      talk({ caller: '1001', number, isLost: () => false }),
      talk({ caller: '1002', number, isLost: inBursts }),
    ]);
    const [clean, lossy] = [await recordOf('1001'), await recordOf('1002')];
    // A busy machine makes packets of our peer late, and those are discarded.
    expect(clean.packetsLost).toBe(0);
    if (clean.packetsDiscarded === 0) {
      expect(clean).toMatchObject({ burstDensity: 0, burstMs: 0, gapDensity: 0 });
      expect(clean.mos).toBeGreaterThan(4.2);
    }
    expect(lossy.packetsLost).toBeGreaterThan(20);
    // 7 of 13, unless the machine made more of them late, and one of 87.
    expect(lossy.burstDensity).toBeGreaterThan(0.3);
    expect(lossy.burstMs).toBeGreaterThan(100);
    if (lossy.packetsDiscarded === 0) {
      expect(lossy.burstDensity).toBeLessThan(0.6);
      expect(lossy.gapDensity).toBeGreaterThan(0);
      expect(lossy.gapDensity).toBeLessThan(0.05);
    }
    expect(lossy.mos).toBeLessThan(clean.mos - 0.2);
    expect(lossy.rFactor).toBeLessThan(clean.rFactor - 5);
    for (const media of [clean, lossy]) {
      expect(media.delayMs).toBeGreaterThan(0);
      expect(media.bufferMaximumMs).toBeGreaterThanOrEqual(media.bufferTargetMs);
      expect(media.bufferMaximumMs).toBeLessThan(201);
    }
  });

  it('and the mixer tells them of a conferee, with the delay of its buffer', async () => {
    let media: Media | undefined;
    await talk({
      ...{ caller: '1003', number: '1000', isLost: () => false },
      meanwhile: async (peer, port) => {
        await sleep(2_500);
        media = await measuredInConference(peer, port);
      },
    });
    expect(media?.packetsLost).toBeGreaterThan(10);
    expect(media?.burstDensity).toBeGreaterThan(0.3);
    expect(media?.burstMs).toBeGreaterThan(100);
    expect(media?.delayMs).toBeGreaterThan(0);
    expect(media?.mos).toBeLessThan(4.3);
    // The leg of the VRU has seen the same loss.
    const record = await recordOf('1003');
    expect(record.burstDensity).toBeGreaterThan(0.3);
  });
});
