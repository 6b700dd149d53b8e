/**
 * The INVITE usage of one dialog, early or confirmed: sends requests in it, keeps the offer/answer
 * exchange, the session timer, and the 2xx that wait for their ACK. What comes in goes to in-dialog.ts,
 * offers of ours start in modify.ts. Owned by a call (client-call.ts, server-call.ts), which decides
 * when the session begins and ends.
 */
import { MediaError } from '../../../common/errors.ts';
import { step } from '../../../common/fsm.ts';
import { fail, type Result } from '../../../common/result.ts';
import {
  ackInDialog,
  type Dialog,
  type InDialogContent,
  nextHop,
  requestInDialog,
} from '../dialog.ts';
import { parseCSeq } from '../fields.ts';
import type { Headers } from '../headers.ts';
import type { SipRequest, SipResponse } from '../message.ts';
import type { Flow, ServerTransaction } from '../transaction/transaction-user.ts';
import type { SessionEnd, SessionEvents, SessionMedia } from '../user-agent.ts';
import { descriptionOf } from './body.ts';
import type { SessionContext } from './context.ts';
import { EXCHANGE, type ExchangeEvent, type ExchangeState } from './exchange.ts';
import type { Login } from './login.ts';
import { Modifier } from './modify.ts';
import { targetsInDialog } from './reach.ts';
import { SessionTimer } from './refresher.ts';
import type { ReliableProvisionals } from './reliable.ts';
import { dialogFields } from './responses.ts';
import { type SuccessSender, sendSuccess } from './success-sender.ts';

/** The call that a usage belongs to. */
export interface UsageOwner {
  readonly events: SessionEvents;
  /** The initial INVITE has a final response. */
  readonly answered: boolean;
  readonly ended: boolean;
  onPeerBye(end: SessionEnd): void;
  /** Broken by us, a timer or the media: say BYE. */
  onBroken(end: SessionEnd): void;
  /** The peer has no such dialog any more. */
  onGone(end: SessionEnd): void;
  onPrack?(): void;
}

export interface UsageOptions {
  readonly context: SessionContext;
  readonly owner: UsageOwner;
  readonly dialog: Dialog;
  readonly flow: Flow;
  readonly contact: string;
  readonly media: SessionMedia | undefined;
  readonly exchange: ExchangeState;
  /** The Call-ID is ours: decides who waits longer after glare (RFC 3261 section 14.1). */
  readonly caller: boolean;
  readonly login?: Login | undefined;
}

export interface RequestUser {
  onFinal(response: SipResponse): void;
  onFailure(error: MediaError): void;
}

interface AwaitedAck {
  readonly sender: SuccessSender;
  /** The 2xx had our offer. */
  readonly expectsAnswer: boolean;
  readonly done: (result: Result<void, MediaError>) => void;
}

type Field = readonly [name: string, value: string];

/** 2xx that wait for an ACK, and ACKs kept for repetition: more at once is a broken peer. */
const MAX_OPEN_INVITES = 4;

export class DialogUsage {
  readonly context: SessionContext;
  readonly owner: UsageOwner;
  readonly flow: Flow;
  readonly caller: boolean;
  readonly modifier: Modifier;
  readonly timer: SessionTimer;
  readonly #login: Login | undefined;
  readonly #awaited = new Map<number, AwaitedAck>();
  readonly #acks = new Map<number, SipRequest>();
  /** Of ours, for all that makes or moves the dialog. */
  contact: string;
  dialog: Dialog;
  media: SessionMedia | undefined;
  exchange: ExchangeState;
  /** Called side, before the final response. */
  reliable: ReliableProvisionals | undefined;
  /** Of the peer; undefined until it said. */
  allowed: ReadonlySet<string> | undefined;
  #heard: string | undefined;
  #moved = false;
  #closed = false;

  constructor(options: UsageOptions) {
    this.context = options.context;
    this.owner = options.owner;
    this.dialog = options.dialog;
    this.flow = options.flow;
    this.contact = options.contact;
    this.media = options.media;
    this.exchange = options.exchange;
    this.caller = options.caller;
    this.#login = options.login;
    this.modifier = new Modifier(this);
    this.timer = new SessionTimer(
      this.context.clock,
      () => this.modifier.refresh(),
      () =>
        this.owner.onBroken({
          by: 'timeout',
          reason: 'session expired',
          q850: 102,
          established: true,
        }),
    );
  }

