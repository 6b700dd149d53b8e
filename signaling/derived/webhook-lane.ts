/** What one endpoint has had of one conference, and what is still to be told: numbers only, the events stay in the store. */

import type { MediaError } from '../../common/errors.ts';
import type { ConferenceId } from '../../common/ids.ts';
import { ok, type Result } from '../../common/result.ts';
import type { Store } from '../../common/store/store.ts';
import { eventDocument, type NumberedEvent, numbered } from '../conference/events.ts';
import { KEYS } from '../conference/records.ts';

export interface Gap {
  readonly from: number;
  readonly to: number;
}

export type Due =
  | { readonly kind: 'event'; readonly event: NumberedEvent }
  | { readonly kind: 'gap'; readonly gap: Gap };

export class Lane {
  readonly id: ConferenceId;
  /** Number of the last event that the endpoint has taken, or does not want. */
  sent: number;
  /** Number of the last event in the log. */
  known: number;
  /** Everything up to it is given up, and told as a gap before anything else. */
  #droppedTo = 0;
  busy = false;
  failures = 0;
  notBeforeMs = 0;
  /** `sent` as the store has it. */
  written: number;
  /** The log is gone: nothing more can be read, nothing more comes. */
  gone = false;

  constructor(id: ConferenceId, sent: number) {
    this.id = id;
    this.sent = sent;
    this.known = sent;
    this.written = sent;
  }

  get isDue(): boolean {
    return this.known > this.sent;
  }

  /** Events beyond the next one. */
  get backlog(): number {
    return Math.max(0, this.known - Math.max(this.#droppedTo, this.sent) - 1);
  }

  /** Gives up what waits. The value is how many events that are. */
  drop(): number {
    const given = this.known - Math.max(this.#droppedTo, this.sent);
    this.#droppedTo = this.known;
    return given;
  }

  async due(store: Store): Promise<Result<Due | undefined, MediaError>> {
    if (!this.isDue) return ok(undefined);
    const number = this.sent + 1;
    if (this.#droppedTo >= number) return ok(this.#gap());
    // Events of one decision share a document, whose key has the first number.
    const after = KEYS.event(this.id, number + 1);
    const page = await store.page(KEYS.events(this.id), { limit: 1, reverse: true, after });
    if (!page.ok) return page;
    const document = eventDocument.safeParse(page.value[0]?.value);
    const event = document.success
      ? numbered(this.id, document.data).find((one) => one.number === number)
      : undefined;
    if (event !== undefined) return ok({ kind: 'event', event });
    this.drop();
    return ok(this.#gap());
  }

  #gap(): Due {
    return { kind: 'gap', gap: { from: this.sent + 1, to: this.#droppedTo } };
  }

  /** As another sender left it: what it has told is told. */
  resume(number: number): void {
    this.sent = Math.max(this.sent, number);
    this.known = Math.max(this.known, this.sent);
    this.written = number;
    this.failures = 0;
    this.notBeforeMs = 0;
  }

  /** Taken, or of a kind that is not wanted. */
  advance(due: Due): void {
    this.sent = due.kind === 'gap' ? due.gap.to : due.event.number;
    this.failures = 0;
    this.notBeforeMs = 0;
  }
}
