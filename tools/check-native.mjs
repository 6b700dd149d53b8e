#!/usr/bin/env node
// The C++ tests again under AddressSanitizer and UndefinedBehaviorSanitizer. Compiles the sources itself, two at
// a time and only what changed, as node-gyp has one set of flags a build. libopus is taken as it was built.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));
const OUT = 'build/sanitize';
const FLAGS = [
  ...['-std=c++20', '-O1', '-g', '-fno-omit-frame-pointer', '-fno-exceptions', '-Inative'],
  ...['-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-DMINUSONE_X86=1'],
];
/** As in native/audio.gyp. */
const FILE_FLAGS = {
  'kernels_sse41.cc': ['-msse4.1'],
  'kernels_avx2.cc': ['-mavx2'],
  'kernels_avx512.cc': ['-mavx512f', '-mavx512bw', '-mavx512vl', '-mavx512dq'],
};
const FOLDERS = ['codec', 'dsp', 'jitter', 'rtp', 'net', 'engine'];
const OPUS = 'node_modules/@discordjs/opus/deps/opus/include';
const PROGRAMS = {
  audio_test: /^(?!engine_|rtp_|mix_|leg_|rates_|churn_|g722_|opus_).*_test\.cc$/,
  engine_test: /^(engine|rtp|mix|leg|rates|churn)_test\.cc$/,
};

const sources = (folder, accept) =>
  readdirSync(join('native', folder))
    .filter(accept)
    .map((name) => join('native', folder, name));
const newest = Math.max(
  ...readdirSync('native', { recursive: true })
    .filter((name) => name.endsWith('.h'))
    .map((name) => statSync(join('native', name)).mtimeMs),
);
const objectOf = (source) => join(OUT, `${source.replaceAll('/', '_')}.o`);

function stale(source) {
  const object = objectOf(source);
  if (!existsSync(object)) return true;
  const made = statSync(object).mtimeMs;
  return made < statSync(source).mtimeMs || made < newest;
}

function compile(source) {
  const name = source.split('/').at(-1);
  const args = [
    ...FLAGS,
    `-I${OPUS}`,
    ...(FILE_FLAGS[name] ?? []),
    '-c',
    source,
    '-o',
    objectOf(source),
  ];
  return new Promise((resolve, reject) => {
    const compiler = spawn(process.env.CXX ?? 'g++', args, { stdio: 'inherit' });
    compiler.once('error', reject);
    compiler.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${source} failed`)),
    );
  });
}

async function compileAll(list) {
  const waiting = list.filter(stale);
  const lanes = Array.from({ length: Math.min(2, availableParallelism()) }, async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      await compile(next);
  });
  await Promise.all(lanes);
}

mkdirSync(OUT, { recursive: true });
const library = FOLDERS.flatMap((folder) => sources(folder, (name) => name.endsWith('.cc')));
const opus = readdirSync('build/Release')
  .filter((name) => /^opus.*\.a$/.test(name))
  .toSorted()
  .map((name) => join('build/Release', name));
let failed = 0;
for (const [program, tests] of Object.entries(PROGRAMS)) {
  const objects = [...library, ...sources('test', (name) => tests.test(name))];
  await compileAll(objects);
  const path = join(OUT, program);
  const link = [
    '-fsanitize=address,undefined',
    ...objects.map(objectOf),
    ...opus,
    ...opus,
    '-o',
    path,
  ];
  const linked = spawnSync(process.env.CXX ?? 'g++', [...link, '-lm', '-lpthread'], {
    stdio: 'inherit',
  });
  const status =
    linked.status === 0 ? spawnSync(path, process.argv.slice(2), { stdio: 'inherit' }).status : 1;
  if (status !== 0) failed++;
}
process.exit(failed === 0 ? 0 : 1);
