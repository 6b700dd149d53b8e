/**
 * What of the lateness of ticks is the machine's: the time between due and begin in which an empty loop above the
 * engine on the same processor did not run either, and the time in which the engine makes up for it. The empty loop
 * wakes every 2 ms, so that a stall is noticed up to that much after it began; that part stays with the engine.
 */
import type { WitnessCounts } from './witness.ts';

export interface LateTick {
  readonly dueMs: number;
  readonly lateMs: number;
}

type Stalls = WitnessCounts['stalls'];

/** Ticks are due every 2 ms; the next late one belongs to the same burst. */
const SAME_BURST_MS = 3;

/** Milliseconds between two times that stalls cover. Stalls are in order of their end. */
function stalledMs(fromMs: number, toMs: number, stalls: Stalls): number {
  let covered = 0;
  let seen = fromMs;
  for (const [from, to] of stalls) {
    const start = Math.max(from, seen);
    const end = Math.min(to, toMs);
    if (end <= start) continue;
    covered += end - start;
    seen = end;
  }
  return covered;
}

/**
 * Of each late tick, in their order, the milliseconds that are the engine's own. The first of a burst: what no stall
 * covers. The others: as much as the one before, and what was added to it without a stall; a burst that only
 * shrinks is made up for and adds nothing.
 */
export function ownLatenessMs(ticks: readonly LateTick[], stalls: Stalls): readonly number[] {
  let before: LateTick | undefined;
  let own = 0;
  return ticks.map((tick) => {
    const begunMs = tick.dueMs + tick.lateMs;
    if (before === undefined || tick.dueMs - before.dueMs > SAME_BURST_MS) {
      own = tick.lateMs - stalledMs(tick.dueMs, begunMs, stalls);
    } else {
      const since = before.dueMs + before.lateMs;
      own += tick.lateMs - before.lateMs - stalledMs(since, begunMs, stalls);
    }
    own = Math.max(0, own);
    before = tick;
    return own;
  });
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
    const own = ownLatenessMs(this.#ticks.splice(0), stalls);
    return {
      own: own.filter((ms) => ms > 5).length,
      worstOwnMs: own.reduce((worst, ms) => Math.max(worst, ms), 0),
    };
  }
}
