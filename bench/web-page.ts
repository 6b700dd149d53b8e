/**
 * What the web page of one big conference costs, in Debian's Chromium without a screen: processor time by
 * Chromium's own count (of all its processes, and of the page's main thread by kind of work), of the
 * server, and how long an event takes to its row. Some talk all the while, so that bars move five times a
 * second, and something happens in the conference at an even pace.
 *
 *   this process: API over a store in memory ── event stream ─▶ chromium: the page, 1280 × 800
 */
import { type Browser, type CDPSession, chromium, type Page } from 'playwright-core';
import { z } from 'zod';
import { ADMIN_TOKEN, startTestApi, type TestApi } from '../signaling/api/test-api.ts';
import { machineBusy } from './process-cpu.ts';

const CONFERENCE = 'cbench';
const EXECUTABLE = '/usr/bin/chromium';
const WARM_UP_MS = 3_000;
/** The mixer is asked for levels that often (signaling/api/talk-levels.ts). */
const LEVELS_EACH_MS = 200;
const PATIENCE_MS = 120_000;

export interface WebPageOptions {
  readonly size: number;
  readonly talkers: number;
  /** Events a second. */
  readonly events: number;
  readonly seconds: number;
  /** Writes a profile of the page's scripts, for the tools of Chromium. */
  readonly profile?: string;
  readonly json: boolean;
}

/** Percent of one core. */
export interface PageCost {
  readonly chromium: Readonly<Record<string, number>>;
  /** The page's main thread, and what of it was scripts, layout and style. */
  readonly mainThread: number;
  readonly script: number;
  readonly layout: number;
  readonly style: number;
  /** The API, and what makes the events. */
  readonly server: number;
  /** All processors together, others' work included. */
  readonly machine: number;
}

export interface WebPageBench {
  readonly options: WebPageOptions;
  /** Chromium with an empty page. */
  readonly empty: PageCost;
  /** The page of the conference while nothing happens in it. */
  readonly still: PageCost;
  readonly busy: PageCost;
  readonly events: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly profile?: unknown;
}

/** Notes when the mute mark of a row comes or goes; the answer to each event is the next such moment of its row. */
const WATCH = `
  window.seen = [];
  new MutationObserver((records) => {
    const nowMs = performance.timeOrigin + performance.now();
    const rows = new Set(records.map(({ target }) => (target.nodeType === 1 ? target : target.parentElement)?.closest('li.row')));
    for (const row of rows) {
      if (row) window.seen.push([Number(row.dataset.ordinal), row.querySelector('.badge.muted') !== null, nowMs]);
    }
  }).observe(document.querySelector('ol.roster'), { childList: true, subtree: true });
`;

export async function benchWebPage(options: WebPageOptions): Promise<WebPageBench> {
  const system = await startTestApi();
  const browser = await chromium.launch({
    executablePath: EXECUTABLE,
    args: ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run'],
  });
  try {
    await system.create(CONFERENCE, 'demo-start');
    for (let count = 0; count < options.size; count++) {
      await system.join(CONFERENCE, count === 0 ? 'host' : 'participant');
    }
    return await measureAll(system, browser, options);
  } finally {
    await browser.close();
    await system.stop();
  }
}

async function measureAll(
  system: TestApi,
  browser: Browser,
  options: WebPageOptions,
): Promise<WebPageBench> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(PATIENCE_MS);
  const own = await page.context().newCDPSession(page);
  await own.send('Performance.enable');
  const whole = await browser.newBrowserCDPSession();
  const measure = (work: (ms: number) => Promise<void>) =>
    costOf(own, whole, options.seconds * 1_000, work);

  const empty = await measure(sleep);
  await openConference(page, system, options.size);
  const still = await measure(sleep);

  const talkers = Array.from({ length: options.talkers }, (_, index) => 3 + index * 7);
  // What the mixer answers is the truth about who talks, so it must know first.
  system.loudness(
    CONFERENCE,
    talkers.map((ordinal) => [ordinal, -15] as const),
  );
  for (const ordinal of talkers) system.talking(CONFERENCE, ordinal, true);
  await page.evaluate(WATCH);
  const sent: Sent[] = [];
  const life = liveConference(system, talkers, options, sent);
  if (options.profile !== undefined) {
    await own.send('Profiler.enable');
    await own.send('Profiler.start');
  }
  const busy = await measure(life);
  const profile =
    options.profile === undefined ? undefined : (await own.send('Profiler.stop')).profile;
  await sleep(1_000);
  const tookMs = latencies(sent, seen.parse(await page.evaluate('window.seen')));
  const at = (share: number): number => tookMs[Math.floor(share * (tookMs.length - 1))] ?? 0;
  return {
    ...{ options, empty, still, busy, events: sent.length },
    ...{ p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) },
    ...(profile === undefined ? {} : { profile }),
  };
}

async function openConference(page: Page, { base }: TestApi, size: number): Promise<void> {
  await page.goto(base);
  await page.getByLabel('Host code or admin token').fill(ADMIN_TOKEN);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: /^Open / }).click();
  await page.locator(`li[data-ordinal="${size}"]`).waitFor();
}

// ── what happens in the conference ───────────────────────────────────────────────────────────

interface Sent {
  readonly ordinal: number;
  readonly muted: boolean;
  readonly atMs: number;
}

