/** `npm run bench -- load …`: the entry of the measuring tools. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Command } from 'commander';
import { compareReports } from './compare.ts';
import { findCapacity } from './find.ts';
import { type LoadOptions, type LoadReport, runLoad } from './load.ts';
import { watchMinutes } from './minutes.ts';
import { startBenchMixer } from './mixer.ts';
import { loadPage } from './page.ts';
import { LOAD_CODECS } from './rtp-driver.ts';
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

interface LoadArguments {
  target: string;
  conferences: number;
  size: number;
  contributors: number;
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
    .option('--codec <name>', LOAD_CODECS.join(', '), 'PCMU')
    .option('--seconds <n>', 'length of each measurement', whole('--seconds', 2), 10)
    .option('--ramp <n>', 'calls a second', whole('--ramp', 1), 100)
    .option('--local <address>', 'our address', '127.0.0.1')
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
  return {
    target: given.target,
    conferences: given.conferences,
    size: given.size,
    contributors: given.contributors,
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

function save(given: LoadArguments, whole: unknown, runs: readonly LoadReport[]): void {
  const write = (file: string, text: string): void => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  };
  if (given.json !== undefined) write(given.json, `${JSON.stringify(whole, null, 2)}\n`);
  if (given.html !== undefined) write(given.html, loadPage(`Load on ${given.target}`, runs));
}

loadCommand('load', 'N callers in M conferences against a SIP target, with checks').action(
  async (given: LoadArguments) => {
    const report = await runLoad(loadOptions(given));
    save(given, report, [report]);
    print(report);
    process.exitCode = report.failures.length === 0 ? 0 : 1;
  },
);

loadCommand('find', 'the highest load at which every check holds')
  .option('--limit <n>', 'conferences at the most', whole('--limit', 1), 1000)
  .action(async (given: LoadArguments & { limit: number }) => {
    const load = loadOptions(given);
    const found = await findCapacity(load, {
      from: load.conferences,
      limit: given.limit,
      resolution: 0.03,
      progress: (line) => console.error(line),
    });
    save(given, found, found.runs);
    for (const run of found.runs) print(run);
    console.log(`holds ${found.held} × ${load.size} = ${found.held * load.size} conferees`);
  });

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
  .action(
    async (given: {
      keepAwake: boolean;
      witness?: boolean;
      local: string;
      sipPort: number;
      rtpMin: number;
      rtpMax: number;
      cpu?: number;
    }) => {
      const mixer = await startBenchMixer({
        address: given.local,
        sipPort: given.sipPort,
        rtpPorts: { min: given.rtpMin, max: given.rtpMax },
        workers: 1,
        keepAwake: given.keepAwake,
        ...(given.cpu === undefined ? {} : { cpus: [given.cpu] }),
      });
      const minutes =
        given.witness === true
          ? watchMinutes(() => mixer.counters(), startWitness(given.cpu ?? 0), console.log)
          : null;
      console.error(`mixer ${process.pid} on sip:conf=NAME@${given.local}:${given.sipPort}`);
      await new Promise<void>((resolve) => {
        process.once('SIGINT', () => resolve());
        process.once('SIGTERM', () => resolve());
      });
      console.log(JSON.stringify(Object.fromEntries(mixer.counters())));
      if (minutes !== null) {
        console.log(`empty loop beside it: ${JSON.stringify(await minutes.stop())}`);
      }
      await mixer.close();
    },
  );

program
  .command('compare <before> <after>')
  .description('two stored reports of `load`; fails when the second is worse by over 15 %')
  .action((before: string, after: string) => {
    const read = (file: string): LoadReport => JSON.parse(readFileSync(file, 'utf8')) as LoadReport;
    const differences = compareReports(read(before), read(after));
    for (const one of differences) {
      const figures = `${one.before.toFixed(3)} → ${one.after.toFixed(3)} (× ${one.ratio.toFixed(2)})`;
      console.log(`${one.regression ? 'WORSE ' : '      '}${one.figure}: ${figures}`);
    }
    process.exitCode = differences.some((one) => one.regression) ? 1 : 0;
  });

function print(report: LoadReport): void {
  const { calls, tones, counters, delay, cpu, failures } = report;
  console.log(
    `calls       ${calls.established} of ${calls.wanted}  failed ${JSON.stringify(calls.failed)}`,
  );
  console.log(
    `packets     sent ${counters.sent} received ${counters.received} lost ${counters.lost} ` +
      `timestamp errors ${counters.timestampErrors} slowest leg ${counters.slowestRate}/s`,
  );
  console.log(
    `tones       ${tones.checked} legs, level error ${tones.worstLevelErrorDb} dB, ` +
      `own ${tones.worstOwnDbfs} dBFS, foreign ${tones.worstForeignDbfs} dBFS`,
  );
  if (delay !== null) {
    console.log(
      `delay       p50 ${delay.p50Ms} p90 ${delay.p90Ms} p99 ${delay.p99Ms} max ${delay.maxMs} ms ` +
        `(${delay.probes} probes, ${delay.missed} missed)`,
    );
  }
  if (cpu !== null) {
    console.log(
      `cpu         ${(cpu.shareOfCore * 100).toFixed(1)} % of a core, ${cpu.msPerConfereeSecond.toFixed(3)} ms a ` +
        `conferee-second, foreign load ${cpu.foreignCores.toFixed(2)} cores`,
    );
  }
  console.log(
    `driver      ${((counters.driverCpuSeconds / counters.seconds) * 100).toFixed(1)} % of a core, ` +
      `late slots ${counters.driverLateSlots}, worst ${counters.driverWorstLateMs} ms`,
  );
  console.log(failures.length === 0 ? 'held' : `FAILED: ${failures.join(', ')}`);
}

try {
  await program.parseAsync(process.argv);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
