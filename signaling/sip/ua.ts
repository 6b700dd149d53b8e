/**
 * The user agent core (RFC 3261 sections 8.2, 11, 13): looks at requests outside of dialogs, gives those in
 * dialogs to their session, makes sessions of INVITEs both ways. It knows sessions (session/) and
 * the transaction layer; it must never know media, conferences or prompts. Start at createUserAgent.
 *
 *   transports ◀─▶ transaction layer ◀─▶ UserAgentCore ──▶ ServerCall │ ClientCall ──▶ DialogUsage
 */
import { check } from '../../common/check.ts';
import type { Timer } from '../../common/clock.ts';
import type { MediaError } from '../../common/errors.ts';
import { newCallId, randomToken } from '../../common/ids.ts';
import type { Result } from '../../common/result.ts';
import { dialogAsServer } from './dialog.ts';
import { createDigestServer, type DigestServer } from './digest-server.ts';
import { createSystemDns } from './dns.ts';
import { Notifier } from './events/notifier.ts';
import { tagOf } from './fields.ts';
import { createLocator, outboundProxy } from './locate.ts';
import type { ResponseOptions, SipRequest, SipResponse } from './message.ts';
import { SipRegistration } from './registration/registration.ts';
import { createResolver } from './resolver.ts';
import { descriptionOf } from './session/body.ts';
import { ACCEPT, capabilitiesOf } from './session/capabilities.ts';
import { ClientCall } from './session/client-call.ts';
import type { DialogHandler, SessionContext } from './session/context.ts';
import { createSipMetrics, type SipMetrics } from './session/metrics.ts';
import { checkRequest } from './session/request-checks.ts';
import { answer } from './session/responses.ts';
import { ServerCall } from './session/server-call.ts';
import { answerRequest, DEFAULT_TIMER_POLICY } from './session/session-timer.ts';
import { createTransactionLayer, type RunningTransactionLayer } from './transaction/layer.ts';
import { DEFAULT_TIMERS } from './transaction/timers.ts';
import type { Flow, ServerTransaction, Target } from './transaction/transaction-user.ts';
import type { Transport } from './transport/transport.ts';
import { transportsOf, type UserAgentOptions } from './ua-options.ts';
import { formatNameAddress, formatSipUri, parseNameAddress, type SipUri, sipUri } from './uri.ts';
import type {
  InviteOptions,
  RegisterOptions,
  Registration,
  Session,
  UserAgent,
} from './user-agent.ts';

export function createUserAgent(options: UserAgentOptions): UserAgent {
  return new UserAgentCore(options);
}

const DEFAULT_MAX_SESSIONS = 5_000;
const DEFAULT_STOP_MS = 5_000;
/** BYEs in flight at once when everything stops: enough for speed, few enough not to drown a peer. */
const STOP_BATCH = 200;
/** 80 random bits (RFC 3261 section 19.3 asks for 32). */
const TAG_LENGTH = 16;

