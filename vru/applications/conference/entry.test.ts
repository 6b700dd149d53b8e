import { describe, expect, it } from 'vitest';
import { MediaError } from '../../../common/errors.ts';
import { fail } from '../../../common/result.ts';
import { REFUSALS, type Refusal } from '../../../signaling/conference/messages.ts';
import { fakePlace } from '../../testing/fake-conference.ts';
import { createVruBench } from '../../testing/vru-bench.ts';

describe('R1: entering a code', () => {
  it('welcomes, takes the code with #, and connects', async () => {
    const { conference, engine, ...bench } = await createVruBench();
    const call = await bench.call();
    expect(call.heard()).toBe('welcome enter-code');
    await call.press('110001#');
    expect(conference.kinds).toEqual(['enter']);
    expect(conference.asked[0]).toMatchObject({
      code: '110001',
      caller: { dnis: '1000', callerNumber: '+15550001' },
    });
    const [link] = bench.outgoing();
    expect(link?.invite.uri).toBe('sip:conf=c1@127.0.0.1:5070;conferee=p1');
    expect(call.leg.routed).toEqual({ kind: 'relay', peer: [...engine.legs].at(-1) });
    expect(call.heard()).toBe('you-are-conferee-number number-1 only-person');
  });

  it('stops the prompt at the first digit', async () => {
    const bench = await createVruBench();
    const call = await bench.call();
    expect(call.playing()).toBe('welcome enter-code');
    await call.press('1');
    expect(call.playing()).toBe('');
  });

  it('takes the next try while the last one is still being explained', async () => {
    const { conference, ...bench } = await createVruBench();
    const call = await bench.call();
    await call.press('9999#');
    expect(call.playing()).toBe('invalid-code try-again enter-code');
    await call.press('110001#');
    expect(conference.kinds).toEqual(['enter']);
  });

  it('needs no # when no longer code begins with it, and ignores one that comes', async () => {
    const { conference, ...bench } = await createVruBench();
    const call = await bench.call();
    await call.press('110001');
    expect(conference.kinds).toEqual(['enter']);
    call.heard();
    await call.press('#');
    await bench.clock.advance(4_000);
    expect(call.heard()).toBe('');
  });

  it('waits for # or the pause when a longer code begins with it', async () => {
    const { conference, ...bench } = await createVruBench();
    conference.codes.set('1100012', 'host');
    const call = await bench.call();
    await call.press('110001');
    expect(conference.kinds).toEqual([]);
    await bench.clock.advance(4_000);
    expect(conference.kinds).toEqual(['enter']);
    expect(conference.asked[0]).toMatchObject({ code: '110001' });
  });

  it.each(['info', 'inband'] as const)('takes digits from %s', async (source) => {
    const { conference, ...bench } = await createVruBench();
    const call = await bench.call();
    await call.press('110001#', source);
    expect(conference.kinds).toEqual(['enter']);
  });

  it('forgets what was entered at *', async () => {
    const { conference, ...bench } = await createVruBench();
    const call = await bench.call();
    await call.press('99*110001#');
    expect(conference.asked[0]).toMatchObject({ code: '110001' });
  });
});

describe('codes that are guessed', () => {
  it('an entry given up by * or by hanging up counts as a try of its source', async () => {
    const { conference, ...bench } = await createVruBench();
    const call = await bench.call();
    await call.press('4711*4712*4713');
    call.session.hangUp();
    await bench.clock.advance(1);
    expect(conference.tried.map(({ code }) => code)).toEqual(['4711', '4712', '4713']);
    expect(conference.tried[0]?.source?.trunk).toBe('127.0.0.1');
    expect(bench.idle()).toBe(true);
  });

  it('are answered as late as provisioning says', async () => {
    const { clock, conference, ...bench } = await createVruBench();
    conference.delayMs = 4_000;
    const call = await bench.call();
    call.heard();
    await call.press('4711#');
    await clock.advance(3_000);
    expect(call.heard()).toBe('');
    await clock.advance(1_500);
    expect(call.heard()).toContain('invalid-code');
    // Nobody waits for the answer of one who hung up.
    await call.press('4711#');
    call.session.hangUp();
    await clock.advance(1);
    expect(bench.idle()).toBe(true);
  });
});

