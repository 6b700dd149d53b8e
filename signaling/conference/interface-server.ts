/**
 * Role `interface`: takes service requests from the proxy, queues them per account, decides, writes
 * the data store, has conferences created on mixers, and answers (R41, R42). It keeps nothing that
 * counts, so that any number of servers work on the same accounts and one that is killed is not
 * missed. Start reading at `#handle`; the flows are in entering.ts, departures.ts, controls.ts.
 */
import type { Subscription } from '../../common/bus/bus.ts';
import type { Timer } from '../../common/clock.ts';
import { MediaError } from '../../common/errors.ts';
import type { AccountId } from '../../common/ids.ts';
import type { CounterMetric, HistogramMetric } from '../../common/metrics.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { Role } from '../../common/role.ts';
import { AccountQueue } from './account-queue.ts';
import { lookUpCode } from './accounts.ts';
import type { ConferenceLog } from './conference-log.ts';
import { control } from './controls.ts';
import { forget, leave, leaveWaiting, reEnter } from './departures.ts';
import {
  cancelDial,
  dial,
  dialList,
  dialMinute,
  dialProgress,
  enterDialled,
} from './dial-requests.ts';
import { enter } from './entering.ts';
import { replaceMixer } from './joining.ts';
import { type KeptLease, keepLease } from './kept-lease.ts';
import { type Finish, Management, type ManagementOptions, type Reply } from './management.ts';
import { mixerEvent, type ServiceRequest, SUBJECTS, serviceRequest } from './messages.ts';
import { answerOnce, once } from './once.ts';
import { dropLostNames, onNodeLost, reconcile } from './reconcile.ts';
import { KEYS } from './records.ts';
import { INTERFACE_LEASE_MS, SERVER_TRY_MS } from './timing.ts';

export interface InterfaceServerOptions extends ManagementOptions {
  /** Requests of one account that may wait. Default 2,000. */
  readonly queuePerAccount?: number;
  /** Requests of all accounts that may wait. Default 20,000. */
  readonly queueTotal?: number;
}

const DEFAULT_PER_ACCOUNT = 2_000;
const DEFAULT_TOTAL = 20_000;
const RECONCILE_MS = 5_000;

/** Errors: the store refuses the lease. */
export async function startInterfaceServer(
  options: InterfaceServerOptions,
): Promise<Result<Role, MediaError>> {
  const server = new InterfaceServer(options);
  const started = await server.start();
  return started.ok ? ok(server) : started;
}

class InterfaceServer implements Role {
  readonly name = 'interface';
  readonly #options: InterfaceServerOptions;
  readonly #management: Management;
  readonly #queue: AccountQueue;
  readonly #outcomes: CounterMetric;
  readonly #waits: HistogramMetric;
  readonly #subscriptions: Subscription[] = [];
  #serving: Subscription | undefined;
  #lease: KeptLease | undefined;
  #timer: Timer | undefined;
  #handling = 0;
  #draining = false;
  #stopped: Promise<void> | undefined;

