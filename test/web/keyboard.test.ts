/** Every function of a host with the keyboard alone, and where the focus is after each; what the page says aloud. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ADMIN_TOKEN, startTestApi, type TestApi } from '../../signaling/api/test-api.ts';
import { HAS_CHROMIUM, openBrowser, PATIENT } from './browser.ts';

/** More than there is to reach: a walk that does not come across it ends. */
const MOST_STEPS = 80;

describe.skipIf(!HAS_CHROMIUM)('the page without a mouse', PATIENT, () => {
  let system: TestApi;
  let browser: Browser;
  let page: Page;
  let id: string;
  let tries = 0;
  beforeAll(async () => {
    system = await startTestApi();
    browser = await openBrowser();
  });
  // A conference of its own for each try: the page shows its host the newest.
  beforeEach(async () => {
    id = `c${++tries}`;
    await system.create(id, 'demo-start');
    await system.join(id, 'host');
    for (let count = 0; count < 4; count++) await system.join(id);
    page = await browser.newPage({ reducedMotion: 'reduce' });
    page.setDefaultTimeout(PATIENT.timeout);
    await page.goto(system.base);
    // The field has the focus from the start.
    await page.keyboard.type('910001');
    await page.keyboard.press('Enter');
    await page.getByText('live', { exact: true }).waitFor();
    await page.getByText(`${id} on mixer-1`).waitFor();
    await page.locator('li[data-ordinal="5"]').waitFor();
  });
  afterEach(async () => {
    await page?.close();
    await system.append(id, { kind: 'ended', why: 'operator-ended', others: 'release' });
  });
  afterAll(async () => {
    await browser?.close();
    await system?.stop();
  });

  const focused = (): Promise<string> =>
    page.evaluate(
      "(document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent).trim()",
    );

  /** By Tab alone, from where the focus is. */
  async function reach(name: string | RegExp): Promise<void> {
    const isIt = (text: string): boolean =>
      typeof name === 'string' ? text === name : name.test(text);
    for (let step = 0; step < MOST_STEPS; step++) {
      if (isIt(await focused())) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`${String(name)} is not reached by Tab`);
  }

  async function pressOn(name: string | RegExp): Promise<void> {
    await reach(name);
    await page.keyboard.press('Enter');
  }

  const asked = async (action: string): Promise<void> => {
    await expect.poll(() => system.controls.at(-1)).toBe(`${id} ${action}`);
  };

  it('mutes, holds, moves, makes host and deletes; the focus stays where the hands are', async () => {
    await pressOn(/^Mute 2,/);
    await asked('{"kind":"mute","ordinal":2,"muted":true}');
    await expect.poll(focused).toMatch(/^Unmute 2,/);
    await page.keyboard.press('Space');
    await asked('{"kind":"mute","ordinal":2,"muted":false}');
    await expect.poll(focused).toMatch(/^Mute 2,/);

    await pressOn(/^More for 2,/);
    await expect.poll(focused).toBe('Put on hold');
    await page.keyboard.press('Escape');
    await expect.poll(focused).toMatch(/^More for 2,/);
    await page.keyboard.press('Enter');
    await expect.poll(focused).toBe('Put on hold');
    await page.keyboard.press('Enter');
    await asked('{"kind":"hold","ordinal":2,"held":true}');
    await expect.poll(focused).toMatch(/^More for 2,/);

    await page.keyboard.press('Enter');
    await expect.poll(focused).toBe('Take off hold');
    await pressOn('Sub-conference …');
    await page.getByRole('dialog', { name: /^Move 2,/ }).waitFor();
    await page.getByLabel('To').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Tab');
    await pressOn('Move');
    await asked('{"kind":"send","ordinal":2,"sub":2}');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await expect.poll(focused).toMatch(/^More for 2,/);

    await page.keyboard.press('Enter');
    await expect.poll(focused).toBe('Take off hold');
    await pressOn('Make host');
    await asked('{"kind":"make-host","ordinal":2}');

    await pressOn(/^Delete 4,/);
    await page.getByRole('dialog', { name: /^Delete 4,/ }).waitFor();
    // The first thing in it is the harmless one.
    await expect.poll(focused).toBe('Cancel');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await expect.poll(focused).toMatch(/^Delete 4,/);
    await page.keyboard.press('Enter');
    await expect.poll(focused).toBe('Cancel');
    await pressOn('Delete');
    await asked('{"kind":"delete","ordinal":4}');
    await page.locator('li[data-ordinal="4"]').waitFor({ state: 'detached' });
    // Its row is gone: the focus is at the top of the conference, not nowhere.
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('conference-title');
  });

  it('locks, mutes all, chooses who may talk, calls the roll, records, ends', async () => {
    await system.append(id, { kind: 'sub-conference', ordinal: 2, sub: 2 });
    await pressOn('Lock');
    await asked('{"kind":"lock","locked":true}');
    await expect.poll(focused).toBe('Unlock');
    await pressOn('Mute all but hosts');
    await asked('{"kind":"mute-all","muted":true}');
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowDown');
    await asked('{"kind":"mode","mode":"questions"}');
    await pressOn('Roll call');
    await page.getByRole('dialog', { name: 'Roll call' }).waitFor();
    await pressOn('Read it out to everybody');
    await asked('{"kind":"roll-call"}');
    await page.keyboard.press('Escape');
    await expect.poll(focused).toBe('Roll call');
    await pressOn('Record');
    await asked('{"kind":"record","on":true}');
    await expect.poll(focused).toBe('Stop recording');
    await pressOn('Recordings');
    await page.getByRole('dialog', { name: 'Recordings' }).waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(focused).toBe('Recordings');
    await pressOn('Bring back everybody from sub-conference 2');
    await asked('{"kind":"send","ordinal":2,"sub":0}');
  });

  it('keeps the focus off nowhere when what had it goes', async () => {
    await system.append(id, { kind: 'hand', ordinal: 5, raised: true });
    await pressOn(/^Lower the hand of 5,/);
    await asked('{"kind":"lower-hand","ordinal":5}');
    await page.locator('.hands').waitFor({ state: 'detached' });
    await expect.poll(() => page.evaluate('document.activeElement.tagName')).not.toBe('BODY');
  });

  it('says crowds as one sentence, and nothing for every word that is spoken', async () => {
    await page.evaluate(`
      window.said = [];
      new MutationObserver(() => window.said.push(document.querySelector('[data-said]').textContent))
        .observe(document.querySelector('[data-said]'), { childList: true, characterData: true, subtree: true });
    `);
    for (let count = 0; count < 30; count++) await system.join(id);
    for (let count = 0; count < 20; count++) system.talking(id, 3, count % 2 === 0);
    await expect
      .poll(() => page.evaluate("window.said.join(' ')"))
      .toMatch(/\d+ came in\.|came in\./);
    await page.waitForTimeout(2_000);
    const said = ((await page.evaluate('window.said')) as readonly string[]).filter(
      (text) => text !== '',
    );
    // A machine that stood still in between says it in a few.
    expect(said.length).toBeLessThan(10);
    expect(said.join(' ')).not.toContain('talk');
  });

  it('moves nothing for those who want no motion', async () => {
    const moving = await page.evaluate(
      "[...document.querySelectorAll('*')].filter((one) => getComputedStyle(one).transitionDuration.split(', ').some((time) => time !== '0s') || getComputedStyle(one).animationName !== 'none').length",
    );
    expect(moving).toBe(0);
  });

  it('ends after a question, and signs out', async () => {
    await pressOn('End …');
    await expect.poll(focused).toBe('Cancel');
    await pressOn('End for everybody');
    await asked('{"kind":"end"}');
    await page.getByText('ended', { exact: true }).waitFor();
    await expect.poll(() => page.evaluate('document.activeElement.tagName')).not.toBe('BODY');
    await pressOn('Sign out');
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('secret');
    expect(ADMIN_TOKEN.length).toBeGreaterThan(0);
  });
});
