import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { MediaError } from '../../common/errors.ts';
import { seededRandom } from '../../common/ids.ts';
import { silentLogger } from '../../common/log.ts';
import { createMetrics } from '../../common/metrics.ts';
import { fail, ok } from '../../common/result.ts';
import { MemoryStore } from '../../common/store/memory-store.ts';
import {
  type AccountRecord,
  accountRecord,
  type DnisRecord,
  dnisRecord,
} from '../conference/messages.ts';
import { openRecords } from '../derived/record-search.ts';
import { createWebhookDesk } from '../derived/webhook-desk.ts';
import { createWebhookSender } from '../derived/webhook-sender.ts';
import type { Backend } from './backend.ts';
import { createHandler } from './http.ts';
import type { HttpServer } from './http-server.ts';
import { problem } from './problem.ts';
import { NO_LIMITS, RateLimiter } from './rate-limit.ts';
import { createRoutes } from './routes.ts';
import { createTokenDesk } from './token-desk.ts';
import { plainAddress, startUwsServer } from './uws.ts';

const TOKEN = 'the-token-of-this-test';
const JSON_TYPE = { 'content-type': 'application/json' };
const WITH_TOKEN = { authorization: `Bearer ${TOKEN}` };

/** A backend in memory; `calls` is what it was asked to do. */
function memoryBackend(calls: string[]): Backend {
  const accounts = new Map<string, AccountRecord>();
  const dnis = new Map<string, DnisRecord>();
  return {
    provisioning: {
      listAccounts: async () => ok([...accounts.values()]),
      getAccount: async (id) => ok(accounts.get(id)),
      async createAccount(record) {
        if (accounts.has(record.id)) return fail(new MediaError('conflict', 'exists'));
        accounts.set(record.id, record);
        return ok(undefined);
      },
      async replaceAccount(record) {
        accounts.set(record.id, record);
        return ok(undefined);
      },
      async removeAccount(id) {
        accounts.delete(id);
        return ok(undefined);
      },
      listDnis: async () => ok([...dnis.values()]),
      async putDnis(record) {
        dnis.set(record.dnis, record);
        return ok(undefined);
      },
      async removeDnis(number) {
        dnis.delete(number);
        return ok(undefined);
      },
    },
    conferences: {
      list: async () => ok([]),
      get: async () => ok(undefined),
      async control(id, _, action) {
        calls.push(`${id} ${JSON.stringify(action)}`);
        if (id === 'cgone') return fail(new MediaError('conference-unknown', 'no cgone'));
        if (id === 'cbug') throw new Error('a bug');
        return ok(undefined);
      },
      dial: async () => ok({ kind: 'dial-refused', reason: 'not-available' }),
      dialList: async () => ok({ kind: 'dial-refused', reason: 'not-available' }),
      cancelDial: async () => ok(undefined),
      measured: async () => ok(null),
    },
    nodes: {
      mixers: async () => ok([]),
      drainMixer: async (id) => ok(id === 'mixer-1' ? true : undefined),
      vrus: async () => ok([]),
      trunks: async () => ok([]),
      roles: () => [{ id: 'vru-1', ready: calls.length === 0 }],
    },
  };
}

let server: HttpServer;
let calls: string[];
let base: string;

beforeEach(async () => {
  calls = [];
  const metrics = createMetrics();
  const backend = memoryBackend(calls);
  const store = new MemoryStore(systemClock);
  const policy = { allowedHosts: [], privateAddresses: false };
  const routes = createRoutes({
    backend,
    metrics,
    random: seededRandom(1),
    version: '0.0.0',
    metricsAccess: 'loopback',
    conferences: {
      ...backend.conferences,
      get: async () => ok(undefined),
      media: async () => ok(undefined),
      accountOf: async () => ok(undefined),
      events: async () => ok({ items: [], next: null }),
    },
    hosts: { exchange: async () => ({ kind: 'refused' }) },
    records: openRecords(store, systemClock),
    webhooks: createWebhookDesk({
      store,
      clock: systemClock,
      random: seededRandom(2),
      policy,
      sender: createWebhookSender({ policy, clock: systemClock, timeoutMs: 1_000 }),
    }),
    tokens: createTokenDesk({ store, clock: systemClock, random: seededRandom(3) }),
    alarms: { list: () => [], close: async () => {} },
    audit: { search: async () => ok({ items: [], next: null }) },
  });
  const started = await startUwsServer({
    address: '127.0.0.1',
    port: 0,
    bodyLimitBytes: 2048,
    bodyTooLong: () => problem('body-too-long', 'at most 2048 bytes'),
    handler: createHandler({
      routes,
      authenticator: {
        authenticate: async (header) =>
          header === `Bearer ${TOKEN}` ? { name: 'test', scopes: ['admin', 'host'] } : undefined,
        close: async () => {},
      },
      limiter: new RateLimiter({
        ...{ limits: NO_LIMITS, clock: systemClock, log: silentLogger, metrics },
      }),
      audit: { note: async () => {} },
      random: seededRandom(3),
      log: silentLogger,
      metrics,
      clock: systemClock,
    }),
  });
  if (!started.ok) throw started.error;
  server = started.value;
  base = `http://127.0.0.1:${server.port}`;
});

