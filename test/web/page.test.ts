/** R27, R22, R23: the page in a real browser against the real program, with real calls. */
import { mkdirSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { minusone } from '../e2e/program.ts';
import { type Server, startServer, TOKEN } from '../e2e/server.ts';
import { axeFindings } from './accessible.ts';
import { HAS_CHROMIUM, openBrowser, signIn } from './browser.ts';

/** `MINUSONE_SCREENSHOTS=docs/images` writes the pictures of the README anew. */
const PICTURES = process.env['MINUSONE_SCREENSHOTS'];

describe.skipIf(!HAS_CHROMIUM)('the page with real calls', () => {
  let server: Server;
  let browser: Browser;
  const errors: string[] = [];

  beforeAll(async () => {
    server = await startServer();
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  async function open(secret: string, width = 1_000, dark = false): Promise<Page> {
    const page = await browser.newPage({
      viewport: { width, height: 760 },
      colorScheme: dark ? 'dark' : 'light',
    });
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(message.text());
    });
    await signIn(page, server.http, secret);
    return page;
  }

  async function picture(page: Page, name: string): Promise<void> {
    if (PICTURES === undefined) return;
    mkdirSync(PICTURES, { recursive: true });
    await page.screenshot({ path: `${PICTURES}/${name}.png` });
  }

  const call = (code: string, seconds: number, from: string, ...more: string[]) =>
    minusone(
      [
        ...[
          'call',
          `sip:1000@${server.sip}`,
          '--dtmf',
          `${code}#`,
          '--duration-s',
          String(seconds),
        ],
        ...['--from', `sip:${from}@127.0.0.1`, '--json', ...more],
      ],
      { timeoutMs: 90_000 },
    );

  const row = (page: Page, ordinal: number) => page.locator(`li[data-ordinal="${ordinal}"]`);

  it('a host sees callers appear, mutes, deletes, locks, and ends', async () => {
    const page = await open('910001');
    await page.getByText('No conference now.').waitFor();
    await picture(page, 'page-waiting');

    const host = call('910001', 60, '+493012340001');
    await row(page, 1).waitFor();
    const talker = call('110001', 60, '+493012340002', '--play', 'tone:440@-12');
    await row(page, 2).waitFor();
    const third = call('110001', 60, '+493012340003');
    await row(page, 3).waitFor();
    await expect.poll(() => row(page, 1).innerText()).toContain('host');
    await expect.poll(() => row(page, 2).innerText()).toContain('+493012340002');
    await row(page, 2).getByText('talking').waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await picture(page, 'page-host');

    // Mute by ordinal: acknowledged in the page, and no longer heard as talking.
    await page.getByRole('button', { name: /^Mute 2,/ }).click();
    await row(page, 2).getByText('muted by host').waitFor();
    await row(page, 2).getByText('talking').waitFor({ state: 'detached' });
    expect(await roster(page)).toEqual(await rosterOfApi());

    // Only with the keyboard: lock.
    await page.getByRole('button', { name: 'Lock', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('locked', { exact: true }).waitFor();
    const refused = await call('110001', 30, '+493012340009');
    expect(refused.out).toContain('refused-locked');
    expect(await row(page, 4).count()).toBe(0);
    await page.getByRole('button', { name: 'Unlock' }).click();
    await page.getByText('locked', { exact: true }).waitFor({ state: 'detached' });

    await page.getByRole('button', { name: 'Mute all but hosts' }).click();
    await row(page, 3).getByText('muted with all').waitFor();
    expect(await row(page, 1).locator('.badge.muted').allInnerTexts()).toEqual([]);

    // Delete by ordinal; Escape says no first, and the focus comes back.
    const remove = page.getByRole('button', { name: /^Delete 3,/ });
    await remove.click();
    await page.getByRole('dialog', { name: /^Delete 3,/ }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const focused = "document.activeElement.getAttribute('aria-label')";
    expect(await page.evaluate(focused)).toMatch(/^Delete 3,/);
    await remove.click();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await row(page, 3).waitFor({ state: 'detached' });
    expect((await third).out).toContain('deleted');

    await page.getByRole('button', { name: 'Roll call' }).click();
    const roll = page.getByRole('dialog', { name: 'Roll call' });
    await expect.poll(() => roll.locator('tbody tr').count()).toBe(3);
    expect(await axeFindings(page)).toEqual([]);
    await picture(page, 'page-roll-call');
    await page.getByRole('button', { name: 'Close' }).click();

    // A phone screen: nothing runs out of it.
    const small = await open('910001', 360, true);
    await row(small, 2).waitFor();
    await row(small, 2).getByText('muted by host').waitFor();
    const width = await small.evaluate('[document.documentElement.scrollWidth, innerWidth]');
    expect(width).toEqual([360, 360]);
    expect(await axeFindings(small)).toEqual([]);
    await picture(small, 'page-phone');
    await small.close();

    await page.getByRole('button', { name: 'End …' }).click();
    await page.getByRole('button', { name: 'End for everybody' }).click();
    await page.getByText('ended', { exact: true }).waitFor();
    await Promise.all([host, talker]);
    expect(errors).toEqual([]);
    await page.close();
  });

  it('an operator sees conferences and machines, adds and removes accounts and numbers', async () => {
    const page = await open(TOKEN);
    const tab = (name: string) =>
      page.getByRole('navigation').getByRole('button', { name }).click();
    const host = call('910001', 12, '+493012340001');
    await page.getByRole('button', { name: /^Open / }).click();
    await row(page, 1).waitFor();
    await page.getByRole('button', { name: '← All conferences' }).click();

    await tab('Machines');
    await page
      .getByRole('img', { name: /^Headroom/ })
      .first()
      .waitFor();
    await page.getByText('VRUs').waitFor();
    await page.waitForTimeout(PICTURES === undefined ? 2_500 : 30_000);
    expect(await axeFindings(page)).toEqual([]);
    await picture(page, 'page-machines');

    await tab('Accounts');
    await page.getByLabel('Name').fill('Sales');
    await page.getByLabel('Host code').fill('55667788');
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByText('55667788').waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await picture(page, 'page-accounts');
    await page.getByRole('button', { name: 'Remove Sales' }).click();
    await page.getByRole('button', { name: 'Remove', exact: true }).click();
    await page.getByText('55667788').waitFor({ state: 'detached' });

    await tab('Numbers');
    await page.getByLabel('Number, or').fill('49*');
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByText('49*').waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await host;
    expect(errors).toEqual([]);
    await page.close();
  });

  it('refuses a wrong code in words', async () => {
    const page = await browser.newPage();
    await page.goto(server.http);
    await page.getByLabel('Host code').fill('110001');
    await page.keyboard.press('Enter');
    await page.getByText('This is not the code of a host.').waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await page.close();
  });

  /** Ordinal and whether muted, as the page shows it. */
  const roster = (page: Page): Promise<unknown> =>
    page.evaluate(
      "[...document.querySelectorAll('ol.roster > li')].map((one) => [Number(one.dataset.ordinal), one.querySelector('.badge.muted') !== null])",
    );

  async function rosterOfApi(): Promise<unknown> {
    const get = async (
      path: string,
    ): Promise<
      { items: { id: string }[] } & { conferees: { ordinal: number; muted: boolean }[] }
    > => {
      const headers = { authorization: `Bearer ${TOKEN}` };
      const response = await fetch(`${server.http}/api/v1${path}`, { headers });
      return (await response.json()) as never;
    };
    const [first] = (await get('/conferences')).items;
    const { conferees } = await get(`/conferences/${first?.id}`);
    return conferees.map(({ ordinal, muted }) => [ordinal, muted]);
  }
});
