/**
 * An entry from the request to its answer (R4–R10): what there is, the decision (entry.ts), and its
 * carrying out. The first part runs in the turn of the account, what need not wait runs after it.
 */
import { MediaError } from '../../common/errors.ts';
import { randomToken } from '../../common/ids.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import { lookUpCode } from './accounts.ts';
import type { ConferenceLog } from './conference-log.ts';
import { announcePassage } from './conference-words.ts';
import { type CreateOutcome, create, enterMingle } from './creating.ts';
import { endConference, finishEnding } from './ending.ts';
import { type ConferenceSituation, decideEntry } from './entry.ts';
import { awaitIntention, findConference } from './guards.ts';
import { type Entrant, finishJoin, type JoinOutcome, join } from './joining.ts';
import type { Finish, Management, Reply } from './management.ts';
import type { Refusal, ServiceRequest } from './messages.ts';
import { moveAll } from './moving.ts';
import { waitingOrder } from './serials.ts';
import { addWaiting, listWaiting } from './waiting-list.ts';

type EnterRequest = Extract<ServiceRequest, { kind: 'enter' }>;

/** Changes of the account under our hands, each somebody else's success, before we give up. */
const ATTEMPTS = 50;

const say =
  (reply: Reply): Finish =>
  () =>
    Promise.resolve(reply);
const refuse = (reason: Refusal): Finish => say(ok({ kind: 'refused', reason }));

export async function enter(management: Management, request: EnterRequest): Promise<Finish> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const found = await lookUpCode(management.options.store, request.code);
    if (!found.ok) return say(found);
    if (found.value === undefined) return refuse('invalid-code');
    const { account, role } = found.value;
    const { caller, requestId } = request;
    const entrant: Entrant = { account, role, caller, requestId, from: 'call' };
    const done = await attemptEntry(management, entrant, request.code);
    if (!done.ok) return say(done);
    if (done.value !== 'again') return done.value;
  }
  return say(fail(new MediaError('conflict', 'the account changes too quickly')));
}

type Attempt = Promise<Result<Finish | 'again', MediaError>>;

async function attemptEntry(management: Management, entrant: Entrant, code: string): Attempt {
  const { account, role } = entrant;
  const found = await findConference(management, 'active', account.id);
  if (!found.ok) return found;
  if (found.value.kind === 'intended') {
    const settled = await awaitIntention(management, 'active', account.id, found.value);
    return settled.ok ? ok('again') : settled;
  }
  const log = found.value.kind === 'there' ? found.value.log : undefined;
  const conference = log === undefined ? undefined : await situation(management, log);
  const waiting = conference === undefined ? await countWaiting(management, entrant) : ok(0);
  if (!waiting.ok) return waiting;
  const { waitingMode, maxConferees } = account;
  const decision = decideEntry({
    role,
    waitingMode,
    maxConferees,
    conference,
    waiting: waiting.value,
  });
  // A stale record (R7) is put away first; then there is none.
  if (log !== undefined && conference?.ended === true) {
    await putAway(management, log);
    return ok('again');
  }
  switch (decision.kind) {
    case 'join':
    case 'replace-mixer-and-join':
      // The mixer is replaced with the seat (joining.ts), as it may also be lost after this moment.
      return log === undefined ? ok('again') : enterExisting(management, log, entrant);
    case 'create':
    case 'create-and-move-waiting':
      return afterCreate(management, entrant, await create(management, 'active', entrant, code));
    case 'hold':
      return hold(management, entrant, code);
    case 'mingle':
      return afterCreate(management, entrant, await enterMingle(management, entrant, code));
    case 'refuse':
      // A retry of a caller who is in gets its place, whatever has been locked since.
      if (log?.roster.ofCall(entrant.caller.callId) !== undefined) {
        return enterExisting(management, log, entrant);
      }
      return ok(refuse(decision.reason));
  }
}

