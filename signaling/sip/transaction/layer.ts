/**
 * The transaction layer (RFC 3261 section 17): gives each message to the transaction it belongs to, starts
 * one where there is none, and answers by itself what its user must never see: what does not parse, what
 * arrives when the table is full, requests that came on two paths. It knows nothing of dialogs; the
 * user above it does. The four machines are the tables beside this file; start with invite-server.ts.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../../../common/clock.ts';
import type { MediaError } from '../../../common/errors.ts';
import { type Random, randomToken } from '../../../common/ids.ts';
import type { Logger } from '../../../common/log.ts';
import type { Metrics } from '../../../common/metrics.ts';
import { ok, type Result } from '../../../common/result.ts';
import { type Essentials, essentialsOf } from '../essentials.ts';
import {
  type ResponseOptions,
  reasonPhraseOf,
  responseTo,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from '../message.ts';
import type { MessageProblem } from '../problem.ts';
import { serializeMessage } from '../serializer.ts';
import { responseAddress, stampReceived, type Transport } from '../transport/transport.ts';
import { MAGIC_COOKIE, parseVia } from '../via.ts';
import { type ClientOwner, ClientRunner } from './client.ts';
import { createLayerCounters, type LayerCounters } from './counters.ts';
import { clientKey, mergeKey, serverKey } from './matching.ts';
import { type Attempt, attemptsFor, OutgoingRequest } from './outgoing.ts';
import { withVia } from './requests.ts';
import { ServerRunner } from './server.ts';
import { DEFAULT_TIMERS, type TimerValues } from './timers.ts';
import type {
  ClientTransaction,
  ClientTransactionUser,
  Flow,
  Target,
  TransactionLayer,
  TransactionUser,
} from './transaction-user.ts';

export interface TransactionLayerOptions {
  readonly transports: readonly Transport[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly user: TransactionUser;
  readonly timers?: Partial<TimerValues>;
  /**
   * Bound on server and on client transactions each. At 50 calls a second with three legs about 5,000 are
   * open, nearly all waiting out 32 s; each takes a few KB.
   */
  readonly maxTransactions?: number;
  /** In the 503 when the table is full. Default 5. */
  readonly retryAfterS?: number;
  /** A proxy must forward a request that came on two paths; an end answers 482. Default true. */
  readonly rejectMerged?: boolean;
}

export interface RunningTransactionLayer extends TransactionLayer {
  /** Binds the transports. */
  start(): Promise<Result<void, MediaError>>;
  /** Drops every transaction without a word, closes the transports. Idempotent. */
  close(): Promise<void>;
}

const DEFAULT_MAX_TRANSACTIONS = 20_000;

/** 100 random bits (section 8.1.1.7: unique across space and time). */
const BRANCH_LENGTH = 20;

export function createTransactionLayer(options: TransactionLayerOptions): RunningTransactionLayer {
  return new Layer(options);
}

class Layer implements RunningTransactionLayer {
  readonly counts = { inviteClient: 0, nonInviteClient: 0, inviteServer: 0, nonInviteServer: 0 };
  readonly #options: TransactionLayerOptions;
  readonly #timers: TimerValues;
  readonly #limit: number;
  readonly #counters: LayerCounters;
  readonly #clients = new Map<string, ClientRunner>();
  readonly #servers = new Map<string, ServerRunner>();
  /** mergeKey of each open server transaction outside a dialog → its serverKey. */
  readonly #merges = new Map<string, string>();
  #closed = false;

  constructor(options: TransactionLayerOptions) {
    this.#options = options;
    this.#timers = { ...DEFAULT_TIMERS, ...options.timers };
    this.#limit = options.maxTransactions ?? DEFAULT_MAX_TRANSACTIONS;
    this.#counters = createLayerCounters(options.metrics, this.counts);
  }

