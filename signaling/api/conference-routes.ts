/** Routes of conferences: for operators all of them, for a host those of the own account. */
import type { ConferenceId } from '../../common/ids.ts';
import type { Principal } from './auth.ts';
import type { ControlAction } from './backend.ts';
import type { HttpResponse } from './http-server.ts';
import type { LiveConferences } from './live-conferences.ts';
import { problem, problemOf, reply } from './problem.ts';
import { type Asked, json, noContent, type Route, route } from './route.ts';
import * as schemas from './schemas.ts';
import { STREAM_DESCRIPTION } from './stream-messages.ts';

const shared = { tag: 'conferences', scope: 'host' } as const;

const missing = (id: ConferenceId): HttpResponse =>
  problem('not-found', `there is no conference ${id}`);

const isAdmin = (principal: Principal | undefined): boolean =>
  principal?.scopes.includes('admin') === true;

/** Undefined: go on. A host learns nothing of other accounts, not even that something is there. */
export async function foreign(
  conferences: LiveConferences,
  id: ConferenceId,
  principal: Principal | undefined,
): Promise<HttpResponse | undefined> {
  if (isAdmin(principal)) return undefined;
  const account = await conferences.accountOf(id);
  if (!account.ok) return problemOf(account.error);
  const isOwn = account.value !== undefined && account.value === principal?.accountId;
  return isOwn ? undefined : missing(id);
}

export function conferenceRoutes(conferences: LiveConferences): readonly Route[] {
  return [...reading(conferences), ...controlling(conferences)];
}

function reading(conferences: LiveConferences): readonly Route[] {
  /** One text for as long as nothing changes: a page of 200 conferees is asked for often. */
  const texts = new WeakMap<object, HttpResponse>();
  const remembered = (view: object): HttpResponse => {
    const present = texts.get(view);
    if (present !== undefined) return present;
    const made = json(200, view);
    texts.set(view, made);
    return made;
  };
  return [
    route({
      ...shared,
      method: 'GET',
      path: '/api/v1/conferences',
      summary: 'Conferences now; for a host those of the account',
      status: 200,
      query: schemas.pageQuery,
      response: schemas.conferenceList,
      handle: async ({ principal, query }) =>
        reply(await conferences.list(), (all) => {
          const own = isAdmin(principal)
            ? all
            : all.filter(({ accountId }) => accountId === principal?.accountId);
          const rest = own.filter(({ id }) => id > query.after);
          const items = rest.slice(0, query.limit);
          const next = rest.length > items.length ? (items.at(-1)?.id ?? null) : null;
          return json(200, { items, next });
        }),
    }),
    route({
      ...shared,
      method: 'GET',
      path: '/api/v1/conferences/{id}',
      summary: 'One conference with its conferees by ordinal',
      status: 200,
      params: schemas.conferencePath,
      response: schemas.liveConference,
      handle: async ({ params, principal }) =>
        (await foreign(conferences, params.id, principal)) ??
        reply(await conferences.get(params.id), (found) =>
          found === undefined ? missing(params.id) : remembered(found),
        ),
    }),
    route({
      ...shared,
      method: 'GET',
      path: '/api/v1/conferences/{id}/conferees/{ordinal}/media',
      summary: 'How well its mixer receives a conferee now: loss, bursts, jitter, delay, quality',
      status: 200,
      params: schemas.confereePath,
      response: schemas.confereeMedia,
      handle: async ({ params, principal }) =>
        (await foreign(conferences, params.id, principal)) ??
        reply(await conferences.media(params.id, params.ordinal), (media) =>
          media === undefined
            ? problem('not-found', `there is no conferee ${params.ordinal} in ${params.id}`)
            : json(200, { media }),
        ),
    }),
    route({
      ...shared,
      method: 'GET',
      path: '/api/v1/conferences/{id}/events',
      summary: 'The numbered events of a conference, also of an ended one while its log is kept',
      status: 200,
      params: schemas.conferencePath,
      query: schemas.eventQuery,
      response: schemas.eventList,
      handle: async ({ params, query, principal }) => {
        const refused = await foreign(conferences, params.id, principal);
        if (refused !== undefined) return refused;
        const account = await conferences.accountOf(params.id);
        if (!account.ok) return problemOf(account.error);
        if (account.value === undefined) return missing(params.id);
        return reply(await conferences.events(params.id, query.after, query.limit), (page) =>
          json(200, page),
        );
      },
    }),
    route({
      ...shared,
      method: 'GET',
      path: '/api/v1/events',
      summary: 'The event stream (WebSocket)',
      description: STREAM_DESCRIPTION,
      status: 101,
      handle: () =>
        Promise.resolve(
          problem('upgrade-required', 'expected a WebSocket (RFC 6455)', {
            headers: { upgrade: 'websocket' },
          }),
        ),
    }),
  ];
}

