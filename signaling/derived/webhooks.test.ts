import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { systemClock } from '../../common/clock.ts';
import type { AccountId } from '../../common/ids.ts';
import { SENDER_TTL_MS } from './sender-lease.ts';
import { lock, Receiver, until, value, type WebhookBench, webhookBench } from './webhook-bench.ts';
import { pauseMs } from './webhook-endpoint.ts';
import { sign, verify } from './webhook-signature.ts';

let bench: WebhookBench;
let receiver: Receiver;
beforeEach(async () => {
  bench = webhookBench();
  receiver = new Receiver();
  await receiver.start();
});
afterEach(() => receiver.stop());

const metric = async (line: string): Promise<number> => {
  const found = (await bench.metrics.text()).split('\n').find((one) => one.startsWith(`${line} `));
  return Number(found?.slice(line.length + 1) ?? 0);
};

describe('webhooks', () => {
  it('tell every event, in order, signed with a time', async () => {
    const id = await bench.add({ url: receiver.url });
    const running = await bench.start();
    await bench.conference('c1');
    for (let index = 0; index < 5; index++) await bench.append('c1', lock(index % 2 === 0));
    await until(() => receiver.received.length === 7);
    expect(receiver.ids).toEqual([1, 2, 3, 4, 5, 6, 7].map((number) => `c1-${number}`));
    const [first] = receiver.received;
    expect(JSON.parse(first?.body ?? '')).toMatchObject({
      type: 'conference.created',
      id: 'c1-1',
      data: {
        conferenceId: 'c1',
        number: 1,
        event: { kind: 'created', accountId: 'acme', code: '' },
      },
    });
    const secret = value(await bench.desk.get(id))?.record.secret ?? '';
    const headers = {
      id: first?.headers['webhook-id'] ?? '',
      timestamp: first?.headers['webhook-timestamp'] ?? '',
      signature: first?.headers['webhook-signature'] ?? '',
    };
    const nowMs = bench.clock.wallMs();
    const body = first?.body ?? '';
    expect(verify(secret, headers, body, nowMs)).toBe('valid');
    expect(verify(secret, headers, body, nowMs + 301_000)).toBe('replay');
    expect(verify(secret, headers, body.replace('acme', 'evil'), nowMs)).toBe('wrong');
    const later = { ...headers, timestamp: String(Number(headers.timestamp) + 600) };
    expect(verify(secret, later, body, nowMs + 600_000)).toBe('wrong');
    await running.stop();
  });

  it('are signed as the libraries of standardwebhooks.com expect it', () => {
    // The vector of its reference libraries.
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
    const signature = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';
    expect(sign(secret, id, 1_614_265_330, '{"test": 2432232314}')).toBe(signature);
  });

  it('tell an endpoint of an account that account alone, and only kinds that it wants', async () => {
    await bench.add({ url: receiver.url, accountId: 'acme' as AccountId, events: ['locked'] });
    const running = await bench.start();
    await bench.conference('c1', 'acme');
    await bench.conference('c2', 'other');
    await bench.append('c1', lock(false));
    await until(() => receiver.received.length === 2);
    await bench.append('c2', lock(false));
    await bench.append('c1', lock(true));
    await until(() => receiver.received.length === 3);
    expect(receiver.ids).toEqual(['c1-2', 'c1-3', 'c1-4']);
    await running.stop();
  });

  it('tell nothing of what was before the endpoint', async () => {
    await bench.conference('c1');
    await bench.clock.advance(1_000);
    const running = await bench.start();
    await bench.add({ url: receiver.url });
    await bench.append('c1', lock(false));
    await until(() => receiver.received.length === 1);
    expect(receiver.ids).toEqual(['c1-3']);
    await running.stop();
  });
});

describe('a receiver that fails', () => {
  it('gets the same event again, later each time, and then the rest in order', async () => {
    let failing = 3;
    receiver.answer = (response) => response.writeHead(failing-- > 0 ? 503 : 200).end();
    await bench.add({ url: receiver.url });
    const running = await bench.start();
    await bench.conference('c1');
    await until(() => receiver.received.length === 1);
    for (const [tries, afterMs] of [
      [2, 1_000],
      [3, 2_000],
      [4, 4_000],
    ] as const) {
      await until(() => failing === 4 - tries);
      await settled();
      await bench.clock.advance(afterMs);
      await until(() => receiver.received.length >= tries);
    }
    await until(() => receiver.received.length === 5);
    expect(receiver.ids).toEqual(['c1-1', 'c1-1', 'c1-1', 'c1-1', 'c1-2']);
    expect(await metric('minusone_webhook_deliveries_total{outcome="failed"}')).toBe(3);
    await running.stop();
  });

  it('is waited for a bounded time, is not followed elsewhere, and may ask for a pause', async () => {
    const id = await bench.add({ url: receiver.url });
    const running = await bench.start();
    receiver.answer = () => {};
    await bench.conference('c1');
    await until(() => receiver.received.length === 1);
    await bench.clock.advance(5_000);
    await errorIs(id, 'no answer in 5000 ms');
    const elsewhere = new Receiver();
    await elsewhere.start();
    receiver.answer = (response) => response.writeHead(307, { location: elsewhere.url }).end();
    await bench.clock.advance(2_000);
    await errorIs(id, 'redirected (307)');
    expect(elsewhere.received).toEqual([]);
    receiver.answer = (response) => response.writeHead(429, { 'retry-after': '120' }).end();
    await bench.clock.advance(4_000);
    await errorIs(id, 'status 429');
    receiver.answer = (response) => response.writeHead(204).end();
    const before = receiver.received.length;
    await bench.clock.advance(110_000);
    await settled();
    expect(receiver.received.length).toBe(before);
    await bench.clock.advance(11_000);
    await until(() => receiver.received.length === before + 2);
    await elsewhere.stop();
    await running.stop();
  });

  it('does not keep other conferences from being told when it refuses one event for good', async () => {
    receiver.answer = (response, { id }) => response.writeHead(id === 'c1-1' ? 400 : 200).end();
    await bench.add({ url: receiver.url });
    const running = await bench.start();
    await bench.conference('c1');
    await until(() => receiver.received.length === 1);
    await settled();
    await bench.conference('c2');
    await bench.clock.advance(1_000);
    await until(() => receiver.ids.includes('c2-2'));
    await running.stop();
  });

  it('is given up after the time that is set, or at once by 410, and can be enabled again', async () => {
    receiver.answer = (response) => response.writeHead(500).end();
    const id = await bench.add({ url: receiver.url });
    const running = await bench.start({ disableAfterMs: 3_600_000 });
    await bench.conference('c1');
    for (let round = 0; round < 40; round++) {
      await settled();
      await bench.clock.advance(150_000);
    }
    await settled();
    expect(value(await bench.desk.get(id))?.state.disabledAtMs).not.toBeNull();
    expect(await metric('minusone_webhook_disabled_total')).toBe(1);
    const tried = receiver.received.length;
    await bench.clock.advance(3_600_000);
    await settled();
    expect(receiver.received.length).toBe(tried);
    receiver.answer = (response) => response.writeHead(200).end();
    value(await bench.desk.setEnabled(id, true));
    await until(() => receiver.received.length === tried + 2);
    receiver.answer = (response) => response.writeHead(410).end();
    await bench.append('c1', lock(false));
    await until(() => receiver.received.length === tried + 3);
    await settled();
    expect(value(await bench.desk.get(id))?.state.lastError).toBe('status 410');
    await running.stop();
  });
});

