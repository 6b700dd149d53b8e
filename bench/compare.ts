/**
 * Two stored reports of the same kind: is the second worse than the noise explains? Pure. Kernels go by
 * instructions where both have them, else by CPU time, which is worth less on a busy machine and nothing
 * across machines; loads by CPU time a conferee, memory, delay and checks.
 */
import type { FindReport } from './find.ts';
import type { LoadReport } from './load.ts';
import { kernelKey, type MicroReport } from './micro.ts';

export interface Difference {
  readonly figure: string;
  readonly before: number;
  readonly after: number;
  /** after / before. */
  readonly ratio: number;
  /** Above this ratio it is a regression. */
  readonly limit: number;
  readonly regression: boolean;
}

export interface Limits {
  /** Instruction counts scatter by far less than a percent. */
  readonly instructions: number;
  /** Best of nine, on a machine with other work. */
  readonly kernelTime: number;
  /** Runs on these machines differ by about 10 % (peers.md). */
  readonly load: number;
}

export const DEFAULT_LIMITS: Limits = { instructions: 1.03, kernelTime: 1.3, load: 1.15 };

export type Report = MicroReport | LoadReport | FindReport;

export interface Comparison {
  readonly differences: readonly Difference[];
  /** What could not be compared, and why. */
  readonly notes: readonly string[];
}

export function compareReports(before: Report, after: Report, limits = DEFAULT_LIMITS): Comparison {
  if (before.kind === 'micro' && after.kind === 'micro') return compareMicro(before, after, limits);
  if (before.kind === 'load' && after.kind === 'load') {
    return { differences: compareLoads(before, after, limits), notes: sameLoad(before, after) };
  }
  if (before.kind === 'find' && after.kind === 'find') return compareFinds(before, after, limits);
  const notes = [`one is a report of ${before.kind}, the other of ${after.kind}`];
  return { differences: [], notes };
}

function difference(figure: string, before: number, after: number, limit: number): Difference {
  const ratio = before === 0 ? (after === 0 ? 1 : Number.POSITIVE_INFINITY) : after / before;
  return { figure, before, after, ratio, limit, regression: ratio > limit };
}

function compareMicro(before: MicroReport, after: MicroReport, limits: Limits): Comparison {
  const sameMachine = before.machine.processor === after.machine.processor;
  const notes: string[] = [];
  if (!sameMachine) notes.push('another processor: times are not compared, only instructions');
  const known = new Map(before.kernels.map((kernel) => [kernelKey(kernel), kernel]));
  const differences = after.kernels.flatMap((kernel) => {
    const old = known.get(kernelKey(kernel));
    const title = kernel.variant === '' ? kernel.name : `${kernel.name}, ${kernel.variant}`;
    if (old === undefined) {
      notes.push(`${title}: new`);
      return [];
    }
    known.delete(kernelKey(kernel));
    if (old.instructions !== undefined && kernel.instructions !== undefined) {
      const figure = `${title}, instructions`;
      return [difference(figure, old.instructions, kernel.instructions, limits.instructions)];
    }
    return sameMachine ? [difference(`${title}, ns`, old.ns, kernel.ns, limits.kernelTime)] : [];
  });
  for (const { name, variant } of known.values()) notes.push(`${name}, ${variant}: gone`);
  return { differences, notes };
}

function compareLoads(
  before: LoadReport,
  after: LoadReport,
  limits: Limits,
): readonly Difference[] {
  const figures: readonly (readonly [
    name: string,
    read: (report: LoadReport) => number | undefined,
    limit: number,
  ])[] = [
    ['CPU, ms a conferee-second', (report) => report.cpu?.msPerConfereeSecond, limits.load],
    ['memory, KiB a conferee', (report) => report.cpu?.residentKibPerConferee, limits.load],
    ['delay p50, ms', (report) => report.delay?.p50Ms, limits.load],
    ['delay p99, ms', (report) => report.delay?.p99Ms, limits.load],
    ['driver, ms a conferee-second', (report) => report.driver.msPerConfereeSecond, limits.load],
    ['failed checks', (report) => report.failures.length, 1],
  ];
  return figures.flatMap(([figure, read, limit]) => {
    const first = read(before);
    const second = read(after);
    return first === undefined || second === undefined
      ? []
      : [difference(figure, first, second, limit)];
  });
}

function sameLoad(before: LoadReport, after: LoadReport): readonly string[] {
  const shape = ({ options }: LoadReport): string =>
    `${options.codec} ${options.conferences} × ${options.size}, ${options.contributors} talk`;
  return shape(before) === shape(after)
    ? []
    : [`different loads: ${shape(before)} and ${shape(after)}`];
}

function compareFinds(before: FindReport, after: FindReport, limits: Limits): Comparison {
  // More is better here: the ratio is turned round.
  const capacity = difference(
    'a conference of the highest load, share of it',
    1 / Math.max(1, before.held),
    1 / Math.max(1, after.held),
    limits.load,
  );
  return {
    differences: [capacity],
    notes: [`held ${before.held}, then ${after.held} conferences`],
  };
}
