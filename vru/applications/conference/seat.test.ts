import { describe, expect, it } from 'vitest';
import { MediaError } from '../../../common/errors.ts';
import type { AccountId, ConfereeId, ConferenceId, NodeId } from '../../../common/ids.ts';
import { fail } from '../../../common/result.ts';
import type { FakeLeg } from '../../../mixer/fake-engine.ts';
import { fakePlace } from '../../testing/fake-conference.ts';
import { createVruBench, placeCommand, type TestCall } from '../../testing/vru-bench.ts';

const ACCOUNT = 'acme' as AccountId;
const WAIT = { kind: 'wait', accountId: ACCOUNT, waitingId: 'w1' } as const;
const OTHER_MIXER = fakePlace({ mixerId: 'mixer-2' as NodeId, mixerAddress: '127.0.0.1:5071' });
/** The conference proper, after a mingle room. */
const PROPER = fakePlace({
  conferenceId: 'c2' as ConferenceId,
  confereeId: 'p2' as ConfereeId,
  ordinal: 2,
  size: 3,
});

const HELD = [
  'v=0',
  'o=- 1 2 IN IP4 192.0.2.1',
  's=-',
  'c=IN IP4 192.0.2.1',
  't=0 0',
  'm=audio 40000 RTP/AVP 0 101',
  'a=rtpmap:101 telephone-event/8000',
  'a=DIRECTION',
  '',
].join('\r\n');

const peerOf = (call: TestCall): unknown =>
  call.leg.routed.kind === 'relay' ? call.leg.routed.peer : call.leg.routed.kind;

async function waiting() {
  const bench = await createVruBench();
  bench.conference.onEnter = () => Promise.resolve(WAIT);
  const call = await bench.entered();
  return { ...bench, bench, call };
}

async function seated(change: Parameters<typeof fakePlace>[0] = {}) {
  const bench = await createVruBench();
  bench.conference.onEnter = () => Promise.resolve({ kind: 'enter', place: fakePlace(change) });
  const call = await bench.entered();
  return { ...bench, bench, call, link: bench.mixerLeg() };
}

describe('R9: waiting for the host', () => {
  it('hears music, with a notice now and then', async () => {
    const { call, clock, bench } = await waiting();
    expect(call.heard()).toContain('waiting-for-host');
    await clock.advance(1_000);
    expect(call.playing()).toBe('music');
    expect(await bench.metric('minusone_vru_waiting')).toBe(1);
    call.heard();
    await clock.advance(30_000);
    expect(call.playing()).toBe('please-continue-to-hold');
    await clock.advance(1_000);
    expect(call.playing()).toBe('music');
    await clock.advance(31_000);
    expect(call.heard()).toBe('please-continue-to-hold music please-continue-to-hold music');
  });

  it('keeps the music until the conference is heard, then says that the host has come', async () => {
    const { call, clock, agent, bench, engine } = await waiting();
    await clock.advance(5_000);
    agent.onOutgoing = () => {};
    const answer = await call.command(placeCommand(PROPER));
    await clock.advance(200);
    expect(call.playing()).toBe('music');
    expect(call.leg.routed.kind).toBe('idle');
    expect(answer()).toBe('pending');
    bench.outgoing()[0]?.establish();
    bench.mixerLeg().events.onReceiving?.({ address: '127.0.0.1', port: 1 });
    call.heard();
    await clock.advance(0);
    expect(peerOf(call)).toBe([...engine.legs].at(-1));
    expect(answer()).toBe('done');
    expect(call.playing()).toBe(
      'host-has-arrived you-are-conferee-number number-2 there-are number-2 other-participants',
    );
    expect(call.leg.playbacks.at(-1)?.options.mode).toBe('mix');
    expect(await bench.metric('minusone_vru_waiting')).toBe(0);
  });

  it('R20: hanging up gives back the place in the queue, once', async () => {
    const { call, clock, conference, bench } = await waiting();
    call.session.hangUp();
    await clock.advance(100);
    expect(conference.asked.slice(1)).toEqual([{ kind: 'leave-waiting', waitingId: 'w1' }]);
    expect(bench.idle()).toBe(true);
  });

  it('is released with words, and can leave by key', async () => {
    const first = await waiting();
    await first.call.command({ kind: 'release', why: 'draining' });
    expect(first.call.playing()).toBe('service-draining goodbye');
    await first.clock.advance(2_000);
    expect(first.call.session.endReason).toMatchObject({ text: 'released-draining' });
    expect(first.conference.kinds).toEqual(['enter', 'leave-waiting']);

    const second = await waiting();
    await second.call.press('**');
    expect(second.call.playing()).toBe('you-have-left goodbye');
    await second.clock.advance(2_000);
    expect(second.conference.kinds).toEqual(['enter', 'leave-waiting']);
    expect(second.bench.idle()).toBe(true);
  });

  it('speaks announcements between the music', async () => {
    const { call, clock } = await waiting();
    await clock.advance(1_500);
    await call.command({ kind: 'announce', prompt: 'conference-will-end-in', numbers: [60] });
    expect(call.playing()).toBe('conference-will-end-in one-minute');
    await clock.advance(2_000);
    expect(call.playing()).toBe('music');
  });
});