/** Loudness that moves, and the next of the others muted or opened at each event. */
function liveConference(
  system: TestApi,
  talkers: readonly number[],
  { size, events }: WebPageOptions,
  sent: Sent[],
): (ms: number) => Promise<void> {
  const others = Array.from({ length: size - 1 }, (_, index) => index + 2).filter(
    (ordinal) => !talkers.includes(ordinal),
  );
  let step = 0;
  return async (ms) => {
    const startMs = performance.now();
    const beforeEvents = sent.length;
    for (let atMs = startMs; atMs - startMs < ms; atMs = performance.now()) {
      step += 1;
      system.loudness(
        CONFERENCE,
        talkers.map((ordinal) => [ordinal, -15 - ((step * 7 + ordinal) % 30)] as const),
      );
      while (sent.length - beforeEvents < ((atMs - startMs) / 1_000) * events) {
        const ordinal = others[sent.length % others.length] ?? 2;
        const muted = Math.floor(sent.length / others.length) % 2 === 0;
        sent.push({ ordinal, muted, atMs: performance.timeOrigin + performance.now() });
        await system.append(CONFERENCE, { kind: 'muted', ordinal, bit: 'host', muted });
      }
      await sleep(Math.min(LEVELS_EACH_MS, 1_000 / Math.max(1, events)));
    }
  };
}

const seen = z.array(z.tuple([z.number(), z.boolean(), z.number()]));

/** Of each event, sorted. One that never came to the screen took for ever. */
function latencies(sent: readonly Sent[], shown: z.infer<typeof seen>): readonly number[] {
  return sent
    .map(({ ordinal, muted, atMs }) => {
      const row = shown.find(
        ([one, isMuted, seenMs]) => one === ordinal && isMuted === muted && seenMs >= atMs,
      );
      return (row?.[2] ?? Number.POSITIVE_INFINITY) - atMs;
    })
    .toSorted((a, b) => a - b);
}

// ── what that costs ──────────────────────────────────────────────────────────────────────────

interface Reading {
  readonly atMs: number;
  readonly processes: ReadonlyMap<number, { readonly type: string; readonly seconds: number }>;
  readonly metrics: ReadonlyMap<string, number>;
  readonly own: NodeJS.CpuUsage;
  readonly machine: ReturnType<typeof machineBusy>;
}

async function read(own: CDPSession, whole: CDPSession): Promise<Reading> {
  const { processInfo } = await whole.send('SystemInfo.getProcessInfo');
  const { metrics } = await own.send('Performance.getMetrics');
  return {
    atMs: performance.now(),
    processes: new Map(
      processInfo.map(({ id, type, cpuTime }) => [id, { type, seconds: cpuTime }]),
    ),
    metrics: new Map(metrics.map(({ name, value }) => [name, value])),
    own: process.cpuUsage(),
    machine: machineBusy(),
  };
}

async function costOf(
  own: CDPSession,
  whole: CDPSession,
  ms: number,
  work: (ms: number) => Promise<void>,
): Promise<PageCost> {
  // What is drawn and compiled once is over then.
  await work(WARM_UP_MS);
  const before = await read(own, whole);
  await work(ms);
  const after = await read(own, whole);
  const wallS = (after.atMs - before.atMs) / 1_000;
  const percent = (seconds: number): number => (seconds / wallS) * 100;
  const metric = (name: string): number =>
    percent((after.metrics.get(name) ?? 0) - (before.metrics.get(name) ?? 0));
  const byType: Record<string, number> = {};
  for (const [id, { type, seconds }] of after.processes) {
    const spent = percent(seconds - (before.processes.get(id)?.seconds ?? 0));
    byType[type] = (byType[type] ?? 0) + spent;
  }
  const { user, system } = after.own;
  return {
    chromium: byType,
    mainThread: metric('TaskDuration'),
    script: metric('ScriptDuration'),
    layout: metric('LayoutDuration'),
    style: metric('RecalcStyleDuration'),
    server: percent((user + system - before.own.user - before.own.system) / 1e6),
    machine:
      (100 * (after.machine.busy - before.machine.busy)) /
      Math.max(1, after.machine.total - before.machine.total),
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

// ── the report ───────────────────────────────────────────────────────────────────────────────

export function webPageText(bench: WebPageBench): string {
  const { size, talkers, events, seconds } = bench.options;
  const percent = (value: number): string => `${value.toFixed(1)} %`;
  const line = (name: string, cost: PageCost): string => {
    const sum = Object.values(cost.chromium).reduce((left, right) => left + right, 0);
    const parts = Object.entries(cost.chromium)
      .filter(([, value]) => value >= 0.05)
      .map(([type, value]) => `${type} ${percent(value)}`);
    return [
      `${name}: Chromium ${percent(sum)} (${parts.join(', ')})`,
      `  main thread ${percent(cost.mainThread)} (scripts ${percent(cost.script)}, layout ${percent(cost.layout)}, style ${percent(cost.style)})`,
      `  server and events ${percent(cost.server)}; the whole machine was busy to ${percent(cost.machine)}`,
    ].join('\n');
  };
  return [
    `page of ${size} conferees over ${seconds} s each, of one core:`,
    line('empty page', bench.empty),
    line('nothing happens', bench.still),
    line(`${talkers} talk, ${events} events a second`, bench.busy),
    `event to its row: median ${bench.p50Ms.toFixed(0)} ms, 99 % ${bench.p99Ms.toFixed(0)} ms, worst ${bench.maxMs.toFixed(0)} ms of ${bench.events}`,
  ].join('\n');
}
