import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ADMIN_TOKEN, startTestApi, type TestApi } from './test-api.ts';
import { openTestSocket, type TestSocket } from './test-socket.ts';

let system: TestApi;
beforeEach(async () => {
  system = await startTestApi();
});
afterEach(() => system.stop());

const open = async (wanted: object = {}): Promise<TestSocket> => {
  const socket = await openTestSocket(system.api.port);
  socket.send({ type: 'subscribe', token: ADMIN_TOKEN, ...wanted });
  return socket;
};

const numbers = (messages: readonly Record<string, unknown>[]): unknown[] =>
  messages.filter(({ type }) => type === 'event').map(({ number }) => number);

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe('the event stream (R27)', () => {
  it('begins with a snapshot and goes on with each event once, in order', async () => {
    await system.create('c1', 'demo-start');
    await system.join('c1', 'host');
    const socket = await open({ conference: 'c1' });
    await socket.until((all) => all.some(({ type }) => type === 'snapshot'));
    await system.join('c1');
    await system.append('c1', { kind: 'muted', ordinal: 2, bit: 'host', muted: true });
    await socket.until((all) => numbers(all).length === 2);
    expect(socket.messages.map(({ type }) => type)).toEqual([
      'subscribed',
      'snapshot',
      'event',
      'event',
    ]);
    expect(socket.messages[1]).toMatchObject({
      conference: { id: 'c1', number: 2, conferees: [{ ordinal: 1, role: 'host' }] },
    });
    expect(JSON.stringify(socket.messages)).not.toContain('910001');
    socket.cut();
  });

  it('resumes by number after a cut without gap or repetition', async () => {
    await system.create('c1', 'demo-start');
    const first = await open({ conference: 'c1', after: 0 });
    for (let count = 0; count < 50; count++) await system.join('c1');
    await first.until((all) => numbers(all).length >= 20);
    first.cut();
    const seen = numbers(first.messages);
    const last = Number(seen.at(-1));
    for (let count = 0; count < 50; count++) await system.join('c1');
    const second = await open({ after: { c1: last } });
    await second.until((all) => numbers(all).at(-1) === 101);
    expect([...seen, ...numbers(second.messages)]).toEqual(range(1, 101));
    expect(second.messages.some(({ type }) => type === 'snapshot')).toBe(false);
    second.cut();
  });

  it('gives a snapshot when the number is older than what is at hand, or not ours', async () => {
    await system.create('c1', 'demo-start');
    await system.join('c1');
    for (let count = 0; count < 9_000; count += 100) {
      const flips = range(1, 100).map(
        (flip) => ({ kind: 'locked', locked: flip % 2 === 0 }) as const,
      );
      await system.append('c1', ...flips);
    }
    for (const after of [3, 99_999]) {
      const socket = await open({ conference: 'c1', after });
      await socket.until((all) => all.length >= 2);
      expect(socket.messages[1]).toMatchObject({ type: 'snapshot', conference: { number: 9_002 } });
      socket.cut();
    }
  });

  it('tells of conferences that begin and end while it is open, and of those that ended meanwhile', async () => {
    const socket = await open();
    await socket.until((all) => all.length === 1);
    await system.create('c1', 'demo-start');
    await system.append('c1', { kind: 'ended', why: 'empty', others: 'nothing' });
    await system.create('c2', 'demo-hold');
    await socket.until((all) => {
      const text = JSON.stringify(all);
      return text.includes('"kind":"ended"') && text.includes('"c2"');
    });
    socket.cut();
    const again = await open({ after: { c1: 1, c2: 1, cnever: 4 } });
    await again.until(
      (all) => all.some(({ type }) => type === 'gone') && numbers(all).length === 1,
    );
    expect(again.messages).toContainEqual({ type: 'gone', conferenceId: 'cnever' });
    expect(again.messages.find(({ type }) => type === 'event')).toMatchObject({
      conferenceId: 'c1',
      number: 2,
    });
    again.cut();
  });

  it('tells who talks, unnumbered, at a bounded rate, without the muted', async () => {
    await system.create('c1', 'demo-start');
    for (let count = 0; count < 3; count++) await system.join('c1');
    await system.append('c1', { kind: 'muted', ordinal: 3, bit: 'self', muted: true });
    const socket = await open({ conference: 'c1' });
    await socket.until((all) => all.some(({ type }) => type === 'snapshot'));
    const begun = performance.now();
    for (let round = 0; round < 100; round++) {
      system.talking('c1', 1 + (round % 3), round % 2 === 0);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    for (const ordinal of [1, 2, 3]) system.talking('c1', ordinal, ordinal !== 1);
    await socket.until((all) => JSON.stringify(all.at(-1)?.['ordinals']) === '[2]');
    const tenths = (performance.now() - begun) / 200;
    const told = socket.messages.filter(({ type }) => type === 'talking');
    expect(told.length).toBeLessThanOrEqual(tenths + 2);
    socket.cut();
  });

  it('closes a listener that does not keep up with 1013 and its number, and it resumes there', async () => {
    await system.create('c1', 'demo-start');
    const slow = await open({ conference: 'c1', after: 0 });
    const quick = await open({ conference: 'c1', after: 0 });
    await slow.until((all) => all.length >= 2);
    slow.pause();
    const ballast = 'x'.repeat(120);
    const one = (ordinal: number) =>
      ({
        kind: 'mixer-replaced',
        lost: `mixer-${ordinal}-${ballast}`.slice(0, 128),
        mixerId: 'mixer-2',
        mixerAddress: `127.0.0.1:5071${' '.repeat(2_000)}`,
      }) as never;
    for (let batch = 0; batch < 100; batch++) {
      await system.append('c1', ...range(1, 100).map((index) => one(batch * 100 + index)));
      // The quick one reads while the store is written, as it would in life.
      await quick.until((all) => numbers(all).length >= 1 + batch * 100);
    }
    await quick.until((all) => numbers(all).length === 10_001);
    expect(numbers(quick.messages)).toEqual(range(1, 10_001));
    slow.resume();
    const { code, reason } = await slow.closed;
    expect(code).toBe(1013);
    const last = Number(numbers(slow.messages).at(-1));
    expect(JSON.parse(reason)).toEqual({ after: { c1: last } });
    expect(numbers(slow.messages)).toEqual(range(1, last));
    quick.cut();
  });

  it('1,000 listeners get every event', async () => {
    await system.create('c1', 'demo-start');
    const sockets = await Promise.all(range(1, 1_000).map(() => open({ conference: 'c1' })));
    await Promise.all(sockets.map((one) => one.until((all) => all.length === 2)));
    const begun = performance.now();
    for (let count = 0; count < 20; count++) await system.join('c1');
    await Promise.all(sockets.map((one) => one.until((all) => numbers(all).length === 20)));
    console.log(`20 events to 1,000 listeners: ${Math.round(performance.now() - begun)} ms`);
    for (const one of sockets) expect(numbers(one.messages)).toEqual(range(2, 21));
    for (const one of sockets) one.cut();
  });
});

describe('what the stream refuses', () => {
  it.each([
    ['a wrong token', { token: 'wrong' }, 1008],
    ['no token', { token: undefined }, 1008],
    ['an unknown field', { colour: 'red' }, 1007],
    ['a number below 0', { after: -1 }, 1007],
  ])('%s', async (_, wanted, code) => {
    const socket = await open(wanted);
    expect((await socket.closed).code).toBe(code);
    expect(socket.messages.every(({ type }) => type === 'refused')).toBe(true);
  });

  it('a plain GET, with what it expected', async () => {
    const response = await fetch(`${system.base}/api/v1/events`, {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    });
    expect(response.status).toBe(426);
  });

  it('takes token and cursor from the upgrade request too', async () => {
    await system.create('c1', 'demo-start');
    await system.join('c1');
    const path = '/api/v1/events?conference=c1&after=1';
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const socket = await openTestSocket(system.api.port, path, headers);
    socket.send({ type: 'subscribe' });
    await socket.until((all) => numbers(all).length === 1);
    expect(numbers(socket.messages)).toEqual([2]);
    socket.cut();
  });
});
