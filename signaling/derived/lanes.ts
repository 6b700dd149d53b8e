/**
 * A bounded number of jobs at once, the rest in order of arrival: what is derived must not fill the
 * queue of the store that entries wait in. The bound of the queue is the caller's.
 */
export class Lanes {
  readonly #width: number;
  readonly #waiting: (() => Promise<void>)[] = [];
  #running = 0;
  readonly #idle: (() => void)[] = [];

  constructor(width: number) {
    this.#width = width;
  }

  /** Jobs that run or wait. */
  get depth(): number {
    return this.#running + this.#waiting.length;
  }

  /** `job` does not reject. */
  run(job: () => Promise<void>): void {
    this.#waiting.push(job);
    this.#next();
  }

  #next(): void {
    if (this.#running >= this.#width) return;
    const job = this.#waiting.shift();
    if (job === undefined) return;
    this.#running += 1;
    void job().finally(() => {
      this.#running -= 1;
      this.#next();
      if (this.depth > 0) return;
      for (const resolve of this.#idle.splice(0)) resolve();
    });
  }

  settled(): Promise<void> {
    if (this.depth === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle.push(resolve);
    });
  }
}
