/**
 * What the page knows, as a pure fold of what the event stream says: snapshots and numbered events.
 * It never guesses: a button that was pressed changes nothing here until its event comes back. Start
 * at `reduce`. The server folds the same log (signaling/conference/roster.ts); test/web holds both equal.
 */

import { type Dial, type DialEvent, foldDial } from './dials.ts';
import { inWords } from './words.ts';

export type MuteBit = 'self' | 'host' | 'mode';

/** Who is heard without being asked: everybody, hosts and who was given the word, hosts alone. */
export type TalkMode = 'open' | 'questions' | 'lecture';

export interface Conferee {
  readonly ordinal: number;
  readonly role: string;
  readonly callerNumber: string;
  readonly callerName?: string | undefined;
  readonly mutedBy: readonly MuteBit[];
  /** Null: it is not up. */
  readonly handRaisedAt: string | null;
  /** Out of the talk: hears music. */
  readonly held: boolean;
  /** The sub-conference that it is in; 0: none. */
  readonly sub: number;
  readonly vruId: string;
  readonly joinedAt: string;
}

export interface Conference {
  readonly id: string;
  /** Of the last event that is in here. */
  readonly number: number;
  readonly accountId: string;
  readonly mixerId: string;
  readonly mixerClass: string;
  readonly locked: boolean;
  readonly mutedAll: boolean;
  readonly mode: TalkMode;
  readonly temporary: boolean;
  readonly ended: boolean;
  readonly endAt: string | null;
  readonly createdAt: string;
  /** Null: it is not recorded. */
  readonly recordingSince: string | null;
  /** By ordinal, in order. */
  readonly conferees: ReadonlyMap<number, Conferee>;
  /** Calls that were made for it, in order. */
  readonly dials: readonly Dial[];
  readonly talking: ReadonlySet<number>;
  /** What happened of late, in words; oldest first. */
  readonly activity: readonly Activity[];
}

export interface Activity {
  readonly number: number;
  readonly atMs: number;
  readonly kind: string;
  readonly text: string;
  /** Whom it is about. */
  readonly ordinal?: number | undefined;
}

export interface PageState {
  readonly conferences: ReadonlyMap<string, Conference>;
  /** An event is missing: the stream must be asked again. */
  readonly gap: boolean;
}

export const EMPTY: PageState = { conferences: new Map(), gap: false };

const ACTIVITY_KEPT = 50;
/** Ended ones stay visible for a while, the oldest go first. */
const ENDED_KEPT = 5;

// ── what the stream says ─────────────────────────────────────────────────────────────────────

export interface SnapshotConference extends Omit<Conference, 'conferees' | 'talking' | 'activity'> {
  readonly conferees: readonly Conferee[];
}

interface Caller {
  readonly vruId: string;
  readonly callerNumber: string;
  readonly callerName?: string | undefined;
}

/** Kinds of events that the page understands; others only advance the number. */
export type KnownEvent =
  | {
      readonly kind: 'created';
      readonly accountId: string;
      readonly mixerId: string;
      readonly mixerClass: string;
      readonly temporary: boolean;
    }
  | {
      readonly kind: 'joined';
      readonly ordinal: number;
      readonly role: string;
      readonly caller: Caller;
    }
  | { readonly kind: 'left'; readonly ordinal: number; readonly why: string }
  | { readonly kind: 'moved'; readonly ordinal: number }
  | { readonly kind: 'deleted'; readonly ordinal: number }
  | {
      readonly kind: 'muted';
      readonly ordinal: number;
      readonly bit: 'self' | 'host';
      readonly muted: boolean;
    }
  | { readonly kind: 'muted-all'; readonly muted: boolean }
  | { readonly kind: 'mode'; readonly mode: TalkMode }
  | { readonly kind: 'hand'; readonly ordinal: number; readonly raised: boolean }
  | {
      readonly kind: 'role';
      readonly ordinal: number;
      readonly role: string;
      readonly why?: 'made' | 'succession' | undefined;
    }
  | { readonly kind: 'held'; readonly ordinal: number; readonly held: boolean }
  | { readonly kind: 'operator-called'; readonly ordinal: number }
  | {
      readonly kind: 'recording';
      readonly on: boolean;
      readonly mixerId?: string | undefined;
      readonly file?: string | undefined;
    }
  | { readonly kind: 'sub-conference'; readonly ordinal: number; readonly sub: number }
  | { readonly kind: 'locked'; readonly locked: boolean }
  | { readonly kind: 'mixer-replaced'; readonly mixerId: string }
  | { readonly kind: 'grace-started'; readonly endAtMs: number }
  | { readonly kind: 'warned'; readonly endAtMs: number; readonly leftMs: number }
  | { readonly kind: 'superseded'; readonly by: string | null }
  | DialEvent
  | { readonly kind: 'ended'; readonly why: string };

