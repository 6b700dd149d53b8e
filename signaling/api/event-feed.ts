/**
 * One conference as the API knows it: the fold of its log and the newest events, kept up to date by
 * a watch of the store and shared by every reader in this process. Opened when first asked for,
 * closed when nobody has asked for a while. It never writes.
 */
import type { Clock } from '../../common/clock.ts';
import type { MediaError } from '../../common/errors.ts';
import type { ConfereeId, ConferenceId } from '../../common/ids.ts';
import { ok, type Result } from '../../common/result.ts';
import type { Store, Watch } from '../../common/store/store.ts';
import { eventDocument, type NumberedEvent, numbered } from '../conference/events.ts';
import { KEYS } from '../conference/records.ts';
import { type Conferee, type Dial, isMuted, Roster } from '../conference/roster.ts';
import type { DialView, LiveConference } from './schemas.ts';

/** Events at hand for readers that resume or lag; one that is further behind gets a snapshot or is closed. */
const TAIL = 4_096;
/** Feeds that nobody reads stay open for so long, as pages ask again. */
const LINGER_MS = 30_000;

export interface FeedListener {
  /** Something is new; read it with `since`. */
  changed(feed: Feed): void;
  talking(feed: Feed): void;
}

interface Kept {
  readonly number: number;
  /** As it goes over the wire; written once for all readers. */
  readonly text: string;
}

export class Feed {
  readonly id: ConferenceId;
  readonly roster: Roster;
  readonly listeners = new Set<FeedListener>();
  readonly #tail: Kept[] = [];
  readonly #talking = new Set<ConfereeId>();
  #view: LiveConference | undefined;
  #talkingText = '';
  lastUsedMs = 0;
  watch: Watch | undefined;

  constructor(id: ConferenceId) {
    this.id = id;
    this.roster = new Roster(id);
  }

  get number(): number {
    return this.roster.number;
  }

  /** Takes a document of the log, from the watch or from a direct read; what is known already is passed over. */
  take(value: unknown): void {
    const document = eventDocument.safeParse(value);
    if (!document.success || !this.roster.apply(document.data)) return;
    this.#view = undefined;
    for (const event of numbered(this.id, document.data)) this.#keep(event);
    for (const listener of this.listeners) listener.changed(this);
  }

