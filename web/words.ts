/** What happened, in words: for the list of events and for those who hear the page instead of seeing it. */
import { dialWords } from './dials.ts';
import type {
  Activity,
  Conferee,
  Conference,
  KnownEvent,
  NumberedEvent,
  TalkMode,
} from './state.ts';

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

export const subName = (sub: number): string =>
  sub === 0 ? 'the conference' : `sub-conference ${sub}`;

/** How a conferee went. A deletion is said by its own event, an end and a move of all likewise. */
const LEFT_WORDS: Readonly<Record<string, string | undefined>> = {
  hangup: 'hung up',
  key: 'left',
  lost: 'was cut off',
  refused: 'could not be connected',
  deleted: undefined,
  ended: undefined,
  moved: undefined,
};

const ENDED_WORDS: Readonly<Record<string, string>> = {
  empty: 'as nobody was left in it',
  'host-ended': 'ended by a host',
  'operator-ended': 'ended by an operator',
  'host-left': 'as the last host left',
  superseded: 'as all moved to the conference of the host',
  'time-limit': 'as it reached its greatest length',
  lost: 'as everybody in it was cut off',
  'not-established': 'as another one of the account came first',
};

export function durationWords(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  const [value, unit] = seconds >= 60 ? [Math.round(seconds / 60), 'minute'] : [seconds, 'second'];
  return `${value} ${unit}${value === 1 ? '' : 's'}`;
}

type Told = Pick<NumberedEvent, 'event' | 'by'>;

/** Undefined: not worth saying. */
export function inWords(present: Conference, { event, by }: Told): string | undefined {
  if (event.kind === 'dial') return dialWords(present.dials, event);
  return 'ordinal' in event ? ofConferee(present, event, by) : ofConference(event, by);
}

type OfOne = Exclude<Extract<KnownEvent, { readonly ordinal: number }>, { kind: 'dial' }>;
type OfAll = Exclude<KnownEvent, OfOne | { kind: 'dial' }>;

function ofConferee(present: Conference, event: OfOne, by: Told['by']): string | undefined {
  const conferee = present.conferees.get(event.ordinal);
  const who =
    conferee === undefined ? `${event.ordinal}` : `${event.ordinal}, ${nameOf(conferee)},`;
  switch (event.kind) {
    case 'joined':
      return `${event.ordinal}, ${nameOf(event.caller)}, came in${event.role === 'host' ? ' as host' : ''}.`;
    case 'left': {
      const how = event.why in LEFT_WORDS ? LEFT_WORDS[event.why] : 'left';
      return how === undefined ? undefined : `${who} ${how}.`;
    }
    case 'deleted':
      return `${who} was deleted${byWhom(by)}.`;
    case 'moved':
      return `${who} moved to the conference.`;
    case 'muted':
      return `${who} is ${event.muted ? 'muted' : 'unmuted'}${event.bit === 'self' ? ' by own key' : byWhom(by)}.`;
    case 'hand':
      return `${who} ${event.raised ? 'raised a hand' : 'has the hand down'}.`;
    case 'role': {
      if (event.why === 'succession') return `${who} is host now, as the last host left.`;
      const made =
        typeof by === 'string'
          ? `, made by ${by.startsWith('host of') ? 'the page of the host' : 'an operator'}`
          : byWhom(by, 'made');
      return `${who} is ${event.role} now${made}.`;
    }
    case 'held':
      return `${who} is ${event.held ? 'on hold' : 'off hold'}${byWhom(by)}.`;
    case 'operator-called':
      return `${who} asks for an operator.`;
    case 'sub-conference': {
      const where = event.sub === 0 ? 'is back in the conference' : `is in ${subName(event.sub)}`;
      return `${who} ${where}${by === event.ordinal ? '' : byWhom(by)}.`;
    }
  }
}

function ofConference(event: OfAll, by: Told['by']): string | undefined {
  switch (event.kind) {
    case 'created':
      // The page appears with it.
      return undefined;
    case 'muted-all':
      return `${event.muted ? 'Everybody but hosts is muted' : 'Everybody is unmuted'}${byWhom(by)}.`;
    case 'mode':
      return `${MODE_WORDS[event.mode] ?? event.mode}${byWhom(by, 'set')}.`;
    case 'locked':
      return `The conference is ${event.locked ? 'locked' : 'unlocked'}${byWhom(by)}.`;
    case 'recording':
      return `Recording has ${event.on ? 'begun' : 'ended'}${byWhom(by, event.on ? 'begun' : 'ended')}.`;
    case 'grace-started':
      return 'The last host left; the conference ends unless a host returns.';
    case 'warned':
      return `The conference ends in ${durationWords(event.leftMs)}; everybody hears it.`;
    case 'superseded':
      return event.by === null ? undefined : 'The host is here: all move to the conference.';
    case 'mixer-replaced':
      return `The conference moved to ${event.mixerId}, as its mixer was lost.`;
    case 'ended':
      return `The conference has ended, ${ENDED_WORDS[event.why] ?? event.why}.`;
    default:
      // Of a newer server.
      return undefined;
  }
}

/** Only a conferee who did it by keypad: what was done on a page or by an operator is what readers expect. */
function byWhom(by: Told['by'], verb = ''): string {
  if (typeof by !== 'number') return '';
  return `${verb === '' ? '' : `, ${verb}`} by number ${by}`;
}

/** Kinds that come in crowds; only their number is said then. */
const CROWDS: ReadonlyMap<string, string> = new Map([
  ['joined', 'came in'],
  ['left', 'left'],
  ['moved', 'moved'],
  ['muted', 'muted or unmuted'],
  ['hand', 'hands raised or lowered'],
  ['held', 'on or off hold'],
  ['sub-conference', 'changed sub-conference'],
  ['dial', 'calls went on'],
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
