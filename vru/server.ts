/**
 * The voice response unit: answers calls, runs an application for each number dialled, speaks,
 * collects digits, and carries a conferee's audio to and from the mixer.
 *
 * Start here; then call.ts (one call), flow.ts and steps/ (what flows are made of), applications/
 * (what can be dialled). The VRU must never know how conferences are decided, stored or mixed: it
 * asks conference signaling and obeys its commands, and it touches audio only by routing legs.
 */
import type { Clock } from '../common/clock.ts';
import { MediaError } from '../common/errors.ts';
import type { CallId, NodeId, Random } from '../common/ids.ts';
import type { Logger } from '../common/log.ts';
import type { Metrics } from '../common/metrics.ts';
import { fail, ok, type Result } from '../common/result.ts';
import type { Role } from '../common/role.ts';
import type { MediaEngine } from '../mixer/media.ts';
import type {
  CommandHandler,
  ConferenceClient,
  VruDescription,
} from '../signaling/conference/client.ts';
import type { DialEnd, DialOrder } from '../signaling/conference/dial-messages.ts';
import type { CallEndWriter } from '../signaling/derived/call-end.ts';
import { type CodecChoice, TELEPHONY_CODECS } from '../signaling/sdp/codec-selection.ts';
import type { Session, UserAgent, UserAgentEvents } from '../signaling/sip/user-agent.ts';
import { type TrunkSettings, Trunks } from '../signaling/trunk/trunk.ts';
import { Call, type IncomingCall, type OutgoingCall } from './call.ts';
import { createOpenMedia } from './call-media.ts';
import type { CallRefusal } from './call-table.ts';
import type { Lookup, VruParts } from './flow.ts';
import { type Background, createLinkDialler } from './mixer-link.ts';
import { type Cancellable, type DialledCall, makeCall, type Outdial } from './outdial.ts';
import type { PromptCatalogue } from './prompts.ts';
import { createLookup } from './routing.ts';
import { deferred } from './scope.ts';
import type { VruSettings } from './settings.ts';
import { createSpeech } from './speech.ts';
import { createVruMetrics, type VruMetrics } from './vru-metrics.ts';

export interface VruOptions {
  readonly id: NodeId;
  /** Its own user agent; the VRU starts and stops it. */
  readonly createUserAgent: (events: UserAgentEvents) => UserAgent;
  /** Its own client; the VRU closes it. */
  readonly openClient: (
    onCommand: CommandHandler,
    /** For the VRU's lease record: what the operator sees. */
    describe: () => VruDescription,
  ) => Promise<Result<ConferenceClient, MediaError>>;
  /** May be shared with other VRUs; the owner closes it. */
  readonly engine: MediaEngine;
  readonly prompts: PromptCatalogue;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly settings: VruSettings;
  /** Call records; absent: none are written. */
  readonly writeCallEnd?: CallEndWriter | undefined;
  /** In order of preference. Default: G.711. */
  readonly codecs?: readonly CodecChoice[];
  readonly localAddress?: string | undefined;
  readonly advertisedAddress?: string | undefined;
  /** Default: none, so that nobody can call out. */
  readonly trunks?: {
    readonly trunks: readonly TrunkSettings[];
    /** This VRU of the process does. */
    readonly registers: boolean;
  };
}

/** Error: the address is in use, or the store refuses the lease. */
export async function startVru(options: VruOptions): Promise<Result<Role, MediaError>> {
  const calls = new CallTable({ ...options, log: options.log.child({ vruId: options.id }) });
  const agent = options.createUserAgent({ onInvite: (session) => calls.onInvite(session) });
  // Calls that come before the client is there get 503 and come again.
  const started = await agent.start();
  if (!started.ok) return started;
  const trunks = new Trunks({
    trunks: options.trunks?.trunks ?? [],
    registers: options.trunks?.registers ?? false,
    log: options.log,
    metrics: options.metrics,
  });
  const { host, port } = agent.contact;
  const address = port === undefined ? host : `${host}:${port}`;
  const client = await options.openClient(
    (command) => calls.command(command),
    () => ({
      address,
      calls: calls.size,
      draining: calls.draining,
      trunks: [...trunks.states()],
    }),
  );
  if (!client.ok) {
    await agent.stop();
    return client;
  }
  calls.open(client.value, agent, trunks);
  trunks.start(agent);
  return ok(asRole(options, calls, agent, client.value, trunks));
}

