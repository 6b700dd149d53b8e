/** 200 conferees in the page: from an event in the log to its row on the screen. */

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ADMIN_TOKEN, startTestApi, type TestApi } from '../../signaling/api/test-api.ts';
import { HAS_CHROMIUM, openBrowser, PATIENT, signIn } from './browser.ts';

const CONFEREES = 200;
const EVENTS = 240;
/** Of the claim; a machine that is busy with other tests is slower, so only the median is held to it. */
const CLAIM_MS = 300;

/** Muted by the first events, less those that the last ones open. */
const MUTED_AFTER = CONFEREES - 1 - (EVENTS - (CONFEREES - 1));

/** Notes when the mute mark of a row comes or goes. */
const WATCH = `
  window.seen = {};
  new MutationObserver(() => {
    for (const row of document.querySelectorAll('ol.roster > li')) {
      const isMuted = row.querySelector('.badge.muted') !== null;
      const text = isMuted ? 'muted' : window.seen[row.dataset.ordinal + ' muted'] === undefined ? 'open' : 'again';
      const key = row.dataset.ordinal + ' ' + text;
      if (window.seen[key] === undefined) window.seen[key] = performance.timeOrigin + performance.now();
    }
  }).observe(document.querySelector('ol.roster'), { childList: true, subtree: true });
`;

describe.skipIf(!HAS_CHROMIUM)('the page with 200 conferees', PATIENT, () => {
  let system: TestApi;
  let browser: Browser;
  beforeAll(async () => {
    system = await startTestApi();
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await system?.stop();
  });

  it('shows an event within 300 ms, and the same roster after a reload', async () => {
    await system.create('cbig', 'demo-start');
    await system.join('cbig', 'host');
    for (let count = 1; count < CONFEREES; count++) await system.join('cbig');
    const page = await browser.newPage();
    await signIn(page, system.base, ADMIN_TOKEN);
    await page.getByRole('button', { name: /^Open / }).click();
    await expect.poll(() => page.locator('ol.roster > li').count()).toBe(CONFEREES);
    await page.evaluate(WATCH);

    const sentMs = new Map<string, number>();
    for (let index = 0; index < EVENTS; index++) {
      // Everybody but the host is muted, then some are opened again.
      const ordinal = 2 + (index % (CONFEREES - 1));
      const muted = index < CONFEREES - 1;
      sentMs.set(
        `${ordinal} ${muted ? 'muted' : 'again'}`,
        performance.timeOrigin + performance.now(),
      );
      await system.append('cbig', { kind: 'muted', ordinal, bit: 'host', muted });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await expect.poll(() => page.locator('.badge.muted').count()).toBe(MUTED_AFTER);
    const seen = z.record(z.string(), z.number()).parse(await page.evaluate('window.seen'));
    const tookMs = [...sentMs]
      .map(([key, atMs]) => (seen[key] ?? Number.POSITIVE_INFINITY) - atMs)
      .toSorted((a, b) => a - b);
    const at = (share: number): number => Math.round(tookMs[Math.floor(share * (EVENTS - 1))] ?? 0);
    console.log(
      `event to page, ${CONFEREES} conferees: median ${at(0.5)} ms, 99 % ${at(0.99)} ms of ${EVENTS}, worst ${at(1)} ms`,
    );
    expect(at(0.5)).toBeLessThan(CLAIM_MS);

    // Reloaded: the token is still there, and the roster is that of the log.
    await system.append('cbig', { kind: 'locked', locked: true });
    await page.reload();
    await page.getByText('locked', { exact: true }).waitFor();
    expect(await page.locator('.badge.muted').count()).toBe(MUTED_AFTER);
    await page.close();
  });
});
