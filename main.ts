/**
 * Entry of the program and composition root. `start` builds the roles that the configuration names
 * and joins them by Bus and Store; only this file knows every role, and that they run in one process.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import type { Bus } from './common/bus/bus.ts';
import { LocalBus } from './common/bus/local-bus.ts';
import { type Clock, systemClock } from './common/clock.ts';
import { type Config, withoutSecrets } from './common/config.ts';
import { type ConfigErrors, loadConfig, type Override } from './common/config-load.ts';
import { OPTIONS, readOptions } from './common/config-options.ts';
import type { MediaError } from './common/errors.ts';
import { type NodeId, type Random, systemRandom } from './common/ids.ts';
import { Lifecycle } from './common/lifecycle.ts';
import { createLogger, type Logger } from './common/log.ts';
import { createMetrics, type Metrics } from './common/metrics.ts';
import { fail, ok, type Result } from './common/result.ts';
import { openLmdbStore } from './common/store/lmdb-store.ts';
import type { Store } from './common/store/store.ts';
import { type Api, startApi } from './signaling/api/api.ts';
import { type BannerFacts, banner, readyLine } from './signaling/api/cli/banner.ts';
import { runProgram } from './signaling/api/cli/program.ts';
import type { Terminal } from './signaling/api/cli/terminal.ts';
import { serveNodeControl } from './signaling/api/node-control.ts';
import { createProvisioningBackend } from './signaling/api/provisioning-backend.ts';
import { createStoreBackend } from './signaling/api/store-backend.ts';
import { listAccounts, listDnis } from './signaling/conference/accounts.ts';
import { createServiceClient } from './signaling/conference/client.ts';
import { seedDemoData } from './signaling/conference/demo-data.ts';
import { startProvisioning } from './signaling/conference/provisioning.ts';

/** Exit codes of `start`, beside those of the command line (client.ts). */
const EXIT_START_FAILED = 1;
const EXIT_BAD_CONFIG = 2;
/** As BSD's sysexits name it: a fault of the program itself. */
const EXIT_OUR_BUG = 70;

const VERSION = readVersion();

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
}

interface StartOptions {
  readonly newAdminToken: boolean;
}

async function startSystem(
  config: Config,
  options: StartOptions,
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
  const platform: Platform = { config, clock, random, log, metrics, store, bus, lifecycle };

  if (config.demo) {
    const seeded = await seedDemoData(store);
    if (!seeded.ok) return failed(seeded.error);
  }
  for (const startRole of [startConferenceManagement]) {
    const started = await startRole(platform);
    if (!started.ok) return failed(started.error);
  }
  const api = await startHttp(platform, options);
  if (!api.ok) return failed(api.error);
  for (const role of lifecycle.roles) await serveNodeControl(bus, role);
  return ok({ lifecycle, facts: await bannerFacts(platform, api.value) });
}

/** Provisioning database, proxies and interface servers. */
async function startConferenceManagement(platform: Platform): Promise<Result<void, MediaError>> {
  const { config, lifecycle } = platform;
  if (!config.roles.includes('interface')) return ok(undefined);
  const id = 'provisioning-1' as NodeId;
  lifecycle.addRole(id, await startProvisioning({ ...platform, id }));
  return ok(undefined);
}

