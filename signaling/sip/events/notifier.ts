/**
 * The event layer of a user agent, notifier's side (RFC 6665): takes SUBSCRIBEs outside of dialogs, asks who
 * it is, asks the package whether and what, and keeps the subscriptions that come of it. It must never
 * know what is subscribed to. Start here; subscription.ts is one subscription, subscription-table.ts
 * what it does when, event-package.ts what a package is.
 *
 *   SUBSCRIBE ─▶ read ─▶ who? ─▶ room? ─▶ package.open ─▶ Subscription ─▶ 200, NOTIFY …
 *                 489 406 423    401       486 503        404
 */
import type { Timer } from '../../../common/clock.ts';
import { type CallId, randomToken } from '../../../common/ids.ts';
import type { Metrics } from '../../../common/metrics.ts';
import { dialogAsServer } from '../dialog.ts';
import { createDigestServer, type DigestServer } from '../digest-server.ts';
import { tagOf } from '../fields.ts';
import type { ResponseOptions, SipRequest } from '../message.ts';
import type { SessionContext } from '../session/context.ts';
import { answer } from '../session/responses.ts';
import type { Flow, ServerTransaction } from '../transaction/transaction-user.ts';
import type { ChallengeOptions } from '../ua-options.ts';
import { parseSipUri, type SipUri } from '../uri.ts';
import type { EventPackage, EventSource, Subscriber } from './event-package.ts';
import { createNotifierMetrics, type NotifierMetrics } from './notifier-metrics.ts';
import { type Lifetimes, readSubscribe, type Subscribe } from './subscribe-request.ts';
import { Subscription } from './subscription.ts';
import { parseTargetDialog } from './target-dialog.ts';

export interface NotifierOptions {
  readonly packages: readonly EventPackage[];
  readonly lifetimes: Lifetimes;
  /** For everybody who does not name a call of ours that is his (RFC 4538). */
  readonly challenge: ChallengeOptions;
  readonly limits: {
    /** Subscriptions at once; the next SUBSCRIBE gets 503. */
    readonly total: number;
    /** Of one user or call; the next SUBSCRIBE gets 486. */
    readonly perSubscriber: number;
  };
}

export interface NotifierParts {
  readonly context: SessionContext;
  readonly metrics: Metrics;
  /** Which call of ours has the dialog with these tags. */
  readonly callOf: (callId: string, localTag: string, remoteTag: string) => CallId | undefined;
  readonly hostFor: (flow: Flow) => SipUri;
}

/** When to come back to a notifier that is full, in seconds. */
const RETRY_AFTER_S = 30;
/** How long a stop waits for subscribers: less than for callers. */
const LEAVE_MS = 1_000;
const TAG_LENGTH = 16;

/** A SUBSCRIBE that was read, of somebody who is known. */
interface Asking {
  readonly transaction: ServerTransaction;
  readonly subscribe: Subscribe;
  readonly subscriber: Subscriber;
}

export class Notifier {
  readonly #options: NotifierOptions;
  readonly #parts: NotifierParts;
  readonly #metrics: NotifierMetrics;
  readonly #digest: DigestServer;
  /** Call-ID and our tag → subscription. */
  readonly #subscriptions = new Map<string, Subscription>();
  /** Subscriptions, and SUBSCRIBEs on which the package has not decided, of each subscriber. */
  readonly #held = new Map<string, number>();
  #total = 0;
  #retryAfterS: number | undefined;

  constructor(options: NotifierOptions, parts: NotifierParts) {
    const { clock, random } = parts.context;
    this.#options = options;
    this.#parts = parts;
    this.#metrics = createNotifierMetrics(parts.metrics);
    const secret = random.bytes(32);
    this.#digest = createDigestServer({ ...options.challenge, secret, clock, random });
  }

  drain(retryAfterS: number): void {
    this.#retryAfterS = retryAfterS;
  }

  /** A request within a dialog; false: of no subscription. */
  onRequest(transaction: ServerTransaction): boolean {
    const { headers } = transaction.request;
    const tag = tagOf(headers.get('To')) ?? '';
    const found = this.#subscriptions.get(keyOf(headers.get('Call-ID') ?? '', tag));
    found?.onRequest(transaction);
    return found !== undefined;
  }

