/**
 * The Store of one process, on LMDB. It must never know what the documents mean. Start at `#write`.
 *
 *   put, compareAndSet, delete, watch ─▶ [pending ≤ pendingLimit] ─▶ one LMDB transaction for all that wait
 *                                            ─ committed ─▶ watchers told, in order ─▶ callers acknowledged
 *
 * Every write is a step inside the transaction, so compareAndSet is atomic and group commit costs
 * nothing extra. A committed transaction is in the page cache: it survives kill -9 of the process.
 * LMDB flushes it to disk right after; `flushBeforeAnswer` waits for that too (power loss).
 *
 * Revisions come from one counter that is written in the same transaction, so they grow over all
 * keys and a deleted key never shows an old revision again.
 */
import { mkdirSync } from 'node:fs';
import { type Database, open, type RootDatabase } from 'lmdb';
import type { Clock, Timer } from '../clock.ts';
import { type ErrorCode, MediaError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { GaugeMetric, HistogramMetric, Metrics } from '../metrics.ts';
import { fail, ok, type Result } from '../result.ts';
import { lockDirectory } from './directory-lock.ts';
import type {
  Change,
  Entry,
  Lease,
  LeaseOptions,
  PageOptions,
  Revision,
  Store,
  Watch,
} from './store.ts';

/** More waiting writes than this mean that the disk has stopped; later ones are refused at once. */
const DEFAULT_PENDING_LIMIT = 20_000;
/** As large as a value may be, so that the same document also fits a NATS message. */
const MAX_VALUE_BYTES = 900_000;
const KEY = /^[A-Za-z0-9_-]+(?:\/[A-Za-z0-9_-]+)*$/;
const PREFIX = /^[A-Za-z0-9_/-]*$/;
const COUNTER = 'revision';

export interface LmdbStoreOptions {
  /** A directory of its own; made if it is not there. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly pendingLimit?: number;
  readonly flushBeforeAnswer?: boolean;
}

type Outcome<T> = Result<T, MediaError>;

interface Write {
  /** Runs inside the transaction. */
  readonly apply: () => void;
  /** Runs after it was committed. */
  readonly commit: () => void;
  readonly abort: (error: MediaError) => void;
}

interface Watcher {
  readonly prefix: string;
  readonly onChange: (change: Change) => void;
  open: boolean;
}

/** Errors: `store-failed` when another process holds the directory. */
export async function openLmdbStore(options: LmdbStoreOptions): Promise<Outcome<LmdbStore>> {
  mkdirSync(options.path, { recursive: true });
  const locked = await lockDirectory(options.path);
  if (!locked.ok) return locked;
  return ok(new LmdbStore(options, locked.value));
}

export class LmdbStore implements Store {
  readonly #options: LmdbStoreOptions;
  readonly #unlock: () => Promise<void>;
  readonly #root: RootDatabase<string, string>;
  /** key → `revision json`. */
  readonly #data: Database<string, string>;
  /** Keys that belong to a lease; what stands here at start is of an earlier run, and dead. */
  readonly #leases: Database<string, string>;
  readonly #pending: Write[] = [];
  readonly #watchers = new Set<Watcher>();
  readonly #timers = new Set<Timer>();
  readonly #depth: GaugeMetric;
  readonly #batch: HistogramMetric;
  #flushing: Promise<void> | undefined;
  #revision: Revision;
  #closed = false;

  constructor(options: LmdbStoreOptions, unlock: () => Promise<void>) {
    this.#options = options;
    this.#unlock = unlock;
    this.#root = open<string, string>({ path: options.path, encoding: 'string', maxDbs: 4 });
    this.#data = this.#root.openDB<string, string>({ name: 'data', encoding: 'string' });
    this.#leases = this.#root.openDB<string, string>({ name: 'leases', encoding: 'string' });
    this.#revision = Number(this.#root.get(COUNTER) ?? 0);
    this.#depth = options.metrics.gauge('minusone_store_pending', 'Writes that wait for a commit');
    this.#batch = options.metrics.histogram(
      'minusone_store_batch_size',
      'Writes of one commit',
      [1, 2, 4, 8, 16, 32, 64, 128, 256, 1024],
    );
    this.#dropDeadLeases();
  }

  #dropDeadLeases(): void {
    this.#root.transactionSync(() => {
      for (const key of [...this.#leases.getKeys()]) {
        this.#data.removeSync(key);
        this.#leases.removeSync(key);
      }
    });
  }

  get(key: string): Promise<Outcome<Entry | undefined>> {
    return this.#read(key, KEY, () => {
      const text = this.#data.get(key);
      return text === undefined ? undefined : parse(key, text);
    });
  }

  list(prefix: string): Promise<Outcome<readonly Entry[]>> {
    return this.#read(prefix, PREFIX, () => this.#entries(prefix));
  }

  page(prefix: string, options: PageOptions): Promise<Outcome<readonly Entry[]>> {
    return this.#read(prefix, PREFIX, () => this.#page(prefix, options));
  }

  #page(prefix: string, { limit, after, reverse = false }: PageOptions): Entry[] {
    const low = prefix;
    const high = `${prefix}~`;
    const first = reverse ? high : low;
    const start = after?.startsWith(prefix) === true ? after : first;
    const range = { start, end: reverse ? low : high, reverse, limit: limit + 1 };
    const entries: Entry[] = [];
    for (const { key, value } of this.#data.getRange(range)) {
      if (key === after || !key.startsWith(prefix)) continue;
      if (entries.push(parse(key, value)) >= limit) break;
    }
    return entries;
  }

  #entries(prefix: string): Entry[] {
    const entries: Entry[] = [];
    // '~' sorts after every character that a key may have.
    for (const { key, value } of this.#data.getRange({ start: prefix, end: `${prefix}~` })) {
      entries.push(parse(key, value));
    }
    return entries;
  }

  #read<T>(key: string, shape: RegExp, read: () => T): Promise<Outcome<T>> {
    const refused = this.#refusal(key, shape);
    if (refused !== undefined) return Promise.resolve(fail(refused));
    try {
      return Promise.resolve(ok(read()));
    } catch (error) {
      return Promise.resolve(fail(this.#failed('reading', error)));
    }
  }

  put(key: string, value: unknown): Promise<Outcome<Revision>> {
    return this.#store(key, value, undefined, false);
  }

  compareAndSet(key: string, value: unknown, expected: Revision): Promise<Outcome<Revision>> {
    return this.#store(key, value, expected, false);
  }

  #store(
    key: string,
    value: unknown,
    expected: Revision | undefined,
    leased: boolean,
  ): Promise<Outcome<Revision>> {
    const json = JSON.stringify(value);
    if (json === undefined || json.length > MAX_VALUE_BYTES) {
      return Promise.resolve(refuse('bad-request', `the value of ${key} is no JSON or too large`));
    }
    return this.#write(key, (changes) => {
      const conflict = this.#conflict(key, expected);
      if (conflict !== undefined) return conflict;
      const revision = this.#next();
      this.#data.putSync(key, `${revision} ${json}`);
      if (leased) this.#leases.putSync(key, '');
      else this.#leases.removeSync(key);
      changes.push({ kind: 'put', key, value: JSON.parse(json) as unknown, revision });
      return ok(revision);
    });
  }

  delete(key: string, expected?: Revision): Promise<Outcome<void>> {
    return this.#write(key, (changes) => {
      const conflict = this.#conflict(key, expected);
      if (conflict !== undefined) return conflict;
      if (this.#data.get(key) === undefined) return ok(undefined);
      this.#data.removeSync(key);
      this.#leases.removeSync(key);
      changes.push({ kind: 'delete', key, revision: this.#next() });
      return ok(undefined);
    });
  }

  #conflict(key: string, expected: Revision | undefined): Outcome<never> | undefined {
    if (expected === undefined) return undefined;
    const text = this.#data.get(key);
    const present = text === undefined ? 0 : revisionOf(text);
    if (present === expected) return undefined;
    return refuse('conflict', `${key} is at revision ${present}, not ${expected}`);
  }

  #next(): Revision {
    this.#revision += 1;
    return this.#revision;
  }

  /** Queues one write; resolves when the transaction that carried it is committed. */
  #write<T>(key: string, change: (changes: Change[]) => Outcome<T>): Promise<Outcome<T>> {
    const refused = this.#refusal(key, KEY);
    if (refused !== undefined) return Promise.resolve(fail(refused));
    const changes: Change[] = [];
    let outcome: Outcome<T> = refuse('store-failed', 'the write never ran');
    return this.#enqueue({
      apply: () => {
        changes.length = 0;
        outcome = change(changes);
      },
      commit: () => {
        for (const told of changes) this.#tell(told);
        return outcome;
      },
    });
  }

  #enqueue<T>(write: { apply: () => void; commit: () => Outcome<T> }): Promise<Outcome<T>> {
    const limit = this.#options.pendingLimit ?? DEFAULT_PENDING_LIMIT;
    if (this.#pending.length >= limit) {
      return Promise.resolve(refuse('store-failed', `overloaded: ${limit} writes are waiting`));
    }
    return new Promise((resolve) => {
      this.#pending.push({
        apply: write.apply,
        commit: () => resolve(write.commit()),
        abort: (error) => resolve(fail(error)),
      });
      this.#flushing ??= this.#flush();
    });
  }

  /** Commits everything that waits, again and again until nothing does. */
  async #flush(): Promise<void> {
    // The writes of one turn belong into one transaction.
    await Promise.resolve();
    while (this.#pending.length > 0) {
      const batch = this.#pending.splice(0);
      this.#batch.observe(batch.length);
      const committed = await this.#commit(batch);
      for (const write of batch) {
        if (committed.ok) write.commit();
        else write.abort(committed.error);
      }
      this.#depth.set(this.#pending.length);
    }
    this.#flushing = undefined;
  }

  async #commit(batch: readonly Write[]): Promise<Outcome<void>> {
    const before = this.#revision;
    try {
      // A child transaction, as that is the one that rolls back when a step throws.
      await this.#root.childTransaction(() => {
        for (const write of batch) write.apply();
        if (this.#revision !== before) this.#root.putSync(COUNTER, String(this.#revision));
      });
      if (this.#options.flushBeforeAnswer === true) await this.#root.flushed;
      // Reads from here on see what was committed.
      this.#root.resetReadTxn();
      return ok(undefined);
    } catch (error) {
      this.#revision = before;
      return fail(this.#failed('committing', error));
    }
  }

  async watch(prefix: string, onChange: (change: Change) => void): Promise<Watch> {
    const watcher: Watcher = { prefix, onChange, open: true };
    let present: readonly Entry[] = [];
    // The snapshot is a step among the writes: what came before is in it, what comes after is told.
    const refused = this.#refusal(prefix, PREFIX);
    const begun =
      refused !== undefined
        ? fail(refused)
        : await this.#enqueue<void>({
            apply: () => {
              present = this.#entries(prefix);
            },
            commit: () => {
              this.#watchers.add(watcher);
              for (const entry of present) this.#notify(watcher, { kind: 'put', ...entry });
              return ok(undefined);
            },
          });
    if (!begun.ok) throw begun.error;
    return {
      close: () => {
        watcher.open = false;
        this.#watchers.delete(watcher);
        return Promise.resolve();
      },
    };
  }

  #tell(change: Change): void {
    for (const watcher of this.#watchers) {
      if (change.key.startsWith(watcher.prefix)) this.#notify(watcher, change);
    }
  }

  #notify(watcher: Watcher, change: Change): void {
    if (!watcher.open) return;
    try {
      watcher.onChange(change);
    } catch (error) {
      this.#options.log.error({ key: change.key, err: error }, 'a watcher of the store threw');
    }
  }

  async lease(
    key: string,
    value: unknown,
    ttlMs: number,
    { onlyIfFree = false }: LeaseOptions = {},
  ): Promise<Outcome<Lease>> {
    const written = await this.#store(key, value, onlyIfFree ? 0 : undefined, true);
    if (!written.ok) return written;
    let revision = written.value;
    let expiry = this.#expire(key, revision, ttlMs);
    return ok({
      key,
      renew: async (newValue) => {
        const renewed = await this.#store(key, newValue, revision, true);
        // Somebody else wrote the key, or it expired: the lease is lost either way.
        if (!renewed.ok && renewed.error.code === 'conflict') {
          return refuse('closed', `the lease ${key} was lost`);
        }
        if (!renewed.ok) return renewed;
        revision = renewed.value;
        this.#cancel(expiry);
        expiry = this.#expire(key, revision, ttlMs);
        return ok(undefined);
      },
      release: async () => {
        this.#cancel(expiry);
        await this.delete(key, revision);
      },
    });
  }

  #expire(key: string, revision: Revision, ttlMs: number): Timer {
    const timer = this.#options.clock.after(ttlMs, () => {
      this.#timers.delete(timer);
      void this.delete(key, revision);
    });
    this.#timers.add(timer);
    return timer;
  }

  #cancel(timer: Timer): void {
    timer.cancel();
    this.#timers.delete(timer);
  }

  #refusal(key: string, shape: RegExp): MediaError | undefined {
    if (this.#closed) return new MediaError('store-failed', 'the store is closed');
    if (shape.test(key) && key.length <= 512) return undefined;
    return new MediaError(
      'bad-request',
      `a key is words of [A-Za-z0-9_-] joined by '/', got ${JSON.stringify(key)}`,
    );
  }

  #failed(doing: string, error: unknown): MediaError {
    this.#options.log.error({ err: error }, `the store failed while ${doing}`);
    return new MediaError('store-failed', `the store failed while ${doing}`, { cause: error });
  }

  /** Commits what waits, then frees the files. Leases end with the process that holds them. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    await this.#flushing;
    this.#watchers.clear();
    this.#dropDeadLeases();
    await this.#root.close();
    await this.#unlock();
  }
}

function refuse(code: ErrorCode, message: string): Outcome<never> {
  return fail(new MediaError(code, message));
}

function revisionOf(text: string): Revision {
  return Number(text.slice(0, text.indexOf(' ')));
}

function parse(key: string, text: string): Entry {
  const space = text.indexOf(' ');
  const value: unknown = JSON.parse(text.slice(space + 1));
  return { key, value, revision: Number(text.slice(0, space)) };
}
