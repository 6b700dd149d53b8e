#!/usr/bin/env node
// The two commands of the README and their relatives, each self-sufficient on a fresh clone: installs
// what is missing, builds what is stale, then does the job. Plain JavaScript without dependencies, as
// it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const [task = 'start', ...rest] = process.argv.slice(2);
/** Names of files in commands are meant from here. */
const CALLED_FROM = process.cwd();
process.chdir(ROOT);

/** Runs a program to its end with our terminal; stops us when it fails. */
function run(command, args, options = {}) {
  const result = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (result.error) throw result.error;
  if (result.signal) process.kill(process.pid, result.signal);
  if (result.status !== 0 && !options.mayFail) process.exit(result.status ?? 1);
  return result.status ?? 1;
}

const bin = (name) => join(ROOT, 'node_modules', '.bin', name);

/** A stamp file holds the hash of what a step was made from; the same hash means nothing to do. */
function stale(stamp, hash) {
  return !existsSync(stamp) || readFileSync(stamp, 'utf8') !== hash;
}

function writeStamp(stamp, hash) {
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, hash);
}

function hashFiles(files) {
  const hash = createHash('sha256');
  for (const file of files.toSorted()) hash.update(file).update('\0').update(readFileSync(file));
  return hash.digest('hex');
}

function filesBelow(folder, accept) {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, name))
    .filter((path) => accept(path) && statSync(path).isFile());
}

function install() {
  const hash = hashFiles(['package.json', 'package-lock.json']);
  const stamp = 'node_modules/.minusone-stamp';
  if (!stale(stamp, hash)) return;
  console.error('installing packages …');
  // Not `npm ci`: it refuses a lock file that lacks the entry of any other platform's optional binary, and
  // registries differ in which of those they carry. The versions are those of the lock file either way.
  run('npm', ['install', '--no-save', '--no-audit', '--no-fund']);
  writeStamp(stamp, hash);
}

function buildNative() {
  if (!existsSync('binding.gyp')) return;
  const sources = filesBelow('native', (path) => /\.(cc|h|json|gypi)$/.test(path));
  const hash =
    hashFiles(['binding.gyp', ...sources, 'package-lock.json']) +
    process.versions.modules +
    process.arch;
  if (!stale('build/.minusone-stamp', hash)) return;
  console.error('building the engine …');
  // Node's own headers beside its binary, where they are, spare a download.
  const prefix = dirname(dirname(process.execPath));
  const nodedir = existsSync(join(prefix, 'include', 'node', 'node_api.h'))
    ? [`--nodedir=${prefix}`]
    : [];
  const verb = existsSync('build/Makefile') ? 'configure build' : 'rebuild';
  for (const step of verb.split(' ')) {
    run(process.execPath, [
      bin('node-gyp'),
      step,
      '--release',
      '-j',
      'max',
      '--loglevel=error',
      ...nodedir,
    ]);
  }
  writeStamp('build/.minusone-stamp', hash);
}

function buildTypeScript() {
  // Incremental; a few hundred ms when nothing changed.
  run(process.execPath, [bin('tsc'), '-b', 'tsconfig.json']);
}

/** In this process, so that signals reach it and no second one stays behind. */
async function runProgram(...argv) {
  process.chdir(CALLED_FROM);
  const main = join(ROOT, 'dist', 'main.js');
  process.argv = [process.execPath, main, ...argv];
  await import(pathToFileURL(main).href);
}

function build() {
  install();
  buildNative();
  buildTypeScript();
}

const TASKS = {
  build,
  async start() {
    build();
    await runProgram('start', ...rest);
  },
  async cli() {
    build();
    await runProgram(...rest);
  },
  bench() {
    build();
    process.exit(run(process.execPath, ['dist/bench/main.js', ...rest], { mayFail: true }));
  },
  test() {
    build();
    const native = existsSync('build/Release/native_test')
      ? run('build/Release/native_test', [], { mayFail: true })
      : 0;
    const status = run(process.execPath, [bin('vitest'), 'run', ...rest], { mayFail: true });
    process.exit(native || status);
  },
  check() {
    build();
    run(bin('biome'), ['check', '.']);
    run(bin('eslint'), ['.']);
    TASKS.test();
  },
  'format-native'() {
    run('clang-format', [
      '-i',
      ...filesBelow('native', (path) => /\.(cc|h)$/.test(path) && !path.includes('.gen.')),
    ]);
  },
};

const job = TASKS[task];
if (!job) {
  console.error(`unknown task ${task}; expected one of: ${Object.keys(TASKS).join(', ')}`);
  process.exit(2);
}
await job();
