/**
 * What every Store must do, once. lmdb-store.test.ts runs it on LMDB; the NATS store runs the same.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MediaError } from '../errors.ts';
import type { Result } from '../result.ts';
import type { Change, PageOptions, Store } from './store.ts';

export interface StoreHarness {
  /** Two connections to one store; in process they may be the same object. */
  readonly here: Store;
  readonly there: Store;
  /** Lets `durationMs` pass for leases: virtual time, or real. */
  elapse(durationMs: number): Promise<void>;
  close(): Promise<void>;
}

/** Time to live of the leases in these tests; the shortest that every implementation must keep. */
const TTL_MS = 2_000;

function value<T>(result: Result<T, MediaError>): T {
  if (!result.ok) throw result.error;
  return result.value;
}

function code(result: Result<unknown, MediaError>): string {
  return result.ok ? 'ok' : result.error.code;
}

/** Resolves once `ready` holds; `poke` is called again and again until then. */
async function until(ready: () => boolean, poke: () => Promise<void>): Promise<void> {
  for (let round = 0; !ready(); round++) {
    if (round > 200) throw new Error('what was waited for never came');
    await poke();
  }
}

export function storeContract(name: string, start: () => Promise<StoreHarness>): void {
  describe(`store contract: ${name}`, () => {
    let harness: StoreHarness;
    beforeEach(async () => {
      harness = await start();
    });
    afterEach(async () => {
      await harness.close();
    });
    documents(() => harness);
    races(() => harness);
    watches(() => harness);
    leases(() => harness);
  });
}

type Get = () => StoreHarness;

function documents(get: Get): void {
  it('reads back what was acknowledged, everywhere', async () => {
    const { here, there } = get();
    expect(value(await here.get('a/b'))).toBeUndefined();
    for (let round = 0; round < 50; round++) {
      const document = { round, text: 'é "x"', list: [1, null, { deep: true }] };
      const revision = value(await here.put('a/b', document));
      for (const side of [here, there]) {
        expect(value(await side.get('a/b'))).toEqual({ key: 'a/b', value: document, revision });
      }
    }
  });

  it('gives each write of a key a higher revision, also after it was deleted', async () => {
    const { here } = get();
    const first = value(await here.put('k', 1));
    const second = value(await here.put('k', 2));
    value(await here.delete('k'));
    const third = value(await here.put('k', 3));
    expect(first).toBeGreaterThan(0);
    expect(second).toBeGreaterThan(first);
    expect(third).toBeGreaterThan(second);
  });

  it('lists by prefix in key order', async () => {
    const { here, there } = get();
    for (const key of ['p/10', 'p/02', 'q/1', 'p/02/x', 'p', 'p-1', 'o/1']) {
      value(await here.put(key, key));
    }
    const keys = async (prefix: string) =>
      value(await there.list(prefix)).map((entry) => entry.key);
    expect(await keys('p/')).toEqual(['p/02', 'p/02/x', 'p/10']);
    expect(await keys('q/')).toEqual(['q/1']);
    expect(await keys('nothing/')).toEqual([]);
    expect((await keys('')).toSorted()).toEqual(
      ['o/1', 'p', 'p-1', 'p/02', 'p/02/x', 'p/10', 'q/1'].toSorted(),
    );
  });

  it('gives a long list in pages, both ways', async () => {
    const { here, there } = get();
    for (const key of ['p/1', 'p/2', 'p/3', 'p/4', 'o/1', 'q/1']) value(await here.put(key, key));
    const keys = async (options: PageOptions) =>
      value(await there.page('p/', options)).map((entry) => entry.key);
    expect(await keys({ limit: 3 })).toEqual(['p/1', 'p/2', 'p/3']);
    expect(await keys({ limit: 3, after: 'p/3' })).toEqual(['p/4']);
    expect(await keys({ limit: 9, after: 'p/4' })).toEqual([]);
    expect(await keys({ limit: 2, reverse: true })).toEqual(['p/4', 'p/3']);
    expect(await keys({ limit: 2, reverse: true, after: 'p/3' })).toEqual(['p/2', 'p/1']);
    value(await here.delete('p/3'));
    expect(await keys({ limit: 1, after: 'p/3' })).toEqual(['p/4']);
    expect(await keys({ limit: 1, after: 'p/3', reverse: true })).toEqual(['p/2']);
  });

  it('deletes, once or twice, and lists no more what was deleted', async () => {
    const { here } = get();
    value(await here.put('d/1', 1));
    value(await here.put('d/2', 2));
    value(await here.delete('d/1'));
    value(await here.delete('d/1'));
    value(await here.delete('never/was'));
    expect(value(await here.get('d/1'))).toBeUndefined();
    expect(value(await here.list('d/')).map((entry) => entry.key)).toEqual(['d/2']);
  });

  it('refuses a key that is no path of words, and a value that is no JSON', async () => {
    const { here } = get();
    for (const key of ['', '/', 'a//b', 'a b', 'a/', 'a.b', 'é', '*']) {
      expect(code(await here.put(key, 1))).toBe('bad-request');
      expect(code(await here.get(key))).toBe('bad-request');
    }
    expect(code(await here.put('a', undefined))).toBe('bad-request');
    expect(code(await here.put('a', 'x'.repeat(2_000_000)))).toBe('bad-request');
  });
}

