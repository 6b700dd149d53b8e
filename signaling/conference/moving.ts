/**
 * From waiting into the conference proper (R5, R9, R10), in order of arrival. The places are decided
 * with the conference itself (creating.ts); here each caller is brought over, make before break. May
 * be begun again at any time and by any server: what was done is found done.
 */
import type { AccountId } from '../../common/ids.ts';
import { getAccount } from './accounts.ts';
import type { ConferenceLog } from './conference-log.ts';
import { supersede } from './creating.ts';
import { finishEnding } from './ending.ts';
import type { ConferenceEvent } from './events.ts';
import { findConference } from './guards.ts';
import { type Entrant, join, seat, sendPlace } from './joining.ts';
import type { Management } from './management.ts';
import type { AccountRecord } from './messages.ts';
import type { Conferee, Roster } from './roster.ts';
import { listWaiting } from './waiting-list.ts';

/** Moves under way at once; each is one INVITE of a VRU to the mixer. */
const AT_ONCE = 64;

export function moveAll(management: Management, accountId: AccountId): Promise<void> {
  return management.background(`moving ${accountId}`, async () => {
    const proper = await findConference(management, 'active', accountId);
    if (!proper.ok) throw proper.error;
    if (proper.value.kind !== 'there' || proper.value.log.roster.ended !== undefined) return;
    const account = await getAccount(management.options.store, accountId);
    if (!account.ok) throw account.error;
    if (account.value === undefined) return;
    await moveWaiting(management, proper.value.log, account.value);
    await moveRoom(management, proper.value.log, account.value);
  });
}

async function moveWaiting(
  management: Management,
  proper: ConferenceLog,
  account: AccountRecord,
): Promise<void> {
  const { store } = management.options;
  const list = await listWaiting(store, account.id);
  if (!list.ok) throw list.error;
  await inOrder(list.value, async ({ key, revision, record }) => {
    const { role, caller, requestId } = record;
    const forget = async (): Promise<void> => {
      const gone = await store.delete(key, revision);
      // Written anew: the conference has ended, and the caller waits for the next one.
      if (!gone.ok && gone.error.code !== 'conflict') throw gone.error;
    };
    return bring(management, proper, { account, role, caller, requestId, from: 'waiting' }, forget);
  });
}

async function moveRoom(
  management: Management,
  proper: ConferenceLog,
  account: AccountRecord,
): Promise<void> {
  const found = await findConference(management, 'mingle', account.id);
  if (!found.ok) throw found.error;
  if (found.value.kind !== 'there') return;
  const room = found.value.log;
  if (room.roster.ended !== undefined) return finishEnding(management, room);
  const members = await supersede(room, proper.id);
  if (!members.ok) throw members.error;
  await inOrder(members.value, async (member) => {
    const { role, caller, requestId } = member;
    const moved = () => noteMoved(management, room, member, proper);
    return bring(management, proper, { account, role, caller, requestId, from: 'mingle' }, moved);
  });
  await endRoom(management, room, proper);
}

function isLeaving(roster: Roster, proper: ConferenceLog): boolean {
  return roster.ended === undefined && roster.supersededBy === proper.id;
}

/** Members that one event document takes out of a room. */
const LEFT_AT_ONCE = 500;

/**
 * A conference has ended before everybody had come over. Who was counted in by it does not wait any more,
 * on hold or in the room: what follows from the end concerns them as well, and the next conference must not
 * count them in. Of one that came to nothing nobody has heard.
 */
export async function leaveBehind(management: Management, proper: ConferenceLog): Promise<void> {
  const { created, ended } = proper.roster;
  if (created === undefined || created.temporary || ended?.why === 'not-established') return;
  await leaveHold(management, proper, created.accountId);
  await leaveRoom(management, proper, created.accountId);
}

async function leaveHold(
  { options: { store } }: Management,
  { roster }: ConferenceLog,
  accountId: AccountId,
): Promise<void> {
  const list = await listWaiting(store, accountId);
  if (!list.ok) throw list.error;
  for (const { key, revision, record } of list.value) {
    const { requestId, caller } = record;
    // Who is about to wait again keeps its entry (returning.ts).
    const returns = roster.ended?.others === 'wait' && roster.ofCall(caller.callId) !== undefined;
    if (returns || !roster.knows(requestId)) continue;
    const gone = await store.delete(key, revision);
    if (!gone.ok && gone.error.code !== 'conflict') throw gone.error;
  }
}

