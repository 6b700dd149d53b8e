import { describe, expect, it } from 'vitest';
import { MediaError } from '../common/errors.ts';
import { fail } from '../common/result.ts';
import { fakePlace } from './testing/fake-conference.ts';
import { createVruBench } from './testing/vru-bench.ts';

describe('refused before the answer', () => {
  it('R40: 404 for a number without a row', async () => {
    const bench = await createVruBench();
    const call = await bench.call({ dnis: '4711' });
    expect(call.session.rejection).toMatchObject({
      status: 404,
      q850: 1,
      text: 'conference-unknown',
    });
    expect(bench.idle()).toBe(true);
  });

  it('R41: 503 with Retry-After when provisioning does not answer', async () => {
    const bench = await createVruBench();
    bench.conference.onFind = () => Promise.resolve(fail(new MediaError('no-server', 'x')));
    const call = await bench.call();
    expect(call.session.rejection).toMatchObject({ status: 503, retryAfterS: 5 });
  });

  it('R45: 503 with Retry-After when the engine has no room', async () => {
    const bench = await createVruBench();
    bench.engine.headroom = 0;
    const call = await bench.call();
    expect(call.session.rejection).toMatchObject({
      status: 503,
      retryAfterS: 5,
      text: 'engine-full',
    });
    expect(await bench.metric('minusone_vru_calls_refused_total{rule="engine-full"}')).toBe(1);
    expect(bench.idle()).toBe(true);
  });

  it('503 at the bound of the call table', async () => {
    const bench = await createVruBench({ maxCalls: 1 });
    await bench.call();
    const second = await bench.call();
    expect(second.session.rejection).toMatchObject({ status: 503, text: 'max-calls' });
  });

  it('503 while draining; what runs goes on', async () => {
    const bench = await createVruBench();
    const first = await bench.call();
    bench.role.drain();
    expect(bench.role.health()).toEqual({ ready: false, detail: 'draining' });
    const second = await bench.call();
    expect(second.session.rejection).toMatchObject({ status: 503, text: 'draining' });
    await first.press('110001#');
    expect(first.leg.routed.kind).toBe('relay');
  });

  it('nothing is left of a call that was cancelled before or while it was answered', async () => {
    const bench = await createVruBench();
    await bench.call({ afterAccept: 'cancel' });
    expect(bench.idle()).toBe(true);
    const second = await bench.call({ afterAccept: 'nothing' });
    second.session.finish({ by: 'remote', established: false, status: 487 });
    await bench.clock.advance(10);
    expect(bench.idle()).toBe(true);
    bench.conference.onFind = () => new Promise(() => {});
    const third = await bench.call();
    third.session.finish({ by: 'remote', established: false, status: 487 });
    await bench.clock.advance(10);
    expect(bench.idle()).toBe(true);
  });
});

describe('R20: a hang-up at any moment frees everything', () => {
  // One entry from ringing to the goodbye, cut at every 50 ms.
  it.each([0, 1])('of the flow, in which the mixer is lost (%i)', async (mixerLost) => {
    for (let cutMs = 0; cutMs <= 6_000; cutMs += 50) {
      const bench = await createVruBench();
      const { clock, conference, agent } = bench;
      conference.onEnter = async () => {
        await clock.sleep(120);
        return { kind: 'enter', place: fakePlace() };
      };
      conference.onReEnter = async () => {
        await clock.sleep(120);
        return { kind: 'enter', place: fakePlace() };
      };
      const connect = agent.onOutgoing;
      agent.onOutgoing = (session) => {
        clock.after(80, () => connect(session));
      };
      const call = await bench.call();
      clock.after(cutMs, () => call.session.hangUp());
      const keys = [...'110001#'];
      for (const [index, key] of keys.entries()) {
        clock.after(1_500 + index * 100, () => call.leg.events.onDigit?.(key as '1', 80, 'rtp'));
      }
      clock.after(3_000, () => {
        if (mixerLost === 1 && bench.engine.legs.size === 2) bench.mixerLeg().events.onSilent?.();
      });
      clock.after(4_000, () => call.leg.events.onDigit?.('*', 80, 'rtp'));
      clock.after(4_100, () => call.leg.events.onDigit?.('*', 80, 'rtp'));
      await clock.advance(12_000);
      expect(bench.idle(), `cut at ${cutMs} ms`).toBe(true);
      const entered = conference.kinds.includes('enter') ? 1 : 0;
      const left = conference.kinds.filter((kind) => kind === 'leave').length;
      expect(left, `left after a cut at ${cutMs} ms`).toBe(entered);
    }
  });
});

