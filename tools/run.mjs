#!/usr/bin/env node
// The two commands of the README and their relatives, each self-sufficient on a fresh clone: installs
// what is missing, builds what is stale, then does the job. Plain JavaScript without dependencies, as
// it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
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
  // The compiler is a development dependency, and is needed wherever this runs from source.
  run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--include=dev']);
  writeStamp(stamp, hash);
}

function buildNative() {
  if (!existsSync('binding.gyp')) return;
  const sources = filesBelow('native', (path) => /\.(cc|h|json|gypi?)$/.test(path));
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

const TS_FOLDERS = ['common', 'mixer', 'signaling', 'vru', 'bench', 'web', 'test'];

function buildTypeScript() {
  // The compiler is incremental too, but takes a second to find that nothing changed.
  const sources = TS_FOLDERS.flatMap((folder) =>
    filesBelow(folder, (path) => /\.tsx?$|tsconfig\.json$/.test(path)),
  );
  const hash = hashFiles([
    ...sources,
    'main.ts',
    'tsconfig.json',
    'tsconfig.base.json',
    'package-lock.json',
  ]);
  if (!stale('dist/.minusone-stamp', hash)) return;
  run(process.execPath, [bin('tsc'), '-b', 'tsconfig.json']);
  writeStamp('dist/.minusone-stamp', hash);
}

/** The page, from web/ to dist/page. */
function buildPage() {
  if (!existsSync('web')) return;
  const hash = hashFiles([...filesBelow('web', () => true), 'package-lock.json']);
  if (!stale('dist/.page-stamp', hash) && existsSync('dist/page/index.html')) return;
  run(process.execPath, [
    bin('vite'),
    'build',
    '--config',
    'web/vite.config.ts',
    '--logLevel=warn',
  ]);
  writeStamp('dist/.page-stamp', hash);
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
  buildPage();
}

// ── tests and checks ──────────────────────────────────────────────────────────────────────────

const nativeSources = () =>
  filesBelow('native', (path) => /\.(cc|h)$/.test(path) && !path.includes('.gen.'));

/** Programs without which some tests cannot run, and what is left out then. */
const PROGRAMS = {
  sipp: 'SIP scenarios of another stack (Debian package sip-tester)',
  baresip: 'calls with a second SIP stack (Debian package baresip-core)',
  chromium: 'the page in a real browser (Debian package chromium)',
  'clang-format': 'format of the C++ sources',
};

const hasProgram = (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;

function missingPrograms() {
  return Object.entries(PROGRAMS)
    .filter(([name]) => !hasProgram(name))
    .map(([name, what]) => `SKIPPED, as ${name} is not installed: ${what}`);
}

/** Each ends with a line `N passed, N failed`. */
function runNativeTests() {
  if (!existsSync('build/Release')) return [];
  return readdirSync('build/Release')
    .filter((name) => name.endsWith('_test'))
    .map((name) => {
      console.log(`native: ${name}`);
      const result = spawnSync(join('build/Release', name), { encoding: 'utf8' });
      process.stdout.write(result.stdout ?? '');
      process.stderr.write(result.stderr ?? '');
      const counts = /(\d+) passed, (\d+) failed\s*$/.exec(result.stdout ?? '');
      const failed = Number(counts?.[2] ?? 0);
      // A crash is a failure, whatever was counted before it.
      const crashed = result.status !== 0 && failed === 0 ? 1 : 0;
      return { passed: Number(counts?.[1] ?? 0), failed: failed + crashed, skipped: 0 };
    });
}

function runVitest(argv) {
  const report = 'build/vitest.json';
  rmSync(report, { force: true });
  const status = run(
    process.execPath,
    [
      bin('vitest'),
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...argv,
    ],
    { mayFail: true },
  );
  const result = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : {};
  const failed = result.numFailedTests ?? 0;
  return {
    passed: result.numPassedTests ?? 0,
    // A file that cannot be loaded fails without a failed test.
    failed: failed === 0 && status !== 0 ? 1 : failed,
    skipped: result.numPendingTests ?? 0,
  };
}

const addUp = (parts) => ({
  passed: parts.reduce((sum, part) => sum + part.passed, 0),
  failed: parts.reduce((sum, part) => sum + part.failed, 0),
  skipped: parts.reduce((sum, part) => sum + part.skipped, 0),
});

/** Every check runs, so that one run shows all that is wrong. */
function lint() {
  const checks = [
    ['biome', bin('biome'), ['check', '.']],
    ['eslint', bin('eslint'), ['.']],
  ];
  if (existsSync('native') && hasProgram('clang-format')) {
    checks.push(['clang-format', 'clang-format', ['--dry-run', '-Werror', ...nativeSources()]]);
  }
  const failed = checks.filter(([, command, args]) => run(command, args, { mayFail: true }) !== 0);
  for (const [name] of failed) console.error(`FAILED: ${name}`);
  return failed.length === 0;
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
    const totals = addUp([...runNativeTests(), runVitest(rest)]);
    for (const line of missingPrograms()) console.log(line);
    mkdirSync('build', { recursive: true });
    writeFileSync('build/test-totals.json', JSON.stringify(totals));
    const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : '';
    console.log(`${totals.passed} passed, ${totals.failed} failed${skipped}`);
    process.exit(totals.failed === 0 ? 0 : 1);
  },
  lint() {
    build();
    process.exit(lint() ? 0 : 1);
  },
  check() {
    build();
    if (!lint()) process.exit(1);
    TASKS.test();
  },
  'format-native'() {
    run('clang-format', ['-i', ...nativeSources()]);
  },
};

const job = TASKS[task];
if (!job) {
  console.error(`unknown task ${task}; expected one of: ${Object.keys(TASKS).join(', ')}`);
  process.exit(2);
}
await job();