describe('R10: mingling, then the conference proper', () => {
  it('says that the host is not there yet', async () => {
    const { call } = await seated({ temporary: true, size: 2 });
    expect(call.heard()).toContain('host-not-here-yet there-is-one-other-participant');
  });

  it('makes the new leg before it breaks the old one', async () => {
    const { call, clock, agent, link, bench, conference } = await seated({ temporary: true });
    agent.onOutgoing = () => {};
    await call.command(placeCommand(PROPER));
    const fresh = bench.mixerLeg();
    expect(fresh).not.toBe(link);
    expect(fresh.options.with).toBe(call.leg);
    await clock.advance(100);
    expect(peerOf(call)).toBe(link);
    bench.outgoing()[1]?.establish();
    await clock.advance(100);
    // Answered, but nothing is heard yet: the old room is still better than silence.
    expect(peerOf(call)).toBe(link);
    expect(link.closed).toBe(false);
    fresh.events.onReceiving?.({ address: '127.0.0.1', port: 1 });
    await clock.advance(0);
    expect(peerOf(call)).toBe(fresh);
    expect(link.closed).toBe(true);
    expect(bench.outgoing()[0]?.state).toBe('ended');
    expect(call.heard()).toContain('host-has-arrived');
    call.session.hangUp();
    await clock.advance(10);
    expect(conference.asked.at(-1)).toEqual({ kind: 'leave', conferee: 'p2', why: 'hangup' });
    expect(conference.kinds).toEqual(['enter', 'leave']);
  });

  it('answers the command when the caller is over, or gone: the room is not to let him go before', async () => {
    const { call, clock, agent, bench } = await seated({ temporary: true });
    agent.onOutgoing = () => {};
    const moved = await call.command(placeCommand(PROPER));
    await clock.advance(1_000);
    expect(moved()).toBe('pending');
    bench.outgoing()[1]?.finish({ by: 'remote', status: 503, established: false });
    await clock.advance(10);
    expect(moved()).toBe('failed');
    const again = await call.command(placeCommand(PROPER));
    call.session.hangUp();
    await clock.advance(10);
    expect(again()).toBe('failed');
    expect((await call.command({ kind: 'announce', prompt: 'beep' }))()).toBe('failed');
  });

  it('switches after a moment when no packet comes', async () => {
    const { call, clock, agent, bench } = await seated({ temporary: true });
    agent.onOutgoing = (session) => session.establish();
    await call.command(placeCommand(PROPER));
    await clock.advance(299);
    expect(peerOf(call)).not.toBe(bench.mixerLeg());
    await clock.advance(1);
    expect(peerOf(call)).toBe(bench.mixerLeg());
  });

  it('takes a repeated command for the place it is in as done', async () => {
    const { call, bench } = await seated();
    await call.command(placeCommand(fakePlace()));
    expect(bench.outgoing()).toHaveLength(1);
  });

  it('takes the self-mute along', async () => {
    const { call, clock, conference } = await seated({ temporary: true });
    await call.press('*6');
    await call.command(placeCommand(PROPER));
    await clock.advance(100);
    const mute = { kind: 'control', action: { kind: 'mute-self', muted: true } };
    expect(conference.asked.slice(1)).toEqual([mute, mute]);
  });
});

