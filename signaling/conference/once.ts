/**
 * An entry is carried out once, however often its request comes. After a time-out a request is with two
 * servers, and a network may deliver it twice; the later copy may find that what the first has made is
 * over – its caller has left, the next conference of the account has begun – and would let in a
 * caller whom no VRU knows of any more.
 *
 *   answered before? ─▶ that answer
 *   carry out ─▶ give the answer ─▶ reply
 *                   └ another copy gave its own meanwhile ─▶ set right what this one made ─▶ that answer
 */
import type { AccountId } from '../../common/ids.ts';
import { ok } from '../../common/result.ts';
import type { Given } from './answers.ts';
import { removeConferee } from './ending.ts';
import { sendPlace } from './joining.ts';
import type { Finish, Management, Reply } from './management.ts';
import type { ServiceReply, ServiceRequest } from './messages.ts';
import { moveAll } from './moving.ts';
import { removeWaiting } from './waiting-list.ts';

export type Entry = Extract<ServiceRequest, { kind: 'enter' | 'enter-dialled' }>;

/** What to do with what a copy of a request has made, when another copy's answer is the one that counts. */
export type Remedy =
  | 'nothing'
  /** The caller knows of no place: out again. */
  | 'remove'
  /** The caller has, or had, another place: its VRU goes there, or says that the call is gone. */
  | 'ask'
  /** The caller waits for this place. */
  | 'move'
  /** The caller does not wait, or not here. */
  | 'unwait';

/** `isOwn`: the place was made by a copy of this request, and not later by a move or another entry. */
export function remedy(made: ServiceReply, given: ServiceReply, isOwn: boolean): Remedy {
  if (made.kind === 'wait') {
    return given.kind === 'wait' && given.waitingId === made.waitingId ? 'nothing' : 'unwait';
  }
  if (made.kind !== 'enter') return 'nothing';
  switch (given.kind) {
    case 'enter':
      return given.place.confereeId === made.place.confereeId || !isOwn ? 'nothing' : 'ask';
    case 'wait':
      return 'move';
    default:
      return isOwn ? 'remove' : 'nothing';
  }
}

/** For requests of which a copy that was overtaken makes nothing that has to be undone. */
export async function answerOnce(
  management: Management,
  requestId: string,
  begin: () => Promise<Finish>,
  settle: (made: ServiceReply, given: Given) => Promise<Reply> = (_, { reply }) =>
    Promise.resolve(ok(reply)),
): Promise<Finish> {
  const known = await management.answers.of(requestId);
  if (!known.ok) return () => Promise.resolve(known);
  const { value: reply } = known;
  if (reply !== undefined) {
    management.repeated('known');
    return () => settle(reply, { reply, ours: false });
  }
  const finish = await begin();
  return async () => {
    const made = await finish();
    // It failed for the moment: nothing was promised, and the next try goes on from here.
    if (!made.ok) return made;
    const given = await management.answers.give(requestId, made.value);
    return given.ok ? settle(made.value, given.value) : given;
  };
}

export function once(
  management: Management,
  request: Entry,
  accountId: AccountId,
  begin: () => Promise<Finish>,
): Promise<Finish> {
  const { requestId } = request;
  return answerOnce(management, requestId, begin, async (made, { reply, ours }) => {
    if (!ours && made !== reply) await setRight(management, request, accountId, made, reply);
    // Whoever gave this answer may have died before the record of waiting was gone.
    return await stopWaiting(management, accountId, reply, requestId);
  });
}

/** Who is in, or was turned away, does not wait; unless it has come back to waiting since. */
async function stopWaiting(
  management: Management,
  accountId: AccountId,
  reply: ServiceReply,
  requestId: string,
): Promise<Reply> {
  if (reply.kind === 'wait') return ok(reply);
  const removed = await removeWaiting(management.options.store, accountId, { requestId });
  return removed.ok ? ok(reply) : removed;
}

async function setRight(
  management: Management,
  request: Entry,
  accountId: AccountId,
  made: ServiceReply,
  given: ServiceReply,
): Promise<void> {
  const { requestId } = request;
  const found =
    made.kind === 'enter' ? await management.freshLog(made.place.conferenceId) : undefined;
  const log = found?.ok === true ? found.value : undefined;
  const conferee = made.kind === 'enter' ? log?.roster.ofId(made.place.confereeId) : undefined;
  const what = remedy(made, given, conferee?.requestId === requestId);
  management.repeated(what);
  if (what === 'nothing') return;
  const { callId } = request.caller;
  management.options.log.info({ callId, requestId, what }, 'an entry was carried out twice');
  if (what === 'unwait') {
    await removeWaiting(management.options.store, accountId, { requestId });
  } else if (what === 'move') {
    void moveAll(management, accountId);
  } else if (log !== undefined && conferee !== undefined) {
    if (what === 'remove') {
      await removeConferee(management, log, conferee.confereeId, 'refused', {});
    } else {
      void management.background(`place ${conferee.confereeId}`, () =>
        sendPlace(management, log, conferee),
      );
    }
  }
}
