/** Every route. Grouped as in the OpenAPI document. */
import type { z } from 'zod';
import type { AccountId, Random } from '../../common/ids.ts';
import type { Metrics } from '../../common/metrics.ts';
import { accountRecord, dnisRecord } from '../conference/messages.ts';
import type { Records } from '../derived/record-search.ts';
import type { WebhookDesk } from '../derived/webhook-desk.ts';
import type { AlarmBook } from './alarm-book.ts';
import type { AuditLog } from './audit.ts';
import { auditRoute } from './audit-routes.ts';
import type { Backend } from './backend.ts';
import { conferenceRoutes } from './conference-routes.ts';
import { dialRoutes } from './dial-routes.ts';
import type { HostDesk } from './host-desk.ts';
import { hostRoutes } from './host-routes.ts';
import type { HttpRequest, HttpResponse } from './http-server.ts';
import type { LiveConferences } from './live-conferences.ts';
import { answerAccount, createWithFreeCodes } from './new-account.ts';
import { openApiDocument } from './openapi.ts';
import { problem, problemOf, reply } from './problem.ts';
import { recordRoutes } from './record-routes.ts';
import { created, json, noContent, type Route, route } from './route.ts';
import { ruleRoutes } from './rule-routes.ts';
import * as schemas from './schemas.ts';
import type { TokenDesk } from './token-desk.ts';
import { tokenRoutes } from './token-routes.ts';
import { webhookRoutes } from './webhook-routes.ts';

export interface RoutesOptions {
  readonly backend: Backend;
  readonly metrics: Metrics;
  readonly random: Random;
  readonly version: string;
  readonly metricsAccess: 'loopback' | 'token' | 'open';
  readonly conferences: LiveConferences;
  readonly hosts: HostDesk;
  readonly records: Records;
  readonly webhooks: WebhookDesk;
  readonly tokens: TokenDesk;
  readonly alarms: AlarmBook;
  readonly audit: Pick<AuditLog, 'search'>;
}

export function createRoutes(options: RoutesOptions): readonly Route[] {
  const routes: Route[] = [
    ...accountRoutes(options),
    ...dnisRoutes(options.backend),
    ...conferenceRoutes(options.conferences),
    ...ruleRoutes(options.conferences, options.backend.provisioning),
    ...dialRoutes(options.conferences, options.backend.nodes),
    ...hostRoutes(options.hosts),
    ...nodeRoutes(options.backend),
    ...recordRoutes(options.records),
    ...webhookRoutes(options.webhooks),
    ...tokenRoutes(options.tokens),
    alarmRoute(options.alarms),
    auditRoute(options.audit),
  ];
  routes.push(...publicRoutes(options, () => openApiDocument(routes, options.version)));
  return routes;
}

const items = (list: readonly unknown[]): HttpResponse => json(200, { items: list });

/** One page of a list in order of its first text, which is its key; the others are looked through too. */
function pageOf<T>(
  list: readonly T[],
  texts: (item: T) => readonly [string, ...string[]],
  query: z.output<typeof schemas.listQuery>,
): HttpResponse {
  const key = (item: T): string => texts(item)[0];
  const wanted = query.match.toLowerCase();
  const rest = list
    .filter((item) => key(item) > query.after)
    .filter((item) => texts(item).some((text) => text.toLowerCase().includes(wanted)))
    .toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
  const page = rest.slice(0, query.limit);
  const last = page.at(-1);
  const next = rest.length > page.length && last !== undefined ? key(last) : null;
  return json(200, { items: page, next });
}

const alarmRoute = (alarms: AlarmBook): Route =>
  route({
    method: 'GET',
    path: '/api/v1/alarms',
    tag: 'nodes',
    summary: 'Who guesses codes: sources that were locked out, trunks under attack',
    scope: 'admin',
    status: 200,
    response: schemas.alarmList,
    handle: () => Promise.resolve(items(alarms.list())),
  });

function accountRoutes({ backend, random }: RoutesOptions): readonly Route[] {
  const { provisioning } = backend;
  const missing = (id: AccountId): HttpResponse =>
    problem('not-found', `there is no account ${id}`);
  const shared = { tag: 'accounts', scope: 'admin' } as const;
  return [
    route({
      ...shared,
      method: 'GET',
      path: '/api/v1/accounts',
      summary: 'Accounts, in order of id',
      status: 200,
      query: schemas.listQuery,
      response: schemas.accountList,
      handle: async ({ query }) =>
        reply(await provisioning.listAccounts(), (all) =>
          pageOf(
            all,
            ({ id, name, hostCodes, participantCodes }) => [
              id,
              name,
              ...hostCodes,
              ...participantCodes,
            ],
            query,
          ),
        ),
    }),
    route({
      ...shared,
      method: 'POST',
      path: '/api/v1/accounts',
      summary: 'Add an account; codes that are not given are made',
      status: 201,
      body: schemas.newAccount,
      response: accountRecord,
      handle: async ({ body }) =>
        answerAccount(await createWithFreeCodes(provisioning, random, body), body, (made) =>
          created(201, `/api/v1/accounts/${encodeURIComponent(made.id)}`, made),
        ),
    }),
    route({
      ...shared,
      method: 'GET',
      path: '/api/v1/accounts/{id}',
      summary: 'One account',
      status: 200,
      params: schemas.accountPath,
      response: accountRecord,
      handle: async ({ params }) =>
        reply(await provisioning.getAccount(params.id), (found) =>
          found === undefined ? missing(params.id) : json(200, found),
        ),
    }),
    route({
      ...shared,
      method: 'PUT',
      path: '/api/v1/accounts/{id}',
      summary: 'Replace an account',
      status: 200,
      params: schemas.accountPath,
      body: schemas.accountChange,
      response: accountRecord,
      handle: async ({ params, body }) => {
        const present = await provisioning.getAccount(params.id);
        if (!present.ok) return problemOf(present.error);
        if (present.value === undefined) return missing(params.id);
        const record = { ...body, id: params.id };
        return answerAccount(await provisioning.replaceAccount(record), record, () =>
          json(200, record),
        );
      },
    }),
    route({
      ...shared,
      method: 'DELETE',
      path: '/api/v1/accounts/{id}',
      summary: 'Remove an account and its codes; calls in progress go on',
      status: 204,
      params: schemas.accountPath,
      handle: async ({ params }) => {
        const present = await provisioning.getAccount(params.id);
        if (!present.ok) return problemOf(present.error);
        if (present.value === undefined) return missing(params.id);
        return reply(await provisioning.removeAccount(params.id), () => noContent);
      },
    }),
  ];
}

