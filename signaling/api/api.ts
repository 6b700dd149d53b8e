/** Role entry of the HTTP API: server, routes and tokens put together. */
import type { Clock } from '../../common/clock.ts';
import type { MediaError } from '../../common/errors.ts';
import type { Random } from '../../common/ids.ts';
import type { Logger } from '../../common/log.ts';
import type { Metrics } from '../../common/metrics.ts';
import { ok, type Result } from '../../common/result.ts';
import type { Role } from '../../common/role.ts';
import type { Store } from '../../common/store/store.ts';
import { ensureAdminToken, startAuthenticator } from './auth.ts';
import type { Backend } from './backend.ts';
import { createHandler } from './http.ts';
import { problem } from './problem.ts';
import { createRoutes } from './routes.ts';
import { startUwsServer } from './uws.ts';

export interface ApiOptions {
  readonly address: string;
  readonly port: number;
  readonly bodyLimitBytes: number;
  readonly metricsAccess: 'loopback' | 'token' | 'open';
  readonly adminToken: string | undefined;
  /** Makes a new admin token although there is one. */
  readonly replaceAdminToken: boolean;
  readonly version: string;
  readonly backend: Backend;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
}

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
  const authenticator = await startAuthenticator(store, options.adminToken);
  const started = await startUwsServer({
    address: options.address,
    port: options.port,
    bodyLimitBytes,
    bodyTooLong: () =>
      problem('body-too-long', `expected at most ${bodyLimitBytes} bytes (http.bodyLimitBytes)`),
    handler: createHandler({
      routes: createRoutes(options),
      authenticator,
      log,
      metrics,
      clock,
    }),
  });
  if (!started.ok) {
    await authenticator.close();
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
        await server.close();
        await authenticator.close();
      },
    },
  });
}
