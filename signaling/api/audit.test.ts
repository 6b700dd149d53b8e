import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../common/clock.ts';
import { createLogger, silentLogger } from '../../common/log.ts';
import { createMetrics } from '../../common/metrics.ts';
import { SimClock } from '../../common/sim-clock.ts';
import { MemoryStore } from '../../common/store/memory-store.ts';
import { AuditLog, askerOf } from './audit.ts';
import { auditList } from './audit-routes.ts';
import { runProgram } from './cli/program.ts';
import { ADMIN_TOKEN, startTestApi, type TestApi } from './test-api.ts';

let system: TestApi;
let lines: Record<string, unknown>[];
/** Everything that the audit and the log hold, as text. */
let written: string;
let clock: Clock;

beforeEach(async () => {
  lines = [];
  written = '';
  clock = systemClock;
  const log = createLogger('info', {
    write(text: string) {
      written += text;
      const parsed: unknown = JSON.parse(text);
      lines.push(parsed as Record<string, unknown>);
    },
  });
  system = await startTestApi({ log, clock });
  await system.create('cdemo', 'demo-start');
  await system.join('cdemo', 'host');
  await system.join('cdemo');
});
afterEach(() => system.stop());

async function ask(method: string, path: string, token: string | undefined, body?: unknown) {
  const response = await fetch(system.base + path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  const parsed: unknown = isJson ? JSON.parse(text) : {};
  const requestId = response.headers.get('x-request-id');
  return { status: response.status, body: parsed as Record<string, unknown>, requestId };
}

async function audit(query = '') {
  const { body } = await ask('GET', `/api/v1/audit?${query}`, ADMIN_TOKEN);
  return auditList.parse(body).items;
}

async function hostToken(): Promise<string> {
  const { body: account } = await ask('GET', '/api/v1/accounts/demo-start', ADMIN_TOKEN);
  const code = (account['hostCodes'] as string[])[0];
  const { body } = await ask('POST', '/api/v1/host-sessions', undefined, { code });
  return String(body['token']);
}

describe('the audit', () => {
  it('has each change with who, what, result and request id; the events of the conference have the same', async () => {
    const token = await hostToken();
    const muted = await ask('POST', '/api/v1/conferences/cdemo/conferees/2/mute', token);
    const locked = await ask('POST', '/api/v1/conferences/cdemo/lock', ADMIN_TOKEN);
    const refused = await ask('DELETE', '/api/v1/accounts/demo-start', token);
    expect([muted.status, locked.status, refused.status]).toEqual([204, 204, 403]);

    const [deleting, locking, muting, opening] = await audit();
    expect(opening).toMatchObject({
      ...{ by: 'host of demo-start', tokenName: '', status: 201, problem: '' },
      ...{ method: 'POST', path: '/api/v1/host-sessions', from: '127.0.0.1' },
    });
    expect(muting).toMatchObject({
      by: 'host of demo-start',
      requestId: muted.requestId,
      what: 'Mute a conferee',
      path: '/api/v1/conferences/cdemo/conferees/2/mute',
      ...{ status: 204, problem: '' },
    });
    expect(muting?.tokenName).toMatch(/^host-demo-start-/);
    expect(locking).toMatchObject({ by: 'operator configured-admin', requestId: locked.requestId });
    expect(deleting).toMatchObject({ by: 'host of demo-start', status: 403, problem: 'forbidden' });

    const { body } = await ask('GET', '/api/v1/conferences/cdemo/events', ADMIN_TOKEN);
    expect(body['items']).toMatchObject([
      { event: { kind: 'created' } },
      { event: { kind: 'joined' } },
      { event: { kind: 'joined' } },
      { by: 'host of demo-start', event: { kind: 'muted', ordinal: 2 } },
      { by: 'operator configured-admin', event: { kind: 'locked' } },
    ]);
    const all = await system.store.list('event/cdemo/');
    expect(all.ok ? all.value.map(({ value }) => value) : []).toContainEqual(
      expect.objectContaining({ requestId: muted.requestId }),
    );
  });

  it('finds by who, by text and by request id', async () => {
    const token = await hostToken();
    await ask('POST', '/api/v1/conferences/cdemo/conferees/2/mute', token);
    const made = await ask('POST', '/api/v1/accounts', ADMIN_TOKEN, { id: 'sales', name: 'S' });
    expect(made.status).toBe(201);
    expect(await audit('by=host+of')).toHaveLength(2);
    expect(await audit('by=configured-admin')).toMatchObject([{ made: '/api/v1/accounts/sales' }]);
    expect(await audit('match=cdemo')).toMatchObject([{ what: 'Mute a conferee' }]);
    expect(await audit(`requestId=${made.requestId}`)).toHaveLength(1);
    expect(await audit('from=2100-01-01T00:00:00Z')).toEqual([]);
    expect((await ask('GET', '/api/v1/audit', token)).status).toBe(403);
  });

  it('is read by "minusone audit"', async () => {
    await ask('POST', '/api/v1/conferences/cdemo/lock', ADMIN_TOKEN);
    await ask('POST', '/api/v1/conferences/cdemo/conferees/9/mute', ADMIN_TOKEN);
    let out = '';
    const terminal = {
      out: (text: string) => {
        out += text;
      },
      err: (text: string) => {
        out += text;
      },
      environment: { MINUSONE_URL: system.base, MINUSONE_TOKEN: ADMIN_TOKEN },
      setExitCode: () => {},
    };
    await runProgram({ version: '0', terminal, addLocalCommands: () => {} }, [
      ...['audit', '--by', 'operator', '--from', '1h'],
    ]);
    expect(out).toMatch(
      /operator configured-admin +404 not-found +Mute a conferee +\/api\/v1\/conferences\/cdemo\/conferees\/9\/mute/,
    );
    expect(out).toMatch(/operator configured-admin +done +Lock/);
  });

  it('a stranger is in the log alone, and fills no disk', async () => {
    for (let count = 0; count < 5; count++) {
      await ask('POST', '/api/v1/conferences/cdemo/lock', 'wrong');
      await ask('POST', '/api/v1/host-sessions', undefined, { code: '0' });
    }
    expect(await audit()).toEqual([]);
    const told = lines.filter(({ msg }) => msg === 'api request');
    expect(told).toHaveLength(10);
    expect(told[0]).toMatchObject({ by: 'nobody', status: 401, problem: 'unauthorized' });
  });

  it('has no secret in it, whatever is sent', async () => {
    const token = await hostToken();
    const secret = 'code-4711-secret';
    const account = { id: 'vault', name: 'V', hostCodes: ['47114711'] };
    await ask('POST', '/api/v1/accounts', ADMIN_TOKEN, account);
    await ask('POST', `/api/v1/conferences/cdemo/lock?token=${secret}`, token, { secret });
    await ask('POST', '/api/v1/host-sessions', undefined, { code: '47114711' });
    const hook = await ask('POST', '/api/v1/webhooks', ADMIN_TOKEN, {
      url: `http://127.0.0.1/${secret}`,
    });
    expect(hook.body['secret']).toMatch(/^whsec_/);
    const stored = await system.store.list('audit/');
    const all = written + JSON.stringify(stored);
    expect(all).toContain('/api/v1/webhooks/');
    for (const hidden of [token, ADMIN_TOKEN, secret, '47114711', String(hook.body['secret'])]) {
      expect(all, hidden).not.toContain(hidden);
    }
  });
});

describe('the documents', () => {
  it('go when they are too old, and stay as long as they are not', async () => {
    const sim = new SimClock();
    const store = new MemoryStore(sim);
    const parts = { store, clock: sim, log: silentLogger, metrics: createMetrics() };
    const key = (ms: number, id: number) => `audit/${String(ms).padStart(13, '0')}-q${id}`;
    const startMs = sim.wallMs();
    for (let id = 0; id < 1_200; id++) await store.put(key(startMs - 10_000, id), {});
    await store.put(key(startMs - 1_000, 1), {});
    const log = new AuditLog({ ...parts, keepMs: 5_000 });
    const count = async () => {
      const all = await store.list('audit/');
      return all.ok ? all.value.length : -1;
    };
    while ((await count()) > 1) await pause(1);
    expect(await count()).toBe(1);
    await sim.advance(600_000);
    expect(await count()).toBe(0);
    await log.close();
    expect(sim.timerCount).toBe(0);
  });

  it('name people in words that nothing can be hidden in', () => {
    expect(askerOf({ name: 'a\nb <c>', scopes: ['admin'] })).toBe('operator a_b__c_');
  });
});
