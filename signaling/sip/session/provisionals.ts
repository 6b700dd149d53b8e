/**
 * The 1xx responses of a called side: reliable if the caller requires it (RFC 3262), said again every minute
 * as proxies forget an INVITE without one (RFC 3261 section 13.3.1.1), and an end to waiting for an
 * application that never answers.
 */
import type { Timer } from '../../../common/clock.ts';
import type { ServerTransaction } from '../transaction/transaction-user.ts';
import type { SessionContext } from './context.ts';
import { ReliableProvisionals } from './reliable.ts';
import { answer } from './responses.ts';
import type { DialogUsage } from './usage.ts';

export interface ProvisionalsOptions {
  readonly context: SessionContext;
  readonly transaction: ServerTransaction;
  readonly usage: DialogUsage;
  /** A reliable one was not acknowledged in 64*T1. */
  readonly onUnacknowledged: () => void;
  readonly onGiveUp: () => void;
}

const REPEAT_MS = 60_000;
/** Longer than any caller waits; an application that is silent for so long has lost the call. */
const GIVE_UP_MS = 600_000;

type Field = readonly [name: string, value: string];

export class Provisionals {
  /** RFC 3262 section 3: must if required; when it is only supported we keep to the simpler way. */
  readonly reliably: boolean;
  readonly #options: ProvisionalsOptions;
  readonly #reliable: ReliableProvisionals;
  readonly #giveUp: Timer;
  #repeat: Timer | undefined;

  constructor(options: ProvisionalsOptions) {
    const { context, transaction, usage } = options;
    this.#options = options;
    const required = transaction.request.headers.list('Require');
    this.reliably = required.some((option) => option.toLowerCase() === '100rel');
    this.#reliable = new ReliableProvisionals({
      clock: context.clock,
      random: context.random,
      timers: context.timers,
      inviteCSeq: usage.dialog.remoteCSeq ?? 0,
      send: (response) => transaction.respond(response),
      onTimeout: options.onUnacknowledged,
    });
    // PRACKs come in through the dialog.
    usage.reliable = this.#reliable;
    this.#giveUp = context.clock.after(GIVE_UP_MS, options.onGiveUp);
  }

  /** Something reliable was not acknowledged yet: a 2xx waits. */
  get pending(): boolean {
    return this.#reliable.pending;
  }

  /** `description`: what the SDP is to a caller that acknowledges it. False: too many wait already. */
  say(status: number, sdp?: string, description?: 'offer' | 'answer'): boolean {
    const taken = this.#send(status, sdp, description);
    this.#repeat?.cancel();
    // A description that was acknowledged is not sent twice (RFC 3262 section 5).
    const again = this.reliably ? undefined : sdp;
    this.#repeat = this.#options.context.clock.every(REPEAT_MS, () => {
      this.#send(status, again, undefined);
    });
    return taken;
  }

  #send(
    status: number,
    sdp: string | undefined,
    description: 'offer' | 'answer' | undefined,
  ): boolean {
    const { context, transaction, usage } = this.#options;
    const build = (extra: readonly Field[]) =>
      answer(transaction.request, status, context.product, {
        toTag: usage.dialog.localTag,
        headers: [...usage.dialogFields, ...extra],
        ...(sdp === undefined ? {} : { contentType: 'application/sdp', body: sdp }),
      });
    context.metrics.response(status, 'out');
    if (!this.reliably) {
      transaction.respond(build([]));
      return true;
    }
    const fields = (rseq: number): readonly Field[] => [
      ['Require', '100rel'],
      ['RSeq', String(rseq)],
    ];
    return this.#reliable.send((rseq) => build(fields(rseq)), description);
  }

  /** The final response is due. Idempotent. */
  stop(): void {
    this.#repeat?.cancel();
    this.#giveUp.cancel();
    this.#reliable.stop();
  }
}
