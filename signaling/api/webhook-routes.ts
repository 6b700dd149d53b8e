/** Endpoints that are told of events (docs/webhooks.md). The secret is shown once, when it is made. */
import { z } from 'zod';
import { conferenceEvent } from '../conference/events.ts';
import { accountId } from '../conference/messages.ts';
import type { WebhookDesk, WebhookWithState } from '../derived/webhook-desk.ts';
import { problem, reply } from './problem.ts';
import { created, json, noContent, type Route, route } from './route.ts';

const KINDS = conferenceEvent.options.map(({ shape }) => shape.kind.value);

export const newWebhook = z.strictObject({
  url: z.string().max(2048).describe('http or https; the host must be in webhooks.allowedHosts.'),
  accountId: accountId.nullable().default(null).describe('Null: events of every account.'),
  events: z.array(z.enum(KINDS)).min(1).nullable().default(null).describe('Null: every kind.'),
});

export const webhookView = z.object({
  id: z.string(),
  url: z.string(),
  accountId: z.string().nullable(),
  events: z.array(z.string()).nullable(),
  enabled: z.boolean(),
  createdAt: z.iso.datetime(),
  failingSince: z.iso.datetime().nullable().describe('Null: it goes well.'),
  lastSuccessAt: z.iso.datetime().nullable().describe('As of the last trouble.'),
  lastError: z.string().nullable(),
  disabledAt: z.iso.datetime().nullable().describe('Given up by us; enable it to try again.'),
});
export const webhookCreated = webhookView.extend({
  secret: z.string().describe('whsec_…; shown this once.'),
});
export const webhookList = z.object({ items: z.array(webhookView) });
export const webhookTried = z.object({
  delivered: z.boolean(),
  detail: z.string().describe('The status, or what went wrong.'),
});
const path = z.object({ id: z.string().min(1).max(64) });

const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

function viewOf({ record, state }: WebhookWithState): z.infer<typeof webhookView> {
  const { id, url, accountId: account, events, enabled, createdAtMs } = record;
  return {
    id,
    url,
    accountId: account,
    events,
    enabled: enabled && state.disabledAtMs === null,
    createdAt: new Date(createdAtMs).toISOString(),
    failingSince: iso(state.failingSinceMs),
    lastSuccessAt: iso(state.lastSuccessMs),
    lastError: state.lastError,
    disabledAt: iso(state.disabledAtMs),
  };
}

const missing = (id: string) => problem('not-found', `there is no webhook ${id}`);

export function webhookRoutes(desk: WebhookDesk): readonly Route[] {
  const shared = { tag: 'webhooks', scope: 'admin', status: 200 } as const;
  const found = (id: string) => (one: WebhookWithState | undefined) =>
    one === undefined ? missing(id) : json(200, viewOf(one));
  return [
    route({
      ...shared,
      method: 'GET',
      path: '/api/v1/webhooks',
      summary: 'Endpoints that are told of events',
      response: webhookList,
      handle: async () => reply(await desk.list(), (all) => json(200, { items: all.map(viewOf) })),
    }),
    route({
      ...shared,
      method: 'POST',
      path: '/api/v1/webhooks',
      status: 201,
      summary: 'Add an endpoint; the answer has its secret, this once',
      body: newWebhook,
      response: webhookCreated,
      handle: async ({ body }) =>
        reply(await desk.create(body), (made) =>
          created(201, `/api/v1/webhooks/${made.record.id}`, {
            ...viewOf(made),
            secret: made.record.secret,
          }),
        ),
    }),
    route({
      ...shared,
      method: 'GET',
      path: '/api/v1/webhooks/{id}',
      summary: 'One endpoint',
      params: path,
      response: webhookView,
      handle: async ({ params }) => reply(await desk.get(params.id), found(params.id)),
    }),
    ...(['enable', 'disable'] as const).map((verb) =>
      route({
        ...shared,
        method: 'POST',
        path: `/api/v1/webhooks/{id}/${verb}`,
        summary: verb === 'enable' ? 'Tell it of events again' : 'Tell it of no more events',
        params: path,
        response: webhookView,
        handle: async ({ params }) =>
          reply(await desk.setEnabled(params.id, verb === 'enable'), found(params.id)),
      }),
    ),
    route({
      ...shared,
      method: 'POST',
      path: '/api/v1/webhooks/{id}/test',
      summary: 'Send an event of kind webhook.test now, once',
      params: path,
      response: webhookTried,
      handle: async ({ params }) =>
        reply(await desk.test(params.id), (outcome) => {
          if (outcome === undefined) return missing(params.id);
          if (outcome.kind === 'taken') {
            return json(200, { delivered: true, detail: `status ${outcome.status}` });
          }
          const detail = outcome.kind === 'gone' ? 'status 410' : outcome.why;
          return json(200, { delivered: false, detail });
        }),
    }),
    route({
      ...shared,
      method: 'DELETE',
      path: '/api/v1/webhooks/{id}',
      status: 204,
      summary: 'Remove an endpoint',
      params: path,
      handle: async ({ params }) =>
        reply(await desk.remove(params.id), (done) =>
          done === undefined ? missing(params.id) : noContent,
        ),
    }),
  ];
}
