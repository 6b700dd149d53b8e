/**
 * A new conference (E1, E24, E26, E28), step by step as the claims have it:
 *
 *   guard created ─▶ unique id ─▶ placement: a mixer of the class, told the id ─▶ event log begins with
 *   code, id and mixer ─▶ guard confirmed ─▶ record ─▶ only then is the VRU told (R4)
 *
 * A crash between any two steps leaves an intention that others remove, or a conference that others
 * find complete.
 */
import type { MediaError } from '../../common/errors.ts';
import { type ConferenceId, newConferenceId } from '../../common/ids.ts';
import { ok, type Result } from '../../common/result.ts';
import type { ConferenceLog } from './conference-log.ts';
import { finishEnding } from './ending.ts';
import type { ConferenceEvent } from './events.ts';
import { awaitIntention, findConference, type GuardKind, guardKey } from './guards.ts';
import { type Entrant, join, joinedEvent } from './joining.ts';
import type { Management } from './management.ts';
import type { PlacementReply, Refusal } from './messages.ts';
import type { Conferee } from './roster.ts';
import { takeSerial } from './serials.ts';
import { listWaiting } from './waiting-list.ts';

export type CreateOutcome =
  | { readonly kind: 'joined'; readonly log: ConferenceLog; readonly conferee: Conferee }
  | { readonly kind: 'refused'; readonly reason: Refusal }
  | { readonly kind: 'changed' };

/** Moved within the event document that creates; more follow one by one (moving.ts). */
const MOVED_AT_ONCE = 500;

export async function create(
  management: Management,
  kind: GuardKind,
  entrant: Entrant,
  code: string,
): Promise<Result<CreateOutcome, MediaError>> {
  const { store, clock, random, id } = management.options;
  const conferenceId = newConferenceId(random);
  const accountId = entrant.account.id;
  const key = guardKey(kind, accountId);
  const guard = { version: 1, conferenceId, createdAtMs: clock.wallMs(), by: id };
  const intended = await store.compareAndSet(key, { ...guard, established: false }, 0);
  if (!intended.ok) {
    return intended.error.code === 'conflict' ? ok({ kind: 'changed' }) : intended;
  }
  const placed = await management.mixers.place({
    conferenceId,
    accountId,
    mixerClass: entrant.account.mixerClass,
    avoid: [],
  });
  if (!placed.ok) {
    await store.delete(key, intended.value);
    return placed;
  }
  if (placed.value.kind === 'refused') {
    await store.delete(key, intended.value);
    return ok({ kind: 'refused', reason: placed.value.reason });
  }
  const begun = await begin(management, kind, entrant, code, conferenceId, placed.value);
  if (!begun.ok) return begun;
  const log = begun.value;
  const confirmed = await store.compareAndSet(key, { ...guard, established: true }, intended.value);
  // Somebody who met the finished log may have confirmed it already.
  const found = confirmed.ok ? undefined : await findConference(management, kind, accountId);
  const isOurs = found?.ok === true && found.value.kind === 'there' && found.value.log === log;
  if (!confirmed.ok && !isOurs) return abandon(management, log);
  const conferee = log.roster.ofCall(entrant.caller.callId);
  return ok(conferee === undefined ? { kind: 'changed' } : { kind: 'joined', log, conferee });
}

/** The first document of the log: created, who made it, and everybody who waited, in order of arrival. */
async function begin(
  management: Management,
  kind: GuardKind,
  entrant: Entrant,
  code: string,
  conferenceId: ConferenceId,
  mixer: Extract<PlacementReply, { kind: 'placed' }>,
): Promise<Result<ConferenceLog, MediaError>> {
  const { account } = entrant;
  const serial = await takeSerial(management.options.store, kind, account.id);
  if (!serial.ok) return serial;
  const waiting = kind === 'active' ? await whoWaits(management, entrant, conferenceId) : ok([]);
  if (!waiting.ok) return waiting;
  const log = await management.logOf(conferenceId);
  if (!log.ok) return log;
  const created: ConferenceEvent = {
    kind: 'created',
    accountId: account.id,
    code,
    mixerId: mixer.mixerId,
    mixerAddress: mixer.mixerAddress,
    mixerClass: account.mixerClass,
    serial: serial.value,
    temporary: kind === 'mingle',
  };
  const all = [entrant, ...waiting.value.slice(0, MOVED_AT_ONCE)];
  const joined = all.map((one, index) => joinedEvent(management, one, index + 1));
  const done = await log.value.commit((roster) =>
    roster.created === undefined
      ? { events: [created, ...joined], result: undefined }
      : { events: [], result: undefined },
  );
  return done.ok ? log : done;
}

