/** One command line, run in this process; for tests. */
import { runProgram } from './program.ts';

export interface Ran {
  readonly out: string;
  readonly err: string;
  readonly exitCode: number;
}

export interface RunOptions {
  readonly signal?: AbortSignal;
  readonly onOut?: (text: string) => void;
  readonly onErr?: (text: string) => void;
}

export async function runCommand(
  argv: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  { signal, onOut, onErr }: RunOptions = {},
): Promise<Ran> {
  let out = '';
  let err = '';
  let exitCode = 0;
  const terminal = {
    out(text: string) {
      out += `${text}\n`;
      onOut?.(text);
    },
    err(text: string) {
      err += `${text}\n`;
      onErr?.(text);
    },
    environment,
    setExitCode(code: number) {
      exitCode = code;
    },
  };
  await runProgram(
    {
      version: '1.2.3',
      terminal,
      ...(signal === undefined ? {} : { signal: () => signal }),
      addLocalCommands() {},
    },
    argv,
  );
  return { out, err, exitCode };
}
