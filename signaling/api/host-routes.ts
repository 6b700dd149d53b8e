/** Routes with which a page gets in: a host code for a token, and what a token is good for. */
import { hostOf } from './audit.ts';
import type { HostDesk } from './host-desk.ts';
import { problem, problemOf } from './problem.ts';
import { json, type Route, route } from './route.ts';
import * as schemas from './schemas.ts';

export function hostRoutes(hosts: HostDesk): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/v1/host-sessions',
      tag: 'sessions',
      summary: 'A host code for a token that is good for the conferences of its account',
      description:
        'Codes of participants and unknown codes get the same answer. Each wrong code of one source makes its next answers slower, and in the end it is locked out for a while.',
      scope: 'public',
      status: 201,
      body: schemas.hostSessionRequest,
      response: schemas.hostSession,
      handle: async ({ body, request }) => {
        const exchange = await hosts.exchange(body.code, request.remoteAddress);
        switch (exchange.kind) {
          case 'token':
            return {
              ...json(201, {
                token: exchange.issued.token,
                accountId: exchange.account.id,
                accountName: exchange.account.name,
                expiresAt: new Date(exchange.issued.expiresAtMs).toISOString(),
              }),
              by: hostOf(exchange.account.id),
            };
          case 'refused':
            return problem('code-refused', 'expected the code of a host');
          case 'busy':
            return problem('too-many', 'one try at a time', { headers: { 'retry-after': '2' } });
          case 'failed':
            return problemOf(exchange.error);
        }
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/session',
      tag: 'sessions',
      summary: 'What the token allows',
      scope: 'host',
      status: 200,
      response: schemas.session,
      handle: ({ principal }) =>
        Promise.resolve(
          json(200, {
            scope: principal?.scopes.includes('admin') === true ? 'admin' : 'host',
            mayDial: principal?.scopes.includes('dial') === true,
            accountId: principal?.accountId ?? null,
            accountName: principal?.accountName ?? null,
            expiresAt:
              principal?.expiresAtMs === undefined
                ? null
                : new Date(principal.expiresAtMs).toISOString(),
          }),
        ),
    }),
  ];
}
