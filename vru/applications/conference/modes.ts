/** The modes of a seat (seat.ts), each a function from where the caller is to where he goes next. */

import { unreachable } from '../../../common/check.ts';
import { MediaError } from '../../../common/errors.ts';
import { fail, type Result } from '../../../common/result.ts';
import type {
  PlaceInConference,
  Refusal,
  VruCommand,
} from '../../../signaling/conference/messages.ts';
import { DONE, type PendingCommand } from '../../commands.ts';
import type { FlowEnd } from '../../flow.ts';
import type { MixerLink } from '../../mixer-link.ts';
import { within } from '../../scope.ts';
import { refuse, release } from '../../steps/refuse.ts';
import { say } from '../../steps/say.ts';
import { type Arrival, arrivalWords } from './announcements.ts';
import { startAttempts } from './attempts.ts';
import { consult } from './consult.ts';
import type { Seat, SeatMode } from './seat.ts';
import type { WaitingPlace } from './tenancy.ts';

type Over = Extract<SeatMode, { kind: 'over' }>;

/** From the first placement to the end of the call. */
export async function holdSeat(seat: Seat, first: SeatMode): Promise<Over> {
  let mode = first;
  for (;;) {
    switch (mode.kind) {
      case 'waiting':
        mode = await wait(seat, mode.place, mode.hostLeft);
        break;
      case 'seated':
        mode = await sit(seat, mode.place, mode.link);
        break;
      case 'consulting':
        mode = await consult(seat, mode.place, mode.link, mode.number);
        break;
      case 'reconnecting':
        mode = await reconnect(seat, mode.place, mode.sinceMs);
        break;
      case 'over':
        return mode;
      default:
        return unreachable(mode);
    }
  }
}

/** Music and a notice now and then until the host comes (R9). */
async function wait(seat: Seat, place: WaitingPlace, hostLeft: boolean): Promise<SeatMode> {
  const { metrics } = seat.context.parts;
  seat.disconnect();
  seat.tenancy.hold({ kind: 'waiting', place });
  const notice = {
    phrases: ['please-continue-to-hold'] as const,
    everyMs: seat.settings.noticeEveryMs,
  };
  const first = hostLeft
    ? (['host-has-left', 'waiting-for-host'] as const)
    : (['waiting-for-host'] as const);
  seat.speak({ background: 'music', notice }, first);
  metrics.waiting.add(1);
  try {
    for (;;) {
      const event = await seat.next();
      if (event.kind === 'left') return await leave(seat);
      if (event.kind !== 'command') continue;
      if (event.command.kind === 'wait') {
        seat.tenancy.hold({ kind: 'waiting', place: event.command });
        event.answer(DONE);
        continue;
      }
      const next = await obey(seat, event, (to) => join(seat, to, 'host-arrived'));
      if (next !== undefined) return next;
    }
  } finally {
    metrics.waiting.add(-1);
  }
}

/**
 * Carries out a command and answers it. Undefined: the caller stays where he is. A `place` is answered
 * when the caller is over: until then the room that he leaves must not let him go.
 */
export async function obey(
  seat: Seat,
  { command, answer }: PendingCommand,
  placeHim: (place: PlaceInConference) => Promise<SeatMode | undefined>,
): Promise<SeatMode | undefined> {
  if (command.kind === 'place') {
    const next = await placeHim(command.place);
    answer(next?.kind === 'reconnecting' ? NOT_REACHED : DONE);
    return next;
  }
  answer(DONE);
  switch (command.kind) {
    case 'wait':
      return { kind: 'waiting', place: command, hostLeft: true };
    case 'release':
      return await released(seat, command);
    case 'announce':
      seat.announce(command);
      return undefined;
    case 'dial':
    case 'hang-up':
      // For the VRU, which has carried them out.
      return undefined;
  }
}

