/**
 * Cancelling of flows. Whatever a flow awaits, it awaits through `within(signal, …)`, so a hang-up
 * ends the flow at that line and its `finally` blocks give back what it holds.
 */
import type { Clock } from '../common/clock.ts';

/** Unwinds a flow whose call (or part of a call) is over. Not a failure. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';

  constructor() {
    super('the call is over');
  }
}

/** The promise's outcome, or Cancelled as soon as the signal says so. */
export function within<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(new Cancelled());
    if (signal.aborted) {
      // The outcome is nobody's any more, but a rejection must not become an unhandled one.
      promise.catch(() => undefined);
      onAbort();
      return;
    }
    signal.addEventListener('abort', onAbort, { once: true });
    const settled = (): void => signal.removeEventListener('abort', onAbort);
    promise.then(
      (value) => {
        settled();
        resolve(value);
      },
      (error: unknown) => {
        settled();
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}

/** Resolves after the delay, or is Cancelled; leaves no timer behind. */
export function pause(clock: Clock, signal: AbortSignal, delayMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      timer.cancel();
      reject(new Cancelled());
    };
    const timer = clock.after(delayMs, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** A part of a call that can end before the call does. */
export interface Scope {
  readonly signal: AbortSignal;
  /** Idempotent. Also called when the outer scope ends. */
  readonly cancel: () => void;
}

export function innerScope(outer: AbortSignal): Scope {
  const controller = new AbortController();
  const cancel = (): void => {
    outer.removeEventListener('abort', cancel);
    controller.abort();
  };
  if (outer.aborted) controller.abort();
  else outer.addEventListener('abort', cancel, { once: true });
  return { signal: controller.signal, cancel };
}

/** A promise that is settled from outside. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  /** The first value counts. */
  readonly resolve: (value: T) => void;
}

export function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
}
