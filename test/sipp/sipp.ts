/** Runs one scenario of this folder with sipp against a server. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));

export const HAS_SIPP = spawnSync('sipp', ['-v']).error === undefined;

export const SCENARIOS: readonly string[] = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.xml'))
  .map((name) => name.slice(0, -'.xml'.length))
  .toSorted();

/** Enough for any one call; sipp can run wild. */
const TRACE_LIMIT = 40_000;

export interface SippOptions {
  /** Host and port. */
  readonly target: string;
  /** User of the Request-URI. */
  readonly number: string;
  /** Of sipp itself: SIP here, RTP from + 2 on. */
  readonly localPort: number;
  readonly transport?: 'udp' | 'tcp';
  readonly calls?: number;
  readonly callsPerSecond?: number;
  /** Length of `<pause/>` without a length of its own. */
  readonly talkMs?: number;
  readonly timeoutS?: number;
}

export interface SippResult {
  readonly exitCode: number | null;
  readonly successful: number;
  readonly failed: number;
  /** What sipp received again. */
  readonly retransmissions: number;
  /** Messages and errors, to find out why. */
  readonly trace: string;
}

export async function runSipp(scenario: string, options: SippOptions): Promise<SippResult> {
  const folder = mkdtempSync(join(tmpdir(), 'minusone-sipp-'));
  const args = [
    options.target,
    ...['-sf', join(FOLDER, `${scenario}.xml`), '-s', options.number],
    ...['-i', '127.0.0.1', '-p', String(options.localPort)],
    ...['-mi', '127.0.0.1', '-mp', String(options.localPort + 2)],
    ...['-t', options.transport === 'tcp' ? 't1' : 'u1'],
    ...['-m', String(options.calls ?? 1), '-r', String(options.callsPerSecond ?? 1)],
    ...['-d', String(options.talkMs ?? 300)],
    ...['-timeout', `${options.timeoutS ?? 45}s`, '-timeout_error', '-nostdin'],
    ...['-trace_err', '-error_file', 'errors.log'],
    ...['-trace_stat', '-stf', 'stat.csv', '-fd', '1'],
    ...(options.calls === undefined ? ['-trace_msg', '-message_file', 'messages.log'] : []),
  ];
  const child = spawn('sipp', args, { cwd: folder, stdio: 'ignore' });
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  const statistics = readStatistics(read(folder, 'stat.csv'));
  const trace = `${read(folder, 'errors.log')}\n${read(folder, 'messages.log')}`.slice(
    0,
    TRACE_LIMIT,
  );
  rmSync(folder, { recursive: true, force: true });
  return {
    exitCode,
    successful: statistics.get('SuccessfulCall(C)') ?? 0,
    failed: statistics.get('FailedCall(C)') ?? 0,
    retransmissions: statistics.get('Retransmissions(C)') ?? 0,
    trace,
  };
}

function read(folder: string, name: string): string {
  try {
    return readFileSync(join(folder, name), 'utf8');
  } catch {
    return '';
  }
}

/** The last line of sipp's table has the totals. */
function readStatistics(text: string): ReadonlyMap<string, number> {
  const lines = text.trim().split('\n');
  const names = (lines[0] ?? '').split(';');
  const values = (lines.at(-1) ?? '').split(';');
  return new Map(names.map((name, index) => [name, Number(values[index])]));
}
