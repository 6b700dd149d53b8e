/** The page over cuts of its connection: a server killed and started again, with the page open all the while. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Server, startServer, TOKEN } from '../e2e/server.ts';
import { HAS_CHROMIUM, openBrowser, PATIENT, signIn } from './browser.ts';
import { openPhones } from './phones.ts';

/** On a port that was chosen, as operators do: a page that comes back finds it again. */
async function restart(before: Server): Promise<Server> {
  before.signal('SIGKILL');
  await before.exited;
  return startServer({ like: before, args: ['--http', `127.0.0.1:${before.ports.own}`] });
}

describe.skipIf(!HAS_CHROMIUM)('the page and a server that dies', PATIENT, () => {
  let server: Server;
  let browser: Browser;
  beforeAll(async () => {
    server = await restart(await startServer());
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  it('says that it is cut, offers nothing stale, and comes back by itself with the truth', async () => {
    const phones = await openPhones(server);
    const page = await browser.newPage();
    await signIn(page, server.http, '910001');
    phones.call(0, { dtmf: '910001#', play: 'tone:440@-20' });
    await page.locator('li[data-ordinal="1"]').getByText('talking').waitFor();
    const asked: string[] = [];
    page.on('websocket', (socket) =>
      socket.on('framesent', ({ payload }) => asked.push(String(payload))),
    );
    server.signal('SIGKILL');
    await page.getByText('connection lost').waitFor();
    expect(await page.getByRole('button', { name: /^Mute 1,/ }).isDisabled()).toBe(true);
    expect(await page.getByRole('button', { name: 'Lock', exact: true }).isDisabled()).toBe(true);
    await page.getByText('talking').waitFor({ state: 'detached' });
    server = await restart(server);
    await page.getByText('live', { exact: true }).waitFor();
    // It resumed by number, with the token that it has.
    const resumed = asked.map((text) => JSON.parse(text) as { type: string; after?: object });
    const subscribed = resumed.filter(({ type }) => type === 'subscribe').at(-1);
    expect(Object.values(subscribed?.after ?? {})).toEqual([expect.any(Number)]);
    // Nobody is in the conference of the dead process; the page learns it without a reload.
    await page.locator('li[data-ordinal="1"]').waitFor({ state: 'detached' });
    await phones.close();
    const fresh = await openPhones(server);
    fresh.call(1, { dtmf: '910001#' });
    await page.getByText('1 conferee').waitFor();
    await expect.poll(() => page.getByRole('button', { name: /^Mute 1,/ }).isEnabled()).toBe(true);
    const response = await fetch(`${server.http}/api/v1/conferences`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    const { items } = (await response.json()) as { items: { size: number }[] };
    expect(items.map(({ size }) => size)).toEqual([1]);
    await fresh.close();
    await page.close();
  });
});
