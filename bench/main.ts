/** `npm run bench -- load …`: the entry of the measuring tools. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Command } from 'commander';
import { addApiCommands } from './api-commands.ts';
import { findCapacity } from './find.ts';
import { LateTicks } from './late-ticks.ts';
import { type LoadOptions, runLoad } from './load.ts';
import { addMicroCommands } from './micro-commands.ts';
import { watchMinutes } from './minutes.ts';
import { startBenchMixer } from './mixer.ts';
import { loadPage, type PageContent, readPageContent } from './page.ts';
import { type PressureKind, runPressure } from './pressure.ts';
import { findTable, loadText, pressureText } from './report-text.ts';
import { LOAD_CODECS } from './rtp-driver.ts';
import { addScaleCommands } from './scale-commands.ts';
import { addWebPageCommand } from './web-page-command.ts';
import { startWitness } from './witness.ts';

const whole =
  (name: string, least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least) {
      throw new Error(`${name}: expected a whole number of at least ${least}, got ${text}`);
    }
    return value;
  };

const share =
  (name: string) =>
  (text: string): number => {
    const value = Number(text);
    if (!(value >= 0 && value <= 100)) {
      throw new Error(`${name}: expected percent from 0 to 100, got ${text}`);
    }
    return value / 100;
  };

interface LoadArguments {
  target: string;
  conferences: number;
  size: number;
  contributors: number;
  turns: number;
  levels: boolean;
  loss: number;
  duplicate: number;
  reorder: number;
  jitter: number;
  codec: string;
  seconds: number;
  ramp: number;
  local: string;
  sipPort: number;
  basePort: number;
  dtmf?: string;
  pid: string[];
  driverCpu?: number;
  delay: boolean;
  json?: string;
  html?: string;
}

const program = new Command('bench').description('Measures minusone and its peers.');

/** Options that every load has. */
function loadCommand(name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .requiredOption('--target <uri>', 'such as sip:conf={conference}@127.0.0.1:5070')
    .option('--conferences <n>', 'conferences', whole('--conferences', 1), 50)
    .option('--size <n>', 'members of each', whole('--size', 2), 10)
    .option('--contributors <n>', 'members of each that send a tone', whole('--contributors', 0), 3)
    .option('--turns <ms>', 'they talk one after another, so long each', whole('--turns', 500), 0)
    .option('--levels', 'sends audio levels (RFC 6464) where the answer agrees', false)
    .option('--loss <percent>', 'packets lost on their way to the target', share('--loss'), 0)
    .option('--duplicate <percent>', 'packets sent twice', share('--duplicate'), 0)
    .option('--reorder <percent>', 'packets overtaken by the next', share('--reorder'), 0)
    .option('--jitter <ms>', 'longest extra delay of a packet', whole('--jitter', 0), 0)
    .option('--codec <name>', LOAD_CODECS.join(', '), 'PCMU')
    .option('--seconds <n>', 'length of each measurement', whole('--seconds', 2), 10)
    .option('--ramp <n>', 'calls a second', whole('--ramp', 1), 100)
    .option(
      '--local <address>',
      'our address; another one than the target has more ports',
      '127.0.0.1',
    )
    .option('--sip-port <n>', 'our SIP port', whole('--sip-port', 1), 5990)
    .option(
      '--base-port <n>',
      'first RTP port of ours; best below the range of ephemeral ports',
      whole('--base-port', 1024),
      22000,
    )
    .option('--dtmf <digits>', 'digits to send after the answer')
    .option('--pid <pid...>', 'processes whose CPU time counts', [])
    .option('--driver-cpu <n>', 'processor of the driver', whole('--driver-cpu', 0))
    .option('--no-delay', 'leave out the delay measurement')
    .option('--json <file>', 'write the whole report')
    .option('--html <file>', 'write a page with plots');
}

