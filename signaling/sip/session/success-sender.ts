/**
 * Repeats a 2xx to an INVITE until its ACK is here (RFC 3261 section 13.3.1.4): from T1 doubling to T2,
 * over any transport, for 64*T1. The transaction layer does not: a 2xx is end to end.
 */
import type { Clock, Timer } from '../../../common/clock.ts';
import type { SipResponse } from '../message.ts';
import type { TimerValues } from '../transaction/timers.ts';
import type { ServerTransaction } from '../transaction/transaction-user.ts';

export interface SuccessSender {
  /** ACK came, or nobody waits any more. Idempotent. */
  stop(): void;
}

export function sendSuccess(
  clock: Clock,
  timers: TimerValues,
  transaction: Pick<ServerTransaction, 'respond'>,
  response: SipResponse,
  onTimeout: () => void,
): SuccessSender {
  let repeat: Timer | undefined;
  const again = (intervalMs: number): void => {
    repeat = clock.after(intervalMs, () => {
      transaction.respond(response);
      again(Math.min(intervalMs * 2, timers.t2Ms));
    });
  };
  const stop = (): void => {
    repeat?.cancel();
    giveUp.cancel();
  };
  const giveUp = clock.after(64 * timers.t1Ms, () => {
    stop();
    onTimeout();
  });
  transaction.respond(response);
  again(timers.t1Ms);
  return { stop };
}
