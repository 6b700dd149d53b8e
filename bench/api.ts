/**
 * Measures the HTTP API alone: roster reads by wrk on one connection pool, and listeners of the event
 * stream. The server is a process of its own on core 1, the clients are on core 0 (where there are two).
 *
 *   this process ── fork ─▶ api-server: API over LMDB, one conference
 *        └ wrk ─ GET /api/v1/conferences/ID ─▶      └ 1,000 WebSockets ◀─ events
 */
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { systemClock } from '../common/clock.ts';
import { silentLogger } from '../common/log.ts';
import { createMetrics } from '../common/metrics.ts';
import { openLmdbStore } from '../common/store/lmdb-store.ts';
import { ADMIN_TOKEN, startTestApi } from '../signaling/api/test-api.ts';
import { openTestSocket, type TestSocket } from '../signaling/api/test-socket.ts';
import { processCpuSeconds } from './process-cpu.ts';

const CONFERENCE = 'cbench';
const PATH = `/api/v1/conferences/${CONFERENCE}`;

export interface ApiBenchOptions {
  readonly size: number;
  readonly seconds: number;
  readonly connections: number;
  readonly listeners: number;
  readonly events: number;
  readonly json: boolean;
}

interface Reads {
  readonly perSecond: number;
  /** By the CPU time of the server: what a core that it has for itself would give. */
  readonly perCpuSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
}

interface Listening {
  readonly received: number;
  readonly expected: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly serverCpuMsPerEvent: number;
}

export interface ApiBench {
  readonly reads: Reads;
  readonly listening: Listening;
}

// ── the server ───────────────────────────────────────────────────────────────────────────────

const order = z.object({ muted: z.boolean() });

/** Runs in the forked process; each message makes one event. */
export async function serveApiBench(size: number): Promise<void> {
  const open = { perSecond: 0, burst: 1 };
  // Counted like any other token, with a limit that is not reached.
  const token = { perSecond: 1_000_000, burst: 1_000_000 };
  const limits = { token, host: open, address: open, tokens: [] };
  const path = mkdtempSync(join(tmpdir(), 'minusone-bench-'));
  const parts = { clock: systemClock, log: silentLogger, metrics: createMetrics() };
  const store = await openLmdbStore({ path, ...parts });
  if (!store.ok) throw store.error;
  const system = await startTestApi({ rateLimits: limits, store: store.value });
  await system.create(CONFERENCE, 'demo-start');
  for (let index = 0; index < size; index++) {
    await system.join(CONFERENCE, index === 0 ? 'host' : 'participant');
  }
  process.on('message', (message) => {
    const { muted } = order.parse(message);
    void system.append(CONFERENCE, { kind: 'muted', ordinal: 1, bit: 'host', muted });
  });
  process.on('disconnect', () => {
    rmSync(path, { recursive: true, force: true });
    process.exit(0);
  });
  process.send?.({ port: system.api.port });
}

async function startServer(size: number): Promise<{ child: ChildProcess; port: number }> {
  const main = fileURLToPath(new URL('./main.js', import.meta.url));
  const child = fork(main, ['api-server', '--size', String(size)], { stdio: 'inherit' });
  const port = await new Promise<number>((resolve, reject) => {
    child.once('message', (message) => resolve(z.object({ port: z.number() }).parse(message).port));
    child.once('exit', (code) => reject(new Error(`the server ended with code ${code}`)));
  });
  if (availableParallelism() > 1) {
    execFileSync('taskset', ['-apc', '1', String(child.pid)], { stdio: 'ignore' });
    execFileSync('taskset', ['-apc', '0', String(process.pid)], { stdio: 'ignore' });
  }
  return { child, port };
}

// ── roster reads ─────────────────────────────────────────────────────────────────────────────