class UserAgentCore implements UserAgent {
  readonly #options: UserAgentOptions;
  readonly #transports: readonly Transport[];
  readonly #layer: RunningTransactionLayer;
  readonly #metrics: SipMetrics;
  readonly #context: SessionContext;
  readonly #digest: DigestServer | undefined;
  /** Call-ID and our tag → session. */
  readonly #dialogs = new Map<string, DialogHandler>();
  readonly #notifier: Notifier | undefined;
  readonly #registrations = new Set<Registration>();
  #retryAfterS: number | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: UserAgentOptions) {
    const { clock, random, log, metrics, challenge } = options;
    this.#options = options;
    this.#transports = transportsOf(options);
    check(this.#transports.length > 0, 'a user agent needs at least one transport');
    this.#metrics = createSipMetrics(metrics);
    const { transactions } = options.limits ?? {};
    this.#layer = createTransactionLayer({
      transports: this.#transports,
      clock,
      random,
      log,
      metrics,
      ...(options.timers === undefined ? {} : { timers: options.timers }),
      ...(transactions === undefined ? {} : { maxTransactions: transactions }),
      user: {
        onRequest: (transaction) => this.#onRequest(transaction),
        onAck: (ack, flow) => this.#handlerOf(ack, 'To')?.onAck(ack, flow),
        onStrayResponse: (response, flow) =>
          this.#handlerOf(response, 'From')?.onStraySuccess(response, flow),
      },
    });
    this.#digest =
      challenge && createDigestServer({ ...challenge, secret: random.bytes(32), clock, random });
    this.#context = this.#createContext();
    const { notifier } = options;
    this.#notifier =
      notifier &&
      new Notifier(notifier, {
        context: this.#context,
        metrics,
        callOf: (callId, localTag, remoteTag) =>
          this.#dialogs.get(dialogKey(callId, localTag))?.callOf(remoteTag),
        hostFor: ({ transport, remoteAddress }) => this.#uriFor(transport, remoteAddress),
      });
  }

  #createContext(): SessionContext {
    const { clock, random, log } = this.#options;
    const kinds = this.#transports.map((transport) => transport.kind);
    const resolver =
      this.#options.resolver ??
      createResolver({ dns: createSystemDns(), clock, random, transports: kinds });
    return {
      layer: this.#layer,
      clock,
      random,
      log,
      metrics: this.#metrics,
      timers: { ...DEFAULT_TIMERS, ...this.#options.timers },
      timerPolicy: { ...DEFAULT_TIMER_POLICY, ...this.#options.sessionTimer },
      capabilities: capabilitiesOf(this.#options.notifier?.packages.map(({ name }) => name)),
      product: this.#options.name ?? 'minusone',
      contactFor: (transport, remoteAddress) =>
        `<${formatSipUri(this.#uriFor(transport, remoteAddress))}>`,
      locate: createLocator(resolver, kinds),
    };
  }

  // ── UserAgent ──────────────────────────────────────────────────────────────────────────────

  start(): Promise<Result<void, MediaError>> {
    return this.#layer.start();
  }

  get contact(): SipUri {
    return this.#uriFor('udp', '');
  }

  get sessionCount(): number {
    return this.#dialogs.size;
  }

  invite(options: InviteOptions): Session {
    const { random } = this.#options;
    const { targets, proxy, unreadable } = wayOf(options.outboundProxy);
    const lookUp = proxy ?? options.to;
    const first = targets[0];
    const transport = first?.transport ?? transportNamed(lookUp) ?? 'udp';
    const contactUri = this.#uriFor(transport, first?.remoteAddress ?? lookUp.host);
    const localTag = randomToken(random, TAG_LENGTH);
    const callId = randomToken(random, 24);
    const from = options.from ?? {
      displayName: undefined,
      uri: withoutTransport(contactUri),
      parameters: new Map(),
    };
    const uri = formatSipUri({ ...options.to, headers: new Map() });
    const key = dialogKey(callId, localTag);
    const call = new ClientCall({
      ...options,
      context: this.#context,
      identity: {
        id: options.id ?? newCallId(random),
        callId,
        localTag,
        // RFC 3261 section 19.1.1: no headers in a Request-URI or To.
        uri,
        from: formatNameAddress({
          ...from,
          parameters: new Map([...from.parameters, ['tag', localTag]]),
        }),
        to: formatNameAddress({
          displayName: undefined,
          uri: { ...options.to, headers: new Map() },
          parameters: new Map(),
        }),
      },
      targets,
      // A proxy that is no address ends the call with a message that names it.
      lookUp: unreadable ?? (proxy === undefined ? uri : formatSipUri(proxy)),
      contact: `<${formatSipUri(contactUri)}>`,
      onOver: () => this.#dialogs.delete(key),
    });
    this.#dialogs.set(key, call);
    return call;
  }

  register(options: RegisterOptions): Registration {
    const { targets, proxy, unreadable } = wayOf(options.outboundProxy);
    const registration = new SipRegistration({
      ...options,
      context: this.#context,
      targets,
      lookUp: unreadable ?? formatSipUri(proxy ?? options.registrar),
      contactUri: ({ transport, remoteAddress }) => ({
        ...this.#uriFor(transport, remoteAddress),
        user: options.contactUser,
      }),
    });
    this.#registrations.add(registration);
    return registration;
  }

  drain(retryAfterS: number): void {
    this.#retryAfterS = retryAfterS;
    this.#notifier?.drain(retryAfterS);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.drain(this.#retryAfterS ?? 30);
    const { clock, limits } = this.#options;
    let timer: Timer | undefined;
    const patience = new Promise<'late'>((resolve) => {
      timer = clock.after(limits?.stopMs ?? DEFAULT_STOP_MS, () => resolve('late'));
    });
    await Promise.race([
      Promise.all([
        ...[...this.#registrations].map((registration) => registration.stop()),
        this.#notifier?.stop(),
      ]),
      patience,
    ]);
    const handlers = [...this.#dialogs.values()];
    for (let at = 0; at < handlers.length; at += STOP_BATCH) {
      const batch = handlers.slice(at, at + STOP_BATCH).map((handler) => handler.end());
      if ((await Promise.race([Promise.all(batch), patience])) === 'late') break;
    }
    timer?.cancel();
    for (const handler of [...this.#dialogs.values()]) handler.abort();
    this.#notifier?.abort();
    await this.#layer.close();
  }

  // ── addresses ──────────────────────────────────────────────────────────────────────────────

  /** Ours, as a peer at `remoteAddress` reaches it. */
  #uriFor(kind: Flow['transport'], remoteAddress: string): SipUri {
    const transport = this.#transports.find((each) => each.kind === kind) ?? this.#transports[0];
    check(transport !== undefined, 'a user agent has a transport');
    const { host, port } = transport.sentBy(remoteAddress);
    return sipUri(host, {
      port,
      ...(transport.kind === 'udp' ? {} : { parameters: [['transport', transport.kind]] }),
    });
  }

  // ── what comes in ──────────────────────────────────────────────────────────────────────────

  #handlerOf(message: SipRequest | SipResponse, ours: 'From' | 'To'): DialogHandler | undefined {
    const tag = tagOf(message.headers.get(ours));
    if (tag === undefined) return undefined;
    return this.#dialogs.get(dialogKey(message.headers.get('Call-ID') ?? '', tag));
  }

  #onRequest(transaction: ServerTransaction): void {
    const { request } = transaction;
    this.#metrics.request(request.method, 'in');
    if (tagOf(request.headers.get('To')) !== undefined) {
      const handler = this.#handlerOf(request, 'To');
      if (handler !== undefined) handler.onRequest(transaction);
      else if (this.#notifier?.onRequest(transaction) !== true) this.#respond(transaction, 481);
      return;
    }
    if (this.#options.trust?.(transaction.flow) === false) {
      this.#options.log.info(
        { flow: transaction.flow },
        'sip request from a peer that is not trusted',
      );
      this.#respond(transaction, 403);
      return;
    }
    const refused = checkRequest(request, this.#context.capabilities);
    if (refused !== undefined) {
      const { status, ...options } = refused;
      this.#respond(transaction, status, options);
      return;
    }
    if (request.method === 'INVITE') this.#onInvite(transaction);
    else if (request.method === 'OPTIONS') this.#onOptions(transaction);
    else if (request.method === 'SUBSCRIBE') this.#notifier?.onSubscribe(transaction);
    // BYE, INFO, UPDATE and PRACK belong into a dialog (section 12.2.2).
    else this.#respond(transaction, 481);
  }

  #respond(transaction: ServerTransaction, status: number, options: ResponseOptions = {}): void {
    const { random } = this.#options;
    this.#metrics.response(status, 'out');
    transaction.respond(
      answer(transaction.request, status, this.#context.product, {
        toTag: randomToken(random, TAG_LENGTH),
        ...options,
      }),
    );
  }

  /** Section 11.2: as an INVITE would be answered now. */
  #onOptions(transaction: ServerTransaction): void {
    if (this.#refuseWhenBusy(transaction)) return;
    const { fields } = this.#context.capabilities;
    this.#respond(transaction, 200, { headers: [...fields, ['Accept', ACCEPT]] });
  }

  /** 503 and when to come back (section 21.5.4). True: refused. */
  #refuseWhenBusy(transaction: ServerTransaction): boolean {
    const full = this.#dialogs.size >= (this.#options.limits?.sessions ?? DEFAULT_MAX_SESSIONS);
    if (this.#retryAfterS === undefined && !full) return false;
    const retryAfterS = this.#retryAfterS ?? this.#options.retryAfterS ?? 5;
    this.#respond(transaction, 503, { headers: [['Retry-After', String(Math.ceil(retryAfterS))]] });
    return true;
  }

  /** Sections 22.1 and 22.2. True: refused. */
  #refuseUnauthorized(transaction: ServerTransaction): boolean {
    const verdict = this.#digest?.verify(transaction.request);
    if (verdict === undefined || verdict.kind === 'accepted') return false;
    if (verdict.kind === 'malformed') this.#respond(transaction, 400);
    else {
      const headers = verdict.challenges.map((value) => ['WWW-Authenticate', value] as const);
      this.#respond(transaction, 401, { headers });
    }
    return true;
  }

  #onInvite(transaction: ServerTransaction): void {
    if (this.#refuseWhenBusy(transaction) || this.#refuseUnauthorized(transaction)) return;
    const { request, flow } = transaction;
    const { random, events } = this.#options;
    const timer = answerRequest(this.#context.timerPolicy, request);
    if (!timer.ok) {
      this.#respond(transaction, 422, { headers: [['Min-SE', String(timer.error.minimumS)]] });
      return;
    }
    const localTag = randomToken(random, TAG_LENGTH);
    const dialog = dialogAsServer(request, localTag);
    const remote = parseNameAddress(request.headers.get('From') ?? '');
    const offer = descriptionOf(request);
    if (!dialog.ok || !remote.ok || !offer.ok) {
      const detail = !dialog.ok ? dialog.error.detail : !remote.ok ? remote.error.detail : 'body';
      this.#respond(transaction, 400, { reasonPhrase: `Bad Request (${detail.slice(0, 80)})` });
      return;
    }
    const key = dialogKey(dialog.value.callId, localTag);
    const call = new ServerCall({
      context: this.#context,
      id: newCallId(random),
      transaction,
      dialog: dialog.value,
      remote: remote.value,
      contact: this.#context.contactFor(flow.transport, flow.remoteAddress),
      offer: offer.value,
      timer: timer.value,
      onOver: () => this.#dialogs.delete(key),
    });
    this.#dialogs.set(key, call);
    events.onInvite(call);
  }
}

const dialogKey = (callId: string, localTag: string): string => `${localTag} ${callId}`;

interface Way {
  /** Of proxies that are addresses, in order. */
  readonly targets: readonly Target[];
  /** To be looked up. */
  readonly proxy: SipUri | undefined;
  /** Neither an address nor a name. */
  readonly unreadable: string | undefined;
}

function wayOf(given: string | readonly string[] | undefined): Way {
  const texts = given === undefined ? [] : typeof given === 'string' ? [given] : given;
  const proxies = texts.map((text) => outboundProxy(text));
  const targets = proxies.flatMap((proxy) =>
    proxy !== undefined && 'remoteAddress' in proxy ? [proxy] : [],
  );
  const named = proxies.find((proxy): proxy is SipUri => proxy !== undefined && 'scheme' in proxy);
  const bad = texts.find((_, index) => proxies[index] === undefined);
  const found = targets.length > 0 || named !== undefined;
  return {
    targets,
    proxy: targets.length > 0 ? undefined : named,
    unreadable: found ? undefined : bad,
  };
}

function transportNamed(uri: SipUri): Flow['transport'] | undefined {
  const name = uri.parameters.get('transport')?.toLowerCase();
  return name === 'udp' || name === 'tcp' || name === 'tls' ? name : undefined;
}

function withoutTransport(uri: SipUri): SipUri {
  return { ...uri, parameters: new Map() };
}
