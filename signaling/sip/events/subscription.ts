/** One subscription of the notifier's side: runs subscription-table.ts, owns its dialog, timers and source. */
import type { Timer } from '../../../common/clock.ts';
import { Machine } from '../../../common/fsm.ts';
import type { Logger } from '../../../common/log.ts';
import {
  type Dialog,
  nextHop,
  receiveInDialog,
  refreshTarget,
  requestInDialog,
} from '../dialog.ts';
import { formatEvent, parseRetryAfter } from '../fields.ts';
import type { ResponseOptions, SipResponse } from '../message.ts';
import type { SessionContext } from '../session/context.ts';
import { targetsInDialog } from '../session/reach.ts';
import { type Refused, unsupportedOptions } from '../session/request-checks.ts';
import { answer, markedContact } from '../session/responses.ts';
import type { Flow, ServerTransaction } from '../transaction/transaction-user.ts';
import type { EventPackage, EventSource, Extent, SourceEnd } from './event-package.ts';
import type { NotifierMetrics } from './notifier-metrics.ts';
import { type Lifetimes, readSubscribe, type Subscribe } from './subscribe-request.ts';
import {
  SUBSCRIPTION,
  type SubscriptionEffect,
  type SubscriptionEvent,
  type SubscriptionState,
} from './subscription-table.ts';

export interface SubscriptionOptions {
  readonly context: SessionContext;
  readonly metrics: NotifierMetrics;
  readonly packages: readonly EventPackage[];
  readonly lifetimes: Lifetimes;
  readonly dialog: Dialog;
  readonly flow: Flow;
  readonly source: EventSource;
  /** For the log. */
  readonly who: string;
  readonly onOver: () => void;
}

/** Why it ends (RFC 6665 section 4.1.3) and what the last document is. */
interface Ending {
  readonly reason: 'timeout' | 'noresource' | 'rejected' | 'deactivated' | 'probation';
  readonly retryAfterS?: number;
  readonly content: 'full' | 'farewell' | 'none';
}

const ENDINGS: Readonly<Record<SourceEnd, Ending>> = {
  gone: { reason: 'noresource', content: 'farewell' },
  rejected: { reason: 'rejected', content: 'none' },
  moved: { reason: 'deactivated', content: 'none' },
};
/** A subscriber may not make us wait for longer: its state would be stale for good. */
const MAX_PAUSE_S = 60;

export class Subscription {
  readonly #options: SubscriptionOptions;
  readonly #log: Logger;
  readonly #contact: string;
  readonly #machine: Machine<SubscriptionState, SubscriptionEvent, SubscriptionEffect>;
  readonly #first: Subscribe;
  #dialog: Dialog;
  /** The SUBSCRIBE that is being answered. */
  #asking: ServerTransaction | undefined;
  #granted = false;
  #grantedS = 0;
  #expiresAtMs = 0;
  #ending: Ending | undefined;
  #expiry: Timer | undefined;
  #rest: Timer | undefined;
  #more = false;
  #done: (() => void) | undefined;
  #over = false;
  #counted = 'failed';

