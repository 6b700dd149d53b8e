/**
 * Calls that we make for a conference (R26): who may be called, at whose cost, by which VRU, and how it goes.
 * The log of the conference says it all, so any server goes on where another stopped; the VRU makes
 * the call and reports. A call counts against its limits (dial-ledger.ts) from before it is made until it is over.
 *
 *   queued ─▶ dialling ─▶ ringing ─▶ answered ─▶ joined ─▶ one of DIAL_ENDS (from anywhere)
 */
import { MediaError } from '../../common/errors.ts';
import type { CallId } from '../../common/ids.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import { type DialPlan, maskNumber, type PlanRefusal, trunksFor } from '../trunk/dial-plan.ts';
import { getAccount } from './accounts.ts';
import type { ConferenceLog, DecisionContext } from './conference-log.ts';
import type { Holder, LimitName } from './dial-ledger.ts';
import type { AccountOutdial, DialEnd, DialOrder, DialRefusal } from './dial-messages.ts';
import type { ConferenceEvent } from './events.ts';
import type { Management } from './management.ts';
import type { AccountRecord } from './messages.ts';
import { PREFIXES, vruRecord } from './records.ts';
import type { Dial, Roster } from './roster.ts';

/** The rules of calling out, as configured; absent: nobody can. */
export interface OutdialRules {
  readonly plan: DialPlan;
  readonly ringTimeoutMs: number;
  readonly maxDurationMs: number;
  readonly listConcurrency: number;
}

export interface Wanted {
  readonly dialId: CallId;
  readonly number: string;
  readonly name?: string | undefined;
  readonly confirm: boolean;
  /** The host's VRU calls by itself. */
  readonly vru?: Holder | undefined;
}

type DialEvent = Extract<ConferenceEvent, { kind: 'dial' }>;
export type Started =
  | { readonly kind: 'started'; readonly order: DialOrder; readonly holder: Holder }
  | { readonly kind: 'refused'; readonly reason: DialRefusal; readonly limit?: LimitName }
  /** Another server was quicker, or nobody wants the call any more. */
  | { readonly kind: 'changed' };

const PLAN_REFUSALS: Readonly<Record<PlanRefusal, DialRefusal>> = {
  off: 'not-available',
  'bad-number': 'bad-number',
  prefix: 'not-allowed',
};

/** What the account may do, or why nothing. */
export async function permission(
  management: Management,
  roster: Roster,
): Promise<
  Result<
    | { readonly account: AccountRecord; readonly outdial: AccountOutdial }
    | { readonly account?: undefined },
    MediaError
  >
> {
  const { accountId, created } = roster;
  if (accountId === undefined || management.options.outdial === undefined) return ok({});
  // People who only wait for the host have nobody to answer for the cost.
  if (created?.temporary === true) return ok({});
  const account = await getAccount(management.options.store, accountId);
  if (!account.ok) return account;
  const outdial = account.value?.outdial;
  return ok(account.value === undefined || !outdial ? {} : { account: account.value, outdial });
}

/** Room for the calls that are under way too, so that nobody is called in vain. */
function isFull({ maxConferees }: AccountRecord, roster: Roster): boolean {
  if (maxConferees === undefined) return false;
  const coming = [...roster.dials.values()].filter(({ state }) => COMING.has(state)).length;
  return roster.size + coming >= maxConferees;
}

const COMING: ReadonlySet<string> = new Set(['dialling', 'ringing', 'answered']);

/** Everything up to the order: plan, limits, VRU, and the event that says so. Nothing is on the wire yet. */
export async function startDial(
  management: Management,
  log: ConferenceLog,
  wanted: Wanted,
  context: DecisionContext,
): Promise<Result<Started, MediaError>> {
  const rules = management.options.outdial;
  const allowed = await permission(management, log.roster);
  if (!allowed.ok) return allowed;
  if (rules === undefined || allowed.value.account === undefined) {
    return ok({ kind: 'refused', reason: 'not-available' });
  }
  const { account, outdial } = allowed.value;
  const way = trunksFor(rules.plan, wanted.number, outdial.prefixes);
  if (!way.ok) return ok({ kind: 'refused', reason: PLAN_REFUSALS[way.error] });
  if (isFull(account, log.roster)) return ok({ kind: 'refused', reason: 'conference-full' });
  const { number, trunks } = way.value;
  const untilMs =
    management.options.clock.wallMs() + rules.ringTimeoutMs + rules.maxDurationMs + GRACE_MS;
  let refusal: Extract<Started, { kind: 'refused' }> = { kind: 'refused', reason: 'no-vru' };
  for (const trunk of trunks) {
    const holder = await chooseVru(management, trunk.name, wanted.vru);
    if (!holder.ok) return holder;
    if (holder.value === undefined) continue;
    const of = { accountId: account.id, conferenceId: log.id };
    const place = { ...wanted, ...of, trunk: trunk.name, holder: holder.value };
    const reserved = await management.ledger.reserve(
      { ...place, untilMs },
      { account: outdial, trunk },
    );
    if (!reserved.ok) return reserved;
    if (reserved.value === undefined) {
      const event: DialEvent = {
        ...{ kind: 'dial', dialId: wanted.dialId, state: 'dialling', number, trunk: trunk.name },
        ...{ confirm: wanted.confirm, consult: wanted.vru !== undefined, ...holder.value },
        ...(wanted.name === undefined ? {} : { name: wanted.name }),
      };
      return await begin(management, log, event, { account, outdial, rules }, context);
    }
    refusal = { kind: 'refused', reason: 'limit', limit: reserved.value };
    // Another trunk has limits of its own, but not another account.
    if (reserved.value.startsWith('account')) break;
  }
  return ok(refusal);
}

