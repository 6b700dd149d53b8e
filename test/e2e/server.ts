/** The built program as a process, on ports and in a data directory of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { claimPorts, type PortBlock } from './ports.ts';

export const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
export const TOKEN = 'token-of-the-end-to-end-tests';

const START_MS = 20_000;
const STOP_MS = 20_000;

const ready = z.object({ ready: z.literal(true), http: z.string(), sip: z.string() });

export interface Server {
  /** Such as `http://127.0.0.1:1234`. */
  readonly http: string;
  /** Host and port of the first VRU. */
  readonly sip: string;
  readonly ports: PortBlock;
  readonly dataDirectory: string;
  /** Lines of the log so far. */
  readonly log: readonly string[];
  readonly pid: number;
  /** Resolves with the exit code once the process has ended; null when a signal killed it. */
  readonly exited: Promise<number | null>;
  signal(signal: NodeJS.Signals): void;
  /** Ends the process, frees ports and files. */
  close(): Promise<void>;
}

/** As it is, or by the ports that the server gets. */
type OfPorts<T> = T | ((ports: PortBlock) => T);

export interface ServerOptions {
  readonly args?: OfPorts<readonly string[]>;
  /** YAML, written to a file. */
  readonly config?: OfPorts<string>;
  /** Starts again where another one stopped. */
  readonly like?: Server;
}

/** One that was killed and will be started again keeps ports and files. */
export async function startServer(options: ServerOptions = {}): Promise<Server> {
  const ports = options.like?.ports ?? (await claimPorts());
  const dataDirectory = options.like?.dataDirectory ?? mkdtempSync(join(tmpdir(), 'minusone-e2e-'));
  const child = spawn(
    process.execPath,
    [MAIN, 'start', '--json', ...configArguments(options, ports, dataDirectory)],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, MINUSONE_ADMIN_TOKEN: TOKEN },
    },
  );
  const log: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => log.push(line));
  const exited = new Promise<number | null>((resolve) => {
    // Not 'exit': the last lines may still be on their way then.
    child.once('close', (code) => resolve(code));
  });
  const release = async (): Promise<void> => {
    await ports.release();
    rmSync(dataDirectory, { recursive: true, force: true });
  };
  const line = await Promise.race([firstLine(child), exited.then(() => undefined), expire()]);
  if (line === undefined) {
    child.kill('SIGKILL');
    await exited;
    await release();
    throw new Error(`the server did not start:\n${log.join('\n')}`);
  }
  const facts = ready.parse(JSON.parse(line));
  return {
    ...facts,
    ports,
    dataDirectory,
    log,
    pid: child.pid ?? -1,
    exited,
    signal: (signal) => {
      child.kill(signal);
    },
    async close() {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await exited;
      clearTimeout(late);
      await release();
    },
  };
}

function configArguments(
  { args = [], config }: ServerOptions,
  ports: PortBlock,
  dataDirectory: string,
): readonly string[] {
  const text = typeof config === 'function' ? config(ports) : config;
  const file = join(dataDirectory, 'config.yaml');
  if (text !== undefined) writeFileSync(file, text);
  return [
    ...(text === undefined ? [] : ['--config', file]),
    ...['--sip', `127.0.0.1:${ports.sip}`, '--http', '127.0.0.1:0', '--data', dataDirectory],
    ...['--rtp', `${ports.rtpMin}-${ports.rtpMax}`],
    ...(typeof args === 'function' ? args(ports) : args),
  ];
}

function firstLine(child: ChildProcess): Promise<string | undefined> {
  const { stdout } = child;
  if (stdout === null) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    createInterface({ input: stdout }).once('line', resolve);
  });
}

function expire(): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), START_MS).unref();
  });
}
