/** What a session is given by its agent: everything outside of itself that it may touch. */
import type { Clock } from '../../../common/clock.ts';
import type { MediaError } from '../../../common/errors.ts';
import type { CallId, Random } from '../../../common/ids.ts';
import type { Logger } from '../../../common/log.ts';
import type { Headers } from '../headers.ts';
import type { SipRequest } from '../message.ts';
import type { TimerValues } from '../transaction/timers.ts';
import type {
  Flow,
  ServerTransaction,
  Target,
  TransactionLayer,
} from '../transaction/transaction-user.ts';
import type { Capabilities } from './capabilities.ts';
import type { SipMetrics } from './metrics.ts';
import type { TimerPolicy } from './session-timer.ts';

/** Takes what comes in for one local tag: a session. */
export interface DialogHandler {
  /** The call, if `remoteTag` is the peer's tag in a dialog of it. */
  callOf(remoteTag: string): CallId | undefined;
  onRequest(transaction: ServerTransaction): void;
  onAck(ack: SipRequest, flow: Flow): void;
  onStraySuccess(response: { readonly headers: Headers }, flow: Flow): void;
  end(): Promise<void>;
  /** The agent stops and cannot wait any longer. */
  abort(): void;
}

export interface SessionContext {
  readonly layer: Pick<TransactionLayer, 'send' | 'sendDirectly'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: SipMetrics;
  readonly timers: TimerValues;
  readonly timerPolicy: TimerPolicy;
  readonly capabilities: Capabilities;
  /** User-Agent and Server header. */
  readonly product: string;
  /** The Contact value that a peer reaches over this transport finds us at. */
  contactFor(transport: Flow['transport'], remoteAddress: string): string;
  /** Calls back at once for IP literals; else once the names are looked up. An empty list: nowhere. */
  locate(uri: string, use: (targets: readonly Target[], error?: MediaError) => void): void;
}
