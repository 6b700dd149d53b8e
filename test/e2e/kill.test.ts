/** `kill -9` of the whole process, as built: what was acknowledged before it is there after it. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Receiver } from '../../signaling/derived/webhook-bench.ts';
import { minusone } from './program.ts';
import { type Server, startServer, TOKEN } from './server.ts';

const conferenceList = z.object({ items: z.array(z.object({ id: z.string() })) });
const eventList = z.object({
  items: z.array(z.object({ number: z.number(), event: z.looseObject({ kind: z.string() }) })),
});

async function ask(server: Server, method: string, path: string, body?: object) {
  const response = await fetch(`${server.http}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${TOKEN}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const json: unknown = text === '' ? undefined : JSON.parse(text);
  return { status: response.status, json };
}

async function conferenceOf(server: Server): Promise<string> {
  let id: string | undefined;
  await expect
    .poll(
      async () => {
        const { json } = await ask(server, 'GET', '/conferences');
        id = conferenceList.parse(json).items[0]?.id;
        return id;
      },
      { timeout: 60_000, interval: 100 },
    )
    .toBeDefined();
  return id ?? '';
}

async function logOf(server: Server, id: string) {
  const { json } = await ask(server, 'GET', `/conferences/${id}/events?limit=1000`);
  return eventList.parse(json).items;
}

const host = (server: Server, seconds: number) =>
  minusone(
    ['call', `sip:1000@${server.sip}`, '--dtmf', '910001#', '--duration-s', String(seconds)],
    { timeoutMs: 150_000 },
  );

describe('webhooks', () => {
  it('R41: events acknowledged before a kill -9 arrive after the restart, none lost, in order', async () => {
    const receiver = new Receiver();
    await receiver.start();
    const { host: at } = new URL(receiver.url);
    const config = `webhooks:\n  allowedHosts: ['${at}']\n`;
    const first = await startServer({ config });
    const made = await ask(first, 'POST', '/webhooks', { url: receiver.url });
    expect(made.status).toBe(201);
    const talking = host(first, 60);
    const id = await conferenceOf(first);
    let acknowledged = 0;
    for (let round = 0; round < 60; round++) {
      // From the middle on the receiver takes nothing, so that the kill meets a queue.
      if (round === 30) receiver.answer = (response) => response.writeHead(503).end();
      const { status } = await ask(
        first,
        'POST',
        `/conferences/${id}/${round % 2 === 0 ? 'lock' : 'unlock'}`,
      );
      if (status === 204) acknowledged += 1;
    }
    expect(acknowledged).toBe(60);
    // One more is under way.
    const cut = ask(first, 'POST', `/conferences/${id}/lock`).catch(() => undefined);
    first.signal('SIGKILL');
    await Promise.all([cut, first.exited]);
    receiver.answer = (response) => response.writeHead(204).end();

    const second = await startServer({ config, like: first });
    // The call is gone with its VRU: the conference ends, and that is told too.
    await expect
      .poll(async () => (await logOf(second, id)).at(-1)?.event.kind, { timeout: 60_000 })
      .toBe('ended');
    const log = await logOf(second, id);
    const locks = log.filter(({ event }) => event.kind === 'locked');
    expect(locks.length).toBeGreaterThanOrEqual(acknowledged);
    const told = (): number[] => {
      const taken = receiver.ids.filter((one) => one.startsWith(`${id}-`));
      return [...new Set(taken.map((one) => Number(one.slice(id.length + 1))))];
    };
    await expect.poll(() => told().length, { timeout: 60_000 }).toBe(log.length);
    expect(told()).toEqual(log.map(({ number }) => number));
    await second.close();
    await talking;
    await receiver.stop();
  }, 240_000);
});
