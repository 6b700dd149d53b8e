import type { Clock } from '../../common/clock.ts';
import type { MediaError } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import { ok, type Result } from '../../common/result.ts';
import type { Lease, Store } from '../../common/store/store.ts';

export interface KeptLeaseOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly key: string;
  readonly ttlMs: number;
  /** Asked at each renewal, so that the record says what is so now. */
  readonly value: () => unknown;
  /** While false the lease is given up, and taken again after: the role cannot do its work. */
  readonly able?: () => boolean;
}

export interface KeptLease {
  /** Renews now, to tell a changed value at once. */
  refresh(): Promise<void>;
  /** Idempotent. */
  release(): Promise<void>;
}

/**
 * A lease that is renewed four times within its time to live, and taken again when it was lost
 * (a stall of this process, a store that was away): the role is alive, so it says so.
 */
export async function keepLease(options: KeptLeaseOptions): Promise<Result<KeptLease, MediaError>> {
  const { store, clock, log, key, ttlMs, value } = options;
  const first = await store.lease(key, value(), ttlMs);
  if (!first.ok) return first;
  let lease: Lease = first.value;
  let unable = false;
  let released = false;
  let renewing: Promise<void> | undefined;

  const renew = async (): Promise<void> => {
    if (options.able?.() === false) {
      if (!unable) log.error({ key }, 'a lease is given up: this role cannot do its work');
      if (!unable) await lease.release();
      unable = true;
      return;
    }
    if (unable) {
      const taken = await store.lease(key, value(), ttlMs);
      if (!taken.ok) return;
      lease = taken.value;
      unable = false;
      log.info({ key }, 'a lease is taken again');
      return;
    }
    const renewed = await lease.renew(value());
    if (renewed.ok || released) return;
    log.warn({ key, errorCode: renewed.error.code }, 'a lease could not be renewed');
    if (renewed.error.code !== 'closed') return;
    const again = await store.lease(key, value(), ttlMs);
    if (again.ok) lease = again.value;
    if (again.ok && released) await lease.release();
  };
  const refresh = (): Promise<void> => {
    // One renewal at a time: two would fight over the revision.
    renewing ??= renew().finally(() => {
      renewing = undefined;
    });
    return renewing;
  };
  const timer = clock.every(ttlMs / 4, () => {
    if (!released) void refresh();
  });
  return ok({
    refresh,
    release: async () => {
      released = true;
      timer.cancel();
      await renewing;
      if (!unable) await lease.release();
    },
  });
}