async function measureReads(
  { seconds, connections }: ApiBenchOptions,
  { pid = 0 }: ChildProcess,
  port: number,
): Promise<Reads> {
  const load = (lengthS: number): Promise<string> =>
    run('wrk', [
      ...['-t', '1', '-c', String(connections), '-d', `${lengthS}s`, '--latency'],
      ...['-H', `authorization: Bearer ${ADMIN_TOKEN}`, `http://127.0.0.1:${port}${PATH}`],
    ]);
  await load(2);
  const before = processCpuSeconds(pid);
  const text = await load(seconds);
  const cpuSeconds = processCpuSeconds(pid) - before;
  const count = Number(/(\d+) requests in/.exec(text)?.[1] ?? 0);
  return {
    perSecond: Number(/Requests\/sec: +([\d.]+)/.exec(text)?.[1] ?? 0),
    perCpuSecond: Math.round(count / cpuSeconds),
    p50Ms: milliseconds(/50% +(\S+)/.exec(text)?.[1]),
    p99Ms: milliseconds(/99% +(\S+)/.exec(text)?.[1]),
    failed: Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0),
  };
}

function milliseconds(text = ''): number {
  const value = Number.parseFloat(text);
  return text.endsWith('us') ? value / 1000 : text.endsWith('ms') ? value : value * 1000;
}

function run(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    child.once('error', () =>
      reject(new Error(`${program} is needed (Debian package ${program})`)),
    );
    child.once('close', () => resolve(text));
  });
}

// ── listeners ────────────────────────────────────────────────────────────────────────────────

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const isEvent = (message: Record<string, unknown>): boolean => message['type'] === 'event';

async function measureListeners(
  { listeners, events }: ApiBenchOptions,
  child: ChildProcess,
  port: number,
): Promise<Listening> {
  const sockets: TestSocket[] = [];
  const delaysMs: number[] = [];
  for (let index = 0; index < listeners; index++) {
    const socket = await openTestSocket(port, `/api/v1/events?conference=${CONFERENCE}`);
    socket.send({ type: 'subscribe', token: ADMIN_TOKEN });
    sockets.push(socket);
  }
  for (const socket of sockets) await socket.until((messages) => messages.length > 0);
  const [first] = sockets;
  const before = processCpuSeconds(child.pid ?? 0);
  for (let index = 0; index < events; index++) {
    const seen = sockets.map(({ messages }) => messages.filter(isEvent).length);
    child.send({ muted: index % 2 === 0 });
    // Each of them, so that the slowest counts.
    for (const [at, socket] of sockets.entries()) {
      await socket.until((messages) => messages.filter(isEvent).length > (seen[at] ?? 0));
      if (socket === first || at % 50 === 0 || at === sockets.length - 1) {
        const last = socket.messages.findLast(isEvent);
        const nowMs = performance.timeOrigin + performance.now();
        delaysMs.push(nowMs - Number(last?.['atMs'] ?? nowMs));
      }
    }
    await sleep(50);
  }
  const cpuS = processCpuSeconds(child.pid ?? 0) - before;
  const received = sockets.reduce((sum, { messages }) => sum + messages.filter(isEvent).length, 0);
  for (const socket of sockets) socket.cut();
  delaysMs.sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round((delaysMs[Math.floor((delaysMs.length - 1) * share)] ?? 0) * 10) / 10;
  return {
    ...{ received, expected: listeners * events },
    ...{ p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) },
    serverCpuMsPerEvent: Math.round((cpuS * 10_000) / events) / 10,
  };
}

export async function benchApi(options: ApiBenchOptions): Promise<ApiBench> {
  const { child, port } = await startServer(options.size);
  try {
    const reads = await measureReads(options, child, port);
    const listening = await measureListeners(options, child, port);
    return { reads, listening };
  } finally {
    child.disconnect();
  }
}

export function apiText({ reads, listening }: ApiBench): string {
  const { perSecond, perCpuSecond, p50Ms, p99Ms, failed } = reads;
  return [
    `roster reads: ${Math.round(perSecond)}/s, ${perCpuSecond} a CPU second of the server, p50 ${p50Ms} ms, p99 ${p99Ms} ms, ${failed} failed`,
    `listeners: ${listening.received} of ${listening.expected} events, p50 ${listening.p50Ms} ms, p99 ${listening.p99Ms} ms, max ${listening.maxMs} ms, server CPU ${listening.serverCpuMsPerEvent} ms an event`,
  ].join('\n');
}
