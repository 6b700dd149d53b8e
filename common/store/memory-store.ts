import type { Clock } from '../clock.ts';
import { type ErrorCode, MediaError } from '../errors.ts';
import type { Random } from '../ids.ts';
import { fail, ok, type Result } from '../result.ts';
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

const KEY = /^[A-Za-z0-9_-]+(?:\/[A-Za-z0-9_-]+)*$/;
const MAX_VALUE_BYTES = 900_000;

interface Stored {
  readonly json: string;
  readonly revision: Revision;
}

interface Watcher {
  readonly prefix: string;
  readonly onChange: (change: Change) => void;
}

type Outcome<T> = Result<T, MediaError>;

/**
 * The Store as a fake for tests: nothing is kept, nothing takes real time, so that virtual time
 * (sim-clock.ts) rules everything. It runs the same contract suite as the real ones.
 */
export class MemoryStore implements Store {
  readonly #clock: Clock;
  readonly #data = new Map<string, Stored>();
  readonly #watchers = new Set<Watcher>();
  readonly #random: Random | undefined;
  #revision = 0;

  /** With `random`, operations take a varying number of turns, so that a seed makes an interleaving. */
  constructor(clock: Clock, random?: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  async #turns(): Promise<void> {
    const turns = 1 + (this.#random?.below(6) ?? 0);
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    // Now and then everybody else goes first, also those whose timers fall due meanwhile.
    if (this.#random?.below(8) === 0) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
  }

  async get(key: string): Promise<Outcome<Entry | undefined>> {
    await this.#turns();
    if (!KEY.test(key)) return badKey(key);
    const stored = this.#data.get(key);
    return ok(stored === undefined ? undefined : entryOf(key, stored));
  }

  async list(prefix: string): Promise<Outcome<readonly Entry[]>> {
    await this.#turns();
    return ok(this.#entries(prefix));
  }

  async page(
    prefix: string,
    { limit, after, reverse = false }: PageOptions,
  ): Promise<Outcome<readonly Entry[]>> {
    await this.#turns();
    const inOrder = reverse ? this.#entries(prefix).toReversed() : this.#entries(prefix);
    const isPast = (key: string): boolean =>
      after === undefined || (reverse ? key < after : key > after);
    return ok(inOrder.filter(({ key }) => isPast(key)).slice(0, limit));
  }

  #entries(prefix: string): Entry[] {
    const entries: Entry[] = [];
    for (const [key, stored] of this.#data) {
      if (key.startsWith(prefix)) entries.push(entryOf(key, stored));
    }
    return entries.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  }

  put(key: string, value: unknown): Promise<Outcome<Revision>> {
    return this.#write(key, value, undefined);
  }

  compareAndSet(key: string, value: unknown, expected: Revision): Promise<Outcome<Revision>> {
    return this.#write(key, value, expected);
  }

  async #write(
    key: string,
    value: unknown,
    expected: Revision | undefined,
  ): Promise<Outcome<Revision>> {
    const json = JSON.stringify(value);
    await this.#turns();
    if (!KEY.test(key)) return badKey(key);
    if (json === undefined || json.length > MAX_VALUE_BYTES) {
      return refuse('bad-request', `the value of ${key} is no JSON or too large`);
    }
    if (!this.#isAt(key, expected)) return refuse('conflict', `${key} is not at ${expected}`);
    this.#revision += 1;
    const revision = this.#revision;
    this.#data.set(key, { json, revision });
    this.#tell({ kind: 'put', key, value: JSON.parse(json), revision });
    return ok(revision);
  }

  async delete(key: string, expected?: Revision): Promise<Outcome<void>> {
    await this.#turns();
    if (!KEY.test(key)) return badKey(key);
    if (!this.#isAt(key, expected)) return refuse('conflict', `${key} is not at ${expected}`);
    if (!this.#data.delete(key)) return ok(undefined);
    this.#revision += 1;
    this.#tell({ kind: 'delete', key, revision: this.#revision });
    return ok(undefined);
  }

  #isAt(key: string, expected: Revision | undefined): boolean {
    return expected === undefined || (this.#data.get(key)?.revision ?? 0) === expected;
  }

  async watch(prefix: string, onChange: (change: Change) => void): Promise<Watch> {
    await this.#turns();
    const watcher = { prefix, onChange };
    this.#watchers.add(watcher);
    for (const entry of this.#entries(prefix)) notify(watcher, { kind: 'put', ...entry });
    return {
      close: () => {
        this.#watchers.delete(watcher);
        return Promise.resolve();
      },
    };
  }

  #tell(change: Change): void {
    for (const watcher of this.#watchers) {
      if (change.key.startsWith(watcher.prefix)) notify(watcher, change);
    }
  }

  async lease(
    key: string,
    value: unknown,
    ttlMs: number,
    { onlyIfFree = false }: LeaseOptions = {},
  ): Promise<Outcome<Lease>> {
    const written = await (onlyIfFree ? this.compareAndSet(key, value, 0) : this.put(key, value));
    if (!written.ok) return written;
    let revision = written.value;
    const expire = (of: Revision) =>
      this.#clock.after(ttlMs, () => {
        void this.delete(key, of);
      });
    let expiry = expire(revision);
    return ok({
      key,
      renew: async (newValue) => {
        const renewed = await this.compareAndSet(key, newValue, revision);
        if (!renewed.ok) return refuse('closed', `the lease ${key} was lost`);
        revision = renewed.value;
        expiry.cancel();
        expiry = expire(revision);
        return ok(undefined);
      },
      release: async () => {
        expiry.cancel();
        await this.delete(key, revision);
      },
    });
  }

  close(): Promise<void> {
    this.#watchers.clear();
    return Promise.resolve();
  }
}

function notify(watcher: Watcher, change: Change): void {
  try {
    watcher.onChange(change);
  } catch {
    // As in the real ones: a watcher that throws does not stop the others. The test that cares looks at its own watcher.
  }
}

function entryOf(key: string, stored: Stored): Entry {
  return { key, value: JSON.parse(stored.json), revision: stored.revision };
}

function refuse(code: ErrorCode, message: string): Outcome<never> {
  return fail(new MediaError(code, message));
}

function badKey(key: string): Outcome<never> {
  return refuse('bad-request', `a key is words joined by '/', got ${JSON.stringify(key)}`);
}
