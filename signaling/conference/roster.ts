/**
 * What the event log of a conference adds up to: who is in it, by ordinal, and how it stands. Only
 * `apply` changes it. It never asks anybody and decides nothing.
 */
import type { AccountId, CallId, ConfereeId, ConferenceId, NodeId } from '../../common/ids.ts';
import { DIAL_PROGRESS, type DialState } from './dial-messages.ts';
import type { ConferenceEvent, EventDocument } from './events.ts';
import type { Caller, Role, TalkMode } from './messages.ts';
import type { ConferenceRecord } from './records.ts';

export interface Conferee {
  readonly ordinal: number;
  readonly confereeId: ConfereeId;
  readonly role: Role;
  readonly caller: Caller;
  readonly requestId: string;
  readonly joinedAtMs: number;
  readonly mutedBySelf: boolean;
  readonly mutedByHost: boolean;
  readonly mutedByMode: boolean;
  /** Out of the talk. */
  readonly held: boolean;
  /** The sub-conference that it is in; 0: none. */
  readonly sub: number;
  /** Number of the event that changed a mute bit or the place last; the version towards the mixer. */
  readonly muteVersion: number;
  /** Since when a hand is up; null: it is not. */
  readonly handRaisedAtMs: number | null;
}

export function isMuted(conferee: Conferee): boolean {
  return conferee.mutedBySelf || conferee.mutedByHost || conferee.mutedByMode;
}

/** What the mixer has to know of a conferee, and which state of it that is. */
export interface MixerState {
  readonly muted: boolean;
  readonly held: boolean;
  readonly sub: number;
  readonly version: number;
}

export function mixerStateOf(conferee: Conferee): MixerState {
  const { held, sub, muteVersion } = conferee;
  return { muted: isMuted(conferee), held, sub, version: muteVersion };
}
/** One call that was made for the conference, as its events say. */
export interface Dial {
  readonly dialId: CallId;
  readonly state: DialState;
  readonly number: string;
  readonly name?: string | undefined;
  readonly trunk: string;
  readonly confirm: boolean;
  readonly consult: boolean;
  readonly vruId?: NodeId | undefined;
  readonly vruStart?: string | undefined;
  readonly ordinal?: number | undefined;
  readonly atMs: number;
}

const DIAL_PROGRESSES: ReadonlySet<string> = new Set(DIAL_PROGRESS);
export const isDialOver = (state: DialState): boolean => !DIAL_PROGRESSES.has(state);

/** Somebody who is not in it any more. */
export interface Departed {
  readonly conferee: Conferee;
  /** Of the event, and when that was. */
  readonly number: number;
  readonly atMs: number;
  /** By a host or an operator: the VRU does not know it of itself. */
  readonly deleted: boolean;
}

type Created = Extract<ConferenceEvent, { kind: 'created' }>;
type Ended = Extract<ConferenceEvent, { kind: 'ended' }>;

/** Requests and departures remembered, so that a late retry has no second effect. */
const REMEMBERED = 2_048;
/** Departures remembered, so that a server that did not decide one can see to it that all hear of it. */
const DEPARTED_KEPT = 256;
/** Calls that were made and are over, kept to be shown. */
const DIALS_KEPT = 100;

export class Roster {
  readonly conferenceId: ConferenceId;
  /** Number of the last event that is in here; 0: the conference was not created. */
  number = 0;
  createdAtMs = 0;
  created: Omit<Created, 'kind'> | undefined;
  locked = false;
  /** Participants who come are muted; so is everybody but hosts unless unmuted since. */
  mutedAll = false;
  mode: TalkMode = 'open';
  nextOrdinal = 1;
  /** Number of the event that chose the present mixer; grows when it is replaced, also by itself. */
  mixerEpoch = 0;
  endAtMs: number | null = null;
  /** The last warning before an end: of which end, and how long before it. */
  warned: { readonly endAtMs: number; readonly leftMs: number } | undefined;
  /** The mixer that records it, and when that began. */
  recording: { readonly mixerId: NodeId; readonly sinceMs: number } | undefined;
  supersededBy: ConferenceId | null = null;
  ended: Omit<Ended, 'kind'> | undefined;
  /** By ordinal, in order. After the end: those who were in it then. */
  readonly conferees = new Map<number, Conferee>();
  /** In the order in which they were asked for; of those that are over the last ones. */
  readonly dials = new Map<CallId, Dial>();
  /** In their order, the last ones. */
  readonly departed: Departed[] = [];
  readonly #byCall = new Map<CallId, number>();
  readonly #byId = new Map<ConfereeId, number>();
  readonly #requests = new Set<string>();

