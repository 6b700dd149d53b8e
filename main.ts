/**
 * Entry of the program and composition root. `start` builds the roles that the configuration names
 * and joins them by Bus and Store; only this file knows every role, and that they run in one process.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Address,
  mixerAddress,
  mixerClasses,
  mixerGroup,
  type PortRange,
  rtpRange,
  vruAddress,
} from './common/addresses.ts';
import type { Bus } from './common/bus/bus.ts';
import { LocalBus } from './common/bus/local-bus.ts';
import { type Clock, systemClock } from './common/clock.ts';
import type { Config } from './common/config.ts';
import type { MediaError } from './common/errors.ts';
import { type NodeId, type Random, systemRandom } from './common/ids.ts';
import { Lifecycle } from './common/lifecycle.ts';
import { createLogger, type Logger } from './common/log.ts';
import { createMetrics, type Metrics } from './common/metrics.ts';
import { dieOnBugs, EXIT, stopOnSignals } from './common/process-end.ts';
import { fail, ok, type Result } from './common/result.ts';
import { openLmdbStore } from './common/store/lmdb-store.ts';
import type { Store } from './common/store/store.ts';
import { decodeG722 } from './mixer/decode.ts';
import { createMediaEngine } from './mixer/engine.ts';
import type { MediaEngine, MixOptions } from './mixer/media.ts';
import { type Api, startApi } from './signaling/api/api.ts';
import { type BannerFacts, banner, readyLine } from './signaling/api/cli/banner.ts';
import { addProcessCommands, type ProcessOptions } from './signaling/api/cli/process-commands.ts';
import { runProgram } from './signaling/api/cli/program.ts';
import type { Terminal } from './signaling/api/cli/terminal.ts';
import { serveNodeControl } from './signaling/api/node-control.ts';
import { createProvisioningBackend } from './signaling/api/provisioning-backend.ts';
import { createStoreBackend } from './signaling/api/store-backend.ts';
import { listAccounts, listDnis, type RowCheck } from './signaling/conference/accounts.ts';
import { createServiceClient, openConferenceClient } from './signaling/conference/client.ts';
import { seedDemoData } from './signaling/conference/demo-data.ts';
import type { OutdialRules } from './signaling/conference/dialling.ts';
import { startInterfaceServer } from './signaling/conference/interface-server.ts';
import { startProvisioning } from './signaling/conference/provisioning.ts';
import { startProxy } from './signaling/conference/proxy.ts';
import { createCallEndWriter } from './signaling/derived/call-end.ts';
import { openConferenceEvents } from './signaling/derived/conference-events.ts';
import { startDerived } from './signaling/derived/derived.ts';
import { createWebhookSender } from './signaling/derived/webhook-sender.ts';
import { startMixer } from './signaling/focus/focus.ts';
import type { NotifierOptions } from './signaling/sip/events/notifier.ts';
import { createUserAgent } from './signaling/sip/ua.ts';
import type { ChallengeOptions } from './signaling/sip/ua-options.ts';
import type { UserAgent, UserAgentEvents } from './signaling/sip/user-agent.ts';
import { checkDnisRow } from './vru/applications/applications.ts';
import { type PhoneOptions, type PhoneResult, phoneRefused, runPhone } from './vru/phone.ts';
import { addPhoneCommand } from './vru/phone-command.ts';
import { openPrompts, type PromptCatalogue } from './vru/prompts.ts';
import { startVru } from './vru/server.ts';
import { vruSettingsOf } from './vru/settings.ts';
import { createSpeech, speakWith } from './vru/speech.ts';

const VERSION = readVersion();
/** Beside the sources and, one folder up, beside dist. */
const BUNDLED_PROMPTS = fileURLToPath(new URL('../prompts', import.meta.url));

function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  const parsed: unknown = JSON.parse(text);
  const found =
    typeof parsed === 'object' && parsed !== null && 'version' in parsed
      ? parsed.version
      : undefined;
  return typeof found === 'string' ? found : 'unknown';
}

const terminal: Terminal = {
  out: (text) => {
    process.stdout.write(`${text}\n`);
  },
  err: (text) => {
    process.stderr.write(`${text}\n`);
  },
  environment: process.env,
  setExitCode: (code) => {
    process.exitCode = code;
  },
};

// ── the system ───────────────────────────────────────────────────────────────────────────────

interface System {
  readonly lifecycle: Lifecycle;
  readonly facts: BannerFacts;
}

/** What every role is made with. */
interface Platform {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly store: Store;
  readonly bus: Bus;
  readonly lifecycle: Lifecycle;
  /** What may be subscribed to at the VRUs and mixers; absent: nothing. */
  readonly notifier: NotifierOptions | undefined;
}