async function startHttp(
  platform: Platform,
  options: StartOptions,
): Promise<Result<Api, MediaError>> {
  const { config, store, lifecycle } = platform;
  const api = await startApi({
    ...platform,
    ...config.http,
    adminToken: config.http.adminToken,
    replaceAdminToken: options.newAdminToken,
    version: VERSION,
    backend: createStoreBackend({
      ...platform,
      provisioning: createProvisioningBackend(store),
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

/** The configuration of file, environment and options; later ones win. */
function readConfig(given: Readonly<Record<string, unknown>>): Result<Config, ConfigErrors> {
  const overrides = readOptions(given);
  if (!overrides.ok) return overrides;
  const token = process.env['MINUSONE_ADMIN_TOKEN'];
  const fromEnvironment: Override[] =
    token === undefined
      ? []
      : [{ path: ['http', 'adminToken'], value: token, source: 'MINUSONE_ADMIN_TOKEN' }];
  const name = given['config'];
  if (typeof name !== 'string')
    return loadConfig({ overrides: [...fromEnvironment, ...overrides.value] });
  let text: string;
  try {
    text = readFileSync(name, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return fail([`--config: ${name} cannot be read (${why}); expected a YAML file`]);
  }
  return loadConfig({ file: { name, text }, overrides: [...fromEnvironment, ...overrides.value] });
}

function refuseConfig(errors: ConfigErrors): void {
  terminal.err(`the configuration is refused:\n${errors.map((line) => `  ${line}`).join('\n')}`);
  terminal.setExitCode(EXIT_BAD_CONFIG);
}

function withConfigOptions(command: Command): Command {
  command.option('--config <file>', 'YAML file with the configuration (docs/configuration.md)');
  for (const { flags, help } of OPTIONS) command.option(flags, help);
  return command;
}

async function start(given: Readonly<Record<string, unknown>>): Promise<void> {
  const loaded = readConfig(given);
  if (!loaded.ok) {
    refuseConfig(loaded.error);
    return;
  }
  const config = loaded.value;
  const log = createLogger(config.logLevel, process.stderr);
  const dieOf = (what: string) => (error: unknown) => {
    log.fatal({ err: error }, what);
    process.exit(EXIT_OUR_BUG);
  };
  process.on('uncaughtException', dieOf('uncaught exception'));
  process.on('unhandledRejection', dieOf('unhandled rejection'));

  const started = await startSystem(
    config,
    { newAdminToken: given['newAdminToken'] === true },
    log,
  );
  if (!started.ok) {
    terminal.err(`cannot start: ${started.error.message}`);
    process.exit(EXIT_START_FAILED);
  }
  const { lifecycle } = started.value;
  stopOnSignals(lifecycle, config, log);
  log.info({ version: VERSION, roles: lifecycle.roles.map(({ id }) => id) }, 'ready');
  const { facts } = started.value;
  terminal.out(given['json'] === true ? JSON.stringify(readyLine(facts)) : banner(facts));
}

/** First signal: drain, BYEs, close. Second: at once. */
function stopOnSignals(lifecycle: Lifecycle, config: Config, log: Logger): void {
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping) {
      log.warn({ signal }, 'second signal; stopping at once');
      process.exit(EXIT_START_FAILED);
    }
    stopping = true;
    log.info(
      { signal, drainMs: config.shutdown.drainMs },
      'draining; a second signal stops at once',
    );
    lifecycle.drain();
    void systemClock
      .sleep(config.shutdown.drainMs)
      .then(() => lifecycle.stop(config.shutdown.limitMs))
      .then((clean) => {
        log.info({ clean }, 'stopped');
        process.exit(clean ? 0 : EXIT_START_FAILED);
      });
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

function checkConfig(given: Readonly<Record<string, unknown>>): void {
  const loaded = readConfig(given);
  const json = given['json'] === true;
  if (loaded.ok) {
    const shown = withoutSecrets(loaded.value);
    terminal.out(json ? JSON.stringify(shown, undefined, 2) : stringify(shown).trimEnd());
  } else if (json) {
    terminal.out(JSON.stringify({ errors: loaded.error }, undefined, 2));
    terminal.setExitCode(EXIT_BAD_CONFIG);
  } else {
    refuseConfig(loaded.error);
  }
}

function addLocalCommands(program: Command): void {
  withConfigOptions(program.command('start'))
    .description('run the roles of this process until a signal')
    .option('--new-admin-token', 'make a new admin token; the old one is no longer taken')
    .option('--json', 'print one line of JSON when ready')
    .addHelpText(
      'after',
      `\nExamples:\n  minusone start\n  minusone start --sip 192.0.2.10:5060 --data /var/lib/minusone --no-demo\n  minusone start --config minusone.yaml --mixers 4 --class standard`,
    )
    .action(start);
  withConfigOptions(program.command('check-config'))
    .description('print the configuration in force, secrets hidden; refuse what start would refuse')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  minusone check-config --config minusone.yaml')
    .action(checkConfig);
}

await runProgram({ version: VERSION, terminal, addLocalCommands }, process.argv.slice(2));
