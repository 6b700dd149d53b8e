/** Named tokens of operators and of other systems. A token is shown once, in the answer that makes it. */
import { z } from 'zod';
import { accountId } from '../conference/messages.ts';
import { SCOPES } from './auth.ts';
import { problem, reply } from './problem.ts';
import { json, noContent, type Route, route } from './route.ts';
import type { NamedToken, TokenDesk } from './token-desk.ts';

const name = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,64}$/, 'expected 1 to 64 of A-Z, a-z, 0-9, _, . and -')
  .refine((text) => !/^(configured-admin$|host-)/.test(text), 'this name is one of ours');

export const newNamedToken = z.strictObject({
  name: name.describe('For the audit log and to revoke it.'),
  accountId: accountId
    .nullable()
    .default(null)
    .describe('What a host of this account may do; null: what an operator may.'),
  dial: z.boolean().default(false).describe('Of an account: whether it may call out.'),
  days: z.number().int().min(1).max(3650).nullable().default(null).describe('Null: for ever.'),
});
export const tokenView = z.object({
  name: z.string(),
  scopes: z.array(z.enum(SCOPES)),
  accountId: z.string().nullable(),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().nullable(),
});
export const tokenCreated = tokenView.extend({ token: z.string().describe('Shown this once.') });
export const tokenList = z.object({ items: z.array(tokenView) });
const path = z.object({ name });

function viewOf({ name: given, record }: NamedToken): z.infer<typeof tokenView> {
  const { scopes, accountId: account, createdAtMs, expiresAtMs } = record;
  return {
    ...{ name: given, scopes, accountId: account ?? null },
    createdAt: new Date(createdAtMs).toISOString(),
    expiresAt: expiresAtMs === undefined ? null : new Date(expiresAtMs).toISOString(),
  };
}

export function tokenRoutes(desk: TokenDesk): readonly Route[] {
  const shared = { tag: 'tokens', scope: 'admin' } as const;
  return [
    route({
      ...shared,
      method: 'GET',
      path: '/api/v1/tokens',
      status: 200,
      summary: 'Named tokens, without what they are',
      response: tokenList,
      handle: async () => reply(await desk.list(), (all) => json(200, { items: all.map(viewOf) })),
    }),
    route({
      ...shared,
      method: 'POST',
      path: '/api/v1/tokens',
      status: 201,
      summary: 'Make a token; the answer has it, this once',
      body: newNamedToken,
      response: tokenCreated,
      handle: async ({ body }) => {
        const wish = {
          ...{ name: body.name, dial: body.dial },
          ...{ accountId: body.accountId ?? undefined, days: body.days ?? undefined },
        };
        return reply(await desk.create(wish), (made) =>
          json(201, { ...viewOf(made), token: made.token }),
        );
      },
    }),
    route({
      ...shared,
      method: 'DELETE',
      path: '/api/v1/tokens/{name}',
      status: 204,
      summary: 'Revoke a token: it is refused from now on',
      params: path,
      handle: async ({ params, principal }) => {
        // So one admin token is always left, whoever revokes in whatever order.
        if (principal?.name === params.name) {
          return problem('conflict', 'a token cannot revoke itself; use another one');
        }
        return reply(await desk.revoke(params.name), (done) =>
          done === undefined ? problem('not-found', `there is no token ${params.name}`) : noContent,
        );
      },
    }),
  ];
}
