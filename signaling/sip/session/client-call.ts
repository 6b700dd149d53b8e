/**
 * An INVITE session of the calling side: drives client-table.ts, sends the INVITE as often as attempts.ts
 * says, and owns the usage of each early dialog (forks) until one 2xx is chosen.
 */
import type { Timer } from '../../../common/clock.ts';
import { MediaError } from '../../../common/errors.ts';
import { Machine } from '../../../common/fsm.ts';
import type { CallId } from '../../../common/ids.ts';
import { fail, ok, type Result } from '../../../common/result.ts';
import { tagOf } from '../fields.ts';
import type { Headers } from '../headers.ts';
import { responseTo, type SipRequest, type SipResponse } from '../message.ts';
import type {
  ClientTransaction,
  Flow,
  ServerTransaction,
  Target,
} from '../transaction/transaction-user.ts';
import { formatTarget } from '../transport/transport.ts';
import type { NameAddress } from '../uri.ts';
import type {
  InviteOptions,
  Session,
  SessionEnd,
  SessionEvents,
  SessionState,
} from '../user-agent.ts';
import { type AttemptPlan, afterFailure, afterResponse, firstAttempt } from './attempts.ts';
import { CallRecord } from './call-record.ts';
import {
  CLIENT_CALL,
  type ClientEffect,
  type ClientEvent,
  type ClientState,
  PUBLIC_CLIENT_STATES,
} from './client-table.ts';
import type { DialogHandler, SessionContext } from './context.ts';
import { byeFields, endByHangUp, endOf } from './ends.ts';
import { Forks } from './forks.ts';
import { onRequestInDialog } from './in-dialog.ts';
import { buildInvite, type InviteIdentity } from './invite-request.ts';
import { createLogin, type Login } from './login.ts';
import { sendInfo } from './own-info.ts';
import type { DialogUsage, UsageOwner } from './usage.ts';

export interface ClientCallOptions extends InviteOptions {
  readonly context: SessionContext;
  readonly identity: InviteIdentity;
  /** Of the outbound proxy; empty: look up the URI. */
  readonly targets: readonly Target[];
  /** What to look up for them: the Request-URI or a proxy. */
  readonly lookUp: string;
  /** Contact before the way is known. */
  readonly contact: string;
  readonly onOver: () => void;
}

/** RFC 3261 section 16.6 item 11, timer C. */
const RING_TIMEOUT_MS = 180_000;
/** Challenges, places and redirects together. */
const MAX_ATTEMPTS = 10;

export class ClientCall implements Session, UsageOwner, DialogHandler {
  readonly direction = 'outgoing';
  readonly id: InviteIdentity['id'];
  readonly remote: NameAddress;
  events: SessionEvents;
  readonly #options: ClientCallOptions;
  readonly #record: CallRecord;
  readonly #context: SessionContext;
  readonly #machine: Machine<ClientState, ClientEvent, ClientEffect>;
  readonly #forks: Forks;
  readonly #login: Login | undefined;
  readonly #offer: Result<string | undefined, MediaError>;
  #plan: AttemptPlan;
  #invite: SipRequest;
  #flow = '';
  #cseq = 0;
  /** Of the INVITE that still has a final response to come. */
  #transaction: ClientTransaction | undefined;
  #success: SipResponse | undefined;
  #ringTimer: Timer | undefined;
  #cancelTimer: Timer | undefined;