/** Participants on hold, then those in the waiting room, which takes nobody more from now on. */
async function whoWaits(
  management: Management,
  host: Entrant,
  conferenceId: ConferenceId,
): Promise<Result<readonly Entrant[], MediaError>> {
  const { account } = host;
  const list = await listWaiting(management.options.store, account.id);
  if (!list.ok) return list;
  const onHold = list.value.map(({ record }): Entrant => {
    const { role, caller, requestId } = record;
    return { account, role, caller, requestId, from: 'waiting' };
  });
  const room = await findConference(management, 'mingle', account.id);
  if (!room.ok) return room;
  if (room.value.kind !== 'there') return ok(others(onHold, host));
  const members = await supersede(room.value.log, conferenceId);
  if (!members.ok) return members;
  const mingling = members.value.map((member): Entrant => {
    const { role, caller, requestId } = member;
    return { account, role, caller, requestId, from: 'mingle' };
  });
  return ok(others([...onHold, ...mingling], host));
}

/** Each call once, and not the one that comes in itself. */
function others(entrants: readonly Entrant[], host: Entrant): readonly Entrant[] {
  const seen = new Set([host.caller.callId]);
  return entrants.filter(({ caller }) => {
    if (seen.has(caller.callId)) return false;
    seen.add(caller.callId);
    return true;
  });
}

/** Closes a waiting room in favour of the conference proper; answers who is in it, by ordinal. */
export async function supersede(
  room: ConferenceLog,
  by: ConferenceId,
): Promise<Result<readonly Conferee[], MediaError>> {
  const done = await room.commit((roster) => {
    if (roster.ended !== undefined || roster.supersededBy === by) {
      return { events: [], result: undefined };
    }
    return { events: [{ kind: 'superseded', by }], result: undefined };
  });
  if (!done.ok) return done;
  return ok(room.roster.ended === undefined ? [...room.roster.conferees.values()] : []);
}

/** A waiting room whose conference proper came to nothing takes people again. */
async function reopen(room: ConferenceLog): Promise<Result<void, MediaError>> {
  return room.commit((roster) => {
    const closed = roster.ended === undefined && roster.supersededBy !== null;
    return { events: closed ? [{ kind: 'superseded', by: null }] : [], result: undefined };
  });
}

/** The guard was taken away while we were slow: nobody has been told of this conference, so it ends silently. */
async function abandon(
  management: Management,
  log: ConferenceLog,
): Promise<Result<CreateOutcome, MediaError>> {
  const ended = { kind: 'ended', why: 'not-established', others: 'nothing' } as const;
  const done = await log.commit((roster) => ({
    events: roster.ended === undefined ? [ended] : [],
    result: undefined,
  }));
  if (!done.ok) return done;
  await finishEnding(management, log);
  return ok({ kind: 'changed' });
}

const MINGLE_TRIES = 8;

/** Into the room where participants talk until the host comes (E26); the first one makes it. */
export async function enterMingle(
  management: Management,
  entrant: Entrant,
  code: string,
): Promise<Result<CreateOutcome, MediaError>> {
  for (let attempt = 0; attempt < MINGLE_TRIES; attempt++) {
    const found = await findConference(management, 'mingle', entrant.account.id);
    if (!found.ok) return found;
    const room = found.value;
    if (room.kind === 'none') {
      const made = await create(management, 'mingle', entrant, code);
      if (!made.ok || made.value.kind !== 'changed') return made;
      continue;
    }
    if (room.kind === 'intended') {
      const settled = await awaitIntention(management, 'mingle', entrant.account.id, room);
      if (!settled.ok) return settled;
      continue;
    }
    if (room.log.roster.ended !== undefined) {
      await finishEnding(management, room.log);
      continue;
    }
    const joined = await join(management, room.log, entrant);
    if (!joined.ok) return joined;
    if (joined.value.kind === 'joined') {
      return ok({ kind: 'joined', log: room.log, conferee: joined.value.conferee });
    }
    if (joined.value.kind === 'refused') return ok(joined.value);
    // Superseded: the host is there and the entry is decided anew, or the host came to nothing.
    const proper = await findConference(management, 'active', entrant.account.id);
    if (!proper.ok || proper.value.kind !== 'none') return ok({ kind: 'changed' });
    const again = await reopen(room.log);
    if (!again.ok) return again;
  }
  return ok({ kind: 'changed' });
}
