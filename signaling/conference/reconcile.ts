/**
 * Sets right what crashes have left behind and what nobody else would notice: lost VRUs and mixers,
 * conferences that ended half, moves that stopped midway, a grace time whose server died. Every
 * server does it, at its start and every few seconds; each step is a compareAndSet or idempotent.
 */
import type { AccountId, ConferenceId, NodeId } from '../../common/ids.ts';
import type { Entry } from '../../common/store/store.ts';
import type { ConferenceLog } from './conference-log.ts';
import { checkDials, checkPlaces } from './dialling.ts';
import { finishEnding, removeConferee, tellDepartures } from './ending.ts';
import { findConference, type GuardKind, guardKey, isVoid } from './guards.ts';
import { replaceMixer, reseatIfOwed } from './joining.ts';
import type { Management } from './management.ts';
import { moveAll } from './moving.ts';
import { tellMutes } from './mutes.ts';
import { nameRecord } from './recorded-names.ts';
import { conferenceRecord, endedRecord, KEYS, PREFIXES, waitingRecord } from './records.ts';
import { keepTime } from './time-keeping.ts';

/** The log of an ended conference is kept so long, for reports and late readers. */
const KEEP_LOG_MS = 3_600_000;
/** Documents deleted in one pass; the rest goes with the next. */
const DELETED_AT_ONCE = 2_000;

export async function reconcile(management: Management): Promise<void> {
  await checkConferences(management);
  for (const kind of ['active', 'mingle'] satisfies GuardKind[]) {
    await checkGuards(management, kind);
  }
  await checkWaiting(management);
  await checkPlaces(management);
  await dropOldLogs(management);
}

async function entries(management: Management, prefix: string): Promise<readonly Entry[]> {
  const listed = await management.options.store.list(prefix);
  if (!listed.ok) throw listed.error;
  return listed.value;
}

async function everyConference(
  management: Management,
  visit: (log: ConferenceLog) => Promise<void>,
): Promise<void> {
  for (const { key } of await entries(management, PREFIXES.conference)) {
    const log = await management.freshLog(key.slice(PREFIXES.conference.length) as ConferenceId);
    if (!log.ok) throw log.error;
    await visit(log.value);
  }
}

async function checkConferences(management: Management): Promise<void> {
  const { store } = management.options;
  await everyConference(management, async (log) => {
    const { roster } = log;
    if (roster.ended !== undefined) {
      await finishEnding(management, log);
      // A server that was slow may have written it once more.
      await store.delete(KEYS.conference(log.id));
      return;
    }
    if (roster.created === undefined) return;
    await removeLost(management, log, () => true);
    if (roster.ended !== undefined) return;
    const { accountId, mixerId } = roster.created;
    if (!(await management.living.mixer(mixerId))) {
      await replaceMixer(management, log, roster.mixerEpoch, accountId);
    }
    await checkDials(management, log);
    await reseatIfOwed(management, log);
    await tellMutes(management, log);
    await tellDepartures(management, log);
    await keepTime(management, log);
    if (roster.ended !== undefined) return;
    const recorded = await management.project(log);
    if (!recorded.ok) throw recorded.error;
  });
}

/** Takes out the conferees whose VRU is gone, or has been started anew since. */
async function removeLost(
  management: Management,
  log: ConferenceLog,
  concerns: (vruId: NodeId) => boolean,
): Promise<void> {
  for (const { caller, confereeId } of [...log.roster.conferees.values()]) {
    if (!concerns(caller.vruId) || (await management.living.vruOf(caller))) continue;
    const left = await removeConferee(management, log, confereeId, 'lost', {});
    if (!left.ok) throw left.error;
    if (log.roster.ended !== undefined) return;
  }
}

