/** What both kinds of call keep of themselves: why and that it ends, in log, counters and the event. */
import type { CallId } from '../../../common/ids.ts';
import type { Logger } from '../../../common/log.ts';
import type { SessionEnd, SessionEvents } from '../user-agent.ts';
import type { SessionContext } from './context.ts';

export interface CallRecordOptions {
  readonly context: SessionContext;
  readonly id: CallId;
  readonly sipCallId: string;
  readonly direction: 'incoming' | 'outgoing';
  readonly from: string;
  readonly to: string;
}

export class CallRecord {
  readonly log: Logger;
  /** Resolves when the session is over. */
  readonly over: Promise<void>;
  readonly #options: CallRecordOptions;
  readonly #startMs: number;
  #resolve: () => void = () => undefined;
  #end: SessionEnd | undefined;
  #finished = false;

  constructor(options: CallRecordOptions) {
    this.#options = options;
    const { context, id, sipCallId, direction, from, to } = options;
    this.log = context.log.child({ callId: id, sipCallId });
    this.over = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#startMs = context.clock.nowMs();
    context.metrics.sessionStarted(direction);
    this.log.info({ direction, from, to }, 'sip session started');
  }

  /** The first reason is the one that counts. */
  because(end: SessionEnd): void {
    this.#end ??= end;
  }

  /** Why it ends, as far as that is known. */
  get reason(): SessionEnd | undefined {
    return this.#end;
  }

  /** 2xx sent or received. */
  answered(): void {
    this.#options.context.metrics.setup(this.#options.context.clock.nowMs() - this.#startMs);
  }

  established(): void {
    this.log.info({}, 'sip session established');
  }

  finish(events: SessionEvents): void {
    if (this.#finished) return;
    this.#finished = true;
    const end = this.#end ?? { by: 'local', established: false };
    const { context, direction } = this.#options;
    context.metrics.sessionEnded(direction, end);
    const durationMs = Math.round(context.clock.nowMs() - this.#startMs);
    this.log.info({ ...end, durationMs }, 'sip session ended');
    this.#resolve();
    events.onEnded?.(end);
  }
}
