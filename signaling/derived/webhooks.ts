/**
 * Tells other systems of the events of conferences, each endpoint at its own pace and in the order of
 * each conference's log. The log in the store is the queue: what is kept here are numbers, and what
 * is kept in the store beside them is one cursor for each endpoint and conference. So a kill -9
 * loses nothing; at most the last second is told twice, with the same ids. Of several processes one at
 * a time sends to an endpoint (sender-lease.ts).
 *
 *   event/… ─ watchLogs ─▶ Webhooks ─ numbers ─▶ WebhookEndpoint ─ Lane: reads the event ─▶ POST
 */
import type { Clock, Timer } from '../../common/clock.ts';
import type { AccountId, ConferenceId, Random } from '../../common/ids.ts';
import type { Logger } from '../../common/log.ts';
import type { Metrics } from '../../common/metrics.ts';
import type { Change, Store, Watch } from '../../common/store/store.ts';
import type { EventDocument } from '../conference/events.ts';
import type { LogReader } from './log-watch.ts';
import { type EndpointParts, WebhookEndpoint } from './webhook-endpoint.ts';
import {
  WEBHOOK_CURSORS,
  WEBHOOK_STATES,
  WEBHOOKS,
  type WebhookState,
  webhookCursor,
  webhookRecord,
  webhookState,
} from './webhook-records.ts';
import type { WebhookSender } from './webhook-sender.ts';

export interface WebhooksOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly sender: WebhookSender;
  readonly maxBacklog: number;
  readonly disableAfterMs: number;
}

const WRITE_CURSORS_MS = 1_000;
/** For answers that are on their way when we stop; what comes later is told again. */
const PATIENCE_MS = 2_000;

export class Webhooks implements LogReader {
  readonly #options: WebhooksOptions;
  readonly #parts: EndpointParts;
  readonly #endpoints = new Map<string, WebhookEndpoint>();
  readonly #accounts = new Map<ConferenceId, AccountId>();
  /** As the store had them at the start: endpoint and conference. */
  readonly #cursors = new Map<string, number>();
  readonly #states = new Map<string, WebhookState>();
  #timer: Timer;
  #watch: Watch | undefined;
  #hasStarted = false;

  constructor(options: WebhooksOptions) {
    this.#options = options;
    const { metrics, clock } = options;
    const deliveries = metrics.counter(
      'minusone_webhook_deliveries_total',
      'Tries to tell an endpoint of an event, by outcome.',
      ['outcome'],
    );
    const dropped = metrics.counter(
      'minusone_webhook_dropped_events_total',
      'Events that an endpoint was too slow for; it was told of the gap.',
    );
    const disabled = metrics.counter(
      'minusone_webhook_disabled_total',
      'Endpoints that were given up.',
    );
    const backlog = metrics.gauge(
      'minusone_webhook_backlog_events',
      'Events that wait beyond the next one of each conference, over all endpoints.',
    );
    metrics.onCollect(() => {
      let sum = 0;
      for (const endpoint of this.#endpoints.values()) sum += endpoint.backlog;
      backlog.set(sum);
    });
    this.#parts = {
      ...options,
      onOutcome: (outcome) => deliveries.add(1, { outcome }),
      onDropped: (events) => dropped.add(events),
      onDisabled: () => disabled.add(),
    };
    this.#timer = clock.every(WRITE_CURSORS_MS, () => void this.#writeCursors());
  }

  /** Before the logs are watched, so that each event finds its cursor. */
  async start(): Promise<void> {
    const { store } = this.#options;
    const cursors = await store.list(WEBHOOK_CURSORS);
    if (!cursors.ok) throw cursors.error;
    for (const { key, value } of cursors.value) {
      const cursor = webhookCursor.safeParse(value);
      if (cursor.success) this.#cursors.set(key, cursor.data.number);
    }
    const states = await store.list(WEBHOOK_STATES);
    if (!states.ok) throw states.error;
    for (const { key, value } of states.value) {
      const state = webhookState.safeParse(value);
      if (state.success) this.#states.set(key.slice(WEBHOOK_STATES.length), state.data);
    }
    this.#watch = await store.watch(WEBHOOKS, (change) => this.#onChange(change));
  }

  /** After the logs were read: cursors of conferences that are no more. */
  started(): void {
    for (const key of this.#cursors.keys()) {
      const conference = key.slice(key.lastIndexOf('/') + 1) as ConferenceId;
      if (!this.#accounts.has(conference)) void this.#options.store.delete(key);
    }
    this.#cursors.clear();
    this.#hasStarted = true;
    for (const endpoint of this.#endpoints.values()) endpoint.begin();
  }

  #onChange(change: Change): void {
    const id = change.key.slice(WEBHOOKS.length);
    const present = this.#endpoints.get(id);
    const record = change.kind === 'put' ? webhookRecord.safeParse(change.value) : undefined;
    if (record?.success !== true) {
      void present?.close().then(() => present.release());
      this.#endpoints.delete(id);
      if (change.kind === 'delete') void this.#deleteTraces(id);
      return;
    }
    if (present !== undefined) {
      present.change(record.data);
      return;
    }
    const endpoint = new WebhookEndpoint(record.data, this.#states.get(id), this.#parts);
    this.#endpoints.set(id, endpoint);
    if (this.#hasStarted) endpoint.begin();
  }

  async #deleteTraces(id: string): Promise<void> {
    const { store } = this.#options;
    await store.delete(`${WEBHOOK_STATES}${id}`);
    const cursors = await store.list(`${WEBHOOK_CURSORS}${id}/`);
    if (!cursors.ok) return;
    for (const { key } of cursors.value) await store.delete(key);
  }

  onDocument(id: ConferenceId, { number, atMs, events }: EventDocument): void {
    for (const event of events) {
      if (event.kind === 'created') this.#accounts.set(id, event.accountId);
    }
    const account = this.#accounts.get(id);
    for (const endpoint of this.#endpoints.values()) {
      const { record } = endpoint;
      if (record.accountId !== null && record.accountId !== account) continue;
      const cursor = this.#cursors.get(`${WEBHOOK_CURSORS}${record.id}/${id}`);
      // What was before the endpoint is not told.
      if (cursor === undefined && atMs < record.createdAtMs) continue;
      endpoint.tell(id, number, number + events.length - 1, cursor);
    }
  }

  onGone(id: ConferenceId): void {
    this.#accounts.delete(id);
    for (const endpoint of this.#endpoints.values()) endpoint.forget(id);
  }

  async #writeCursors(): Promise<void> {
    for (const endpoint of this.#endpoints.values()) await endpoint.writeCursors();
  }

  async close(): Promise<void> {
    this.#timer.cancel();
    await this.#watch?.close();
    const under = Promise.all([...this.#endpoints.values()].map((endpoint) => endpoint.close()));
    const patience = new Promise<void>((resolve) => {
      this.#timer = this.#options.clock.after(PATIENCE_MS, resolve);
    });
    await Promise.race([under, patience]);
    this.#timer.cancel();
    await this.#writeCursors();
    await Promise.all([...this.#endpoints.values()].map((endpoint) => endpoint.release()));
    this.#options.sender.close();
  }
}
