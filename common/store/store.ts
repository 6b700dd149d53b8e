import type { MediaError } from '../errors.ts';
import type { Result } from '../result.ts';

/** Changes with every write of a key; 0 means "the key does not exist". */
export type Revision = number;

export interface Entry {
  readonly key: string;
  readonly value: unknown;
  readonly revision: Revision;
}

export type Change =
  | {
      readonly kind: 'put';
      readonly key: string;
      readonly value: unknown;
      readonly revision: Revision;
    }
  | { readonly kind: 'delete'; readonly key: string; readonly revision: Revision };

export interface PageOptions {
  /** At most so many entries. */
  readonly limit: number;
  /** The whole key of the last entry of the page before, which need not exist any more. */
  readonly after?: string | undefined;
  /** Against key order: the last one first. */
  readonly reverse?: boolean | undefined;
}

export interface Watch {
  close(): Promise<void>;
}

export interface LeaseOptions {
  /** Error `conflict` while anybody has the key; without it the newest holder has it. */
  readonly onlyIfFree?: boolean;
}

/** A key that disappears for everybody unless it is renewed in time. */
export interface Lease {
  readonly key: string;
  /** Writes a new value and starts the time to live again. Error `closed` when the lease was lost. */
  renew(value: unknown): Promise<Result<void, MediaError>>;
  /** Deletes the key now. Idempotent. */
  release(): Promise<void>;
}

/**
 * The data store: small documents under slash paths (`conference/c123`), embedded (lmdb-store.ts)
 * or shared by machines (nats-store.ts). A write that was answered survives `kill -9` of the process.
 * Values are JSON. Keys are words of [A-Za-z0-9_-] joined by `/`.
 * Errors: `store-failed` (try again), `conflict` (compareAndSet lost the race).
 */
export interface Store {
  get(key: string): Promise<Result<Entry | undefined, MediaError>>;
  put(key: string, value: unknown): Promise<Result<Revision, MediaError>>;
  /** Writes only if the key is still at `expected` (0: only if absent). */
  compareAndSet(
    key: string,
    value: unknown,
    expected: Revision,
  ): Promise<Result<Revision, MediaError>>;
  /** With `expected`, only if the key is still at that revision. Deleting an absent key is fine. */
  delete(key: string, expected?: Revision): Promise<Result<void, MediaError>>;
  /** Every entry whose key starts with `prefix`, in key order. */
  list(prefix: string): Promise<Result<readonly Entry[], MediaError>>;
  /** A part of a list that may be long; `list` is for what is known to be short. `prefix` ends in `/`. */
  page(prefix: string, options: PageOptions): Promise<Result<readonly Entry[], MediaError>>;
  /** First every present entry as `put`, then every change, each exactly once and in order per key. */
  watch(prefix: string, onChange: (change: Change) => void): Promise<Watch>;
  lease(
    key: string,
    value: unknown,
    ttlMs: number,
    options?: LeaseOptions,
  ): Promise<Result<Lease, MediaError>>;
  close(): Promise<void>;
}