function dnisRoutes({ provisioning }: Backend): readonly Route[] {
  const shared = { tag: 'dnis', scope: 'admin' } as const;
  return [
    route({
      ...shared,
      method: 'GET',
      path: '/api/v1/dnis',
      summary: 'Dialled numbers and what they run, in order of the number',
      status: 200,
      query: schemas.listQuery,
      response: schemas.dnisList,
      handle: async ({ query }) =>
        reply(await provisioning.listDnis(), (all) =>
          pageOf(all, ({ dnis, application }) => [dnis, application], query),
        ),
    }),
    route({
      ...shared,
      method: 'PUT',
      path: '/api/v1/dnis',
      summary: 'Add or replace a dialled number',
      status: 200,
      body: schemas.dnisInput,
      response: dnisRecord,
      handle: async ({ body }) => reply(await provisioning.putDnis(body), () => json(200, body)),
    }),
    route({
      ...shared,
      method: 'DELETE',
      path: '/api/v1/dnis/{dnis}',
      summary: 'Remove a dialled number',
      status: 204,
      params: schemas.dnisPath,
      handle: async ({ params }) => {
        const present = await provisioning.listDnis();
        if (!present.ok) return problemOf(present.error);
        if (!present.value.some(({ dnis }) => dnis === params.dnis)) {
          return problem('not-found', `there is no number ${params.dnis}`);
        }
        return reply(await provisioning.removeDnis(params.dnis), () => noContent);
      },
    }),
  ];
}

function nodeRoutes({ nodes }: Backend): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/mixers',
      tag: 'nodes',
      summary: 'Mixers with their measured load',
      scope: 'admin',
      status: 200,
      response: schemas.mixerList,
      handle: async () => reply(await nodes.mixers(), items),
    }),
    route({
      method: 'POST',
      path: '/api/v1/mixers/{id}/drain',
      tag: 'nodes',
      summary: 'Let a mixer take no new conferences until it is restarted',
      scope: 'admin',
      status: 204,
      params: schemas.nodePath,
      handle: async ({ params }) =>
        reply(await nodes.drainMixer(params.id), (done) =>
          done === undefined ? problem('not-found', `there is no mixer ${params.id}`) : noContent,
        ),
    }),
    route({
      method: 'GET',
      path: '/api/v1/vrus',
      tag: 'nodes',
      summary: 'VRUs',
      scope: 'admin',
      status: 200,
      response: schemas.vruList,
      handle: async () => reply(await nodes.vrus(), items),
    }),
  ];
}

function publicRoutes(options: RoutesOptions, describe: () => object): readonly Route[] {
  const { backend, metrics, metricsAccess } = options;
  const shared = { tag: 'health', scope: 'public', method: 'GET', status: 200 } as const;
  let document: string | undefined;
  return [
    route({
      ...shared,
      path: '/healthz',
      withoutLimit: true,
      summary: 'Whether the process answers',
      response: schemas.health,
      handle: () => Promise.resolve(json(200, { status: 'ok' })),
    }),
    route({
      ...shared,
      path: '/readyz',
      withoutLimit: true,
      summary: 'Whether every role can do its work',
      response: schemas.readiness,
      handle: () => {
        const roles = backend.nodes.roles();
        const ready = roles.length > 0 && roles.every((role) => role.ready);
        return Promise.resolve(json(ready ? 200 : 503, { ready, roles }));
      },
    }),
    route({
      ...shared,
      path: '/metrics',
      summary: 'Metrics in the Prometheus text format',
      otherTypes: ['text/plain'],
      scope: metricsAccess === 'token' ? 'admin' : 'public',
      handle: async ({ request }) =>
        metricsAccess === 'loopback' && !isLoopback(request)
          ? problem(
              'forbidden',
              'metrics are for callers on this machine; http.metricsAccess: token or open changes that',
            )
          : {
              status: 200,
              headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
              body: await metrics.text(),
            },
    }),
    route({
      ...shared,
      path: '/api/v1/openapi.json',
      summary: 'This API as an OpenAPI 3.1 document',
      response: schemas.openApi,
      handle: () => {
        document ??= JSON.stringify(describe());
        const headers = { 'content-type': 'application/json' };
        return Promise.resolve({ status: 200, headers, body: document });
      },
    }),
  ];
}

const isLoopback = ({ remoteAddress, headers }: HttpRequest): boolean =>
  // Behind a proxy every peer is local.
  !headers.has('x-forwarded-for') &&
  !headers.has('forwarded') &&
  (remoteAddress === '::1' || remoteAddress.startsWith('127.'));
