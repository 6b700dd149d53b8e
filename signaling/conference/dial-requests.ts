/** Service requests about calls that we make: from hosts, operators, and the VRU that calls. Start reading at dialling.ts. */
import { MediaError } from '../../common/errors.ts';
import type { AccountId, CallId } from '../../common/ids.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import { normalise } from '../trunk/dial-plan.ts';
import { getAccount } from './accounts.ts';
import type { ConferenceLog } from './conference-log.ts';
import { DIAL_ENDS } from './dial-messages.ts';
import {
  endDial,
  GRACE_MS,
  hangUp,
  isOpen,
  orderOf,
  permission,
  pumpDials,
  type Started,
  sendDial,
  startDial,
} from './dialling.ts';
import { removeConferee } from './ending.ts';
import type { ConferenceEvent } from './events.ts';
import { type Entrant, finishJoin, join } from './joining.ts';
import type { Finish, Management, Reply } from './management.ts';
import type { ServiceRequest } from './messages.ts';

type Request<Kind extends ServiceRequest['kind']> = Extract<ServiceRequest, { kind: Kind }>;

const DONE: Reply = ok({ kind: 'done' });
const ENDED: Reply = ok({ kind: 'refused', reason: 'ended' });
const said =
  (reply: Reply): Finish =>
  () =>
    Promise.resolve(reply);

/** Undefined: an operator. Errors: not a host, no such conference. */
async function asking(
  log: ConferenceLog,
  { by, asker }: Pick<Request<'dial'>, 'by' | 'asker'>,
): Promise<Result<number | string, MediaError>> {
  const current = await log.catchUp();
  if (!current.ok) return current;
  const { roster } = log;
  if (roster.created === undefined || roster.ended !== undefined) {
    return fail(new MediaError('conference-unknown', `there is no conference ${log.id}`));
  }
  if (by === undefined) return ok(asker ?? 'operator');
  const conferee = roster.ofId(by);
  if (conferee === undefined) {
    return fail(new MediaError('conference-unknown', 'the one who asks is not in the conference'));
  }
  return conferee.role === 'host'
    ? ok(conferee.ordinal)
    : fail(new MediaError('not-allowed', 'only a host can call out'));
}

/** The same for every retry of a request, so that nobody is called twice. */
const dialIdOf = (requestId: string): CallId => `d${requestId}` as CallId;

export async function dial(
  management: Management,
  log: ConferenceLog,
  request: Request<'dial'>,
): Promise<Finish> {
  const by = await asking(log, request);
  if (!by.ok) return said(by);
  const dialId = dialIdOf(request.requestId);
  if (log.roster.dials.has(dialId)) return () => again(management, log, dialId);
  const { requestId, number, name, confirm = true, vru } = request;
  const wanted = { dialId, number, name, confirm: vru === undefined && confirm, vru };
  const started = await startDial(management, log, wanted, { requestId, by: by.value });
  if (!started.ok) return said(started);
  return () => carryOut(management, log, started.value);
}

async function carryOut(
  management: Management,
  log: ConferenceLog,
  started: Started,
): Promise<Reply> {
  if (started.kind === 'changed') return ok({ kind: 'dial-refused', reason: 'not-available' });
  if (started.kind === 'refused') {
    const { reason, limit } = started;
    management.dialRefused(reason, limit, log.roster.accountId);
    return ok({ kind: 'dial-refused', reason });
  }
  const { order, holder } = started;
  if (log.roster.dials.get(order.dialId)?.consult === true) return ok({ kind: 'dialling', order });
  const sent = await sendDial(management, log, order, holder);
  return ok(sent ? { kind: 'dialling', order } : { kind: 'dial-refused', reason: 'no-vru' });
}

