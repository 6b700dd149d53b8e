import { PassThrough } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../common/ids.ts';
import { silentLogger } from '../common/log.ts';
import { SimClock } from '../common/sim-clock.ts';
import { type FakeLeg, FakeMediaEngine } from '../mixer/fake-engine.ts';
import { openEndpoint } from '../signaling/media/endpoint.ts';
import { CODEC_CHOICES } from '../signaling/sdp/codec-selection.ts';
import { type FakeSession, FakeUserAgent } from '../signaling/sip/fake-user-agent.ts';
import { type PhoneOptions, type PhoneResult, runPhone } from './phone.ts';
import { parseKeys, parsePlay, toneSecond } from './phone-script.ts';

const random = seededRandom(3);

interface Call {
  readonly clock: SimClock;
  readonly engine: FakeMediaEngine;
  readonly session: FakeSession;
  readonly leg: FakeLeg;
  readonly lines: string[];
  readonly result: Promise<PhoneResult>;
}

async function dial(options: Partial<PhoneOptions> = {}): Promise<Call> {
  const clock = new SimClock();
  const engine = new FakeMediaEngine();
  const lines: string[] = [];
  let agent: FakeUserAgent | undefined;
  const result = runPhone(
    { target: '1000@127.0.0.1', print: (line) => lines.push(line), ...options },
    {
      engine,
      clock,
      random,
      log: silentLogger,
      createUserAgent: (_local, events) => {
        agent = new FakeUserAgent(events);
        return agent;
      },
    },
  );
  await clock.advance(0);
  const session = agent?.sessions[0];
  const [leg] = engine.legs;
  if (session === undefined || leg === undefined) throw new Error('no call');
  return { clock, engine, session, leg, lines, result };
}

function answer({ session }: Call): void {
  const media = session.options?.media;
  const peer = openEndpoint({
    engine: new FakeMediaEngine(),
    random,
    codecs: [CODEC_CHOICES.PCMA],
  });
  const offer = media?.createOffer();
  if (!peer.ok || offer?.ok !== true) throw new Error('no offer');
  const sdp = peer.value.acceptOffer(offer.value);
  if (!sdp.ok) throw sdp.error;
  media?.acceptAnswer(sdp.value);
  session.state = 'established';
  session.events.onEstablished?.();
}

describe('phone', () => {
  it('presses further keys when they come', async () => {
    const keypad = new PassThrough({ objectMode: true });
    const call = await dial({ dtmf: '9', moreDtmf: keypad, durationMs: 10_000 });
    answer(call);
    await call.clock.advance(2_000);
    expect(call.leg.digitsSent).toEqual(['9']);
    keypad.write('*6');
    await nextTurn();
    await call.clock.advance(500);
    expect(call.leg.digitsSent).toEqual(['9', '*', '6']);
    await call.clock.advance(10_000);
    expect((await call.result).exitCode).toBe(0);
  });

  it('plays, sends digits with their pauses, hears digits, and hangs up in time', async () => {
    const call = await dial({ dtmf: '91,#', play: 'tone:440', durationMs: 10_000 });
    await call.clock.advance(100);
    answer(call);
    await call.clock.advance(1100);
    expect(call.leg.digitsSent).toEqual(['9']);
    await call.clock.advance(300);
    expect(call.leg.digitsSent).toEqual(['9', '1']);
    await call.clock.advance(700);
    expect(call.leg.digitsSent).toEqual(['9', '1', '#']);
    expect(call.leg.playbacks[0]?.options.loop).toBe(true);
    expect([...call.engine.prompts.values()]).toEqual([{ samples: 8000, rateHz: 8000 }]);
    call.leg.events.onDigit?.('5', 100, 'rtp');
    call.session.events.onInfoDigit?.('6', 100);
    await call.clock.advance(10_000);
    expect(await call.result).toMatchObject({
      exitCode: 0,
      answered: true,
      setupMs: 100,
      talkMs: 10_000,
      endedBy: 'local',
      codec: 'PCMA',
      digitsHeard: '56',
    });
    expect(call.engine.legs.size + call.engine.prompts.size).toBe(0);
    expect(call.lines).toContain('answered after 100 ms, PCMA');
  });

  it('says why a call was not answered', async () => {
    const call = await dial();
    call.session.finish({ by: 'remote', status: 486, reason: 'Busy Here', established: false });
    expect(await call.result).toMatchObject({
      exitCode: 1,
      answered: false,
      status: 486,
      reason: 'Busy Here',
    });
    expect(call.lines.at(-1)).toBe('not answered: remote 486 Busy Here');
    expect(call.engine.legs.size).toBe(0);
  });

  it('tells a lost call from one that ended', async () => {
    const call = await dial();
    answer(call);
    call.session.finish({ by: 'transport', established: true });
    expect(await call.result).toMatchObject({ exitCode: 3, answered: true, endedBy: 'transport' });
  });

  it('hangs up when interrupted', async () => {
    const controller = new AbortController();
    const call = await dial({ signal: controller.signal });
    answer(call);
    controller.abort();
    expect(await call.result).toMatchObject({ exitCode: 0, endedBy: 'local' });
  });

  it.each([
    { target: '1000@ho st' },
    { dtmf: '12x' },
    { play: 'tone:loud' },
    { play: '/nowhere.wav' },
    { from: '<sip:' },
  ])('refuses %j before it calls', async (options) => {
    const engine = new FakeMediaEngine();
    const result = await runPhone(
      { target: 'sip:1000@127.0.0.1', ...options },
      {
        engine,
        clock: new SimClock(),
        random,
        log: silentLogger,
        createUserAgent: () => {
          throw new Error('must not be made');
        },
      },
    );
    expect(result.exitCode).toBe(2);
    expect(result.reason).toMatch(/1000@ho st|12x|tone:loud|nowhere\.wav|<sip:/);
  });
});

describe('phone options', () => {
  it('reads keys and sources', () => {
    expect(parseKeys('1w#d')).toEqual([
      { kind: 'press', digit: '1' },
      { kind: 'wait', durationMs: 500 },
      { kind: 'press', digit: '#' },
      { kind: 'press', digit: 'D' },
    ]);
    expect(parsePlay('tone:440@-12.5')).toEqual({
      kind: 'tone',
      frequencyHz: 440,
      levelDbfs: -12.5,
    });
    expect(parsePlay('a.wav')).toEqual({ kind: 'file', path: 'a.wav' });
    for (const bad of ['tone:', 'tone:5', 'tone:99999', 'tone:440@3'])
      expect(parsePlay(bad)).toBeUndefined();
  });

  it('makes a tone that loops without a click', () => {
    const second = toneSecond(437, -20, 8000);
    const [last = 0, first = 0, next = 0] = [second.at(-1), second[0], second[1]];
    expect(Math.abs(first - last - (next - first))).toBeLessThan(2);
  });
});
