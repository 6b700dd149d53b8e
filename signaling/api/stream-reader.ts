/** One reader of the event stream: which conferences it follows, and up to which number it has each. */
import type { Clock, Timer } from '../../common/clock.ts';
import type { ConferenceId } from '../../common/ids.ts';
import type { Feed, FeedListener, Feeds } from './event-feed.ts';
import type { Live } from './event-stream.ts';
import type { Socket } from './http-server.ts';
import { CLOSE } from './stream-messages.ts';
import type { LevelListener, TalkLevels } from './talk-levels.ts';

/** Above it the reader waits for the socket to drain; the events stay in the feed. */
const BUFFERED_BYTES = 128 * 1024;

export interface Wanted {
  readonly conference: 'all' | ConferenceId;
  readonly after?: number | Readonly<Record<string, number>> | undefined;
  readonly scope: 'admin' | 'host';
  /** Of a host: nothing of other accounts is told. */
  readonly accountId: string | undefined;
}

export interface ReaderParts {
  readonly socket: Socket;
  readonly feeds: Feeds;
  readonly clock: Clock;
  readonly live: ReadonlyMap<ConferenceId, Live>;
  readonly levels: TalkLevels;
}

interface Cursor {
  /** Number of the last event that was sent; undefined: a snapshot is due. */
  sent: number | undefined;
  readonly feed: Feed;
}

export class StreamReader implements FeedListener, LevelListener {
  readonly #wanted: Wanted;
  readonly #parts: ReaderParts;
  readonly #cursors = new Map<ConferenceId, Cursor>();
  /** Conferences with something to send. */
  readonly #due = new Set<Cursor>();
  #stalledSinceMs: number | undefined;
  #expiry: Timer | undefined;
  /** The conference whose loudness it shows. */
  #watched: ConferenceId | null = null;
  #open = true;

  constructor(wanted: Wanted, parts: ReaderParts) {
    this.#wanted = wanted;
    this.#parts = parts;
  }

