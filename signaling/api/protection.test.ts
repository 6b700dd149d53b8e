/**
 * Walks every route of the document with every kind of wrong token, so that a route that somebody
 * adds without protection fails here: always 401 or 403 (a host of another account learns nothing,
 * not even that something is there: 404), and never a change.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Clock, systemClock } from '../../common/clock.ts';
import { accountRecord } from '../conference/messages.ts';
import { ADMIN_TOKEN, startTestApi, type TestApi } from './test-api.ts';

/** Routes that need no token. Whoever adds one here says why. */
const PUBLIC = [
  'GET /healthz', // says that the process answers
  'GET /readyz', // says which roles are ready
  'GET /metrics', // for callers on this machine (http.metricsAccess)
  'GET /api/v1/openapi.json', // describes, and has no data
  'POST /api/v1/host-sessions', // takes a host code in place of a token
];

const documented = z.object({
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({ security: z.array(z.unknown()).optional(), 'x-scope': z.string().optional() }),
    ),
  ),
});

interface Operation {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly isOpen: boolean;
  readonly scope: string;
}

let system: TestApi;
let aheadMs: number;
let operations: readonly Operation[];
let webhook: string;
let accounts: readonly { readonly id: string; readonly code: string }[];

const clock: Clock = { ...systemClock, wallMs: () => systemClock.wallMs() + aheadMs };

beforeEach(async () => {
  aheadMs = 0;
  system = await startTestApi({ clock });
  const { paths } = documented.parse(await (await ask('GET', '/api/v1/openapi.json')).json());
  operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      isOpen: one.security !== undefined,
      scope: one['x-scope'] ?? 'public',
    })),
  );
  const list = z.object({ items: z.array(accountRecord) });
  const { items } = list.parse(await (await ask('GET', '/api/v1/accounts', ADMIN_TOKEN)).json());
  accounts = items.map(({ id, hostCodes }) => ({ id, code: hostCodes[0] ?? '' }));
  await system.create('cother', accounts[1]?.id ?? '');
  for (const role of ['host', 'participant'] as const) await system.join('cother', role);
  const hook = { url: 'http://127.0.0.1/hook' };
  const made = await ask('POST', '/api/v1/webhooks', ADMIN_TOKEN, hook);
  webhook = z.object({ id: z.string() }).parse(await made.json()).id;
});
afterEach(() => system.stop());

