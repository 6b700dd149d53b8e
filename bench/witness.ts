/** An empty loop on the engine's processor, above its priority: what of the engine's lateness is the machine's. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Since its start. */
export interface WitnessCounts {
  readonly realtime: boolean;
  readonly wakes: number;
  readonly late1Ms: number;
  readonly late5Ms: number;
  readonly worstMs: number;
  /** Since the reading before, in ms of the monotonic clock: when it was to wake, and when it woke. */
  readonly stalls: readonly (readonly [dueMs: number, wokenMs: number])[];
  /** Stalls that were too many to be kept. */
  readonly forgotten: number;
}

export interface Witness {
  read(): Promise<WitnessCounts>;
  stop(): Promise<WitnessCounts>;
}

export function startWitness(cpu: number): Witness {
  const child = spawn(programPath(), [String(cpu)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting: { resolve: (counts: WitnessCounts) => void; reject: (error: Error) => void }[] =
    [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    waiting.shift()?.resolve(JSON.parse(line) as WitnessCounts);
  });
  const lost = (reason: string): void => {
    for (const { reject } of waiting.splice(0)) reject(new Error(`stall_witness: ${reason}`));
  };
  child.once('error', (error) => lost(error.message));
  child.once('close', (code) => lost(`ended with ${code}`));
  const next = (ask: () => void): Promise<WitnessCounts> =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      ask();
    });
  return {
    read: () => next(() => child.stdin.write('.')),
    stop: () => next(() => child.stdin.end()),
  };
}

function programPath(): string {
  // From dist/bench when built, from bench in tests.
  const root = import.meta.url.includes('/dist/') ? '../../' : '../';
  return fileURLToPath(new URL(`${root}build/Release/stall_witness`, import.meta.url));
}
