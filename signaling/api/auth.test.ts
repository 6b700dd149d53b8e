import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { seededRandom, systemRandom } from '../../common/ids.ts';
import { silentLogger } from '../../common/log.ts';
import { createMetrics } from '../../common/metrics.ts';
import { openLmdbStore } from '../../common/store/lmdb-store.ts';
import type { Store } from '../../common/store/store.ts';
import { ensureAdminToken, startAuthenticator } from './auth.ts';

let folder: string;
let store: Store;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'minusone-auth-'));
  const opened = await openLmdbStore({
    path: folder,
    clock: systemClock,
    log: silentLogger,
    metrics: createMetrics(),
  });
  if (!opened.ok) throw opened.error;
  store = opened.value;
});

afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

async function make(replace: boolean): Promise<string | undefined> {
  const made = await ensureAdminToken(store, systemRandom, systemClock, replace);
  if (!made.ok) throw made.error;
  return made.value;
}

describe('the admin token', () => {
  it('is made once, shown once, and stored only as a hash', async () => {
    const token = await make(false);
    expect(token).toMatch(/^mo_[\w-]{43}$/);
    expect(await make(false)).toBeUndefined();
    const records = await store.list('token/');
    expect(JSON.stringify(records)).not.toContain(token);
  });

  it('lets its holder in, and nobody else', async () => {
    const token = await make(false);
    const authenticator = await startAuthenticator(store, systemClock, undefined);
    expect(await authenticator.authenticate(`Bearer ${token}`)).toEqual({
      name: 'admin',
      scopes: ['admin', 'host', 'dial'],
    });
    for (const header of [
      undefined,
      '',
      'Bearer',
      'Bearer  ',
      `Bearer ${token}x`,
      `Basic ${token}`,
    ]) {
      expect(await authenticator.authenticate(header), String(header)).toBeUndefined();
    }
    await authenticator.close();
  });

  it('a new one ends the old one at once', async () => {
    const first = await make(false);
    const authenticator = await startAuthenticator(store, systemClock, undefined);
    const second = await make(true);
    expect(await authenticator.authenticate(`Bearer ${first}`)).toBeUndefined();
    expect(await authenticator.authenticate(`Bearer ${second}`)).toBeDefined();
    await authenticator.close();
  });

  it('of two processes that start together, one makes it', async () => {
    const both = await Promise.all(
      [1, 2].map((seed) => ensureAdminToken(store, seededRandom(seed), systemClock, false)),
    );
    expect(both.filter((made) => made.ok && made.value !== undefined)).toHaveLength(1);
  });

  it('may be given by the configuration', async () => {
    const authenticator = await startAuthenticator(store, systemClock, 'from-the-configuration');
    expect((await authenticator.authenticate('Bearer from-the-configuration'))?.name).toBe(
      'configured-admin',
    );
    await authenticator.close();
  });
});
