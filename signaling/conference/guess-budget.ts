/**
 * How many wrong codes strangers may enter: a store of misses that fills again slowly. Whoever forges
 * a new calling number for each call is a stranger every time, so what counts is what they all took.
 */
export interface BudgetLimits {
  /** Misses at once … */
  readonly misses: number;
  /** … and then one more each. */
  readonly refillMs: number;
}

export class GuessBudget {
  readonly #limits: BudgetLimits;
  #left: number;
  #filledAtMs: number;
  #emptySinceMs = Number.POSITIVE_INFINITY;

  constructor(limits: BudgetLimits, nowMs: number) {
    this.#limits = limits;
    this.#left = limits.misses;
    this.#filledAtMs = nowMs;
  }

  /** Since when it has been used up, seen over the whole attack; infinite when all is calm. */
  get attackedSinceMs(): number {
    return this.#emptySinceMs;
  }

  has(nowMs: number): boolean {
    this.#fill(nowMs);
    return this.#left >= 1;
  }

  /** Whether there was anything to take. */
  take(nowMs: number): boolean {
    if (!this.has(nowMs)) return false;
    this.#left -= 1;
    if (this.#left < 1) this.#emptySinceMs = Math.min(this.#emptySinceMs, nowMs);
    return true;
  }

  giveBack(): void {
    this.#left = Math.min(this.#limits.misses, this.#left + 1);
  }

  #fill(nowMs: number): void {
    const { misses, refillMs } = this.#limits;
    this.#left = Math.min(misses, this.#left + (nowMs - this.#filledAtMs) / refillMs);
    this.#filledAtMs = nowMs;
    // Half full again: those who guess have gone.
    if (this.#left >= misses / 2) this.#emptySinceMs = Number.POSITIVE_INFINITY;
  }
}
