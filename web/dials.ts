/** Calls that were made for a conference, as its events say; part of the fold in state.ts. Pure. */

export interface Dial {
  readonly dialId: string;
  readonly state: string;
  readonly number: string;
  readonly name?: string | undefined;
  /** A host called by keypad and talks with the called person first. */
  readonly consult: boolean;
  readonly ordinal?: number | undefined;
  readonly at: string;
}

export interface DialEvent {
  readonly kind: 'dial';
  readonly dialId: string;
  readonly state: string;
  readonly number?: string | undefined;
  readonly name?: string | undefined;
  readonly consult?: boolean | undefined;
  readonly ordinal?: number | undefined;
}

/** As the server keeps them (signaling/conference/roster.ts). */
const OVER_KEPT = 100;
const OPEN: ReadonlySet<string> = new Set(['queued', 'dialling', 'ringing', 'answered', 'joined']);

export const isOver = ({ state }: Pick<Dial, 'state'>): boolean => !OPEN.has(state);
/** Until it is in the conference or over, it can be taken back. */
export const isComing = (dial: Dial): boolean => !isOver(dial) && dial.state !== 'joined';
export const calledName = ({ name, number }: Pick<Dial, 'name' | 'number'>): string =>
  name === undefined ? number : `${name}, ${number}`;

export function foldDial(dials: readonly Dial[], event: DialEvent, atMs: number): readonly Dial[] {
  const before = dials.find(({ dialId }) => dialId === event.dialId);
  const name = event.name ?? before?.name;
  const ordinal = event.ordinal ?? before?.ordinal;
  const after: Dial = {
    dialId: event.dialId,
    state: event.state,
    number: event.number ?? before?.number ?? '',
    consult: event.consult ?? before?.consult ?? false,
    ...(name === undefined ? {} : { name }),
    ...(ordinal === undefined ? {} : { ordinal }),
    at: new Date(atMs).toISOString(),
  };
  const all =
    before === undefined ? [...dials, after] : dials.map((one) => (one === before ? after : one));
  if (!isOver(after)) return all;
  const dropped = new Set(all.filter(isOver).slice(0, -OVER_KEPT));
  return dropped.size === 0 ? all : all.filter((one) => !dropped.has(one));
}

const WORDS: Readonly<Record<string, string>> = {
  queued: 'waits for its turn',
  dialling: 'is being called',
  ringing: 'rings',
  answered: 'answered',
  joined: 'is in the conference',
  busy: 'is busy',
  'no-answer': 'does not answer',
  failed: 'could not be reached',
  'not-confirmed': 'did not confirm',
  cancelled: 'is not called any more',
  'hung-up': 'hung up',
  'time-limit': 'reached the time limit',
  limit: 'not called: a limit is reached',
  'not-allowed': 'not called: the number is not allowed',
  'not-available': 'not called: calling out is not available',
  'bad-number': 'not called: this is no number',
  'no-vru': 'not called: nothing takes the call now',
  'conference-full': 'not called: the conference is full',
  lost: 'was lost',
};

export const stateWords = (state: string): string => WORDS[state] ?? state;

export function dialWords(dials: readonly Dial[], event: DialEvent): string | undefined {
  // That somebody came in is said already.
  if (event.state === 'joined' || event.state === 'queued') return undefined;
  const before = dials.find(({ dialId }) => dialId === event.dialId);
  const number = event.number ?? before?.number ?? '';
  return `${calledName({ number, name: event.name ?? before?.name })}: ${stateWords(event.state)}.`;
}
