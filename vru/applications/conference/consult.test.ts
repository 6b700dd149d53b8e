/** R26 by keypad: the number, the call, the private talk, and what becomes of it, in virtual time. */
import { describe, expect, it } from 'vitest';
import { MediaError } from '../../../common/errors.ts';
import { fail, ok } from '../../../common/result.ts';
import type { ConferenceClient } from '../../../signaling/conference/client.ts';
import type { FakeSession } from '../../../signaling/sip/fake-user-agent.ts';
import { fakePlace } from '../../testing/fake-conference.ts';
import { createVruBench } from '../../testing/vru-bench.ts';

async function hosting(
  trunk: Parameters<typeof createVruBench>[1] = { trunk: {} },
  role: 'host' | 'participant' = 'host',
) {
  const bench = await createVruBench({}, trunk);
  const { conference, clock } = bench;
  conference.onEnter = () => Promise.resolve({ kind: 'enter', place: fakePlace({ role }) });
  const call = await bench.call();
  await call.press('110001#');
  await clock.advance(20_000);
  call.heard();
  const link = bench.mixerLeg();
  const dialled = (): FakeSession => {
    const session = bench.outgoing().find(({ invite }) => !invite.uri.includes('conf='));
    if (session === undefined) throw new Error('nobody was called');
    return session;
  };
  return { ...bench, call, link, dialled };
}

/** Up to the answer. */
async function talking() {
  const all = await hosting();
  const { call, dialled, clock } = all;
  await call.press('*1030123456#');
  dialled().events.onProgress?.(180, false);
  await clock.advance(5_000);
  const called = all.mixerLeg();
  dialled().establish();
  await clock.advance(0);
  return { ...all, called };
}