async function startSystem(
  config: Config,
  options: ProcessOptions,
  log: Logger,
): Promise<Result<System, MediaError>> {
  const clock = systemClock;
  const random = systemRandom;
  const metrics = createMetrics();
  const lifecycle = new Lifecycle(clock, log);
  const failed = async (error: MediaError): Promise<Result<never, MediaError>> => {
    await lifecycle.stop(config.shutdown.limitMs);
    return fail(error);
  };

  const opened = await openLmdbStore({
    path: join(config.dataDirectory, 'store'),
    clock,
    log,
    metrics,
  });
  if (!opened.ok) return failed(opened.error);
  const store = opened.value;
  lifecycle.addPart('store', () => store.close());
  const bus = new LocalBus({ clock, log, metrics });
  lifecycle.addPart('bus', () => bus.close());
  const shared = { config, clock, random, log, metrics, store, bus, lifecycle };
  const platform: Platform = { ...shared, notifier: await conferenceEvents(shared) };

  if (config.demo) {
    const seeded = await seedDemoData(store);
    if (!seeded.ok) return failed(seeded.error);
  }
  for (const startRoles of [startRecords, startManagement, startMixers, startVrus]) {
    const started = await startRoles(platform);
    if (!started.ok) return failed(started.error);
  }
  const api = await startHttp(platform, options);
  if (!api.ok) return failed(api.error);
  for (const role of lifecycle.roles) await serveNodeControl(bus, role);
  return ok({ lifecycle, facts: await bannerFacts(platform, api.value) });
}

async function conferenceEvents(
  platform: Omit<Platform, 'notifier'>,
): Promise<NotifierOptions | undefined> {
  const { config, lifecycle } = platform;
  const settings = config.conferenceEvents;
  const events = await openConferenceEvents({ ...platform, realm: config.sip.realm, settings });
  if (events === undefined) return undefined;
  lifecycle.addPart('conference events', () => events.close());
  const { digestAlgorithms: algorithms } = config.sip;
  return { ...events.notifier, challenge: { ...events.notifier.challenge, algorithms } };
}

type Started = Promise<Result<void, MediaError>>;

const DAY_MS = 86_400_000;

/** First, so that it ends last: what stops leaves records. */
async function startRecords(platform: Platform): Started {
  const { config, lifecycle } = platform;
  if (!config.roles.includes('interface')) return ok(undefined);
  const keepRecordsMs = config.records.keepDays * DAY_MS;
  const { maxBacklog, disableAfterDays } = config.webhooks;
  const { sender } = webhookParts(platform);
  const webhooks = { sender, maxBacklog, disableAfterMs: disableAfterDays * DAY_MS };
  lifecycle.addRole('derived-1', await startDerived({ ...platform, keepRecordsMs, webhooks }));
  return ok(undefined);
}

function webhookParts({ config, clock }: Platform) {
  const { timeoutMs, ...policy } = config.webhooks;
  return { policy, sender: createWebhookSender({ policy, clock, timeoutMs }) };
}

/** Provisioning database, proxies and interface servers. */
async function startManagement(platform: Platform): Started {
  const { config, lifecycle } = platform;
  if (config.roles.includes('interface')) {
    const id = nodeId('provisioning', 0);
    lifecycle.addRole(id, await startProvisioning({ ...platform, id }));
    for (let index = 0; index < config.interface.count; index++) {
      const id = nodeId('interface', index);
      const { queueLimit, queueLimitPerAccount } = config.interface;
      const limits = { queueTotal: queueLimit, queuePerAccount: queueLimitPerAccount };
      const outdial = outdialRules(config);
      const server = await startInterfaceServer({ ...platform, ...limits, outdial, id });
      if (!server.ok) return server;
      lifecycle.addRole(id, server.value);
    }
  }
  if (config.roles.includes('proxy')) {
    for (let index = 0; index < config.proxy.count; index++) {
      const id = nodeId('proxy', index);
      lifecycle.addRole(id, await startProxy({ ...platform, id }));
    }
  }
  return ok(undefined);
}

