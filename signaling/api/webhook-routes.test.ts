import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Receiver } from '../derived/webhook-bench.ts';
import { ADMIN_TOKEN, startTestApi, type TestApi } from './test-api.ts';
import { webhookCreated, webhookList } from './webhook-routes.ts';

let api: TestApi;
let receiver: Receiver;
beforeEach(async () => {
  receiver = new Receiver();
  await receiver.start();
  api = await startTestApi();
});
afterEach(async () => {
  await api.stop();
  await receiver.stop();
});

const ask = (method: string, path: string, body?: unknown) =>
  fetch(`${api.base}/api/v1/webhooks${path}`, {
    method,
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

describe('webhooks over the API', () => {
  it('are made with a secret that is shown once, tried, switched and removed', async () => {
    const response = await ask('POST', '', { url: receiver.url });
    expect(response.status).toBe(201);
    const made = webhookCreated.parse(await response.json());
    expect(made.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const listed = await (await ask('GET', '')).text();
    expect(listed).not.toContain('whsec_');
    expect(webhookList.parse(JSON.parse(listed)).items).toMatchObject([
      { id: made.id, enabled: true },
    ]);
    expect(await (await ask('POST', `/${made.id}/test`)).json()).toMatchObject({ delivered: true });
    expect(receiver.received).toMatchObject([{ type: 'webhook.test' }]);
    receiver.answer = (answered) => answered.writeHead(500).end();
    expect(await (await ask('POST', `/${made.id}/test`)).json()).toEqual({
      delivered: false,
      detail: 'status 500',
    });
    expect(await (await ask('POST', `/${made.id}/disable`)).json()).toMatchObject({
      enabled: false,
    });
    expect(await (await ask('POST', `/${made.id}/enable`)).json()).toMatchObject({ enabled: true });
    expect((await ask('DELETE', `/${made.id}`)).status).toBe(204);
    for (const [method, path] of [
      ['DELETE', ''],
      ['GET', ''],
      ['POST', '/test'],
      ['POST', '/enable'],
    ]) {
      expect((await ask(method ?? '', `/${made.id}${path}`)).status).toBe(404);
    }
  });

  it('are refused where the host is not listed, with what to do', async () => {
    const response = await ask('POST', '', { url: 'http://169.254.169.254/latest/meta-data' });
    expect(response.status).toBe(422);
    expect(await response.text()).toContain('webhooks.allowedHosts');
    expect((await ask('POST', '', { url: receiver.url, events: ['sneezed'] })).status).toBe(422);
  });
});