describe('R2: what ends in a spoken explanation and a BYE', () => {
  it('three invalid codes', async () => {
    const { clock, conference, ...bench } = await createVruBench();
    const call = await bench.call();
    for (let attempt = 0; attempt < 3; attempt++) {
      call.heard();
      await call.press('4711#');
      if (attempt < 2) expect(call.heard()).toBe('invalid-code try-again enter-code');
    }
    expect(call.heard()).toBe('too-many-tries goodbye');
    expect(call.session.endReason).toBeUndefined();
    await clock.advance(2_000);
    expect(call.session.endReason).toMatchObject({ text: 'refused-too-many-tries' });
    expect(conference.kinds).toEqual([]);
    expect(bench.idle()).toBe(true);
    expect(await bench.metric('minusone_vru_codes_total{result="invalid"}')).toBe(3);
  });

  it('silence, twice', async () => {
    const { clock, ...bench } = await createVruBench();
    const call = await bench.call();
    await clock.advance(2_000 + 8_000);
    expect(call.heard()).toBe('welcome enter-code no-input enter-code');
    await clock.advance(2_000 + 8_000);
    expect(call.heard()).toBe('no-input-goodbye goodbye');
    await clock.advance(2_000);
    expect(call.session.endReason).toMatchObject({ text: 'refused-silence' });
    expect(bench.idle()).toBe(true);
  });

  it('takes a lone # for silence, and digits that stop for an entry', async () => {
    const { clock, conference, ...bench } = await createVruBench();
    const call = await bench.call();
    await call.press('#');
    expect(call.heard()).toContain('no-input');
    await call.press('4711');
    await clock.advance(4_000);
    expect(call.heard()).toContain('invalid-code');
    expect(conference.kinds).toEqual([]);
  });

  it('provisioning out of reach', async () => {
    const { clock, conference, ...bench } = await createVruBench();
    conference.onCheck = () => Promise.resolve(fail(new MediaError('no-server', 'gone')));
    const call = await bench.call();
    await call.press('1');
    await clock.advance(1);
    expect(call.heard()).toContain('service-unavailable goodbye');
    await clock.advance(2_000);
    expect(bench.idle()).toBe(true);
  });
});

describe('R25: the lock', () => {
  it('is read before any request to the proxy, and spoken', async () => {
    const { clock, conference, ...bench } = await createVruBench();
    conference.locked = true;
    const call = await bench.call();
    await call.press('110001#');
    expect(call.heard()).toContain('conference-locked goodbye');
    expect(conference.kinds).toEqual([]);
    await clock.advance(2_000);
    expect(call.session.endReason).toMatchObject({ text: 'refused-locked' });
  });
});

describe('R12 and the other refusals', () => {
  const SPOKEN: Partial<Record<Refusal, string>> = {
    'invalid-code': 'invalid-code try-again enter-code',
    locked: 'conference-locked',
    silence: 'no-input-goodbye',
    ended: 'conference-ended',
    draining: 'service-draining',
  };
  it.each(REFUSALS.filter((reason) => reason !== 'invalid-code'))(
    '%s is spoken, then BYE',
    async (reason) => {
      const { clock, conference, ...bench } = await createVruBench();
      conference.onEnter = () => Promise.resolve({ kind: 'refused', reason });
      const call = await bench.call();
      await call.press('110001#');
      const plain = reason === 'conference-full' ? 'conference-full' : reason;
      expect(call.heard()).toContain(`${SPOKEN[reason] ?? plain} goodbye`);
      await clock.advance(2_000);
      expect(call.session.endReason).toMatchObject({ text: `refused-${reason}` });
      expect(bench.idle()).toBe(true);
      expect(await bench.metric(`minusone_vru_refusals_total{reason="${reason}"}`)).toBe(1);
    },
  );

  it('a code withdrawn meanwhile counts as a wrong one', async () => {
    const { conference, ...bench } = await createVruBench();
    conference.onEnter = () => Promise.resolve({ kind: 'refused', reason: 'invalid-code' });
    const call = await bench.call();
    await call.press('110001#');
    expect(call.heard()).toContain('invalid-code try-again enter-code');
    conference.onEnter = () => Promise.resolve({ kind: 'enter', place: fakePlace() });
    await call.press('110001#');
    expect(conference.kinds).toEqual(['enter', 'enter']);
  });

  it('covers a slow answer with a tone', async () => {
    const { clock, conference, ...bench } = await createVruBench();
    conference.onEnter = async () => {
      await clock.sleep(3_000);
      return { kind: 'enter', place: fakePlace() };
    };
    const call = await bench.call();
    await call.press('110001#');
    expect(call.playing()).toBe('');
    await clock.advance(1_500);
    expect(call.playing()).toBe('hold-tone');
    await clock.advance(2_000);
    expect(call.playing()).not.toContain('hold-tone');
    expect(call.leg.routed.kind).toBe('relay');
  });
});
