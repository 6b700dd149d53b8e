/**
 * The event stream: many sockets on the feeds of this process. A socket has no queue of its own but a
 * cursor into the tail of each feed, so a slow one costs nothing and loses nothing until the tail has
 * moved past it; then it is closed with the number at which to resume.
 *
 *   store ─ watch ─▶ Feed (fold + tail) ─ changed ─▶ reader: cursor ─ while the socket takes it ─▶ text frames
 *   bus  ─ talking ─▶ Feed ─ at most 5/s ─▶ readers that keep up
 *   mixer ◀─ levels? ─ TalkLevels ─ at most 5/s ─▶ readers that look at the conference
 */
import type { Bus, Subscription } from '../../common/bus/bus.ts';
import type { Clock, Timer } from '../../common/clock.ts';
import type { ConferenceId } from '../../common/ids.ts';
import type { Logger } from '../../common/log.ts';
import type { Metrics } from '../../common/metrics.ts';
import type { Store, Watch } from '../../common/store/store.ts';
import { mixerEvent, SUBJECTS } from '../conference/messages.ts';
import { conferenceRecord, PREFIXES } from '../conference/records.ts';
import type { Authenticator, Principal } from './auth.ts';
import type { Feed, Feeds } from './event-feed.ts';
import type { HttpRequest, Socket, SocketEvents } from './http-server.ts';
import type { RateLimiter } from './rate-limit.ts';
import { CLOSE, subscribe, watchLevels } from './stream-messages.ts';
import { StreamReader } from './stream-reader.ts';
import { TalkLevels } from './talk-levels.ts';

export interface EventStreamOptions {
  readonly store: Store;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly authenticator: Authenticator;
  readonly feeds: Feeds;
  readonly limiter: RateLimiter;
  readonly addressOf: (request: Omit<HttpRequest, 'body'>) => string;
  /** Sockets above it are refused. */
  readonly maxReaders?: number;
}

const MAX_READERS = 5_000;
const SUBSCRIBE_WITHIN_MS = 10_000;
const TALKING_EVERY_MS = 200;
/** A socket that takes nothing for so long is closed, however short its backlog. */
const STALLED_MS = 30_000;

/** A conference that lives, as discovery sees it. */
export interface Live {
  readonly accountId: string;
}

export class EventStream {
  readonly #options: EventStreamOptions;
  /** Each with the name of its token. */
  readonly #readers = new Map<StreamReader, string>();
  readonly #waiting = new Set<Socket>();
  readonly #live = new Map<ConferenceId, Live>();
  readonly #talkingChanged = new Set<Feed>();
  readonly #levels: TalkLevels;
  readonly #timers: readonly Timer[];
  #watch: Watch | undefined;
  #subscription: Subscription | undefined;
  #closed = false;

  private constructor(options: EventStreamOptions) {
    this.#options = options;
    const { clock, bus, feeds } = options;
    const onTalkers = (feed: Feed): void => void this.#talkingChanged.add(feed);
    this.#levels = new TalkLevels({ bus, feeds, onTalkers });
    this.#timers = [
      clock.every(TALKING_EVERY_MS, () => {
        this.#tellTalking();
        this.#levels.tick();
      }),
      clock.every(STALLED_MS / 2, () => {
        for (const reader of this.#readers.keys()) reader.closeIfStalled(clock.nowMs(), STALLED_MS);
      }),
    ];
  }