function asRole(
  options: VruOptions,
  calls: CallTable,
  agent: UserAgent,
  client: ConferenceClient,
  trunks: Trunks,
): Role {
  const { settings, log } = options;
  let state: 'running' | 'draining' | 'stopped' = 'running';
  let stopping: Promise<void> | undefined;
  const drain = (): void => {
    if (state === 'running') state = 'draining';
    calls.drain();
    agent.drain(settings.retryAfterS);
  };
  const stop = async (): Promise<void> => {
    drain();
    state = 'stopped';
    log.info({ calls: calls.size }, 'VRU stops');
    await calls.stop();
    await agent.stop();
    await client.close();
  };
  return {
    name: 'vru',
    health: () => {
      if (state !== 'running') return { ready: false, detail: state };
      // Calls still come and go by other ways: said, but no reason to take the process out of service.
      const failed = trunks.states().filter(({ registration }) => registration === 'failed');
      const detail = failed.map((trunk) => `trunk ${trunk.name} not registered: ${trunk.detail}`);
      return detail.length === 0 ? { ready: true } : { ready: true, detail: detail.join('; ') };
    },
    activity: () => calls.size,
    drain,
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

interface Shared {
  readonly parts: VruParts;
  readonly lookup: Lookup;
  readonly make: (origin: IncomingCall | OutgoingCall) => Call;
  readonly agent: UserAgent;
  readonly trunks: Trunks;
}

/** Every call of one VRU, and what they share. */
class CallTable {
  readonly #options: VruOptions;
  readonly #metrics: VruMetrics;
  readonly #calls = new Map<CallId, Call>();
  /** Of these, calls that we make. */
  readonly #dialled = new Map<CallId, Cancellable>();
  /** What outlives the await that started it: leaves, BYEs, recordings. */
  readonly #tasks = new Set<Promise<unknown>>();
  #shared: Shared | undefined;
  #draining = false;

  constructor(options: VruOptions) {
    this.#options = options;
    this.#metrics = createVruMetrics(options.metrics);
  }

  get size(): number {
    return this.#calls.size;
  }

  get draining(): boolean {
    return this.#draining;
  }

  open(client: ConferenceClient, agent: UserAgent, trunks: Trunks): void {
    const { clock, random, settings, log, engine } = this.#options;
    const codecs = this.#options.codecs ?? TELEPHONY_CODECS;
    const { localAddress, advertisedAddress } = this.#options;
    const openMedia = createOpenMedia({ engine, random, codecs, localAddress, advertisedAddress });
    const background: Background = (task) => this.#background(task);
    const parts: VruParts = {
      client,
      speech: createSpeech(this.#options.prompts, engine),
      links: createLinkDialler({
        invite: (invite) => agent.invite(invite),
        openMedia,
        clock,
        settings: settings.mixerLink,
        background,
      }),
      clock,
      random,
      metrics: this.#metrics,
      settings,
      background,
      outdial:
        trunks.names.length === 0
          ? undefined
          : { consult: (order, host) => this.#callOut(order, host) },
    };
    const lookup = createLookup(client);
    const onGone = (call: Call): void => {
      this.#calls.delete(call.id);
      this.#dialled.delete(call.id);
      this.#metrics.calls.add(-1);
    };
    const { writeCallEnd, id: vruId } = this.#options;
    const record = writeCallEnd === undefined ? undefined : { vruId, write: writeCallEnd };
    const make: Shared['make'] = (origin) =>
      new Call({ origin, parts, openMedia, log, record, onGone });
    this.#shared = { parts, lookup, make, agent, trunks };
  }

  #add(call: Call): void {
    this.#calls.set(call.id, call);
    this.#metrics.calls.add(1);
  }

  /** Errors: `draining`, `engine-full`, `overloaded`, `not-allowed`. */
  #callOut(
    order: DialOrder,
    host: Parameters<Outdial['consult']>[1] | undefined,
  ): Result<DialledCall, MediaError> {
    const shared = this.#shared;
    if (shared === undefined) return fail(new MediaError('closed', 'not open yet'));
    const busy = this.#admission();
    if (busy !== undefined) {
      const code = busy.rule === 'draining' ? 'draining' : 'overloaded';
      return fail(new MediaError(code, `no calls out now: ${busy.rule}`));
    }
    const { parts, make, agent, trunks } = shared;
    const { client, clock, background, settings } = parts;
    const { dialId, ringTimeoutMs, trunk, number, callerNumber } = order;
    const made = makeCall({
      ...{ order, client, clock, background },
      log: this.#options.log,
      ...(host === undefined ? {} : { host }),
      greeting: settings.invitation,
      trunk: () => trunks.invite(trunk, number, callerNumber),
      invite: (target) => (media) =>
        agent.invite({ ...target, media, events: {}, ringTimeoutMs, id: dialId }),
      start: (origin) => {
        const call = make(origin);
        this.#add(call);
        call.start(undefined);
        return call;
      },
    });
    // One that failed at once is gone from the table already.
    if (made.ok && this.#calls.has(dialId)) this.#dialled.set(dialId, made.value);
    return made;
  }

  onInvite(session: Session): void {
    const refusal = this.#admission();
    const shared = this.#shared;
    if (shared === undefined) {
      session.reject(503, { retryAfterS: this.#options.settings.retryAfterS });
      return;
    }
    const call = shared.make({ kind: 'incoming', session, lookup: shared.lookup });
    this.#add(call);
    call.start(refusal);
  }

  /** Refused before the answer rather than answered badly (R45). */
  #admission(): CallRefusal | undefined {
    const busy = { status: 503, q850: 42, retry: true };
    if (this.#draining) return { ...busy, rule: 'draining' };
    if (this.#calls.size >= this.#options.settings.maxCalls) return { ...busy, rule: 'max-calls' };
    if (this.#options.engine.load().headroom < 1) return { ...busy, rule: 'engine-full' };
    return undefined;
  }

  command: CommandHandler = async (command) => {
    const { kind, callId } = command;
    const call = this.#calls.get(callId);
    const result =
      command.kind === 'dial'
        ? this.#dial(command.order)
        : call === undefined
          ? fail(new MediaError('closed', `no call ${callId} here`))
          : command.kind === 'hang-up'
            ? this.#hangUp(callId, command.why)
            : await call.command(command);
    this.#metrics.commands.add(1, { kind, result: result.ok ? 'done' : result.error.code });
    return result;
  };

  #dial(order: DialOrder): Result<void, MediaError> {
    if (this.#calls.has(order.dialId)) return ok(undefined);
    const made = this.#callOut(order, undefined);
    return made.ok ? ok(undefined) : made;
  }

  #hangUp(callId: CallId, why: DialEnd): Result<void, MediaError> {
    this.#dialled.get(callId)?.cancel(why);
    return ok(undefined);
  }

  drain(): void {
    this.#draining = true;
  }

  /** BYE to every caller, and everything they held given back, within the time for it. */
  async stop(): Promise<void> {
    const { clock, settings } = this.#options;
    const calls = [...this.#calls.values()];
    for (const call of calls) call.stop('stopping');
    const done = (async (): Promise<void> => {
      await Promise.all(calls.map((call) => call.gone));
      while (this.#tasks.size > 0) await Promise.allSettled(this.#tasks);
    })();
    const cut = deferred<void>();
    const late = clock.after(settings.cleanUpMs, () => cut.resolve());
    await Promise.race([done, cut.promise]);
    late.cancel();
  }

  #background(task: Promise<unknown>): void {
    const logged = task.catch((error: unknown) => {
      this.#metrics.flowErrors.add();
      this.#options.log.error({ err: error }, 'background task failed');
    });
    this.#tasks.add(logged);
    logged.then(
      () => this.#tasks.delete(logged),
      () => undefined,
    );
  }
}
