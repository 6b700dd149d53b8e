/**
 * Every view of the page with real calls, on a desk and on a phone, light and dark: judged by axe once in
 * each scheme and once on each screen, and for what runs out of it. `MINUSONE_SCREENSHOTS=docs/images`
 * writes the pictures of the README anew; with `MINUSONE_SCREENSHOTS_ALL=1` every view in every form.
 */
import { mkdirSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { TOKEN } from '../e2e/server.ts';
import { axeFindings } from './accessible.ts';
import { HAS_CHROMIUM, PATIENT } from './browser.ts';
import { stage } from './stage.ts';

const PICTURES = process.env['MINUSONE_SCREENSHOTS'];
const ALL = process.env['MINUSONE_SCREENSHOTS_ALL'] === '1';
/** View and form → name of the picture in the README. */
const README: Readonly<Record<string, string>> = {
  'host light-desk': 'page-host',
  'host dark-phone': 'page-phone',
  'roll-call light-desk': 'page-roll-call',
  'waiting light-desk': 'page-waiting',
  'operator light-desk': 'page-operator',
  'machines light-desk': 'page-machines',
  'accounts light-desk': 'page-accounts',
};

/** Colours do not depend on the width, nor targets and layout on the scheme: two of the four say it all. */
const FORMS = [
  ['light-desk', 'light', 1280, 800],
  ['dark-phone', 'dark', 390, 844],
] as const;
const ALL_FORMS = [
  ...FORMS,
  ['dark-desk', 'dark', 1280, 800],
  ['light-phone', 'light', 390, 844],
] as const;

/** Styles, layout and plots follow what was set. */
const DRAWN = 'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))';

/** Calls out go to the first VRU itself, where numbers ring, answer or are unknown. */
const config = ({ sip }: { readonly sip: number }): string => `
trunks:
  - name: carrier
    servers: ["127.0.0.1:${sip}"]
    allowedPrefixes: ["+49"]
    deniedPrefixes: ["+49900"]
`;

const TEAM = {
  ...{ id: 'team', name: 'Weekly meeting' },
  ...{ hostCodes: ['771001'], participantCodes: ['661001'] },
  ...{ waitingMode: 'start', hostLeaves: 'end', graceMs: 600_000 },
  ...{ maxConferees: 25, maxDurationMs: 7_200_000, recordNames: false },
  outdial: { prefixes: ['+49'], list: [{ number: '+4930777', name: 'Lise Meitner' }] },
};
const RINGING = [
  ['+4930555', 60_000],
  ['+4930777', 60_000],
  ['+4930666', 0],
] as const;

describe.skipIf(!HAS_CHROMIUM)('every view of the page', PATIENT, () => {
  const on = stage({ config });

  // Nothing moves: colours are judged as they are in the end.
  const open = (secret?: string): Promise<Page> => on.open(secret, { reducedMotion: 'reduce' });

  /** Looks at what is there now in every form. */
  async function look(page: Page, view: string): Promise<void> {
    for (const [form, colorScheme, width, height] of ALL ? ALL_FORMS : FORMS) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      await page.evaluate(DRAWN);
      expect.soft(await axeFindings(page), `${view} ${form}`).toEqual([]);
      const wide = await page.evaluate('document.documentElement.scrollWidth');
      expect.soft(wide, `${view} ${form} runs out of the screen`).toBe(width);
      const kept = README[`${view} ${form}`];
      if (PICTURES === undefined || (kept === undefined && !ALL)) continue;
      mkdirSync(PICTURES, { recursive: true });
      await page.screenshot({ path: `${PICTURES}/${ALL ? `${view}-${form}` : kept}.png` });
    }
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.emulateMedia({ colorScheme: 'light' });
  }

  const row = (page: Page, ordinal: number) => page.locator(`li[data-ordinal="${ordinal}"]`);
  const button = (page: Page, name: string | RegExp) =>
    page.getByRole('button', typeof name === 'string' ? { name, exact: true } : { name });
  const closeDialog = async (page: Page): Promise<void> => {
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  };

  /** The first three in this order, as two of them talk; whoever comes then has no other part. */
  async function fill(page: Page): Promise<void> {
    const names = ['Ada Lovelace', 'Charles Babbage', undefined, 'Grace Hopper', 'Alan Turing'];
    for (const [index, name] of [...names, undefined, 'Hedy Lamarr', 'Emmy Noether'].entries()) {
      const number = `+4930123400${index + 1}`;
      on.phones.call(index % 3, {
        dtmf: `${index === 0 ? '771001' : '661001'}#`,
        from: `${name === undefined ? '' : `"${name}" `}<sip:${number}@127.0.0.1>`,
        // Steady tones of more than −33 dBov are never taken for the noise of the line (native/dsp/vad.cc).
        ...([0, 2].includes(index) ? { play: `tone:${400 + 100 * index}@${-16 - 4 * index}` } : {}),
      });
      if (index < 3) await row(page, index + 1).waitFor();
    }
    await row(page, 8).waitFor();
  }

  const choose = async (page: Page, whom: RegExp, what: string): Promise<void> => {
    await button(page, whom).click();
    await button(page, what).click();
  };

  it('before and at sign-in', async () => {
    const page = await open();
    await look(page, 'sign-in');
    await page.getByLabel('Host code').fill('110001');
    await page.keyboard.press('Enter');
    await page.getByText('This is not the code of a host.').waitFor();
    await look(page, 'sign-in-refused');
  });

  it('of a host and an operator, from before the conference to its end and without a server', async () => {
    await on.api('POST', '/accounts', TEAM);
    for (const [dnis, ringMs] of RINGING) {
      await on.api('PUT', '/dnis', { dnis, application: 'announcement', ringMs });
    }
    // It goes on while the host's views are looked at.
    const refused = on.phones.call(0, {
      dtmf: '999999#,,,,,,,,,,999999#,,,,,,,,,,999999#',
      from: 'sip:+4977@127.0.0.1',
    });
    const host = await open('771001');
    await beforeIt(host);
    await whileItGoesOn(host);
    await refused.over;
    await ofAnOperator(await open(TOKEN));
    await atItsEnd(host);
  });

  async function beforeIt(page: Page): Promise<void> {
    await page.getByText('No conference now.').waitFor();
    await look(page, 'waiting');
  }

  async function whileItGoesOn(page: Page): Promise<void> {
    await fill(page);
    await page.getByLabel('Who may talk').selectOption('questions');
    await row(page, 5).getByText('muted with all').waitFor();
    await button(page, /^Unmute 3,/).click();
    await row(page, 3).getByText('talking').waitFor();
    const marie = on.phones.call(0, {
      dtmf: '661001#',
      from: '"Marie Curie" <sip:+493099@127.0.0.1>',
    });
    await row(page, 9).waitFor();
    marie.press('*9');
    await row(page, 9).getByText('hand raised').waitFor();
    await choose(page, /^More for 4,/, 'Put on hold');
    await row(page, 4).getByText('on hold').waitFor();
    for (const ordinal of [5, 7]) {
      await choose(page, new RegExp(`^More for ${ordinal},`), 'Sub-conference …');
      if (ordinal === 7) await look(page, 'move');
      await button(page, 'Move').click();
      await row(page, ordinal).getByText('sub-conference 1').waitFor();
    }
    await button(page, 'Record').click();
    await page.locator('.badge.recording').waitFor();
    for (const number of ['+4930555', '+4930666', '+4930888']) {
      await page.getByLabel('Number to call').fill(number);
      await page.keyboard.press('Enter');
      await page.locator('.dials').getByText(number).waitFor();
    }
    await page.locator('.dials').getByText('rings').waitFor();
    await look(page, 'host');
    await page.getByLabel('Number to call').fill('+49900123');
    await page.keyboard.press('Enter');
    await page.getByText('no prefix of a trunk').waitFor();
    await look(page, 'dial-refused');

    await button(page, /^More for 2,/).click();
    await look(page, 'menu');
    await page.keyboard.press('Escape');
    await button(page, /^Delete 6,/).click();
    await look(page, 'delete');
    await closeDialog(page);
    await button(page, 'Roll call').click();
    await page.getByRole('cell', { name: /Emmy/ }).waitFor();
    await look(page, 'roll-call');
    await closeDialog(page);
    await button(page, 'Recordings').click();
    await page.getByRole('cell', { name: /\.wav/ }).waitFor();
    await look(page, 'recordings');
    await closeDialog(page);
    await page.getByText('What happened').click();
    await page.getByText('What happened').scrollIntoViewIfNeeded();
    await look(page, 'happened');
  }

  async function ofAnOperator(page: Page): Promise<void> {
    const tab = (name: string) => page.getByRole('link', { name, exact: true }).click();
    await button(page, /^Open /).waitFor();
    await look(page, 'operator');
    await button(page, /^Open /).click();
    await row(page, 9).waitFor();
    await look(page, 'operator-conference');
    await tab('Machines');
    if (PICTURES !== undefined) await page.waitForTimeout(30_000);
    await page
      .getByRole('img', { name: /^Headroom.* now [0-9.]+/ })
      .first()
      .waitFor();
    await look(page, 'machines');
    await button(page, 'Drain mixer-1').click();
    await look(page, 'drain');
    await closeDialog(page);
    await tab('Accounts');
    await page.getByRole('cell', { name: 'Weekly meeting', exact: true }).waitFor();
    await look(page, 'accounts');
    await button(page, 'Edit Weekly meeting').click();
    await page.getByLabel('Name', { exact: true }).fill('');
    await button(page, 'Save').click();
    await look(page, 'account');
    await closeDialog(page);
    await tab('Numbers');
    await page.getByRole('cell', { name: '+4930666', exact: true }).waitFor();
    await look(page, 'numbers');
    await button(page, 'Add number …').click();
    await look(page, 'number');
    await closeDialog(page);
    await tab('Refusals');
    await page.getByLabel('Calling number').fill('+4977*');
    await expect
      .poll(async () => {
        await button(page, 'Search').click();
        return page.getByText('+4977 to 1000').count();
      })
      .toBe(1);
    await look(page, 'refusals');
    await tab('Alarms');
    await page.getByText('None.').waitFor();
    await look(page, 'alarms');
  }

  async function atItsEnd(page: Page): Promise<void> {
    await row(page, 1).waitFor();
    await button(page, /^Delete 1,/).click();
    await button(page, 'Delete').click();
    await page.getByText('no host, ends in').waitFor();
    await look(page, 'no-host');
    await button(page, 'End …').click();
    await look(page, 'end');
    await button(page, 'End for everybody').click();
    await page.getByText('ended', { exact: true }).waitFor();
    await look(page, 'ended');
    await on.kill();
    await page.getByText('connection lost').waitFor();
    await look(page, 'lost');
  }
});
