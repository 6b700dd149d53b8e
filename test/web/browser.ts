/** Debian's Chromium for tests of the page, and whether it is there. */
import { accessSync, constants } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

const EXECUTABLE = '/usr/bin/chromium';

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export const HAS_CHROMIUM = isExecutable(EXECUTABLE);
if (!HAS_CHROMIUM) {
  console.warn('SKIPPED, as chromium is not installed: the page in a real browser');
}

/** A machine that is busy with other tests is slow: only a hang is a failure. */
export const PATIENT = { timeout: 300_000 };

export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: EXECUTABLE,
    args: [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** Signs in with a code or token; the token is in no URL. */
export async function signIn(page: Page, base: string, secret: string): Promise<void> {
  page.setDefaultTimeout(120_000);
  await page.goto(base);
  await page.getByLabel('Host code or admin token').fill(secret);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('live', { exact: true }).waitFor();
}