  async start(): Promise<Result<void, MediaError>> {
    for (const transport of this.#options.transports) {
      const started = await transport.start({
        onMessage: (message, flow) => this.#onMessage(transport, message, flow),
        onProblem: (problem, flow) => this.#onProblem(transport, problem, flow),
      });
      if (!started.ok) {
        await this.close();
        return started;
      }
    }
    return ok(undefined);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const client of this.#clients.values()) client.abandon();
    for (const server of this.#servers.values()) server.abandon();
    this.#clients.clear();
    this.#servers.clear();
    this.#merges.clear();
    Object.assign(this.counts, {
      inviteClient: 0,
      nonInviteClient: 0,
      inviteServer: 0,
      nonInviteServer: 0,
    });
    await Promise.all(this.#options.transports.map((transport) => transport.close()));
  }

  send(
    request: SipRequest,
    targets: readonly Target[],
    user: ClientTransactionUser,
  ): ClientTransaction {
    const attempts = attemptsFor(request, targets, this.#options.transports);
    return new OutgoingRequest(request, attempts, user, {
      newBranch: () => this.#newBranch(),
      launch: (attempt, sent, branch, owner) => this.#launch(attempt, sent, branch, owner),
      later: (action) => {
        this.#options.clock.after(0, action);
      },
    });
  }

  sendDirectly(request: SipRequest, target: Target): void {
    const [attempt, ...fallbacks] = attemptsFor(request, [target], this.#options.transports);
    if (attempt === undefined) {
      this.#counters.dropped('no-transport');
      return;
    }
    this.#sendDirectly(request, attempt, fallbacks);
  }

  #sendDirectly(request: SipRequest, attempt: Attempt, fallbacks: readonly Attempt[]): void {
    const { transport, target } = attempt;
    const sent = withVia(request, transport, target.remoteAddress, this.#newBranch());
    transport.send(serializeMessage(sent), target, (outcome) => {
      if (outcome.ok) return;
      const [next, ...rest] = fallbacks;
      if (next !== undefined) this.#sendDirectly(request, next, rest);
      else this.#counters.dropped('send-failed');
    });
  }

  #newBranch(): string {
    return `${MAGIC_COOKIE}${randomToken(this.#options.random, BRANCH_LENGTH)}`;
  }

  #launch(
    attempt: Attempt,
    request: SipRequest,
    branch: string,
    owner: Omit<ClientOwner, 'onTransition'>,
  ): ClientRunner | undefined {
    const { method } = request;
    const key = clientKey(branch, method);
    if (this.#closed || this.#clients.size >= this.#limit || this.#clients.has(key)) {
      this.#counters.dropped('client-table-full');
      return undefined;
    }
    const kind = method === 'INVITE' ? 'inviteClient' : 'nonInviteClient';
    const runner = new ClientRunner({
      ...attempt,
      request,
      clock: this.#options.clock,
      timers: this.#timers,
      owner: {
        ...owner,
        onTerminated: () => {
          if (this.#clients.delete(key)) this.counts[kind] -= 1;
          owner.onTerminated();
        },
        onTransition: (from, event, to, verdict) =>
          this.#onTransition(kind, branch, from, event, to, verdict),
      },
    });
    this.#clients.set(key, runner);
    this.counts[kind] += 1;
    runner.begin();
    return runner;
  }

  #onTransition(
    kind: string,
    branch: string,
    from: string,
    event: string,
    to: string,
    verdict: string,
  ): void {
    if (verdict === 'illegal') this.#counters.illegal(kind, from, event);
    this.#options.log.trace({ kind, branch, from, event, to, verdict }, 'sip transaction');
  }

  #onMessage(transport: Transport, message: SipMessage, flow: Flow): void {
    if (this.#closed) return;
    const essentials = essentialsOf(message.headers);
    // The parser let it through, so this holds; a transport that does not parse would be a bug of ours.
    if (!essentials.ok) this.#counters.dropped('essentials');
    else if (message.kind === 'response') this.#onResponse(message, essentials.value, flow);
    else this.#onRequest(transport, message, essentials.value, flow);
  }

  #onResponse(response: SipResponse, essentials: Essentials, flow: Flow): void {
    const { topVia, cseq } = essentials;
    // Section 18.1.2: what does not carry our sent-by on top was not meant for us.
    if (!this.#options.transports.some((each) => each.isOurs(topVia.host, topVia.port))) {
      this.#counters.dropped('foreign-via');
      return;
    }
    const client = this.#clients.get(clientKey(topVia.branch ?? '', cseq.method));
    if (client !== undefined) client.onResponse(response, flow);
    else if (cseq.method === 'INVITE' && response.status >= 200 && response.status < 300) {
      this.#options.user.onStrayResponse(response, flow);
    } else this.#counters.dropped('stray-response');
  }

  #onRequest(transport: Transport, received: SipRequest, essentials: Essentials, flow: Flow): void {
    const { method } = received;
    if (method === 'ACK') {
      const server = this.#servers.get(serverKey(received, essentials, 'INVITE'));
      if (server !== undefined) server.onAck(received, flow);
      else this.#options.user.onAck(received, flow);
      return;
    }
    const key = serverKey(received, essentials);
    const known = this.#servers.get(key);
    if (known !== undefined) {
      known.onRetransmission();
      return;
    }
    const request = stampReceived(received, flow);
    const merge = mergeKey(request, essentials);
    if (this.#servers.size >= this.#limit) {
      this.#refuseWhenFull(transport, request, essentials, flow);
    } else if (method === 'CANCEL') this.#onCancel(transport, request, essentials, flow, key);
    else if (merge !== undefined && this.#isMerged(merge, key)) {
      // Section 8.2.2.2.
      this.#open(transport, request, flow, key, undefined).respond(
        responseTo(request, 482, { toTag: statelessTag(request) }),
      );
    } else {
      this.#options.user.onRequest(this.#open(transport, request, flow, key, merge));
    }
  }

  #isMerged(merge: string, key: string): boolean {
    const other = this.#merges.get(merge);
    return this.#options.rejectMerged !== false && other !== undefined && other !== key;
  }

  #open(
    transport: Transport,
    request: SipRequest,
    flow: Flow,
    key: string,
    merge: string | undefined,
  ): ServerRunner {
    const kind = request.method === 'INVITE' ? 'inviteServer' : 'nonInviteServer';
    const server = new ServerRunner({
      request,
      flow,
      reliable: transport.reliable,
      clock: this.#options.clock,
      timers: this.#timers,
      owner: {
        transmit: (bytes, onFailure) => this.#transmit(transport, request, flow, bytes, onFailure),
        onAck: (ack, ackFlow) => this.#options.user.onAck(ack, ackFlow),
        onTerminated: () => {
          if (this.#servers.delete(key)) this.counts[kind] -= 1;
          if (merge !== undefined && this.#merges.get(merge) === key) this.#merges.delete(merge);
        },
        onTransition: (from, event, to, verdict) =>
          this.#onTransition(kind, key, from, event, to, verdict),
      },
    });
    this.#servers.set(key, server);
    if (merge !== undefined) this.#merges.set(merge, key);
    this.counts[kind] += 1;
    server.begin();
    return server;
  }

  /** Section 9.2: the CANCEL is a transaction of its own, answered here; its INVITE is told of it. */
  #onCancel(
    transport: Transport,
    cancel: SipRequest,
    essentials: Essentials,
    flow: Flow,
    key: string,
  ): void {
    const invite = this.#servers.get(serverKey(cancel, essentials, 'INVITE'));
    const answer = this.#open(transport, cancel, flow, key, undefined);
    const status = invite === undefined ? 481 : 200;
    const toTag = invite?.toTag ?? statelessTag(cancel);
    answer.respond(responseTo(cancel, status, { toTag }));
    invite?.onCancelRequest(cancel);
  }

  #refuseWhenFull(
    transport: Transport,
    request: SipRequest,
    essentials: Essentials,
    flow: Flow,
  ): void {
    this.#counters.dropped('server-table-full');
    const invite =
      request.method === 'CANCEL'
        ? this.#servers.get(serverKey(request, essentials, 'INVITE'))
        : undefined;
    if (invite !== undefined) {
      this.#answerStatelessly(transport, request, flow, 200);
      invite.onCancelRequest(request);
      return;
    }
    this.#answerStatelessly(transport, request, flow, 503, {
      headers: [['Retry-After', String(this.#options.retryAfterS ?? 5)]],
    });
  }

  /** What cannot be parsed is answered when that is safe, else dropped; the transport has counted it. */
  #onProblem(transport: Transport, problem: MessageProblem, flow: Flow): void {
    if (this.#closed) return;
    const { answerable, status, code, detail } = problem;
    this.#options.log.debug({ code, detail, flow }, 'sip message does not parse');
    if (answerable === undefined) return;
    const reasonPhrase = `${reasonPhraseOf(status)} (${detail.slice(0, 80)})`;
    this.#answerStatelessly(transport, stampReceived(answerable, flow), flow, status, {
      reasonPhrase,
    });
  }

  #answerStatelessly(
    transport: Transport,
    request: SipRequest,
    flow: Flow,
    status: number,
    options: ResponseOptions = {},
  ): void {
    const response = responseTo(request, status, { toTag: statelessTag(request), ...options });
    this.#transmit(transport, request, flow, serializeMessage(response), () => {
      this.#counters.dropped('send-failed');
    });
  }

  /** Section 18.2.2: on the connection of the request if it is still there, else to the address of its Via. */
  #transmit(
    transport: Transport,
    request: SipRequest,
    flow: Flow,
    bytes: Uint8Array,
    onFailure: (error: MediaError) => void,
  ): void {
    const value = request.headers.list('Via')[0];
    const via = value === undefined ? undefined : parseVia(value);
    const address = via?.ok === true ? responseAddress(via.value, flow) : flow;
    const last = (outcome: Result<Flow, MediaError>): void => {
      if (!outcome.ok) onFailure(outcome.error);
    };
    if (!transport.reliable) transport.send(bytes, address, last);
    else {
      transport.send(
        bytes,
        flow,
        (outcome) => {
          if (!outcome.ok) transport.send(bytes, address, last);
        },
        { existingOnly: true },
      );
    }
  }
}

/** The same for each retransmission, without state (section 8.2.7). */
function statelessTag(request: SipRequest): string {
  const { headers } = request;
  const seed = `${headers.get('Via') ?? ''}|${headers.get('Call-ID') ?? ''}|${headers.get('From') ?? ''}`;
  return createHash('sha256').update(seed).digest('base64url').slice(0, 16);
}
