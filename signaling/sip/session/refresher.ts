/** Keeps the time of a session timer (RFC 4028 section 10): refreshes when it is our turn, gives up when nobody did. */
import type { Clock, Timer } from '../../../common/clock.ts';
import { type Agreed, plan } from './session-timer.ts';

export class SessionTimer {
  readonly #clock: Clock;
  readonly #refresh: () => void;
  readonly #expired: () => void;
  #agreed: Agreed | undefined;
  #refreshTimer: Timer | undefined;
  #expiryTimer: Timer | undefined;
  #closed = false;

  constructor(clock: Clock, refresh: () => void, expired: () => void) {
    this.#clock = clock;
    this.#refresh = refresh;
    this.#expired = expired;
  }

  get agreed(): Agreed | undefined {
    return this.#agreed;
  }

  /** After each 2xx to an INVITE or UPDATE; without agreement there is no timer any more. */
  restart(agreed: Agreed | undefined): void {
    this.#stop();
    this.#agreed = agreed;
    if (agreed === undefined || this.#closed) return;
    const { refreshMs, expireMs } = plan(agreed);
    this.#expiryTimer = this.#clock.after(expireMs, this.#expired);
    if (agreed.refresher === 'local') {
      this.#refreshTimer = this.#clock.after(refreshMs, this.#refresh);
    }
  }

  /** The refresh did not work now; once more before the end. */
  refreshLater(delayMs: number): void {
    this.#refreshTimer?.cancel();
    if (this.#closed) return;
    this.#refreshTimer = this.#clock.after(delayMs, this.#refresh);
  }

  /** For good. */
  close(): void {
    this.#closed = true;
    this.#stop();
  }

  #stop(): void {
    this.#refreshTimer?.cancel();
    this.#expiryTimer?.cancel();
  }
}
