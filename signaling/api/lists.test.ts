/** What the page of operators needs: pages of lists, errors at their fields, modes, alarms. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ADMIN_TOKEN, startTestApi, type TestApi } from './test-api.ts';

let system: TestApi;
beforeEach(async () => {
  system = await startTestApi();
});
afterEach(() => system.stop());

async function call(method: string, path: string, body?: unknown, token = ADMIN_TOKEN) {
  const response = await fetch(`${system.base}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const value = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
  return { status: response.status, value };
}

interface Page {
  readonly items: readonly { readonly id?: string; readonly dnis?: string }[];
  readonly next: string | null;
}

async function pages(path: string, limit: number): Promise<readonly Page['items'][]> {
  const found: Page['items'][] = [];
  let after = '';
  for (;;) {
    const { value } = await call('GET', `${path}limit=${limit}&after=${encodeURIComponent(after)}`);
    const { items, next } = value as unknown as Page;
    found.push(items);
    if (next === null) return found;
    after = next;
  }
}

describe('lists', () => {
  it('come whole, in pages, and with a search', async () => {
    for (let index = 10; index < 40; index++) {
      const made = await call('POST', '/accounts', {
        id: `team-${index}`,
        name: index === 17 ? 'Sales Berlin' : `Team ${index}`,
        hostCodes: [`77${index}001`],
      });
      expect(made.status).toBe(201);
    }
    const { value } = await call('GET', '/accounts');
    const all = (value as unknown as Page).items.map(({ id }) => id);
    expect(all).toHaveLength(34);
    const paged = await pages('/accounts?', 10);
    expect(paged.map((items) => items.length)).toEqual([10, 10, 10, 4]);
    expect(paged.flat().map(({ id }) => id)).toEqual(all);
    const found = await pages('/accounts?match=sales&', 10);
    expect(found.flat().map(({ id }) => id)).toEqual(['team-17']);
    expect((await pages('/accounts?match=7721001&', 10)).flat()).toHaveLength(1);
    const numbers = await pages('/dnis?', 2);
    expect(numbers.flat().map(({ dnis }) => dnis)).toEqual(['1000', '2000', '3000']);
    expect((await call('GET', '/accounts?limit=0')).status).toBe(422);
  });
});

describe('what is wrong is said at its field', () => {
  it.each([
    [{ name: 'x', hostCodes: ['910001'] }, 409, ['hostCodes.0']],
    [
      { name: 'x', hostCodes: ['12345678'], participantCodes: ['8765', '9100'] },
      409,
      ['participantCodes.1'],
    ],
    [{ name: 'x', id: 'demo-start', hostCodes: ['12345678'] }, 409, ['id']],
    [{ name: 'x', hostCodes: ['12a'] }, 422, ['hostCodes.0']],
    [{ name: 'x', waitingMode: 'dance' }, 422, ['waitingMode']],
  ])('%j', async (body, status, paths) => {
    const answer = await call('POST', '/accounts', body);
    expect(answer.status).toBe(status);
    const errors = answer.value['errors'] as { path: string }[];
    expect(errors.map(({ path }) => path)).toEqual(paths);
  });

  it('also when an account is changed', async () => {
    const { value } = await call('GET', '/accounts/demo-hold');
    const { id, ...rest } = value;
    const answer = await call('PUT', `/accounts/${String(id)}`, { ...rest, hostCodes: ['910001'] });
    expect(answer.status).toBe(409);
    expect(answer.value['errors']).toMatchObject([{ path: 'hostCodes.0' }]);
  });
});

describe('control of a conference', () => {
  it('modes, hands and hosts', async () => {
    await system.create('c1', 'demo-start');
    await system.join('c1', 'host');
    await system.join('c1');
    await system.append('c1', { kind: 'hand', ordinal: 2, raised: true });
    expect((await call('POST', '/conferences/c1/mode', { mode: 'questions' })).status).toBe(204);
    expect((await call('POST', '/conferences/c1/mode', { mode: 'disco' })).status).toBe(422);
    const before = (await call('GET', '/conferences/c1')).value;
    expect(before).toMatchObject({ mode: 'questions', mutedAll: true });
    expect(before['conferees']).toMatchObject([{ handRaisedAt: null }, { mutedBy: ['mode'] }]);
    expect((await call('POST', '/conferences/c1/conferees/2/lower-hand')).status).toBe(204);
    expect((await call('POST', '/conferences/c1/conferees/2/make-host')).status).toBe(204);
    expect((await call('POST', '/conferences/c1/conferees/9/make-host')).status).toBe(404);
    expect((await call('GET', '/conferences/c1')).value['conferees']).toMatchObject([
      {},
      { role: 'host', handRaisedAt: null, mutedBy: [] },
    ]);
  });
});

describe('alarms', () => {
  it('tell that somebody guesses codes, newest first', async () => {
    expect((await call('GET', '/alarms')).value).toEqual({ items: [] });
    system.alarm({
      kind: 'source-locked',
      source: { caller: '+4930123', trunk: '192.0.2.1' },
      lockMs: 900_000,
      misses: 9,
    });
    const { value } = await call('GET', '/alarms');
    expect(value['items']).toMatchObject([
      { node: 'provisioning-1', alarm: { kind: 'source-locked', misses: 9 } },
    ]);
  });
});