const gapBody = z.object({ data: z.object({ from: z.number(), to: z.number() }) });

describe('the queue', () => {
  it('is the log: after a kill nothing is lost, and what is told twice has the same id', async () => {
    await bench.add({ url: receiver.url });
    const first = await bench.start();
    await bench.conference('c1');
    await until(() => receiver.received.length === 2);
    await bench.clock.advance(1_000);
    await bench.append('c1', lock(false));
    await until(() => receiver.received.length === 3);
    // Before the cursor of the third was written.
    first.kill();
    await bench.append('c1', lock(true));
    const second = await bench.start();
    await settled();
    // The one that was killed may still be sending, as far as anybody knows.
    expect(receiver.received).toHaveLength(3);
    await bench.clock.advance(SENDER_TTL_MS * 2);
    await until(() => receiver.received.length === 5);
    expect(receiver.ids).toEqual(['c1-1', 'c1-2', 'c1-3', 'c1-3', 'c1-4']);
    await second.stop();
    const third = await bench.start();
    await bench.append('c1', lock(false));
    await until(() => receiver.received.length === 6);
    expect(receiver.ids.at(-1)).toBe('c1-5');
    await third.stop();
  });

  it('is bounded: the longest is dropped and told as a gap', async () => {
    receiver.answer = (response) => response.writeHead(500).end();
    await bench.add({ url: receiver.url });
    const running = await bench.start({ maxBacklog: 20 });
    await bench.conference('c1');
    for (let index = 0; index < 40; index++) await bench.append('c1', lock(index % 2 === 0));
    await until(() => receiver.received.length === 1);
    await settled();
    receiver.answer = (response) => response.writeHead(200).end();
    await bench.clock.advance(1_000);
    await until(() => receiver.ids.at(-1) === 'c1-42');
    const gap = receiver.received.find(({ type }) => type === 'conference.gap');
    const { from, to } = gapBody.parse(JSON.parse(gap?.body ?? '')).data;
    expect(from).toBeLessThanOrEqual(2);
    expect(to).toBeGreaterThan(20);
    const told = receiver.ids.slice(receiver.ids.indexOf(gap?.id ?? '') + 1);
    expect(told[0]).toBe(`c1-${to + 1}`);
    expect(await metric('minusone_webhook_dropped_events_total')).toBeGreaterThan(20);
    await running.stop();
  });

  it('tells a gap where the log is gone, and forgets the conference', async () => {
    receiver.answer = (response) => response.writeHead(500).end();
    const id = await bench.add({ url: receiver.url });
    const running = await bench.start();
    await bench.conference('c1');
    await until(() => receiver.received.length === 1);
    await settled();
    await bench.dropLog('c1');
    receiver.answer = (response) => response.writeHead(200).end();
    await bench.clock.advance(1_000);
    await until(() => receiver.ids.at(-1) === 'c1-gap-1-2');
    await settled();
    await bench.clock.advance(2_000);
    expect(value(await bench.store.list(`webhook-cursor/${id}/`))).toEqual([]);
    await running.stop();
  });

  it('pauses twice as long each time, up to ten minutes, never at the same moment', () => {
    const low = { bytes: () => new Uint8Array(), below: () => 0 };
    const high = { bytes: () => new Uint8Array(), below: (limit: number) => limit - 1 };
    expect([1, 2, 3, 4].map((failures) => pauseMs(failures, low))).toEqual([500, 1000, 2000, 4000]);
    expect(pauseMs(1, high)).toBe(1_000);
    expect(pauseMs(50, high)).toBe(600_000);
  });
});

/** What an answer leads to has happened. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) {
    await systemClock.sleep(4);
    await bench.clock.advance(0);
  }
}

async function errorIs(id: string, text: string): Promise<void> {
  let last: string | null | undefined;
  for (let turn = 0; turn < 400 && last !== text; turn++) {
    await settled();
    last = value(await bench.desk.get(id))?.state.lastError;
  }
  expect(last).toBe(text);
}
