import type { PlaceInConference, Refusal } from '../../../signaling/conference/messages.ts';
import type { MixerLink } from '../../mixer-link.ts';
import { Cancelled, innerScope, pause, within } from '../../scope.ts';
import type { AttemptOutcome, Seat } from './seat.ts';

/** Refusals that may be over in a moment: mixers and servers come back. */
const PASSING: ReadonlySet<Refusal> = new Set([
  'no-mixer-of-class',
  'mixers-busy',
  'busy-retry',
  'draining',
  'service-unavailable',
]);

export interface Attempts {
  /** Marks the events of these attempts. */
  readonly run: AbortSignal;
  /** The seat has taken the link of the outcome. */
  handedOver(): void;
  /** Ends trying; a link that nobody took is closed. Idempotent. */
  cancel(): void;
}

/**
 * Tries to get a conferee back into the conference, beside the seat's loop, with growing pauses;
 * posts one outcome to the seat.
 */
export function startAttempts(seat: Seat, lost: PlaceInConference): Attempts {
  const { background } = seat.context.parts;
  const scope = innerScope(seat.context.signal);
  let spare: MixerLink | undefined;
  const cancel = (): void => {
    scope.cancel();
    if (spare !== undefined) background(spare.close());
    spare = undefined;
  };
  attempt(seat, lost, scope.signal).then(
    (outcome) => {
      if (outcome.kind === 'back') spare = outcome.link;
      if (scope.signal.aborted || !seat.post({ kind: 'attempt', run: scope.signal, outcome }))
        cancel();
    },
    (error: unknown) => {
      if (!(error instanceof Cancelled)) seat.post({ kind: 'failed', error });
    },
  );
  return {
    run: scope.signal,
    handedOver: () => {
      spare = undefined;
    },
    cancel,
  };
}

async function attempt(
  seat: Seat,
  lost: PlaceInConference,
  signal: AbortSignal,
): Promise<AttemptOutcome> {
  const { context, tenancy } = seat;
  const { clock, links, settings } = context.parts;
  let place = lost;
  for (const delayMs of settings.mixerLink.retryMs) {
    if (delayMs > 0) await pause(clock, signal, delayMs);
    const reply = await within(signal, tenancy.reEnter(place));
    if (reply.kind === 'wait') return { kind: 'waiting', place: reply };
    if (reply.kind === 'refused') {
      const { reason } = reply;
      context.log.warn({ reason }, 're-entry refused');
      if (PASSING.has(reason)) continue;
      return { kind: 'refused', reason };
    }
    place = reply.place;
    const link = await links({ near: context.leg, codec: context.codec(), place, signal });
    if (link.ok) return { kind: 'back', place, link: link.value };
    const { conferenceId, mixerId } = place;
    context.log.warn({ conferenceId, mixerId, error: link.error.code }, 'mixer not reached');
  }
  return { kind: 'given-up' };
}
