/** Departures of conferees and the end of conferences: everything is freed, whoever began it (R20, R28). */
import type { MediaError } from '../../common/errors.ts';
import type { AccountId, ConfereeId } from '../../common/ids.ts';
import type { Result } from '../../common/result.ts';
import { getAccount } from './accounts.ts';
import { announceTo } from './announcing.ts';
import type { ConferenceLog, DecisionContext } from './conference-log.ts';
import { announcePassage } from './conference-words.ts';
import { hangUpDials } from './dialling.ts';
import type { ConferenceEvent } from './events.ts';
import { releaseGuard } from './guards.ts';
import type { Management } from './management.ts';
import type { AccountRecord, VruCommand } from './messages.ts';
import { leaveBehind } from './moving.ts';
import { tellMutes } from './mutes.ts';
import { afterDeparture } from './policy.ts';
import { KEYS } from './records.ts';
import { returnToWaiting } from './returning.ts';
import type { Conferee } from './roster.ts';
import { passSerial, placeOrder } from './serials.ts';
import { keepTime } from './time-keeping.ts';

type Left = Extract<ConferenceEvent, { kind: 'left' }>['why'];
/** Departures after which the conference went on without noticing, if nobody looked. */
const UNWILLING: ReadonlySet<Left> = new Set(['lost', 'refused']);

const DEFAULT_POLICY = { hostLeaves: 'continue', graceMs: 0 } as const;

async function policyOf(
  management: Management,
  accountId: AccountId | undefined,
): Promise<Pick<AccountRecord, 'hostLeaves' | 'graceMs'>> {
  if (accountId === undefined) return DEFAULT_POLICY;
  const account = await getAccount(management.options.store, accountId);
  return (account.ok ? account.value : undefined) ?? DEFAULT_POLICY;
}

/** Takes a conferee out of the roster; undefined when it was not in it (any more). */
export async function depart(
  management: Management,
  log: ConferenceLog,
  find: { readonly confereeId: ConfereeId } | { readonly ordinal: number },
  why: Left,
  context: DecisionContext,
): Promise<Result<Conferee | undefined, MediaError>> {
  const current = await log.catchUp();
  if (!current.ok) return current;
  const policy = await policyOf(management, log.roster.accountId);
  let heir: number | undefined;
  const decided = await log.commit<Conferee | undefined>((roster, nowMs) => {
    heir = undefined;
    const leaving =
      'ordinal' in find ? roster.conferees.get(find.ordinal) : roster.ofId(find.confereeId);
    if (leaving === undefined || roster.ended !== undefined)
      return { events: [], result: undefined };
    const { ordinal, confereeId } = leaving;
    const departure: ConferenceEvent =
      why === 'deleted'
        ? { kind: 'deleted', ordinal, confereeId }
        : { kind: 'left', ordinal, confereeId, why };
    const consequences = afterDeparture(roster, leaving, policy, why === 'lost', nowMs);
    heir = consequences.find((event) => event.kind === 'role')?.ordinal;
    return { events: [departure, ...consequences], result: leaving };
  }, context);
  if (decided.ok && heir !== undefined) crown(management, log, heir);
  return decided;
}

/** The last host left, and the conference has another one by itself (R28). */
function crown(management: Management, log: ConferenceLog, ordinal: number): void {
  const heir = log.roster.conferees.get(ordinal);
  if (heir === undefined) return;
  const { confereeId } = heir;
  void management.background(`succession ${confereeId}`, async () => {
    // The mode may have muted it.
    await tellMutes(management, log);
    await announceTo(management, heir, `succession-${confereeId}`, {
      prompt: 'you-are-now-host',
      role: 'host',
      held: false,
    });
  });
}

/** A departure with all that follows: the mixer is told, the record says so, the end is carried out. */
export async function removeConferee(
  management: Management,
  log: ConferenceLog,
  confereeId: ConfereeId,
  why: Left,
  context: DecisionContext,
): Promise<Result<Conferee | undefined, MediaError>> {
  const left = await depart(management, log, { confereeId }, why, context);
  if (left.ok && left.value !== undefined) await afterwards(management, log, left.value, why);
  return left;
}

export async function afterwards(
  management: Management,
  log: ConferenceLog,
  left: Conferee,
  why: Left,
): Promise<void> {
  const mixerId = log.roster.created?.mixerId;
  // Who never was in it, and who only changes rooms, does not go out. Waited for, as the VRU forgets
  // the name when it hears that the departure is done.
  if (why !== 'refused' && why !== 'moved') await announcePassage(management, log, left, 'out');
  if (mixerId !== undefined) await management.mixers.remove(mixerId, log.id, left.confereeId);
  if (UNWILLING.has(why)) {
    const { ordinal } = left;
    management.options.log.warn({ conferenceId: log.id, ordinal, why }, 'a conferee was lost');
  }
  if (log.roster.ended !== undefined) {
    await finishEnding(management, log);
    return;
  }
  const recorded = await management.project(log);
  if (!recorded.ok) management.warn({ conferenceId: log.id }, recorded.error, 'not recorded');
  if (log.roster.endAtMs !== null && left.role === 'host') beginGrace(management, log);
}

/** Time for the server that decided it. */
const DECIDED_MS = 2_000;
/** Later the conference has another mixer, has ended, or the VRU has noticed. */
const OWED_MS = 600_000;

/**
 * A server that decided a departure may have died before the mixer or the VRU heard of it: a seat
 * nobody has, a caller who was deleted and goes on hearing everybody. Told here, once by each server;
 * nothing happens twice. `atOnce`: the one who asked for it asks again.
 */