async function leaveRoom(
  management: Management,
  proper: ConferenceLog,
  accountId: AccountId,
): Promise<void> {
  const found = await findConference(management, 'mingle', accountId);
  if (!found.ok) throw found.error;
  if (found.value.kind !== 'there') return;
  const room = found.value.log;
  for (;;) {
    const left = await room.commit((roster) => {
      const members = isLeaving(roster, proper) ? [...roster.conferees.values()] : [];
      const over = members
        .filter(({ requestId }) => proper.roster.knows(requestId))
        .slice(0, LEFT_AT_ONCE);
      const events = over.map(({ ordinal, confereeId }): ConferenceEvent => {
        return { kind: 'moved', ordinal, confereeId, to: proper.id };
      });
      return { events, result: over };
    });
    if (!left.ok) throw left.error;
    if (left.value.length === 0) break;
    const mixerId = room.roster.created?.mixerId;
    if (mixerId === undefined) break;
    const told = left.value.map((one) =>
      management.mixers.remove(mixerId, room.id, one.confereeId),
    );
    await Promise.all(told);
  }
  await endRoom(management, room, proper);
}

/** Only when it is empty, and still on the way to that conference: it may have been opened again. */
async function endRoom(
  management: Management,
  room: ConferenceLog,
  proper: ConferenceLog,
): Promise<void> {
  const event = { kind: 'ended', why: 'superseded', others: 'nothing' } as const;
  const done = await room.commit((roster) => {
    const ends = isLeaving(roster, proper) && roster.size === 0;
    return { events: ends ? [event] : [], result: undefined };
  });
  if (!done.ok) throw done.error;
  if (room.roster.ended !== undefined) await finishEnding(management, room);
}

async function noteMoved(
  management: Management,
  room: ConferenceLog,
  member: Conferee,
  proper: ConferenceLog,
): Promise<void> {
  const { ordinal, confereeId } = member;
  const done = await room.commit((roster) => {
    // Opened again, or on the way to the next conference, it has its members itself.
    const there = roster.conferees.has(ordinal) && isLeaving(roster, proper);
    const event = { kind: 'moved', ordinal, confereeId, to: proper.id } as const;
    return { events: there ? [event] : [], result: there };
  });
  if (!done.ok) throw done.error;
  const mixerId = room.roster.created?.mixerId;
  if (done.value && mixerId !== undefined) {
    await management.mixers.remove(mixerId, room.id, confereeId);
  }
}

/**
 * One caller's place and seat, in turn; the answer is the rest of the move, which may overlap with
 * that of the next ones.
 */
async function bring(
  management: Management,
  proper: ConferenceLog,
  entrant: Entrant,
  afterwards: () => Promise<void>,
): Promise<() => Promise<void>> {
  const joined = await join(management, proper, entrant);
  if (!joined.ok) throw joined.error;
  // Left already, or the conference ended: nothing to bring, only the record goes.
  if (joined.value.kind === 'changed') return () => Promise.resolve();
  if (joined.value.kind === 'refused') return afterwards;
  const { conferee } = joined.value;
  const refused = await seat(management, proper, conferee);
  // Goes on waiting, with its place kept, and is tried again: the mixer may have room later.
  if (refused !== undefined) return () => Promise.resolve();
  return async () => {
    await sendPlace(management, proper, conferee);
    await afterwards();
  };
}

/** `begin` runs one after another, what it returns runs beside up to AT_ONCE others. */
async function inOrder<T>(
  items: readonly T[],
  begin: (item: T) => Promise<() => Promise<void>>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  for (const item of items) {
    const rest = await begin(item);
    const run: Promise<void> = rest().finally(() => running.delete(run));
    running.add(run);
    if (running.size >= AT_ONCE) await Promise.race(running);
  }
  await Promise.all(running);
}
