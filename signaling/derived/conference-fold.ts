/** What call records and conference records need of one event log, folded as it grows. */
import type { CallId, ConferenceId, NodeId } from '../../common/ids.ts';
import type { ConferenceEvent, EventDocument } from '../conference/events.ts';
import type { Role } from '../conference/messages.ts';
import type { ConferenceSummaryRecord, SeatRecord } from './records.ts';

/** A stay that may still go on. */
export interface Stay {
  readonly callId: CallId;
  readonly vruId: NodeId;
  readonly vruStart: string | undefined;
  readonly callerNumber: string;
  readonly callerName: string | undefined;
  readonly dnis: string;
  /** Null: the call is still there. */
  seat: SeatRecord | null;
  /** As far as known while it goes on. */
  opened: Omit<SeatRecord, 'leftAtMs' | 'why'>;
}

type Created = Extract<ConferenceEvent, { kind: 'created' }>;
type Why = SeatRecord['why'];

export interface FoldEvents {
  readonly onJoined: (stay: Stay) => void;
  readonly onLeft: (stay: Stay) => void;
  readonly onEnded: (record: ConferenceSummaryRecord) => void;
}

export class ConferenceFold {
  readonly #id: ConferenceId;
  readonly #events: FoldEvents;
  readonly #present = new Map<number, Stay>();
  readonly #mixers: NodeId[] = [];
  #created: Created | undefined;
  #createdAtMs = 0;
  #number = 0;
  #conferees = 0;
  #peak = 0;
  #confereeMs = 0;

  constructor(id: ConferenceId, events: FoldEvents) {
    this.#id = id;
    this.#events = events;
  }

  take({ number, atMs, events }: EventDocument): void {
    if (number !== this.#number + 1) return;
    for (const event of events) {
      this.#number += 1;
      this.#take(event, atMs);
    }
  }

  #take(event: ConferenceEvent, atMs: number): void {
    switch (event.kind) {
      case 'created':
        this.#created = event;
        this.#createdAtMs = atMs;
        this.#mixers.push(event.mixerId);
        break;
      case 'mixer-replaced':
        this.#mixers.push(event.mixerId);
        break;
      case 'joined':
        this.#join(event, atMs);
        break;
      case 'role':
        this.#promote(event.ordinal, event.role);
        break;
      case 'left':
        this.#leave(event.ordinal, event.why, atMs);
        break;
      case 'moved':
        this.#leave(event.ordinal, 'moved', atMs);
        break;
      case 'deleted':
        this.#leave(event.ordinal, 'deleted', atMs);
        break;
      case 'ended':
        this.#end(event.why, atMs);
        break;
      default:
        break;
    }
  }

  #join(event: Extract<ConferenceEvent, { kind: 'joined' }>, joinedAtMs: number): void {
    const { ordinal, role, caller } = event;
    const accountId = this.#created?.accountId;
    if (accountId === undefined) return;
    const temporary = this.#created?.temporary === true;
    const opened = { conferenceId: this.#id, accountId, ordinal, role, temporary, joinedAtMs };
    const { callId, vruId, vruStart, callerNumber, callerName, dnis } = caller;
    const who = { callId, vruId, vruStart, callerNumber, callerName, dnis };
    const stay: Stay = { ...who, seat: null, opened };
    this.#present.set(ordinal, stay);
    this.#conferees += 1;
    this.#peak = Math.max(this.#peak, this.#present.size);
    this.#events.onJoined(stay);
  }

  #promote(ordinal: number, role: Role): void {
    const stay = this.#present.get(ordinal);
    if (stay !== undefined) stay.opened = { ...stay.opened, role };
  }

  #leave(ordinal: number, why: Why, leftAtMs: number): void {
    const stay = this.#present.get(ordinal);
    if (stay === undefined) return;
    this.#present.delete(ordinal);
    stay.seat = { ...stay.opened, leftAtMs, why };
    this.#confereeMs += Math.max(0, leftAtMs - stay.opened.joinedAtMs);
    this.#events.onLeft(stay);
  }

  #end(endedBy: ConferenceSummaryRecord['endedBy'], endedAtMs: number): void {
    for (const ordinal of [...this.#present.keys()]) this.#leave(ordinal, 'ended', endedAtMs);
    if (this.#created === undefined) return;
    const { accountId, mixerClass, temporary } = this.#created;
    this.#events.onEnded({
      version: 1,
      conferenceId: this.#id,
      accountId,
      mixerClass,
      mixers: [...this.#mixers],
      temporary,
      createdAtMs: this.#createdAtMs,
      endedAtMs,
      endedBy,
      conferees: this.#conferees,
      peak: this.#peak,
      confereeMs: this.#confereeMs,
      events: this.#number,
    });
  }
}
