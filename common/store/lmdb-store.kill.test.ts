import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { systemClock } from '../clock.ts';
import { seededRandom } from '../ids.ts';
import { silentLogger } from '../log.ts';
import { createMetrics } from '../metrics.ts';
import { openLmdbStore } from './lmdb-store.ts';

const WRITER = join(import.meta.dirname, '../../dist/common/store/kill-writer.js');
const ROUNDS = 8;
const path = mkdtempSync(join(tmpdir(), 'minusone-kill-'));

afterAll(() => rmSync(path, { recursive: true, force: true }));

/** Runs the writer until it has acknowledged `count` writes, kills it, and returns what it acknowledged. */
function runAndKill(first: number, count: number): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [WRITER, path, String(first)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.split('\n').length > count) child.kill('SIGKILL');
    });
    child.on('error', reject);
    child.on('close', () => resolve(text.split('\n').filter(Boolean).map(Number)));
  });
}

describe('LMDB store under kill -9', () => {
  it('has every acknowledged write after a kill -9 at any point (R41)', async () => {
    expect(existsSync(WRITER), `${WRITER} is missing: run \`node tools/run.mjs build\``).toBe(true);
    const random = seededRandom(41);
    const acknowledged: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const first = round * 1_000_000;
      acknowledged.push(...(await runAndKill(first, 1 + random.below(600))));
      const opened = await openLmdbStore({
        path,
        clock: systemClock,
        log: silentLogger,
        metrics: createMetrics(),
      });
      if (!opened.ok) throw opened.error;
      const store = opened.value;
      for (const number of acknowledged) {
        const read = await store.get(`n/${number}`);
        expect(read.ok && read.value?.value).toMatchObject({ mine: number });
      }
      // The lease of the dead process is gone.
      expect(await store.get('vru/victim')).toEqual({ ok: true, value: undefined });
      await store.close();
    }
    expect(acknowledged.length).toBeGreaterThan(ROUNDS * 50);
  });
});