  start(): void {
    const { conference, scope, after } = this.#wanted;
    this.#send({ type: 'subscribed', conference, scope });
    if (conference !== 'all') {
      void this.#follow(conference);
      return;
    }
    for (const [id, live] of this.#parts.live) this.discovered(id, live);
    // What ended while the reader was away: its last events, or word that it is gone.
    if (typeof after !== 'object') return;
    for (const id of Object.keys(after)) {
      if (!this.#parts.live.has(id as ConferenceId)) void this.#follow(id as ConferenceId);
    }
  }

  discovered(id: ConferenceId, { accountId }: Live): void {
    const { conference, scope } = this.#wanted;
    if (conference !== 'all' || this.#cursors.has(id)) return;
    if (scope === 'host' && accountId !== this.#wanted.accountId) return;
    void this.#follow(id);
  }

  async #follow(id: ConferenceId): Promise<void> {
    let feed: Feed;
    try {
      feed = await this.#parts.feeds.of(id);
    } catch {
      // The store refused a watch: the reader comes again, by number.
      this.end(CLOSE.tooSlow, 'the store does not answer, try again');
      return;
    }
    if (!this.#open || this.#cursors.has(id)) return;
    const account = feed.roster.accountId;
    const foreign = this.#wanted.scope === 'host' && account !== this.#wanted.accountId;
    if (account === undefined || foreign) {
      this.#send({ type: 'gone', conferenceId: id });
      return;
    }
    const has = this.#after(id);
    const cursor: Cursor = {
      feed,
      sent: has !== undefined && feed.reaches(has) ? has : undefined,
    };
    this.#cursors.set(id, cursor);
    feed.listeners.add(this);
    if (this.#watched === id) this.#parts.levels.watch(id, this);
    this.#due.add(cursor);
    this.pump();
    const talking = feed.lastTalking;
    if (talking !== '') this.#parts.socket.send(talking);
  }

  #after(id: ConferenceId): number | undefined {
    const { after } = this.#wanted;
    return typeof after === 'object' ? after[id] : after;
  }

  changed(feed: Feed): void {
    const cursor = this.#cursors.get(feed.id);
    if (cursor === undefined) return;
    this.#due.add(cursor);
    this.pump();
  }

  talking(feed: Feed): void {
    this.#hint(feed.lastTalking);
  }

  levels(text: string): void {
    this.#hint(text);
  }

  /** Whoever does not keep up can do without. */
  #hint(text: string): void {
    if (this.#due.size === 0 && this.#parts.socket.bufferedBytes() === 0) {
      this.#parts.socket.send(text);
    }
  }

  /** Takes the place of the one before; counts for conferences that this reader follows. */
  watchLevels(id: ConferenceId | null): void {
    if (this.#watched !== null) this.#parts.levels.unwatch(this.#watched, this);
    this.#watched = id;
    if (id !== null && this.#cursors.has(id)) this.#parts.levels.watch(id, this);
  }

  /** Sends what is due as long as the socket takes it. */
  pump(): void {
    const { socket, clock } = this.#parts;
    for (const cursor of this.#due) {
      for (;;) {
        if (!this.#open) return;
        if (cursor.sent !== undefined && !cursor.feed.reaches(cursor.sent)) {
          this.#tooSlow();
          return;
        }
        if (socket.bufferedBytes() > BUFFERED_BYTES) {
          this.#stalledSinceMs ??= clock.nowMs();
          return;
        }
        this.#stalledSinceMs = undefined;
        if (!this.#sendNext(cursor)) break;
      }
      this.#due.delete(cursor);
      if (cursor.feed.roster.ended !== undefined) this.#forget(cursor);
    }
  }

  #sendNext(cursor: Cursor): boolean {
    const { feed } = cursor;
    if (cursor.sent === undefined) {
      const conference = feed.view;
      if (conference === undefined) return false;
      this.#send({ type: 'snapshot', conference });
      cursor.sent = feed.number;
      return true;
    }
    const text = feed.next(cursor.sent);
    if (text === undefined) return false;
    this.#parts.socket.send(text);
    cursor.sent += 1;
    return true;
  }

  #forget(cursor: Cursor): void {
    cursor.feed.listeners.delete(this);
    this.#parts.levels.unwatch(cursor.feed.id, this);
    this.#cursors.delete(cursor.feed.id);
  }

  #tooSlow(): void {
    const after: Record<string, number> = {};
    for (const [id, { sent }] of this.#cursors) if (sent !== undefined) after[id] = sent;
    const reason = JSON.stringify({ after });
    // A close frame holds 123 bytes of reason (RFC 6455 section 5.5); the reader has the numbers too.
    this.end(CLOSE.tooSlow, reason.length <= 120 ? reason : 'too slow');
  }

  closeIfStalled(nowMs: number, patienceMs: number): void {
    if (this.#stalledSinceMs !== undefined && nowMs - this.#stalledSinceMs > patienceMs) {
      this.#tooSlow();
    }
  }

  /** The token ends then. */
  closeAfter(delayMs: number): void {
    // Longer delays overflow the timers of Node.
    const bounded = Math.min(Math.max(0, delayMs), 2_000_000_000);
    this.#expiry = this.#parts.clock.after(bounded, () => {
      if (bounded < delayMs) this.closeAfter(delayMs - bounded);
      else this.end(CLOSE.policy, 'the token has expired');
    });
  }

  #send(message: unknown): void {
    this.#parts.socket.send(JSON.stringify(message));
  }

  end(code: number, reason: string): void {
    if (!this.#open) return;
    this.close();
    this.#parts.socket.close(code, reason);
  }

  /** Frees everything; the socket is closed by others. */
  close(): void {
    this.#open = false;
    this.watchLevels(null);
    this.#expiry?.cancel();
    this.#due.clear();
    for (const { feed } of this.#cursors.values()) feed.listeners.delete(this);
    this.#cursors.clear();
  }
}