describe('R28: the host leaves', () => {
  it('puts participants back to waiting', async () => {
    const { call, clock, link, conference, bench } = await seated();
    await call.command(WAIT);
    expect(call.leg.routed.kind).toBe('idle');
    expect(call.playing()).toBe('host-has-left waiting-for-host');
    await clock.advance(2_500);
    expect(call.playing()).toBe('music');
    expect(link.closed).toBe(true);
    call.session.hangUp();
    await clock.advance(10);
    expect(conference.asked.at(-1)).toEqual({ kind: 'leave-waiting', waitingId: 'w1' });
    expect(bench.idle()).toBe(true);
  });

  it.each([
    ['ended', 'conference-ended goodbye', 'ended'],
    ['host-left', 'host-has-left conference-ended goodbye', 'ended'],
    ['deleted', 'you-have-been-removed goodbye', 'deleted'],
    ['time-limit', 'time-limit-reached goodbye', 'ended'],
    ['draining', 'service-draining goodbye', 'ended'],
  ] as const)('release for %s is spoken, then BYE', async (why, words, told) => {
    const { call, clock, conference, link, bench } = await seated();
    await call.command({ kind: 'release', why });
    expect(call.playing()).toBe(words);
    expect(link.closed).toBe(true);
    await clock.advance(3_000);
    expect(call.session.endReason).toMatchObject({ text: `released-${why}` });
    expect(conference.asked.at(-1)).toEqual({ kind: 'leave', conferee: 'p1', why: told });
    expect(bench.idle()).toBe(true);
  });
});

describe('R20: leaving', () => {
  it('by key: spoken, told once with the parameter of the entry', async () => {
    const { call, clock, conference, bench } = await seated();
    await call.press('**');
    expect(conference.asked.at(-1)).toEqual({ kind: 'leave', conferee: 'p1', why: 'key' });
    expect(call.playing()).toBe('you-have-left goodbye');
    await clock.advance(2_000);
    expect(call.session.endReason).toMatchObject({ text: 'left' });
    expect(conference.kinds).toEqual(['enter', 'leave']);
    expect(bench.idle()).toBe(true);
  });

  it('by hanging up', async () => {
    const { call, clock, conference, bench } = await seated();
    call.session.hangUp();
    await clock.advance(10);
    expect(conference.kinds).toEqual(['enter', 'leave']);
    expect(bench.outgoing()[0]?.endReason).toBeDefined();
    expect(bench.idle()).toBe(true);
    expect(
      await bench.metric('minusone_vru_calls_ended_total{application="conference",end="hangup"}'),
    ).toBe(1);
  });

  it('by hanging up while the request to enter is under way', async () => {
    const bench = await createVruBench();
    bench.conference.onEnter = async () => {
      await bench.clock.sleep(2_000);
      return { kind: 'enter', place: fakePlace() };
    };
    const call = await bench.entered();
    call.session.hangUp();
    await bench.clock.advance(100);
    expect(bench.conference.kinds).toEqual(['enter']);
    expect(bench.engine.legs.size).toBe(0);
    await bench.clock.advance(2_000);
    expect(bench.conference.kinds).toEqual(['enter', 'leave']);
    expect(bench.outgoing()).toHaveLength(0);
    expect(bench.idle()).toBe(true);
  });

  it('by hanging up while the mixer is being called', async () => {
    const bench = await createVruBench();
    bench.agent.onOutgoing = () => {};
    const call = await bench.entered();
    call.session.hangUp();
    await bench.clock.advance(100);
    expect(bench.conference.kinds).toEqual(['enter', 'leave']);
    expect(bench.outgoing()[0]?.endReason).toBeDefined();
    expect(bench.idle()).toBe(true);
  });
});

