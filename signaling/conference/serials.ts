/**
 * `serial/ACCOUNT` tells earlier conferences of an account from later ones, without clocks. It grows
 * when a conference proper begins and when it ends; a waiting room has the number that it finds:
 *
 *   room (n) ─▶ conference (n + 1) ─ended─▶ room (n + 2) ─▶ conference (n + 3)
 *
 * A room made while the conference is about to begin may find n + 1: it is still before it.
 */
import { MediaError } from '../../common/errors.ts';
import type { AccountId } from '../../common/ids.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { Store } from '../../common/store/store.ts';
import type { GuardKind } from './guards.ts';
import type { PlaceInConference } from './messages.ts';
import { KEYS, serialRecord } from './records.ts';
import type { Conferee, Roster } from './roster.ts';

const MAX_RACES = 100;

export function takeSerial(
  store: Store,
  kind: GuardKind,
  accountId: AccountId,
): Promise<Result<number, MediaError>> {
  return advance(store, accountId, (last) => (kind === 'active' ? last + 1 : last));
}

/** The conference proper with this number has ended: what comes now is later. */
export function passSerial(
  store: Store,
  accountId: AccountId,
  serial: number,
): Promise<Result<number, MediaError>> {
  return advance(store, accountId, (last) => Math.max(last, serial + 1));
}

async function advance(
  store: Store,
  accountId: AccountId,
  next: (last: number) => number,
): Promise<Result<number, MediaError>> {
  const key = KEYS.serial(accountId);
  for (let race = 0; race < MAX_RACES; race++) {
    const entry = await store.get(key);
    if (!entry.ok) return entry;
    const record = serialRecord.safeParse(entry.value?.value);
    const before = record.success ? record.data.last : 0;
    const last = next(before);
    if (last === before) return ok(last);
    const taken = await store.compareAndSet(key, { version: 1, last }, entry.value?.revision ?? 0);
    if (taken.ok) return ok(last);
    if (taken.error.code !== 'conflict') return taken;
  }
  return fail(new MediaError('conflict', `the serial of ${accountId} changes too quickly`));
}

/** Where in the order of places somebody waits: after all that was before, before all that comes. */
export async function waitingOrder(
  store: Store,
  accountId: AccountId,
): Promise<Result<PlaceInConference['order'], MediaError>> {
  const last = await takeSerial(store, 'mingle', accountId);
  return last.ok ? ok([last.value * 2, 0, 0]) : last;
}

/** Which of two places of a call is later (messages.ts `order`). */
export function placeOrder(roster: Roster, conferee: Conferee): PlaceInConference['order'] {
  if (roster.created === undefined) return undefined;
  const { serial = 0, temporary } = roster.created;
  return [serial * 2 + (temporary ? 0 : 1), conferee.ordinal, roster.mixerEpoch];
}