async function checkGuards(management: Management, kind: GuardKind): Promise<void> {
  const { store } = management.options;
  for (const { key } of await entries(management, PREFIXES[kind])) {
    const accountId = key.slice(PREFIXES[kind].length) as AccountId;
    const found = await findConference(management, kind, accountId);
    if (!found.ok) throw found.error;
    const { value } = found;
    if (value.kind === 'intended' && (await isVoid(management, value.guard))) {
      await store.delete(guardKey(kind, accountId), value.revision);
    }
    if (value.kind !== 'there') continue;
    if (value.log.roster.ended !== undefined) await finishEnding(management, value.log);
    else if (kind === 'mingle') await moveAll(management, accountId);
  }
}

async function checkWaiting(management: Management): Promise<void> {
  const { store } = management.options;
  const accounts = new Set<AccountId>();
  for (const { key, value } of await entries(management, PREFIXES.waiting)) {
    const record = waitingRecord.safeParse(value);
    const lost = record.success && !(await management.living.vruOf(record.data.caller));
    if (lost) await store.delete(key);
    else accounts.add(key.split('/')[1] as AccountId);
  }
  for (const accountId of accounts) await moveAll(management, accountId);
}

/**
 * A VRU forgets the names of its calls when they end; those of a VRU that died are forgotten here,
 * when that is noticed and at the start of a server. Not with every look: names are long.
 */
export async function dropLostNames(management: Management): Promise<void> {
  for (const { key, value } of await entries(management, PREFIXES.name)) {
    const record = nameRecord.safeParse(value);
    if (record.success && (await management.living.vruOf(record.data))) continue;
    await management.options.store.delete(key);
  }
}

async function dropOldLogs(management: Management): Promise<void> {
  const { store, clock } = management.options;
  let deleted = 0;
  for (const { key, value } of await entries(management, PREFIXES.ended)) {
    const record = endedRecord.safeParse(value);
    if (record.success && clock.wallMs() - record.data.endedAtMs < KEEP_LOG_MS) continue;
    const id = key.slice(PREFIXES.ended.length) as ConferenceId;
    management.forgetLog(id);
    // From the last to the first, so that what is left still begins at its beginning.
    for (const event of (await entries(management, KEYS.events(id))).toReversed()) {
      await store.delete(event.key);
      deleted += 1;
      if (deleted >= DELETED_AT_ONCE) return;
    }
    await store.delete(key);
  }
}

/** A lease ended. The watchers of all servers see it; the first one to act has the effect. */
export function onNodeLost(management: Management, kind: 'mixer' | 'vru', id: NodeId): void {
  void management.background(`lost-${kind} ${id}`, async () => {
    await settleDown(management, kind);
    if (kind === 'mixer') await replaceLostMixer(management, id);
    else await removeLostVru(management, id);
  });
}

/**
 * Not all servers at the same moment. A VRU that only stalled takes its lease again within a second
 * (kept-lease.ts); a mixer's conferences are silent, so they do not wait that long.
 */
async function settleDown(management: Management, kind: 'mixer' | 'vru'): Promise<void> {
  const { clock, random } = management.options;
  await clock.sleep(kind === 'vru' ? 1_500 + random.below(500) : random.below(100));
}

async function replaceLostMixer(management: Management, id: NodeId): Promise<void> {
  if (await management.living.mixer(id)) return;
  for (const { value } of await entries(management, PREFIXES.conference)) {
    const record = conferenceRecord.safeParse(value);
    if (!record.success || record.data.mixerId !== id) continue;
    const log = await management.freshLog(record.data.conferenceId);
    if (!log.ok) throw log.error;
    const { roster } = log.value;
    if (roster.created?.mixerId !== id || roster.ended !== undefined) continue;
    await replaceMixer(management, log.value, roster.mixerEpoch, roster.created.accountId);
  }
}

async function removeLostVru(management: Management, id: NodeId): Promise<void> {
  await everyConference(management, (log) =>
    log.roster.ended === undefined
      ? removeLost(management, log, (vruId) => vruId === id)
      : Promise.resolve(),
  );
  await checkWaiting(management);
  await dropLostNames(management);
}