export interface NumberedEvent {
  readonly conferenceId: string;
  readonly number: number;
  readonly atMs: number;
  /** Who asked for it: an ordinal, or an operator or a host's page by name. */
  readonly by?: number | string | undefined;
  readonly event: KnownEvent;
}

export type StreamMessage =
  | { readonly type: 'subscribed' }
  | { readonly type: 'snapshot'; readonly conference: SnapshotConference }
  | ({ readonly type: 'event' } & NumberedEvent)
  | {
      readonly type: 'talking';
      readonly conferenceId: string;
      readonly ordinals: readonly number[];
    }
  /** Not of the stream: the connection is lost, so nobody knows who talks. */
  | { readonly type: 'lost' }
  | { readonly type: 'gone'; readonly conferenceId: string }
  | { readonly type: 'refused'; readonly detail: string };

// ── the fold ─────────────────────────────────────────────────────────────────────────────────

export function reduce(state: PageState, message: StreamMessage): PageState {
  switch (message.type) {
    case 'subscribed':
      return { ...state, gap: false };
    case 'snapshot':
      return put(state, fromSnapshot(message.conference, state));
    case 'event':
      return takeEvent(state, message);
    case 'talking': {
      const present = state.conferences.get(message.conferenceId);
      return present === undefined
        ? state
        : put(state, { ...present, talking: new Set(message.ordinals) });
    }
    case 'lost': {
      const quiet = [...state.conferences].map(
        ([id, one]) => [id, { ...one, talking: new Set<number>() }] as const,
      );
      return { ...state, conferences: new Map(quiet) };
    }
    case 'gone': {
      const conferences = new Map(state.conferences);
      conferences.delete(message.conferenceId);
      return { ...state, conferences };
    }
    case 'refused':
      return state;
  }
}

/** Where to resume: the last number of each conference that has not ended. */
export function cursors(state: PageState): Record<string, number> {
  const after: Record<string, number> = {};
  for (const { id, number, ended } of state.conferences.values()) if (!ended) after[id] = number;
  return after;
}

function put(state: PageState, conference: Conference): PageState {
  const conferences = new Map(state.conferences);
  conferences.set(conference.id, conference);
  if (conference.ended) {
    const ended = [...conferences.values()].filter((one) => one.ended);
    for (const { id } of ended.slice(0, Math.max(0, ended.length - ENDED_KEPT))) {
      conferences.delete(id);
    }
  }
  return { ...state, conferences };
}

function fromSnapshot(snapshot: SnapshotConference, state: PageState): Conference {
  const before = state.conferences.get(snapshot.id);
  const { id, number, accountId, mixerId, mixerClass } = snapshot;
  const { locked, mutedAll, mode, temporary, ended, endAt, createdAt, recordingSince } = snapshot;
  return {
    ...{ id, number, accountId, mixerId, mixerClass },
    ...{ locked, mutedAll, mode, temporary, ended, endAt, createdAt, recordingSince },
    conferees: new Map(snapshot.conferees.map((one) => [one.ordinal, confereeOf(one)])),
    dials: snapshot.dials,
    talking: new Set(),
    activity: before?.activity ?? [],
  };
}

/** Only what the page keeps: a newer server may say more. */
function confereeOf(given: Conferee): Conferee {
  const { ordinal, role, callerNumber, callerName, mutedBy, handRaisedAt } = given;
  const { held, sub, vruId, joinedAt } = given;
  return {
    ...{ ordinal, role, callerNumber, mutedBy, handRaisedAt, held, sub, vruId, joinedAt },
    ...(callerName === undefined ? {} : { callerName }),
  };
}

function takeEvent(state: PageState, numbered: NumberedEvent): PageState {
  const { conferenceId, number, atMs, event } = numbered;
  const present = state.conferences.get(conferenceId);
  if (present === undefined) {
    return event.kind === 'created' && number === 1
      ? put(state, begin(conferenceId, atMs, event))
      : { ...state, gap: true };
  }
  // The same event again changes nothing.
  if (number <= present.number) return state;
  if (number !== present.number + 1) return { ...state, gap: true };
  const text = inWords(present, numbered);
  const said: Activity[] =
    text === undefined ? [] : [{ number, atMs, kind: event.kind, text, ordinal: aboutWhom(event) }];
  const activity =
    said.length === 0 ? present.activity : [...present.activity, ...said].slice(-ACTIVITY_KEPT);
  return put(state, { ...present, ...change(present, event, atMs), number, activity });
}

const aboutWhom = (event: KnownEvent): number | undefined =>
  'ordinal' in event ? event.ordinal : undefined;