afterEach(() => server.close());

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Headers;
}

async function ask(
  method: string,
  path: string,
  body?: unknown,
  headers?: object,
): Promise<Answer> {
  const response = await fetch(base + path, {
    method,
    headers: { ...WITH_TOKEN, ...(body === undefined ? {} : JSON_TYPE), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  const parsed: unknown = isJson ? JSON.parse(text) : { text };
  return {
    status: response.status,
    body: parsed as Record<string, unknown>,
    headers: response.headers,
  };
}

describe('health and metrics', () => {
  it('answer without a token', async () => {
    for (const [path, part] of [
      ['/healthz', '"ok"'],
      ['/readyz', '"ready":true'],
      ['/metrics', 'minusone_http_request_seconds'],
      ['/api/v1/openapi.json', '"3.1.0"'],
    ] as const) {
      const response = await fetch(base + path);
      expect(response.status, path).toBe(200);
      expect(await response.text()).toContain(part);
    }
  });

  it('/readyz is 503 while a role is not ready', async () => {
    calls.push('not ready');
    expect((await ask('GET', '/readyz')).status).toBe(503);
  });

  it('/metrics is refused behind a proxy, where nobody is local', async () => {
    const { status } = await ask('GET', '/metrics', undefined, { 'x-forwarded-for': '192.0.2.1' });
    expect(status).toBe(403);
  });

  it('HEAD gives the length without the body', async () => {
    const response = await fetch(`${base}/healthz`, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-length')).toBe('15');
  });
});

describe('tokens', () => {
  const document = async (): Promise<[string, string][]> => {
    const { body } = await ask('GET', '/api/v1/openapi.json');
    const paths = body['paths'] as Record<string, Record<string, { security?: unknown[] }>>;
    return Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        // Those that need no token say so.
        .filter(([, { security }]) => security === undefined)
        .map(([method]): [string, string] => [method.toUpperCase(), path]),
    );
  };

  it('every route of the API refuses a call without or with a wrong one', async () => {
    const routes = await document();
    expect(routes.length).toBeGreaterThan(15);
    for (const [method, path] of routes) {
      const url = base + path.replaceAll(/\{\w+\}/g, '1');
      for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: 'Basic x' }]) {
        const response = await fetch(url, { method, headers });
        expect(response.status, `${method} ${path}`).toBe(401);
        expect(response.headers.get('www-authenticate')).toContain('Bearer');
      }
    }
    expect(calls).toEqual([]);
  });
});

describe('accounts and numbers', () => {
  it('are added, listed, replaced and removed', async () => {
    const made = await ask('POST', '/api/v1/accounts', { name: 'Test', hostCodes: ['1234'] });
    expect(made.status).toBe(201);
    const record = accountRecord.parse(made.body);
    expect(record.hostCodes).toEqual(['1234']);
    expect(record.participantCodes[0]).toMatch(/^[1-9][0-9]{7}$/);

    const { id, ...rest } = record;
    const changed = await ask('PUT', `/api/v1/accounts/${id}`, { ...rest, waitingMode: 'mingle' });
    expect(changed.body['waitingMode']).toBe('mingle');
    expect((await ask('GET', `/api/v1/accounts/${id}`)).body['waitingMode']).toBe('mingle');
    expect((await ask('GET', '/api/v1/accounts')).body['items']).toHaveLength(1);
    expect((await ask('DELETE', `/api/v1/accounts/${id}`)).status).toBe(204);
    expect((await ask('GET', `/api/v1/accounts/${id}`)).status).toBe(404);
    expect((await ask('DELETE', `/api/v1/accounts/${id}`)).status).toBe(404);
  });

  it('a second account of one id is a conflict', async () => {
    const input = { id: 'one', name: 'One' };
    expect((await ask('POST', '/api/v1/accounts', input)).status).toBe(201);
    expect((await ask('POST', '/api/v1/accounts', input)).status).toBe(409);
  });

  it('numbers likewise', async () => {
    const put = await ask('PUT', '/api/v1/dnis', { dnis: '49*', application: 'echo' });
    expect(dnisRecord.parse(put.body)).toMatchObject({ dnis: '49*', language: 'en' });
    expect((await ask('DELETE', '/api/v1/dnis/49*')).status).toBe(204);
    expect((await ask('DELETE', '/api/v1/dnis/49*')).status).toBe(404);
  });
});

