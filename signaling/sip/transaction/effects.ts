/** What the four tables may ask for, and the timers behind it. */
import type { Clock, Timer } from '../../../common/clock.ts';
import { nextIntervalMs, type TimerName, type TimerValues, timerMs } from './timers.ts';

export type TimerEffect =
  | { readonly type: 'start'; readonly timer: TimerName }
  /** Again after the next, longer interval; `atT2`: after T2. */
  | { readonly type: 'backOff'; readonly timer: TimerName; readonly atT2?: boolean }
  | { readonly type: 'stop'; readonly timer: TimerName };

export const start = (timer: TimerName): TimerEffect => ({ type: 'start', timer });
export const backOff = (timer: TimerName): TimerEffect => ({ type: 'backOff', timer });
export const stop = (timer: TimerName): TimerEffect => ({ type: 'stop', timer });

/** The timers of one transaction. */
export class TimerSet {
  readonly #clock: Clock;
  readonly #values: TimerValues;
  readonly #reliable: boolean;
  readonly #fire: (timer: TimerName) => void;
  readonly #running = new Map<TimerName, Timer>();
  readonly #intervalsMs = new Map<TimerName, number>();

  constructor(
    clock: Clock,
    values: TimerValues,
    reliable: boolean,
    fire: (timer: TimerName) => void,
  ) {
    this.#clock = clock;
    this.#values = values;
    this.#reliable = reliable;
    this.#fire = fire;
  }

  run(effect: TimerEffect): void {
    const { timer } = effect;
    if (effect.type === 'stop') {
      this.#running.get(timer)?.cancel();
      this.#running.delete(timer);
      return;
    }
    const firstMs = timerMs(timer, this.#reliable, this.#values);
    if (firstMs === undefined) return;
    if (effect.type === 'start') this.#arm(timer, firstMs);
    else if (effect.atT2 === true) this.#arm(timer, this.#values.t2Ms);
    else {
      const lastMs = this.#intervalsMs.get(timer) ?? firstMs;
      this.#arm(timer, nextIntervalMs(timer, lastMs, this.#values));
    }
  }

  #arm(timer: TimerName, delayMs: number): void {
    this.#running.get(timer)?.cancel();
    this.#intervalsMs.set(timer, delayMs);
    this.#running.set(
      timer,
      this.#clock.after(delayMs, () => {
        this.#running.delete(timer);
        this.#fire(timer);
      }),
    );
  }

  stopAll(): void {
    for (const timer of this.#running.values()) timer.cancel();
    this.#running.clear();
  }
}
