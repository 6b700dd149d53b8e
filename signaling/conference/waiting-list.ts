/** Participants on hold: `waiting/ACCOUNT/SEQ`, in order of arrival (R5, R9). */
import { MediaError } from '../../common/errors.ts';
import type { AccountId, CallId } from '../../common/ids.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { Store } from '../../common/store/store.ts';
import { KEYS, type WaitingRecord, waitingRecord } from './records.ts';

export interface WaitingEntry {
  readonly key: string;
  readonly revision: number;
  readonly record: WaitingRecord;
}

/** Far beyond what one account waits with; reaching it is a fault or an attack. */
const MAX_WAITING = 5_000;
const MAX_RACES = 1_000;

export async function listWaiting(
  store: Store,
  accountId: AccountId,
): Promise<Result<readonly WaitingEntry[], MediaError>> {
  const entries = await store.list(KEYS.waitingOf(accountId));
  if (!entries.ok) return entries;
  return ok(
    entries.value.flatMap(({ key, revision, value }) => {
      const record = waitingRecord.safeParse(value);
      return record.success ? [{ key, revision, record: record.data }] : [];
    }),
  );
}

/** At the end of the list. The same call has one entry, however often it is added. */
export async function addWaiting(
  store: Store,
  accountId: AccountId,
  wanted: Omit<WaitingRecord, 'seq' | 'version'>,
): Promise<Result<WaitingEntry, MediaError>> {
  for (let race = 0; race < MAX_RACES; race++) {
    const list = await listWaiting(store, accountId);
    if (!list.ok) return list;
    const there = list.value.find(({ record }) => record.caller.callId === wanted.caller.callId);
    if (there !== undefined) return ok(there);
    if (list.value.length >= MAX_WAITING) {
      return fail(new MediaError('overloaded', `${MAX_WAITING} callers are waiting`));
    }
    const seq = (list.value.at(-1)?.record.seq ?? 0) + 1;
    const key = KEYS.waiting(accountId, seq);
    const record: WaitingRecord = { version: 1, ...wanted, seq };
    const written = await store.compareAndSet(key, record, 0);
    if (written.ok) return ok({ key, revision: written.value, record });
    if (written.error.code !== 'conflict') return written;
  }
  return fail(new MediaError('conflict', 'the waiting list changes too quickly'));
}

/**
 * As addWaiting, for one who comes back. Its entry may still be there, with somebody about to remove it as
 * its call had been brought in: it gets another revision, so that it stays.
 */
export async function waitAgain(
  store: Store,
  accountId: AccountId,
  wanted: Omit<WaitingRecord, 'seq' | 'version'>,
): Promise<Result<WaitingEntry, MediaError>> {
  for (let race = 0; race < MAX_RACES; race++) {
    const added = await addWaiting(store, accountId, wanted);
    if (!added.ok || added.value.record.requestId === wanted.requestId) return added;
    const { key, revision } = added.value;
    // The VRU knows it by its old name, or is told this one.
    const record = { ...added.value.record, requestId: wanted.requestId };
    const written = await store.compareAndSet(key, record, revision);
    if (written.ok) return ok({ key, revision: written.value, record });
    if (written.error.code !== 'conflict') return written;
  }
  return fail(new MediaError('conflict', 'the waiting list changes too quickly'));
}

type Matches =
  | { readonly callId: CallId }
  /** Of the request that made it. */
  | { readonly requestId: string };

/** Every entry that is meant. True when there was one. */
export async function removeWaiting(
  store: Store,
  accountId: AccountId,
  matches: Matches,
): Promise<Result<boolean, MediaError>> {
  let removed = false;
  for (let race = 0; race < MAX_RACES; race++) {
    const list = await listWaiting(store, accountId);
    if (!list.ok) return list;
    let writtenAnew = false;
    for (const { key, revision, record } of list.value) {
      if (!isMeant(record, matches)) continue;
      const gone = await store.delete(key, revision);
      if (!gone.ok && gone.error.code !== 'conflict') return gone;
      if (gone.ok) removed = true;
      else writtenAnew = true;
    }
    if (!writtenAnew) return ok(removed);
  }
  return fail(new MediaError('conflict', 'the waiting list changes too quickly'));
}

function isMeant({ caller, requestId }: WaitingRecord, matches: Matches): boolean {
  if ('callId' in matches) return caller.callId === matches.callId;
  return requestId === matches.requestId;
}
