/** What a VRU says when a caller goes: from a conference, from waiting, or from nobody knows where. */
import type { AccountId } from '../../common/ids.ts';
import { ok } from '../../common/result.ts';
import { lookUpCode } from './accounts.ts';
import type { ConferenceLog } from './conference-log.ts';
import { afterwards, depart, removeConferee } from './ending.ts';
import { type GuardKind, settledConference } from './guards.ts';
import { finishJoin } from './joining.ts';
import type { Finish, Management, Reply } from './management.ts';
import type { Caller, ServiceReply, ServiceRequest } from './messages.ts';
import { removeWaiting } from './waiting-list.ts';

type Request<Kind extends ServiceRequest['kind']> = Extract<ServiceRequest, { kind: Kind }>;

const DONE: Reply = ok({ kind: 'done' });
const FORGOTTEN: ServiceReply = { kind: 'refused', reason: 'ended' };
const said =
  (reply: Reply): Finish =>
  () =>
    Promise.resolve(reply);

/** With the parameter given at entry (E10). Leaving twice is leaving once. */
export async function leave(
  management: Management,
  log: ConferenceLog,
  request: Request<'leave'>,
): Promise<Finish> {
  const { confereeId, caller, why, requestId } = request;
  const left = await depart(management, log, { confereeId }, why, { requestId });
  if (!left.ok) return said(left);
  const { value: conferee } = left;
  return async () => {
    if (conferee !== undefined) await afterwards(management, log, conferee, why);
    const { ended, supersededBy, accountId } = log.roster;
    // The call is over, but its caller may be on the way elsewhere without the VRU knowing it yet.
    const movedOn = ended?.others === 'wait' || supersededBy !== null;
    const gone = why === 'hangup' || why === 'lost';
    if (movedOn && gone && accountId !== undefined) {
      return removeCall(management, accountId, caller);
    }
    return DONE;
  };
}

export function leaveWaiting(
  management: Management,
  request: Request<'leave-waiting'>,
): Promise<Finish> {
  const { accountId, caller } = request;
  return Promise.resolve(() => removeCall(management, accountId, caller));
}

/** Out of everything that this account has. */
async function removeCall(
  management: Management,
  accountId: AccountId,
  caller: Caller,
): Promise<Reply> {
  const { callId } = caller;
  const hold = await removeWaiting(management.options.store, accountId, { callId });
  if (!hold.ok) return hold;
  for (const kind of ['mingle', 'active'] satisfies GuardKind[]) {
    const found = await settledConference(management, kind, accountId);
    if (!found.ok) return found;
    if (found.value === undefined) continue;
    const log = found.value;
    const conferee = log.roster.ofCall(callId);
    if (conferee === undefined) continue;
    const left = await removeConferee(management, log, conferee.confereeId, 'hangup', {});
    if (!left.ok) return left;
  }
  return DONE;
}

/** Undoes what one `enter` has made, if it has made anything, and nothing that came after it. */
export async function forget(management: Management, request: Request<'forget'>): Promise<Finish> {
  const { store } = management.options;
  const found = await lookUpCode(store, request.code);
  if (!found.ok) return said(found);
  if (found.value === undefined) return said(DONE);
  const accountId = found.value.account.id;
  const { enterRequestId } = request;
  return async () => {
    // A copy that is still under way finds that it was refused, whatever it has made by then.
    const given = await management.answers.give(enterRequestId, FORGOTTEN);
    if (!given.ok) return given;
    const hold = await removeWaiting(store, accountId, { requestId: enterRequestId });
    if (!hold.ok) return hold;
    for (const kind of ['mingle', 'active'] satisfies GuardKind[]) {
      const there = await settledConference(management, kind, accountId);
      if (!there.ok) return there;
      if (there.value === undefined) continue;
      const log = there.value;
      for (const conferee of [...log.roster.conferees.values()]) {
        if (conferee.requestId !== enterRequestId) continue;
        const left = await removeConferee(management, log, conferee.confereeId, 'hangup', {});
        if (!left.ok) return left;
      }
    }
    return DONE;
  };
}

/** The same place again, with the same ordinal; on another mixer if its mixer is gone. */
export async function reEnter(
  management: Management,
  log: ConferenceLog,
  request: Request<'re-enter'>,
): Promise<Finish> {
  const current = await log.catchUp();
  if (!current.ok) return said(current);
  const conferee = log.roster.ofId(request.confereeId);
  if (conferee === undefined || log.roster.ended !== undefined) {
    return said(ok({ kind: 'refused', reason: 'ended' }));
  }
  return () => finishJoin(management, log, conferee);
}
