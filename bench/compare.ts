/** Two stored reports of the same load: is the second worse than the machine's noise explains? */
import type { LoadReport } from './load.ts';

export interface Difference {
  readonly figure: string;
  readonly before: number;
  readonly after: number;
  /** after / before. */
  readonly ratio: number;
  readonly regression: boolean;
}

/** Runs on these machines differ by about 10 % (peers.md); more than `tolerance` above is a regression. */
export function compareReports(
  before: LoadReport,
  after: LoadReport,
  tolerance = 0.15,
): readonly Difference[] {
  const figures: readonly (readonly [
    name: string,
    read: (report: LoadReport) => number | undefined,
  ])[] = [
    ['CPU, ms a conferee-second', (report) => report.cpu?.msPerConfereeSecond],
    ['memory, KiB a conferee', (report) => report.cpu?.residentKibPerConferee],
    ['delay p50, ms', (report) => report.delay?.p50Ms],
    ['delay p99, ms', (report) => report.delay?.p99Ms],
    ['failed checks', (report) => report.failures.length],
  ];
  return figures.flatMap(([figure, read]) => {
    const first = read(before);
    const second = read(after);
    if (first === undefined || second === undefined) return [];
    const ratio = first === 0 ? (second === 0 ? 1 : Number.POSITIVE_INFINITY) : second / first;
    return [{ figure, before: first, after: second, ratio, regression: ratio > 1 + tolerance }];
  });
}
