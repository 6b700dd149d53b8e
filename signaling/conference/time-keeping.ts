/**
 * Conferences that end at a time: the grace after the last host left (R28), the account's greatest
 * length. Conferees are warned, each mark once, whichever server is alive then. May be called at any
 * time and by any server: what is due is decided on the log.
 */
import { getAccount } from './accounts.ts';
import { announceTo } from './announcing.ts';
import type { ConferenceLog, Decision } from './conference-log.ts';
import { finishEnding } from './ending.ts';
import type { ConferenceEvent } from './events.ts';
import type { Management } from './management.ts';
import type { Roster } from './roster.ts';

/** How long before the end conferees are told. */
const MARKS_MS = [300_000, 60_000, 10_000] as const;
/** A mark that is met later than this is not said: the next one is nearer to the truth. */
const LATE_MS = 3_000;
/** Beyond the period of reconciliation, which looks again by itself. */
const LOOK_AHEAD_MS = 7_000;
/** A conference that only begins to count down has been told by whoever began it. */
const FRESH_MS = 2_000;

interface End {
  readonly atMs: number;
  readonly why: 'host-left' | 'time-limit';
}

type Due = 'ended' | { readonly leftMs: number; readonly endAtMs: number } | undefined;

export async function keepTime(management: Management, log: ConferenceLog): Promise<void> {
  const { clock, store } = management.options;
  const { accountId } = log.roster;
  if (accountId === undefined || log.roster.ended !== undefined) return;
  const account = await getAccount(store, accountId);
  const maxDurationMs = account.ok ? account.value?.maxDurationMs : undefined;
  const decided = await log.commit((roster, nowMs): Decision<Due> => {
    const end = endOf(roster, maxDurationMs);
    if (end === undefined || roster.ended !== undefined) return { events: [], result: undefined };
    if (end.atMs <= nowMs) {
      const ended: ConferenceEvent = { kind: 'ended', why: end.why, others: 'release' };
      return { events: [ended], result: 'ended' };
    }
    const leftMs = markDue(roster, end, nowMs);
    if (leftMs === undefined) return { events: [], result: undefined };
    const warned = { endAtMs: end.atMs, leftMs };
    return { events: [{ kind: 'warned', ...warned }], result: warned };
  });
  if (!decided.ok) throw decided.error;
  if (log.roster.ended !== undefined) return finishEnding(management, log);
  if (decided.value !== undefined && decided.value !== 'ended')
    warn(management, log, decided.value);
  const nextMs = nextMoment(endOf(log.roster, maxDurationMs), clock.wallMs());
  if (nextMs === undefined || nextMs > LOOK_AHEAD_MS) return;
  clock.after(nextMs, () => {
    void management.background(`time ${log.id}`, () => keepTime(management, log));
  });
}

/** The earlier of the two. */
function endOf(roster: Roster, maxDurationMs: number | undefined): End | undefined {
  const ends: End[] = [];
  if (roster.endAtMs !== null) ends.push({ atMs: roster.endAtMs, why: 'host-left' });
  // A waiting room is no conference yet.
  if (maxDurationMs !== undefined && roster.created?.temporary === false) {
    ends.push({ atMs: roster.createdAtMs + maxDurationMs, why: 'time-limit' });
  }
  return ends.toSorted((a, b) => a.atMs - b.atMs)[0];
}

function markDue(roster: Roster, end: End, nowMs: number): number | undefined {
  const leftMs = end.atMs - nowMs;
  const mark = MARKS_MS.findLast((one) => leftMs <= one);
  if (mark === undefined || mark - leftMs > LATE_MS) return undefined;
  const { warned } = roster;
  const said = warned?.endAtMs === end.atMs && warned.leftMs <= mark;
  const begun = nowMs - roster.createdAtMs < FRESH_MS;
  return said || begun ? undefined : mark;
}

/** How long until something is due again. */
function nextMoment(end: End | undefined, nowMs: number): number | undefined {
  if (end === undefined) return undefined;
  const moments = [0, ...MARKS_MS].map((mark) => end.atMs - mark - nowMs);
  return Math.min(...moments.filter((ms) => ms > 0));
}

function warn(
  management: Management,
  log: ConferenceLog,
  { leftMs, endAtMs }: { readonly leftMs: number; readonly endAtMs: number },
): void {
  management.options.log.info({ conferenceId: log.id, leftMs }, 'a conference is about to end');
  for (const conferee of log.roster.conferees.values()) {
    const name = `time-${conferee.confereeId}-${endAtMs}-${leftMs}`;
    void management.background(`announce ${conferee.confereeId}`, () =>
      announceTo(management, conferee, name, {
        prompt: 'conference-will-end-in',
        numbers: [leftMs / 1_000],
      }),
    );
  }
}
