import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../common/clock.ts';
import { accountRecord } from '../conference/messages.ts';
import { ADMIN_TOKEN, startTestApi, type TestApi } from './test-api.ts';
import { openTestSocket } from './test-socket.ts';

/** Real timers, but a wall clock that tests set and sleeps that are only counted. */
class TestClock implements Clock {
  aheadMs = 0;
  readonly slept: number[] = [];
  nowMs = (): number => systemClock.nowMs();
  wallMs = (): number => systemClock.wallMs() + this.aheadMs;
  after = systemClock.after;
  every = systemClock.every;
  sleep(delayMs: number): Promise<void> {
    this.slept.push(delayMs);
    return Promise.resolve();
  }
}

let system: TestApi;
let clock: TestClock;
let accounts: { id: string; hostCode: string; participantCode: string }[];

beforeEach(async () => {
  clock = new TestClock();
  system = await startTestApi({ clock });
  const { body } = await ask('GET', '/api/v1/accounts', ADMIN_TOKEN);
  accounts = (body['items'] as unknown[]).map((item) => {
    const { id, hostCodes, participantCodes } = accountRecord.parse(item);
    return { id, hostCode: hostCodes[0] ?? '', participantCode: participantCodes[0] ?? '' };
  });
  await system.create('cmine', accounts[0]?.id ?? '');
  await system.join('cmine', 'host');
  await system.join('cmine');
  await system.create('cother', accounts[1]?.id ?? '');
  await system.join('cother', 'host');
});
afterEach(() => system.stop());

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly text: string;
  readonly headers: Headers;
}

async function ask(
  method: string,
  path: string,
  token?: string,
  extra: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const response = await fetch(system.base + path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(extra.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...extra.headers,
    },
    ...(extra.body === undefined ? {} : { body: JSON.stringify(extra.body) }),
  });
  const text = await response.text();
  const parsed: unknown = text.startsWith('{') ? JSON.parse(text) : {};
  return {
    status: response.status,
    body: parsed as Record<string, unknown>,
    text,
    headers: response.headers,
  };
}

const exchange = (code: string): Promise<Answer> =>
  ask('POST', '/api/v1/host-sessions', undefined, { body: { code } });

async function hostToken(index = 0): Promise<string> {
  const { status, body } = await exchange(accounts[index]?.hostCode ?? '');
  expect(status).toBe(201);
  return String(body['token']);
}

