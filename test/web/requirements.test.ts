/**
 * R20 to R28 from the page in a real browser, with the built program (3 VRUs, 2 mixers of the class, 2
 * interface servers) and real calls. What only a keypad can do is pressed on a phone, and the page
 * must show it.
 */
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { SILENCE_DBFS, toneLevelDbfs } from '../audio/level.ts';
import { type Audio, slice } from '../audio/signals.ts';
import { heardPrompt } from '../e2e/heard.ts';
import { HAS_CHROMIUM, PATIENT } from './browser.ts';
import type { Phone } from './phones.ts';
import { stage } from './stage.ts';

const LEVEL = -20;
const tone = (frequencyHz: number): string => `tone:${frequencyHz}@${LEVEL}`;
const from = (number: string, name?: string): string =>
  `${name === undefined ? '' : `"${name}" `}<sip:${number}@127.0.0.1>`;

/** Median of short pieces of the second from `fromMs` on. */
function loudness({ rateHz, samples }: Audio, frequencyHz: number, fromMs: number): number {
  const pieces = Array.from({ length: 10 }, (_, index) =>
    toneLevelDbfs(slice({ rateHz, samples }, fromMs + index * 100, 100), frequencyHz),
  );
  return pieces.toSorted((left, right) => left - right)[5] ?? SILENCE_DBFS;
}

const lengthMs = ({ rateHz, samples }: Audio): number => (samples.length / rateHz) * 1000;

