/** How signals and faults end the process (docs/closing.md). */
import type { Lifecycle } from './lifecycle.ts';
import type { Logger } from './log.ts';

export const EXIT = {
  stopped: 0,
  /** Could not start, or did not stop in time. */
  failed: 1,
  badConfig: 2,
  /** A fault of the program itself, as BSD's sysexits names it. */
  ourBug: 70,
} as const;

/** A bug that nobody caught: the state may be broken, so the process ends and is restarted. */
export function dieOnBugs(log: Logger): void {
  const die = (what: string) => (error: unknown) => {
    log.fatal({ err: error }, what);
    process.exit(EXIT.ourBug);
  };
  process.on('uncaughtException', die('uncaught exception'));
  process.on('unhandledRejection', die('unhandled rejection'));
}

export interface StopTimes {
  readonly drainMs: number;
  readonly limitMs: number;
}

/** First signal: drain, BYEs, close. Second: at once. */
export function stopOnSignals(lifecycle: Lifecycle, times: StopTimes, log: Logger): void {
  let stopping = false;
  const stop = async (): Promise<void> => {
    lifecycle.drain();
    await lifecycle.drained(times.drainMs);
    const clean = await lifecycle.stop(times.limitMs);
    log.info({ clean }, 'stopped');
    process.exit(clean ? EXIT.stopped : EXIT.failed);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping) {
      log.warn({ signal }, 'second signal; stopping at once');
      process.exit(EXIT.failed);
    }
    stopping = true;
    log.info({ signal, ...times }, 'draining; a second signal stops at once');
    void stop();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}
