/**
 * 200 conferees in the page, with bursts of events: what it shows in the end is what the log says, also after a
 * reload. How fast and at what cost is measured by `npm run bench -- web-page`.
 */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_TOKEN, startTestApi, type TestApi } from '../../signaling/api/test-api.ts';
import { HAS_CHROMIUM, openBrowser, PATIENT, signIn } from './browser.ts';

const CONFEREES = 200;
const EVENTS = 240;
/** Everybody but the host is muted by the first events; the last ones open some again. */
const MUTED_AFTER = CONFEREES - 1 - (EVENTS - (CONFEREES - 1));

describe.skipIf(!HAS_CHROMIUM)('the page with 200 conferees', PATIENT, () => {
  let system: TestApi;
  let browser: Browser;
  let tries = 0;
  beforeAll(async () => {
    system = await startTestApi();
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await system?.stop();
  });

  it('shows every event of a burst, who is off the screen too, and the same roster after a reload', async () => {
    const id = `cbig${++tries}`;
    await system.create(id, 'demo-start');
    await system.join(id, 'host');
    for (let count = 1; count < CONFEREES; count++) await system.join(id);
    const page = await browser.newPage();
    await signIn(page, system.base, ADMIN_TOKEN);
    await page.getByRole('button', { name: new RegExp(`^Open .*${id}$`) }).click();
    await expect.poll(() => page.locator('ol.roster > li').count()).toBe(CONFEREES);
    for (let index = 0; index < EVENTS; index++) {
      const ordinal = 2 + (index % (CONFEREES - 1));
      await system.append(id, {
        kind: 'muted',
        ordinal,
        bit: 'host',
        muted: index < CONFEREES - 1,
      });
    }
    const muted = page.locator('.badge.muted');
    await expect.poll(() => muted.count()).toBe(MUTED_AFTER);

    // Rows off the screen are not drawn until they are come to.
    const last = page.locator(`li[data-ordinal="${CONFEREES}"]`);
    await page.getByRole('button', { name: new RegExp(`^Delete ${CONFEREES},`) }).focus();
    await last.getByText('muted by host').waitFor();
    await page.getByRole('button', { name: new RegExp(`^More for ${CONFEREES},`) }).click();
    await page.getByRole('button', { name: 'Put on hold' }).click();
    await last.getByText('on hold').waitFor();

    // Reloaded: the token is still there, and the roster is that of the log.
    await system.append(id, { kind: 'locked', locked: true });
    await page.reload();
    await page.getByText('locked', { exact: true }).waitFor();
    expect(await muted.count()).toBe(MUTED_AFTER);
    await page.close();
  });
});