describe('no caller is in silence without a reason', () => {
  it('an exception in a flow is spoken, counted, and ends the call', async () => {
    const bench = await createVruBench();
    bench.conference.onEnter = () => {
      throw new TypeError('a bug');
    };
    const call = await bench.entered();
    expect(call.heard()).toContain('technical-problem goodbye');
    await bench.clock.advance(2_000);
    expect(call.session.endReason).toMatchObject({ text: 'technical-problem' });
    expect(await bench.metric('minusone_vru_flow_errors_total')).toBe(1);
    expect(bench.idle()).toBe(true);
  });

  it('a bad row of the DNIS table is spoken too', async () => {
    const bench = await createVruBench();
    bench.conference.row({ dnis: '4000', application: 'menu', settings: {} });
    const call = await bench.call({ dnis: '4000' });
    expect(call.heard()).toBe('technical-problem goodbye');
  });

  it('a caller whose media is gone is hung up and given back at once', async () => {
    const bench = await createVruBench();
    const call = await bench.entered();
    call.session.byeUnanswered = true;
    call.leg.events.onSilent?.();
    await bench.clock.advance(10);
    expect(call.session.endReason).toMatchObject({ text: 'no media' });
    expect(bench.conference.kinds).toEqual(['enter', 'leave']);
    expect(bench.engine.legs.size).toBe(0);
  });
});

describe('commands', () => {
  it('for no call here are answered so', async () => {
    const bench = await createVruBench();
    const call = await bench.call();
    call.session.hangUp();
    await bench.clock.advance(10);
    expect((await call.command({ kind: 'release', why: 'ended' }))()).toBe('failed');
  });

  it('wait for the answer to the entry', async () => {
    const bench = await createVruBench();
    bench.conference.onEnter = async () => {
      await bench.clock.sleep(300);
      return { kind: 'wait', accountId: fakePlace().accountId, waitingId: 'w1' };
    };
    const call = await bench.call();
    await call.press('110001#');
    const answer = await call.command({ kind: 'place', place: fakePlace() });
    expect(answer()).toBe('pending');
    await bench.clock.advance(1_000);
    expect(answer()).toBe('done');
    expect(call.leg.routed.kind).toBe('relay');
    expect(call.heard()).toContain('host-has-arrived');
  });
});

describe('stop', () => {
  it('says BYE to everybody, gives everything back, then closes', async () => {
    const bench = await createVruBench();
    const calls = [await bench.entered(), await bench.call(), await bench.call({ dnis: '2000' })];
    const stopped = bench.role.stop();
    await bench.clock.advance(1_000);
    await stopped;
    for (const call of calls) expect(call.session.endReason).toMatchObject({ text: 'stopping' });
    expect(bench.conference.kinds).toEqual(['enter', 'leave']);
    expect(bench.agent.started).toBe(false);
    expect(bench.conference.closed).toBe(true);
    expect(bench.idle()).toBe(true);
    await bench.role.stop();
  });

  it('does not wait for ever for what cannot be given back', async () => {
    const bench = await createVruBench();
    await bench.entered();
    bench.conference.onLeave = () => new Promise(() => {});
    const stopped = bench.role.stop();
    await bench.clock.advance(5_100);
    await stopped;
    expect(bench.conference.closed).toBe(true);
  });
});
