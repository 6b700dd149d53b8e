/**
 * Role `proxy`: where VRUs send service requests. It recognises what concerns conferencing and
 * balances it over the living interface servers, failing over without losing a request (R3, R42);
 * other services go to whoever serves `service.NAME`. It also places conferences on mixers
 * (placer.ts). It decides nothing about conferences and keeps no state of them.
 */
import type { Subscription } from '../../common/bus/bus.ts';
import type { Clock } from '../../common/clock.ts';
import { type ErrorCode, MediaError } from '../../common/errors.ts';
import type { NodeId } from '../../common/ids.ts';
import type { CounterMetric } from '../../common/metrics.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { Role } from '../../common/role.ts';
import type { Change, Watch } from '../../common/store/store.ts';
import { SUBJECTS, serviceReply } from './messages.ts';
import { Placer, type PlacerOptions } from './placer.ts';
import { interfaceRecord, PREFIXES } from './records.ts';
import { CLIENT_TRY_MS, SERVER_TRY_MS } from './timing.ts';

export interface ProxyOptions extends PlacerOptions {
  readonly id: NodeId;
  readonly clock: Clock;
}

type Answer = Result<unknown, MediaError>;

export async function startProxy(options: ProxyOptions): Promise<Role> {
  const proxy = new ProxyServer(options);
  await proxy.start();
  return proxy;
}

/** Requests that may be under way through one proxy; each costs only memory here. */
const CONCURRENCY = 20_000;
/** All tries of one request together: less than the VRU waits for this proxy. */
const TOTAL_MS = CLIENT_TRY_MS - 500;
/** Errors after which another server may do better. Every request may be carried out twice. */
const ELSEWHERE: ReadonlySet<ErrorCode> = new Set([
  'no-server',
  'timeout',
  'overloaded',
  'draining',
  'closed',
  'transport-failed',
  'store-failed',
]);

interface Server {
  readonly id: NodeId;
  queued: number;
  draining: boolean;
  /** Requests of this proxy that it has not answered. */
  outstanding: number;
  /** Called when its lease ends: nobody will answer. */
  readonly onLost: Set<() => void>;
}

class ProxyServer implements Role {
  readonly name = 'proxy';
  readonly #options: ProxyOptions;
  readonly #placer: Placer;
  readonly #servers = new Map<NodeId, Server>();
  readonly #requests: CounterMetric;
  readonly #failovers: CounterMetric;
  #watch: Watch | undefined;
  #serving: Subscription | undefined;
  #outstanding = 0;
  #stopped: Promise<void> | undefined;

