/**
 * A host records the conference: its mixer writes what a silent listener hears. Everybody hears that
 * it begins and ends, and who comes later hears that it runs.
 */
import { type ErrorCode, MediaError } from '../../common/errors.ts';
import { fail, ok } from '../../common/result.ts';
import { getAccount } from './accounts.ts';
import { announceTo } from './announcing.ts';
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
  const { mixerId, temporary } = created;
  const known = recording?.mixerId === mixerId;
  if (on && known) return said(DONE);
  if (on) {
    const account = await getAccount(management.options.store, accountId);
    if (!account.ok) return said(account);
    // Of an account that is gone nobody knows whether it may, nor in which language it is said.
    if (account.value === undefined || account.value.recording === 'never' || temporary) {
      const text = 'this account does not allow recordings';
      return said(fail(new MediaError('not-allowed', text)));
    }
  }
  // The mixer first: what is not recorded must not be announced as if it were. That it ends is told also
  // where the log knows of none: the server that began one may have died before the log knew.
  const answer = await management.mixers.record(mixerId, log.id, requestId, on);
  if (!answer.ok && on) return said(answer);
  if (!on && recording === undefined) return said(answer.ok ? DONE : answer);
  // A copy of a request that the mixer knows, and what it asked for has been undone since.
  if (answer.ok && answer.value.recording === !on) return said(DONE);
  const file = answer.ok ? answer.value.file : undefined;
  const event: ConferenceEvent = {
    kind: 'recording',
    on,
    mixerId,
    ...(file === undefined ? {} : { file }),
  };
  const decided = await log.commit((roster) => {
    const news = roster.ended === undefined && !roster.knows(requestId);
    return { events: news ? [event] : [], result: undefined };
  }, context);
  if (!decided.ok) return said(decided);
  sayRecording(management, log, requestId, on);
  // Ended, but what was recorded may not be there: whoever wanted it has to know.
  return said(answer.ok || !KEPT_BADLY.has(answer.error.code) ? DONE : answer);
}

const KEPT_BADLY: ReadonlySet<ErrorCode> = new Set(['store-failed']);

/** Once a request, however often and by whichever server it is asked for. */
export function sayRecording(
  management: Management,
  log: ConferenceLog,
  requestId: string,
  on: boolean,
): void {
  const word = on ? 'recording-started' : 'recording-stopped';
  void announce(management, log, `${word}-${requestId}`, () => [word]);
}

/** To one conferee who is back in the conference from a sub-conference or from hold. */
export function sayRecorded(management: Management, log: ConferenceLog, ordinal: number): void {
  const { recording, number, conferees } = log.roster;
  const conferee = conferees.get(ordinal);
  if (recording === undefined || conferee === undefined) return;
  if (conferee.held || conferee.sub !== 0) return;
  const name = `recorded-${conferee.confereeId}-${number}`;
  void management.background(`announce ${name}`, () =>
    announceTo(management, conferee, name, { prompt: 'recording-started' }),
  );
}

/** On the mixer that took the place of a lost one: a further file. */
export async function recordAgain(management: Management, log: ConferenceLog): Promise<void> {
  const requestId = `record-${log.id}-${log.roster.mixerEpoch}`;
  const finish = await record(management, log, requestId, true, { requestId });
  const done = await finish();
  if (!done.ok) management.warn({ conferenceId: log.id }, done.error, 'no longer recorded');
}