describe('keypad in the conference', () => {
  it('R22: *6 mutes and unmutes, spoken over the conference', async () => {
    const { call, conference } = await seated();
    await call.press('*6');
    expect(conference.asked.at(-1)).toEqual({
      kind: 'control',
      action: { kind: 'mute-self', muted: true },
    });
    expect(call.playing()).toBe('muted');
    expect(call.leg.playbacks.at(-1)?.options.mode).toBe('mix');
    await call.press('*6');
    expect(conference.asked.at(-1)).toEqual({
      kind: 'control',
      action: { kind: 'mute-self', muted: false },
    });
    expect(call.playing()).toBe('unmuted');
  });

  it('says so when it could not be done', async () => {
    const { call, conference } = await seated();
    conference.onControl = () => Promise.resolve(fail(new MediaError('timeout', 'no answer')));
    await call.press('*6');
    expect(call.playing()).toBe('error-tone try-again');
    conference.onControl = () => Promise.resolve(fail(new MediaError('not-allowed', 'no')));
    await call.press('*6');
    expect(call.playing()).toBe('not-allowed');
  });

  it('R24: only a host locks', async () => {
    const guest = await seated();
    await guest.call.press('*7');
    expect(guest.call.playing()).toBe('not-a-host');
    expect(guest.conference.kinds).toEqual(['enter']);
    const host = await seated({ role: 'host' });
    await host.call.press('*7');
    expect(host.conference.asked.at(-1)).toEqual({
      kind: 'control',
      action: { kind: 'lock', locked: true },
    });
    expect(host.call.playing()).toBe('locked');
  });

  it('asks before it ends the conference', async () => {
    const { call, conference, clock } = await seated({ role: 'host' });
    await call.press('##');
    expect(call.playing()).toBe('press-to-confirm-end');
    await call.press('5');
    expect(call.playing()).toBe('end-not-confirmed');
    await call.press('##');
    await clock.advance(6_000);
    expect(conference.kinds).toEqual(['enter']);
    await call.press('##1');
    expect(conference.asked.at(-1)).toEqual({ kind: 'control', action: { kind: 'end' } });
  });

  it('speaks the help of the map in force', async () => {
    const bench = await createVruBench();
    bench.conference.row({
      dnis: '1001',
      application: 'conference',
      settings: { keys: { '00': 'leave', '1': 'mute-self', '9': 'help' }, announce: 'none' },
    });
    const call = await bench.call({ dnis: '1001' });
    await call.press('110001#');
    call.heard();
    await call.press('9');
    expect(call.heard()).toBe(
      'help-intro silence for-mute-press number-1 silence for-help-press number-9 silence for-leave-press number-0 number-0 silence',
    );
  });

  it('answers an unknown key with a tone, and a single * after a pause', async () => {
    const { call, clock } = await seated();
    await call.press('5');
    expect(call.playing()).toBe('error-tone');
    await clock.advance(2_000);
    await call.press('*');
    expect(call.playing()).toBe('');
    await clock.advance(3_000);
    expect(call.playing()).toBe('error-tone');
  });

  it('serves commands while a slow request is under way', async () => {
    const { call, conference, clock } = await seated();
    conference.onControl = () => new Promise(() => {});
    await call.press('*6');
    await call.command({ kind: 'release', why: 'ended' });
    expect(call.playing()).toBe('conference-ended goodbye');
    await clock.advance(2_000);
    expect(call.session.endReason).toBeDefined();
  });
});