/** A retry: the server that began may have died before the VRU was told. */
async function again(management: Management, log: ConferenceLog, dialId: CallId): Promise<Reply> {
  const present = log.roster.dials.get(dialId);
  const allowed = await permission(management, log.roster);
  if (!allowed.ok) return allowed;
  const rules = management.options.outdial;
  if (present === undefined || allowed.value.account === undefined || rules === undefined) {
    return ok({ kind: 'dial-refused', reason: 'not-available' });
  }
  const { account, outdial } = allowed.value;
  const order = orderOf(log, present, account, outdial, rules);
  const { vruId, vruStart, consult, state } = present;
  if (!consult && state === 'dialling' && vruId !== undefined && vruStart !== undefined) {
    await sendDial(management, log, order, { vruId, vruStart });
  }
  return ok({ kind: 'dialling', order });
}

export async function dialList(
  management: Management,
  log: ConferenceLog,
  request: Request<'dial-list'>,
): Promise<Finish> {
  const by = await asking(log, request);
  if (!by.ok) return said(by);
  const allowed = await permission(management, log.roster);
  if (!allowed.ok) return said(allowed);
  const list = allowed.value.account === undefined ? [] : allowed.value.outdial.list;
  if (list.length === 0) {
    management.dialRefused('not-available', undefined, log.roster.accountId);
    return said(ok({ kind: 'dial-refused', reason: 'not-available' }));
  }
  const { requestId } = request;
  const plan = management.options.outdial?.plan ?? { rewrite: [] };
  const decided = await log.commit(
    (roster) => {
      if (roster.knows(requestId) || roster.ended !== undefined) return { events: [], result: [] };
      const called = new Set([...roster.dials.values()].filter(isOpen).map(({ number }) => number));
      const events = list.flatMap(({ number: written, name }, index): ConferenceEvent[] => {
        const number = normalise(plan, written) ?? written;
        // Who is being called, or was and is in, is not called once more.
        if (called.has(number)) return [];
        const dialId = `${dialIdOf(requestId)}-${index + 1}` as CallId;
        const named = name === undefined ? {} : { name };
        return [{ kind: 'dial', dialId, state: 'queued', number, confirm: true, ...named }];
      });
      return { events, result: events.flatMap((one) => (one.kind === 'dial' ? [one.dialId] : [])) };
    },
    { requestId, by: by.value },
  );
  if (!decided.ok) return said(decided);
  const made = [...log.roster.dials.keys()].filter((id) => id.startsWith(dialIdOf(requestId)));
  return () => {
    pumpDials(management, log);
    return Promise.resolve(ok({ kind: 'dialling-list', dialIds: made }));
  };
}

export async function cancelDial(
  management: Management,
  log: ConferenceLog,
  request: Request<'cancel-dial'>,
): Promise<Finish> {
  const by = await asking(log, request);
  if (!by.ok) return said(by);
  const { dialId } = request;
  const present = log.roster.dials.get(dialId);
  if (present === undefined) {
    return said(fail(new MediaError('conference-unknown', `there is no call ${dialId}`)));
  }
  if (!isOpen(present)) return said(DONE);
  if (present.state === 'joined') {
    const text = `the called person is conferee ${present.ordinal}; delete that one instead`;
    return said(fail(new MediaError('conflict', text)));
  }
  return async () => {
    if (present.state !== 'queued') {
      // The VRU reports how it ended; one that knows nothing of it is as good.
      const told = await hangUp(management, present, 'cancelled');
      if (told.ok || told.error.code !== 'closed') return told.ok ? DONE : told;
    }
    const ended = await endDial(management, log, dialId, 'cancelled');
    return ended.ok ? DONE : ended;
  };
}

const ENDS: ReadonlySet<string> = new Set(DIAL_ENDS);

