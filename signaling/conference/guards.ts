/**
 * `active/ACCOUNT` and `mingle/ACCOUNT`: whoever creates the key creates the conference. The key is
 * written first as an intention, and again once the log has begun; an intention whose server died
 * is void and removed by whoever meets it.
 */
import { MediaError } from '../../common/errors.ts';
import type { AccountId, ConferenceId } from '../../common/ids.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { ConferenceLog } from './conference-log.ts';
import type { Management } from './management.ts';
import { type GuardRecord, guardRecord, KEYS } from './records.ts';

export type GuardKind = 'active' | 'mingle';

export const guardKey = (kind: GuardKind, id: AccountId): string => KEYS[kind](id);

export type Found =
  | { readonly kind: 'none' }
  /** Somebody is about to create it. */
  | { readonly kind: 'intended'; readonly guard: GuardRecord; readonly revision: number }
  | { readonly kind: 'there'; readonly log: ConferenceLog };

export async function findConference(
  management: Management,
  kind: GuardKind,
  accountId: AccountId,
): Promise<Result<Found, MediaError>> {
  const { store } = management.options;
  const key = guardKey(kind, accountId);
  const entry = await store.get(key);
  if (!entry.ok) return entry;
  if (entry.value === undefined) return ok({ kind: 'none' });
  const guard = guardRecord.safeParse(entry.value.value);
  if (!guard.success) return fail(new MediaError('internal', `unreadable guard ${key}`));
  const log = await management.freshLog(guard.data.conferenceId);
  if (!log.ok) return log;
  const { revision } = entry.value;
  if (log.value.roster.created === undefined) {
    return ok({ kind: 'intended', guard: guard.data, revision });
  }
  // Begun, but its server died before it said so: said here.
  if (!guard.data.established) {
    await store.compareAndSet(key, { ...guard.data, established: true }, revision);
  }
  return ok({ kind: 'there', log: log.value });
}

/** Longer than a placement may take. */
const INTENTION_MS = 8_000;
const LOOK_AGAIN_MS = 20;
/** Given up one after another, before we give up. */
const MAX_INTENTIONS = 50;

/** Waits until an intended conference is there or given up; removes the intention of a dead server. */
export async function awaitIntention(
  management: Management,
  kind: GuardKind,
  accountId: AccountId,
  found: Extract<Found, { kind: 'intended' }>,
): Promise<Result<void, MediaError>> {
  const { clock, store } = management.options;
  const { conferenceId } = found.guard;
  for (;;) {
    await clock.sleep(LOOK_AGAIN_MS);
    const now = await findConference(management, kind, accountId);
    if (!now.ok) return now;
    const same = now.value.kind === 'intended' && now.value.guard.conferenceId === conferenceId;
    if (!same) return ok(undefined);
    if (await isVoid(management, found.guard)) {
      await store.delete(guardKey(kind, accountId), found.revision);
      return ok(undefined);
    }
  }
}

/**
 * The conference that the guard stands for, once it is known whether there is one: an intended one may
 * have counted a caller in who has left since. Undefined: there is none.
 */
export async function settledConference(
  management: Management,
  kind: GuardKind,
  accountId: AccountId,
): Promise<Result<ConferenceLog | undefined, MediaError>> {
  for (let intention = 0; intention < MAX_INTENTIONS; intention++) {
    const found = await findConference(management, kind, accountId);
    if (!found.ok) return found;
    if (found.value.kind === 'there') return ok(found.value.log);
    if (found.value.kind === 'none') return ok(undefined);
    const settled = await awaitIntention(management, kind, accountId, found.value);
    if (!settled.ok) return settled;
  }
  return fail(new MediaError('conflict', `the conference of ${accountId} changes too quickly`));
}

/** The server that wanted to create it is gone, or has needed too long. */
export async function isVoid(management: Management, guard: GuardRecord): Promise<boolean> {
  const { clock, store, id } = management.options;
  if (clock.wallMs() - guard.createdAtMs > INTENTION_MS) return true;
  if (guard.by === id) return false;
  const server = await store.get(KEYS.interfaceServer(guard.by));
  return server.ok && server.value === undefined;
}

/** Frees the account for its next conference, if the guard is still of this one. */
export async function releaseGuard(
  management: Management,
  kind: GuardKind,
  accountId: AccountId,
  conferenceId: ConferenceId,
): Promise<void> {
  const { store } = management.options;
  const key = guardKey(kind, accountId);
  const entry = await store.get(key);
  if (!entry.ok) throw entry.error;
  const guard = guardRecord.safeParse(entry.value?.value);
  if (entry.value === undefined) return;
  if (!guard.success || guard.data.conferenceId !== conferenceId) return;
  const gone = await store.delete(key, entry.value.revision);
  if (!gone.ok && gone.error.code !== 'conflict') throw gone.error;
}
