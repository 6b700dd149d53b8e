import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import { compareReports, DEFAULT_LIMITS, type Report } from './compare.ts';
import { type Kernel, runMicro } from './micro.ts';

/** `micro` and `compare`. */
export function addMicroCommands(program: Command): void {
  program
    .command('micro [filter]')
    .description(
      'cost of single parts: codecs, mix kernels, resampler, limiter, jitter buffer, SIP',
    )
    .option('--no-instructions', 'leave out the run under valgrind')
    .option('--json <file>', 'write the report, to compare with later')
    .action(async (filter: string | undefined, given: { instructions: boolean; json?: string }) => {
      const report = await runMicro({
        instructions: given.instructions,
        progress: (line) => console.error(line),
        ...(filter === undefined ? {} : { filter }),
      });
      if (given.json !== undefined) {
        mkdirSync(dirname(given.json), { recursive: true });
        writeFileSync(given.json, `${JSON.stringify(report, null, 1)}\n`);
      }
      for (const kernel of report.kernels) console.log(kernelText(kernel));
      if (report.note !== null) console.log(report.note);
    });
  program
    .command('compare <before> <after>')
    .description('two stored reports of micro, load or find; fails when the second is worse')
    .option(
      '--instructions <ratio>',
      'limit of instruction counts',
      Number,
      DEFAULT_LIMITS.instructions,
    )
    .option(
      '--kernel-time <ratio>',
      'limit of kernels without them',
      Number,
      DEFAULT_LIMITS.kernelTime,
    )
    .option('--load <ratio>', 'limit of loads', Number, DEFAULT_LIMITS.load)
    .option('--all', 'also what has not changed', false)
    .action(
      (
        before: string,
        after: string,
        given: { instructions: number; kernelTime: number; load: number; all: boolean },
      ) => {
        const { differences, notes } = compareReports(read(before), read(after), given);
        for (const note of notes) console.log(note);
        for (const one of differences) {
          const changed = Math.abs(one.ratio - 1) > (one.limit - 1) / 2;
          if (!given.all && !one.regression && !changed) continue;
          const verdict = one.regression
            ? 'WORSE  '
            : one.ratio < 1 && changed
              ? 'better '
              : '       ';
          const figures = `${figure(one.before)} → ${figure(one.after)} (× ${one.ratio.toFixed(3)})`;
          console.log(`${verdict}${one.figure}: ${figures}`);
        }
        const worse = differences.filter((one) => one.regression).length;
        console.log(`${differences.length} compared, ${worse} worse`);
        process.exitCode = worse > 0 || differences.length === 0 ? 1 : 0;
      },
    );
}

function read(file: string): Report {
  return JSON.parse(readFileSync(file, 'utf8')) as Report;
}

function kernelText({ name, variant, ns, instructions }: Kernel): string {
  const count = instructions === undefined ? '' : `${instructions}`.padStart(10);
  return `${name.padEnd(38)} ${variant.padEnd(10)} ${ns.toFixed(1).padStart(10)} ns ${count}`;
}

function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
