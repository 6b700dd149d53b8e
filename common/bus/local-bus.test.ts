import { describe, expect, it } from 'vitest';
import { systemClock } from '../clock.ts';
import { silentLogger } from '../log.ts';
import { createMetrics } from '../metrics.ts';
import { ok } from '../result.ts';
import { SimClock } from '../sim-clock.ts';
import { busContract } from './bus-contract.ts';
import { LocalBus } from './local-bus.ts';

busContract('in process', () => {
  const bus = new LocalBus({ clock: systemClock, log: silentLogger, metrics: createMetrics() });
  return Promise.resolve({ here: bus, there: bus, close: () => bus.close() });
});

describe('local bus', () => {
  it('keeps deadlines in virtual time, leaves no timer, and drops what nobody waits for', async () => {
    const clock = new SimClock();
    const metrics = createMetrics();
    const bus = new LocalBus({ clock, log: silentLogger, metrics });
    const handled: unknown[] = [];
    await bus.serve(
      'one',
      async (body) => {
        handled.push(body);
        await clock.sleep(1_000);
        return ok(body);
      },
      { concurrency: 1 },
    );
    const outcomes: string[] = [];
    for (const number of [1, 2, 3]) {
      const deadlineMs = number === 2 ? 500 : 5_000;
      void bus.request('one', number, { deadlineMs }).then((answer) => {
        outcomes.push(`${number} ${answer.ok ? 'ok' : answer.error.code}`);
      });
    }
    await clock.advance(10_000);
    expect(outcomes).toEqual(['2 timeout', '1 ok', '3 ok']);
    // The second was still queued when its caller gave up: its work was never begun.
    expect(handled).toEqual([1, 3]);
    expect(clock.timerCount).toBe(0);
    expect(await metrics.text()).toContain('minusone_bus_answers_total{outcome="timeout"} 1');
  });

  it('answers closed after it was closed, also what was queued', async () => {
    const clock = new SimClock();
    const bus = new LocalBus({ clock, log: silentLogger, metrics: createMetrics() });
    await bus.serve('never', () => new Promise(() => {}), { concurrency: 1 });
    void bus.request('never', 1, { deadlineMs: 1_000 });
    const queued = bus.request('never', 2, { deadlineMs: 1_000 });
    await bus.close();
    const codes = [await queued, await bus.request('never', 3, { deadlineMs: 1_000 })].map(
      (answer) => (answer.ok ? 'ok' : answer.error.code),
    );
    expect(codes).toEqual(['closed', 'closed']);
    await clock.advance(2_000);
    expect(clock.timerCount).toBe(0);
  });
});