describe('the mixer is lost', () => {
  const lose: Record<string, (link: FakeLeg, call: { hangUp: () => void }) => void> = {
    'by BYE': (_link, session) => session.hangUp(),
    'by silence': (link) => link.events.onSilent?.(),
    'by the loss of the worker': (link) => link.events.onLost?.(new MediaError('engine-lost', 'x')),
  };

  it.each(Object.keys(lose))('%s: a tone, and back in under a second', async (how) => {
    const { call, clock, conference, link, bench } = await seated();
    conference.onReEnter = async () => {
      await clock.sleep(200);
      return { kind: 'enter', place: OTHER_MIXER };
    };
    const session = bench.outgoing()[0];
    if (session === undefined) throw new Error('no link');
    lose[how]?.(link, session);
    await clock.advance(10);
    expect(call.leg.routed.kind).toBe('idle');
    expect(call.playing()).toBe('hold-tone');
    expect(link.closed).toBe(true);
    await clock.advance(300);
    expect(conference.kinds).toEqual(['enter', 're-enter']);
    expect(peerOf(call)).toBe(bench.mixerLeg());
    expect(bench.outgoing()[1]?.invite.uri).toBe('sip:conf=c1@127.0.0.1:5071;conferee=p1');
    expect(call.playing()).toBe('');
    expect(await bench.metric('minusone_vru_reconnects_total{outcome="back"}')).toBe(1);
    call.session.hangUp();
    await clock.advance(10);
    expect(conference.kinds).toEqual(['enter', 're-enter', 'leave']);
    expect(bench.idle()).toBe(true);
  });

  it('tries with growing pauses, then explains and hangs up', async () => {
    const { call, clock, conference, link, bench } = await seated();
    conference.onReEnter = () => Promise.resolve({ kind: 'refused', reason: 'mixers-busy' });
    link.events.onSilent?.();
    await clock.advance(5_000);
    expect(call.heard()).toContain('reconnecting');
    await clock.advance(15_000);
    expect(call.heard()).toContain('reconnect-failed goodbye');
    expect(conference.kinds.filter((kind) => kind === 're-enter')).toHaveLength(8);
    expect(call.session.endReason).toMatchObject({ text: 'reconnect-failed' });
    expect(conference.asked.at(-1)).toEqual({ kind: 'leave', conferee: 'p1', why: 'lost' });
    expect(bench.idle()).toBe(true);
  });

  it('calls the next mixer when the first does not answer', async () => {
    const { call, clock, conference, agent, link, bench } = await seated();
    let refused = 0;
    const answer = agent.onOutgoing;
    agent.onOutgoing = (session) => {
      if (refused++ === 0) session.finish({ by: 'remote', established: false, status: 408 });
      else answer(session);
    };
    link.events.onSilent?.();
    await clock.advance(1_000);
    expect(conference.kinds).toEqual(['enter', 're-enter', 're-enter']);
    expect(peerOf(call)).toBe(bench.mixerLeg());
  });

  it('a first placement that the mixer does not take is a loss too', async () => {
    const bench = await createVruBench();
    let first = true;
    const answer = bench.agent.onOutgoing;
    bench.agent.onOutgoing = (session) => {
      if (first) session.finish({ by: 'remote', established: false, status: 503 });
      else answer(session);
      first = false;
    };
    const call = await bench.entered();
    await bench.clock.advance(500);
    expect(bench.conference.kinds).toEqual(['enter', 're-enter']);
    expect(call.leg.routed.kind).toBe('relay');
  });

  it('speaks the reason that comes a little after the BYE of the mixer', async () => {
    const { call, clock, conference, bench } = await seated();
    conference.onReEnter = () => Promise.resolve({ kind: 'refused', reason: 'ended' });
    bench.outgoing()[0]?.hangUp();
    await clock.advance(100);
    await call.command({ kind: 'release', why: 'deleted' });
    expect(call.playing()).toBe('you-have-been-removed goodbye');
    await clock.advance(2_000);
    expect(call.session.endReason).toMatchObject({ text: 'released-deleted' });
    expect(bench.idle()).toBe(true);
  });

  it('speaks the refusal when nothing explains it', async () => {
    const { call, clock, conference, bench } = await seated();
    conference.onReEnter = () => Promise.resolve({ kind: 'refused', reason: 'ended' });
    bench.outgoing()[0]?.hangUp();
    await clock.advance(500);
    expect(call.playing()).toBe('conference-ended goodbye');
    await clock.advance(2_000);
    expect(call.session.endReason).toMatchObject({ text: 'refused-ended' });
  });

  it('obeys a command that comes while it tries', async () => {
    const { call, clock, conference, link, bench } = await seated();
    conference.onReEnter = () => new Promise(() => {});
    link.events.onSilent?.();
    await clock.advance(50);
    await call.command(placeCommand(OTHER_MIXER));
    await clock.advance(50);
    expect(peerOf(call)).toBe(bench.mixerLeg());
    expect(call.playing()).toBe('');
  });

  it('closes a link that came too late', async () => {
    const { call, clock, agent, conference, link, bench } = await seated();
    conference.onReEnter = () => Promise.resolve({ kind: 'enter', place: fakePlace() });
    agent.onOutgoing = () => {};
    link.events.onSilent?.();
    await clock.advance(10);
    await call.command({ kind: 'release', why: 'ended' });
    bench.outgoing()[1]?.establish();
    await clock.advance(2_500);
    expect(bench.outgoing()[1]?.state).toBe('ended');
    expect(bench.idle()).toBe(true);
  });

  it('R20: hanging up while reconnecting frees everything', async () => {
    const { call, clock, conference, link, bench } = await seated();
    conference.onReEnter = async () => {
      await clock.sleep(500);
      return { kind: 'enter', place: OTHER_MIXER };
    };
    link.events.onSilent?.();
    await clock.advance(100);
    call.session.hangUp();
    await clock.advance(1_000);
    expect(conference.kinds).toEqual(['enter', 're-enter', 'leave']);
    expect(bench.idle()).toBe(true);
  });
});

describe('a caller who holds the call', () => {
  const sdp = (direction: string): string => HELD.replace('DIRECTION', direction);

  it('is not heard in the conference, and is back when he resumes', async () => {
    const { call, link } = await seated();
    const media = call.session.acceptedMedia;
    media?.acceptOffer(sdp('sendonly'));
    call.session.events.onMediaChanged?.();
    expect(call.leg.routed.kind).toBe('idle');
    expect(link.closed).toBe(false);
    media?.acceptOffer(sdp('sendrecv'));
    call.session.events.onMediaChanged?.();
    expect(peerOf(call)).toBe(link);
  });

  it('is moved meanwhile without being heard', async () => {
    const { call, clock, bench } = await seated();
    call.session.acceptedMedia?.acceptOffer(sdp('sendonly'));
    call.session.events.onMediaChanged?.();
    await call.command(placeCommand(OTHER_MIXER));
    await clock.advance(10);
    expect(call.leg.routed.kind).toBe('idle');
    call.session.acceptedMedia?.acceptOffer(sdp('sendrecv'));
    call.session.events.onMediaChanged?.();
    expect(peerOf(call)).toBe(bench.mixerLeg());
  });
});
