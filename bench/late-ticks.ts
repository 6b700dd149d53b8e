/**
 * What of the lateness of ticks is the machine's: the time between due and begin in which an empty loop above the
 * engine on the same processor did not run either. The empty loop wakes every 2 ms, so that a stall is noticed up
 * to that much after it began; that part stays with the engine.
 */
import type { WitnessCounts } from './witness.ts';

export interface LateTick {
  readonly dueMs: number;
  readonly lateMs: number;
}

type Stalls = WitnessCounts['stalls'];

/** Milliseconds of a tick's lateness that no stall of the machine covers. Stalls are in order and apart. */
export function ownLatenessMs({ dueMs, lateMs }: LateTick, stalls: Stalls): number {
  const begunMs = dueMs + lateMs;
  let machineMs = 0;
  let seenMs = dueMs;
  for (const [from, to] of stalls) {
    const start = Math.max(from, seenMs);
    const end = Math.min(to, begunMs);
    if (end <= start) continue;
    machineMs += end - start;
    seenMs = end;
  }
  return lateMs - machineMs;
}

/** More than fit in a minute of standstill. */
const LIMIT = 100_000;

/** Ticks that began over 5 ms late, until they are judged. */
export class LateTicks {
  #ticks: LateTick[] = [];

  add(tick: LateTick): void {
    if (this.#ticks.length < LIMIT) this.#ticks.push(tick);
  }

  /** How many of those since the last time are over 5 ms late by the engine's own doing, and the worst of them. */
  judge(stalls: Stalls): { readonly own: number; readonly worstOwnMs: number } {
    const own = this.#ticks.splice(0).map((tick) => ownLatenessMs(tick, stalls));
    return {
      own: own.filter((ms) => ms > 5).length,
      worstOwnMs: own.reduce((worst, ms) => Math.max(worst, ms), 0),
    };
  }
}