/** Beyond ringing and talking: answers on their way, a spoken goodbye. */
export const GRACE_MS = 120_000;

interface Terms {
  readonly account: AccountRecord;
  readonly outdial: AccountOutdial;
  readonly rules: OutdialRules;
}

async function begin(
  management: Management,
  log: ConferenceLog,
  event: DialEvent,
  { account, outdial, rules }: Terms,
  context: DecisionContext,
): Promise<Result<Started, MediaError>> {
  const { dialId, trunk = '', number = '', vruId, vruStart } = event;
  const decided = await log.commit((roster) => {
    const before = roster.dials.get(dialId);
    const free = before === undefined || before.state === 'queued';
    const begins = free && roster.created !== undefined && roster.ended === undefined;
    return { events: begins ? [event] : [], result: begins };
  }, context);
  // Who was quicker has the place now, which has the same name.
  const mine = decided.ok && decided.value;
  if (!mine && (log.roster.ended !== undefined || !decided.ok)) {
    await management.ledger.release({ dialId, accountId: account.id, trunk });
  }
  if (!decided.ok) return decided;
  if (!decided.value || vruId === undefined || vruStart === undefined) {
    return ok({ kind: 'changed' });
  }
  management.options.log.info(
    { conferenceId: log.id, dialId, trunk, number: maskNumber(number), vruId },
    'calling out',
  );
  const dial = log.roster.dials.get(dialId);
  const order = dial && orderOf(log, dial, account, outdial, rules);
  if (order === undefined) return ok({ kind: 'changed' });
  return ok({ kind: 'started', order, holder: { vruId, vruStart } });
}

export function orderOf(
  log: ConferenceLog,
  dial: Dial,
  account: AccountRecord,
  outdial: AccountOutdial,
  rules: OutdialRules,
): DialOrder {
  const { dialId, trunk, number, name, confirm } = dial;
  return {
    ...{ dialId, trunk, number, confirm, conferenceId: log.id, accountId: account.id },
    ...(name === undefined ? {} : { name }),
    ...(outdial.callerNumber === undefined ? {} : { callerNumber: outdial.callerNumber }),
    language: account.language,
    ringTimeoutMs: rules.ringTimeoutMs,
    maxDurationMs: rules.maxDurationMs,
  };
}

/** One that has the trunk and takes calls, with least to do; `asked`: that one or none. */
async function chooseVru(
  management: Management,
  trunk: string,
  asked: Holder | undefined,
): Promise<Result<Holder | undefined, MediaError>> {
  const listed = await management.options.store.list(PREFIXES.vru);
  if (!listed.ok) return listed;
  const fitting = listed.value.flatMap(({ value }) => {
    const record = vruRecord.safeParse(value);
    if (!record.success || record.data.draining) return [];
    const { id, start, trunks } = record.data;
    if (!trunks.some(({ name }) => name === trunk)) return [];
    if (asked !== undefined && (asked.vruId !== id || asked.vruStart !== start)) return [];
    return [record.data];
  });
  const [best] = fitting.toSorted((a, b) => a.calls - b.calls);
  return ok(best === undefined ? undefined : { vruId: best.id, vruStart: best.start });
}

/** Tells the VRU. A call that it does not take is over. */
export async function sendDial(
  management: Management,
  log: ConferenceLog,
  order: DialOrder,
  holder: Holder,
): Promise<boolean> {
  const { dialId } = order;
  const told = await management.vrus.command(holder, {
    kind: 'dial',
    requestId: `dial-${dialId}`,
    callId: dialId,
    order,
  });
  if (told.ok) return true;
  management.warn({ conferenceId: log.id, dialId }, told.error, 'a VRU does not call out');
  await endDial(management, log, dialId, 'no-vru');
  return false;
}

/** The call is over: the log says how, its places are free. Idempotent; a result that is there stays. */
export async function endDial(
  management: Management,
  log: ConferenceLog,
  dialId: CallId,
  state: DialEnd,
): Promise<Result<void, MediaError>> {
  const trunk = log.roster.dials.get(dialId)?.trunk ?? '';
  const decided = await log.commit((roster) => {
    const dial = roster.dials.get(dialId);
    const open = dial !== undefined && isOpen(dial) && roster.ended === undefined;
    const event: DialEvent = { kind: 'dial', dialId, state };
    return { events: open ? [event] : [], result: open };
  });
  if (!decided.ok) return decided;
  if (decided.value) management.dialEnded(state);
  const { accountId } = log.roster;
  if (accountId === undefined || trunk === '') return ok(undefined);
  return await management.ledger.release({ dialId, accountId, trunk });
}