function ask(method: string, path: string, token?: string, body?: unknown): Promise<Response> {
  return fetch(system.base + path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function hostToken(account: number): Promise<string> {
  const { code } = accounts[account] ?? { code: '' };
  const response = await ask('POST', '/api/v1/host-sessions', undefined, { code });
  return z.object({ token: z.string() }).parse(await response.json()).token;
}

/** Of things that are there, so that only the token stands between the caller and a change. */
function realPath({ path }: Operation): string {
  const ids: Readonly<Record<string, string>> = {
    accounts: accounts[1]?.id ?? '',
    webhooks: webhook,
    mixers: 'mixer-1',
    conferences: 'cother',
  };
  return path
    .replace(/^\/api\/v1\/(\w+)\/\{id\}/, (whole, kind: string) =>
      whole.replace('{id}', ids[kind] ?? 'x'),
    )
    .replace('{ordinal}', '2')
    .replace('{dnis}', '1000')
    .replaceAll(/\{\w+\}/g, 'x1');
}

/** A body that would be taken, where one is. */
const bodyOf = ({ name }: Operation): unknown =>
  ({
    'POST /api/v1/accounts': { id: 'stolen', name: 'Stolen' },
    'PUT /api/v1/dnis': { dnis: '1000', application: 'echo' },
    'POST /api/v1/webhooks': { url: 'http://127.0.0.1/stolen' },
    'POST /api/v1/tokens': { name: 'stolen' },
    'POST /api/v1/conferences/{id}/conferees/{ordinal}/sub-conference': { sub: 1 },
    'POST /api/v1/conferences/{id}/mode': { mode: 'lecture' },
    'POST /api/v1/conferences/{id}/dial': { number: '+4930123' },
  })[name];

/** All that could be changed: every document of the store but the audit's, and what mixers were told. */
async function state(): Promise<string> {
  const all = await system.store.list('');
  if (!all.ok) throw all.error;
  const kept = all.value.filter(({ key }) => !key.startsWith('audit/'));
  return JSON.stringify([kept.map(({ key, value }) => [key, value]), system.controls]);
}

async function expectRefused(
  token: string | undefined,
  wanted: (operation: Operation) => readonly number[] | undefined,
): Promise<number> {
  const before = await state();
  let tried = 0;
  for (const operation of operations) {
    const statuses = wanted(operation);
    if (operation.isOpen || statuses === undefined) continue;
    const path = realPath(operation);
    const body = operation.method === 'GET' ? undefined : (bodyOf(operation) ?? {});
    const response = await ask(operation.method, path, token, body);
    const text = await response.text();
    expect(statuses, `${operation.name} with ${token ?? 'no token'}: ${text}`).toContain(
      response.status,
    );
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    tried += 1;
  }
  expect(await state()).toBe(before);
  return tried;
}

const EVERY = [401] as const;

describe('every route', () => {
  it('needs a token unless it is on the list of those that do not', () => {
    const open = operations.filter(({ isOpen }) => isOpen).map(({ name }) => name);
    expect(open.toSorted()).toEqual(PUBLIC.toSorted());
    for (const { name, scope, isOpen } of operations) {
      expect([name, isOpen ? ['public'] : ['admin', 'host', 'dial']]).toEqual([
        name,
        expect.arrayContaining([scope]),
      ]);
    }
  });

  it('with the admin token does what it says: the walk below is refused for the token alone', async () => {
    const mutating = operations.filter(({ method, isOpen }) => method !== 'GET' && !isOpen);
    for (const operation of mutating) {
      const path = realPath(operation);
      const response = await ask(operation.method, path, ADMIN_TOKEN, bodyOf(operation) ?? {});
      expect([401, 403, 405], operation.name).not.toContain(response.status);
    }
    expect(system.controls.length).toBeGreaterThan(5);
  });

  it('without a token is 401', async () => {
    expect(await expectRefused(undefined, () => EVERY)).toBe(operations.length - PUBLIC.length);
  });

  it.each([
    ['a wrong one', 'mo_wrong-wrong-wrong-wrong-wrong-wrong'],
    ['the admin token less its last letter', ADMIN_TOKEN.slice(0, -1)],
    ['the admin token and more', `${ADMIN_TOKEN}x`],
    ['an empty host token', 'mh_'],
    ['a host token of rubbish', 'mh_e30.e30'],
    ['many bytes', 'x'.repeat(3_000)],
  ])('with %s is 401', async (_, token) => {
    await expectRefused(token, () => EVERY);
  });

  it('with a header that is no bearer token is 401', async () => {
    const before = await state();
    for (const authorization of [
      ADMIN_TOKEN,
      `Basic ${ADMIN_TOKEN}`,
      'Bearer',
      'Bearer a b',
      ' ',
    ]) {
      for (const operation of operations.filter(({ isOpen }) => !isOpen)) {
        const { method } = operation;
        const url = system.base + realPath(operation);
        const { status } = await fetch(url, { method, headers: { authorization } });
        expect(status, `${operation.name} with ${authorization}`).toBe(401);
      }
    }
    expect(await state()).toBe(before);
  });

  it('with a forged host token is 401: another account, a later end, another signature', async () => {
    const [content = '', signature = ''] = (await hostToken(1)).slice(3).split('.');
    const claims = z
      .record(z.string(), z.unknown())
      .parse(JSON.parse(Buffer.from(content, 'base64url').toString()));
    const signed = (changes: object): string =>
      `mh_${Buffer.from(JSON.stringify({ ...claims, ...changes })).toString('base64url')}.${signature}`;
    for (const token of [
      signed({ account: accounts[2]?.id }),
      signed({ endMs: Number(claims['endMs']) + 1 }),
      `mh_${content}.${signature.slice(0, -2)}AA`,
      `mh_${content}`,
    ]) {
      await expectRefused(token, () => EVERY);
    }
  });

  it('with a host token that has expired is 401', async () => {
    const token = await hostToken(1);
    expect((await ask('GET', '/api/v1/session', token)).status).toBe(200);
    aheadMs = 13 * 3_600_000;
    await expectRefused(token, () => EVERY);
  });

  it('with a host token whose code was taken back is 401', async () => {
    const token = await hostToken(1);
    const path = `/api/v1/accounts/${accounts[1]?.id}`;
    const present = accountRecord.parse(await (await ask('GET', path, ADMIN_TOKEN)).json());
    const { id: _, ...rest } = present;
    const change = { ...rest, hostCodes: ['55550000'] };
    expect((await ask('PUT', path, ADMIN_TOKEN, change)).status).toBe(200);
    await expectRefused(token, () => EVERY);
  });

  it.each([
    ['of an operator', {}],
    ['of an account', { accountId: 'demo-hold', dial: true }],
  ])('with a named token %s that was revoked is 401', async (_, wish) => {
    const made = await ask('POST', '/api/v1/tokens', ADMIN_TOKEN, { name: 'gone', ...wish });
    const { token } = z.object({ token: z.string() }).parse(await made.json());
    expect((await ask('GET', '/api/v1/session', token)).status).toBe(200);
    expect((await ask('DELETE', '/api/v1/tokens/gone', ADMIN_TOKEN)).status).toBe(204);
    await expectRefused(token, () => EVERY);
  });

  it('with a token of less scope is 403: a host where an operator is asked for, or where the account may not call', async () => {
    const token = await hostToken(1);
    const tried = await expectRefused(token, ({ scope }) => (scope === 'host' ? undefined : [403]));
    expect(tried).toBeGreaterThan(15);
  });

  it('with the token of a host of another account is refused as if nothing were there', async () => {
    const token = await hostToken(0);
    const tried = await expectRefused(token, ({ path, scope }) =>
      scope === 'admin' || !path.includes('{id}') ? undefined : [404, 403],
    );
    expect(tried).toBeGreaterThan(10);
  });
});

describe('the admin token', () => {
  it('that was replaced is worth nothing on any route', async () => {
    // As `minusone start --new-admin-token` does; nothing in the walk may still take the old one.
    const other = await startTestApi({ store: system.store, adminToken: undefined });
    const replaced = await startTestApi({
      store: system.store,
      adminToken: undefined,
      replaceAdminToken: true,
      seed: 8,
    });
    const [old, current] = [other.api.newAdminToken ?? '', replaced.api.newAdminToken ?? ''];
    expect(old).toMatch(/^mo_/);
    expect(current).toMatch(/^mo_/);
    const { base } = system;
    Object.assign(system, { base: replaced.base });
    await expectRefused(old, () => EVERY);
    expect((await ask('GET', '/api/v1/accounts', current)).status).toBe(200);
    Object.assign(system, { base });
    await other.stop();
    await replaced.stop();
  });
});
