/**
 * The API on a real port over a store in memory, with conferences that tests write straight into
 * their event logs; for tests and measurements of the API alone.
 */
import { LocalBus } from '../../common/bus/local-bus.ts';
import { type Clock, systemClock } from '../../common/clock.ts';
import { MediaError } from '../../common/errors.ts';
import {
  type AccountId,
  type CallId,
  type ConfereeId,
  type ConferenceId,
  type NodeId,
  seededRandom,
} from '../../common/ids.ts';
import { type Logger, silentLogger } from '../../common/log.ts';
import { createMetrics } from '../../common/metrics.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import { MemoryStore } from '../../common/store/memory-store.ts';
import type { Store } from '../../common/store/store.ts';
import type { ServiceClient } from '../conference/client.ts';
import { ConferenceLog, type DecisionContext } from '../conference/conference-log.ts';
import { seedDemoData } from '../conference/demo-data.ts';
import type { DialClient } from '../conference/dial-client.ts';
import type { ConferenceEvent } from '../conference/events.ts';
import type { FraudAlarm } from '../conference/fraud-shield.ts';
import type { LegMedia } from '../conference/leg-media.ts';
import { mixerRequest, SUBJECTS } from '../conference/messages.ts';
import { KEYS } from '../conference/records.ts';
import { createWebhookSender } from '../derived/webhook-sender.ts';
import { type Api, startApi } from './api.ts';
import type { ControlAction } from './backend.ts';
import { createProvisioningBackend } from './provisioning-backend.ts';
import { NO_LIMITS, type RateLimits } from './rate-limit.ts';
import { createStoreBackend } from './store-backend.ts';

export const ADMIN_TOKEN = 'the-admin-token-of-this-test-0123456789';

export interface TestApi {
  readonly api: Api;
  readonly store: Store;
  /** `http://127.0.0.1:PORT`. */
  readonly base: string;
  /** What the backend was asked to do. */
  readonly controls: string[];
  /** Begins the log of a conference. */
  create(id: string, account: string): Promise<void>;
  join(id: string, role?: 'host' | 'participant'): Promise<number>;
  joinAs(
    id: string,
    who: { readonly callerName: string; readonly callerNumber: string },
  ): Promise<void>;
  append(id: string, ...events: ConferenceEvent[]): Promise<void>;
  talking(id: string, ordinal: number, talking: boolean): void;
  /** What its mixer answers from now on: ordinal and loudness of each who talks. */
  loudness(id: string, levels: readonly (readonly [ordinal: number, levelDbov: number])[]): void;
  /** What its mixer says of how it receives that conferee. */
  measured(ordinal: number, media: LegMedia): void;
  /** As a provisioning role raises it. */
  alarm(alarm: FraudAlarm): void;
  /** How often the mixer was asked for levels. */
  readonly levelsAsked: () => number;
  stop(): Promise<void>;
}

export interface TestApiOptions {
  readonly clock?: Clock;
  readonly log?: Logger;
  readonly pageDirectory?: string;
  readonly store?: Store;
  readonly port?: number;
  /** Undefined: one is made, or the one in the store is taken. */
  readonly adminToken?: string | undefined;
  readonly replaceAdminToken?: boolean;
  /** Of tokens and ids. */
  readonly seed?: number;
  readonly rateLimits?: RateLimits;
  readonly trustedProxies?: readonly string[];
}

function must<T>(result: Result<T, MediaError>): T {
  if (!result.ok) throw result.error;
  return result.value;
}

export const confereeOf = (ordinal: number): ConfereeId =>
  `p${String(ordinal).padStart(6, '0')}` as ConfereeId;