  #keep(event: NumberedEvent): void {
    this.#tail.push({
      number: event.number,
      text: JSON.stringify({ type: 'event', ...event }),
    });
    if (this.#tail.length > 2 * TAIL) this.#tail.splice(0, this.#tail.length - TAIL);
  }

  /** Whether everything after `number` is at hand. */
  reaches(number: number): boolean {
    const first = this.#tail[0]?.number ?? this.number + 1;
    return number >= first - 1 && number <= this.number;
  }

  /** The event after `number`, as text; undefined when there is none yet. */
  next(number: number): string | undefined {
    const first = this.#tail[0];
    return first === undefined ? undefined : this.#tail[number + 1 - first.number]?.text;
  }

  /** Null before creation. After the end: as it was then, with `ended`. */
  get view(): LiveConference | undefined {
    this.#view ??= liveView(this.roster);
    return this.#view;
  }

  setTalking(conferee: ConfereeId, talking: boolean): boolean {
    if (talking === this.#talking.has(conferee)) return false;
    if (talking) this.#talking.add(conferee);
    else this.#talking.delete(conferee);
    return true;
  }

  get hasTalkers(): boolean {
    return this.#talking.size > 0;
  }

  /** Exactly these talk; whether that is news. */
  setTalkers(conferees: readonly ConfereeId[]): boolean {
    const same =
      conferees.length === this.#talking.size && conferees.every((id) => this.#talking.has(id));
    if (same) return false;
    this.#talking.clear();
    for (const id of conferees) this.#talking.add(id);
    return true;
  }

  /** The message about who talks; undefined when it says what the last one said. */
  talkingNow(): string | undefined {
    const ordinals: number[] = [];
    for (const id of this.#talking) {
      const conferee = this.roster.ofId(id);
      if (conferee === undefined) this.#talking.delete(id);
      else if (!isMuted(conferee)) ordinals.push(conferee.ordinal);
    }
    ordinals.sort((a, b) => a - b);
    const text = JSON.stringify({ type: 'talking', conferenceId: this.id, ordinals });
    if (text === this.#talkingText) return undefined;
    this.#talkingText = text;
    return text;
  }

  get lastTalking(): string {
    return this.#talkingText;
  }
}

/** What the log adds up to, as the API shows it. */
export function liveView(roster: Roster): LiveConference | undefined {
  const { created } = roster;
  if (created === undefined) return undefined;
  return {
    id: roster.conferenceId,
    number: roster.number,
    accountId: created.accountId,
    mixerId: created.mixerId,
    mixerClass: created.mixerClass,
    locked: roster.locked,
    mutedAll: roster.mutedAll,
    mode: roster.mode,
    temporary: created.temporary,
    ended: roster.ended !== undefined,
    endAt: roster.endAtMs === null ? null : new Date(roster.endAtMs).toISOString(),
    size: roster.size,
    createdAt: new Date(roster.createdAtMs).toISOString(),
    recordingSince:
      roster.recording === undefined ? null : new Date(roster.recording.sinceMs).toISOString(),
    conferees: [...roster.conferees.values()].map(confereeOf),
    dials: [...roster.dials.values()].map(dialOf),
  };
}

function dialOf({ dialId, state, number, name, consult, ordinal, atMs }: Dial): DialView {
  return {
    ...{ dialId, state, number, consult, at: new Date(atMs).toISOString() },
    ...(name === undefined ? {} : { name }),
    ...(ordinal === undefined ? {} : { ordinal }),
  };
}

function confereeOf(member: Conferee): LiveConference['conferees'][number] {
  const { callerNumber, callerName, vruId } = member.caller;
  return {
    ordinal: member.ordinal,
    role: member.role,
    callerNumber,
    ...(callerName === undefined ? {} : { callerName }),
    muted: isMuted(member),
    mutedBy: [
      ...(member.mutedBySelf ? (['self'] as const) : []),
      ...(member.mutedByHost ? (['host'] as const) : []),
      ...(member.mutedByMode ? (['mode'] as const) : []),
    ],
    handRaisedAt:
      member.handRaisedAtMs === null ? null : new Date(member.handRaisedAtMs).toISOString(),
    held: member.held,
    sub: member.sub,
    vruId,
    joinedAt: new Date(member.joinedAtMs).toISOString(),
  };
}

export interface FeedsOptions {
  readonly store: Store;
  readonly clock: Clock;
}

/** Every feed of this process. */
export class Feeds {
  readonly #options: FeedsOptions;
  readonly #feeds = new Map<ConferenceId, Promise<Feed>>();
  readonly #open = new Map<ConferenceId, Feed>();
  readonly #sweep;

  constructor(options: FeedsOptions) {
    this.#options = options;
    this.#sweep = options.clock.every(LINGER_MS, () => this.#closeUnused());
  }

  /** Only if it is open. */
  peek(id: ConferenceId): Feed | undefined {
    return this.#open.get(id);
  }

  get size(): number {
    return this.#open.size;
  }

  /** It is wanted still. */
  use(feed: Feed): void {
    feed.lastUsedMs = this.#options.clock.nowMs();
  }

  async of(id: ConferenceId): Promise<Feed> {
    const present = this.#open.get(id);
    if (present !== undefined) {
      this.use(present);
      return present;
    }
    let opening = this.#feeds.get(id);
    if (opening === undefined) {
      opening = this.#start(id);
      this.#feeds.set(id, opening);
      opening.catch(() => this.#feeds.delete(id));
    }
    return opening;
  }

  async #start(id: ConferenceId): Promise<Feed> {
    const feed = new Feed(id);
    feed.watch = await this.#options.store.watch(KEYS.events(id), (change) => {
      if (change.kind === 'put') feed.take(change.value);
    });
    feed.lastUsedMs = this.#options.clock.nowMs();
    this.#open.set(id, feed);
    return feed;
  }

  /** Up to event `number` at least, which is known to be in the store: a watch may lag behind. */
  async upTo(feed: Feed, number: number): Promise<Result<void, MediaError>> {
    while (feed.number < number) {
      const entry = await this.#options.store.get(KEYS.event(feed.id, feed.number + 1));
      if (!entry.ok) return entry;
      if (entry.value === undefined) break;
      feed.take(entry.value.value);
    }
    return ok(undefined);
  }

  #closeUnused(): void {
    const nowMs = this.#options.clock.nowMs();
    for (const [id, feed] of this.#open) {
      if (feed.listeners.size > 0 || nowMs - feed.lastUsedMs < LINGER_MS) continue;
      this.#open.delete(id);
      this.#feeds.delete(id);
      void feed.watch?.close();
    }
  }

  async close(): Promise<void> {
    this.#sweep.cancel();
    for (const feed of this.#open.values()) await feed.watch?.close();
    this.#open.clear();
    this.#feeds.clear();
  }
}
