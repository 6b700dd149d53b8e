/**
 * Cost of single parts: the kernels of the engine (native/bench/audio_bench.cc) by CPU time and, where
 * valgrind is installed, by instructions; and what the signaling side does for each call, by the package
 * `benchmark`. Instructions do not depend on how busy the machine is: they are what a comparison goes by.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type Machine, thisMachine } from './machine.ts';
import { measureSignaling } from './micro-signaling.ts';

export interface Kernel {
  readonly name: string;
  /** Instruction set, rate or size; empty when there is one only. */
  readonly variant: string;
  /** Of one call; for audio that is a frame of 20 ms. */
  readonly ns: number;
  readonly instructions?: number;
}

export interface MicroReport {
  readonly kind: 'micro';
  readonly machine: Machine;
  /** Says why, when instructions are missing. */
  readonly note: string | null;
  readonly kernels: readonly Kernel[];
}

export interface MicroOptions {
  /** Only what has this in its name or variant. */
  readonly filter?: string;
  /** Counts instructions too; default when valgrind is there. */
  readonly instructions: boolean;
  readonly progress: (line: string) => void;
}

const timed = z.array(z.object({ name: z.string(), variant: z.string(), ns: z.number() }));

export async function runMicro(options: MicroOptions): Promise<MicroReport> {
  const filter = options.filter === undefined ? [] : [options.filter];
  options.progress('kernels of the engine …');
  const output = await collect(AUDIO_BENCH, ['--json', ...filter]);
  if (output === null) throw new Error(`${AUDIO_BENCH} is not there: npm run build`);
  const native = timed.parse(JSON.parse(output));
  let note: string | null = 'instructions were not asked for';
  let counts = new Map<string, number>();
  if (options.instructions) {
    options.progress('the same under valgrind, which takes a while …');
    const counted = await countInstructions(filter);
    note = counted === null ? 'valgrind is not installed: no instruction counts' : null;
    counts = counted ?? counts;
  }
  const kernels = native.map((kernel) => {
    const instructions = counts.get(kernelKey(kernel));
    return instructions === undefined ? kernel : { ...kernel, instructions };
  });
  options.progress('signaling …');
  const signaling = await measureSignaling(options.filter);
  return { kind: 'micro', machine: thisMachine(), note, kernels: [...kernels, ...signaling] };
}

export const kernelKey = ({ name, variant }: Pick<Kernel, 'name' | 'variant'>): string =>
  `${name}|${variant}`;

/** Null without valgrind, which does not know the widest instruction sets: those have no count. */
async function countInstructions(filter: readonly string[]): Promise<Map<string, number> | null> {
  const folder = mkdtempSync(join(tmpdir(), 'minusone-micro-'));
  const words = ['--tool=callgrind', `--callgrind-out-file=${join(folder, 'out')}`, '-q'];
  try {
    const ran = await collect('valgrind', [...words, AUDIO_BENCH, '--instructions', ...filter]);
    if (ran === null) return null;
    const counts = new Map<string, number>();
    for (const file of readdirSync(folder)) {
      const found = parseDump(readFileSync(join(folder, file), 'utf8'));
      if (found !== null) counts.set(found.key, found.instructions);
    }
    return counts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A dump of callgrind as audio_bench asks for it: `RUNS|NAME|VARIANT`, then the sum. */
export function parseDump(text: string): { key: string; instructions: number } | null {
  const title = /^desc: Trigger: Client Request: (\d+)\|(.*)$/m.exec(text);
  const sum = /^summary: (\d+)/m.exec(text);
  if (title === null || sum === null) return null;
  return { key: title[2] ?? '', instructions: Math.round(Number(sum[1]) / Number(title[1])) };
}

// From dist/bench when built, from bench in tests.
const ROOT = import.meta.url.includes('/dist/') ? '../../' : '../';
export const BENCH_BUILD = fileURLToPath(new URL(`${ROOT}build/Release`, import.meta.url));
const AUDIO_BENCH = join(BENCH_BUILD, 'audio_bench');

/** What a program prints; null when there is no such program. */
export function collect(program: string, words: readonly string[]): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      output += part;
    });
    child.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ENOENT' ? resolve(null) : reject(error),
    );
    child.on('close', (code) =>
      code === 0 ? resolve(output) : reject(new Error(`${program} ended with ${code}`)),
    );
  });
}
