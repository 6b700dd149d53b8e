/** An INVITE session of the called side: drives server-table.ts, owns the one usage of its dialog. */
import { MediaError } from '../../../common/errors.ts';
import { Machine } from '../../../common/fsm.ts';
import type { CallId } from '../../../common/ids.ts';
import { fail, ok, type Result } from '../../../common/result.ts';
import type { Dialog } from '../dialog.ts';
import type { Headers } from '../headers.ts';
import type { SipRequest } from '../message.ts';
import type { ServerTransaction } from '../transaction/transaction-user.ts';
import { formatTarget } from '../transport/transport.ts';
import type { NameAddress } from '../uri.ts';
import type {
  AcceptOptions,
  RejectOptions,
  Session,
  SessionEnd,
  SessionEvents,
  SessionMedia,
  SessionState,
} from '../user-agent.ts';
import { CallRecord } from './call-record.ts';
import type { DialogHandler, SessionContext } from './context.ts';
import { byeFields, endByHangUp, endByRefusal, endOf } from './ends.ts';
import { onRequestInDialog } from './in-dialog.ts';
import { sendInfo } from './own-info.ts';
import { Provisionals } from './provisionals.ts';
import { answer, markedContact, rejectionFields, rejectionFor } from './responses.ts';
import {
  PUBLIC_SERVER_STATES,
  type Refusal,
  SERVER_CALL,
  type ServerEffect,
  type ServerEvent,
  type ServerState,
} from './server-table.ts';
import type { TimerAnswer } from './session-timer.ts';
import { DialogUsage, type UsageOwner } from './usage.ts';

export interface ServerCallOptions {
  readonly context: SessionContext;
  readonly id: CallId;
  readonly transaction: ServerTransaction;
  readonly dialog: Dialog;
  readonly remote: NameAddress;
  readonly contact: string;
  /** The session description of the INVITE. */
  readonly offer: string | undefined;
  readonly timer: TimerAnswer;
  readonly onOver: () => void;
}

type Accepted = Result<void, MediaError>;

export class ServerCall implements Session, UsageOwner, DialogHandler {
  readonly direction = 'incoming';
  readonly id: CallId;
  readonly invite: SipRequest;
  readonly remote: NameAddress;
  readonly flow: string;
  events: SessionEvents = {};
  readonly #options: ServerCallOptions;
  readonly #usage: DialogUsage;
  readonly #record: CallRecord;
  readonly #machine: Machine<ServerState, ServerEvent, ServerEffect>;
  readonly #provisionals: Provisionals;
  /** Our answer to the INVITE's offer, or our offer, as first sent. */
  #description: string | undefined;
  /** It is in a reliable 1xx: not repeated in the 2xx. */
  #sentReliably = false;
  #acceptHeaders: AcceptOptions['headers'];
  #accepted: ((result: Accepted) => void) | undefined;

