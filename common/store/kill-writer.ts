/**
 * The victim of lmdb-store.kill.test.ts: writes without end, prints each number once it was
 * acknowledged, and is killed. Run as `node kill-writer.js DIRECTORY FIRST`.
 */
import { writeSync } from 'node:fs';
import { systemClock } from '../clock.ts';
import { createLogger } from '../log.ts';
import { createMetrics } from '../metrics.ts';
import { openLmdbStore } from './lmdb-store.ts';

const [path = '', first = '0'] = process.argv.slice(2);
const opened = await openLmdbStore({
  path,
  clock: systemClock,
  log: createLogger('error'),
  metrics: createMetrics(),
});
if (!opened.ok) throw opened.error;
const store = opened.value;
await store.lease('vru/victim', {}, 60_000);

/** Several writers at once, so that group commits are hit too. */
let number = Number(first);
const write = async (): Promise<never> => {
  for (;;) {
    number += 1;
    const mine = number;
    const written = await store.put(`n/${mine}`, { mine, filler: 'x'.repeat(mine % 3000) });
    if (!written.ok) throw written.error;
    // Synchronous: what was printed has left the process.
    writeSync(1, `${mine}\n`);
  }
};
await Promise.all(Array.from({ length: 8 }, write));
