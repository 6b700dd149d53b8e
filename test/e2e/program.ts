/** The command line as a process: what a person types after `npx minusone`. */
import { spawn } from 'node:child_process';
import { MAIN, TOKEN } from './server.ts';

export interface Ran {
  readonly exitCode: number | null;
  readonly out: string;
  readonly err: string;
}

/** Ends by itself or is killed after `timeoutMs`. */
export function minusone(
  args: readonly string[],
  options: { readonly url?: string; readonly timeoutMs?: number } = {},
): Promise<Ran> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: options.timeoutMs ?? 30_000,
    env: {
      ...process.env,
      MINUSONE_TOKEN: TOKEN,
      ...(options.url === undefined ? {} : { MINUSONE_URL: options.url }),
    },
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  return new Promise((resolve) => {
    child.once('close', (exitCode) => resolve({ exitCode, out, err }));
  });
}