  constructor(options: ClientCallOptions) {
    const { identity } = options;
    this.#options = options;
    this.id = identity.id;
    this.remote = { displayName: undefined, uri: options.to, parameters: new Map() };
    this.events = options.events;
    this.#record = new CallRecord({
      context: options.context,
      id: identity.id,
      sipCallId: identity.callId,
      direction: 'outgoing',
      from: identity.from,
      to: options.loggedTo ?? identity.to,
    });
    this.#context = { ...options.context, log: this.#record.log };
    this.#plan = firstAttempt(identity.uri, options.lookUp, options.targets);
    this.#offer = options.lateOffer === true ? ok(undefined) : options.media.createOffer('full');
    this.#invite = this.#build(options.contact);
    const { credentials } = options;
    this.#login = credentials && createLogin(options.context.random, credentials);
    this.#forks = new Forks({
      context: this.#context,
      owner: this,
      media: options.media,
      offered: options.lateOffer !== true,
      login: this.#login,
    });
    this.#machine = new Machine({
      table: CLIENT_CALL,
      initial: 'starting',
      run: (effect) => this.#run(effect),
      onTransition: (from, event, to, verdict) => {
        if (verdict === 'illegal') this.#context.metrics.illegal('client-call');
        this.#record.log.trace(
          { machine: 'client-call', from, event: event.type, to, verdict },
          'sip',
        );
      },
    });
    // Not before the caller has the session in hand.
    this.#context.clock.after(0, () => this.#begin());
  }

  get state(): SessionState {
    return PUBLIC_CLIENT_STATES[this.#machine.state];
  }

  get invite(): SipRequest {
    return this.#invite;
  }

  get flow(): string {
    return this.#flow;
  }

  // ── Session ────────────────────────────────────────────────────────────────────────────────

  ring(): void {}

  progress(): Result<void, MediaError> {
    return notIncoming();
  }

  accept(): Promise<Result<void, MediaError>> {
    return Promise.resolve(notIncoming());
  }

  reject(): void {}

  end(reason?: { readonly q850: number; readonly text: string }): Promise<void> {
    this.#machine.send({
      type: 'hang-up',
      end: endByHangUp(this.#machine.state === 'established', reason),
    });
    return this.#record.over;
  }

  reinvite(): Promise<Result<void, MediaError>> {
    const usage = this.#forks.chosen ?? this.#forks.latest;
    return usage?.modifier.reinvite() ?? Promise.resolve(noDialog());
  }

  info(contentType: string, body: string): Promise<Result<void, MediaError>> {
    const usage = this.#forks.chosen ?? this.#forks.latest;
    if (usage === undefined || this.ended) return Promise.resolve(noDialog());
    return sendInfo(usage, contentType, body);
  }

  // ── UsageOwner and DialogHandler ───────────────────────────────────────────────────────────

  get answered(): boolean {
    return this.#success !== undefined;
  }

  get ended(): boolean {
    return this.#machine.state === 'ended';
  }

  callOf(remoteTag: string): CallId | undefined {
    return this.#forks.find(remoteTag) === undefined ? undefined : this.id;
  }

  onRequest(transaction: ServerTransaction): void {
    const { request } = transaction;
    const usage = this.#forks.find(tagOf(request.headers.get('From')) ?? '');
    if (usage !== undefined) onRequestInDialog(usage, transaction);
    else transaction.respond(responseTo(request, 481));
  }

  onAck(ack: SipRequest): void {
    this.#forks.find(tagOf(ack.headers.get('From')) ?? '')?.onAck(ack);
  }

  onStraySuccess(response: { readonly headers: Headers }): void {
    this.#forks.find(tagOf(response.headers.get('To')) ?? '')?.onStraySuccess(response);
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

  // ── the INVITE ─────────────────────────────────────────────────────────────────────────────

  #build(contact: string): SipRequest {
    const { identity, headers } = this.#options;
    return buildInvite({
      identity,
      contact,
      cseq: Math.max(this.#cseq, 1),
      plan: this.#plan,
      policy: this.#options.context.timerPolicy,
      product: this.#options.context.product,
      capabilities: this.#options.context.capabilities,
      headers: headers ?? [],
      offer: this.#offer.ok ? this.#offer.value : undefined,
    });
  }

  #begin(): void {
    if (this.#machine.state !== 'starting') return;
    if (!this.#offer.ok) {
      const { message, q850 } = this.#offer.error;
      this.#fail({ by: 'media', reason: message, q850, established: false });
    } else this.#attempt(this.#plan);
  }

  #attempt(plan: AttemptPlan): void {
    this.#transaction = undefined;
    this.#plan = plan;
    if (plan.targets.length > 0) {
      this.#send(plan.targets);
      return;
    }
    this.#context.locate(plan.lookUp, (targets, error) => {
      if (this.#plan !== plan || !this.#wanted) return;
      if (targets.length > 0) {
        this.#plan = { ...plan, targets };
        this.#send(targets);
      } else this.#onFailure(error ?? new MediaError('transport-failed', `no way to ${plan.uri}`));
    });
  }

  /** Still to be called, not hung up meanwhile. */
  get #wanted(): boolean {
    const { state } = this.#machine;
    return state === 'starting' || state === 'calling' || state === 'early';
  }

  #send(targets: readonly Target[]): void {
    const target = targets[0];
    if (target === undefined) return;
    this.#cseq += 1;
    this.#plan = { ...this.#plan, sent: this.#plan.sent + 1 };
    const contact = this.#context.contactFor(target.transport, target.remoteAddress);
    const invite = this.#build(contact);
    this.#invite = invite;
    this.#flow = formatTarget(target);
    this.#forks.begin(invite, contact, this.#plan.authorization);
    this.#context.metrics.request('INVITE', 'out');
    const current = (): boolean => this.#invite === invite;
    this.#transaction = this.#context.layer.send(invite, [target], {
      onProvisional: (response, flow) => {
        if (current()) this.#onProvisional(response, flow);
      },
      onFinal: (response, flow) => this.#onFinal(response, flow, current()),
      onTimeout: () => {
        if (current()) this.#onFailure(new MediaError('timeout', 'no response to INVITE'));
      },
      onTransportError: (error) => {
        if (current()) this.#onFailure(error);
      },
    });
    this.#machine.send({ type: 'sent' });
  }

  #onProvisional(response: SipResponse, flow: Flow): void {
    if (response.status === 100 || !this.#wanted) return;
    this.#context.metrics.response(response.status, 'in');
    this.#machine.send({ type: 'provisional' });
    const hasEarlyMedia = this.#forks.onProvisional(response, flow);
    if (this.#wanted) this.events.onProgress?.(response.status, hasEarlyMedia);
  }

  #onFinal(response: SipResponse, flow: Flow, current: boolean): void {
    if (response.status >= 300) {
      if (current) this.#onRefused(response);
      return;
    }
    // Sections 13.2.2.4 and 15: one 2xx is the call; others, and those that come too late, are ended.
    if (this.#forks.repeatAck(response)) return;
    this.#context.metrics.response(response.status, 'in');
    const { state } = this.#machine;
    if (!current || this.#success !== undefined || state === 'ended') {
      this.#forks.dismiss(response, flow);
      return;
    }
    this.#success = response;
    this.#forks.choose(response, flow);
    this.#machine.send({ type: 'success' });
  }

  #onRefused(response: SipResponse): void {
    this.#context.metrics.response(response.status, 'in');
    const limits = { redirects: this.#options.followRedirects ?? 0, attempts: MAX_ATTEMPTS };
    const plan = this.#wanted
      ? afterResponse(this.#plan, response, limits, (challenge) =>
          this.#login?.answer(this.#invite, challenge),
        )
      : undefined;
    if (plan !== undefined) {
      this.#forks.forget();
      this.#attempt(plan);
      return;
    }
    const { status, reasonPhrase } = response;
    this.#fail({ reason: reasonPhrase, ...endOf(response, false), status });
  }

  /** Section 8.1.3.1: a time-out is a 408, a broken link a 503. */
  #onFailure(error: MediaError): void {
    const limits = { redirects: this.#options.followRedirects ?? 0, attempts: MAX_ATTEMPTS };
    const plan = this.#wanted ? afterFailure(this.#plan, limits) : undefined;
    if (plan !== undefined) {
      this.#attempt(plan);
      return;
    }
    const by = error.code === 'timeout' ? 'timeout' : 'transport';
    const { sipStatus: status, q850, message: reason } = error;
    this.#fail({ by, status, reason, q850, established: false });
  }

  #fail(end: SessionEnd): void {
    this.#machine.send({ type: 'failed', end });
  }

  // ── effects ────────────────────────────────────────────────────────────────────────────────

  #run(effect: ClientEffect): void {
    const { clock, timers } = this.#context;
    const usage = this.#forks.chosen;
    switch (effect.type) {
      case 'start-ring-timer':
        this.#ringTimer = clock.after(this.#options.ringTimeoutMs ?? RING_TIMEOUT_MS, () =>
          this.#machine.send({
            type: 'ring-timeout',
            end: { by: 'timeout', reason: 'no answer', q850: 19, established: false },
          }),
        );
        break;
      case 'stop-timers':
        this.#ringTimer?.cancel();
        this.#cancelTimer?.cancel();
        break;
      case 'cancel':
        // Between two attempts there is nothing to cancel, and nothing to wait for.
        if (this.#transaction === undefined) this.#machine.send({ type: 'cancel-timeout' });
        else this.#transaction.cancel(byeFields(this.#record.reason));
        break;
      case 'start-cancel-timer':
        this.#cancelTimer = clock.after(64 * timers.t1Ms, () =>
          this.#machine.send({ type: 'cancel-timeout' }),
        );
        break;
      case 'confirm':
        this.#confirm(usage);
        break;
      case 'acknowledge':
        if (this.#success !== undefined) this.#forks.acknowledge(this.#success);
        break;
      case 'bye':
        usage?.bye(byeFields(this.#record.reason), () => this.#machine.send({ type: 'bye-done' }));
        break;
      case 'because':
        this.#record.because(effect.end);
        break;
      case 'finish':
        this.#finish();
    }
  }

  #confirm(usage: DialogUsage | undefined): void {
    if (usage === undefined || this.#success === undefined) return;
    const result = this.#forks.confirm(usage, this.#success);
    if (!result.ok) {
      const { message, q850 } = result.error;
      this.onBroken({ by: 'media', reason: message, q850, established: false });
      return;
    }
    this.#record.answered();
    this.#record.established();
    this.events.onEstablished?.();
  }

  #finish(): void {
    this.#forks.close();
    this.#options.onOver();
    this.#record.finish(this.events);
  }
}

const notIncoming = (): Result<never, MediaError> =>
  fail(new MediaError('bad-request', 'only an incoming session can be answered'));
const noDialog = (): Result<never, MediaError> =>
  fail(new MediaError('conflict', 'not before the session has a dialog'));
