import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ADMIN_TOKEN, startTestApi, type TestApi } from './test-api.ts';
import { openTestSocket, type TestSocket } from './test-socket.ts';

let system: TestApi;
beforeEach(async () => {
  system = await startTestApi();
  await system.create('c1', 'demo-start');
  for (let count = 0; count < 4; count++) await system.join('c1');
});
afterEach(() => system.stop());

const open = async (watched?: string): Promise<TestSocket> => {
  const socket = await openTestSocket(system.api.port);
  socket.send({ type: 'subscribe', token: ADMIN_TOKEN });
  await socket.until((all) => all.some(({ type }) => type === 'snapshot'));
  if (watched !== undefined) socket.send({ type: 'levels', conference: watched });
  return socket;
};
const levelsOf = (socket: TestSocket): unknown[] =>
  socket.messages.filter(({ type }) => type === 'levels').map(({ levels }) => levels);

describe('loudness on the stream (R27)', () => {
  it('of those who talk, to who looks at the conference; who talks already is learned too', async () => {
    const looks = await open('c1');
    const other = await open();
    // Nobody said on the bus that number 2 talks: the mixer knows.
    system.loudness('c1', [[2, -23.4]]);
    looks.send({ type: 'levels', conference: 'c1' });
    await looks.until(() => levelsOf(looks).some((one) => JSON.stringify(one) === '[[2,-23]]'));
    await looks.until((all) =>
      all.some(({ type, ordinals }) => type === 'talking' && JSON.stringify(ordinals) === '[2]'),
    );
    expect(levelsOf(other)).toEqual([]);
    looks.cut();
    other.cut();
  });

  it('is not asked for while nobody talks, nobody looks, or the reader may not see it', async () => {
    const looks = await open('c1');
    await looks.until(() => levelsOf(looks).length === 1);
    const asked = system.levelsAsked();
    expect(asked).toBe(1);
    looks.send({ type: 'levels', conference: null });
    system.talking('c1', 3, true);
    await looks.until((all) => all.some(({ type }) => type === 'talking'));
    const stranger = await open('c-of-others');
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(system.levelsAsked()).toBe(asked);
    expect(levelsOf(stranger)).toEqual([]);
    looks.cut();
    stranger.cut();
  });

  it('comes at most five times a second', async () => {
    const looks = await open('c1');
    system.loudness('c1', [[1, -20]]);
    system.talking('c1', 1, true);
    const begun = performance.now();
    await looks.until(() => levelsOf(looks).length >= 6);
    expect(performance.now() - begun).toBeGreaterThan(900);
    looks.cut();
  });

  it('another message after the first one is refused', async () => {
    const looks = await open();
    looks.send({ type: 'subscribe', token: ADMIN_TOKEN });
    expect((await looks.closed).code).toBe(1007);
  });
});
