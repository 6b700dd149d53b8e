/** Role entry of the HTTP API: server, routes and tokens put together. */
import { fileURLToPath } from 'node:url';
import type { Bus } from '../../common/bus/bus.ts';
import type { Clock } from '../../common/clock.ts';
import type { MediaError } from '../../common/errors.ts';
import type { Random } from '../../common/ids.ts';
import type { Logger } from '../../common/log.ts';
import type { Metrics } from '../../common/metrics.ts';
import { ok, type Result } from '../../common/result.ts';
import type { Role } from '../../common/role.ts';
import type { Store } from '../../common/store/store.ts';
import { SUBJECTS } from '../conference/messages.ts';
import { openRecords } from '../derived/record-search.ts';
import { createWebhookDesk } from '../derived/webhook-desk.ts';
import type { WebhookSender } from '../derived/webhook-sender.ts';
import type { TargetPolicy } from '../derived/webhook-target.ts';
import { type AlarmBook, openAlarmBook } from './alarm-book.ts';
import { AuditLog } from './audit.ts';
import { ensureAdminToken, startAuthenticator } from './auth.ts';
import type { Backend } from './backend.ts';
import { clientAddresses } from './client-address.ts';
import { Feeds } from './event-feed.ts';
import { EventStream } from './event-stream.ts';
import { createHostDesk } from './host-desk.ts';
import { HostTokens } from './host-tokens.ts';
import { createHandler } from './http.ts';
import { liveConferences } from './live-conferences.ts';
import { openPage } from './page.ts';
import { problem } from './problem.ts';
import { RateLimiter, type RateLimits } from './rate-limit.ts';
import { createRoutes } from './routes.ts';
import { createTokenDesk } from './token-desk.ts';
import { startUwsServer } from './uws.ts';

export interface ApiOptions {
  readonly address: string;
  readonly port: number;
  readonly bodyLimitBytes: number;
  readonly metricsAccess: 'loopback' | 'token' | 'open';
  /** Addresses and networks whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  readonly rateLimits: RateLimits;
  /** Of the audit. */
  readonly keepRecordsMs: number;
  readonly adminToken: string | undefined;
  /** Makes a new admin token although there is one. */
  readonly replaceAdminToken: boolean;
  readonly version: string;
  readonly backend: Backend;
  readonly webhooks: { readonly policy: TargetPolicy; readonly sender: WebhookSender };
  readonly store: Store;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** The built page; dist/page unless a test says otherwise. */
  readonly pageDirectory?: string;
}

/** Beside dist/signaling/api. */
const PAGE_DIRECTORY = fileURLToPath(new URL('../../page', import.meta.url));

export interface Api {
  readonly role: Role;
  readonly port: number;
  /** Only when it was just made. */
  readonly newAdminToken: string | undefined;
}

export async function startApi(options: ApiOptions): Promise<Result<Api, MediaError>> {
  const { store, clock, random, log, metrics, bodyLimitBytes } = options;
  const made =
    options.adminToken === undefined
      ? await ensureAdminToken(store, random, clock, options.replaceAdminToken)
      : ok(undefined);
  if (!made.ok) return made;
  const hosts = await HostTokens.open({ store, clock, random });
  if (!hosts.ok) return hosts;
  const authenticator = await startAuthenticator(store, clock, options.adminToken, hosts.value);
  const feeds = new Feeds({ store, clock });
  const limiter = new RateLimiter({ ...options, limits: options.rateLimits });
  const addressOf = clientAddresses(options.trustedProxies);
  const readers = { ...options, authenticator, feeds, limiter, addressOf };
  const stream = await EventStream.start(readers);
  const alarms: AlarmBook = await openAlarmBook(options.bus);
  const audit = new AuditLog({ ...options, keepMs: options.keepRecordsMs });
  const closeParts = async (): Promise<void> => {
    await stream.close();
    await alarms.close();
    await feeds.close();
    await audit.close();
    await authenticator.close();
  };
  const conferences = liveConferences({ store, feeds, backend: options.backend.conferences });
  const records = openRecords(store, clock);
  const webhooks = createWebhookDesk({ ...options, ...options.webhooks });
  const tokens = createTokenDesk({ store, clock, random });
  const desk = createHostDesk({
    ...{ store, tokens: hosts.value, clock, log, metrics },
    onAlarm: (alarm) =>
      options.bus.publish(SUBJECTS.alarms, { atMs: clock.wallMs(), node: 'api', alarm }),
  });
  const started = await startUwsServer({
    address: options.address,
    port: options.port,
    bodyLimitBytes,
    bodyTooLong: () =>
      problem('body-too-long', `expected at most ${bodyLimitBytes} bytes (http.bodyLimitBytes)`),
    socket: {
      path: '/api/v1/events',
      messageLimitBytes: 64 * 1024,
      accept: (request, socket) => stream.accept(request, socket),
    },
    handler: createHandler({
      routes: createRoutes({
        ...options,
        conferences,
        hosts: desk,
        records,
        webhooks,
        tokens,
        alarms,
        audit,
      }),
      ...{ authenticator, limiter, addressOf, audit, random },
      log,
      metrics,
      clock,
      page: openPage(options.pageDirectory ?? PAGE_DIRECTORY, options.version),
    }),
  });
  if (!started.ok) {
    await closeParts();
    return started;
  }
  const server = started.value;
  let open = true;
  return ok({
    port: server.port,
    newAdminToken: made.value,
    role: {
      name: 'api',
      health: () => ({ ready: open }),
      drain() {
        // Operators watch the drain through it.
      },
      async stop() {
        if (!open) return;
        open = false;
        await stream.close();
        await server.close();
        await closeParts();
      },
    },
  });
}
