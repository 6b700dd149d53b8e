import type { Clock, Timer } from '../common/clock.ts';
import { Cancelled } from './scope.ts';

/**
 * What happened and was not yet looked at, in order, for one reader: the key presses of a call, the
 * commands for it. Bounded: when it is full the newest item is refused and the writer told.
 */
export class Inbox<T> {
  readonly #clock: Clock;
  readonly #limit: number;
  #items: T[] = [];
  #wake: (() => void) | undefined;

  constructor(clock: Clock, limit: number) {
    this.#clock = clock;
    this.#limit = limit;
  }

  get size(): number {
    return this.#items.length;
  }

  /** False when it is full. */
  push(item: T): boolean {
    if (this.#items.length >= this.#limit) return false;
    this.#items.push(item);
    this.#wake?.();
    return true;
  }

  take(): T | undefined {
    return this.#items.shift();
  }

  clear(): void {
    this.#items = [];
  }

  /** Resolves as soon as there is an item, which stays in. One reader at a time. */
  ready(signal: AbortSignal, timeoutMs?: number): Promise<'item' | 'timeout'> {
    if (signal.aborted) return Promise.reject(new Cancelled());
    if (this.#items.length > 0) return Promise.resolve('item');
    return new Promise((resolve, reject) => {
      let timer: Timer | undefined;
      const done = (): void => {
        if (this.#wake === onItem) this.#wake = undefined;
        timer?.cancel();
        signal.removeEventListener('abort', onAbort);
      };
      const onItem = (): void => {
        done();
        resolve('item');
      };
      const onAbort = (): void => {
        done();
        reject(new Cancelled());
      };
      this.#wake = onItem;
      signal.addEventListener('abort', onAbort, { once: true });
      if (timeoutMs === undefined) return;
      timer = this.#clock.after(timeoutMs, () => {
        done();
        resolve('timeout');
      });
    });
  }

  /** The next item, or undefined after the time-out. */
  async next(signal: AbortSignal, timeoutMs?: number): Promise<T | undefined> {
    const ready = await this.ready(signal, timeoutMs);
    return ready === 'item' ? this.#items.shift() : undefined;
  }
}