  constructor(conferenceId: ConferenceId) {
    this.conferenceId = conferenceId;
  }

  get size(): number {
    return this.conferees.size;
  }

  get hosts(): number {
    let hosts = 0;
    for (const conferee of this.conferees.values()) if (conferee.role === 'host') hosts += 1;
    return hosts;
  }

  get accountId(): AccountId | undefined {
    return this.created?.accountId;
  }

  ofCall(callId: CallId): Conferee | undefined {
    return this.conferees.get(this.#byCall.get(callId) ?? 0);
  }

  ofId(confereeId: ConfereeId): Conferee | undefined {
    return this.conferees.get(this.#byId.get(confereeId) ?? 0);
  }

  /** The request had its effect already. */
  knows(requestId: string): boolean {
    return this.#requests.has(requestId);
  }

  /** Takes the next document; one that is not the next is not taken. */
  apply(document: EventDocument): boolean {
    if (document.number !== this.number + 1) return false;
    if (document.requestId !== undefined) this.#remember(document.requestId);
    for (const event of document.events) {
      this.number += 1;
      this.#take(event, document.atMs);
    }
    return true;
  }

  #take(event: ConferenceEvent, atMs: number): void {
    switch (event.kind) {
      case 'created':
        this.created = event;
        this.createdAtMs = atMs;
        this.mixerEpoch = this.number;
        break;
      case 'joined':
        this.#join(event, atMs);
        break;
      case 'left':
      case 'moved':
      case 'deleted':
        this.#remove(event.ordinal, atMs, event.kind === 'deleted');
        break;
      case 'muted': {
        const bit = event.bit === 'self' ? 'mutedBySelf' : 'mutedByHost';
        // A host who unmutes one conferee means it, also while the mode mutes all.
        // Who was waiting for the word has it then.
        const given = event.bit === 'host' && !event.muted;
        const word = given ? { mutedByMode: false, handRaisedAtMs: null } : {};
        this.#mute(event.ordinal, { [bit]: event.muted, ...word });
        break;
      }
      case 'muted-all':
        this.#muteAll(event.muted);
        if (!event.muted) this.mode = 'open';
        break;
      case 'mode':
        this.mode = event.mode;
        this.#muteAll(event.mode !== 'open');
        break;
      case 'hand':
        this.#change(event.ordinal, { handRaisedAtMs: event.raised ? atMs : null });
        break;
      case 'role':
        this.#change(event.ordinal, { role: event.role });
        if (event.role === 'host') {
          this.#mute(event.ordinal, { mutedByMode: false });
          this.endAtMs = null;
        }
        break;
      case 'held':
        this.#mute(event.ordinal, { held: event.held });
        break;
      case 'sub-conference':
        this.#mute(event.ordinal, { sub: event.sub });
        break;
      case 'operator-called':
        break;
      case 'recording':
        this.recording = event.on ? { mixerId: event.mixerId, sinceMs: atMs } : undefined;
        break;
      case 'warned':
        this.warned = event;
        break;
      case 'locked':
        this.locked = event.locked;
        break;
      case 'mixer-replaced':
        if (this.created !== undefined) {
          const { mixerId, mixerAddress } = event;
          this.created = { ...this.created, mixerId, mixerAddress };
          this.recording = undefined;
          this.mixerEpoch = this.number;
        }
        break;
      case 'grace-started':
        this.endAtMs = event.endAtMs;
        // It is said with the departure of the host.
        this.warned = { endAtMs: event.endAtMs, leftMs: event.endAtMs - atMs };
        break;
      case 'superseded':
        this.supersededBy = event.by;
        break;
      case 'dial':
        this.#dial(event, atMs);
        break;
      case 'ended':
        this.ended = event;
        this.endAtMs = null;
        break;
    }
  }

  #join(event: Extract<ConferenceEvent, { kind: 'joined' }>, atMs: number): void {
    const { ordinal, confereeId, role, caller, requestId } = event;
    this.conferees.set(ordinal, {
      ordinal,
      confereeId,
      role,
      caller,
      requestId,
      joinedAtMs: atMs,
      mutedBySelf: false,
      mutedByHost: false,
      mutedByMode: this.mutedAll && role !== 'host',
      held: false,
      sub: 0,
      muteVersion: this.number,
      handRaisedAtMs: null,
    });
    this.#byCall.set(caller.callId, ordinal);
    this.#byId.set(confereeId, ordinal);
    this.nextOrdinal = ordinal + 1;
    this.#remember(requestId);
    if (role === 'host') this.endAtMs = null;
  }