export async function tellDepartures(
  management: Management,
  log: ConferenceLog,
  atOnce = false,
): Promise<void> {
  const { created, ended, departed } = log.roster;
  if (created === undefined || ended !== undefined) return;
  const nowMs = management.options.clock.wallMs();
  const told = management.departuresTold.get(log) ?? 0;
  const owed = departed.filter(({ number, atMs }) => {
    const ageMs = nowMs - atMs;
    return number > told && ageMs < OWED_MS && (atOnce || ageMs >= DECIDED_MS);
  });
  const last = owed.at(-1)?.number;
  if (last === undefined) return;
  const heard = await Promise.all(
    owed.map(async ({ conferee, deleted }) => {
      if (deleted) await withinPatience(management, release(management, log, conferee, 'deleted'));
      return management.mixers.remove(created.mixerId, log.id, conferee.confereeId);
    }),
  );
  const now = management.departuresTold.get(log) ?? 0;
  if (heard.every(Boolean)) management.departuresTold.set(log, Math.max(now, last));
}

/** Says what is coming, and sees to it that it comes. Another server would see to it as well. */
function beginGrace(management: Management, log: ConferenceLog): void {
  const { clock } = management.options;
  const { endAtMs, conferees } = log.roster;
  if (endAtMs === null) return;
  const seconds = Math.round((endAtMs - clock.wallMs()) / 1_000);
  for (const conferee of conferees.values()) {
    const { confereeId } = conferee;
    void management.background(`announce ${confereeId}`, async () => {
      const name = `grace-${confereeId}-${endAtMs}`;
      await announceTo(management, conferee, name, { prompt: 'host-has-left' });
      await announceTo(management, conferee, `${name}-left`, {
        prompt: 'conference-will-end-in',
        numbers: [seconds],
      });
    });
  }
  void management.background(`time ${log.id}`, () => keepTime(management, log));
}

/** Ends it now, for a reason of the caller's. True when this call ended it. */
export async function endConference(
  management: Management,
  log: ConferenceLog,
  event: Omit<Extract<ConferenceEvent, { kind: 'ended' }>, 'kind'>,
  context: DecisionContext,
): Promise<Result<boolean, MediaError>> {
  const decided = await log.commit((roster) => {
    if (roster.created === undefined || roster.ended !== undefined) {
      return { events: [], result: false };
    }
    return { events: [{ kind: 'ended', ...event }], result: true };
  }, context);
  if (decided.ok && log.roster.ended !== undefined) await finishEnding(management, log);
  return decided;
}

/**
 * Carries out an end that is in the log: who is left is told or returned to waiting, the mixer is
 * told, the records go, the guard last. May run several times and anywhere; each step is idempotent.
 */
export function finishEnding(management: Management, log: ConferenceLog): Promise<void> {
  if (management.finished.has(log)) return Promise.resolve();
  return management.background(`ending ${log.id}`, () => endNow(management, log));
}

async function endNow(management: Management, log: ConferenceLog): Promise<void> {
  const { store, clock } = management.options;
  const { created, ended, conferees } = log.roster;
  if (created === undefined || ended === undefined || management.finished.has(log)) return;
  const left = [...conferees.values()];
  if (!created.temporary) {
    const passed = await passSerial(store, created.accountId, created.serial ?? 0);
    if (!passed.ok) throw passed.error;
  }
  await leaveBehind(management, log);
  await withinPatience(management, hangUpDials(management, log));
  if (ended.others === 'wait') await returnToWaiting(management, log, left);
  if (ended.others === 'release') await releaseAll(management, log, left, releaseWord(ended.why));
  await management.mixers.end(created.mixerId, log.id);
  const kept = { version: 1, conferenceId: log.id, accountId: created.accountId };
  const written = await store.put(KEYS.ended(log.id), { ...kept, endedAtMs: clock.wallMs() });
  if (!written.ok) throw written.error;
  const gone = await store.delete(KEYS.conference(log.id));
  if (!gone.ok) throw gone.error;
  await releaseGuard(
    management,
    created.temporary ? 'mingle' : 'active',
    created.accountId,
    log.id,
  );
  management.finished.add(log);
}

type ReleaseWhy = Extract<VruCommand, { kind: 'release' }>['why'];

function releaseWord(why: string): ReleaseWhy {
  return why === 'host-left' || why === 'time-limit' ? why : 'ended';
}

async function releaseAll(
  management: Management,
  log: ConferenceLog,
  conferees: readonly Conferee[],
  why: ReleaseWhy,
): Promise<void> {
  const told = Promise.all(conferees.map((conferee) => release(management, log, conferee, why)));
  await withinPatience(management, told);
}

/** A VRU that is slow to obey must not keep the account from its next conference. */
const PATIENCE_MS = 2_000;

export async function withinPatience(
  management: Management,
  work: Promise<unknown>,
): Promise<void> {
  await Promise.race([work, management.options.clock.sleep(PATIENCE_MS)]);
}

/** The VRU speaks the reason, then hangs up. */
export async function release(
  management: Management,
  { roster }: ConferenceLog,
  conferee: Conferee,
  why: ReleaseWhy,
): Promise<void> {
  const { caller, confereeId } = conferee;
  await management.vrus.command(caller, {
    kind: 'release',
    requestId: `release-${confereeId}`,
    callId: caller.callId,
    why,
    leaves: confereeId,
    order: placeOrder(roster, conferee),
    accountId: roster.accountId,
  });
}
