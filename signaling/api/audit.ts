/**
 * Who changed what through the API: one line in the log and one document for each mutating call,
 * written before the answer goes out. Documents are for calls with a known token, so that a stranger
 * fills no disk. Of a call it has the path, never the body, the query or a header: no secret gets in.
 *
 *   audit/MS-REQUEST ─ newest first ─▶ GET /api/v1/audit, `minusone audit`
 */
import { z } from 'zod';
import type { Clock, Timer } from '../../common/clock.ts';
import type { MediaError } from '../../common/errors.ts';
import type { AccountId } from '../../common/ids.ts';
import type { Logger } from '../../common/log.ts';
import type { CounterMetric, Metrics } from '../../common/metrics.ts';
import type { Result } from '../../common/result.ts';
import type { Store } from '../../common/store/store.ts';
import { type Found, type Span, searchByTime } from '../derived/record-search.ts';
import { timeOfKey, timeWord } from '../derived/records.ts';
import type { Principal } from './auth.ts';
import type { HttpRequest } from './http-server.ts';
import { kindOf } from './problem.ts';
import type { Asked, Route, RouteResponse } from './route.ts';

const PREFIX = 'audit/';
const PRUNE_MS = 600_000;
const PRUNED_AT_ONCE = 500;
const LONGEST_PATH = 256;

export const auditRecord = z.object({
  version: z.literal(1),
  requestId: z.string(),
  atMs: z.number(),
  by: z.string(),
  /** Its name; empty: none, as in the exchange of a host code. */
  tokenName: z.string(),
  from: z.string(),
  method: z.string(),
  path: z.string(),
  /** In words. */
  what: z.string(),
  /** Where what was made is to be found. */
  made: z.string().nullable(),
  status: z.number().int(),
  /** Of the problem document; empty: it was done. */
  problem: z.string(),
});
export type AuditRecord = z.infer<typeof auditRecord>;

export interface AuditFilter {
  /** Text in `by` or in the name of the token. */
  readonly by?: string | undefined;
  /** Text in the path or in the words. */
  readonly match?: string | undefined;
  readonly requestId?: string | undefined;
}

export interface AuditOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly keepMs: number;
}

/** `operator TOKEN` or `host of ACCOUNT`, as the log of a conference and the audit have it. */
export function askerOf(principal: Principal | undefined): string {
  if (principal === undefined) return 'nobody';
  const { accountId, name } = principal;
  return accountId === undefined ? `operator ${plain(name)}` : hostOf(accountId);
}

export const hostOf = (account: AccountId): string => `host of ${plain(account)}`;

/** Names come from people. */
const plain = (name: string): string => name.replaceAll(/[^A-Za-z0-9_.-]/g, '_').slice(0, 128);

export class AuditLog {
  readonly #options: AuditOptions;
  readonly #failed: CounterMetric;
  readonly #timer: Timer;
  #pruning: Promise<void> | undefined;

  constructor(options: AuditOptions) {
    this.#options = options;
    this.#failed = options.metrics.counter(
      'minusone_audit_failures_total',
      'Changes through the API that are in the log of the process alone.',
    );
    this.#timer = options.clock.every(PRUNE_MS, () => this.#startPruning());
    this.#startPruning();
  }

  /** One mutating call; resolves when it is written down. Never fails. */
  async note(route: Route, asked: Asked, response: RouteResponse): Promise<void> {
    const record = recordOf(route, asked, response, this.#options.clock.wallMs());
    const { version: _, atMs: __, ...line } = record;
    this.#options.log.info(line, 'api request');
    if (asked.principal === undefined && response.status >= 400) return;
    const key = `${PREFIX}${timeWord(record.atMs)}-${record.requestId}`;
    const written = await this.#options.store.put(key, record);
    if (!written.ok) this.#failed.add();
  }

  search(
    { by, match, requestId }: AuditFilter,
    span: Span,
  ): Promise<Result<Found<AuditRecord>, MediaError>> {
    return searchByTime(
      this.#options,
      PREFIX,
      auditRecord,
      span,
      (record) =>
        (requestId === undefined || record.requestId === requestId) &&
        (by === undefined || record.by.includes(by) || record.tokenName.includes(by)) &&
        (match === undefined || record.path.includes(match) || record.what.includes(match)),
    );
  }

  async close(): Promise<void> {
    this.#timer.cancel();
    await this.#pruning;
  }

  #startPruning(): void {
    this.#pruning ??= this.#prune().finally(() => {
      this.#pruning = undefined;
    });
  }

  /** In small pieces, oldest first. */
  async #prune(): Promise<void> {
    const { store, clock, keepMs, log } = this.#options;
    const beforeMs = clock.wallMs() - keepMs;
    for (;;) {
      const page = await store.page(PREFIX, { limit: PRUNED_AT_ONCE });
      if (!page.ok) return;
      const old = page.value.filter(({ key }) => timeOfKey(key) < beforeMs);
      for (const { key } of old) await store.delete(key);
      if (old.length > 0) log.info({ records: old.length }, 'old audit records deleted');
      if (old.length < PRUNED_AT_ONCE) return;
    }
  }
}

function recordOf(
  route: Route,
  { request, principal, by }: Asked,
  response: RouteResponse,
  atMs: number,
): AuditRecord {
  return {
    version: 1,
    requestId: by.requestId,
    atMs,
    by: response.by ?? by.asker,
    tokenName: principal?.name ?? '',
    from: request.remoteAddress,
    method: route.method,
    path: pathOf(request),
    what: route.summary,
    made: response.headers['location'] ?? null,
    status: response.status,
    problem: kindOf(response) ?? '',
  };
}

const pathOf = ({ path }: HttpRequest): string => path.slice(0, LONGEST_PATH);
