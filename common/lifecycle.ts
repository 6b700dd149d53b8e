/**
 * Starting and ending of what a process runs: parts are ended in the opposite order of their start,
 * each once, all within a limit. A part that hangs does not keep the others from ending.
 */
import type { Clock, Timer } from './clock.ts';
import type { Logger } from './log.ts';
import type { Role } from './role.ts';

/** A role under the id that operators see, such as `mixer-2`. */
export interface NamedRole {
  readonly id: string;
  readonly role: Role;
}

interface Part {
  readonly name: string;
  readonly stop: () => Promise<void>;
}

/** How often a drain looks whether it is over. */
const DRAIN_LOOK_MS = 200;

export class Lifecycle {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #roles: NamedRole[] = [];
  readonly #parts: Part[] = [];
  #stopping: Promise<boolean> | undefined;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** In the order of their start. */
  get roles(): readonly NamedRole[] {
    return this.#roles;
  }

  addRole(id: string, role: Role): void {
    this.#roles.push({ id, role });
    this.#parts.push({ name: id, stop: () => role.stop() });
  }

  /** Something without health, such as a store or an engine. */
  addPart(name: string, stop: () => Promise<void>): void {
    this.#parts.push({ name, stop });
  }

  /** Takes nothing new; what runs goes on. */
  drain(): void {
    for (const { role } of this.#roles.toReversed()) role.drain();
  }

  /** Calls that still go on in any role. */
  get activity(): number {
    return this.#roles.reduce((sum, { role }) => sum + (role.activity?.() ?? 0), 0);
  }

  /** Until nothing goes on any more, `limitMs` at most. */
  async drained(limitMs: number): Promise<void> {
    const deadlineMs = this.#clock.nowMs() + limitMs;
    while (this.activity > 0) {
      const leftMs = deadlineMs - this.#clock.nowMs();
      if (leftMs <= 0) return;
      await this.#clock.sleep(Math.min(leftMs, DRAIN_LOOK_MS));
    }
  }

  /** Ends everything, last started first. False: not within `limitMs`. Idempotent. */
  stop(limitMs: number): Promise<boolean> {
    this.#stopping ??= this.#stopAll(limitMs);
    return this.#stopping;
  }

  async #stopAll(limitMs: number): Promise<boolean> {
    const deadlineMs = this.#clock.nowMs() + limitMs;
    let clean = true;
    for (const part of this.#parts.toReversed()) {
      const leftMs = Math.max(0, deadlineMs - this.#clock.nowMs());
      let timer: Timer | undefined;
      const expired = new Promise<'expired'>((resolve) => {
        timer = this.#clock.after(leftMs, () => resolve('expired'));
      });
      const outcome = await Promise.race([this.#stopOne(part), expired]);
      timer?.cancel();
      if (outcome === 'expired') {
        this.#log.error({ part: part.name, limitMs }, 'did not end in time');
      }
      clean &&= outcome === 'stopped';
    }
    return clean;
  }

  async #stopOne(part: Part): Promise<'stopped' | 'failed'> {
    try {
      await part.stop();
      return 'stopped';
    } catch (error) {
      this.#log.error({ part: part.name, err: error }, 'failed to end');
      return 'failed';
    }
  }
}
