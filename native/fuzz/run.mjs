// Builds the fuzz targets of this folder with clang and runs each for some seconds:
//   node native/fuzz/run.mjs [seconds] [part of a name]
// A crash is written to build-fuzz/ and replayed with `build-fuzz/NAME FILE`; put it into corpus/NAME/, where the
// inputs are kept that every run starts from.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FUZZ = dirname(fileURLToPath(import.meta.url));
const NATIVE = dirname(FUZZ);
const ROOT = dirname(NATIVE);
const OUT = join(ROOT, 'build-fuzz');
const RELEASE = join(ROOT, 'build', 'Release');
const OPUS = join(ROOT, 'node_modules', '@discordjs', 'opus', 'deps', 'opus', 'include');
const SIMD = {
  kernels_sse41: ['-msse4.1'],
  kernels_avx2: ['-mavx2'],
  kernels_avx512: ['-mavx512f', '-mavx512bw', '-mavx512vl', '-mavx512dq'],
};
const FLAGS = [
  '-std=c++20',
  '-O1',
  '-g',
  '-fno-exceptions',
  '-fsanitize=fuzzer-no-link,address,undefined',
  '-fno-sanitize-recover=all',
  `-I${NATIVE}`,
  `-I${OPUS}`,
  ...(process.arch === 'x64' ? ['-DMINUSONE_X86=1'] : []),
];
const [seconds = '30', filter = ''] = process.argv.slice(2);

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

mkdirSync(OUT, { recursive: true });
if (!existsSync(join(RELEASE, 'opus.a'))) {
  console.error('build the engine first: npm run build');
  process.exit(1);
}
const newestHeader = Math.max(
  ...readdirSync(NATIVE, { recursive: true })
    .filter((name) => name.endsWith('.h'))
    .map((name) => statSync(join(NATIVE, name)).mtimeMs),
);
const objects = [];
for (const folder of ['codec', 'dsp', 'jitter', 'net', 'rtp', 'engine']) {
  for (const name of readdirSync(join(NATIVE, folder))) {
    if (!name.endsWith('.cc')) continue;
    const base = name.slice(0, -3);
    // The clock of the system.
    if (base === 'run_loop' || (base in SIMD && process.arch !== 'x64')) continue;
    const object = join(OUT, `${folder}_${base}.o`);
    objects.push(object);
    const newest = Math.max(statSync(join(NATIVE, folder, name)).mtimeMs, newestHeader);
    if (existsSync(object) && statSync(object).mtimeMs > newest) continue;
    run('clang++', [
      ...FLAGS,
      ...(SIMD[base] ?? []),
      '-c',
      join(NATIVE, folder, name),
      '-o',
      object,
    ]);
  }
}
for (const name of readdirSync(FUZZ)) {
  if (!name.endsWith('_fuzz.cc') || !name.includes(filter)) continue;
  const base = name.slice(0, -'_fuzz.cc'.length);
  const program = join(OUT, base);
  const libraries = ['opus.a', 'opus_sse41.a']
    .map((file) => join(RELEASE, file))
    .filter(existsSync);
  run('clang++', [
    ...FLAGS,
    '-fsanitize=fuzzer',
    join(FUZZ, name),
    ...objects,
    ...libraries,
    '-lm',
    '-o',
    program,
  ]);
  const corpus = join(OUT, `${base}-corpus`);
  const kept = join(FUZZ, 'corpus', base);
  mkdirSync(corpus, { recursive: true });
  run(program, [
    corpus,
    ...(existsSync(kept) ? [kept] : []),
    `-max_total_time=${seconds}`,
    '-max_len=4096',
    '-len_control=10',
    '-timeout=10',
    '-print_final_stats=1',
    `-artifact_prefix=${OUT}/`,
  ]);
}
