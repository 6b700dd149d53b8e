/** R27, R22, R23: the page in a real browser against the real program, with real calls. */
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { TOKEN } from '../e2e/server.ts';
import { HAS_CHROMIUM, PATIENT } from './browser.ts';
import { stage } from './stage.ts';

describe.skipIf(!HAS_CHROMIUM)('the page with real calls', PATIENT, () => {
  const on = stage();

  const open = (secret: string, width = 1_000, dark = false): Promise<Page> =>
    on.open(secret, {
      viewport: { width, height: 760 },
      colorScheme: dark ? 'dark' : 'light',
      // Colours are judged as they are in the end.
      reducedMotion: 'reduce',
    });

  const call = (code: string, from: string, play?: string) =>
    on.phones.call(0, {
      dtmf: `${code}#`,
      from: `sip:${from}@127.0.0.1`,
      ...(play === undefined ? {} : { play }),
    });

  const row = (page: Page, ordinal: number) => page.locator(`li[data-ordinal="${ordinal}"]`);

  it('a host sees callers appear, mutes, deletes, locks, and ends', async () => {
    const page = await open('910001');
    await page.getByText('No conference now.').waitFor();

    const host = call('910001', '+493012340001');
    await row(page, 1).waitFor();
    const talker = call('110001', '+493012340002', 'tone:440@-12');
    await row(page, 2).waitFor();
    const third = call('110001', '+493012340003');
    await row(page, 3).waitFor();
    await expect.poll(() => row(page, 1).textContent()).toContain('host');
    await expect.poll(() => row(page, 2).textContent()).toContain('+493012340002');
    await row(page, 2).getByText('talking').waitFor();

    // Mute by ordinal: acknowledged in the page, and no longer heard as talking.
    await page.getByRole('button', { name: /^Mute 2,/ }).click();
    await row(page, 2).getByText('muted by host').waitFor();
    await row(page, 2).getByText('talking').waitFor({ state: 'detached' });
    expect(await roster(page)).toEqual(await rosterOfApi());

    // Only with the keyboard: lock.
    await page.getByRole('button', { name: 'Lock', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('locked', { exact: true }).waitFor();
    expect((await call('110001', '+493012340009').over).reason).toContain('refused-locked');
    expect(await row(page, 4).count()).toBe(0);
    await page.getByRole('button', { name: 'Unlock' }).click();
    await page.getByText('locked', { exact: true }).waitFor({ state: 'detached' });

    await page.getByRole('button', { name: 'Mute all but hosts' }).click();
    await row(page, 3).getByText('muted with all').waitFor();
    expect(await row(page, 1).locator('.badge.muted').allTextContents()).toEqual([]);

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
    expect((await third.over).reason).toContain('deleted');

    await page.getByRole('button', { name: 'Roll call' }).click();
    const roll = page.getByRole('dialog', { name: 'Roll call' });
    await expect.poll(() => roll.locator('tbody tr').count()).toBe(3);
    await page.getByRole('button', { name: 'Close' }).click();

    // A phone screen: nothing runs out of it.
    const small = await open('910001', 390, true);
    await row(small, 2).waitFor();
    await row(small, 2).getByText('muted by host').waitFor();
    const width = await small.evaluate('[document.documentElement.scrollWidth, innerWidth]');
    expect(width).toEqual([390, 390]);
    await small.close();

    await page.getByRole('button', { name: 'End …' }).click();
    await page.getByRole('button', { name: 'End for everybody' }).click();
    await page.getByText('ended', { exact: true }).waitFor();
    await Promise.all([host.over, talker.over]);
  });

  it('an operator sees conferences and machines, adds, changes and removes accounts and numbers', async () => {
    const page = await open(TOKEN);
    const tab = (name: string) => page.getByRole('link', { name, exact: true }).click();
    const button = (name: string | RegExp) =>
      page.getByRole('button', typeof name === 'string' ? { name, exact: true } : { name });
    const host = on.phones.call(0, { dtmf: '910001#', from: 'sip:+493012340001@127.0.0.1' });
    // A code that nobody has, three times: in the end the page says why the call was refused.
    const refused = on.phones.call(0, {
      dtmf: '999999#,,,,,,,,,,999999#,,,,,,,,,,999999#',
      from: 'sip:+4977@127.0.0.1',
    });
    await page.getByRole('button', { name: /^Open / }).click();
    await row(page, 1).waitFor();
    // Where one is survives a reload and the back button.
    await page.reload();
    await row(page, 1).waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: 'Conferences' }).waitFor();
    await button(/^Open /).waitFor();

    await tab('Machines');
    const plots = page.getByRole('img', { name: /^(Headroom|Tick lateness).* now [0-9.]+/ });
    await expect.poll(() => plots.count()).toBeGreaterThanOrEqual(4);
    for (const vru of ['vru-1', 'vru-2', 'vru-3']) await page.getByText(vru).waitFor();

    await tab('Accounts');
    await button('Add account …').click();
    const form = page.getByRole('dialog', { name: 'Add account' });
    await form.getByLabel('Host codes').fill('910001');
    await button('Save').click();
    // What is wrong is at its field, and so is the focus.
    expect(await form.getByLabel('Name').getAttribute('aria-invalid')).toBe('true');
    expect(await page.evaluate('document.activeElement.name')).toBe('name');
    await form.getByLabel('Name').fill('Sales');
    await button('Save').click();
    await form.getByText('910001 belongs to account demo-start').waitFor();
    expect(await page.evaluate('document.activeElement.name')).toBe('hostCodes');
    await form.getByLabel('Host codes').fill('55667788');
    await page.keyboard.press('Enter');
    await form.waitFor({ state: 'detached' });
    await page.getByText('55667788').waitFor();
    await button('Edit Sales').click();
    await page.getByLabel('When the last host leaves').selectOption('end');
    await page.getByLabel('Host codes').fill('55667788, 55667799');
    await button('Save').click();
    await page.getByText('55667788, 55667799').waitFor();
    expect(await accountOf('Sales')).toMatchObject({
      hostCodes: ['55667788', '55667799'],
      hostLeaves: 'end',
      graceMs: 60_000,
    });
    await page.getByPlaceholder('Search').fill('sal');
    await expect.poll(() => page.locator('table.records tbody tr').count()).toBe(1);
    await button('Remove Sales').click();
    await button('Remove').click();
    await page.getByText('Nothing fits.').waitFor();

    await tab('Numbers');
    await button('Add number …').click();
    await page.getByLabel('Number', { exact: true }).fill('49*');
    await page.getByLabel('Settings of the application').fill('{"keyMap": ');
    await button('Save').click();
    await page.getByText('Not JSON').waitFor();
    await page.getByLabel('Settings of the application').fill('{"keyMap": "teams"}');
    await button('Save').click();
    await page.getByText('{"keyMap":"teams"}').waitFor();

    await refused.over;
    await tab('Refusals');
    await page.getByLabel('Calling number').fill('+4977*');
    await expect
      .poll(async () => {
        await button('Search').click();
        return page.locator('.alarms li').count();
      })
      .toBe(1);
    await page.getByText('+4977 to 1000').waitFor();

    await tab('Alarms');
    await page.getByText('None.').waitFor();
    host.hangUp();
    await host.over;
  });

  it('refuses a wrong code in words', async () => {
    const page = await on.open();
    await page.getByLabel('Host code').fill('110001');
    await page.keyboard.press('Enter');
    await page.getByText('This is not the code of a host.').waitFor();
  });

  async function accountOf(name: string): Promise<unknown> {
    const { items } = await on.api<{ items: unknown[] }>('GET', `/accounts?match=${name}`);
    return items[0];
  }

  /** Ordinal and whether muted, as the page shows it. */
  const roster = (page: Page): Promise<unknown> =>
    page.evaluate(
      "[...document.querySelectorAll('ol.roster > li')].map((one) => [Number(one.dataset.ordinal), one.querySelector('.badge.muted') !== null])",
    );

  async function rosterOfApi(): Promise<unknown> {
    type Roster = { readonly conferees: readonly { ordinal: number; muted: boolean }[] };
    const { items } = await on.api<{ items: { id: string }[] }>('GET', '/conferences');
    const { conferees } = await on.api<Roster>('GET', `/conferences/${items[0]?.id}`);
    return conferees.map(({ ordinal, muted }) => [ordinal, muted]);
  }
});