async function situation(management: Management, log: ConferenceLog): Promise<ConferenceSituation> {
  const { created, ended, locked, hosts, size } = log.roster;
  const over = ended !== undefined || !(await anybodyAlive(management, log));
  const mixerAlive = created !== undefined && (await management.living.mixer(created.mixerId));
  return { ended: over, locked, hosts, size, mixerAlive };
}

/** Whether the VRU of any conferee still runs. */
async function anybodyAlive(management: Management, log: ConferenceLog): Promise<boolean> {
  const asked = new Set<string>();
  for (const { caller } of [...log.roster.conferees.values()]) {
    const key = `${caller.vruId} ${caller.vruStart ?? ''}`;
    if (asked.has(key)) continue;
    asked.add(key);
    if (await management.living.vruOf(caller)) return true;
  }
  return false;
}

async function putAway(management: Management, log: ConferenceLog): Promise<void> {
  if (log.roster.ended === undefined) {
    await endConference(management, log, { why: 'lost', others: 'nothing' }, {});
  } else {
    await finishEnding(management, log);
  }
}

/** Participants on hold and in the waiting room, without the entrant itself. */
async function countWaiting(
  management: Management,
  entrant: Entrant,
): Promise<Result<number, MediaError>> {
  const list = await listWaiting(management.options.store, entrant.account.id);
  if (!list.ok) return list;
  const room = await findConference(management, 'mingle', entrant.account.id);
  if (!room.ok) return room;
  const { callId } = entrant.caller;
  const onHold = list.value.filter(({ record }) => record.caller.callId !== callId).length;
  if (room.value.kind !== 'there' || room.value.log.roster.ended !== undefined) return ok(onHold);
  const { roster } = room.value.log;
  return ok(onHold + roster.size - (roster.ofCall(callId) === undefined ? 0 : 1));
}

async function enterExisting(
  management: Management,
  log: ConferenceLog,
  entrant: Entrant,
): Attempt {
  const joined = await join(management, log, entrant);
  return joined.ok ? ok(afterJoin(management, log, joined.value)) : joined;
}

function afterJoin(
  management: Management,
  log: ConferenceLog,
  outcome: JoinOutcome,
): Finish | 'again' {
  if (outcome.kind === 'changed') return 'again';
  if (outcome.kind === 'refused') return refuse(outcome.reason);
  const { conferee } = outcome;
  return async () => {
    const reply = await finishJoin(management, log, conferee);
    if (reply.ok && reply.value.kind === 'enter') {
      void announcePassage(management, log, conferee, 'in');
    }
    return reply;
  };
}

function afterCreate(
  management: Management,
  entrant: Entrant,
  made: Result<CreateOutcome, MediaError>,
): Result<Finish | 'again', MediaError> {
  if (!made.ok) return made;
  if (made.value.kind === 'changed') return ok('again');
  if (made.value.kind === 'refused') return ok(refuse(made.value.reason));
  const { log, conferee } = made.value;
  return ok(async () => {
    const reply = await finishJoin(management, log, conferee);
    // The others follow, in order; and for a waiting room: its host may have come meanwhile.
    void moveAll(management, entrant.account.id);
    return reply;
  });
}

async function hold(management: Management, entrant: Entrant, code: string): Attempt {
  const { store, clock, random } = management.options;
  const { account, role, caller, requestId } = entrant;
  const added = await addWaiting(store, account.id, {
    waitingId: `w${randomToken(random, 12)}`,
    requestId,
    code,
    role,
    caller,
    atMs: clock.wallMs(),
  });
  if (!added.ok) return added;
  // The host looks at the list after writing the guard, and we look at the guard after writing the
  // list: one of us sees the other. Both may; the place is the same.
  const now = await findConference(management, 'active', account.id);
  if (!now.ok) return now;
  if (now.value.kind !== 'none') return ok('again');
  const { waitingId } = added.value.record;
  const order = await waitingOrder(store, account.id);
  if (!order.ok) return order;
  const reply = { kind: 'wait', accountId: account.id, waitingId, order: order.value } as const;
  return ok(say(ok(reply)));
}