  constructor(options: ProxyOptions) {
    this.#options = options;
    this.#placer = new Placer(options);
    const { metrics } = options;
    this.#requests = metrics.counter(
      'minusone_proxy_requests_total',
      'Service requests by service and outcome',
      ['service', 'outcome'],
    );
    this.#failovers = metrics.counter(
      'minusone_proxy_failovers_total',
      'Tries at an interface server that another one had to make good',
      ['reason'],
    );
  }

  async start(): Promise<void> {
    const { bus, store, log, id } = this.#options;
    this.#watch = await store.watch(PREFIXES.interfaceServer, (change) => this.#take(change));
    await this.#placer.start();
    this.#serving = await bus.serve(SUBJECTS.proxy, (body) => this.#handle(body), {
      concurrency: CONCURRENCY,
      queueLimit: 0,
    });
    log.info({ role: 'proxy', id }, 'proxy takes requests');
  }

  #take(change: Change): void {
    const id = change.key.slice(PREFIXES.interfaceServer.length) as NodeId;
    const record = interfaceRecord.safeParse(change.kind === 'put' ? change.value : undefined);
    const known = this.#servers.get(id);
    if (!record.success) {
      this.#servers.delete(id);
      for (const lost of known?.onLost ?? []) lost();
      return;
    }
    const { queued, draining } = record.data;
    if (known === undefined) {
      this.#servers.set(id, { id, queued, draining, outstanding: 0, onLost: new Set() });
    } else {
      known.queued = queued;
      known.draining = draining;
    }
  }

  async #handle(body: unknown): Promise<Answer> {
    const service = serviceOf(body);
    if (service === undefined) {
      return fail(new MediaError('bad-request', 'a service request names its service'));
    }
    this.#outstanding += 1;
    try {
      const conferencing = service === 'conference';
      const answer = conferencing ? await this.#conference(body) : await this.#other(service, body);
      const label = conferencing ? service : 'other';
      this.#requests.add(1, { service: label, outcome: outcomeOf(answer) });
      return answer;
    } finally {
      this.#outstanding -= 1;
    }
  }

  /** Not conferencing: whoever has registered for it. */
  async #other(service: string, body: unknown): Promise<Answer> {
    const { bus } = this.#options;
    const answer = await bus.request(`service.${service}`, body, { deadlineMs: TOTAL_MS });
    if (answer.ok || answer.error.code !== 'no-server') return answer;
    return ok({ kind: 'refused', reason: 'service-unavailable' });
  }

  async #conference(body: unknown): Promise<Answer> {
    const { clock } = this.#options;
    const untilMs = clock.nowMs() + TOTAL_MS;
    const tried = new Set<NodeId>();
    let last: Answer = fail(new MediaError('no-server', 'no interface server is there'));
    let uncertain = false;
    for (;;) {
      const server = this.#choose(tried);
      const leftMs = untilMs - clock.nowMs();
      if (server === undefined || leftMs <= 0) break;
      tried.add(server.id);
      last = await this.#try(server, body, Math.min(SERVER_TRY_MS, leftMs));
      const reason = reasonToGoElsewhere(last);
      if (reason === undefined) return last;
      uncertain ||= reason === 'timeout';
      this.#failovers.add(1, { reason });
    }
    // The VRU must know that one of them may have carried it out.
    if (uncertain && !last.ok) return fail(new MediaError('timeout', last.error.message));
    return last;
  }

  /** Of two at random the one with less to do; those that drain only when there is no other. */
  #choose(tried: ReadonlySet<NodeId>): Server | undefined {
    const left = [...this.#servers.values()].filter(({ id }) => !tried.has(id));
    const open = left.filter(({ draining }) => !draining);
    const from = open.length > 0 ? open : left;
    if (from.length === 0) return undefined;
    const { random } = this.#options;
    const [a, b] = [from[random.below(from.length)], from[random.below(from.length)]];
    if (a === undefined || b === undefined) return a ?? b;
    return work(a) <= work(b) ? a : b;
  }

  async #try(server: Server, body: unknown, deadlineMs: number): Promise<Answer> {
    const { bus } = this.#options;
    let lost = (): void => {};
    const gone = new Promise<Answer>((resolve) => {
      lost = () => resolve(fail(new MediaError('timeout', `${server.id} is gone`)));
    });
    server.onLost.add(lost);
    server.outstanding += 1;
    try {
      const answer = bus.request(SUBJECTS.interfaceServer(server.id), body, { deadlineMs });
      return await Promise.race([answer, gone]);
    } finally {
      server.outstanding -= 1;
      server.onLost.delete(lost);
    }
  }

  health(): { readonly ready: boolean; readonly detail?: string } {
    if (this.#stopped !== undefined) return { ready: false, detail: 'stopped' };
    if (this.#servers.size === 0) return { ready: false, detail: 'no interface server is there' };
    return { ready: true };
  }

  /** Calls that are up still need it to leave; other proxies take what is new. */
  drain(): void {}

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    const { clock } = this.#options;
    await this.#serving?.close();
    const untilMs = clock.nowMs() + TOTAL_MS;
    while (this.#outstanding > 0 && clock.nowMs() < untilMs) await clock.sleep(20);
    await this.#placer.stop();
    await this.#watch?.close();
  }
}

/** The name of the service in a request; undefined when it is none. */
function serviceOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('service' in body)) return undefined;
  const { service } = body;
  return typeof service === 'string' && /^[a-z0-9-]{1,32}$/.test(service) ? service : undefined;
}

function work(server: Server): number {
  return server.outstanding + server.queued;
}

function reasonToGoElsewhere(answer: Answer): string | undefined {
  if (!answer.ok) return ELSEWHERE.has(answer.error.code) ? answer.error.code : undefined;
  const reply = serviceReply.safeParse(answer.value);
  const busy = reply.success && reply.data.kind === 'refused' && reply.data.reason === 'busy-retry';
  return busy ? 'busy-retry' : undefined;
}

function outcomeOf(answer: Answer): string {
  if (!answer.ok) return answer.error.code;
  const reply = serviceReply.safeParse(answer.value);
  if (!reply.success) return 'answered';
  return reply.data.kind === 'refused' ? reply.data.reason : reply.data.kind;
}