/** `log` is absent when the conference is forgotten: then only the places are given back. */
export async function dialProgress(
  management: Management,
  log: ConferenceLog | undefined,
  request: Request<'dial-progress'>,
): Promise<Finish> {
  const { dialId, state, accountId, trunk } = request;
  if (state === 'ringing' || state === 'answered') {
    if (log === undefined) return said(ENDED);
    const decided = await log.commit((roster) => {
      const present = roster.dials.get(dialId);
      const wanted = present !== undefined && isOpen(present) && roster.ended === undefined;
      const news = wanted && present.state !== state && present.state !== 'joined';
      const event: ConferenceEvent = { kind: 'dial', dialId, state };
      return { events: news ? [event] : [], result: wanted };
    });
    return said(decided.ok ? (decided.value ? DONE : ENDED) : decided);
  }
  if (!ENDS.has(state)) return said(DONE);
  if (log !== undefined) {
    const ended = await endDial(management, log, dialId, state);
    if (!ended.ok) return said(ended);
  }
  return async () => {
    // Let in by a request whose answer never came: its VRU does not know that it was in.
    const conferee = log?.roster.ofCall(dialId);
    if (log !== undefined && conferee !== undefined) {
      const left = await removeConferee(management, log, conferee.confereeId, 'hangup', {});
      if (!left.ok) return left;
    }
    const released = await management.ledger.release({ dialId, accountId, trunk });
    if (log !== undefined) pumpDials(management, log);
    return released.ok ? DONE : released;
  };
}

export async function dialMinute(
  management: Management,
  log: ConferenceLog | undefined,
  request: Request<'dial-minute'>,
): Promise<Finish> {
  const { dialId, accountId, minute } = request;
  const { store, outdial: rules, clock } = management.options;
  const account = await getAccount(store, accountId);
  if (!account.ok) return said(account);
  const present = log?.roster.dials.get(dialId);
  const minutesPerDay = account.value?.outdial?.minutesPerDay ?? 0;
  if (present?.vruId === undefined || rules === undefined) return said(ENDED);
  const holder = { vruId: present.vruId, vruStart: present.vruStart ?? '' };
  const untilMs = clock.wallMs() + rules.maxDurationMs + GRACE_MS;
  const { conferenceId } = request;
  const place = { dialId, conferenceId, accountId, trunk: present.trunk, holder, untilMs };
  const charged = await management.ledger.minute(place, minute, minutesPerDay);
  if (!charged.ok) return said(charged);
  if (charged.value) return said(DONE);
  management.dialRefused('limit', 'account-minutes', accountId);
  return said(ok({ kind: 'dial-refused', reason: 'limit' }));
}

export async function enterDialled(
  management: Management,
  log: ConferenceLog,
  request: Request<'enter-dialled'>,
): Promise<Finish> {
  const { dialId, caller, requestId } = request;
  const current = await log.catchUp();
  if (!current.ok) return said(current);
  const { roster } = log;
  const present = roster.dials.get(dialId);
  if (roster.ended !== undefined || present === undefined || !isOpen(present)) return said(ENDED);
  const account = await accountOf(management, roster.accountId);
  if (!account.ok) return said(account);
  const role = 'participant' as const;
  const entrant: Entrant = { account: account.value, role, caller, requestId, from: 'dial' };
  const outcome = await join(management, log, entrant, {
    also: (ordinal) => [{ kind: 'dial', dialId, state: 'joined', ordinal }],
    isWanted: ({ dials }) => {
      const dial = dials.get(dialId);
      return dial !== undefined && isOpen(dial);
    },
  });
  if (!outcome.ok) return said(outcome);
  const joined = outcome.value;
  if (joined.kind === 'changed') return said(ENDED);
  if (joined.kind === 'refused') return said(ok({ kind: 'refused', reason: joined.reason }));
  return () => finishJoin(management, log, joined.conferee);
}

async function accountOf(
  management: Management,
  accountId: AccountId | undefined,
): Promise<Result<Entrant['account'], MediaError>> {
  const unknown = fail(new MediaError('conference-unknown', 'the account is gone'));
  if (accountId === undefined) return unknown;
  const account = await getAccount(management.options.store, accountId);
  if (!account.ok) return account;
  return account.value === undefined ? unknown : ok(account.value);
}