  static async start(options: EventStreamOptions): Promise<EventStream> {
    const stream = new EventStream(options);
    stream.#watch = await options.store.watch(PREFIXES.conference, (change) => {
      const id = change.key.slice(PREFIXES.conference.length) as ConferenceId;
      if (change.kind === 'delete') stream.#live.delete(id);
      else stream.#discover(id, change.value);
    });
    stream.#subscription = await options.bus.subscribe(
      SUBJECTS.mixerEvents('>' as ConferenceId),
      (body) => stream.#onMixerEvent(body),
    );
    options.authenticator.onRevoked?.((name) => stream.#revoked(name));
    const gauge = options.metrics.gauge('minusone_stream_readers', 'Readers of the event stream.');
    stream.#gauge = (count) => gauge.set(count);
    return stream;
  }

  #gauge: (count: number) => void = () => {};

  #revoked(token: string): void {
    for (const [reader, name] of this.#readers) {
      if (name === token) reader.end(CLOSE.policy, 'the token was revoked');
    }
  }

  get readerCount(): number {
    return this.#readers.size;
  }

  #discover(id: ConferenceId, value: unknown): void {
    if (this.#live.has(id)) return;
    const record = conferenceRecord.safeParse(value);
    if (!record.success) return;
    const live = { accountId: record.data.accountId };
    this.#live.set(id, live);
    for (const reader of this.#readers.keys()) reader.discovered(id, live);
  }

  #onMixerEvent(body: unknown): void {
    const event = mixerEvent.safeParse(body);
    if (!event.success || event.data.kind !== 'talking') {
      if (event.success && event.data.kind === 'left') {
        const feed = this.#options.feeds.peek(event.data.conferenceId);
        if (feed?.setTalking(event.data.confereeId, false) === true) this.#talkingChanged.add(feed);
      }
      return;
    }
    const { conferenceId, confereeId, talking } = event.data;
    const feed = this.#options.feeds.peek(conferenceId);
    if (feed?.setTalking(confereeId, talking) === true) this.#talkingChanged.add(feed);
  }

  #tellTalking(): void {
    for (const feed of this.#talkingChanged) {
      const text = feed.talkingNow();
      if (text === undefined) continue;
      for (const listener of feed.listeners) listener.talking(feed);
    }
    this.#talkingChanged.clear();
  }

  /** A socket was opened on the path of the stream. */
  accept(request: Omit<HttpRequest, 'body'>, socket: Socket): SocketEvents {
    const { clock, limiter } = this.#options;
    const address = this.#options.addressOf(request);
    if (
      this.#closed ||
      this.#readers.size + this.#waiting.size >= (this.#options.maxReaders ?? MAX_READERS)
    ) {
      socket.close(CLOSE.tooSlow, 'too many readers, try again');
      return { message() {}, drained() {}, closed() {} };
    }
    if (limiter.isExhausted(address)) {
      socket.close(CLOSE.tooSlow, 'too many wrong tokens of this address, try again later');
      return { message() {}, drained() {}, closed() {} };
    }
    this.#waiting.add(socket);
    let reader: StreamReader | undefined;
    let asked = false;
    const patience = clock.after(SUBSCRIBE_WITHIN_MS, () => {
      if (reader === undefined) socket.close(CLOSE.policy, 'no subscribe message came');
    });
    let open = true;
    const refuse = (code: number, detail: string): void => {
      socket.send(JSON.stringify({ type: 'refused', detail }));
      socket.close(code, detail);
    };
    return {
      message: (text) => {
        if (reader !== undefined) {
          const watched = readWatchLevels(text);
          if (watched === undefined) return refuse(CLOSE.badMessage, 'expected a levels message');
          return reader.watchLevels(watched.conference);
        }
        if (asked) return refuse(CLOSE.badMessage, 'one subscribe message is enough');
        asked = true;
        const wanted = readSubscribe(text, request.query);
        if (typeof wanted === 'string') return refuse(CLOSE.badMessage, wanted);
        const header =
          wanted.token === undefined
            ? request.headers.get('authorization')
            : `Bearer ${wanted.token}`;
        void this.#options.authenticator.authenticate(header).then((principal) => {
          if (!open) return;
          const scope = principal === undefined ? undefined : scopeOf(principal);
          if (principal === undefined || scope === undefined) {
            limiter.ofAddress(address);
            refuse(CLOSE.policy, 'the token is not known');
            return;
          }
          patience.cancel();
          this.#waiting.delete(socket);
          reader = new StreamReader(
            { ...wanted, scope, accountId: principal.accountId },
            { socket, feeds: this.#options.feeds, clock, live: this.#live, levels: this.#levels },
          );
          this.#readers.set(reader, principal.name);
          this.#gauge(this.#readers.size);
          if (principal.expiresAtMs !== undefined) {
            reader.closeAfter(principal.expiresAtMs - clock.wallMs());
          }
          reader.start();
        });
      },
      drained: () => reader?.pump(),
      closed: () => {
        open = false;
        patience.cancel();
        this.#waiting.delete(socket);
        if (reader !== undefined) {
          this.#readers.delete(reader);
          reader.close();
        }
        this.#gauge(this.#readers.size);
      },
    };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const timer of this.#timers) timer.cancel();
    for (const socket of this.#waiting) socket.close(CLOSE.goingAway, 'the server stops');
    for (const reader of [...this.#readers.keys()]) reader.end(CLOSE.goingAway, 'the server stops');
    await this.#watch?.close();
    await this.#subscription?.close();
  }
}

const scopeOf = ({ scopes }: Principal): 'admin' | 'host' | undefined =>
  scopes.includes('admin') ? 'admin' : scopes.includes('host') ? 'host' : undefined;

function readWatchLevels(text: string) {
  try {
    return watchLevels.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The message, with what the query said where it says nothing; or what is wrong with it. */
function readSubscribe(text: string, query: URLSearchParams) {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return 'expected a subscribe message in JSON';
  }
  if (typeof given !== 'object' || given === null) return 'expected a subscribe message';
  const conference = query.get('conference');
  const after = query.get('after');
  const checked = subscribe.safeParse({
    ...(conference === null ? {} : { conference }),
    ...(after === null ? {} : { after: Number(after) }),
    ...given,
  });
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a subscribe message'}`.slice(
    0,
    120,
  );
}