  #dial(event: Extract<ConferenceEvent, { kind: 'dial' }>, atMs: number): void {
    const before = this.dials.get(event.dialId);
    this.dials.set(event.dialId, {
      dialId: event.dialId,
      state: event.state,
      number: event.number ?? before?.number ?? '',
      name: event.name ?? before?.name,
      trunk: event.trunk ?? before?.trunk ?? '',
      confirm: event.confirm ?? before?.confirm ?? true,
      consult: event.consult ?? before?.consult ?? false,
      vruId: event.vruId ?? before?.vruId,
      vruStart: event.vruStart ?? before?.vruStart,
      ordinal: event.ordinal ?? before?.ordinal,
      atMs,
    });
    if (!isDialOver(event.state)) return;
    const over = [...this.dials.values()].filter(({ state }) => isDialOver(state));
    for (const { dialId } of over.slice(0, -DIALS_KEPT)) this.dials.delete(dialId);
  }

  #muteAll(mutedByMode: boolean): void {
    this.mutedAll = mutedByMode;
    for (const { ordinal, role } of [...this.conferees.values()]) {
      if (role === 'host') continue;
      // Once all may talk, nobody waits for the word.
      this.#mute(ordinal, mutedByMode ? { mutedByMode } : { mutedByMode, handRaisedAtMs: null });
    }
  }

  #mute(ordinal: number, bits: Partial<Conferee>): void {
    this.#change(ordinal, { ...bits, muteVersion: this.number });
  }

  #change(ordinal: number, change: Partial<Conferee>): void {
    const conferee = this.conferees.get(ordinal);
    if (conferee !== undefined) this.conferees.set(ordinal, { ...conferee, ...change });
  }

  #remove(ordinal: number, atMs: number, deleted: boolean): void {
    const conferee = this.conferees.get(ordinal);
    if (conferee === undefined) return;
    this.conferees.delete(ordinal);
    this.departed.push({ conferee, number: this.number, atMs, deleted });
    if (this.departed.length > DEPARTED_KEPT) this.departed.shift();
    this.#byId.delete(conferee.confereeId);
    if (this.#byCall.get(conferee.caller.callId) === ordinal) {
      this.#byCall.delete(conferee.caller.callId);
    }
  }

  #remember(requestId: string): void {
    this.#requests.add(requestId);
    if (this.#requests.size <= REMEMBERED) return;
    for (const oldest of this.#requests) {
      this.#requests.delete(oldest);
      return;
    }
  }

  /** The document `conference/ID`; undefined before creation and after the end. */
  record(): ConferenceRecord | undefined {
    if (this.created === undefined || this.ended !== undefined) return undefined;
    const { accountId, code, mixerId, mixerAddress, mixerClass, temporary } = this.created;
    return {
      version: 1,
      conferenceId: this.conferenceId,
      accountId,
      code,
      mixerId,
      mixerAddress,
      mixerClass,
      temporary,
      locked: this.locked,
      mutedAll: this.mutedAll,
      mode: this.mode,
      nextOrdinal: this.nextOrdinal,
      size: this.size,
      hosts: this.hosts,
      endAtMs: this.endAtMs,
      createdAtMs: this.createdAtMs,
      number: this.number,
    };
  }
}
