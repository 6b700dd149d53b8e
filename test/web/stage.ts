/**
 * The built program, phones and a browser for the tests of one file. What a try leaves behind is gone
 * before the next begins: phones hang up, pages close, conferences end; after a try that failed the
 * program is started anew, so that a retry finds nothing of it.
 */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { type Server, type ServerOptions, startServer, TOKEN } from '../e2e/server.ts';
import { openBrowser, signIn } from './browser.ts';
import { openPhones, type Phones } from './phones.ts';

export interface Stage {
  readonly server: Server;
  readonly phones: Phones;
  /** Errors of scripts and of the console, of every page of this try: there must be none at its end. */
  readonly errors: string[];
  /** A page signed in with a code or token; without one at the sign-in. */
  open(secret?: string, look?: BrowserContextOptions): Promise<Page>;
  api<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** Kills the program as by `kill -9`; `startAgain` brings it back with its ports and data. */
  kill(): Promise<void>;
  startAgain(): Promise<void>;
}

interface Running {
  server: Server;
  phones: Phones;
}

/** What the browser notes of a refusal, which the page says in words, and of a program that was killed. */
const EXPECTED = /status of 4|WebSocket connection|net::ERR_/;

export function stage(options: ServerOptions = {}): Stage {
  let browser: Browser | undefined;
  let running: Running | undefined;
  let killed = false;
  const errors: string[] = [];
  const now = (): Running => {
    if (running === undefined) throw new Error('only in a test');
    return running;
  };

  const api: Stage['api'] = async (method, path, body) => {
    const response = await fetch(`${now().server.http}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as never;
  };

  async function close(): Promise<void> {
    await running?.phones.close();
    await running?.server.close();
    running = undefined;
    killed = false;
  }

  /** Conferences without anybody may have a grace time. */
  async function endConferences(): Promise<void> {
    type Conferences = { readonly items: readonly { readonly id: string }[] };
    const { items } = await api<Conferences>('GET', '/conferences');
    for (const { id } of items) await api('DELETE', `/conferences/${id}`).catch(() => {});
    const left = async (): Promise<number> =>
      (await api<Conferences>('GET', '/conferences')).items.length;
    await expect.poll(left).toBe(0);
  }

  beforeAll(async () => {
    browser = await openBrowser();
  });
  beforeEach(async () => {
    errors.length = 0;
    if (running !== undefined) return;
    const server = await startServer(options);
    running = { server, phones: await openPhones(server) };
  });
  afterEach(async ({ task }) => {
    for (const context of browser?.contexts() ?? []) await context.close();
    if (killed || task.result?.state === 'fail') {
      await close();
    } else {
      await running?.phones.hangUpAll();
      await endConferences();
    }
    expect(errors).toEqual([]);
  });
  afterAll(async () => {
    await close();
    await browser?.close();
  });

  return {
    get server() {
      return now().server;
    },
    get phones() {
      return now().phones;
    },
    errors,
    api,
    async open(secret, look = {}) {
      const page = await browser?.newPage(look);
      if (page === undefined) throw new Error('only in a test');
      page.on('pageerror', (error) => errors.push(error.message));
      page.on('console', (message) => {
        if (message.type() !== 'error') return;
        if (!EXPECTED.test(message.text())) errors.push(message.text());
      });
      if (secret === undefined) await page.goto(now().server.http);
      else await signIn(page, now().server.http, secret);
      return page;
    },
    async kill() {
      killed = true;
      now().server.signal('SIGKILL');
      await now().server.exited;
    },
    async startAgain() {
      now().server = await startServer({ ...options, like: now().server });
      await now().phones.hangUpAll();
    },
  };
}
