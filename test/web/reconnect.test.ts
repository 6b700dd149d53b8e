/** The page over cuts of its connection: a server killed and started again, with the page open all the while. */
import { describe, expect, it } from 'vitest';
import { HAS_CHROMIUM, PATIENT } from './browser.ts';
import { stage } from './stage.ts';

describe.skipIf(!HAS_CHROMIUM)('the page and a server that dies', PATIENT, () => {
  // On a port that was chosen, as operators do: a page that comes back finds it again.
  const on = stage({ args: ({ own }) => ['--http', `127.0.0.1:${own}`] });

  it('says that it is cut, offers nothing stale, and comes back by itself with the truth', async () => {
    const page = await on.open('910001');
    on.phones.call(0, { dtmf: '910001#', play: 'tone:440@-20' });
    await page.locator('li[data-ordinal="1"]').getByText('talking').waitFor();
    const asked: string[] = [];
    page.on('websocket', (socket) =>
      socket.on('framesent', ({ payload }) => asked.push(String(payload))),
    );
    await on.kill();
    await page.getByText('connection lost').waitFor();
    expect(await page.getByRole('button', { name: /^Mute 1,/ }).isDisabled()).toBe(true);
    expect(await page.getByRole('button', { name: 'Lock', exact: true }).isDisabled()).toBe(true);
    await page.getByText('talking').waitFor({ state: 'detached' });
    await on.startAgain();
    await page.getByText('live', { exact: true }).waitFor();
    // It resumed by number, with the token that it has.
    const resumed = asked.map((text) => JSON.parse(text) as { type: string; after?: object });
    const subscribed = resumed.filter(({ type }) => type === 'subscribe').at(-1);
    expect(Object.values(subscribed?.after ?? {})).toEqual([expect.any(Number)]);
    // Nobody is in the conference of the dead process; the page learns it without a reload.
    await page.locator('li[data-ordinal="1"]').waitFor({ state: 'detached' });
    on.phones.call(1, { dtmf: '910001#' });
    await page.getByText('1 conferee').waitFor();
    await expect.poll(() => page.getByRole('button', { name: /^Mute 1,/ }).isEnabled()).toBe(true);
    const { items } = await on.api<{ items: { size: number }[] }>('GET', '/conferences');
    expect(items.map(({ size }) => size)).toEqual([1]);
  });
});
