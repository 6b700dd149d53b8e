/**
 * The engine threads: starts them, picks one for what is new, replaces one that died. Its calls are lost
 * (their owners are told and may bring them back); those on other threads never notice.
 */
import type { Clock, Timer } from '../common/clock.ts';
import { MediaError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { fail, ok, type Result } from '../common/result.ts';
import type { WorkerRecord } from './abi.gen.ts';
import { type HostOptions, type LateTick, WorkerHost } from './worker-host.ts';

/** Waits between attempts to replace a worker: a machine in trouble is not helped by a restart loop. */
const RESTART_FIRST_MS = 100;
const RESTART_LAST_MS = 10_000;
/** Late ticks come in bursts; one line for all of them. */
const LATE_LOG_MS = 10_000;

export class WorkerPool {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #optionsOf: (worker: number) => HostOptions;
  readonly #hosts: (WorkerHost | null)[] = [];
  readonly #restarts = new Map<number, Timer>();
  /** Counters of workers that died, so that totals never go back. */
  readonly #past: WorkerRecord[] = [];
  readonly #onLateTick: (tick: LateTick) => void;
  /** Ticks that are late since the last line of the log. */
  readonly #late = { ticks: 0, worstMs: 0 };
  #lateTimer: Timer | null = null;
  #lost = 0;
  #closed = false;

  constructor(
    clock: Clock,
    log: Logger,
    optionsOf: (worker: number) => HostOptions,
    onLateTick: (tick: LateTick) => void = () => {},
  ) {
    this.#clock = clock;
    this.#log = log;
    this.#optionsOf = optionsOf;
    this.#onLateTick = onLateTick;
  }

  async start(count: number): Promise<Result<void, MediaError>> {
    try {
      await Promise.all(Array.from({ length: count }, (_, worker) => this.#launch(worker)));
      return ok(undefined);
    } catch (cause) {
      await this.close();
      return fail(new MediaError('internal', 'a media thread does not start', { cause }));
    }
  }

  get hosts(): readonly WorkerHost[] {
    return this.#hosts.filter((host) => host !== null);
  }

  get lost(): number {
    return this.#lost;
  }

  /** Live and past records, for totals. */
  records(): readonly WorkerRecord[] {
    return [...this.#past, ...this.hosts.map((host) => host.workerRecord())];
  }

  /** The one with most headroom. */
  pick(): Result<WorkerHost, MediaError> {
    let best: WorkerHost | undefined;
    let most = -1;
    for (const host of this.hosts) {
      const room = host.headroom();
      if (host.legs.freeSlots === 0 || room < most) continue;
      // Among equals the emptier one: before anything is measured all are equal.
      if (room === most && best !== undefined && host.legs.size >= best.legs.size) continue;
      best = host;
      most = room;
    }
    if (best !== undefined) return ok(best);
    return this.hosts.length === 0
      ? fail(new MediaError('engine-lost', 'no media thread is running'))
      : fail(
          new MediaError('engine-full', 'every media thread has as many legs as it has memory for'),
        );
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#restarts.values()) timer.cancel();
    this.#lateTimer?.cancel();
    await Promise.all(this.hosts.map((host) => host.stop()));
  }

  async #launch(worker: number): Promise<void> {
    const host = new WorkerHost(this.#optionsOf(worker), (tick) => this.#noteLateTick(tick));
    await host.start((cause) => this.#onDied(worker, host, cause));
    if (this.#closed) {
      await host.stop();
      return;
    }
    this.#hosts[worker] = host;
  }

  #noteLateTick(tick: LateTick): void {
    this.#onLateTick(tick);
    const late = this.#late;
    late.ticks += 1;
    late.worstMs = Math.max(late.worstMs, tick.lateMs);
    this.#lateTimer ??= this.#clock.after(LATE_LOG_MS, () => {
      this.#lateTimer = null;
      this.#log.warn({ ...late, withinMs: LATE_LOG_MS }, 'mix ticks began late: docs/tuning.md');
      late.ticks = 0;
      late.worstMs = 0;
    });
  }

  #onDied(worker: number, host: WorkerHost, cause: unknown): void {
    if (this.#closed) return;
    this.#lost++;
    this.#hosts[worker] = null;
    this.#past.push(host.workerRecord());
    this.#log.error({ err: cause, worker, legs: host.legs.size }, 'media thread died');
    host.lose(new MediaError('engine-lost', 'the media thread of this call died', { cause }));
    this.#restart(worker, RESTART_FIRST_MS);
  }

  #restart(worker: number, delayMs: number): void {
    const timer = this.#clock.after(delayMs, () => {
      this.#restarts.delete(worker);
      this.#launch(worker).catch((cause: unknown) => {
        this.#log.error({ err: cause, worker }, 'media thread does not start');
        if (!this.#closed) this.#restart(worker, Math.min(delayMs * 2, RESTART_LAST_MS));
      });
    });
    this.#restarts.set(worker, timer);
  }
}
