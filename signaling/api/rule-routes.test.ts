/** The rules of a conference over HTTP. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { conferenceRules, liveConference } from './schemas.ts';
import { ADMIN_TOKEN, startTestApi, type TestApi } from './test-api.ts';

let system: TestApi;
beforeEach(async () => {
  system = await startTestApi();
  await system.create('c1', 'demo-start');
  await system.join('c1', 'host');
  await system.join('c1');
});
afterEach(() => system.stop());

async function ask(method: string, path: string, body?: unknown): Promise<Response> {
  return fetch(`${system.base}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

const view = async () => liveConference.parse(await (await ask('GET', '/conferences/c1')).json());

describe('the rules of a conference', () => {
  it('says what the account sets', async () => {
    const rules = async () =>
      conferenceRules.parse(await (await ask('GET', '/conferences/c1/rules')).json());
    expect(await rules()).toMatchObject({ maxConferees: null, endsAt: null, mayRecord: true });
    const account = (await (await ask('GET', '/accounts/demo-start')).json()) as object;
    const { id: _, ...rest } = account as { id: string };
    const limits = { maxConferees: 5, maxDurationMs: 60_000, recording: 'never' };
    await ask('PUT', '/accounts/demo-start', { ...rest, ...limits });
    const set = await rules();
    expect(set).toMatchObject({ maxConferees: 5, mayRecord: false });
    expect(Date.parse(set.endsAt ?? '') - Date.parse((await view()).createdAt)).toBe(60_000);
    expect((await ask('GET', '/conferences/cnever/rules')).status).toBe(404);
  });
});