describe('R26: the host calls by keypad', () => {
  it('asks for the number, steps aside, and hears ringing; the others go on', async () => {
    const { call, conference, dialled, clock, link } = await hosting();
    await call.press('*1');
    expect(call.heard()).toBe('dial-number');
    await call.press('030123456#');
    expect(conference.asked.at(-1)).toEqual({ kind: 'dial', number: '030123456' });
    expect(call.heard()).toBe('dialling-out');
    expect(call.leg.routed).toEqual({ kind: 'idle' });
    expect(link.closed).toBe(false);
    expect(dialled().invite.uri).toBe('sip:+4930123456@192.0.2.50');
    dialled().events.onProgress?.(180, false);
    await clock.advance(0);
    expect(call.playing()).toBe('ring-back-tone');
    expect(conference.dialNews).toEqual(['ringing']);
  });

  it('hears what the far end plays before the answer (183 with SDP)', async () => {
    const { call, dialled, clock, ...bench } = await hosting();
    await call.press('*1030123456#');
    dialled().events.onProgress?.(183, true);
    await clock.advance(0);
    expect(call.leg.routed).toEqual({ kind: 'relay', peer: bench.mixerLeg() });
    // A 180 that follows brings no second tone.
    dialled().events.onProgress?.(180, false);
    await clock.advance(0);
    expect(call.playing()).toBe('');
  });

  it('talks with the called person alone, then brings that person in with *2', async () => {
    const { call, called, conference, clock, link, engine } = await talking();
    expect(call.leg.routed).toEqual({ kind: 'relay', peer: called });
    expect(conference.dialNews).toEqual(['ringing', 'answered', 'minute 1']);
    call.heard();
    await call.press('*2');
    expect(conference.kinds.at(-1)).toBe('enter-dialled');
    expect(call.leg.routed).toEqual({ kind: 'relay', peer: link });
    expect(call.heard()).toContain('returning-to-conference');
    await clock.advance(500);
    // Two in the conference: each of the two has a leg to the mixer.
    expect(engine.legs.size).toBe(4);
    expect(called.routed.kind).toBe('relay');
    expect(conference.present.conferees.get(9)?.caller.callerNumber).toBe('+4930123456');
  });

  it('a minute is asked for when it begins; without one the call ends with words', async () => {
    const { call, conference, clock, dialled } = await talking();
    await call.press('*2');
    conference.onDialNews = (news) => Promise.resolve(news !== 'minute 3');
    await clock.advance(120_000);
    expect(conference.dialNews.slice(2)).toContain('minute 3');
    await clock.advance(10_000);
    expect(dialled().state).toBe('ended');
    expect(conference.dialNews.at(-1)).toBe('limit');
    expect(conference.kinds.at(-1)).toBe('leave');
  });

  it('*3 drops the called person and leads back', async () => {
    const { call, conference, dialled, link } = await talking();
    call.heard();
    await call.press('*3');
    expect(dialled().state).toBe('ended');
    expect(call.leg.routed).toEqual({ kind: 'relay', peer: link });
    expect(call.heard()).toBe('returning-to-conference');
    expect(conference.dialNews.at(-1)).toBe('cancelled');
    // The keys are those of the conference again.
    await call.press('*7');
    expect(call.heard()).toBe('locked');
  });

  it('the called person hangs up: back without a key', async () => {
    const { call, conference, dialled, clock, link } = await talking();
    dialled().hangUp();
    await clock.advance(0);
    expect(call.leg.routed).toEqual({ kind: 'relay', peer: link });
    expect(conference.dialNews.at(-1)).toBe('hung-up');
  });

  it.each([
    [486, 'busy', 'busy-tone dial-busy returning-to-conference'],
    [480, 'no-answer', 'dial-no-answer returning-to-conference'],
    [404, 'failed', 'dial-failed returning-to-conference'],
  ])('%i is heard as %s', async (status, state, words) => {
    const { call, conference, dialled, clock } = await hosting();
    await call.press('*1030123456#');
    call.heard();
    dialled().finish({ by: 'remote', status, established: false });
    await clock.advance(0);
    expect(call.heard()).toBe(words);
    expect(conference.dialNews.at(-1)).toBe(state);
  });

  it.each([
    ['not-allowed', 'dial-not-allowed'],
    ['limit', 'dial-limit'],
    ['not-available', 'dial-not-available'],
  ] as const)('refused with %s: heard, and nobody is called', async (reason, words) => {
    const { call, conference, clock, ...bench } = await hosting();
    conference.onDial = () => Promise.resolve(ok({ kind: 'dial-refused', reason }));
    await call.press('*1030123456#');
    await clock.advance(1_000);
    expect(call.heard()).toContain(`${words} returning-to-conference`);
    expect(bench.outgoing()).toHaveLength(1);
  });

  it('the service does not answer: heard', async () => {
    const { call, conference, clock } = await hosting();
    conference.onDial = () => Promise.resolve(fail(new MediaError('timeout', 'no answer')));
    await call.press('*1030123456#');
    await clock.advance(1_000);
    expect(call.heard()).toContain('dial-failed returning-to-conference');
  });

  it('* takes the call back while it rings', async () => {
    const { call, conference, dialled, link } = await hosting();
    await call.press('*1030123456#');
    await call.press('*');
    expect(dialled().state).toBe('ended');
    expect(call.leg.routed).toEqual({ kind: 'relay', peer: link });
    expect(conference.dialNews).toEqual(['cancelled']);
  });

  it('* before the service has answered: the place that it keeps is given back', async () => {
    const { call, conference, clock, ...bench } = await hosting();
    let answer: (reply: Awaited<ReturnType<ConferenceClient['dialConsult']>>) => void = () => {};
    const order = await conference.onDial('+4930123456');
    conference.onDial = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    await call.press('*1030123456#');
    await call.press('*');
    answer(order);
    await clock.advance(0);
    expect(conference.dialNews).toEqual(['cancelled']);
    expect(bench.outgoing()).toHaveLength(1);
  });

  it('half a number is never called; * gives up', async () => {
    const { call, conference, clock } = await hosting();
    await call.press('*1030');
    await clock.advance(10_000);
    await call.press('*103*');
    expect(conference.kinds).not.toContain('dial');
    expect(call.heard()).toContain('returning-to-conference');
  });

  it('the host hangs up, while it rings or while they talk: nobody is left on the line', async () => {
    for (const begin of [hosting, talking]) {
      const { call, clock, conference, agent, engine, ...bench } = await begin();
      if (begin === hosting) await call.press('*1030123456#');
      call.session.hangUp();
      await clock.advance(1_000);
      expect(conference.dialNews.at(-1)).toBe('cancelled');
      expect(agent.sessionCount).toBe(0);
      expect(engine.legs.size).toBe(0);
      expect(bench.idle()).toBe(true);
    }
  });

  it('the conference ends meanwhile: the host hears it, the called person is hung up', async () => {
    const { call, dialled, conference, clock } = await talking();
    call.heard();
    const answer = await call.command({ kind: 'release', why: 'ended' });
    expect(answer()).toBe('done');
    await clock.advance(5_000);
    expect(dialled().state).toBe('ended');
    expect(call.heard()).toContain('conference-ended');
    expect(conference.dialNews.at(-1)).toBe('cancelled');
  });

  it('the mixer is lost meanwhile: the talk goes on, the way back is a new leg', async () => {
    const { call, called, clock, link } = await talking();
    link.events.onSilent?.();
    await clock.advance(1_000);
    expect(call.leg.routed).toEqual({ kind: 'relay', peer: called });
    await call.press('*2');
    await clock.advance(2_000);
    const { routed } = call.leg;
    expect(routed.kind === 'relay' && routed.peer !== link && routed.peer !== called).toBe(true);
  });

  it('the conference moves to another mixer meanwhile', async () => {
    const { call, called, clock, engine } = await talking();
    const place = fakePlace({ role: 'host', mixerAddress: '127.0.0.1:5071' });
    const answer = await call.command({ kind: 'place', place });
    await clock.advance(500);
    expect(answer()).toBe('done');
    expect(call.leg.routed).toEqual({ kind: 'relay', peer: called });
    const moved = [...engine.legs].at(-1);
    await call.press('*3');
    expect(call.leg.routed).toEqual({ kind: 'relay', peer: moved });
  });

  it('a guest cannot call, and no VRU without a trunk can', async () => {
    const guest = await hosting({ trunk: {} }, 'participant');
    await guest.call.press('*1');
    expect(guest.call.heard()).toBe('not-a-host');
    const without = await hosting({});
    await without.call.press('*1');
    expect(without.call.heard()).toBe('dial-not-available');
  });

  it('the trunk refuses what it does not allow, whatever the service says', async () => {
    const { call, conference, clock, ...bench } = await hosting({
      trunk: { deniedPrefixes: ['+49301'] },
    });
    await call.press('*1030123456#');
    await clock.advance(1_000);
    expect(call.heard()).toContain('dial-failed');
    expect(bench.outgoing()).toHaveLength(1);
    expect(conference.dialNews).toEqual(['failed']);
  });
});
