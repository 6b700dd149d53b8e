/** Webhooks over a store in memory and virtual time, told to a real HTTP server on loopback; for tests. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { systemClock } from '../../common/clock.ts';
import type { MediaError } from '../../common/errors.ts';
import {
  type AccountId,
  type ConferenceId,
  type NodeId,
  type Random,
  seededRandom,
} from '../../common/ids.ts';
import { silentLogger } from '../../common/log.ts';
import { createMetrics, type Metrics } from '../../common/metrics.ts';
import { ok, type Result } from '../../common/result.ts';
import { SimClock } from '../../common/sim-clock.ts';
import { MemoryStore } from '../../common/store/memory-store.ts';
import type { Store } from '../../common/store/store.ts';
import { ConferenceLog } from '../conference/conference-log.ts';
import type { ConferenceEvent } from '../conference/events.ts';
import { type LogReader, watchLogs } from './log-watch.ts';
import { createWebhookDesk, type NewWebhook, type WebhookDesk } from './webhook-desk.ts';
import { createWebhookSender } from './webhook-sender.ts';
import { Webhooks, type WebhooksOptions } from './webhooks.ts';

export interface Received {
  readonly id: string;
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

type Answer = (response: ServerResponse, received: Received) => void;

/** A receiver whose answers the test chooses. */
export class Receiver {
  readonly received: Received[] = [];
  answer: Answer = (response) => response.writeHead(204).end();
  #server: Server | undefined;
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hook`;
  }

  get ids(): readonly string[] {
    return this.received.map(({ id }) => id);
  }

  start(): Promise<void> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => this.#take(request, Buffer.concat(chunks).toString(), response));
    });
    this.#server = server;
    return new Promise((resolve) => {
      server.listen(this.#port, '127.0.0.1', () => {
        const address = server.address();
        this.#port = typeof address === 'object' && address !== null ? address.port : 0;
        resolve();
      });
    });
  }

  #take(request: IncomingMessage, body: string, response: ServerResponse): void {
    const parsed: unknown = JSON.parse(body);
    const type =
      typeof parsed === 'object' && parsed !== null && 'type' in parsed ? parsed.type : '';
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    const received = { id: headers['webhook-id'] ?? '', type: String(type), headers, body };
    this.received.push(received);
    this.answer(response, received);
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server?.closeAllConnections();
      if (this.#server === undefined) resolve();
      else this.#server.close(() => resolve());
    });
  }
}

/** Real time passes until it holds; virtual time stands still. */
export async function until(ready: () => boolean): Promise<void> {
  for (let round = 0; !ready(); round++) {
    if (round > 5_000) throw new Error('what was waited for never came');
    await systemClock.sleep(1);
  }
}

export function value<T>(result: Result<T, MediaError>): T {
  if (!result.ok) throw result.error;
  return result.value;
}

export interface WebhookBench {
  readonly clock: SimClock;
  readonly store: Store;
  readonly desk: WebhookDesk;
  readonly metrics: Metrics;
  add(given?: Partial<NewWebhook> & { readonly url: string }): Promise<string>;
  /** A conference of two events. */
  conference(id: string, account?: string): Promise<void>;
  append(id: string, ...events: ConferenceEvent[]): Promise<void>;
  /** Drops the log of a conference, as time does. */
  dropLog(id: string): Promise<void>;
  start(change?: Partial<WebhooksOptions>): Promise<{
    stop(): Promise<void>;
    /** As kill -9: nothing more is written or sent. */
    kill(): void;
    readonly killed: boolean;
  }>;
}

export function webhookBench(random: Random = seededRandom(3)): WebhookBench {
  const clock = new SimClock();
  const store = new MemoryStore(clock);
  const metrics = createMetrics();
  const policy = { allowedHosts: ['127.0.0.1'], privateAddresses: false };
  const sender = () => createWebhookSender({ policy, clock, timeoutMs: 5_000 });
  const desk = createWebhookDesk({ store, clock, random, sender: sender(), policy });
  const logs = new Map<string, ConferenceLog>();
  const append = async (id: string, ...events: ConferenceEvent[]): Promise<void> => {
    const parts = { store, clock, onAppended() {}, onRaceLost() {} };
    const log = logs.get(id) ?? new ConferenceLog(id as ConferenceId, parts);
    logs.set(id, log);
    value(await log.commit(() => ({ events, result: undefined })));
  };
  return {
    clock,
    store,
    desk,
    metrics,
    append,
    async add(given) {
      const url = given?.url ?? '';
      const wanted = { url, accountId: null, events: null, ...given };
      return value(await desk.create(wanted)).record.id;
    },
    conference: (id, account = 'acme') =>
      append(id, created(account), { kind: 'locked', locked: true }),
    async dropLog(id) {
      const entries = value(await store.list(`event/${id}/`));
      for (const { key } of entries.toReversed()) value(await store.delete(key));
    },
    async start(change = {}) {
      let dead = false;
      const mortal = mortalStore(store, () => dead);
      const webhooks = new Webhooks({
        store: mortal,
        clock,
        random,
        log: silentLogger,
        metrics,
        sender: sender(),
        maxBacklog: 1_000,
        disableAfterMs: 86_400_000,
        ...change,
      });
      await webhooks.start();
      const reader: LogReader = {
        onDocument: (id, document) => {
          if (!dead) webhooks.onDocument(id, document);
        },
        onGone: (id) => {
          if (!dead) webhooks.onGone(id);
        },
      };
      const watch = await watchLogs({ store, log: silentLogger }, [reader]);
      webhooks.started();
      return {
        async stop() {
          await watch.close();
          await webhooks.close();
        },
        kill() {
          dead = true;
        },
        get killed() {
          return dead;
        },
      };
    },
  };
}

function mortalStore(store: Store, isDead: () => boolean): Store {
  const never = <T>(): Promise<T> => new Promise(() => {});
  return {
    get: (key) => (isDead() ? never() : store.get(key)),
    put: (key, document) => (isDead() ? never() : store.put(key, document)),
    compareAndSet: (...of) => (isDead() ? never() : store.compareAndSet(...of)),
    delete: (...of) => (isDead() ? never() : store.delete(...of)),
    list: (prefix) => (isDead() ? never() : store.list(prefix)),
    page: (...of) => (isDead() ? never() : store.page(...of)),
    watch: (prefix, onChange) => store.watch(prefix, onChange),
    async lease(...of) {
      if (isDead()) return never();
      const made = await store.lease(...of);
      if (!made.ok) return made;
      const { key, renew, release } = made.value;
      return ok({
        key,
        renew: (renewed: unknown) => (isDead() ? never() : renew(renewed)),
        release: () => (isDead() ? never() : release()),
      });
    },
    close: () => Promise.resolve(),
  };
}

export const created = (accountId: string): ConferenceEvent => ({
  kind: 'created',
  accountId: accountId as AccountId,
  code: '910001',
  mixerId: 'mixer-1' as NodeId,
  mixerAddress: '127.0.0.1:5070',
  mixerClass: 'standard',
  temporary: false,
});

export const lock = (locked: boolean): ConferenceEvent => ({ kind: 'locked', locked });