/** We go on trying by ourselves; whoever sent the command may repeat it too. */
const NOT_REACHED = fail(new MediaError('transport-failed', 'the mixer was not reached'));

/**
 * Make before break: what the caller hears now goes on until the mixer's audio is there, then the
 * route is switched at one tick (R10).
 */
export async function join(
  seat: Seat,
  place: PlaceInConference,
  arrival: Arrival,
): Promise<SeatMode> {
  const { context } = seat;
  const startedMs = context.parts.clock.nowMs();
  seat.tenancy.hold({ kind: 'seated', place });
  const link = await dial(seat, place);
  if (!link.ok) {
    logLink(seat, place, link.error);
    return { kind: 'reconnecting', place, sinceMs: startedMs };
  }
  seated(seat, place, link.value, arrivalWords(place, arrival, seat.settings.announce));
  if (arrival !== 'entry') context.parts.metrics.moves.add();
  await keepSelfMute(seat);
  return { kind: 'seated', place, link: link.value };
}

export function dial(seat: Seat, place: PlaceInConference): Promise<Result<MixerLink, MediaError>> {
  const { context } = seat;
  return context.parts.links({
    near: context.leg,
    codec: context.codec(),
    place,
    signal: context.signal,
  });
}

export function logLink(seat: Seat, place: PlaceInConference, error: MediaError): void {
  const { log } = seat.context;
  const { conferenceId, mixerId } = place;
  log.warn(
    { conferenceId, mixerId, error: error.code, detail: error.message },
    'mixer not reached',
  );
}

function seated(
  seat: Seat,
  place: PlaceInConference,
  link: MixerLink,
  words: ReturnType<typeof arrivalWords>,
): void {
  seat.connect(place, link);
  if (seat.held && seat.wasIn !== place.conferenceId) seat.held = false;
  seat.wasIn = place.conferenceId;
  seat.speak(seat.held ? { background: 'music' } : { mixed: true }, words);
  const { conferenceId, mixerId, ordinal } = place;
  seat.context.log.info({ conferenceId, mixerId, ordinal }, 'in conference');
}

/** A room of its own comes with a mute state of its own; the caller's wish goes with the caller. */
async function keepSelfMute(seat: Seat): Promise<void> {
  if (!seat.keypadState.selfMuted) return;
  const reply = await seat.control({ kind: 'mute-self', muted: true });
  if (!reply.ok) seat.context.log.warn({ error: reply.error.code }, 'self-mute was lost');
}

/** In the conference. */
async function sit(seat: Seat, place: PlaceInConference, link: MixerLink): Promise<SeatMode> {
  for (;;) {
    const event = await seat.next();
    if (event.kind === 'left') return await leave(seat);
    if (event.kind === 'link-lost') {
      if (event.link !== link) continue;
      seat.context.log.warn({ conferenceId: place.conferenceId, how: event.how }, 'mixer lost');
      return { kind: 'reconnecting', place, sinceMs: seat.context.parts.clock.nowMs() };
    }
    if (event.kind === 'dial') return { kind: 'consulting', place, link, number: event.number };
    if (event.kind === 'consult') seat.voice?.interrupt(['error-tone']);
    if (event.kind !== 'command') continue;
    const next = await obey(seat, event, async (to) =>
      samePlace(place, to)
        ? undefined
        : await join(seat, to, place.temporary ? 'host-arrived' : 'moved'),
    );
    if (next !== undefined) return next;
  }
}

function samePlace(left: PlaceInConference, right: PlaceInConference): boolean {
  return (
    left.conferenceId === right.conferenceId &&
    left.confereeId === right.confereeId &&
    left.mixerId === right.mixerId &&
    left.mixerAddress === right.mixerAddress
  );
}