async function startMixers(platform: Platform): Started {
  const { config, lifecycle } = platform;
  if (!config.roles.includes('mixer')) return ok(undefined);
  const vruEngines = config.roles.includes('vru') ? 1 : 0;
  const classes = mixerClasses(config);
  for (const [index, mixerClass] of classes.entries()) {
    const id = nodeId('mixer', index);
    const ports = rtpRange(config, vruEngines + index, vruEngines + classes.length);
    const engine = await startEngine(platform, id, config.mixer.workers, ports);
    if (!engine.ok) return engine;
    const prompts = promptsFor(platform, id, engine.value);
    if (!prompts.ok) return prompts;
    const mixer = await startMixer({
      ...platform,
      ...addresses(config),
      speak: speakWith(createSpeech(prompts.value, engine.value)),
      recordingFolder: join(config.dataDirectory, 'recordings'),
      id,
      mixerClass,
      mix: mixOf(mixerGroup(config, index)),
      engine: engine.value,
      adhoc: config.mixer.adhoc,
      trustedPeers: [config.sip.address, ...config.mixer.trustedPeers],
      silenceTimeoutMs: config.media.silenceTimeoutMs,
      createUserAgent: (events) => userAgent(platform, mixerAddress(config, index), events),
    });
    if (!mixer.ok) return mixer;
    lifecycle.addRole(id, mixer.value);
  }
  return ok(undefined);
}

/** How conferences on a mixer of this group are mixed. */
function mixOf(group: Config['mixer']['groups'][number]): MixOptions {
  return {
    contributors: group.contributors,
    speechLevelDbov: group.automaticGain ? group.speechLevelDbov : null,
    noiseSuppression: group.noiseSuppression,
  };
}

async function startVrus(platform: Platform): Started {
  const { config, lifecycle } = platform;
  if (!config.roles.includes('vru')) return ok(undefined);
  const engineCount = 1 + (config.roles.includes('mixer') ? mixerClasses(config).length : 0);
  const ports = rtpRange(config, 0, engineCount);
  const engine = await startEngine(platform, 'vru', config.media.vruWorkers, ports);
  if (!engine.ok) return engine;
  const prompts = promptsFor(platform, 'vru', engine.value);
  if (!prompts.ok) return prompts;
  prompts.value.warmUp(platform.clock);
  const writeCallEnd = createCallEndWriter(platform);
  for (let index = 0; index < config.vru.count; index++) {
    const id = nodeId('vru', index);
    const vru = await startVru({
      ...platform,
      ...addresses(config),
      id,
      engine: engine.value,
      prompts: prompts.value,
      settings: vruSettingsOf(config),
      writeCallEnd,
      trunks: { trunks: config.trunks, registers: index === 0 },
      createUserAgent: (events) =>
        userAgent(platform, vruAddress(config, index), events, challenge(config)),
      openClient: (onCommand, describe) =>
        openConferenceClient({ ...platform, id, onCommand, describe }),
    });
    if (!vru.ok) return vru;
    lifecycle.addRole(id, vru.value);
  }
  return ok(undefined);
}

/** The prompts of one engine, as audio that it can play. */
function promptsFor(
  { config, log, lifecycle }: Platform,
  name: string,
  engine: MediaEngine,
): Result<PromptCatalogue, MediaError> {
  const prompts = openPrompts({
    engine,
    log,
    bundledDirectory: BUNDLED_PROMPTS,
    directory: config.vru.promptDirectory,
    language: config.vru.language,
    decodeG722,
  });
  if (prompts.ok) {
    const { value } = prompts;
    lifecycle.addPart(`prompts of ${name}`, () => Promise.resolve(value.close()));
  }
  return prompts;
}

function outdialRules({ outdial, trunks }: Config): OutdialRules {
  const { rewrite, ringTimeoutMs, maxDurationMs, listConcurrency } = outdial;
  return { plan: { rewrite, trunks }, ringTimeoutMs, maxDurationMs, listConcurrency };
}

const nodeId = (role: string, index: number): NodeId => `${role}-${index + 1}` as NodeId;

function addresses({ sip }: Config): { localAddress: string; advertisedAddress?: string } {
  const { address, advertisedAddress } = sip;
  return {
    localAddress: address,
    ...(advertisedAddress === undefined ? {} : { advertisedAddress }),
  };
}

/** An engine that ends after the roles that use it. */
async function startEngine(
  platform: Platform,
  name: string,
  workers: number,
  ports: PortRange,
): Promise<Result<MediaEngine, MediaError>> {
  const { config, clock, log, metrics, random, lifecycle } = platform;
  const engine = await createMediaEngine({
    name,
    workers,
    localAddress: config.sip.address,
    portRange: { min: ports.portMin, max: ports.portMax },
    unheardLimitMs: config.media.unheardLimitMs,
    keepAwake: config.media.keepAwake,
    opus: config.media.opus,
    clock,
    log: log.child({ engine: name }),
    metrics,
    random,
  });
  if (engine.ok) lifecycle.addPart(`engine of ${name}`, () => engine.value.close());
  return engine;
}