export async function startTestApi(options: TestApiOptions = {}): Promise<TestApi> {
  const clock = options.clock ?? systemClock;
  const log = options.log ?? silentLogger;
  const metrics = createMetrics();
  const random = seededRandom(options.seed ?? 7);
  const store = options.store ?? new MemoryStore(clock);
  const bus = new LocalBus({ clock, log, metrics });
  must(await seedDemoData(store));
  const logs = new Map<string, ConferenceLog>();
  const controls: string[] = [];

  const logOf = (id: string): ConferenceLog => {
    const present = logs.get(id);
    if (present !== undefined) return present;
    const parts = { store, clock, onAppended() {}, onRaceLost() {} };
    const made = new ConferenceLog(id as ConferenceId, parts);
    logs.set(id, made);
    return made;
  };
  const append = (id: string, ...events: ConferenceEvent[]): Promise<void> =>
    appendBy({}, id, ...events);
  const appendBy = async (
    context: DecisionContext,
    id: string,
    ...events: ConferenceEvent[]
  ): Promise<void> => {
    const one = logOf(id);
    must(await one.commit(() => ({ events, result: undefined }), context));
    const record = one.roster.record();
    const key = KEYS.conference(one.id);
    if (record === undefined) must(await store.delete(key));
    else must(await store.put(key, record));
  };
  const control = async (
    id: ConferenceId,
    by: Parameters<ServiceClient['control']>[1],
    action: ControlAction,
  ): Promise<Result<void, MediaError>> => {
    controls.push(`${id} ${JSON.stringify(action)}`);
    const { roster } = logOf(id);
    const one = 'ordinal' in action ? roster.conferees.get(action.ordinal) : undefined;
    if ('ordinal' in action && one === undefined) {
      return fail(new MediaError('conference-unknown', 'no such conferee'));
    }
    const context = typeof by === 'object' ? { by: by.asker, requestId: by.requestId } : {};
    for (const event of eventsOf(action, one?.confereeId)) await appendBy(context, id, event);
    return ok(undefined);
  };

  const policy = { allowedHosts: ['127.0.0.1'], privateAddresses: false };
  const loud = new Map<string, readonly (readonly [number, number])[]>();
  const measured = new Map<ConfereeId, LegMedia>();
  let asked = 0;
  await bus.serve(SUBJECTS.mixer('mixer-1' as NodeId), (body) => {
    const request = mixerRequest.parse(body);
    const { conferenceId } = request;
    if (request.kind === 'media') {
      return Promise.resolve(ok({ media: measured.get(request.confereeId) ?? null }));
    }
    asked += 1;
    const talkers = (loud.get(conferenceId) ?? []).map(([ordinal, levelDbov]) => ({
      confereeId: confereeOf(ordinal),
      levelDbov,
    }));
    return Promise.resolve(ok({ talkers }));
  });
  const provisioning = createProvisioningBackend(store);
  const service = {
    control,
    ...fakeDials(controls),
  };
  const backend = createStoreBackend({
    store,
    bus,
    clock,
    provisioning,
    control: service,
    roles: () => [],
  });
  const api = must(
    await startApi({
      address: '127.0.0.1',
      port: options.port ?? 0,
      bodyLimitBytes: 65_536,
      metricsAccess: 'loopback',
      trustedProxies: options.trustedProxies ?? [],
      keepRecordsMs: 86_400_000,
      rateLimits: options.rateLimits ?? NO_LIMITS,
      adminToken: 'adminToken' in options ? options.adminToken : ADMIN_TOKEN,
      replaceAdminToken: options.replaceAdminToken ?? false,
      version: '0.0.0',
      ...{ backend, store, bus, clock, random, log, metrics },
      webhooks: { policy, sender: createWebhookSender({ policy, clock, timeoutMs: 2_000 }) },
      pageDirectory: options.pageDirectory ?? 'dist/page',
    }),
  );
  return {
    api,
    store,
    base: `http://127.0.0.1:${api.port}`,
    controls,
    create: (id, account) =>
      append(id, {
        kind: 'created',
        accountId: account as AccountId,
        code: '910001',
        mixerId: 'mixer-1' as NodeId,
        mixerAddress: '127.0.0.1:5070',
        mixerClass: 'standard',
        temporary: false,
      }),
    async join(id, role = 'participant') {
      const ordinal = logOf(id).roster.nextOrdinal;
      await append(id, joined(ordinal, role));
      return ordinal;
    },
    async joinAs(id, who) {
      const event = joined(logOf(id).roster.nextOrdinal, 'participant');
      if (event.kind === 'joined') {
        await append(id, { ...event, caller: { ...event.caller, ...who } });
      }
    },
    append,
    loudness: (id, levels) => void loud.set(id, levels),
    measured: (ordinal, media) => void measured.set(confereeOf(ordinal), media),
    levelsAsked: () => asked,
    alarm: (alarm) =>
      bus.publish(SUBJECTS.alarms, { atMs: clock.wallMs(), node: 'provisioning-1', alarm }),
    talking(id, ordinal, talking) {
      const conferenceId = id as ConferenceId;
      const confereeId = confereeOf(ordinal);
      const mixerId = 'mixer-1' as NodeId;
      const event = { kind: 'talking', mixerId, conferenceId, confereeId, talking };
      bus.publish(SUBJECTS.mixerEvents(conferenceId), event);
    },
    async stop() {
      await api.role.stop();
      await bus.close();
      if (options.store === undefined) await store.close();
    },
  };
}