describe.skipIf(!HAS_CHROMIUM)('each function of a host, from the page', PATIENT, () => {
  const on = stage();
  let codes = 40_000;

  /** An account of its own for each test, so that they do not meet. */
  async function account(more: object = {}): Promise<{ host: string; guest: string }> {
    codes += 1;
    const [host, guest] = [`91${codes}`, `11${codes}`];
    await on.api('POST', '/accounts', {
      id: `page-${codes}`,
      name: `Page ${codes}`,
      hostCodes: [host],
      participantCodes: [guest],
      waitingMode: 'start',
      ...more,
    });
    return { host, guest };
  }

  const open = (secret: string): Promise<Page> => on.open(secret);

  const row = (page: Page, ordinal: number) => page.locator(`li[data-ordinal="${ordinal}"]`);
  const muted = (page: Page, ordinal: number) => row(page, ordinal).locator('.badge.muted');
  const gone = (page: Page, ordinal: number) => row(page, ordinal).waitFor({ state: 'detached' });
  const button = (page: Page, name: string | RegExp) =>
    page.getByRole('button', typeof name === 'string' ? { name, exact: true } : { name });

  /** Host on VRU 1, then guests on VRU 2, 3, 1 …, each in the roster before the next one calls. */
  async function conference(
    guests: number,
    more: { readonly account?: object; readonly quiet?: boolean } = {},
  ) {
    const { host, guest } = await account(more.account);
    const page = await open(host);
    const calls: Phone[] = [];
    for (let index = 0; index <= guests; index++) {
      calls.push(
        on.phones.call(index % 3, {
          dtmf: `${index === 0 ? host : guest}#`,
          from: from(`+4930500${index}`, index === 2 ? 'Grace Hopper' : undefined),
          ...(more.quiet === true ? {} : { play: tone(400 + 220 * index) }),
        }),
      );
      await row(page, index + 1).waitFor();
    }
    const [first, ...others] = calls;
    if (first === undefined) throw new Error('no host');
    return { page, host: first, guests: others, codes: { host, guest } };
  }

  const confereesOnMixers = async (): Promise<number> => {
    const { items } = await on.api<{ items: { conferees: number }[] }>('GET', '/mixers');
    return items.reduce((sum, { conferees }) => sum + conferees, 0);
  };

  it('R20: who leaves by key and who hangs up are both gone from roster and mixer', async () => {
    const { host, guest } = await account();
    const page = await open(host);
    const first = on.phones.call(0, { dtmf: `${host}#` });
    await row(page, 1).waitFor();
    const byKey = on.phones.call(1, { dtmf: `${guest}#` });
    await row(page, 2).waitFor();
    const hangsUp = on.phones.call(2, { dtmf: `${guest}#` });
    await row(page, 3).waitFor();
    hangsUp.hangUp();
    await gone(page, 3);
    // Leaving by key can only be done on the phone.
    byKey.press('**');
    await gone(page, 2);
    expect((await byKey.over).endedBy).toBe('remote');
    await expect.poll(confereesOnMixers).toBe(1);
    await page.getByText('What happened').click();
    const happened = (await page.locator('.happened li').allTextContents()).join(' ');
    expect(happened).toMatch(/2, \S+, left\./);
    expect(happened).toMatch(/3, \S+, hung up\./);
    first.hangUp();
    await gone(page, 1);
    await expect.poll(confereesOnMixers).toBe(0);
  });

  it('R21: the roll call shows everybody by ordinal with name or number, also who has left', async () => {
    const { page, guests } = await conference(2);
    guests[0]?.hangUp();
    await gone(page, 2);
    await button(page, 'Roll call').click();
    const roll = page.getByRole('dialog', { name: 'Roll call' }).locator('tbody tr');
    await expect.poll(() => roll.count()).toBe(3);
    const texts = await roll.allTextContents();
    expect(texts[0]).toMatch(/^1\s*\+49305000 \(host\)[\s\S]*is here/);
    expect(texts[1]).toMatch(/^2\s*\+49305001/);
    expect(texts[1]).not.toContain('is here');
    expect(texts[2]).toMatch(/^3\s*Grace Hopper[\s\S]*is here/);
    await button(page, 'Close').click();
  });

  it('R22: mutes one, all but hosts, and unmutes; a key of one’s own shows too', async () => {
    const { page, host, guests, codes: own } = await conference(2);
    await row(page, 2).getByText('talking').waitFor();
    await expect.poll(() => barOf(page, 2)).toBeGreaterThan(0.2);
    await button(page, /^Mute 2,/).click();
    await row(page, 2).getByText('muted by host').waitFor();
    await row(page, 2).getByText('talking').waitFor({ state: 'detached' });
    await button(page, 'Mute all but hosts').click();
    await row(page, 3).getByText('muted with all').waitFor();
    expect(await muted(page, 1).count()).toBe(0);
    await button(page, 'Unmute all').click();
    await muted(page, 3).waitFor({ state: 'detached' });
    await row(page, 2).getByText('muted by host').waitFor();
    // One's own mute is only on one's own keypad; the page shows whose it is.
    const self = on.phones.call(1, { dtmf: `${own.guest}#` });
    await row(page, 4).waitFor();
    self.press('*6');
    await row(page, 4).getByText('muted by own key').waitFor();
    self.hangUp();
    await gone(page, 4);
    host.hangUp();
    const { audio } = await host.over;
    // The muted one is not in the last second of what the host heard; the other one is.
    expect(loudness(audio, 620, lengthMs(audio) - 1_200)).toBeLessThan(-60);
    expect(loudness(audio, 840, lengthMs(audio) - 1_200)).toBeGreaterThan(-26);
    expect(guests).toHaveLength(2);
  });

  it('R22: modes and raised hands', async () => {
    const { page, codes: own } = await conference(1, { quiet: true });
    await page.getByLabel('Who may talk').selectOption('questions');
    await row(page, 2).getByText('muted with all').waitFor();
    // A hand is raised on the phone: *9.
    const asks = on.phones.call(2, { dtmf: `${own.guest}#` });
    await row(page, 3).waitFor();
    asks.press('*9');
    await row(page, 3).getByText('hand raised').waitFor();
    await button(page, /^Give the word to 3,/).click();
    await row(page, 3).getByText('hand raised').waitFor({ state: 'detached' });
    await muted(page, 3).waitFor({ state: 'detached' });
    await page.getByLabel('Who may talk').selectOption('open');
    await muted(page, 2).waitFor({ state: 'detached' });
    // Made host from the page, it has the keys of a host.
    await button(page, /^More for 2,/).click();
    await button(page, 'Make host').click();
    await row(page, 2).getByText('host', { exact: true }).waitFor();
    // The words take their time on the line.
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    asks.hangUp();
    expect(heardPrompt((await asks.over).audio, 'you-may-talk')).toBe(true);
  });

  it('R23: deletes one, who hears why and is hung up', async () => {
    const { page, guests } = await conference(2);
    await button(page, /^Delete 3,/).click();
    await button(page, 'Delete').last().click();
    await gone(page, 3);
    const deleted = await guests[1]?.over;
    if (deleted === undefined) throw new Error('no third');
    expect(deleted.endedBy).toBe('remote');
    expect(heardPrompt(deleted.audio, 'you-have-been-removed')).toBe(true);
    expect(await row(page, 2).count()).toBe(1);
  });

  it('R24, R25: locks; a caller on each VRU hears it and nobody asks a proxy; unlocks', async () => {
    const { page, codes: own } = await conference(1);
    await button(page, 'Lock').click();
    await page.getByText('locked', { exact: true }).waitFor();
    const before = await metric('minusone_proxy_requests_total');
    const callers = [0, 1, 2].map((vru) => on.phones.call(vru, { dtmf: `${own.guest}#` }).over);
    for (const refused of await Promise.all(callers)) {
      expect(refused.endedBy).toBe('remote');
      expect(heardPrompt(refused.audio, 'conference-locked')).toBe(true);
    }
    expect(await metric('minusone_proxy_requests_total')).toBe(before);
    expect(await row(page, 3).count()).toBe(0);
    await button(page, 'Unlock').click();
    await page.getByText('locked', { exact: true }).waitFor({ state: 'detached' });
    on.phones.call(2, { dtmf: `${own.guest}#` });
    await row(page, 3).waitFor();
  });

  it('R27: roster, talk and level live, and the end for everybody', async () => {
    const { page, guests, host } = await conference(2);
    for (const ordinal of [1, 2, 3]) await row(page, ordinal).getByText('talking').waitFor();
    // −20 dBFS of a sine is −23 dBov: 37 of the 50 dB that the bar shows.
    await expect.poll(() => barOf(page, 3)).toBeGreaterThan(0.6);
    expect(await barOf(page, 3)).toBeLessThan(0.85);
    guests[1]?.hangUp();
    await gone(page, 3);
    await button(page, 'End …').click();
    await button(page, 'End for everybody').click();
    await page.getByText('ended', { exact: true }).waitFor();
    for (const call of [host, guests[0]]) expect((await call?.over)?.endedBy).toBe('remote');
  });

  it('R28: the last host leaves; it ends, goes on, or all wait again, as the operator has set', async () => {
    await Promise.all([hostLeavesAndItEnds(), hostLeavesAndItGoesOn(), hostLeavesAndAllWait()]);
  });

  async function hostLeavesAndItEnds(): Promise<void> {
    const { page, host, guests } = await conference(1, {
      account: { hostLeaves: 'end', graceMs: 4_000 },
    });
    host.hangUp();
    await page.getByText('no host, ends in').waitFor();
    await page.getByText('ended', { exact: true }).waitFor();
    expect((await guests[0]?.over)?.endedBy).toBe('remote');
  }

  async function hostLeavesAndItGoesOn(): Promise<void> {
    const { page, host } = await conference(1, { account: { hostLeaves: 'continue' } });
    host.hangUp();
    await gone(page, 1);
    expect(await row(page, 2).count()).toBe(1);
    expect(await page.getByText('no host, ends in').count()).toBe(0);
  }

  async function hostLeavesAndAllWait(): Promise<void> {
    const { page, host, codes } = await conference(1, {
      account: { hostLeaves: 'wait', graceMs: 0, waitingMode: 'hold' },
    });
    host.hangUp();
    await page.getByText('ended', { exact: true }).waitFor();
    // The guest hears music; the host comes back, and both are in a new conference.
    on.phones.call(2, { dtmf: `${codes.host}#` });
    await page.getByText('2 conferees').waitFor();
  }

  /** Length of the bar of a talker, 0 to 1. */
  async function barOf(page: Page, ordinal: number): Promise<number> {
    const bar = row(page, ordinal).locator('.level-bar');
    if ((await bar.count()) === 0) return 0;
    const style = (await bar.getAttribute('style').catch(() => '')) ?? '';
    return Number(/scaleX\(([\d.]+)\)/.exec(style)?.[1] ?? 0);
  }

  /** Sum over all lines of this name. */
  async function metric(name: string): Promise<number> {
    const text = await (await fetch(`${on.server.http}/metrics`)).text();
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }
});
