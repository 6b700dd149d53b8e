#!/usr/bin/env node
// The C++ tests again under AddressSanitizer and UndefinedBehaviorSanitizer, and what two threads share under
// ThreadSanitizer (with clang where it is installed). Compiles the sources itself, two at a time and only what
// changed, as node-gyp has one set of flags a build. libopus is taken as it was built.
//
//   node tools/check-native.mjs [address|thread] [part of a test's name]
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));
const FLAGS = [
  ...['-std=c++20', '-O1', '-g', '-fno-omit-frame-pointer', '-fno-exceptions', '-Inative'],
  '-DMINUSONE_X86=1',
];
const installed = (program) => spawnSync(program, ['--version']).status === 0;
const GCC = process.env.CXX ?? 'g++';
const CLANG = process.env.CXX ?? (installed('clang++') ? 'clang++' : 'g++');
/** As in native/audio.gyp. */
const FILE_FLAGS = {
  'kernels_sse41.cc': ['-msse4.1'],
  'kernels_avx2.cc': ['-mavx2'],
  'kernels_avx512.cc': ['-mavx512f', '-mavx512bw', '-mavx512vl', '-mavx512dq'],
};
const FOLDERS = ['codec', 'dsp', 'jitter', 'rtp', 'net', 'engine'];
const OPUS = 'node_modules/@discordjs/opus/deps/opus/include';

/** Sources of a test program as node-gyp builds it, so that there is one list. */
function testsOf(gyp, program) {
  const text = readFileSync(gyp, 'utf8');
  const start = text.indexOf(`'target_name': '${program}'`);
  const end = text.indexOf("'target_name'", start + 1);
  const listed = text.slice(start, end).matchAll(/'(?:native\/)?(test\/\w+\.cc)'/g);
  return [...listed].map((match) => join('native', match[1]));
}

const BUILDS = {
  address: {
    compiler: GCC,
    flags: ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'],
    programs: {
      audio_test: testsOf('native/audio.gyp', 'audio_test'),
      engine_test: testsOf('binding.gyp', 'engine_test'),
    },
  },
  thread: {
    compiler: CLANG,
    flags: ['-fsanitize=thread'],
    programs: { thread_test: testsOf('binding.gyp', 'thread_test') },
  },
};

const newest = Math.max(
  ...readdirSync('native', { recursive: true })
    .filter((name) => name.endsWith('.h'))
    .map((name) => statSync(join('native', name)).mtimeMs),
);
const objectOf = (out, source) => join(out, `${source.replaceAll('/', '_')}.o`);

function stale(out, source) {
  const object = objectOf(out, source);
  if (!existsSync(object)) return true;
  const made = statSync(object).mtimeMs;
  return made < statSync(source).mtimeMs || made < newest;
}

function compile(out, build, source) {
  const name = source.split('/').at(-1);
  const own = [...FLAGS, ...build.flags, `-I${OPUS}`, ...(FILE_FLAGS[name] ?? [])];
  const args = [...own, '-c', source, '-o', objectOf(out, source)];
  return new Promise((resolve, reject) => {
    const compiler = spawn(build.compiler, args, { stdio: 'inherit' });
    compiler.once('error', reject);
    compiler.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${source} failed`)),
    );
  });
}

async function compileAll(out, build, list) {
  const waiting = list.filter((source) => stale(out, source));
  const lanes = Array.from({ length: Math.min(2, availableParallelism()) }, async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      await compile(out, build, next);
  });
  await Promise.all(lanes);
}

const engineSources = FOLDERS.flatMap((folder) =>
  readdirSync(join('native', folder))
    .filter((name) => name.endsWith('.cc'))
    .map((name) => join('native', folder, name)),
);
const opus = readdirSync('build/Release')
  .filter((name) => /^opus.*\.a$/.test(name))
  .toSorted()
  .map((name) => join('build/Release', name));

/** True when a program of this build failed. */
async function check(name, build, filter) {
  const out = name === 'address' ? 'build/sanitize' : `build/sanitize-${name}`;
  mkdirSync(out, { recursive: true });
  let failed = false;
  for (const [program, tests] of Object.entries(build.programs)) {
    const sources = [...engineSources, ...tests];
    await compileAll(out, build, sources);
    const path = join(out, program);
    const objects = sources.map((source) => objectOf(out, source));
    const link = [...build.flags, ...objects, ...opus, ...opus, '-o', path, '-lm', '-lpthread'];
    const linked = spawnSync(build.compiler, link, { stdio: 'inherit' }).status === 0;
    console.log(`${name}: ${program}`);
    const status = linked ? spawnSync(path, filter, { stdio: 'inherit' }).status : 1;
    if (status !== 0) failed = true;
  }
  return failed;
}

const [first, ...rest] = process.argv.slice(2);
const named = first !== undefined && first in BUILDS;
const filter = named ? rest : process.argv.slice(2);
let failed = false;
for (const [name, build] of Object.entries(BUILDS)) {
  if (named && name !== first) continue;
  if (await check(name, build, filter)) failed = true;
}
process.exit(failed ? 1 : 0);
