import type { Clock, Timer } from './clock.ts';

interface Pending {
  readonly atMs: number;
  readonly order: number;
  readonly fire: () => void;
  readonly periodMs: number | undefined;
}

/**
 * Virtual time for tests: nothing happens until `advance` is called, then every timer that falls
 * due fires in order of its time (ties: in order of creation), with promises settled in between.
 */
export class SimClock implements Clock {
  #nowMs = 0;
  #order = 0;
  #pending = new Set<Pending>();
  readonly #wallOriginMs: number;

  constructor(wallOriginMs = 1_767_225_600_000) {
    this.#wallOriginMs = wallOriginMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wallOriginMs + this.#nowMs;
  }

  after(delayMs: number, fire: () => void): Timer {
    return this.#add(delayMs, fire, undefined);
  }

  every(periodMs: number, fire: () => void): Timer {
    if (!(periodMs > 0)) throw new RangeError(`periodMs must be above 0, got ${periodMs}`);
    return this.#add(periodMs, fire, periodMs);
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(delayMs, resolve);
    });
  }

  /** How many timers wait; a finished machine must leave none. */
  get timerCount(): number {
    return this.#pending.size;
  }

  /** Moves time on by `durationMs`, firing what falls due. */
  async advance(durationMs: number): Promise<void> {
    const untilMs = this.#nowMs + durationMs;
    await settle();
    for (;;) {
      const next = this.#earliest(untilMs);
      if (next === undefined) break;
      this.#nowMs = next.atMs;
      this.#pending.delete(next);
      if (next.periodMs !== undefined) {
        this.#pending.add({ ...next, atMs: next.atMs + next.periodMs, order: this.#order++ });
      }
      next.fire();
      await settle();
    }
    this.#nowMs = untilMs;
  }

  #earliest(untilMs: number): Pending | undefined {
    let best: Pending | undefined;
    for (const candidate of this.#pending) {
      if (candidate.atMs > untilMs) continue;
      if (
        best === undefined ||
        candidate.atMs < best.atMs ||
        (candidate.atMs === best.atMs && candidate.order < best.order)
      ) {
        best = candidate;
      }
    }
    return best;
  }

  #add(delayMs: number, fire: () => void, periodMs: number | undefined): Timer {
    // The timer is found again by its order number, as a repeating one is replaced when it fires.
    const identity = { cancelled: false };
    const entry: Pending = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      order: this.#order++,
      fire: () => {
        if (!identity.cancelled) fire();
      },
      periodMs,
    };
    this.#pending.add(entry);
    return {
      cancel: () => {
        identity.cancelled = true;
        for (const candidate of this.#pending) {
          if (candidate.fire === entry.fire) this.#pending.delete(candidate);
        }
      },
    };
  }
}

/** Lets every promise that is ready run its continuations. */
async function settle(): Promise<void> {
  for (let round = 0; round < 8; round++) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}