function begin(
  id: string,
  atMs: number,
  { accountId, mixerId, mixerClass, temporary }: Extract<KnownEvent, { kind: 'created' }>,
): Conference {
  return {
    id,
    number: 1,
    ...{ accountId, mixerId, mixerClass, temporary },
    locked: false,
    mutedAll: false,
    mode: 'open',
    ended: false,
    endAt: null,
    createdAt: new Date(atMs).toISOString(),
    recordingSince: null,
    conferees: new Map(),
    dials: [],
    talking: new Set(),
    activity: [],
  };
}

function change(present: Conference, event: KnownEvent, atMs: number): Partial<Conference> {
  switch (event.kind) {
    case 'created':
      return {};
    case 'joined':
      return join(present, event, atMs);
    case 'left':
    case 'moved':
    case 'deleted': {
      const conferees = new Map(present.conferees);
      conferees.delete(event.ordinal);
      return { conferees };
    }
    case 'muted': {
      return changed(present, event.ordinal, (conferee) => {
        const mutedBy = withBit(conferee.mutedBy, event.bit, event.muted);
        // A host who unmutes one conferee means it, also while the mode mutes all: it has the word.
        return event.bit === 'host' && !event.muted
          ? { mutedBy: withBit(mutedBy, 'mode', false), handRaisedAt: null }
          : { mutedBy };
      });
    }
    case 'muted-all':
      return muteAll(present, event.muted, event.muted ? present.mode : 'open');
    case 'mode':
      return muteAll(present, event.mode !== 'open', event.mode);
    case 'hand':
      return changed(present, event.ordinal, () => ({
        handRaisedAt: event.raised ? new Date(atMs).toISOString() : null,
      }));
    case 'role': {
      const { role } = event;
      const asHost = changed(present, event.ordinal, ({ mutedBy }) => ({
        role,
        ...(role === 'host' ? { mutedBy: withBit(mutedBy, 'mode', false) } : {}),
      }));
      return { ...asHost, ...(role === 'host' ? { endAt: null } : {}) };
    }
    case 'locked':
      return { locked: event.locked };
    case 'held':
      return changed(present, event.ordinal, () => ({ held: event.held }));
    case 'sub-conference':
      return changed(present, event.ordinal, () => ({ sub: event.sub }));
    case 'recording':
      return { recordingSince: event.on ? new Date(atMs).toISOString() : null };
    case 'mixer-replaced':
      // The new one records only once it says so.
      return { mixerId: event.mixerId, recordingSince: null };
    case 'operator-called':
    case 'warned':
    case 'superseded':
      return {};
    case 'grace-started':
      return { endAt: new Date(event.endAtMs).toISOString() };
    case 'dial':
      return { dials: foldDial(present.dials, event, atMs) };
    case 'ended':
      return { ended: true, endAt: null, talking: new Set() };
    default:
      // Of a newer server: it counts, and is not shown.
      return {};
  }
}

/** One conferee with something else about it. */
function changed(
  present: Conference,
  ordinal: number,
  change: (conferee: Conferee) => Partial<Conferee>,
): Partial<Conference> {
  const conferee = present.conferees.get(ordinal);
  if (conferee === undefined) return {};
  const after = { ...conferee, ...change(conferee) };
  return { conferees: new Map(present.conferees).set(ordinal, after) };
}

function muteAll(present: Conference, muted: boolean, mode: TalkMode): Partial<Conference> {
  const conferees = new Map<number, Conferee>();
  for (const [ordinal, one] of present.conferees) {
    const isHost = one.role === 'host';
    conferees.set(ordinal, {
      ...one,
      mutedBy: isHost ? one.mutedBy : withBit(one.mutedBy, 'mode', muted),
      // Once all may talk, nobody waits for the word.
      handRaisedAt: isHost || muted ? one.handRaisedAt : null,
    });
  }
  return { mutedAll: muted, mode, conferees };
}

function join(
  present: Conference,
  { ordinal, role, caller }: Extract<KnownEvent, { kind: 'joined' }>,
  atMs: number,
): Partial<Conference> {
  const conferee: Conferee = {
    ordinal,
    role,
    callerNumber: caller.callerNumber,
    ...(caller.callerName === undefined ? {} : { callerName: caller.callerName }),
    mutedBy: present.mutedAll && role !== 'host' ? ['mode'] : [],
    handRaisedAt: null,
    held: false,
    sub: 0,
    vruId: caller.vruId,
    joinedAt: new Date(atMs).toISOString(),
  };
  return {
    conferees: new Map(present.conferees).set(ordinal, conferee),
    ...(role === 'host' ? { endAt: null } : {}),
  };
}

const BITS: readonly MuteBit[] = ['self', 'host', 'mode'];

function withBit(bits: readonly MuteBit[], bit: MuteBit, on: boolean): readonly MuteBit[] {
  return BITS.filter((one) => (one === bit ? on : bits.includes(one)));
}
