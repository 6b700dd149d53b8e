/** A package whose resources are numbers that the test sets: `sip:NAME@…` is there or not. */
import type {
  Document,
  EventPackage,
  EventSource,
  Extent,
  SourceEnd,
  SourceEvents,
  Wanted,
} from '../events/event-package.ts';

export class FakeSource implements EventSource {
  readonly contact = { user: 'thing', parameters: ['isfocus'] };
  readonly wanted: Wanted;
  closed = 0;
  /** Parts of the state; a document holds `perDocument` of them. */
  #news: string[] = ['start'];
  #all: string[] = ['start'];
  #events: SourceEvents | undefined;
  perDocument = Number.POSITIVE_INFINITY;

  constructor(wanted: Wanted) {
    this.wanted = wanted;
  }

  watch(events: SourceEvents): void {
    this.#events = events;
  }

  /** As if something happened. */
  change(...words: readonly string[]): void {
    this.#news.push(...words);
    this.#all.push(...words);
    this.#events?.onNews();
  }

  /** News that turn out to be none. */
  rumour(): void {
    this.#events?.onNews();
  }

  end(why: SourceEnd): void {
    this.#events?.onEnd(why);
  }

  document(extent: Extent): Document | undefined {
    const full = extent !== 'partial';
    if (full) this.#news = [...this.#all];
    if (this.#news.length === 0) return undefined;
    const words = this.#news.splice(0, this.perDocument);
    return { body: `${full ? 'full' : 'partial'} ${words.join(' ')}`, more: this.#news.length > 0 };
  }

  farewell(): string {
    return 'gone';
  }

  close(): void {
    this.closed += 1;
    this.#events = undefined;
  }
}

export class FakePackage implements EventPackage {
  readonly name: string = 'thing';
  readonly contentType: string = 'application/thing+xml';
  readonly restMs = 5_000;
  readonly sources: FakeSource[] = [];
  broken = false;

  async open(wanted: Wanted): Promise<EventSource | undefined> {
    if (this.broken) throw new Error('no store');
    if (wanted.uri.user !== 'thing') return undefined;
    const source = new FakeSource(wanted);
    this.sources.push(source);
    return source;
  }
}