function userAgent(
  platform: Platform,
  address: Address,
  events: UserAgentEvents,
  challenged?: ChallengeOptions,
): UserAgent {
  const { config, clock, random, log, metrics } = platform;
  return createUserAgent({
    listen: { udp: address, tcp: address },
    name: `minusone/${VERSION}`,
    clock,
    random,
    log,
    metrics,
    events,
    advertisedAddress: config.sip.advertisedAddress,
    challenge: challenged,
    notifier: platform.notifier,
    limits: {
      sessions: config.sip.sessionLimit,
      transactions: TRANSACTIONS_PER_SESSION * config.sip.sessionLimit,
    },
    sessionTimer: {
      intervalS: config.sip.sessionExpiresS,
      minimumS: config.sip.minimumSessionExpiresS,
    },
  });
}

/** A finished transaction is kept for half a minute (RFC 3261 section 17); a call makes two or three. */
const TRANSACTIONS_PER_SESSION = 4;

function challenge({ sip }: Config): ChallengeOptions | undefined {
  if (sip.authentication === 'none') return undefined;
  const passwords = new Map(sip.users.map(({ username, password }) => [username, password]));
  const algorithms = sip.digestAlgorithms;
  return { realm: sip.realm, algorithms, passwordOf: (username) => passwords.get(username) };
}

/** A prompt that is not there is left out when it is said, and another machine may have it. */
const checkRow: RowCheck = (row) => checkDnisRow(row, () => true);

async function startHttp(
  platform: Platform,
  options: ProcessOptions,
): Promise<Result<Api, MediaError>> {
  const { config, store, lifecycle } = platform;
  const api = await startApi({
    ...platform,
    ...config.http,
    adminToken: config.http.adminToken,
    replaceAdminToken: options.newAdminToken,
    version: VERSION,
    webhooks: webhookParts(platform),
    keepRecordsMs: config.records.keepDays * DAY_MS,
    backend: createStoreBackend({
      ...platform,
      provisioning: createProvisioningBackend(store, checkRow),
      control: createServiceClient(platform),
      roles: () => lifecycle.roles,
    }),
  });
  if (api.ok) lifecycle.addRole('api-1', api.value.role);
  return api;
}

async function bannerFacts(platform: Platform, api: Api): Promise<BannerFacts> {
  const { config, store } = platform;
  const accounts = await listAccounts(store);
  const dnis = await listDnis(store);
  return {
    version: VERSION,
    config,
    accounts: accounts.ok ? accounts.value : [],
    dnis: dnis.ok ? dnis.value : [],
    httpPort: api.port,
    newAdminToken: api.newAdminToken,
  };
}

// ── commands ─────────────────────────────────────────────────────────────────────────────────

async function start(config: Config, options: ProcessOptions): Promise<void> {
  const log = createLogger(config.logLevel, process.stderr);
  dieOnBugs(log);
  const started = await startSystem(config, options, log);
  if (!started.ok) {
    terminal.err(`cannot start: ${started.error.message}`);
    process.exit(EXIT.failed);
  }
  const { lifecycle, facts } = started.value;
  stopOnSignals(lifecycle, config.shutdown, log);
  log.info({ version: VERSION, roles: lifecycle.roles.map(({ id }) => id) }, 'ready');
  terminal.out(options.json ? JSON.stringify(readyLine(facts)) : banner(facts));
}

/** RTP of `minusone call`; apart from the default range of a server on the same machine. */
const PHONE_PORTS = { min: 40_000, max: 49_998 };

async function call(options: PhoneOptions): Promise<PhoneResult> {
  const log = createLogger('warn', process.stderr);
  const shared = { clock: systemClock, random: systemRandom, log, metrics: createMetrics() };
  const engine = await createMediaEngine({
    ...shared,
    workers: 1,
    localAddress: options.localAddress ?? '127.0.0.1',
    portRange: PHONE_PORTS,
  });
  if (!engine.ok) return phoneRefused(engine.error.message);
  const result = await runPhone(options, {
    ...shared,
    engine: engine.value,
    createUserAgent: ({ address, transport }, events) =>
      createUserAgent({
        ...shared,
        listen: { [transport]: { address, port: 0 } },
        events,
        limits: { stopMs: 1000 },
      }),
  });
  await engine.value.close();
  return result;
}

/** The first Ctrl-C hangs up or ends what goes on, the second one ends the process. */
function hangUpSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => controller.abort());
  }
  return controller.signal;
}

await runProgram(
  {
    version: VERSION,
    terminal,
    signal: hangUpSignal,
    addLocalCommands(program) {
      addProcessCommands(program, { terminal, start });
      addPhoneCommand(program, { terminal, call, signal: hangUpSignal });
    },
  },
  process.argv.slice(2),
);