  constructor(options: SubscriptionOptions, first: Subscribe) {
    const { context, flow, source, dialog } = options;
    this.#options = options;
    this.#first = first;
    this.#dialog = dialog;
    const event = formatEvent(first.event);
    this.#log = context.log.child({ subscription: dialog.callId, event, subscriber: options.who });
    const contact = context.contactFor(flow.transport, flow.remoteAddress);
    this.#contact = markedContact(contact, source.contact);
    this.#machine = new Machine({
      table: SUBSCRIPTION,
      initial: 'new',
      run: (effect) => this.#run(effect),
      onTransition: (from, { type }, to, verdict) => {
        if (verdict === 'illegal') context.metrics.illegal('subscription');
        this.#log.trace({ machine: 'subscription', from, event: type, to, verdict }, 'sip');
      },
    });
    options.metrics.started(first.event.name);
  }

  /** Answers the SUBSCRIBE that made it, and tells the state. */
  begin(transaction: ServerTransaction): void {
    this.#log.info({ expiresS: this.#first.expiresS }, 'subscribed');
    this.#ask(transaction, this.#first.expiresS);
    if (this.#over) return;
    this.#options.source.watch({
      onNews: () => this.#machine.send({ type: 'news' }),
      onEnd: (why) => this.#end(ENDINGS[why]),
    });
  }

  /** A request of the subscriber within its dialog. */
  onRequest(transaction: ServerTransaction): void {
    const { status, ...options } = this.#take(transaction) ?? {};
    // A SUBSCRIBE that is right is answered by what comes of it.
    if (status !== undefined) this.#respond(transaction, status, options);
  }

  #take(transaction: ServerTransaction): Refused | undefined {
    const { request } = transaction;
    const { capabilities } = this.#options.context;
    const received = receiveInDialog(this.#dialog, request);
    if (!received.ok) return { status: 500 };
    const lacking = unsupportedOptions(request, capabilities);
    if (lacking.length > 0) {
      return { status: 420, headers: [['Unsupported', lacking.join(', ')]] };
    }
    this.#dialog = received.value;
    switch (request.method) {
      case 'SUBSCRIBE':
        return this.#onSubscribe(transaction);
      case 'OPTIONS':
        return { status: 200, headers: capabilities.fields };
      case 'BYE':
      case 'INFO':
      case 'UPDATE':
      case 'PRACK':
        // There is no session in this dialog.
        return { status: 481 };
      case 'INVITE':
        // RFC 6665 section 4.5.2: no other usage joins the dialog.
        return { status: 403, reasonPhrase: 'Call outside of this dialog' };
      default:
        return { status: 405, headers: [['Allow', capabilities.allow]] };
    }
  }

  /** We go away; resolves when the subscriber knows, or is known not to answer. */
  stop(retryAfterS: number): Promise<void> {
    if (this.#over) return Promise.resolve();
    const done = new Promise<void>((resolve) => {
      this.#done = resolve;
    });
    this.#end({ reason: 'probation', retryAfterS, content: 'none' });
    return done;
  }

  abort(): void {
    this.#counted = 'aborted';
    this.#machine.send({ type: 'abort' });
  }

  // ── what comes in ──────────────────────────────────────────────────────────────────────────

  #onSubscribe(transaction: ServerTransaction): Refused | undefined {
    const { packages, lifetimes, metrics } = this.#options;
    const { headers } = transaction.request;
    const asked = readSubscribe(headers, packages, lifetimes);
    if (!asked.ok) {
      metrics.subscribe(asked.error.why);
      return asked.error.answer;
    }
    if (formatEvent(asked.value.event) !== formatEvent(this.#first.event)) {
      // RFC 6665 section 4.5.2: one subscription, one dialog.
      metrics.subscribe('shared-dialog');
      return { status: 403, reasonPhrase: 'Subscribe outside of this dialog' };
    }
    // Section 4.4.1: SUBSCRIBE is a target refresh.
    this.#dialog = refreshTarget(this.#dialog, transaction.request);
    this.#ask(transaction, asked.value.expiresS);
    return undefined;
  }

  #ask(transaction: ServerTransaction, expiresS: number): void {
    this.#asking = transaction;
    if (expiresS === 0) {
      this.#ending ??= { reason: 'timeout', content: 'full' };
    }
    this.#grantedS = expiresS;
    this.#machine.send({ type: expiresS === 0 ? 'unsubscribe' : 'subscribe' });
  }

  #end(ending: Ending): void {
    this.#ending ??= ending;
    this.#machine.send({ type: 'end' });
  }

  // ── effects ────────────────────────────────────────────────────────────────────────────────

  #run(effect: SubscriptionEffect): void {
    const { clock } = this.#options.context;
    switch (effect.type) {
      case 'grant':
        this.#grant();
        break;
      case 'deny':
        this.#deny();
        break;
      case 'notify':
        this.#notify(effect.what);
        break;
      case 'notify-last':
        this.#notifyLast();
        break;
      case 'rest':
      case 'pause': {
        const restMs = effect.type === 'rest' ? this.#first.package.restMs : effect.forMs;
        this.#rest?.cancel();
        this.#rest = clock.after(restMs, () => this.#machine.send({ type: 'rested' }));
        break;
      }
      case 'stop-rest':
        this.#rest?.cancel();
        break;
      case 'finish':
        this.#finish();
        break;
    }
  }

  #grant(): void {
    const { clock } = this.#options.context;
    this.#expiry?.cancel();
    this.#expiresAtMs = clock.nowMs() + this.#grantedS * 1_000;
    if (this.#grantedS > 0) {
      this.#expiry = clock.after(this.#grantedS * 1_000, () =>
        this.#end({ reason: 'timeout', content: 'none' }),
      );
    }
    if (this.#asking === undefined) return;
    this.#options.metrics.subscribe(this.#granted ? 'refreshed' : 'granted');
    this.#granted = true;
    this.#respond(this.#asking, 200, {
      headers: [
        ['Contact', this.#contact],
        // Section 4.2.1.1: never longer than asked for.
        ['Expires', String(this.#grantedS)],
        ...this.#options.context.capabilities.fields,
      ],
    });
    this.#asking = undefined;
  }

  #deny(): void {
    if (this.#asking === undefined) return;
    this.#options.metrics.subscribe('too-late');
    this.#respond(this.#asking, 481);
    this.#asking = undefined;
  }

  #notify(extent: Extent): void {
    const document = this.#options.source.document(extent);
    if (document === undefined) {
      this.#machine.send({ type: 'nothing' });
      return;
    }
    this.#more = document.more;
    const leftMs = this.#expiresAtMs - this.#options.context.clock.nowMs();
    const leftS = Math.max(0, Math.ceil(leftMs / 1_000));
    this.#send(`active;expires=${leftS}`, document.body);
  }

  #notifyLast(): void {
    const { source } = this.#options;
    const { reason, retryAfterS, content } = this.#ending ?? ENDINGS.rejected;
    this.#counted = reason;
    const retry = retryAfterS === undefined ? '' : `;retry-after=${Math.ceil(retryAfterS)}`;
    const body = content === 'farewell' ? source.farewell() : undefined;
    const full = content === 'full' ? source.document('last')?.body : undefined;
    source.close();
    this.#expiry?.cancel();
    this.#more = false;
    this.#send(`terminated;reason=${reason}${retry}`, body ?? full);
  }

  #send(state: string, body: string | undefined): void {
    const { context, flow } = this.#options;
    const next = requestInDialog(this.#dialog, 'NOTIFY', {
      headers: [
        ['Event', formatEvent(this.#first.event)],
        ['Subscription-State', state],
        ['Contact', this.#contact],
        ...context.capabilities.fields,
        ['User-Agent', context.product],
      ],
      ...(body === undefined ? {} : { body, contentType: this.#first.package.contentType }),
    });
    this.#dialog = next.dialog;
    targetsInDialog(context, nextHop(next.dialog), next.dialog, flow, (targets) => {
      if (this.#over) return;
      context.metrics.request('NOTIFY', 'out');
      context.layer.send(next.request, targets, {
        onProvisional: () => undefined,
        onFinal: (response) => this.#onAnswer(response),
        onTimeout: () => this.#onFailure('unanswered', 'no answer to NOTIFY'),
        onTransportError: (error) => this.#onFailure('failed', error.message),
      });
    });
  }

  /** Section 4.2.2: a failure ends the subscription, unless the subscriber says when to try again. */
  #onAnswer(response: SipResponse): void {
    const { context, metrics } = this.#options;
    const { status } = response;
    context.metrics.response(status, 'in');
    const { name } = this.#first.event;
    if (status < 300) {
      metrics.notify(name, 'taken');
      this.#machine.send({ type: 'taken', more: this.#more });
      return;
    }
    const retryAfter = parseRetryAfter(response.headers.get('Retry-After') ?? '');
    if (retryAfter.ok && status !== 481) {
      metrics.notify(name, 'put-off');
      const forMs = Math.min(Math.max(retryAfter.value, 1), MAX_PAUSE_S) * 1_000;
      this.#machine.send({ type: 'put-off', forMs });
      return;
    }
    this.#onFailure('failed', `${status} to NOTIFY`);
  }

  #onFailure(outcome: 'failed' | 'unanswered', why: string): void {
    this.#options.metrics.notify(this.#first.event.name, outcome);
    if (!this.#over) this.#log.info({ why }, 'subscriber gone');
    this.#machine.send({ type: 'failed' });
  }

  #finish(): void {
    this.#over = true;
    this.#expiry?.cancel();
    this.#rest?.cancel();
    this.#options.source.close();
    this.#options.metrics.ended(this.#first.event.name, this.#counted);
    this.#log.info({ reason: this.#counted }, 'subscription over');
    this.#options.onOver();
    this.#done?.();
  }

  #respond(transaction: ServerTransaction, status: number, options: ResponseOptions = {}): void {
    const { context } = this.#options;
    context.metrics.response(status, 'out');
    const toTag = this.#dialog.localTag;
    transaction.respond(
      answer(transaction.request, status, context.product, { ...options, toTag }),
    );
  }
}
