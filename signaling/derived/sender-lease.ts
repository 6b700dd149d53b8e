/**
 * Who sends to one endpoint: of all processes that know it the one that holds `webhook-sender/ID`. The
 * others keep count of what is due, so that whoever takes over goes on where the store says.
 */
import type { Clock, Timer } from '../../common/clock.ts';
import type { Logger } from '../../common/log.ts';
import type { Lease, Store } from '../../common/store/store.ts';

export const WEBHOOK_SENDERS = 'webhook-sender/';

/** After a death nothing is told for so long, and a little more. */
export const SENDER_TTL_MS = 5_000;

export interface SenderLeaseOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly webhook: string;
  /** It is ours now. Nothing may be sent before. */
  readonly onTaken: () => void;
}

export class SenderLease {
  readonly #options: SenderLeaseOptions;
  #lease: Lease | undefined;
  /** Ours for sure until then, however long this process stalls. */
  #untilMs = 0;
  #timer: Timer | undefined;
  #busy: Promise<void> | undefined;
  #closed = false;

  constructor(options: SenderLeaseOptions) {
    this.#options = options;
  }

  get held(): boolean {
    return this.#lease !== undefined && this.#options.clock.nowMs() < this.#untilMs;
  }

  begin(): void {
    if (this.#timer !== undefined || this.#closed) return;
    this.#timer = this.#options.clock.every(SENDER_TTL_MS / 4, () => this.#step());
    this.#step();
  }

  #step(): void {
    this.#busy ??= (this.#lease === undefined ? this.#take() : this.#renew()).finally(() => {
      this.#busy = undefined;
    });
  }

  async #take(): Promise<void> {
    const { store, clock, log, webhook, onTaken } = this.#options;
    const atMs = clock.nowMs();
    const key = `${WEBHOOK_SENDERS}${webhook}`;
    const taken = await store.lease(key, { version: 1 }, SENDER_TTL_MS, { onlyIfFree: true });
    if (!taken.ok) {
      if (taken.error.code !== 'conflict') {
        log.warn({ webhook, errorCode: taken.error.code }, 'the right to send could not be taken');
      }
      return;
    }
    if (this.#closed) return taken.value.release();
    this.#lease = taken.value;
    this.#untilMs = atMs + SENDER_TTL_MS;
    onTaken();
  }

  async #renew(): Promise<void> {
    const { clock, log, webhook } = this.#options;
    const atMs = clock.nowMs();
    const renewed = await this.#lease?.renew({ version: 1 });
    if (renewed === undefined) return;
    if (renewed.ok) {
      this.#untilMs = atMs + SENDER_TTL_MS;
      return;
    }
    if (renewed.error.code !== 'closed') return;
    this.#lease = undefined;
    log.warn({ webhook }, 'the right to send to an endpoint was lost');
  }

  /** Nothing is sent any more: another may at once. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#busy;
    await this.#lease?.release();
    this.#lease = undefined;
  }
}
