/** What happened, in words: for the list of events and for those who hear the page instead of seeing it. */
import { dialWords } from './dials.ts';
import type { Activity, Conferee, Conference, KnownEvent, TalkMode } from './state.ts';

export const nameOf = ({
  callerName,
  callerNumber,
}: Pick<Conferee, 'callerName' | 'callerNumber'>): string =>
  callerName ?? (callerNumber === '' ? 'number withheld' : callerNumber);

export const MODE_WORDS: Readonly<Record<TalkMode, string>> = {
  open: 'Everybody may talk',
  questions: 'Questions: hands may be raised',
  lecture: 'Lecture: hosts talk',
};

/** Undefined: not worth saying. */
export function inWords(present: Conference, event: KnownEvent): string | undefined {
  const who = (ordinal: number): string => {
    const conferee = present.conferees.get(ordinal);
    return conferee === undefined ? `${ordinal}` : `${ordinal}, ${nameOf(conferee)},`;
  };
  switch (event.kind) {
    case 'joined':
      return `${event.ordinal}, ${nameOf(event.caller)}, came in${event.role === 'host' ? ' as host' : ''}.`;
    case 'left':
      return event.why === 'deleted' ? undefined : `${who(event.ordinal)} left.`;
    case 'deleted':
      return `${who(event.ordinal)} was deleted.`;
    case 'moved':
      return `${who(event.ordinal)} moved to the conference.`;
    case 'muted':
      return `${who(event.ordinal)} is ${event.muted ? 'muted' : 'unmuted'}${event.bit === 'self' ? ' by own key' : ''}.`;
    case 'muted-all':
      return event.muted ? 'Everybody but hosts is muted.' : 'Everybody is unmuted.';
    case 'mode':
      return `${MODE_WORDS[event.mode] ?? event.mode}.`;
    case 'hand':
      return `${who(event.ordinal)} ${event.raised ? 'raised a hand' : 'has the hand down'}.`;
    case 'role':
      return `${who(event.ordinal)} is ${event.role} now.`;
    case 'locked':
      return event.locked ? 'The conference is locked.' : 'The conference is unlocked.';
    case 'grace-started':
      return 'The last host left; the conference ends unless a host returns.';
    case 'mixer-replaced':
      return `The conference moved to ${event.mixerId}.`;
    case 'dial':
      return dialWords(present.dials, event);
    case 'ended':
      return 'The conference has ended.';
    default:
      return undefined;
  }
}

/** Kinds that come in crowds; only their number is said then. */
const CROWDS: ReadonlyMap<string, string> = new Map([
  ['joined', 'came in'],
  ['left', 'left'],
  ['moved', 'moved'],
  ['muted', 'muted or unmuted'],
  ['hand', 'hands raised or lowered'],
]);
const FEW = 2;

/** What is said of events that came together: few of a kind in words, many as a count. */
export function announcement(events: readonly Activity[]): string {
  const said: string[] = [];
  for (const [kind, words] of CROWDS) {
    const crowd = events.filter((event) => event.kind === kind);
    if (crowd.length > FEW) said.push(`${crowd.length} ${words}.`);
    else said.push(...crowd.map(({ text }) => text));
  }
  said.push(...events.filter(({ kind }) => !CROWDS.has(kind)).map(({ text }) => text));
  return said.join(' ');
}
