/** An empty loop on the engine's processor, above its priority: what of the engine's lateness is the machine's. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Witness {
  /** Its one line of JSON: wakes, how many came over 1 and over 5 ms late, the worst. */
  stop(): Promise<string>;
}

export function startWitness(cpu: number): Witness {
  const child = spawn(programPath(), [String(cpu)], { stdio: ['pipe', 'pipe', 'inherit'] });
  let line = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    line += text;
  });
  const ended = new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve(line.trim()));
  });
  return {
    stop: () => {
      child.stdin.end();
      return ended;
    },
  };
}

function programPath(): string {
  // From dist/bench when built, from bench in tests.
  const root = import.meta.url.includes('/dist/') ? '../../' : '../';
  return fileURLToPath(new URL(`${root}build/Release/stall_witness`, import.meta.url));
}