/** The mixer is gone and the caller still there: a tone, and back in with the same ordinal. */
async function reconnect(seat: Seat, place: PlaceInConference, sinceMs: number): Promise<SeatMode> {
  const { clock, metrics, settings } = seat.context.parts;
  seat.disconnect();
  const notice = { phrases: ['reconnecting'] as const, everyMs: 4_000 };
  seat.speak({ background: 'hold-tone', notice }, []);
  const attempts = startAttempts(seat, place);
  try {
    for (;;) {
      const event = await seat.next();
      if (event.kind === 'left') return await leave(seat);
      if (event.kind === 'attempt') {
        const { outcome, run } = event;
        if (run !== attempts.run) continue;
        metrics.reconnects.add(1, { outcome: outcome.kind });
        switch (outcome.kind) {
          case 'back':
            attempts.handedOver();
            metrics.reconnectSeconds.observe((clock.nowMs() - sinceMs) / 1_000);
            seated(seat, outcome.place, outcome.link, []);
            return { kind: 'seated', place: outcome.place, link: outcome.link };
          case 'waiting':
            return { kind: 'waiting', place: outcome.place, hostLeft: true };
          case 'refused':
            return await notTakenBack(seat, outcome.reason, settings.mixerLink.explanationMs);
          case 'given-up':
            return await givenUp(seat);
        }
      }
      if (event.kind !== 'command') continue;
      const next = await obey(seat, event, (to) => {
        attempts.cancel();
        return placedAgain(seat, place, to, sinceMs);
      });
      if (next !== undefined) return next;
    }
  } finally {
    attempts.cancel();
  }
}

/** The service noticed the loss too, and was quicker than we. */
async function placedAgain(
  seat: Seat,
  lost: PlaceInConference,
  place: PlaceInConference,
  sinceMs: number,
): Promise<SeatMode> {
  const { clock, metrics } = seat.context.parts;
  const next = await join(seat, place, lost.temporary ? 'host-arrived' : 'moved');
  if (next.kind === 'reconnecting') return { ...next, sinceMs };
  metrics.reconnects.add(1, { outcome: 'placed' });
  metrics.reconnectSeconds.observe((clock.nowMs() - sinceMs) / 1_000);
  return next;
}

/** A removed conferee's mixer says BYE at once; the command that explains it may be a little later. */
async function notTakenBack(seat: Seat, reason: Refusal, explanationMs: number): Promise<SeatMode> {
  const pending = await seat.commandWithin(explanationMs);
  const next =
    pending === undefined
      ? undefined
      : await obey(seat, pending, (place) => join(seat, place, 'moved'));
  if (next !== undefined) return next;
  return over('lost', await spoken(seat, () => refuse(seat.context, reason)));
}

async function givenUp(seat: Seat): Promise<SeatMode> {
  const end = await spoken(seat, async (): Promise<FlowEnd> => {
    await say(seat.context, ['reconnect-failed', 'goodbye']);
    return { kind: 'hang-up', reason: 'reconnect-failed' };
  });
  return over('lost', end);
}

export async function leave(seat: Seat): Promise<SeatMode> {
  const end = await spoken(seat, async (): Promise<FlowEnd> => {
    // Given back before the goodbye: the others need not wait for our prompt.
    await within(seat.context.signal, seat.tenancy.giveBack('key'));
    await say(seat.context, ['you-have-left', 'goodbye']);
    return { kind: 'hang-up', reason: 'left' };
  });
  return over('key', end);
}

async function released(
  seat: Seat,
  command: Extract<VruCommand, { kind: 'release' }>,
): Promise<SeatMode> {
  const end = await spoken(seat, () => release(seat.context, command.why));
  return over(command.why === 'deleted' ? 'deleted' : 'ended', end);
}

/** The last words are heard instead of the conference, and nothing else is said meanwhile. */
async function spoken(seat: Seat, words: () => Promise<FlowEnd>): Promise<FlowEnd> {
  seat.hush();
  seat.disconnect();
  return await words();
}

function over(why: Over['why'], end: FlowEnd): SeatMode {
  return { kind: 'over', end, why };
}
