/**
 * What a worker can still take, from what it does now (R45). Pure. Nothing here is a number of seats: the
 * same worker offers less while the machine is busy with something else.
 *
 * The measurement is of the last ten seconds. Legs that came since are not in it yet, so what counts is
 * what the legs of now will cost, at the price of those that were measured: a burst of joins finds the door
 * shut in time rather than ten seconds later, and what has left makes room at once.
 */

export interface WorkerMeasure {
  /** Share of wall time inside ticks: grows when others take the processor from us. */
  readonly busyShare: number;
  readonly latenessMs: number;
  /** Mean number of legs while that was measured. */
  readonly measuredLegs: number;
  /** Legs now. */
  readonly legs: number;
  /** Memory bound of the worker, for the rare case that it is reached first. */
  readonly freeSlots: number;
}

/** The rest is for bursts, joins and the kernel. */
export const TARGET_SHARE = 0.75;
/**
 * What a leg is taken to cost before enough legs show it: 4 µs a frame. Weighs as much as that many
 * measured legs.
 */
const PRIOR_SHARE = 4e-6 / 20e-3;
const PRIOR_LEGS = 25;
/** Up to here lateness is hidden by every jitter buffer; from the second value on nothing more is taken. */
const GOOD_LATENESS_MS = 2;
const BAD_LATENESS_MS = 12;
/**
 * Lateness speaks against new legs only where legs make it. A worker that hardly does anything is late because
 * something else has the processor: a host that takes it away for 33 ms once a second, and whom to refuse would help
 * nobody who is there. So this much of the target is offered all the same, until ticks are late beyond being made
 * up for (native/engine/run_loop.cc): then what comes in would not be heard well.
 */
const UNBLAMED = 0.1;
const LOST_LATENESS_MS = 60;

export function headroom(measure: WorkerMeasure, targetShare = TARGET_SHARE): number {
  const { legs, measuredLegs } = measure;
  const busyShare = Math.max(0, measure.busyShare);
  const legShare = (busyShare + PRIOR_SHARE * PRIOR_LEGS) / (measuredLegs + PRIOR_LEGS);
  const expected = Math.max(0, busyShare + (legs - measuredLegs) * legShare);
  const fits = (share: number): number => (share - expected) / legShare;
  const { latenessMs } = measure;
  const calm = 1 - (latenessMs - GOOD_LATENESS_MS) / (BAD_LATENESS_MS - GOOD_LATENESS_MS);
  const unblamed = latenessMs < LOST_LATENESS_MS ? fits(UNBLAMED * targetShare) : 0;
  const offered = Math.max(fits(targetShare) * Math.max(0, Math.min(1, calm)), unblamed);
  return Math.max(0, Math.min(Math.floor(offered), measure.freeSlots));
}