  /** Outside of a dialog, past the checks that are common to all methods. */
  onSubscribe(transaction: ServerTransaction): void {
    const { packages, lifetimes } = this.#options;
    const read = readSubscribe(transaction.request.headers, packages, lifetimes);
    if (!read.ok) {
      const { status, ...options } = read.error.answer;
      this.#refuse(transaction, read.error.why, status, options);
      return;
    }
    if (this.#retryAfterS !== undefined) {
      this.#refuse(transaction, 'draining', 503, retryAfter(this.#retryAfterS));
      return;
    }
    const subscriber = this.#identify(transaction);
    if (subscriber === undefined) return;
    const { total, perSubscriber } = this.#options.limits;
    if ((this.#held.get(nameOf(subscriber)) ?? 0) >= perSubscriber) {
      // Not 503: that would send this one subscriber on to the next server (RFC 3263 section 4.3).
      this.#refuse(transaction, 'too-many-of-one', 486, retryAfter(RETRY_AFTER_S));
    } else if (this.#total >= total) {
      this.#refuse(transaction, 'too-many', 503, retryAfter(RETRY_AFTER_S));
    } else void this.#open({ transaction, subscribe: read.value, subscriber });
  }

  /** Every subscriber is told to come back later; resolves when all know, or are slow to say so. */
  async stop(): Promise<void> {
    const retryAfterS = this.#retryAfterS ?? RETRY_AFTER_S;
    this.drain(retryAfterS);
    const all = [...this.#subscriptions.values()];
    if (all.length === 0) return;
    let patience: Timer | undefined;
    const late = new Promise<void>((resolve) => {
      patience = this.#parts.context.clock.after(LEAVE_MS, resolve);
    });
    await Promise.race([Promise.all(all.map((each) => each.stop(retryAfterS))), late]);
    patience?.cancel();
    this.abort();
  }

  abort(): void {
    for (const subscription of [...this.#subscriptions.values()]) subscription.abort();
  }

  // ── who ────────────────────────────────────────────────────────────────────────────────────

  /** Undefined: answered. */
  #identify(transaction: ServerTransaction): Subscriber | undefined {
    const { request } = transaction;
    const callId = this.#callOf(request);
    if (callId !== undefined) return { kind: 'call', callId };
    const verdict = this.#digest.verify(request);
    if (verdict.kind === 'accepted') return { kind: 'user', name: verdict.username };
    if (verdict.kind === 'malformed') this.#refuse(transaction, 'bad-request', 400);
    else {
      const headers = verdict.challenges.map((value) => ['WWW-Authenticate', value] as const);
      this.#refuse(transaction, `unauthorized-${verdict.reason}`, 401, { headers });
    }
    return undefined;
  }

  #callOf({ headers }: SipRequest): CallId | undefined {
    const target = parseTargetDialog(headers.get('Target-Dialog') ?? '');
    if (target === undefined) return undefined;
    const { callId, tags } = target;
    const [one, other] = tags;
    const { callOf } = this.#parts;
    return callOf(callId, one, other) ?? callOf(callId, other, one);
  }

  // ── whether ────────────────────────────────────────────────────────────────────────────────

  async #open(asking: Asking): Promise<void> {
    const { transaction, subscribe, subscriber } = asking;
    const release = this.#hold(nameOf(subscriber));
    const uri = parseSipUri(transaction.request.uri);
    if (!uri.ok) {
      release();
      this.#refuse(transaction, 'bad-request', uri.error.status);
      return;
    }
    const { host, port } = this.#parts.hostFor(transaction.flow);
    let source: EventSource | undefined;
    try {
      source = await subscribe.package.open({
        uri: uri.value,
        subscriber,
        ownHost: port === undefined ? host : `${host}:${port}`,
      });
    } catch (error) {
      release();
      this.#parts.context.log.warn({ err: error }, 'state to subscribe to cannot be read');
      this.#refuse(transaction, 'unreadable', 503, retryAfter(RETRY_AFTER_S));
      return;
    }
    if (source === undefined) {
      release();
      this.#refuse(transaction, 'not-found', 404);
      return;
    }
    this.#begin(asking, source, release);
  }

  #begin(asking: Asking, source: EventSource, release: () => void): void {
    const { transaction, subscribe, subscriber } = asking;
    const { context } = this.#parts;
    const localTag = randomToken(context.random, TAG_LENGTH);
    const dialog = dialogAsServer(transaction.request, localTag);
    if (!dialog.ok || this.#retryAfterS !== undefined) {
      source.close();
      release();
      if (dialog.ok) {
        this.#refuse(transaction, 'draining', 503, retryAfter(this.#retryAfterS ?? RETRY_AFTER_S));
      } else this.#refuse(transaction, 'bad-request', 400);
      return;
    }
    const key = keyOf(dialog.value.callId, localTag);
    const subscription = new Subscription(
      {
        context,
        metrics: this.#metrics,
        packages: this.#options.packages,
        lifetimes: this.#options.lifetimes,
        dialog: dialog.value,
        flow: transaction.flow,
        source,
        who: nameOf(subscriber),
        onOver: () => {
          this.#subscriptions.delete(key);
          release();
        },
      },
      subscribe,
    );
    this.#subscriptions.set(key, subscription);
    subscription.begin(transaction);
  }

  /** Takes a place; the function gives it back, once. */
  #hold(name: string): () => void {
    this.#total += 1;
    this.#held.set(name, (this.#held.get(name) ?? 0) + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#total -= 1;
      const left = (this.#held.get(name) ?? 1) - 1;
      if (left === 0) this.#held.delete(name);
      else this.#held.set(name, left);
    };
  }

  #refuse(
    transaction: ServerTransaction,
    why: string,
    status: number,
    options: ResponseOptions = {},
  ): void {
    const { context } = this.#parts;
    this.#metrics.subscribe(why);
    const { transport, remoteAddress, remotePort } = transaction.flow;
    const flow = `${transport}:${remoteAddress}:${remotePort}`;
    // What anybody can bring about must not fill the log.
    const level = status === 404 || status === 486 || status === 503 ? 'info' : 'debug';
    context.log[level]({ flow, why, status }, 'subscribe refused');
    context.metrics.response(status, 'out');
    const toTag = randomToken(context.random, TAG_LENGTH);
    transaction.respond(
      answer(transaction.request, status, context.product, { ...options, toTag }),
    );
  }
}

const keyOf = (callId: string, localTag: string): string => `${localTag} ${callId}`;

const nameOf = (subscriber: Subscriber): string =>
  subscriber.kind === 'user' ? `user ${subscriber.name}` : `call ${subscriber.callId}`;

function retryAfter(seconds: number): ResponseOptions {
  return { headers: [['Retry-After', String(Math.ceil(seconds))]] };
}
