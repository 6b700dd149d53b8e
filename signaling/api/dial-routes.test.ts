/** R26 over HTTP: who may, what is answered, and that a retry calls nobody twice. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { getAccount, replaceAccount } from '../conference/accounts.ts';
import { ADMIN_TOKEN, startTestApi, type TestApi } from './test-api.ts';

let system: TestApi;
beforeEach(async () => {
  system = await startTestApi();
  await system.create('c1', 'demo-start');
});
afterEach(() => system.stop());

async function ask(
  method: string,
  path: string,
  token: string,
  body?: unknown,
  headers: Record<string, string> = {},
) {
  const response = await fetch(`${system.base}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const value: unknown = text === '' ? {} : JSON.parse(text);
  return { status: response.status, body: value as Record<string, unknown> };
}

/** Of the account of c1, which may call out. */
async function hostToken(may: boolean): Promise<string> {
  const created = await system.store.get('event/c1/00000001');
  const text = JSON.stringify(created.ok ? created.value?.value : {});
  const id = /"accountId":"([^"]+)"/.exec(text)?.[1] ?? '';
  const account = await getAccount(system.store, id as never);
  if (!account.ok || account.value === undefined) throw new Error(`no account ${id}`);
  if (may) await replaceAccount(system.store, { ...account.value, outdial: {} });
  const code = account.value.hostCodes[0];
  const { body } = await ask('POST', '/host-sessions', '', { code });
  return String(body['token']);
}

describe('R26: POST /conferences/{id}/dial', () => {
  it('calls, for an operator, with what was asked', async () => {
    const answer = await ask('POST', '/conferences/c1/dial', ADMIN_TOKEN, { number: '+4930123' });
    expect(answer).toEqual({
      status: 202,
      body: { dialId: 'd1', number: '+4930123', state: 'dialling' },
    });
    await ask('POST', '/conferences/c1/dial', ADMIN_TOKEN, { number: '+4940', confirm: false });
    expect(system.controls).toEqual(['c1 dial +4930123 confirm', 'c1 dial +4940 direct']);
  });

  it('the same Idempotency-Key calls once', async () => {
    const key = { 'idempotency-key': 'once' };
    for (let time = 0; time < 3; time++) {
      const body = { number: '+4930123' };
      expect((await ask('POST', '/conferences/c1/dial', ADMIN_TOKEN, body, key)).status).toBe(202);
    }
    expect(system.controls).toHaveLength(1);
  });

  it('says why not', async () => {
    const refused = await ask('POST', '/conferences/c1/dial', ADMIN_TOKEN, { number: '+1900' });
    expect(refused.status).toBe(403);
    expect(refused.body['detail']).toContain('not-allowed: no prefix');
    for (const bad of [{}, { number: '1' }, { number: 7 }, { number: '+49', role: 'host' }]) {
      expect((await ask('POST', '/conferences/c1/dial', ADMIN_TOKEN, bad)).status).toBe(422);
    }
  });

  it('for a host only where the account may', async () => {
    const without = await hostToken(false);
    const body = { number: '+4930123' };
    expect((await ask('POST', '/conferences/c1/dial', without, body)).status).toBe(403);
    const session = await ask('GET', '/session', without);
    expect(session.body['mayDial']).toBe(false);
    const may = await hostToken(true);
    expect((await ask('GET', '/session', may)).body['mayDial']).toBe(true);
    expect((await ask('POST', '/conferences/c1/dial', may, body)).status).toBe(202);
    expect((await ask('POST', '/conferences/c1/dial-list', may)).status).toBe(202);
    expect((await ask('DELETE', '/conferences/c1/dials/d1', may)).status).toBe(204);
    await system.create('c2', 'demo-hold');
    expect((await ask('POST', '/conferences/c2/dial', may, body)).status).toBe(404);
  });
});

describe('R26: what is seen of calls', () => {
  it('the conference shows them with their state', async () => {
    await system.append('c1', {
      ...{ kind: 'dial', dialId: 'd7' as never, state: 'dialling', number: '+4930123' },
      ...{ trunk: 'carrier', name: 'Alice' },
    });
    await system.append('c1', { kind: 'dial', dialId: 'd7' as never, state: 'busy' });
    const { body } = await ask('GET', '/conferences/c1', ADMIN_TOKEN);
    expect(body['dials']).toMatchObject([
      { dialId: 'd7', state: 'busy', number: '+4930123', name: 'Alice', consult: false },
    ]);
  });

  it('trunks are for operators', async () => {
    expect(await ask('GET', '/trunks', ADMIN_TOKEN)).toEqual({ status: 200, body: { items: [] } });
    expect((await ask('GET', '/trunks', await hostToken(true))).status).toBe(403);
  });
});