  constructor(options: InterfaceServerOptions) {
    this.#options = options;
    this.#management = new Management(options);
    const { metrics, id } = options;
    const depth = metrics.gauge(
      'minusone_interface_queue_requests',
      'Requests that wait or are being decided',
      ['server'],
    );
    this.#queue = new AccountQueue({
      perAccount: options.queuePerAccount ?? DEFAULT_PER_ACCOUNT,
      total: options.queueTotal ?? DEFAULT_TOTAL,
      onDepth: (requests) => depth.set(requests, { server: id }),
    });
    this.#outcomes = metrics.counter(
      'minusone_interface_requests_total',
      'Service requests by kind and outcome',
      ['kind', 'outcome'],
    );
    this.#waits = metrics.histogram(
      'minusone_interface_wait_seconds',
      'Time between the arrival of a request and its turn',
      [0.001, 0.005, 0.02, 0.1, 0.5, 2, 5],
    );
  }

  async start(): Promise<Result<void, MediaError>> {
    const { bus, store, clock, random, log, id } = this.#options;
    await this.#management.living.start((kind, node) => {
      if (!this.#draining) onNodeLost(this.#management, kind, node);
    });
    // Its queue has the bounds, and its own answer to them; the bus must not refuse before it.
    this.#serving = await bus.serve(SUBJECTS.interfaceServer(id), (body) => this.#handle(body), {
      concurrency: 100_000,
    });
    this.#subscriptions.push(
      await bus.subscribe('mixer-events.>', (body) => this.#onMixerEvent(body)),
    );
    const lease = await keepLease({
      store,
      clock,
      log,
      key: KEYS.interfaceServer(id),
      ttlMs: INTERFACE_LEASE_MS,
      value: () => ({ version: 1, id, queued: this.#queue.depth, draining: this.#draining }),
    });
    if (!lease.ok) {
      await this.stop();
      return lease;
    }
    this.#lease = lease.value;
    this.#reconcile();
    void this.#management.background('names', () => dropLostNames(this.#management));
    // Not in step with the other servers.
    const periodMs = RECONCILE_MS + random.below(RECONCILE_MS / 5);
    this.#timer = clock.every(periodMs, () => this.#reconcile());
    log.info({ role: 'interface', id }, 'interface server takes requests');
    return ok(undefined);
  }

  #reconcile(): void {
    if (this.#draining) return;
    void this.#management.background('reconcile', () => reconcile(this.#management));
  }

  /** A worker of a mixer died: its conference is placed again before anybody's VRU has noticed. */
  #onMixerEvent(body: unknown): void {
    const event = mixerEvent.safeParse(body);
    if (!event.success || event.data.kind !== 'ended' || event.data.why !== 'lost') return;
    const { conferenceId, mixerId } = event.data;
    void this.#management.background(`lost-on-mixer ${conferenceId}`, async () => {
      const log = await this.#management.freshLog(conferenceId);
      if (!log.ok) return;
      const { created, mixerEpoch, ended } = log.value.roster;
      if (created?.mixerId !== mixerId || ended !== undefined) return;
      await replaceMixer(this.#management, log.value, mixerEpoch, created.accountId);
    });
  }

  async #handle(body: unknown): Promise<Reply> {
    const request = serviceRequest.safeParse(body);
    if (!request.success) return fail(new MediaError('bad-request', request.error.message));
    this.#handling += 1;
    try {
      const reply = await this.#inTurn(request.data);
      this.#outcomes.add(1, { kind: request.data.kind, outcome: outcomeOf(reply) });
      return reply;
    } finally {
      this.#handling -= 1;
    }
  }

  /** Decides in the order of the account's requests; the rest of the work overlaps with the next. */
  async #inTurn(request: ServiceRequest): Promise<Reply> {
    const { clock } = this.#options;
    const arrivedMs = clock.nowMs();
    const target = await this.#target(request);
    if (!target.ok) return target;
    if (target.value === undefined) return nobodyKnows(request);
    const { accountId, log } = target.value;
    const finish = this.#queue.submit(accountId, (): Promise<Finish> => {
      const waitedMs = clock.nowMs() - arrivedMs;
      this.#waits.observe(waitedMs / 1000);
      return waitedMs > SERVER_TRY_MS
        ? Promise.resolve(tooLate)
        : this.#decide(request, accountId, log);
    });
    if (finish === undefined) return ok({ kind: 'refused', reason: 'busy-retry' });
    return (await finish)();
  }

  /** Whose turn it is to wait for, and the conference that is meant; undefined: nobody knows it. */
  async #target(
    request: ServiceRequest,
  ): Promise<
    Result<{ readonly accountId: AccountId; readonly log?: ConferenceLog } | undefined, MediaError>
  > {
    switch (request.kind) {
      case 'enter':
      case 'forget': {
        const found = await lookUpCode(this.#options.store, request.code);
        if (!found.ok) return found;
        return ok(found.value === undefined ? undefined : { accountId: found.value.account.id });
      }
      case 'leave-waiting':
        return ok({ accountId: request.accountId });
      case 'dial-progress':
      case 'dial-minute': {
        const log = await this.#management.freshLog(request.conferenceId);
        if (!log.ok) return log;
        const { accountId } = request;
        // Of a conference that is forgotten its limits still know.
        if (log.value.roster.accountId === accountId) return ok({ accountId, log: log.value });
        this.#management.forgetLog(request.conferenceId);
        return ok({ accountId });
      }
      case 'leave':
      case 're-enter':
      case 'dial':
      case 'dial-list':
      case 'cancel-dial':
      case 'enter-dialled':
      case 'control': {
        const log = await this.#management.freshLog(request.conferenceId);
        if (!log.ok) return log;
        const { accountId } = log.value.roster;
        if (accountId !== undefined) return ok({ accountId, log: log.value });
        // Not in the store: nothing to remember.
        this.#management.forgetLog(request.conferenceId);
        return ok(undefined);
      }
    }
  }

  #decide(
    request: ServiceRequest,
    accountId: AccountId,
    log: ConferenceLog | undefined,
  ): Promise<Finish> {
    const management = this.#management;
    switch (request.kind) {
      case 'enter':
        return once(management, request, accountId, () => enter(management, request));
      case 'forget':
        return forget(management, request);
      case 'leave-waiting':
        return leaveWaiting(management, request);
      case 'leave':
        return log === undefined ? noLog() : leave(management, log, request);
      case 're-enter':
        return log === undefined ? noLog() : reEnter(management, log, request);
      case 'control':
        return log === undefined
          ? noLog()
          : answerOnce(management, request.requestId, () => control(management, log, request));
      case 'dial':
        return log === undefined ? noLog() : dial(management, log, request);
      case 'dial-list':
        return log === undefined ? noLog() : dialList(management, log, request);
      case 'cancel-dial':
        return log === undefined ? noLog() : cancelDial(management, log, request);
      case 'enter-dialled':
        return log === undefined
          ? noLog()
          : once(management, request, accountId, () => enterDialled(management, log, request));
      case 'dial-progress':
        return dialProgress(management, log, request);
      case 'dial-minute':
        return dialMinute(management, log, request);
    }
  }

  health(): { readonly ready: boolean; readonly detail?: string } {
    if (this.#stopped !== undefined) return { ready: false, detail: 'stopped' };
    if (this.#draining) return { ready: false, detail: 'draining' };
    return this.#lease === undefined ? { ready: false, detail: 'starting' } : { ready: true };
  }

  /** The proxies send nothing more here; what is queued is answered. */
  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    void this.#lease?.refresh();
    void this.#serving?.close();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    const { clock } = this.#options;
    this.drain();
    this.#timer?.cancel();
    for (const subscription of this.#subscriptions) await subscription.close();
    const untilMs = clock.nowMs() + STOP_MS;
    while (this.#handling > 0 && clock.nowMs() < untilMs) await clock.sleep(20);
    await Promise.race([this.#management.settled(), clock.sleep(STOP_MS)]);
    await this.#management.living.stop();
    await this.#lease?.release();
  }
}

/** What is not done by then is left to the other servers, or to the next start. */
const STOP_MS = 3_000;

const tooLate: Finish = () =>
  Promise.resolve(fail(new MediaError('timeout', 'its turn came too late; another server has it')));

function noLog(): Promise<Finish> {
  return Promise.resolve(() =>
    Promise.resolve(fail(new MediaError('conference-unknown', 'there is no such conference'))),
  );
}

/** The answer where the code or the conference does not exist (any more). */
function nobodyKnows(request: ServiceRequest): Reply {
  switch (request.kind) {
    case 'enter':
      return ok({ kind: 'refused', reason: 'invalid-code' });
    case 're-enter':
    case 'enter-dialled':
      return ok({ kind: 'refused', reason: 'ended' });
    case 'leave':
    case 'leave-waiting':
    case 'forget':
    case 'dial-progress':
    case 'dial-minute':
      return ok({ kind: 'done' });
    case 'dial':
    case 'dial-list':
    case 'cancel-dial':
    case 'control': {
      const text = `there is no conference ${request.conferenceId}`;
      return fail(new MediaError('conference-unknown', text));
    }
  }
}

function outcomeOf(reply: Reply): string {
  if (!reply.ok) return reply.error.code;
  return 'reason' in reply.value ? reply.value.reason : reply.value.kind;
}