  constructor(options: ServerCallOptions) {
    const { context, transaction, dialog, contact, offer } = options;
    this.#options = options;
    this.id = options.id;
    this.invite = transaction.request;
    this.remote = options.remote;
    this.flow = formatTarget(transaction.flow);
    this.#record = new CallRecord({
      context,
      id: options.id,
      sipCallId: dialog.callId,
      direction: 'incoming',
      from: dialog.remote,
      to: this.invite.uri,
    });
    this.#usage = new DialogUsage({
      context: { ...context, log: this.#record.log },
      owner: this,
      dialog,
      flow: transaction.flow,
      contact,
      media: undefined,
      exchange: offer === undefined ? 'none' : 'remote-offer',
      caller: false,
    });
    this.#usage.learn(this.invite.headers);
    this.#provisionals = new Provisionals({
      context,
      transaction,
      usage: this.#usage,
      onUnacknowledged: () =>
        this.onBroken({ by: 'timeout', status: 504, reason: 'no PRACK', established: false }),
      onGiveUp: () =>
        this.#machine.send({
          type: 'hang-up',
          end: {
            by: 'timeout',
            status: 480,
            reason: 'not answered',
            q850: 19,
            established: false,
          },
        }),
    });
    this.#machine = new Machine({
      table: SERVER_CALL,
      initial: 'incoming',
      run: (effect) => this.#run(effect),
      onTransition: (from, event, to, verdict) => {
        if (verdict === 'illegal') context.metrics.illegal('server-call');
        this.#record.log.trace(
          { machine: 'server-call', from, event: event.type, to, verdict },
          'sip',
        );
      },
    });
    transaction.onCancel = (cancel) =>
      this.#machine.send({ type: 'cancelled', end: { ...endOf(cancel, false), status: 487 } });
  }

  get state(): SessionState {
    return PUBLIC_SERVER_STATES[this.#machine.state];
  }

  // ── Session ────────────────────────────────────────────────────────────────────────────────

  ring(): void {
    if (!this.#pending) return;
    // RFC 3262 section 5: the first reliable 1xx to an INVITE without offer must carry ours; there is no
    // media to make it from yet, so the 100 has to do.
    const { reliably } = this.#provisionals;
    if (reliably && this.#options.offer === undefined && this.#description === undefined) return;
    this.#machine.send({ type: 'progress' });
    this.#provisionals.say(180);
  }

  progress(media: SessionMedia): Result<void, MediaError> {
    if (!this.#pending) return fail(new MediaError('closed', 'the INVITE has its final response'));
    const usage = this.#usage;
    const { reliably } = this.#provisionals;
    const weOffer = this.#options.offer === undefined;
    if (weOffer && !reliably) {
      // RFC 3261 section 13.2.1: an offer of ours goes into a reliable message only.
      return fail(new MediaError('no-description', 'the INVITE has no offer'));
    }
    if (usage.media !== undefined && usage.media !== media) return otherMedia();
    const description = this.#describe(media);
    if (!description.ok) return description;
    this.#machine.send({ type: 'progress' });
    if (!reliably) this.#provisionals.say(183, description.value);
    else if (this.#sentReliably) this.#provisionals.say(183);
    else if (this.#provisionals.say(183, description.value, weOffer ? 'offer' : 'answer')) {
      this.#sentReliably = true;
      if (!weOffer) usage.exchangeStep({ type: 'send-answer' });
    } else return fail(new MediaError('overloaded', 'too many 1xx wait for their PRACK'));
    return ok(undefined);
  }

  accept(media: SessionMedia, options: AcceptOptions = {}): Promise<Accepted> {
    if (!this.#pending) {
      return Promise.resolve(fail(new MediaError('closed', 'the INVITE has its final response')));
    }
    if (this.#usage.media !== undefined && this.#usage.media !== media) {
      return Promise.resolve(otherMedia());
    }
    const description = this.#describe(media);
    if (!description.ok) {
      const { error } = description;
      const refusal: Refusal = rejectionFor(error, 'minusone');
      this.#machine.send({
        type: 'reject',
        refusal,
        end: {
          by: 'media',
          status: refusal.status,
          reason: error.message,
          q850: error.q850,
          established: false,
        },
      });
      return Promise.resolve(description);
    }
    this.#acceptHeaders = options.headers;
    this.#usage.contact = markedContact(this.#usage.contact, options.contact);
    return new Promise((resolve) => {
      this.#accepted = resolve;
      this.#machine.send({ type: this.#provisionals.pending ? 'accept-later' : 'accept' });
    });
  }

  reject(status: number, options: RejectOptions = {}): void {
    const final = status >= 300 && status <= 699 ? status : 500;
    const end = endByRefusal(final, options);
    this.#machine.send({ type: 'reject', refusal: { ...options, status: final }, end });
  }

  end(reason?: { readonly q850: number; readonly text: string }): Promise<void> {
    this.#machine.send({
      type: 'hang-up',
      end: endByHangUp(this.#machine.state === 'established', reason),
    });
    return this.#record.over;
  }

  reinvite(): Promise<Result<void, MediaError>> {
    return this.#usage.modifier.reinvite();
  }

  info(contentType: string, body: string): Promise<Result<void, MediaError>> {
    if (this.ended) {
      return Promise.resolve(fail(new MediaError('closed', 'the session is over')));
    }
    return sendInfo(this.#usage, contentType, body);
  }

  // ── UsageOwner and DialogHandler ───────────────────────────────────────────────────────────

  get answered(): boolean {
    return !this.#pending && this.#machine.state !== 'accepting';
  }

  get ended(): boolean {
    return this.#machine.state === 'ended';
  }

  callOf(remoteTag: string): CallId | undefined {
    return this.#usage.dialog.remoteTag === remoteTag ? this.id : undefined;
  }

  onRequest(transaction: ServerTransaction): void {
    onRequestInDialog(this.#usage, transaction);
  }

  onAck(ack: SipRequest): void {
    this.#usage.onAck(ack);
  }

  onStraySuccess(response: { readonly headers: Headers }): void {
    this.#usage.onStraySuccess(response);
  }

  onPeerBye(end: SessionEnd): void {
    this.#machine.send({ type: 'peer-bye', end });
  }

  onBroken(end: SessionEnd): void {
    this.#machine.send({ type: 'broken', end });
  }

  abort(): void {
    this.#machine.send({ type: 'abort', end: { by: 'local', established: this.answered } });
  }

  onGone(end: SessionEnd): void {
    this.#machine.send({ type: 'gone', end });
  }

  onPrack(): void {
    if (this.#machine.state !== 'accepting') return;
    if (!this.#provisionals.pending) this.#machine.send({ type: 'accept' });
  }

  // ── inside ─────────────────────────────────────────────────────────────────────────────────

  get #pending(): boolean {
    return this.#machine.state === 'incoming' || this.#machine.state === 'early';
  }

  /** Our side of the first offer/answer, made once. */
  #describe(media: SessionMedia): Result<string, MediaError> {
    if (this.#description !== undefined) return ok(this.#description);
    const { offer } = this.#options;
    this.#usage.media = media;
    const made = offer === undefined ? this.#usage.makeOffer('full') : media.acceptOffer(offer);
    if (!made.ok) {
      this.#usage.media = undefined;
      return made;
    }
    this.#description = made.value;
    if (offer !== undefined) this.#usage.heard(offer);
    return made;
  }

  #run(effect: ServerEffect): void {
    switch (effect.type) {
      case 'send-success':
        this.#sendSuccess();
        break;
      case 'send-failure':
        this.#sendFailure(effect.refusal);
        break;
      case 'established':
        this.#record.established();
        this.events.onEstablished?.();
        break;
      case 'because':
        this.#record.because(effect.end);
        break;
      case 'bye':
        this.#usage.bye(byeFields(this.#record.reason), () =>
          this.#machine.send({ type: 'bye-done' }),
        );
        break;
      case 'finish':
        this.#finish();
    }
  }

  #finish(): void {
    this.#provisionals.stop();
    this.#usage.close();
    this.#settle(
      fail(
        new MediaError(
          this.#record.reason?.status === 487 ? 'cancelled' : 'closed',
          'the session ended',
        ),
      ),
    );
    this.#options.onOver();
    this.#record.finish(this.events);
  }

  #settle(result: Accepted): void {
    this.#accepted?.(result);
    this.#accepted = undefined;
  }

  #sendFailure(refusal: Refusal): void {
    const { context, transaction } = this.#options;
    this.#provisionals.stop();
    context.metrics.response(refusal.status, 'out');
    transaction.respond(
      answer(this.invite, refusal.status, context.product, {
        toTag: this.#usage.dialog.localTag,
        ...(refusal.reasonPhrase === undefined ? {} : { reasonPhrase: refusal.reasonPhrase }),
        headers: rejectionFields(refusal),
      }),
    );
  }

  #sendSuccess(): void {
    const usage = this.#usage;
    const { context, transaction, offer, timer } = this.#options;
    this.#provisionals.stop();
    const repeat = !this.#sentReliably;
    if (repeat && offer !== undefined) usage.exchangeStep({ type: 'send-answer' });
    const response = answer(this.invite, 200, context.product, {
      toTag: usage.dialog.localTag,
      headers: [...usage.dialogFields, ...timer.fields, ...(this.#acceptHeaders ?? [])],
      ...(repeat && this.#description !== undefined
        ? { contentType: 'application/sdp', body: this.#description }
        : {}),
    });
    usage.dialog = { ...usage.dialog, confirmed: true };
    usage.timer.restart(timer.agreed);
    this.#record.answered();
    usage.answerInvite(transaction, response, repeat && offer === undefined, (result) =>
      this.#onAcknowledged(result),
    );
  }

  #onAcknowledged(result: Accepted): void {
    if (result.ok) {
      this.#machine.send({ type: 'ack' });
      this.#settle(result);
      return;
    }
    const { code, message, q850 } = result.error;
    this.#settle(result);
    const end = { reason: message, q850, established: false } as const;
    if (code === 'timeout')
      this.#machine.send({ type: 'ack-timeout', end: { ...end, by: 'timeout' } });
    else {
      this.#machine.send({ type: 'broken', end: { ...end, by: 'media' } });
      this.#machine.send({ type: 'ack' });
    }
  }
}

const otherMedia = (): Result<never, MediaError> =>
  fail(new MediaError('bad-request', 'progress() began with another media; go on with that one'));
