/**
 * What every Bus must do, once. local-bus.test.ts runs it in process; the NATS bus runs the same.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MediaError } from '../errors.ts';
import { fail, ok } from '../result.ts';
import type { Body, Bus } from './bus.ts';

export interface BusHarness {
  /** Two connections to one bus; in process they may be the same object. */
  readonly here: Bus;
  readonly there: Bus;
  close(): Promise<void>;
}

const DEADLINE = { deadlineMs: 5_000 };

/** A promise with its handle outside. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

export function busContract(name: string, start: () => Promise<BusHarness>): void {
  describe(`bus contract: ${name}`, () => {
    let harness: BusHarness;
    let here: Bus;
    let there: Bus;
    beforeEach(async () => {
      harness = await start();
      ({ here, there } = harness);
    });
    afterEach(async () => {
      await harness.close();
    });

    requests(() => ({ here, there }));
    bounds(() => ({ here, there }));
    events(() => ({ here, there }));
  });
}

type Pair = () => { readonly here: Bus; readonly there: Bus };

function requests(pair: Pair): void {
  it('carries a request to its server and the answer back', async () => {
    const { here, there } = pair();
    await there.serve('echo', (body) => Promise.resolve(ok({ heard: body })));
    expect(await here.request('echo', { a: [1, 'x', null] }, DEADLINE)).toEqual(
      ok({ heard: { a: [1, 'x', null] } }),
    );
  });

  it('shares no object between the two sides', async () => {
    const { here, there } = pair();
    const kept = { count: 1 };
    await there.serve('kept', (body) => {
      expect(body).not.toBe(sent);
      return Promise.resolve(ok(kept));
    });
    const sent = { a: 1 };
    const answer = await here.request('kept', sent, DEADLINE);
    expect(answer).toEqual(ok(kept));
    expect(answer.ok && answer.value).not.toBe(kept);
  });

  it('answers no-server at once when nobody serves', async () => {
    const answer = await pair().here.request('nobody.here', {}, { deadlineMs: 60_000 });
    expect(answer.ok ? 'ok' : answer.error.code).toBe('no-server');
  });

  it('answers no-server after the server closed', async () => {
    const { here, there } = pair();
    const served = await there.serve('gone', () => Promise.resolve(ok(1)));
    await served.close();
    await served.close();
    const answer = await here.request('gone', {}, DEADLINE);
    expect(answer.ok ? 'ok' : answer.error.code).toBe('no-server');
  });

  it('carries the error code and the words of the handler', async () => {
    const { here, there } = pair();
    await there.serve('full', () =>
      Promise.resolve(fail(new MediaError('not-allowed', 'only a host'))),
    );
    const answer = await here.request('full', {}, DEADLINE);
    expect(answer.ok).toBe(false);
    if (answer.ok) return;
    expect(answer.error).toBeInstanceOf(MediaError);
    expect([answer.error.code, answer.error.message]).toEqual(['not-allowed', 'only a host']);
  });

  it('answers internal when the handler throws, and goes on serving', async () => {
    const { here, there } = pair();
    let calls = 0;
    await there.serve('throws', () => {
      calls += 1;
      if (calls === 1) throw new Error('a bug');
      return Promise.resolve(ok('fine'));
    });
    const first = await here.request('throws', {}, DEADLINE);
    expect(first.ok ? 'ok' : first.error.code).toBe('internal');
    expect(await here.request('throws', {}, DEADLINE)).toEqual(ok('fine'));
  });

  it('answers timeout after the deadline, and drops the late answer', async () => {
    const { here, there } = pair();
    const late = gate();
    await there.serve('slow', async () => {
      await late.opened;
      return ok('late');
    });
    const answer = await here.request('slow', {}, { deadlineMs: 40 });
    expect(answer.ok ? 'ok' : answer.error.code).toBe('timeout');
    late.open();
  });

  it('answers a request that was being handled when its server closed', async () => {
    const { here, there } = pair();
    const started = gate();
    const finish = gate();
    const served = await there.serve('closing', async () => {
      started.open();
      await finish.opened;
      return ok('answered');
    });
    const answer = here.request('closing', {}, DEADLINE);
    await started.opened;
    const closing = served.close();
    finish.open();
    await closing;
    expect(await answer).toEqual(ok('answered'));
  });
}

function bounds(pair: Pair): void {
  it('spreads requests over all servers of a subject', async () => {
    const { here, there } = pair();
    const counts = [0, 0, 0];
    for (const index of counts.keys()) {
      await (index === 0 ? here : there).serve('spread', () => {
        counts[index] = (counts[index] ?? 0) + 1;
        return Promise.resolve(ok(index));
      });
    }
    const all = Array.from({ length: 300 }, () => here.request('spread', {}, DEADLINE));
    expect((await Promise.all(all)).every((answer) => answer.ok)).toBe(true);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(300);
    for (const count of counts) expect(count).toBeGreaterThan(30);
  });

  it('runs at most `concurrency` at once, queues `queueLimit`, refuses the rest as overloaded', async () => {
    const { here, there } = pair();
    const finish = gate();
    let running = 0;
    let most = 0;
    await there.serve(
      'bounded',
      async () => {
        running += 1;
        most = Math.max(most, running);
        await finish.opened;
        running -= 1;
        return ok('done');
      },
      { concurrency: 2, queueLimit: 3 },
    );
    const outcomes: string[] = [];
    const all = Array.from({ length: 9 }, async () => {
      const answer = await here.request('bounded', {}, DEADLINE);
      outcomes.push(answer.ok ? 'ok' : answer.error.code);
      // The refusals come while the first ones are still running.
      if (outcomes.length === 4) finish.open();
    });
    await Promise.all(all);
    expect(outcomes.join(' ')).toBe(`${'overloaded '.repeat(4)}ok ok ok ok ok`);
    expect(most).toBe(2);
  });
}

function events(pair: Pair): void {
  it('delivers events to every subscriber in order, by exact subject and below a prefix', async () => {
    const { here, there } = pair();
    const exact: Body[] = [];
    const below: [Body, string][] = [];
    const done = gate();
    await there.subscribe('news.one', (body) => exact.push(body));
    await there.subscribe('news.>', (body, subject) => {
      below.push([body, subject]);
      if (below.length === 4) done.open();
    });
    for (const number of [1, 2, 3]) here.publish('news.one', { number });
    here.publish('newsreel', { number: 9 });
    here.publish('news.two.deep', { number: 4 });
    await done.opened;
    expect(exact).toEqual([{ number: 1 }, { number: 2 }, { number: 3 }]);
    expect(below.map(([, subject]) => subject)).toEqual([
      'news.one',
      'news.one',
      'news.one',
      'news.two.deep',
    ]);
  });

  it('delivers nothing after a subscription closed, and survives a subscriber that throws', async () => {
    const { here, there } = pair();
    const seen: Body[] = [];
    const done = gate();
    const closed = await there.subscribe('talk', () => seen.push('closed one'));
    await closed.close();
    await closed.close();
    await there.subscribe('talk', () => {
      throw new Error('a bug');
    });
    await there.subscribe('talk', (body) => {
      seen.push(body);
      done.open();
    });
    here.publish('talk', 1);
    await done.opened;
    expect(seen).toEqual([1]);
  });
}
