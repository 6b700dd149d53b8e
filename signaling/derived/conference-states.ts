/**
 * The conferences that somebody follows, folded from the one watch over the logs, and where each call has its
 * seat. What is followed by many is folded once.
 */
import type { Clock } from '../../common/clock.ts';
import type { CallId, ConferenceId } from '../../common/ids.ts';
import type { Logger } from '../../common/log.ts';
import type { Store } from '../../common/store/store.ts';
import { ConferenceLog } from '../conference/conference-log.ts';
import type { ConferenceEvent, EventDocument } from '../conference/events.ts';
import type { Roster } from '../conference/roster.ts';
import type { LogReader } from './log-watch.ts';

export interface Followed {
  readonly roster: Roster;
  /** Idempotent. */
  close(): void;
}

interface Shared {
  readonly log: ConferenceLog;
  readonly followers: Set<() => void>;
  /** Its log was read up to what it was then. */
  readonly ready: Promise<void>;
  catchingUp: boolean;
}

/** Which call has which seat of one conference. */
type Seats = Map<number, CallId>;

export class ConferenceStates implements LogReader {
  readonly #options: { readonly store: Store; readonly clock: Clock; readonly log: Logger };
  readonly #shared = new Map<ConferenceId, Shared>();
  readonly #seats = new Map<ConferenceId, Seats>();
  readonly #conferenceOf = new Map<CallId, ConferenceId>();

  constructor(options: { readonly store: Store; readonly clock: Clock; readonly log: Logger }) {
    this.#options = options;
  }

  conferenceOf(callId: CallId): ConferenceId | undefined {
    return this.#conferenceOf.get(callId);
  }

  /** Conferences that are followed now. */
  get size(): number {
    return this.#shared.size;
  }

  /** `onChange` after each change; the roster is as new as the log when this resolves. Rejects when the log cannot be read. */
  async follow(id: ConferenceId, onChange: () => void): Promise<Followed> {
    const shared = this.#shared.get(id) ?? this.#begin(id);
    const follower = (): void => onChange();
    shared.followers.add(follower);
    const close = (): void => {
      shared.followers.delete(follower);
      if (shared.followers.size === 0 && this.#shared.get(id) === shared) this.#shared.delete(id);
    };
    try {
      await shared.ready;
    } catch (error) {
      close();
      throw error;
    }
    return { roster: shared.log.roster, close };
  }

  #begin(id: ConferenceId): Shared {
    const { store, clock } = this.#options;
    const nothing = (): void => undefined;
    const log = new ConferenceLog(id, { store, clock, onAppended: nothing, onRaceLost: nothing });
    const ready = log.load().then((loaded) => {
      if (!loaded.ok) throw loaded.error;
    });
    const shared: Shared = { log, followers: new Set(), ready, catchingUp: false };
    this.#shared.set(id, shared);
    return shared;
  }

  // ── LogReader ──────────────────────────────────────────────────────────────────────────────

  onDocument(id: ConferenceId, document: EventDocument): void {
    for (const event of document.events) this.#seat(id, event);
    const shared = this.#shared.get(id);
    if (shared === undefined) return;
    const { roster } = shared.log;
    if (roster.apply(document)) this.#tell(shared);
    else if (document.number > roster.number) this.#catchUp(id, shared);
  }

  onGone(id: ConferenceId): void {
    this.#forget(id);
  }

  /** A gap: its first events are still being read. */
  #catchUp(id: ConferenceId, shared: Shared): void {
    if (shared.catchingUp) return;
    shared.catchingUp = true;
    const done = (): void => {
      shared.catchingUp = false;
    };
    shared.ready
      .then(() => shared.log.catchUp())
      .then(
        (caught) => {
          done();
          if (caught.ok) this.#tell(shared);
          else this.#options.log.error({ conferenceId: id, err: caught.error }, 'log not read');
        },
        // Whoever follows it was told.
        done,
      );
  }

  #tell({ followers }: Shared): void {
    for (const follower of [...followers]) follower();
  }

  #seat(id: ConferenceId, event: ConferenceEvent): void {
    switch (event.kind) {
      case 'joined': {
        const seats = this.#seats.get(id) ?? new Map<number, CallId>();
        this.#seats.set(id, seats.set(event.ordinal, event.caller.callId));
        this.#conferenceOf.set(event.caller.callId, id);
        break;
      }
      case 'left':
      case 'moved':
      case 'deleted':
        this.#leave(id, event.ordinal);
        break;
      case 'ended':
        this.#forget(id);
        break;
      default:
        break;
    }
  }

  #leave(id: ConferenceId, ordinal: number): void {
    const seats = this.#seats.get(id);
    const callId = seats?.get(ordinal);
    if (seats === undefined || callId === undefined) return;
    seats.delete(ordinal);
    // It may have a seat elsewhere by now.
    if (this.#conferenceOf.get(callId) === id) this.#conferenceOf.delete(callId);
  }

  #forget(id: ConferenceId): void {
    for (const ordinal of [...(this.#seats.get(id)?.keys() ?? [])]) this.#leave(id, ordinal);
    this.#seats.delete(id);
  }
}