function races(get: Get): void {
  it('compares and sets: creates only the absent, replaces only what was read', async () => {
    const { here, there } = get();
    const created = value(await here.compareAndSet('c', 1, 0));
    expect(code(await there.compareAndSet('c', 2, 0))).toBe('conflict');
    const replaced = value(await there.compareAndSet('c', 3, created));
    expect(code(await here.compareAndSet('c', 4, created))).toBe('conflict');
    expect(code(await here.delete('c', created))).toBe('conflict');
    expect(value(await here.get('c'))).toEqual({ key: 'c', value: 3, revision: replaced });
    value(await here.delete('c', replaced));
    expect(code(await here.compareAndSet('c', 5, replaced))).toBe('conflict');
    value(await here.compareAndSet('c', 6, 0));
  });

  it('lets exactly one of many creators win', async () => {
    const { here, there } = get();
    for (let round = 0; round < 5; round++) {
      const all = await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          (index % 2 === 0 ? here : there).compareAndSet(`race/${round}`, index, 0),
        ),
      );
      const winners = all.flatMap((result, index) => (result.ok ? [index] : []));
      expect(winners.length).toBe(1);
      expect(value(await here.get(`race/${round}`))?.value).toBe(winners[0]);
      expect(all.filter((result) => code(result) === 'conflict').length).toBe(39);
    }
  });

  it('counts right when many increment by compare and set', async () => {
    const { here, there } = get();
    const increment = async (side: Store): Promise<void> => {
      for (;;) {
        const entry = value(await side.get('count'));
        const next = Number(entry?.value ?? 0) + 1;
        const written = await side.compareAndSet('count', next, entry?.revision ?? 0);
        if (written.ok) return;
        expect(written.error.code).toBe('conflict');
      }
    };
    await Promise.all(Array.from({ length: 30 }, (_, n) => increment(n % 2 === 0 ? here : there)));
    expect(value(await here.get('count'))?.value).toBe(30);
  });
}