function controlling(conferences: LiveConferences): readonly Route[] {
  const carryOut = async (
    id: ConferenceId,
    { principal, by }: Pick<Asked, 'principal' | 'by'>,
    action: ControlAction,
  ): Promise<HttpResponse> =>
    (await foreign(conferences, id, principal)) ??
    reply(await conferences.control(id, by, action), () => noContent);
  const inConference = (
    method: 'POST' | 'DELETE',
    suffix: string,
    summary: string,
    action: ControlAction,
  ): Route =>
    route({
      ...shared,
      method,
      path: `/api/v1/conferences/{id}${suffix}`,
      summary,
      status: 204,
      params: schemas.conferencePath,
      handle: (call) => carryOut(call.params.id, call, action),
    });
  const onConferee = (
    method: 'POST' | 'DELETE',
    suffix: string,
    summary: string,
    action: (ordinal: number) => ControlAction,
  ): Route =>
    route({
      ...shared,
      method,
      path: `/api/v1/conferences/{id}/conferees/{ordinal}${suffix}`,
      summary,
      status: 204,
      params: schemas.confereePath,
      handle: (call) => carryOut(call.params.id, call, action(call.params.ordinal)),
    });
  const setMode = route({
    ...shared,
    method: 'POST',
    path: '/api/v1/conferences/{id}/mode',
    summary: 'Choose who is heard: everybody, hosts alone, or hosts and who was given the word',
    status: 204,
    params: schemas.conferencePath,
    body: schemas.modeChange,
    guard: ({ id }, principal) => foreign(conferences, id, principal),
    handle: (call) => carryOut(call.params.id, call, { kind: 'mode', mode: call.body.mode }),
  });
  const send = route({
    ...shared,
    method: 'POST',
    path: '/api/v1/conferences/{id}/conferees/{ordinal}/sub-conference',
    summary: 'Send a conferee into a sub-conference, or with 0 back into the conference itself',
    status: 204,
    params: schemas.confereePath,
    body: schemas.subConferenceChange,
    guard: ({ id }, principal) => foreign(conferences, id, principal),
    handle: (call) =>
      carryOut(call.params.id, call, {
        ...{ kind: 'send', ordinal: call.params.ordinal },
        sub: call.body.sub,
      }),
  });
  const hold =
    (held: boolean) =>
    (ordinal: number): ControlAction => ({ kind: 'hold', ordinal, held });
  const record = (on: boolean): ControlAction => ({ kind: 'record', on });
  const mute =
    (muted: boolean) =>
    (ordinal: number): ControlAction => ({ kind: 'mute', ordinal, muted });
  const muteAll = (muted: boolean): ControlAction => ({ kind: 'mute-all', muted });
  const lock = (locked: boolean): ControlAction => ({ kind: 'lock', locked });
  return [
    inConference('DELETE', '', 'End a conference; everybody hears why', { kind: 'end' }),
    inConference('POST', '/lock', 'Lock: nobody more gets in', lock(true)),
    inConference('POST', '/unlock', 'Unlock', lock(false)),
    inConference('POST', '/mute-all', 'Mute all but hosts', muteAll(true)),
    inConference('POST', '/unmute-all', 'Unmute all', muteAll(false)),
    inConference('POST', '/recording', 'Record it; everybody hears that', record(true)),
    inConference('DELETE', '/recording', 'Stop recording; everybody hears that', record(false)),
    inConference('POST', '/roll-call', 'Everybody hears who is there', { kind: 'roll-call' }),
    onConferee('POST', '/mute', 'Mute a conferee', mute(true)),
    onConferee('POST', '/unmute', 'Unmute a conferee', mute(false)),
    onConferee('POST', '/hold', 'Out of the talk: hears music, is not heard', hold(true)),
    onConferee('POST', '/unhold', 'Back into the talk', hold(false)),
    send,
    setMode,
    onConferee('POST', '/lower-hand', 'Lower the hand of a conferee', (ordinal) => ({
      kind: 'lower-hand',
      ordinal,
    })),
    onConferee('POST', '/make-host', 'Make a conferee a host', (ordinal) => ({
      kind: 'make-host',
      ordinal,
    })),
    onConferee('DELETE', '', 'Delete a conferee, who hears why', (ordinal) => ({
      kind: 'delete',
      ordinal,
    })),
  ];
}