  /** Contact, Allow and Supported belong into what makes or moves a dialog. */
  get dialogFields(): readonly Field[] {
    return dialogFields(this.contact, this.context.capabilities);
  }

  /** Remembers what the peer can do, whenever it says so. */
  learn(headers: Headers): void {
    if (headers.has('Allow')) {
      this.allowed = new Set(headers.list('Allow').map((method) => method.toUpperCase()));
    }
  }

  peerAllows(method: string): boolean {
    return this.allowed?.has(method) === true;
  }

  // ── offers and answers ─────────────────────────────────────────────────────────────────────

  exchangeStep(event: ExchangeEvent): void {
    const result = step(EXCHANGE, this.exchange, event);
    if (result.verdict === 'illegal') this.context.metrics.illegal('exchange');
    this.exchange = result.state;
  }

  /** The peer's offer; the value is our answer. */
  takeOffer(offer: string): Result<string, MediaError> {
    const { media } = this;
    if (media === undefined) return fail(new MediaError('not-allowed', 'no media yet'));
    this.exchangeStep({ type: 'receive-offer' });
    const answer = media.acceptOffer(offer);
    this.exchangeStep({ type: answer.ok ? 'send-answer' : 'refused' });
    if (answer.ok) this.heard(offer);
    return answer;
  }

  makeOffer(purpose: 'full' | 'refresh'): Result<string, MediaError> {
    const { media } = this;
    if (media === undefined) return fail(new MediaError('not-allowed', 'no media yet'));
    this.exchangeStep({ type: 'send-offer' });
    const offer = media.createOffer(purpose);
    if (!offer.ok) this.exchangeStep({ type: 'refused' });
    return offer;
  }

  takeAnswer(answer: string | undefined): Result<void, MediaError> {
    const { media } = this;
    if (media === undefined || answer === undefined) {
      this.exchangeStep({ type: 'refused' });
      media?.rollBack();
      return fail(new MediaError('no-description', 'the offer got no answer'));
    }
    this.exchangeStep({ type: 'receive-answer' });
    this.heard(answer);
    return media.acceptAnswer(answer);
  }

  /** Keeps what the peer said last: a refresh says the same again, and the application need not hear. */
  heard(description: string): void {
    this.#moved = this.#heard !== undefined && this.#heard !== description;
    this.#heard = description;
  }

  /** After a description of the peer that it sent of its own accord. */
  tellIfMoved(): void {
    if (this.#moved) this.owner.events.onMediaChanged?.();
  }

  offerRefused(): void {
    this.exchangeStep({ type: 'refused' });
    this.media?.rollBack();
  }

  // ── requests of ours ───────────────────────────────────────────────────────────────────────

  /** Sends; a 401 or 407 is answered. For an INVITE, further 2xx get the same ACK again. */
  request(method: string, content: InDialogContent, user: RequestUser): void {
    this.#send(method, content, user, undefined);
  }

  #send(
    method: string,
    content: InDialogContent,
    user: RequestUser,
    authorization: readonly Field[] | undefined,
  ): void {
    const { context } = this;
    const headers: readonly Field[] = [
      ...(content.headers ?? []),
      ...(authorization ?? []),
      ['User-Agent', context.product],
    ];
    const next = requestInDialog(this.dialog, method, { ...content, headers });
    this.dialog = next.dialog;
    const request = authorization === undefined ? this.#authorized(next.request) : next.request;
    const cseq = next.dialog.localCSeq;
    let finished = false;
    const once = (act: () => void): void => {
      if (finished) return;
      finished = true;
      act();
    };
    const onFinal = (response: SipResponse): void => {
      context.metrics.response(response.status, 'in');
      const retry = this.#login?.answer(request, response);
      if (retry === undefined) user.onFinal(response);
      else this.#send(method, content, user, retry);
    };
    targetsInDialog(context, nextHop(next.dialog), next.dialog, this.flow, (targets) => {
      context.metrics.request(method, 'out');
      context.layer.send(request, targets, {
        onProvisional: () => undefined,
        // Of an INVITE, 2xx that come again come here again.
        onFinal: (response) => (finished ? this.#repeatAck(cseq) : once(() => onFinal(response))),
        onTimeout: () =>
          once(() => user.onFailure(new MediaError('timeout', `no response to ${method}`))),
        onTransportError: (error) => once(() => user.onFailure(error)),
      });
    });
  }

  #authorized(request: SipRequest): SipRequest {
    return this.#login?.apply(request) ?? request;
  }

