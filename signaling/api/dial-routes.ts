/** Routes of calling out (R26): for operators, and for hosts of an account that may. */
import type { MediaError } from '../../common/errors.ts';
import type { Result } from '../../common/result.ts';
import type { DialRefusal } from '../conference/dial-messages.ts';
import type { NodeBackend } from './backend.ts';
import { foreign } from './conference-routes.ts';
import type { HttpResponse } from './http-server.ts';
import type { LiveConferences } from './live-conferences.ts';
import { type ProblemKind, problem, problemOf, reply } from './problem.ts';
import { created, json, noContent, type Route, route } from './route.ts';
import * as schemas from './schemas.ts';

const REFUSALS: Readonly<Record<DialRefusal, readonly [ProblemKind, string]>> = {
  'not-available': [
    'forbidden',
    'expected a configured trunk, an account that may call out (outdial), and for a list numbers on it',
  ],
  'bad-number': ['invalid', 'number: expected digits, or + and an international number'],
  'not-allowed': ['forbidden', 'no prefix of a trunk and of the account allows this number'],
  limit: ['too-many', 'a limit of the account or of the trunk is reached'],
  'no-vru': ['unavailable', 'no VRU takes the call now'],
  'conference-full': ['conflict', 'the conference is full'],
};

function answer<T extends { readonly kind: string }>(
  result: Result<T | { readonly kind: 'dial-refused'; readonly reason: DialRefusal }, MediaError>,
  done: (value: T) => HttpResponse,
): HttpResponse {
  if (!result.ok) return problemOf(result.error);
  const { value } = result;
  if (!isRefused(value)) return done(value);
  const [kind, text] = REFUSALS[value.reason];
  return problem(kind, `${value.reason}: ${text}`);
}

function isRefused(value: {
  readonly kind: string;
}): value is { readonly kind: 'dial-refused'; readonly reason: DialRefusal } {
  return value.kind === 'dial-refused';
}

export function dialRoutes(conferences: LiveConferences, nodes: NodeBackend): readonly Route[] {
  const shared = { tag: 'dialling', scope: 'dial' } as const;
  return [
    route({
      ...shared,
      method: 'POST',
      path: '/api/v1/conferences/{id}/dial',
      summary: 'Call somebody into the conference',
      description:
        'Answered when the call is under way; how it goes are `dial` events of the conference. The called person hears an invitation and gets in by pressing 1, so that no machine does; `confirm: false` lets in whoever answers.',
      status: 202,
      params: schemas.conferencePath,
      body: schemas.dialRequest,
      response: schemas.dialStarted,
      handle: async ({ params, body, principal, by }) =>
        (await foreign(conferences, params.id, principal)) ??
        answer(await conferences.dial(params.id, by, body), (value) =>
          value.kind === 'dialling'
            ? created(202, `/api/v1/conferences/${params.id}/dials/${value.order.dialId}`, {
                dialId: value.order.dialId,
                number: value.order.number,
                state: 'dialling',
              })
            : problem('unavailable', 'no answer that is understood'),
        ),
    }),
    route({
      ...shared,
      method: 'POST',
      path: '/api/v1/conferences/{id}/dial-list',
      summary: 'Call the list of the account',
      description:
        'A few at once (outdial.listConcurrency); one result a number in the events of the conference. Whoever is being called or in it already is not called again.',
      status: 202,
      params: schemas.conferencePath,
      response: schemas.dialListStarted,
      handle: async ({ params, principal, by }) =>
        (await foreign(conferences, params.id, principal)) ??
        answer(await conferences.dialList(params.id, by), (value) =>
          value.kind === 'dialling-list'
            ? json(202, { dialIds: value.dialIds })
            : problem('unavailable', 'no answer that is understood'),
        ),
    }),
    route({
      ...shared,
      method: 'DELETE',
      path: '/api/v1/conferences/{id}/dials/{dialId}',
      summary: 'Take a call back that is not in the conference yet',
      status: 204,
      params: schemas.dialPath,
      handle: async ({ params, principal, by }) =>
        (await foreign(conferences, params.id, principal)) ??
        reply(await conferences.cancelDial(params.id, by, params.dialId), () => noContent),
    }),
    route({
      method: 'GET',
      path: '/api/v1/trunks',
      tag: 'nodes',
      summary: 'Trunks of each VRU with their registration',
      scope: 'admin',
      status: 200,
      response: schemas.trunkList,
      handle: async () => reply(await nodes.trunks(), (items) => json(200, { items })),
    }),
  ];
}