describe('host sessions (R27)', () => {
  it('a host code opens the conferences of its account and no other', async () => {
    const token = await hostToken();
    const list = await ask('GET', '/api/v1/conferences', token);
    expect((list.body['items'] as { id: string }[]).map(({ id }) => id)).toEqual(['cmine']);
    expect((await ask('GET', '/api/v1/conferences/cmine', token)).body).toMatchObject({ size: 2 });
    expect((await ask('POST', '/api/v1/conferences/cmine/conferees/2/mute', token)).status).toBe(
      204,
    );
    const session = await ask('GET', '/api/v1/session', token);
    expect(session.body).toMatchObject({ scope: 'host', accountId: accounts[0]?.id });
  });

  it('every route refuses every token that is not meant for it', async () => {
    const { body } = await ask('GET', '/api/v1/openapi.json');
    const paths = body['paths'] as Record<string, Record<string, Record<string, unknown>>>;
    const host = await hostToken();
    clock.aheadMs = -13 * 3_600_000;
    const expired = await hostToken();
    clock.aheadMs = 0;
    let checked = 0;
    for (const [pattern, methods] of Object.entries(paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        if (operation['security'] !== undefined) continue;
        const of = (conference: string): string =>
          pattern.replace('{id}', conference).replaceAll(/\{\w+\}/g, '1');
        const status = async (token: string | undefined, path: string): Promise<number> =>
          (await ask(method.toUpperCase(), path, token)).status;
        const name = `${method} ${pattern}`;
        const forged = `${host.slice(0, -3)}AAA`;
        for (const wrong of [undefined, 'wrong', forged, expired, host.replace('mh_', '')]) {
          expect(await status(wrong, of('cmine')), name).toBe(401);
          checked += 1;
        }
        // The account of this host may not call out.
        if (operation['x-scope'] !== 'host') {
          expect(await status(host, of('cmine')), name).toBe(403);
        } else if (pattern.includes('{id}')) {
          expect(await status(host, of('cother')), name).toBe(404);
          expect(await status(host, of('cnever')), name).toBe(404);
        }
      }
    }
    expect(checked).toBeGreaterThan(100);
    expect(system.controls).toEqual([]);
  });

  it('a token ends with its time, and with its code', async () => {
    const token = await hostToken();
    const status = async (): Promise<number> => (await ask('GET', '/api/v1/session', token)).status;
    expect(await status()).toBe(200);
    clock.aheadMs = 13 * 3_600_000;
    expect(await status()).toBe(401);
    clock.aheadMs = 0;
    const { body } = await ask('GET', `/api/v1/accounts/${accounts[0]?.id}`, ADMIN_TOKEN);
    const { id, ...rest } = accountRecord.parse(body);
    const change = { ...rest, hostCodes: ['77665544'] };
    await ask('PUT', `/api/v1/accounts/${id}`, ADMIN_TOKEN, { body: change });
    expect(await status()).toBe(401);
  });

  it('the stream shows a host only the own account', async () => {
    const socket = await openTestSocket(system.api.port);
    socket.send({ type: 'subscribe', token: await hostToken(), after: { cother: 1 } });
    await socket.until((all) => all.length >= 2);
    await system.join('cother');
    await system.join('cmine');
    await socket.until((all) => all.some(({ type }) => type === 'event'));
    expect(JSON.stringify(socket.messages)).not.toContain('cother');
    socket.cut();
  });

  it('unknown and participant codes get one answer, and guessing is slower and slower, then locked', async () => {
    const unknown = await exchange('424242');
    const participant = await exchange(accounts[0]?.participantCode ?? '');
    expect([participant.status, participant.text]).toEqual([unknown.status, unknown.text]);
    expect(unknown.status).toBe(403);
    for (let count = 0; count < 8; count++) await exchange(`5555${count}`);
    expect(clock.slept.slice(0, 3)).toEqual([500, 1_000, 2_000]);
    // Locked out: even the right code gets that answer.
    const right = await exchange(accounts[0]?.hostCode ?? '');
    expect([right.status, right.text]).toEqual([unknown.status, unknown.text]);
    expect(clock.slept.at(-1)).toBe(8_000);
  });

  it('one source tries one code at a time', async () => {
    const answers = await Promise.all(['1', '2', '3', '4', '5', '6'].map((code) => exchange(code)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.every((status) => status === 403 || status === 429)).toBe(true);
  });
});

describe('Idempotency-Key', () => {
  const key = { 'idempotency-key': 'key-1' };

  it('gives the first answer again, with its effect once', async () => {
    const body = { name: 'Twice' };
    const path = '/api/v1/accounts';
    const [first, second] = await Promise.all([
      ask('POST', path, ADMIN_TOKEN, { body, headers: key }),
      ask('POST', path, ADMIN_TOKEN, { body, headers: key }),
    ]);
    expect([first.status, second.text]).toEqual([201, first.text]);
    const { body: list } = await ask('GET', path, ADMIN_TOKEN);
    expect(list['items']).toHaveLength(accounts.length + 1);
  });

  it('is refused for another request, and means nothing to another principal', async () => {
    const lock = '/api/v1/conferences/cmine/lock';
    expect((await ask('POST', lock, ADMIN_TOKEN, { headers: key })).status).toBe(204);
    const other = await ask('POST', '/api/v1/conferences/cmine/unlock', ADMIN_TOKEN, {
      headers: key,
    });
    expect(other.status).toBe(422);
    expect((await ask('POST', lock, await hostToken(), { headers: key })).status).toBe(204);
    expect(system.controls).toHaveLength(2);
  });
});

describe('events of a conference', () => {
  it('come in pages, also after its end', async () => {
    for (let count = 0; count < 20; count++) await system.join('cmine');
    await system.append('cmine', { kind: 'ended', why: 'empty', others: 'nothing' });
    expect((await ask('GET', '/api/v1/conferences/cmine', ADMIN_TOKEN)).status).toBe(404);
    const numbers: number[] = [];
    let after: number | null = 0;
    while (after !== null) {
      const path: string = `/api/v1/conferences/cmine/events?limit=7&after=${after}`;
      const { body } = await ask('GET', path, ADMIN_TOKEN);
      numbers.push(...(body['items'] as { number: number }[]).map(({ number }) => number));
      after = body['next'] as number | null;
    }
    expect(numbers).toEqual(Array.from({ length: 24 }, (_, index) => index + 1));
    expect((await ask('GET', '/api/v1/conferences/cnever/events', ADMIN_TOKEN)).status).toBe(404);
    expect((await ask('GET', '/api/v1/conferences/cmine/events?limit=x', ADMIN_TOKEN)).status).toBe(
      422,
    );
  });
});