/** Calls +49… and nothing else. */
function fakeDials(controls: string[]): DialClient {
  return {
    dial: (id, _by, { number, confirm }) => {
      controls.push(`${id} dial ${number} ${confirm === true ? 'confirm' : 'direct'}`);
      if (!number.startsWith('+49')) {
        return Promise.resolve(ok({ kind: 'dial-refused', reason: 'not-allowed' }));
      }
      const order = {
        ...{ dialId: 'd1' as CallId, conferenceId: id, accountId: 'demo-start' as AccountId },
        ...{ trunk: 'carrier', number, confirm: confirm === true, language: 'en' },
        ...{ ringTimeoutMs: 45_000, maxDurationMs: 3_600_000 },
      };
      return Promise.resolve(ok({ kind: 'dialling', order }));
    },
    dialList: (id) => {
      controls.push(`${id} dial-list`);
      return Promise.resolve(ok({ kind: 'dialling-list', dialIds: ['d1', 'd2'] as CallId[] }));
    },
    cancelDial: (id, _by, dialId) => {
      controls.push(`${id} cancel ${dialId}`);
      return Promise.resolve(ok(undefined));
    },
  };
}

export function joined(ordinal: number, role: 'host' | 'participant'): ConferenceEvent {
  return {
    kind: 'joined',
    ordinal,
    confereeId: confereeOf(ordinal),
    role,
    caller: {
      vruId: 'vru-1' as NodeId,
      callId: `k${ordinal}` as CallId,
      callerNumber: `+49301234${String(ordinal).padStart(3, '0')}`,
      ...(ordinal % 3 === 0 ? { callerName: `Caller ${ordinal}` } : {}),
      dnis: '1000',
    },
    from: 'call',
    requestId: `request-${ordinal}`,
  };
}

function eventsOf(action: ControlAction, confereeId: ConfereeId | undefined): ConferenceEvent[] {
  const id = confereeId ?? confereeOf(0);
  switch (action.kind) {
    case 'mute':
      return [{ kind: 'muted', ordinal: action.ordinal, bit: 'host', muted: action.muted }];
    case 'mute-all':
      return [{ kind: 'muted-all', muted: action.muted }];
    case 'lock':
      return [{ kind: 'locked', locked: action.locked }];
    case 'mode':
      return [action];
    case 'lower-hand':
      return [{ kind: 'hand', ordinal: action.ordinal, raised: false }];
    case 'make-host':
      return [{ kind: 'role', ordinal: action.ordinal, role: 'host' }];
    case 'hold':
      return [{ kind: 'held', ordinal: action.ordinal, held: action.held }];
    case 'send':
      return [{ kind: 'sub-conference', ordinal: action.ordinal, sub: action.sub }];
    case 'record':
      return [{ kind: 'recording', on: action.on, mixerId: 'mixer-1' as NodeId }];
    case 'delete':
      return [
        { kind: 'deleted', ordinal: action.ordinal, confereeId: id },
        { kind: 'left', ordinal: action.ordinal, confereeId: id, why: 'deleted' },
      ];
    case 'end':
      return [{ kind: 'ended', why: 'operator-ended', others: 'release' }];
    default:
      return [];
  }
}
