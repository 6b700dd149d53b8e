/** What the page does with hostile names, and what it keeps from others. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_TOKEN, startTestApi, type TestApi } from '../../signaling/api/test-api.ts';
import { TOKEN } from '../e2e/server.ts';
import { HAS_CHROMIUM, openBrowser, PATIENT, signIn } from './browser.ts';
import { stage } from './stage.ts';

/** Each would call `window.hacked` if it were anything but text. */
const HOSTILE = [
  '<img src=x onerror=window.hacked=1>',
  '<script>window.hacked=1</script>',
  '"><svg onload=window.hacked=1>',
  'javascript:window.hacked=1',
  '{{constructor.constructor("window.hacked=1")()}}',
  '\u202Eevil\u0000\u0007',
];

/** Any attempt of the page to run what it must not is a console error by its policy. */
async function watched(browser: Browser): Promise<{ page: Page; errors: string[] }> {
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  return { page, errors };
}

const strange =
  "[...document.querySelectorAll('main img, main script, main svg, main iframe, main a[href^=javascript]')].length";

describe.skipIf(!HAS_CHROMIUM)('the page and hostile input', PATIENT, () => {
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

  it('names of callers and accounts are text and nothing else, everywhere', async () => {
    await system.create('cbad', 'hostile');
    for (const [index, name] of HOSTILE.entries()) {
      await system.joinAs('cbad', { callerName: name, callerNumber: HOSTILE[index] ?? '' });
      await system.append('cbad', { kind: 'hand', ordinal: index + 1, raised: true });
    }
    const made = await fetch(`${system.base}/api/v1/accounts`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify({ id: 'hostile', name: HOSTILE[0] }),
    });
    expect(made.status).toBe(201);
    const { page, errors } = await watched(browser);
    await signIn(page, system.base, ADMIN_TOKEN);
    await page.getByRole('button', { name: /^Open / }).click();
    await expect.poll(() => page.locator('ol.roster > li').count()).toBe(HOSTILE.length);
    expect(await page.locator('h1').textContent()).toBe(HOSTILE[0]);
    const names = await page.locator('ol.roster .name').allTextContents();
    for (const [index, name] of HOSTILE.entries()) expect(names[index]).toContain(name.slice(0, 6));
    await page.getByRole('button', { name: /^Delete 1,/ }).click();
    await page.getByRole('dialog').getByRole('heading').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Roll call' }).click();
    await expect.poll(() => page.locator('dialog tbody tr').count()).toBe(HOSTILE.length);
    await page.keyboard.press('Escape');
    await system.append('cbad', { kind: 'muted', ordinal: 2, bit: 'host', muted: true });
    await page.getByText('What happened').click();
    await page.goto(`${system.base}/#conferences/${encodeURIComponent(HOSTILE[0] ?? '')}`);
    await page.getByText('There is no conference').waitFor();
    await page.getByRole('link', { name: 'Accounts' }).click();
    await page.getByRole('cell', { name: HOSTILE[0] ?? '', exact: true }).waitFor();
    expect(await page.evaluate(strange)).toBe(0);
    expect(await page.evaluate('window.hacked')).toBeUndefined();
    expect(errors).toEqual([]);
    await page.close();
  });

  it('the token is in no address, history, cookie or storage that outlives the tab', async () => {
    const { page, errors } = await watched(browser);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    page.on('websocket', (socket) => asked.push(socket.url()));
    await signIn(page, system.base, ADMIN_TOKEN);
    for (const tab of ['Machines', 'Accounts', 'Numbers', 'Alarms', 'Conferences']) {
      await page.getByRole('link', { name: tab, exact: true }).click();
    }
    await page.goBack();
    expect([...asked, page.url()].filter((url) => url.includes(ADMIN_TOKEN))).toEqual([]);
    expect(await page.evaluate('document.cookie + JSON.stringify(localStorage)')).toBe('{}');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Host code or admin token').waitFor();
    expect(await page.evaluate('JSON.stringify(sessionStorage)')).toBe('{}');
    expect(errors).toEqual([]);
    await page.close();
  });

  it('nothing inline runs, nobody frames it, and what an attacker’s form sends is refused', async () => {
    const response = await fetch(system.base);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*|http:/);
    expect(response.headers.get('x-frame-options')).toBe('DENY');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    const html = await response.text();
    expect(html).not.toMatch(/<script(?![^>]*src=)|\son[a-z]+=|\sstyle=|<style/);
    // A bearer token is sent by nobody but the page: there is no cookie that a foreign form could use.
    const forged = await fetch(`${system.base}/api/v1/conferences/cbad`, {
      method: 'DELETE',
      headers: { origin: 'https://evil.example', cookie: `token=${ADMIN_TOKEN}` },
    });
    expect(forged.status).toBe(401);
    const { page, errors } = await watched(browser);
    await page.goto(system.base);
    await page.evaluate(`{
      const made = document.createElement('script');
      made.textContent = 'window.hacked = 1';
      document.body.append(made);
    }`);
    expect(await page.evaluate('window.hacked')).toBeUndefined();
    expect(errors.join()).toContain('Content Security Policy');
    const frame = await browser.newPage();
    await frame.setContent(`<iframe src="${system.base}"></iframe>`);
    await frame.waitForTimeout(500);
    expect(await frame.frames()[1]?.locator('form').count()).toBe(0);
    await frame.close();
    await page.close();
  });
});

describe.skipIf(!HAS_CHROMIUM)('a real call with a hostile name', PATIENT, () => {
  const on = stage();

  it('is shown as it is', async () => {
    const page = await on.open(TOKEN);
    const name = '<img src=x onerror=window.hacked=1>';
    on.phones.call(0, { dtmf: '910001#', from: `"${name}" <sip:+4930@127.0.0.1>` });
    await page.getByRole('button', { name: /^Open / }).click();
    await page.locator('.name', { hasText: name }).waitFor();
    expect(await page.evaluate(strange)).toBe(0);
  });
});
