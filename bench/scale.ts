/**
 * What grows with the number of conferees. The engine alone, in virtual time and without sockets
 * (native/bench/scale_bench.cc): bytes a leg by part, CPU time and instructions of a conferee from 100 to
 * 4,000, conferences in which nothing happens. And the memory of a whole mixer process at 0, 500 and 1,500
 * calls, what is JavaScript's told apart.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { systemClock } from '../common/clock.ts';
import { type LoadOptions, withCallers } from './load.ts';
import { BENCH_BUILD, collect } from './micro.ts';
import { processResidentKib } from './process-cpu.ts';

const SCALE_BENCH = join(BENCH_BUILD, 'scale_bench');

export interface Part {
  readonly name: string;
  readonly bytes: number;
}

export interface EngineMemory {
  readonly legs: number;
  readonly parts: readonly Part[];
}

export interface Growth {
  readonly shape: string;
  readonly count: number;
  /** CPU time of a period of 20 ms. */
  readonly ns: number;
  readonly instructions?: number;
}

const memories = z.array(
  z.object({ legs: z.number(), parts: z.array(z.object({ name: z.string(), bytes: z.number() })) }),
);
const growths = z.array(z.object({ shape: z.string(), count: z.number(), ns: z.number() }));

async function scaleBench(words: readonly string[]): Promise<unknown> {
  const output = await collect(SCALE_BENCH, words);
  if (output === null) throw new Error(`${SCALE_BENCH} is not there: npm run build`);
  return JSON.parse(output);
}

/** Bytes of the engine in memory at 0, 500 and 1,500 legs. */
export async function engineMemory(codec: string): Promise<readonly EngineMemory[]> {
  return memories.parse(await scaleBench(['memory', codec]));
}

/** `growth` or `idle`; instructions only where valgrind is. */
export async function measureGrowth(
  what: 'growth' | 'idle',
  codec: string,
  instructions: boolean,
): Promise<readonly Growth[]> {
  const timed = growths.parse(await scaleBench([what, codec]));
  if (!instructions) return timed;
  const folder = mkdtempSync(join(tmpdir(), 'minusone-scale-'));
  try {
    const valgrind = ['--tool=callgrind', `--callgrind-out-file=${join(folder, 'out')}`, '-q'];
    const words = [...valgrind, SCALE_BENCH, what, codec, '--instructions'];
    if ((await collect('valgrind', words)) === null) return timed;
    const counts = new Map<string, number>();
    for (const file of readdirSync(folder)) {
      const dump = readFileSync(join(folder, file), 'utf8');
      const title = /^desc: Trigger: Client Request: (\d+)\|(.*)$/m.exec(dump);
      const sum = /^summary: (\d+)/m.exec(dump);
      if (title === null || sum === null) continue;
      counts.set(title[2] ?? '', Number(sum[1]) / Number(title[1]));
    }
    return timed.map((one) => {
      const counted = counts.get(`${one.shape}|${one.count}`);
      return counted === undefined ? one : { ...one, instructions: counted };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** By part what a leg added between the first and the last count. */
export function bytesALeg(memory: readonly EngineMemory[]): readonly Part[] {
  const first = memory[0];
  const last = memory.at(-1);
  if (first === undefined || last === undefined || last.legs === first.legs) return [];
  return last.parts.map((part, index) => ({
    name: part.name,
    bytes: (part.bytes - (first.parts[index]?.bytes ?? 0)) / (last.legs - first.legs),
  }));
}

export interface ProcessMemory {
  readonly legs: number;
  readonly residentKib: number;
  /** JavaScript's heap after a collection, and what it holds outside. */
  readonly heapKib: number;
  readonly externalKib: number;
}

const usage = z.object({ heapUsed: z.number(), external: z.number() });

/** A process of `bench mixer` that tells its heap when asked. */
async function heapOf(child: ChildProcess): Promise<z.infer<typeof usage>> {
  const answer = new Promise<unknown>((resolve) => child.once('message', resolve));
  child.send('memory');
  return usage.parse(await answer);
}

async function readMemory(child: ChildProcess, legs: number): Promise<ProcessMemory> {
  // Once for what lies about, and again when its pages have gone back.
  await heapOf(child);
  await systemClock.sleep(1000);
  const { heapUsed, external } = await heapOf(child);
  return {
    legs,
    residentKib: processResidentKib(child.pid ?? 0),
    heapKib: heapUsed / 1024,
    externalKib: external / 1024,
  };
}

/** A mixer process of its own, called by 500 and then 1,500. */
export async function processMemory(options: LoadOptions): Promise<readonly ProcessMemory[]> {
  const main = fileURLToPath(new URL('main.js', import.meta.url));
  const target = /:(\d+)$/.exec(options.target)?.[1] ?? '5970';
  const mixer = ['mixer', '--sip-port', target, '--rtp-min', '10000', '--rtp-max', '15999'];
  const child = fork(main, [...mixer, '--target-share', '100'], {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  try {
    await new Promise((resolve) => child.once('message', resolve));
    const read = [await readMemory(child, 0)];
    const shared = { size: 10, ramp: options.ramp, measured: false };
    await withCallers(options, 1500, async (callers) => {
      let placed = 0;
      let up = 0;
      for (const conferences of [50, 100]) {
        const firstConference = placed / 10;
        const prefix = `memory${placed}-`;
        const group = { ...shared, prefix, conferences, firstLeg: placed, firstConference };
        const { established, wanted } = await callers.place(group);
        placed += wanted;
        up += established;
        // A busy machine offers less (R45); what came up is what is measured.
        if (established < wanted) options.progress(`${established} of ${wanted} calls came up`);
        await systemClock.sleep(3000);
        read.push(await readMemory(child, up));
      }
    });
    return read;
  } finally {
    child.kill('SIGINT');
  }
}
