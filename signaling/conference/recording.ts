/**
 * A host records the conference: its mixer writes what a silent listener hears. Everybody hears that
 * it begins and ends, and who comes later hears that it runs.
 */
import { MediaError } from '../../common/errors.ts';
import { fail, ok } from '../../common/result.ts';
import { getAccount } from './accounts.ts';
import type { ConferenceLog, DecisionContext } from './conference-log.ts';
import { announce } from './conference-words.ts';
import type { ConferenceEvent } from './events.ts';
import type { Finish, Management, Reply } from './management.ts';

const DONE: Reply = ok({ kind: 'done' });

export async function record(
  management: Management,
  log: ConferenceLog,
  requestId: string,
  on: boolean,
  context: DecisionContext,
): Promise<Finish> {
  const said = (reply: Reply) => () => Promise.resolve(reply);
  const { created, accountId, recording } = log.roster;
  if (created === undefined || accountId === undefined) return said(DONE);
  if (on === (recording?.mixerId === created.mixerId)) return said(DONE);
  const account = await getAccount(management.options.store, accountId);
  if (!account.ok) return said(account);
  if (on && (account.value?.recording === 'never' || created.temporary)) {
    const text = 'this account does not allow recordings';
    return said(fail(new MediaError('not-allowed', text)));
  }
  const { mixerId } = created;
  // The mixer first: what is not recorded must not be announced as if it were.
  const answer = await management.mixers.record(mixerId, log.id, requestId, on);
  if (!answer.ok && on) return said(answer);
  const file = answer.ok ? answer.value : undefined;
  const event: ConferenceEvent = {
    kind: 'recording',
    on,
    mixerId,
    ...(file === undefined ? {} : { file }),
  };
  const decided = await log.commit(
    (roster) => ({ events: roster.ended === undefined ? [event] : [], result: undefined }),
    context,
  );
  if (!decided.ok) return said(decided);
  const word = on ? 'recording-started' : 'recording-stopped';
  void announce(management, log, `${word}-${requestId}`, () => [word]);
  return said(DONE);
}

/** On the mixer that took the place of a lost one: a further file. */
export async function recordAgain(management: Management, log: ConferenceLog): Promise<void> {
  const requestId = `record-${log.id}-${log.roster.mixerEpoch}`;
  const finish = await record(management, log, requestId, true, { requestId });
  const done = await finish();
  if (!done.ok) management.warn({ conferenceId: log.id }, done.error, 'no longer recorded');
}