function watches(get: Get): void {
  it('tells a watcher what is there, then every change once and in order', async () => {
    const { here, there, elapse } = get();
    value(await here.put('w/a', 1));
    value(await here.put('w/b', 1));
    value(await here.put('v/a', 'not watched'));
    const seen: Change[] = [];
    const watch = await there.watch('w/', (change) => seen.push(change));
    await until(
      () => seen.length >= 2,
      () => elapse(10),
    );
    const short = () =>
      seen.map((change) =>
        change.kind === 'put' ? `${change.key}=${JSON.stringify(change.value)}` : `-${change.key}`,
      );
    expect(short()).toEqual(['w/a=1', 'w/b=1']);
    value(await here.put('w/a', 2));
    value(await here.put('v/b', 'not watched'));
    value(await here.delete('w/b'));
    value(await here.delete('w/b'));
    value(await here.put('w/b', 3));
    await until(
      () => seen.length >= 5,
      () => elapse(10),
    );
    expect(short().slice(2)).toEqual(['w/a=2', '-w/b', 'w/b=3']);
    await watch.close();
    await watch.close();
    value(await here.put('w/a', 4));
    await elapse(50);
    expect(seen.length).toBe(5);
  });

  it('gives a watcher that starts among writes each state once, without a gap', async () => {
    const { here, there, elapse } = get();
    const writes: Promise<unknown>[] = [];
    const seen: number[] = [];
    for (let number = 1; number <= 200; number++) {
      writes.push(here.put('stream', number));
      if (number === 100) {
        writes.push(
          there.watch('stream', (change) => {
            if (change.kind === 'put') seen.push(Number(change.value));
          }),
        );
      }
      if (number % 20 === 0) await writes.at(-1);
    }
    await Promise.all(writes);
    await until(
      () => seen.at(-1) === 200,
      () => elapse(10),
    );
    const first = seen[0] ?? 0;
    expect(seen).toEqual(Array.from({ length: seen.length }, (_, index) => first + index));
  });

  it('goes on telling the others when a watcher throws', async () => {
    const { here, elapse } = get();
    const seen: string[] = [];
    await here.watch('t/', () => {
      throw new Error('a bug');
    });
    await here.watch('t/', (change) => seen.push(change.key));
    value(await here.put('t/1', 1));
    value(await here.put('t/2', 1));
    await until(
      () => seen.length >= 2,
      () => elapse(10),
    );
    expect(seen).toEqual(['t/1', 't/2']);
  });
}

function leases(get: Get): void {
  it('keeps a lease as long as it is renewed, and drops it for everybody when it is not', async () => {
    const { here, there, elapse } = get();
    const gone: string[] = [];
    await there.watch('l/', (change) => {
      if (change.kind === 'delete') gone.push(change.key);
    });
    const lease = value(await here.lease('l/1', { load: 0 }, TTL_MS));
    for (let load = 1; load <= 3; load++) {
      await elapse(TTL_MS * 0.6);
      value(await lease.renew({ load }));
      expect(value(await there.get('l/1'))?.value).toEqual({ load });
    }
    await elapse(TTL_MS * 0.6);
    expect(gone).toEqual([]);
    await elapse(TTL_MS);
    await until(
      () => gone.length > 0,
      () => elapse(50),
    );
    expect(value(await here.get('l/1'))).toBeUndefined();
    expect(value(await here.list('l/'))).toEqual([]);
    expect(code(await lease.renew({ load: 9 }))).toBe('closed');
    expect(value(await here.get('l/1'))).toBeUndefined();
  });

  it('releases a lease at once, twice without harm', async () => {
    const { here, there } = get();
    const lease = value(await here.lease('l/2', 1, TTL_MS));
    await lease.release();
    await lease.release();
    expect(value(await there.get('l/2'))).toBeUndefined();
    expect(code(await lease.renew(2))).toBe('closed');
  });

  it('gives a lease that is wanted only if free to one at a time', async () => {
    const { here, there, elapse } = get();
    const free = { onlyIfFree: true };
    const both = await Promise.all([
      here.lease('l/4', 'a', TTL_MS, free),
      there.lease('l/4', 'b', TTL_MS, free),
    ]);
    expect(both.filter((one) => one.ok)).toHaveLength(1);
    expect(both.filter((one) => !one.ok && one.error.code === 'conflict')).toHaveLength(1);
    const [held] = both.flatMap((one) => (one.ok ? [one.value] : []));
    await elapse(TTL_MS * 0.6);
    expect((await held?.renew('again'))?.ok).toBe(true);
    await elapse(TTL_MS * 0.6);
    expect(code(await there.lease('l/4', 'c', TTL_MS, free))).toBe('conflict');
    await held?.release();
    const next = value(await there.lease('l/4', 'c', TTL_MS, free));
    await next.release();
  });

  it('gives a lease to the newest holder; the one before has lost it', async () => {
    const { here, there, elapse } = get();
    const old = value(await here.lease('l/3', 'old', TTL_MS));
    await elapse(TTL_MS * 0.6);
    const fresh = value(await there.lease('l/3', 'fresh', TTL_MS));
    expect(code(await old.renew('old'))).toBe('closed');
    await old.release();
    await elapse(TTL_MS * 0.6);
    expect(value(await here.get('l/3'))?.value).toBe('fresh');
    value(await fresh.renew('fresh 2'));
    await fresh.release();
  });
}