  /** RFC 3261 section 13.2.2.4; kept, as the 2xx comes again when the ACK is lost. */
  acknowledge(inviteCSeq: number, content: InDialogContent = {}): void {
    const ack = ackInDialog(this.dialog, inviteCSeq, {
      ...content,
      headers: [...(content.headers ?? []), ['User-Agent', this.context.product]],
    });
    this.#acks.set(inviteCSeq, ack);
    if (this.#acks.size > MAX_OPEN_INVITES) {
      for (const oldest of this.#acks.keys()) {
        this.#acks.delete(oldest);
        break;
      }
    }
    this.#repeatAck(inviteCSeq);
  }

  #repeatAck(inviteCSeq: number): void {
    const ack = this.#acks.get(inviteCSeq);
    if (ack === undefined) return;
    targetsInDialog(this.context, nextHop(this.dialog), this.dialog, this.flow, (targets) => {
      const target = targets[0];
      if (target !== undefined) this.context.layer.sendDirectly(ack, target);
    });
  }

  /** This 2xx is one that comes again. */
  hasAcknowledged(response: { readonly headers: Headers }): boolean {
    const cseq = parseCSeq(response.headers.get('CSeq') ?? '');
    return cseq.ok && this.#acks.has(cseq.value.number);
  }

  /** A 2xx after its transaction was gone. */
  onStraySuccess(response: { readonly headers: Headers }): void {
    const cseq = parseCSeq(response.headers.get('CSeq') ?? '');
    if (cseq.ok) this.#repeatAck(cseq.value.number);
  }

  // ── 2xx of ours ────────────────────────────────────────────────────────────────────────────

  /** False: too many 2xx wait for their ACK already. */
  get mayAnswerInvite(): boolean {
    return this.#awaited.size < MAX_OPEN_INVITES;
  }

  /** Sends a 2xx to an INVITE until `done`; with `expectsAnswer` the ACK must bring one. */
  answerInvite(
    transaction: ServerTransaction,
    response: SipResponse,
    expectsAnswer: boolean,
    done: AwaitedAck['done'],
  ): void {
    const cseq = parseCSeq(transaction.request.headers.get('CSeq') ?? '');
    const number = cseq.ok ? cseq.value.number : 0;
    const { clock, timers, metrics } = this.context;
    metrics.response(response.status, 'out');
    const sender = sendSuccess(clock, timers, transaction, response, () => {
      this.#awaited.delete(number);
      done(fail(new MediaError('timeout', 'no ACK for our 200')));
    });
    this.#awaited.set(number, { sender, expectsAnswer, done });
  }

  onAck(ack: SipRequest): void {
    const cseq = parseCSeq(ack.headers.get('CSeq') ?? '');
    const number = cseq.ok ? cseq.value.number : -1;
    const awaited = this.#awaited.get(number);
    if (awaited === undefined) return;
    this.#awaited.delete(number);
    awaited.sender.stop();
    const description = awaited.expectsAnswer ? descriptionOf(ack) : undefined;
    const result: Result<void, MediaError> =
      description === undefined
        ? { ok: true, value: undefined }
        : this.takeAnswer(description.ok ? description.value : undefined);
    awaited.done(result);
    if (description !== undefined && result.ok) this.tellIfMoved();
    this.modifier.wake();
  }

  /** An INVITE of the peer has a 2xx without ACK: we start none of our own (RFC 3261 section 14.1). */
  get awaitsAck(): boolean {
    return this.#awaited.size > 0;
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────

  bye(headers: readonly Field[], done: () => void): void {
    this.close();
    this.request('BYE', { headers }, { onFinal: done, onFailure: done });
  }

  /** BYE was sent or received: for us the session is over (RFC 3261 section 15.1.1). */
  get closed(): boolean {
    return this.#closed;
  }

  /** Stops every timer. Answers to late messages still work. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.timer.close();
    this.reliable?.stop();
    this.modifier.close();
    for (const { sender } of this.#awaited.values()) sender.stop();
    this.#awaited.clear();
  }
}
