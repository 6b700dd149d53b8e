/** How a command speaks: to people in columns, to programs in JSON; and how it ends. */
import type { Command } from 'commander';
import type { Result } from '../../../common/result.ts';
import { type Client, type ClientFailure, createClient } from '../client.ts';

/** What a command may touch of the process. */
export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly setExitCode: (code: number) => void;
}

const DEFAULT_URL = 'http://127.0.0.1:8080';

/** Options of every command that talks to a server. */
export function withServer(command: Command): Command {
  return command
    .option('--url <url>', 'address of the API (or MINUSONE_URL)', DEFAULT_URL)
    .option('--token <token>', 'API token (or MINUSONE_TOKEN)')
    .option('--json', 'print JSON');
}

export interface Connection {
  readonly client: Client;
  readonly url: string;
  readonly token: string | undefined;
  readonly json: boolean;
}

export function connectionOf(command: Command, terminal: Terminal): Connection {
  const { url, token, json } = command.opts<{ url: string; token?: string; json?: boolean }>();
  const isDefault = command.getOptionValueSource('url') === 'default';
  const target = {
    url: (isDefault ? terminal.environment['MINUSONE_URL'] : undefined) ?? url,
    token: token ?? terminal.environment['MINUSONE_TOKEN'],
  };
  return { client: createClient(target), json: json === true, ...target };
}

/** On stderr, with the exit code. */
export function fault(
  terminal: Terminal,
  { message, exitCode }: ClientFailure,
  json: boolean,
): void {
  terminal.err(json ? JSON.stringify({ error: message, exitCode }) : `error: ${message}`);
  terminal.setExitCode(exitCode);
}

/** Prints the answer as `text` says, or as JSON; or the failure. */
export function finish<T>(
  terminal: Terminal,
  result: Result<T, ClientFailure>,
  json: boolean,
  text: (value: T) => string,
): void {
  if (!result.ok) {
    fault(terminal, result.error, json);
    return;
  }
  terminal.out(
    json ? JSON.stringify(result.value ?? { done: true }, undefined, 2) : text(result.value),
  );
}

/** Columns as wide as their widest cell; `none` when there are no rows. */
export function columns(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  none: string,
): string {
  if (rows.length === 0) return none;
  const all = [header, ...rows];
  const widths = header.map((_, index) => Math.max(...all.map((row) => (row[index] ?? '').length)));
  return all
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