export function isOpen({ state }: Pick<Dial, 'state'>): boolean {
  return COMING.has(state) || state === 'queued' || state === 'joined';
}

/** Nobody wants these calls any more: the conference has ended. Conferees are told otherwise. */
export async function hangUpDials(management: Management, log: ConferenceLog): Promise<void> {
  const coming = [...log.roster.dials.values()].filter(({ state }) => COMING.has(state));
  await Promise.all(coming.map((dial) => hangUp(management, dial, 'cancelled')));
}

export async function hangUp(
  management: Management,
  { dialId, vruId, vruStart }: Pick<Dial, 'dialId' | 'vruId' | 'vruStart'>,
  why: DialEnd,
): Promise<Result<unknown, MediaError>> {
  if (vruId === undefined) return fail(new MediaError('closed', 'nobody calls it'));
  const caller = vruStart === undefined ? { vruId } : { vruId, vruStart };
  const command = { kind: 'hang-up', requestId: `hang-up-${dialId}`, callId: dialId, why } as const;
  return await management.vrus.command(caller, command);
}

/** As many of those who wait for their turn as may be called at once. */
export function pumpDials(management: Management, log: ConferenceLog): void {
  void management.background(`dial-queue ${log.id}`, async () => {
    const atOnce = management.options.outdial?.listConcurrency ?? 0;
    for (;;) {
      const current = await log.catchUp();
      if (!current.ok) throw current.error;
      if (log.roster.ended !== undefined) return;
      const dials = [...log.roster.dials.values()];
      const next = dials.find(({ state }) => state === 'queued');
      const running = dials.filter(({ state }) => COMING.has(state)).length;
      if (next === undefined || running >= atOnce) return;
      const { dialId, number, name, confirm } = next;
      const started = await startDial(management, log, { dialId, number, name, confirm }, {});
      if (!started.ok) throw started.error;
      if (started.value.kind === 'refused') {
        const { reason, limit } = started.value;
        // Its turn comes when another call is over.
        if (limit?.endsWith('concurrent') === true) return;
        management.dialRefused(reason, limit, log.roster.accountId);
        await endDial(management, log, dialId, reason);
      }
      if (started.value.kind === 'started') {
        await sendDial(management, log, started.value.order, started.value.holder);
      }
    }
  });
}

/** What crashes have left: calls of VRUs that are gone, calls that nobody has heard of for too long. */
export async function checkDials(management: Management, log: ConferenceLog): Promise<void> {
  const rules = management.options.outdial;
  const nowMs = management.options.clock.wallMs();
  for (const dial of [...log.roster.dials.values()]) {
    if (!isOpen(dial) || dial.state === 'queued') continue;
    const { vruId, vruStart } = dial;
    const there =
      vruId !== undefined &&
      (await management.living.vruOf(vruStart === undefined ? { vruId } : { vruId, vruStart }));
    const before = dial.state === 'dialling' || dial.state === 'ringing';
    const longestMs = (before ? rules?.ringTimeoutMs : rules?.maxDurationMs) ?? 0;
    const overdue = nowMs - dial.atMs > longestMs + GRACE_MS;
    if (there && overdue) await hangUp(management, dial, 'lost');
    if (!there || overdue) {
      const ended = await endDial(management, log, dial.dialId, 'lost');
      if (!ended.ok) throw ended.error;
    }
  }
  if ([...log.roster.dials.values()].some(({ state }) => state === 'queued')) {
    pumpDials(management, log);
  }
}

/** Between taking a place and the event that says why there are moments, also of a slow store. */
const UNSAID_MS = 30_000;

/**
 * Places of calls that no conference wants: the server died between taking the place and saying so, or before
 * the VRU was told, or the call was taken back meanwhile. A VRU that makes such a call hangs it up and
 * reports; where there is none the place is free again, as otherwise it would be taken for as long as a call may last.
 */
export async function checkPlaces(management: Management): Promise<void> {
  const { ledger, options } = management;
  const taken = await ledger.taken();
  if (!taken.ok) throw taken.error;
  const nowMs = options.clock.wallMs();
  for (const place of taken.value) {
    if (nowMs - place.atMs < UNSAID_MS) continue;
    const log = await management.freshLog(place.conferenceId);
    if (!log.ok) throw log.error;
    const { dials, ended } = log.value.roster;
    const dial = dials.get(place.dialId);
    if (ended === undefined && dial !== undefined && isOpen(dial)) continue;
    if (await management.living.vruOf(place.holder)) {
      const told = await hangUp(management, { ...place, ...place.holder }, 'cancelled');
      if (told.ok || told.error.code !== 'closed') continue;
    }
    const freed = await ledger.free(place);
    if (!freed.ok) throw freed.error;
    const { dialId, conferenceId } = place;
    options.log.info({ dialId, conferenceId, key: place.key }, 'a place that no call has is free');
  }
}
