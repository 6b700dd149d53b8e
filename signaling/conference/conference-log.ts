/**
 * Appends to and reads the event log of one conference. The next free number is taken by
 * compareAndSet, so of several servers that decide at the same time one succeeds and the others
 * decide again, on what they have learnt. That alone keeps ordinals unique and rules obeyed.
 */
import type { Clock } from '../../common/clock.ts';
import { MediaError } from '../../common/errors.ts';
import type { ConferenceId } from '../../common/ids.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { Store } from '../../common/store/store.ts';
import {
  type ConferenceEvent,
  type EventDocument,
  eventDocument,
  type NumberedEvent,
  numbered,
} from './events.ts';
import { KEYS } from './records.ts';
import { Roster } from './roster.ts';

/** Lost races in a row after which something is wrong; each lost race is another server's success. */
const MAX_RACES = 200;

export interface LogOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Every event this process appended, in order. */
  readonly onAppended: (events: readonly NumberedEvent[]) => void;
  readonly onRaceLost: () => void;
}

export interface Decision<T> {
  /** None: nothing changes, the result is an answer about what is. */
  readonly events: readonly ConferenceEvent[];
  readonly result: T;
}

export interface DecisionContext {
  readonly requestId?: string;
  readonly by?: NonNullable<EventDocument['by']>;
}

export class ConferenceLog {
  readonly id: ConferenceId;
  readonly roster: Roster;
  readonly #options: LogOptions;

  constructor(id: ConferenceId, options: LogOptions) {
    this.id = id;
    this.roster = new Roster(id);
    this.#options = options;
  }

  /** Reads the whole log; for a conference that this process does not know yet. */
  async load(): Promise<Result<void, MediaError>> {
    const entries = await this.#options.store.list(KEYS.events(this.id));
    if (!entries.ok) return entries;
    for (const entry of entries.value) this.#take(entry.value);
    return ok(undefined);
  }

  /** Reads what others have appended. */
  async catchUp(): Promise<Result<void, MediaError>> {
    for (;;) {
      const key = KEYS.event(this.id, this.roster.number + 1);
      const entry = await this.#options.store.get(key);
      if (!entry.ok) return entry;
      if (entry.value === undefined) return ok(undefined);
      if (!this.#take(entry.value.value) && key === KEYS.event(this.id, this.roster.number + 1)) {
        return fail(new MediaError('internal', `unreadable event document ${key}`));
      }
    }
  }

  #take(value: unknown): boolean {
    const document = eventDocument.safeParse(value);
    return document.success && this.roster.apply(document.data);
  }

  /**
   * Decides on the newest state and appends what was decided, or decides again if another was
   * quicker. `decide` is pure and may run several times.
   */
  async commit<T>(
    decide: (roster: Roster, nowMs: number) => Decision<T>,
    context: DecisionContext = {},
  ): Promise<Result<T, MediaError>> {
    for (let race = 0; race < MAX_RACES; race++) {
      const current = await this.catchUp();
      if (!current.ok) return current;
      const atMs = this.#options.clock.wallMs();
      const { events, result } = decide(this.roster, atMs);
      if (events.length === 0) return ok(result);
      const document: EventDocument = {
        version: 1,
        number: this.roster.number + 1,
        atMs,
        ...context,
        events: [...events],
      };
      const key = KEYS.event(this.id, document.number);
      const appended = await this.#options.store.compareAndSet(key, document, 0);
      if (appended.ok) {
        // A catch-up that ran meanwhile may have read it already; applying twice does nothing.
        this.roster.apply(document);
        this.#options.onAppended(numbered(this.id, document));
        return ok(result);
      }
      if (appended.error.code !== 'conflict') return appended;
      this.#options.onRaceLost();
    }
    return fail(new MediaError('conflict', `conference ${this.id} changes too quickly`));
  }
}
