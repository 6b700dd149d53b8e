/**
 * What a whole conference hears, mixed in once by its mixer: who comes and goes, a roll call for all,
 * that it is recorded. Nobody waits
 * for its end.
 */
import { ok } from '../../common/result.ts';
import { getAccount } from './accounts.ts';
import type { ConferenceLog } from './conference-log.ts';
import type { Management, Reply } from './management.ts';
import type { AccountRecord, AnnouncedWord } from './messages.ts';
import type { Conferee, Roster } from './roster.ts';

/** Resolves when the mixer has it. `name`: whoever else asks for the same makes it no second time. */
export function announce(
  management: Management,
  log: ConferenceLog,
  name: string,
  words: (account: AccountRecord) => readonly AnnouncedWord[],
): Promise<void> {
  return management.background(`say ${name}`, async () => {
    const { accountId, created, ended } = log.roster;
    if (accountId === undefined || created === undefined || ended !== undefined) return;
    const account = await getAccount(management.options.store, accountId);
    if (!account.ok || account.value === undefined) return;
    const said = words(account.value);
    if (said.length === 0) return;
    await management.mixers.announce(created.mixerId, log.id, name, account.value.language, said);
  });
}

type Way = 'in' | 'out';
const TONES = { in: 'entry-tone', out: 'exit-tone' } as const;
const WORDS = { in: 'has-joined', out: 'has-left' } as const;

/** A tone, or the name, as the account says; nothing in a large conference, and none for oneself. */
export function announcePassage(
  management: Management,
  log: ConferenceLog,
  conferee: Conferee,
  way: Way,
): Promise<void> {
  const { roster } = log;
  const others = way === 'in' ? roster.size - 1 : roster.size;
  // Before the host it is no conference: a waiting room hears nothing of who comes and goes.
  if (others < 1 || roster.created?.temporary === true || roster.ended !== undefined) {
    return Promise.resolve();
  }
  return announce(management, log, `${way}-${conferee.confereeId}`, (account) =>
    passageWords(account, conferee, way, roster.size),
  );
}

function passageWords(
  { announceEntry, announceUpTo }: AccountRecord,
  { caller }: Conferee,
  way: Way,
  size: number,
): readonly AnnouncedWord[] {
  if (announceEntry === 'none' || size > announceUpTo) return [];
  if (announceEntry === 'tone') return [TONES[way]];
  return [{ nameOf: caller.callId, followedBy: [WORDS[way]], otherwise: [TONES[way]] }];
}

/** Everybody by ordinal, with the name or the number of the caller. */
export function callTheRoll(
  management: Management,
  log: ConferenceLog,
  requestId: string,
): Promise<Reply> {
  void announce(management, log, `roll-${requestId}`, () => rollWords(log.roster));
  return Promise.resolve(ok({ kind: 'done' }));
}

function rollWords({ conferees, size }: Roster): readonly AnnouncedWord[] {
  const each = [...conferees.values()].flatMap(({ ordinal, caller }): AnnouncedWord[] => [
    'silence',
    'conferee-number',
    { number: ordinal },
    { nameOf: caller.callId, followedBy: [], otherwise: [] },
  ]);
  return ['in-the-conference-there-are', { participants: size }, ...each, 'silence', 'end-of-list'];
}
