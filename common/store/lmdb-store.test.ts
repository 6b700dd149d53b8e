import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../log.ts';
import { createMetrics } from '../metrics.ts';
import { SimClock } from '../sim-clock.ts';
import { type LmdbStore, type LmdbStoreOptions, openLmdbStore } from './lmdb-store.ts';
import { storeContract } from './store-contract.ts';

const folders: string[] = [];

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'minusone-store-'));
  folders.push(path);
  return path;
}

afterEach(() => {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true });
});

async function openAt(
  path: string,
  more: Partial<LmdbStoreOptions> = {},
): Promise<{ store: LmdbStore; clock: SimClock }> {
  const clock = new SimClock();
  const opened = await openLmdbStore({
    path,
    clock,
    log: silentLogger,
    metrics: createMetrics(),
    ...more,
  });
  if (!opened.ok) throw opened.error;
  return { store: opened.value, clock };
}

for (const flushBeforeAnswer of [false, true]) {
  storeContract(`LMDB, flushBeforeAnswer ${flushBeforeAnswer}`, async () => {
    const { store, clock } = await openAt(folder(), { flushBeforeAnswer });
    return {
      here: store,
      there: store,
      elapse: async (durationMs) => {
        await clock.advance(durationMs);
        // A commit takes real time, which virtual time does not wait for: one more write does.
        await store.put('elapse', 1);
      },
      close: () => store.close(),
    };
  });
}

describe('LMDB store', () => {
  it('keeps documents and revisions over a restart, and drops the leases of the earlier run', async () => {
    const path = folder();
    const first = await openAt(path);
    const revision = await first.store.put('kept', { a: 1 });
    await first.store.lease('mixer/m1', {}, 60_000);
    await first.store.close();
    const second = await openAt(path);
    expect(await second.store.get('kept')).toEqual({
      ok: true,
      value: { key: 'kept', value: { a: 1 }, revision: revision.ok ? revision.value : 0 },
    });
    expect(await second.store.list('mixer/')).toEqual({ ok: true, value: [] });
    const next = await second.store.put('kept', { a: 2 });
    expect(next.ok && revision.ok && next.value > revision.value).toBe(true);
    await second.store.close();
  });

  it('refuses a directory that is in use, and says so', async () => {
    const path = folder();
    const { store } = await openAt(path);
    const again = await openLmdbStore({
      path,
      clock: new SimClock(),
      log: silentLogger,
      metrics: createMetrics(),
    });
    expect(again.ok ? '' : again.error.message).toContain('in use by another process');
    await store.close();
    await (await openAt(path)).store.close();
  });

  it('commits many waiting writes together, and refuses more than its bound (R41)', async () => {
    const metrics = createMetrics();
    const { store } = await openAt(folder(), { pendingLimit: 100, metrics });
    const all = await Promise.all(
      Array.from({ length: 150 }, (_, index) => store.put(`many/${index}`, index)),
    );
    expect(all.map((result) => result.ok)).toEqual(all.map((_, index) => index < 100));
    const refused = all[149];
    expect(refused?.ok === false && refused.error.code).toBe('store-failed');
    expect(refused?.ok === false && refused.error.message).toContain('overloaded');
    expect(await metrics.text()).toContain('minusone_store_batch_size_count 1');
    expect((await store.put('after', 1)).ok).toBe(true);
    await store.close();
  });

  it('answers store-failed after it was closed', async () => {
    const { store, clock } = await openAt(folder());
    await store.lease('l', 1, 1_000);
    const last = store.put('k', 1);
    await store.close();
    await store.close();
    expect((await last).ok).toBe(true);
    const codes = [await store.put('k', 2), await store.get('k'), await store.list('')].map(
      (result) => (result.ok ? 'ok' : result.error.code),
    );
    expect(codes).toEqual(['store-failed', 'store-failed', 'store-failed']);
    expect(clock.timerCount).toBe(0);
  });
});