function loadOptions(given: LoadArguments): LoadOptions {
  const codec = LOAD_CODECS.find((name) => name === given.codec);
  if (codec === undefined) {
    throw new Error(`--codec: expected ${LOAD_CODECS.join(', ')}, got ${given.codec}`);
  }
  const { loss, duplicate, reorder, jitter } = given;
  return {
    target: given.target,
    conferences: given.conferences,
    size: given.size,
    contributors: given.contributors,
    turnMs: given.turns,
    levels: given.levels,
    impairment: { loss, duplicate, reorder, jitterMs: jitter },
    codec,
    seconds: given.seconds,
    ramp: given.ramp,
    localAddress: given.local,
    sipPort: given.sipPort,
    basePort: given.basePort,
    pids: given.pid.map(Number),
    delay: given.delay,
    progress: (line) => console.error(line),
    ...(given.dtmf === undefined ? {} : { dtmf: given.dtmf }),
    ...(given.driverCpu === undefined ? {} : { driverCpu: given.driverCpu }),
  };
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function save(given: LoadArguments, whole: unknown, page: PageContent): void {
  if (given.json !== undefined) write(given.json, `${JSON.stringify(whole, null, 2)}\n`);
  if (given.html !== undefined) write(given.html, loadPage(page));
}

loadCommand('load', 'N callers in M conferences against a SIP target, with checks').action(
  async (given: LoadArguments) => {
    const report = await runLoad(loadOptions(given));
    save(given, report, { title: `Load on ${given.target}`, loads: [report] });
    console.log(loadText(report));
    process.exitCode = report.failures.length === 0 ? 0 : 1;
  },
);

loadCommand('find', 'the highest load at which every check holds')
  .option('--limit <n>', 'conferences at the most', whole('--limit', 1), 1000)
  .option('--resolution <percent>', 'ends when it is known so well', share('--resolution'), 0.03)
  .action(async (given: LoadArguments & { limit: number; resolution: number }) => {
    const load = loadOptions(given);
    const found = await findCapacity(load, {
      from: Math.min(load.conferences, given.limit),
      limit: given.limit,
      resolution: given.resolution,
      progress: (line) => console.error(line),
    });
    save(given, found, {
      title: `Highest load on ${given.target}`,
      loads: found.runs,
      held: found.held * load.size,
    });
    console.log(findTable(found));
    process.exitCode = found.held > 0 ? 0 : 1;
  });

interface PressureArguments extends LoadArguments {
  extraConferences: number;
  extraSize: number;
  extraRamp: number;
}

function pressureCommand(
  kind: PressureKind,
  description: string,
  extra: number,
  ramp: number,
): void {
  loadCommand(kind, description)
    .option('--extra-conferences <n>', 'conferences', whole('--extra-conferences', 1), extra)
    .option('--extra-size <n>', 'members of each', whole('--extra-size', 2), 10)
    .option('--extra-ramp <n>', 'calls a second', whole('--extra-ramp', 1), ramp)
    .action(async (given: PressureArguments) => {
      const { extraConferences, extraSize, extraRamp } = given;
      const extra = { extraConferences, extraSize, extraRamp };
      const report = await runPressure({ ...loadOptions(given), ...extra, kind });
      save(given, report, { title: `${kind} on ${given.target}`, loads: [], pressures: [report] });
      console.log(pressureText(report));
      process.exitCode = report.failures.length === 0 ? 0 : 1;
    });
}

pressureCommand(
  'storm',
  'joins at a high rate beside a running load, which must not notice',
  200,
  200,
);
pressureCommand(
  'overload',
  'more than fits beside a running load: refused with 503, and the load must not notice',
  600,
  200,
);

/** To the process that started this one (bench/scale.ts): that it is up, and its heap when asked. */
function tellMemory(): void {
  process.on('message', () => {
    globalThis.gc?.();
    process.send?.(process.memoryUsage());
  });
  process.send?.('ready');
}

program
  .command('mixer')
  .description('a mixer alone as the target of a load; ends with Ctrl-C and prints its counters')
  .option('--local <address>', 'its address', '127.0.0.1')
  .option('--sip-port <n>', 'its SIP port', whole('--sip-port', 1), 5970)
  .option('--rtp-min <n>', 'first RTP port', whole('--rtp-min', 1024), 10000)
  .option('--rtp-max <n>', 'last RTP port', whole('--rtp-max', 1024), 21999)
  .option('--cpu <n>', 'processor of the engine', whole('--cpu', 0))
  .option('--no-keep-awake', 'let idle processors sleep')
  .option('--witness', 'count beside it how late an empty loop wakes on the processor of --cpu')
  .option(
    '--target-share <percent>',
    'busy share up to which conferences are taken',
    share('--target-share'),
  )
  .action(
    async (given: {
      keepAwake: boolean;
      witness?: boolean;
      local: string;
      sipPort: number;
      rtpMin: number;
      rtpMax: number;
      cpu?: number;
      targetShare?: number;
    }) => {
      const lateTicks = new LateTicks();
      const mixer = await startBenchMixer({
        address: given.local,
        sipPort: given.sipPort,
        rtpPorts: { min: given.rtpMin, max: given.rtpMax },
        workers: 1,
        keepAwake: given.keepAwake,
        onLateTick: (tick) => lateTicks.add(tick),
        ...(given.cpu === undefined ? {} : { cpus: [given.cpu] }),
        ...(given.targetShare === undefined ? {} : { targetShare: given.targetShare }),
      });
      const minutes =
        given.witness === true
          ? watchMinutes(
              () => mixer.counters(),
              lateTicks,
              startWitness(given.cpu ?? 0),
              console.log,
            )
          : null;
      if (process.send !== undefined) tellMemory();
      console.error(`mixer ${process.pid} on sip:conf=NAME@${given.local}:${given.sipPort}`);
      await new Promise<void>((resolve) => {
        process.once('SIGINT', () => resolve());
        process.once('SIGTERM', () => resolve());
      });
      console.log(JSON.stringify(Object.fromEntries(mixer.counters())));
      if (minutes !== null) {
        const { stalls: _, ...counts } = await minutes.stop();
        console.log(`empty loop beside it: ${JSON.stringify(counts)}`);
      }
      await mixer.close();
    },
  );

program
  .command('page <out> <reports...>')
  .description('one page from stored reports of load, find, storm and overload')
  .option('--title <text>', 'heading', 'Load')
  .action((out: string, files: string[], given: { title: string }) => {
    write(out, loadPage(readPageContent(given.title, files)));
  });

addMicroCommands(program);
addApiCommands(program);
addScaleCommands(program);
addWebPageCommand(program);

try {
  await program.parseAsync(process.argv);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
