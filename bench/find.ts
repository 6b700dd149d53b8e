/** The highest load at which every check holds: doubles until one fails, then halves the gap. */
import { systemClock } from '../common/clock.ts';
import { type LoadOptions, type LoadReport, runLoad } from './load.ts';

export interface FindOptions {
  /** Conferences to start with. */
  readonly from: number;
  /** Never goes above. */
  readonly limit: number;
  /** Ends when the gap between held and failed is at most this share of the held load. */
  readonly resolution: number;
  readonly progress: (line: string) => void;
}

export interface FindReport {
  readonly kind: 'find';
  /** Conferences of the highest load that held; 0 when not even the first did. */
  readonly held: number;
  /** Conferences of the lowest load that failed; null when the limit held. */
  readonly failed: number | null;
  readonly runs: readonly LoadReport[];
}

/** The target forgets a load in this time: its ports rest, its measured busy share is of ten seconds. */
const PAUSE_MS = 12_000;

async function runAndRest(options: LoadOptions): Promise<LoadReport> {
  const report = await runLoad(options);
  await systemClock.sleep(PAUSE_MS);
  return report;
}

/** Runs loads one after another; each has its own calls, so that a failed one leaves nothing behind. */
export async function findCapacity(
  load: LoadOptions,
  find: FindOptions,
  run: (options: LoadOptions) => Promise<LoadReport> = runAndRest,
): Promise<FindReport> {
  const runs: LoadReport[] = [];
  let held = 0;
  let failed: number | null = null;
  for (let next: number | null = find.from; next !== null; next = nextLoad(held, failed, find)) {
    const report = await run({ ...load, conferences: next });
    runs.push(report);
    const holds = report.failures.length === 0;
    find.progress(`${next} × ${load.size}: ${holds ? 'held' : report.failures.join(', ')}`);
    if (holds) held = next;
    else failed = next;
  }
  return { kind: 'find', held, failed, runs };
}

/** What to try next, or null when it is known well enough. */
export function nextLoad(
  held: number,
  failed: number | null,
  find: Pick<FindOptions, 'limit' | 'resolution'>,
): number | null {
  if (failed === null) return held >= find.limit ? null : Math.min(find.limit, held * 2);
  const gap = failed - held;
  if (gap <= Math.max(1, Math.floor(held * find.resolution))) return null;
  return held + Math.floor(gap / 2);
}
