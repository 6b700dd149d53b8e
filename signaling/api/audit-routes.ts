/** Who changed what through the API (audit.ts). */
import { z } from 'zod';
import type { AuditLog, AuditRecord } from './audit.ts';
import { reply } from './problem.ts';
import { spanOf } from './record-routes.ts';
import { span } from './record-schemas.ts';
import { json, type Route, route } from './route.ts';

export const auditQuery = z.object({
  by: z.string().max(128).optional().describe('Text in `by` or in the name of the token.'),
  match: z
    .string()
    .max(128)
    .optional()
    .describe('Text in the path or in the words, such as an id.'),
  requestId: z.string().max(64).optional(),
  ...span,
});

export const auditView = z.object({
  at: z.iso.datetime(),
  by: z
    .string()
    .describe('`operator TOKEN` or `host of ACCOUNT`, as events of conferences have it.'),
  tokenName: z.string().describe('Its name; empty: none was needed.'),
  from: z.string().describe('Address of the client.'),
  method: z.string(),
  path: z.string(),
  what: z.string(),
  made: z.string().nullable().describe('Where that is to be found which was made.'),
  status: z.number().int(),
  problem: z.string().describe('Why it was refused, as in the type of the problem; empty: done.'),
  requestId: z.string().describe('X-Request-Id of the answer, and in the logs of every role.'),
});
export const auditList = z.object({
  items: z.array(auditView),
  next: z.string().nullable().describe('`after` of the next page; null: this was the last.'),
});

function viewOf({ version: _, atMs, ...rest }: AuditRecord): z.infer<typeof auditView> {
  return { at: new Date(atMs).toISOString(), ...rest };
}

export const auditRoute = (audit: Pick<AuditLog, 'search'>): Route =>
  route({
    method: 'GET',
    path: '/api/v1/audit',
    tag: 'records',
    summary: 'Who changed what through the API, the newest first',
    scope: 'admin',
    status: 200,
    query: auditQuery,
    response: auditList,
    handle: async ({ query }) =>
      reply(await audit.search(query, spanOf(query)), ({ items, next }) =>
        json(200, { items: items.map(viewOf), next }),
      ),
  });