describe('conferences', () => {
  it.each([
    ['POST', '/lock', '{"kind":"lock","locked":true}'],
    ['POST', '/unlock', '{"kind":"lock","locked":false}'],
    ['POST', '/mute-all', '{"kind":"mute-all","muted":true}'],
    ['POST', '/conferees/3/mute', '{"kind":"mute","ordinal":3,"muted":true}'],
    ['POST', '/conferees/3/unmute', '{"kind":"mute","ordinal":3,"muted":false}'],
    ['DELETE', '/conferees/3', '{"kind":"delete","ordinal":3}'],
    ['DELETE', '', '{"kind":"end"}'],
  ])('%s …%s asks for %s', async (method, suffix, action) => {
    expect((await ask(method, `/api/v1/conferences/c1${suffix}`)).status).toBe(204);
    expect(calls).toEqual([`c1 ${action}`]);
  });

  it('answer 404, 422 and 500 as problem documents', async () => {
    const gone = await ask('POST', '/api/v1/conferences/cgone/lock');
    expect([gone.status, gone.body['type']]).toEqual([404, 'urn:minusone:problem:not-found']);
    expect(gone.headers.get('content-type')).toBe('application/problem+json');
    expect((await ask('POST', '/api/v1/conferences/c1/conferees/0/mute')).status).toBe(422);
    expect((await ask('POST', '/api/v1/conferences/cbug/lock')).status).toBe(500);
  });

  it('mixers drain by id', async () => {
    expect((await ask('POST', '/api/v1/mixers/mixer-1/drain')).status).toBe(204);
    expect((await ask('POST', '/api/v1/mixers/mixer-9/drain')).status).toBe(404);
  });
});

describe('bad input', () => {
  it('names each field that is refused', async () => {
    const { status, body } = await ask('POST', '/api/v1/accounts', {
      name: 'x',
      hostCodes: ['12a'],
      colour: 'red',
    });
    expect(status).toBe(422);
    expect(JSON.stringify(body['errors'])).toMatch(/hostCodes\.0.*colour/);
  });

  it.each([
    ['text/plain', '{}', 415],
    ['application/json', '{', 400],
    ['application/json', '"\xff', 400],
    ['application/json', `{"name":"${'x'.repeat(4000)}"}`, 413],
  ])('%s %s is answered %i', async (type, body, status) => {
    const response = await fetch(`${base}/api/v1/accounts`, {
      method: 'POST',
      headers: { ...WITH_TOKEN, 'content-type': type },
      body,
    });
    expect(response.status).toBe(status);
  });

  it('unknown paths and methods are 404 and 405 with Allow', async () => {
    expect((await ask('GET', '/nowhere')).status).toBe(404);
    expect((await ask('GET', '/api/v1/accounts/%ff')).status).toBe(404);
    const wrong = await ask('DELETE', '/api/v1/accounts');
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, POST']);
  });

  it('broken HTTP and a peer that goes away hurt nobody', async () => {
    for (const bytes of [
      '\0\0\0\r\n\r\n',
      'POST /api/v1/accounts HTTP/1.1\r\ncontent-length: 99',
    ]) {
      await new Promise<void>((resolve) => {
        const socket = connect(server.port, '127.0.0.1', () => {
          socket.end(bytes);
        });
        socket.on('close', () => resolve());
        socket.on('error', () => resolve());
        socket.resume();
      });
    }
    expect((await fetch(`${base}/healthz`)).status).toBe(200);
  });
});

describe('the server', () => {
  it.each([
    ['another program listens there; stop it', '127.0.0.1', () => server.port],
    ['this machine does not have the address; choose', '192.0.2.1', () => 8080],
  ])('says what it wanted, what came and what to do: %s', async (text, address, port) => {
    const second = await startUwsServer({
      ...{ address, port: port(), bodyLimitBytes: 1 },
      bodyTooLong: () => problem('body-too-long', ''),
      handler: async () => problem('internal', ''),
    });
    const said = second.ok ? '' : second.error.message;
    expect(said).toContain(`expected to listen for HTTP on ${address}:${port()}, but ${text}`);
    expect(said).toContain('--http ADDRESS:PORT');
  });

  it('starts again at once where one with open connections was stopped', async () => {
    const start = (port: number) =>
      startUwsServer({
        address: '127.0.0.1',
        port,
        bodyLimitBytes: 1,
        bodyTooLong: () => problem('body-too-long', ''),
        handler: async () => problem('internal', ''),
      });
    // As operators start it: on a port that they chose.
    const { port } = server;
    await server.close();
    const first = await start(port);
    if (!first.ok) throw first.error;
    const peer = connect(port, '127.0.0.1');
    peer.on('error', () => {});
    await new Promise((resolve) => peer.once('connect', resolve));
    peer.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await new Promise((resolve) => peer.once('data', resolve));
    // The side that closes first has the connection in TIME-WAIT: the server.
    await first.value.close();
    await new Promise((resolve) => peer.once('close', resolve));
    const again = await start(port);
    expect(again.ok ? 'listens' : again.error.message).toBe('listens');
    if (again.ok) await again.value.close();
  });

  it('shows IPv4 peers of IPv6 sockets as IPv4', () => {
    expect(plainAddress('0000:0000:0000:0000:0000:ffff:7f00:0001')).toBe('127.0.0.1');
    expect(plainAddress('0000:0000:0000:0000:0000:0000:0000:0001')).toBe('::1');
    expect(plainAddress('192.0.2.1')).toBe('192.0.2.1');
  });
});
