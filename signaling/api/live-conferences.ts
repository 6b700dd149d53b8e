/** Conferences as the API reads them: rosters from the shared feeds, old events from the store. */
import type { MediaError } from '../../common/errors.ts';
import type { ConferenceId } from '../../common/ids.ts';
import { ok, type Result } from '../../common/result.ts';
import type { Entry, Store } from '../../common/store/store.ts';
import { eventDocument, type NumberedEvent, numbered } from '../conference/events.ts';
import type { LegMedia } from '../conference/leg-media.ts';
import { conferenceRecord, KEYS } from '../conference/records.ts';
import type { ConferenceBackend } from './backend.ts';
import type { Feed, Feeds } from './event-feed.ts';
import type { ConferenceSummary, LiveConference } from './schemas.ts';

type Reply<T> = Promise<Result<T, MediaError>>;

export interface EventPage {
  readonly items: readonly NumberedEvent[];
  readonly next: number | null;
}

export interface LiveConferences {
  list(): Reply<readonly ConferenceSummary[]>;
  /** Undefined when it has ended, or never was. */
  get(id: ConferenceId): Reply<LiveConference | undefined>;
  /** Of one that has ended too, as long as its log is kept; undefined: no log. */
  accountOf(id: ConferenceId): Reply<string | undefined>;
  events(id: ConferenceId, after: number, limit: number): Reply<EventPage>;
  control: ConferenceBackend['control'];
  dial: ConferenceBackend['dial'];
  dialList: ConferenceBackend['dialList'];
  cancelDial: ConferenceBackend['cancelDial'];
  /** Undefined: no such conference or ordinal; null: no call at the mixer now. */
  media(id: ConferenceId, ordinal: number): Reply<LegMedia | null | undefined>;
}

export interface LiveConferencesOptions {
  readonly store: Store;
  readonly feeds: Feeds;
  readonly backend: ConferenceBackend;
}

export function liveConferences({
  store,
  feeds,
  backend,
}: LiveConferencesOptions): LiveConferences {
  /** The revision of the record up to whose number a feed is known to be. */
  const seen = new WeakMap<Feed, number>();
  const checked = async (
    id: ConferenceId,
    entry: Entry | undefined,
  ): Reply<LiveConference | undefined> => {
    const record = conferenceRecord.safeParse(entry?.value);
    if (entry === undefined || !record.success) return ok(undefined);
    const feed = await feeds.of(id);
    const caughtUp = await feeds.upTo(feed, record.data.number);
    if (!caughtUp.ok) return caughtUp;
    seen.set(feed, entry.revision);
    return ok(feed.roster.ended === undefined ? feed.view : undefined);
  };
  const get: LiveConferences['get'] = async (id) => {
    // The record tells that it lives, and how far the feed must be at least.
    const entry = await store.get(KEYS.conference(id));
    if (!entry.ok) return entry;
    const feed = feeds.peek(id);
    // Most reads find what the last one found.
    if (
      feed !== undefined &&
      entry.value !== undefined &&
      seen.get(feed) === entry.value.revision
    ) {
      feeds.use(feed);
      return ok(feed.roster.ended === undefined ? feed.view : undefined);
    }
    return checked(id, entry.value);
  };
  return {
    get,
    list: () => backend.list(),
    control: (id, by, action) => backend.control(id, by, action),
    dial: (id, by, wish) => backend.dial(id, by, wish),
    dialList: (id, by) => backend.dialList(id, by),
    cancelDial: (id, by, dialId) => backend.cancelDial(id, by, dialId),
    async media(id, ordinal) {
      const live = await get(id);
      if (!live.ok) return live;
      const roster = feeds.peek(id)?.roster;
      const conferee = roster?.conferees.get(ordinal);
      if (live.value === undefined || roster?.created === undefined || conferee === undefined) {
        return ok(undefined);
      }
      return backend.measured(roster.created.mixerId, id, conferee.confereeId);
    },
    async accountOf(id) {
      const open = feeds.peek(id)?.roster.accountId;
      if (open !== undefined) return ok(open);
      const first = await store.get(KEYS.event(id, 1));
      if (!first.ok) return first;
      const document = eventDocument.safeParse(first.value?.value);
      const created = document.data?.events.find((event) => event.kind === 'created');
      return ok(created?.accountId);
    },
    async events(id, after, limit) {
      const items: NumberedEvent[] = [];
      let number = after + 1;
      const start = await documentWith(store, id, number);
      if (!start.ok) return start;
      number = start.value;
      while (items.length <= limit) {
        const entry = await store.get(KEYS.event(id, number));
        if (!entry.ok) return entry;
        const document = eventDocument.safeParse(entry.value?.value);
        if (!document.success) break;
        items.push(...numbered(id, document.data).filter((event) => event.number > after));
        number += document.data.events.length;
      }
      const page = items.slice(0, limit);
      return ok({ items: page, next: items.length > limit ? (page.at(-1)?.number ?? null) : null });
    },
  };
}

/** Events of one decision share a document, whose key has the first number: it may lie before. */
const MOST_EVENTS_OF_A_DECISION = 4_096;

async function documentWith(store: Store, id: ConferenceId, number: number): Reply<number> {
  const lowest = Math.max(1, number - MOST_EVENTS_OF_A_DECISION);
  for (let candidate = number; candidate > lowest; candidate--) {
    const entry = await store.get(KEYS.event(id, candidate));
    if (!entry.ok) return entry;
    if (entry.value !== undefined) return ok(candidate);
  }
  return ok(lowest);
}
