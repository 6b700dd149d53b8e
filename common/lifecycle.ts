/**
 * Starting and ending of what a process runs: parts are ended in the opposite order of their start,
 * each once, all within a limit. A part that hangs does not keep the others from ending.
 */
import type { Clock } from './clock.ts';
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
      const outcome = await Promise.race([this.#stopOne(part), this.#expire(leftMs)]);
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

  async #expire(delayMs: number): Promise<'expired'> {
    await this.#clock.sleep(delayMs);
    return 'expired';
  }
}
