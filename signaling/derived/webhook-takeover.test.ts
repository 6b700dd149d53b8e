/** Several processes know the same endpoints: one at a time sends, and after its death another goes on. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { seededRandom } from '../../common/ids.ts';
import { SENDER_TTL_MS } from './sender-lease.ts';
import { lock, Receiver, until, value, type WebhookBench, webhookBench } from './webhook-bench.ts';

let bench: WebhookBench;
let receiver: Receiver;
beforeEach(async () => {
  bench = webhookBench();
  receiver = new Receiver();
  await receiver.start();
});
afterEach(() => receiver.stop());

/** Of one conference, without repetitions of what was told already. */
function orderOf(id: string): number[] {
  const numbers: number[] = [];
  for (const one of receiver.ids) {
    const [conference, number] = one.split('-');
    if (conference === id && !numbers.includes(Number(number))) numbers.push(Number(number));
  }
  return numbers;
}

const range = (to: number): number[] => Array.from({ length: to }, (_, index) => index + 1);

/** Requests that are on their way arrive. */
const settled = (): Promise<void> => systemClock.sleep(30);

describe('one endpoint and two processes', () => {
  it('each event is told once while both live, and goes over at once when one stops', async () => {
    await bench.add({ url: receiver.url });
    const first = await bench.start();
    const second = await bench.start();
    await bench.conference('c1');
    await until(() => receiver.received.length === 2);
    for (let round = 0; round < 8; round++) {
      await bench.clock.advance(SENDER_TTL_MS / 2);
      await bench.append('c1', lock(round % 2 === 0));
      await until(() => receiver.received.length === 3 + round);
    }
    await settled();
    expect(receiver.ids).toEqual(range(10).map((number) => `c1-${number}`));
    await first.stop();
    await bench.append('c1', lock(false));
    await bench.clock.advance(SENDER_TTL_MS / 2);
    await until(() => receiver.received.length === 11);
    await second.stop();
    expect(receiver.ids).toEqual(range(11).map((number) => `c1-${number}`));
    expect(value(await bench.store.list('webhook-sender/'))).toEqual([]);
  });

  it('a process that lives on without the store has nothing to say once its time is over', async () => {
    const id = await bench.add({ url: receiver.url });
    const running = await bench.start();
    await bench.conference('c1');
    await until(() => receiver.received.length === 2);
    // As if a long stall had let the lease expire and another one had taken it.
    await bench.store.lease(`webhook-sender/${id}`, { version: 1 }, 600_000);
    await bench.clock.advance(SENDER_TTL_MS * 2);
    await bench.append('c1', lock(false));
    await settled();
    expect(receiver.received).toHaveLength(2);
    await running.stop();
  });

  it('kills at any moment lose nothing and keep the order of each conference', async () => {
    const seed = Number(process.env['SEED'] ?? 20_261_121);
    const random = seededRandom(seed);
    const conferences = ['c1', 'c2', 'c3'];
    const appended = new Map<string, number>();
    await bench.add({ url: receiver.url });
    let living = [await bench.start(), await bench.start()];
    for (const id of conferences) {
      await bench.conference(id);
      appended.set(id, 2);
    }
    for (let round = 0; round < 60; round++) {
      const id = conferences[random.below(3)] ?? 'c1';
      await bench.append(id, lock(round % 2 === 0));
      appended.set(id, (appended.get(id) ?? 0) + 1);
      if (random.below(3) === 0) await bench.clock.advance(random.below(SENDER_TTL_MS));
      if (random.below(4) === 0) await systemClock.sleep(2);
      if (random.below(8) > 0) continue;
      // The first of them is as a rule the one that sends.
      living[random.below(2)]?.kill();
      living = [...living.filter((one) => !one.killed), await bench.start()];
    }
    for (let step = 0; step < 8; step++) {
      await bench.clock.advance(SENDER_TTL_MS / 2);
      await settled();
    }
    for (const id of conferences) {
      expect([seed, id, orderOf(id)]).toEqual([seed, id, range(appended.get(id) ?? 0)]);
    }
    for (const one of living) await one.stop();
  });
});
