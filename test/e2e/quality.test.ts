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
import { createUserAgent } from '../../signaling/sip/ua.ts';
import { parseNameAddress, parseSipUri } from '../../signaling/sip/uri.ts';
import type { UserAgent } from '../../signaling/sip/user-agent.ts';
import { type Server, startServer, TOKEN } from './server.ts';

const TALK_MS = 8_000;

const callRecords = z.object({
  items: z.array(
    z.object({
      callerNumber: z.string(),
      media: z.object({
        packetsReceived: z.number(),
        packetsLost: z.number(),
        packetsDiscarded: z.number(),
        burstDensity: z.number(),
        burstMs: z.number(),
        gapDensity: z.number(),
        gapMs: z.number(),
        bufferTargetMs: z.number(),
        bufferMaximumMs: z.number(),
        delayMs: z.number(),
        rFactor: z.number(),
        mos: z.number(),
      }),
    }),
  ),
});
type Media = z.infer<typeof callRecords>['items'][number]['media'];

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
  `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio ${port} RTP/AVP 0\r\n`;

/** Talks to the echo; resolves when the call is over. */
async function talk(caller: string, isLost: (packet: number) => boolean): Promise<void> {
  const peer = await TestPeer.open(random.below(1_000_000));
  const offer = description(peer.port);
  let answer = '';
  let hungUp: (by: string) => void = () => {};
  const ended = new Promise<string>((resolve) => {
    hungUp = resolve;
  });
  const session = agent.invite({
    to: unwrap(parseSipUri(`sip:2000@${server.sip}`)),
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
        clock.after(TALK_MS, () => void session.end());
      },
      onEnded: ({ by }) => hungUp(by),
    },
  });
  expect(await ended).toBe('local');
  peer.close();
}

async function recordOf(caller: string): Promise<Media> {
  for (let tries = 0; tries < 50; tries++) {
    const response = await fetch(`${server.http}/api/v1/call-records?caller=${caller}`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    const body: unknown = await response.json();
    const [call] = callRecords.parse(body).items;
    if (call !== undefined) return call.media;
    await sleep(200);
  }
  throw new Error(`no record of ${caller}`);
}

/** Every second one of a quarter of a second in each 2 s, and one more alone in between. */
const inBursts = (packet: number): boolean => {
  const place = packet % 100;
  return place === 90 || (place >= 40 && place < 53 && place % 2 === 0);
};

describe('call records', () => {
  it('tell bursts of loss, and that they are worse to hear', async () => {
    await Promise.all([talk('1001', () => false), talk('1002', inBursts)]);
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
});
