/**
 * Time as an argument. Everything that waits or measures takes a Clock, so that tests own time
 * (sim-clock.ts) and no test ever sleeps. This file is the only one outside tests that calls the
 * timers of Node.
 */

export interface Timer {
  /** Idempotent; safe after the timer fired. */
  cancel(): void;
}

export interface Clock {
  /** Monotonic time in ms since an arbitrary origin; never goes back. */
  nowMs(): number;
  /** Wall-clock time in ms since 1970-01-01 UTC, for records and logs only. */
  wallMs(): number;
  /** Calls `fire` once, `delayMs` from now. */
  after(delayMs: number, fire: () => void): Timer;
  /** Calls `fire` every `periodMs` until cancelled. */
  every(periodMs: number, fire: () => void): Timer;
  /** Resolves `delayMs` from now. */
  sleep(delayMs: number): Promise<void>;
}

/** More does not fit a timer of Node, which would fire at once instead. */
const LONGEST_MS = 2 ** 31 - 1;

function afterLong(delayMs: number, fire: () => void): Timer {
  let leftMs = delayMs;
  let handle: NodeJS.Timeout;
  const wait = (): void => {
    const nextMs = Math.min(leftMs, LONGEST_MS);
    leftMs -= nextMs;
    handle = setTimeout(leftMs > 0 ? wait : fire, nextMs);
  };
  wait();
  return { cancel: () => clearTimeout(handle) };
}

/** The clock of the machine. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, fire) {
    if (delayMs > LONGEST_MS) return afterLong(delayMs, fire);
    const handle = setTimeout(fire, delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
  every(periodMs, fire) {
    const handle = setInterval(fire, periodMs);
    return { cancel: () => clearInterval(handle) };
  },
  sleep: (delayMs) =>
    new Promise((resolve) => {
      systemClock.after(delayMs, () => resolve());
    }),
};
