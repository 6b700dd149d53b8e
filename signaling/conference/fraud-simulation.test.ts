/**
 * Somebody who guesses codes against the real check: provisioning on a real store, asked as a VRU asks,
 * in virtual time. He has numbers, addresses, a code of his own and patience.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalBus } from '../../common/bus/local-bus.ts';
import { type NodeId, type Random, seededRandom } from '../../common/ids.ts';
import { silentLogger } from '../../common/log.ts';
import { createMetrics } from '../../common/metrics.ts';
import type { Role } from '../../common/role.ts';
import { SimClock } from '../../common/sim-clock.ts';
import { type LmdbStore, openLmdbStore } from '../../common/store/lmdb-store.ts';
import { seedDemoData } from './demo-data.ts';
import type { CodeSource } from './fraud-shield.ts';
import { type CodeCheck, codeCheck, SUBJECTS } from './messages.ts';
import { startProvisioning } from './provisioning.ts';

const SEED = Number(process.env['MINUSONE_TEST_SEED'] ?? 1);
const TRIES = 100_000;
const TRIES_A_CALL = 3;
/** As long as a short code takes to be typed. */
const TRY_MS = 1_000;
const ATTACKED = '192.0.2.1';
const OTHER = '192.0.2.2';

const folder = { path: '' };
let clock: SimClock;
let store: LmdbStore;
let bus: LocalBus;
let provisioning: Role;
let calls = 0;

beforeEach(async () => {
  folder.path = mkdtempSync(join(tmpdir(), 'minusone-guess-'));
  clock = new SimClock();
  const shared = { clock, log: silentLogger, metrics: createMetrics() };
  const opened = await openLmdbStore({ ...shared, path: folder.path });
  if (!opened.ok) throw opened.error;
  store = opened.value;
  const seeded = await seedDemoData(store);
  if (!seeded.ok) throw seeded.error;
  bus = new LocalBus(shared);
  provisioning = await startProvisioning({ ...shared, id: 'p' as NodeId, bus, store });
});
afterEach(async () => {
  await provisioning.stop();
  await bus.close();
  await store.close();
  rmSync(folder.path, { recursive: true, force: true });
});

async function check(code: string, partial: boolean, source: CodeSource): Promise<CodeCheck> {
  const body = { kind: 'check-code', code, partial, source: { ...source } };
  const answer = await bus.request(SUBJECTS.provisioning, body, { deadlineMs: 10_000 });
  if (!answer.ok) throw answer.error;
  return codeCheck.parse(answer.value);
}

interface Told {
  readonly in: boolean;
  readonly delayMs: number;
}

/** One entry as vru/steps/passcode.ts makes it: the last digit may end it, then the whole code counts. */
async function enter(source: CodeSource, code: string): Promise<Told> {
  const early = await check(code, true, source);
  const whole = await check(code, false, source);
  const valid = whole.kind === 'valid';
  // What the caller notices of the first must not say more than the second.
  if (early.kind === 'valid' && !valid) throw new Error('the entry ended early at a held code');
  return { in: valid, delayMs: whole.kind === 'prefix' ? 0 : (whole.delayMs ?? 0) };
}

const newCall = (caller: string, trunk: string): CodeSource => ({
  caller,
  trunk,
  call: `c${++calls}`,
});

/** How the source of the next call is chosen. */
const ATTACKERS: Readonly<Record<string, (random: Random) => CodeSource>> = {
  'one number': () => newCall('+16660000', ATTACKED),
  'a new number each call': (random) => newCall(`+1666${random.below(1e9)}`, ATTACKED),
  'no number': () => newCall(`call ${calls}`, ATTACKED),
  'a thousand addresses': (random) =>
    newCall(`+1666${random.below(1e9)}`, `198.51.${random.below(100)}.${random.below(10)}`),
};

describe('a simulated attacker', () => {
  it.each(Object.keys(ATTACKERS))(
    'with %s finds no code in 100,000 tries and locks out nobody else',
    { timeout: 120_000 },
    async (name) => {
      const random = seededRandom(SEED);
      const regular = '+15550100';
      for (const trunk of [ATTACKED, OTHER]) {
        expect((await enter(newCall(regular, trunk), '110001')).in).toBe(true);
      }
      await clock.advance(60_000);
      const found: string[] = [];
      let longestMs = 0;
      for (let tries = 0; tries < TRIES; ) {
        const source = ATTACKERS[name]?.(random) ?? newCall('', ATTACKED);
        for (let inCall = 0; inCall < TRIES_A_CALL; inCall++, tries++) {
          const code = String(100_000 + random.below(900_000));
          const told = await enter(source, code);
          if (told.in) found.push(code);
          longestMs = Math.max(longestMs, told.delayMs);
        }
        await clock.advance(TRIES_A_CALL * TRY_MS);
        if (tries % 999 === 0) await othersGetIn(tries);
      }
      expect(found).toEqual([]);
      expect(longestMs).toBeGreaterThanOrEqual(2_000);
    },
  );

  async function othersGetIn(round: number): Promise<void> {
    // Who was here before, on the trunk under attack and on another: at once.
    for (const trunk of [ATTACKED, OTHER]) {
      expect(await enter(newCall('+15550100', trunk), '110001')).toEqual({ in: true, delayMs: 0 });
    }
    // Who comes for the first time, at a gateway that is known: at once too.
    expect((await enter(newCall(`+1777${round}`, OTHER), '110002')).in).toBe(true);
    // On the attacked trunk and at a new address, the second time at the latest.
    for (const trunk of [ATTACKED, `203.0.113.${round % 250}`]) {
      const source = newCall(`+1888${round}`, trunk);
      const first = await enter(source, '110003');
      expect(first.in || (await enter(source, '110003')).in).toBe(true);
    }
  }

  it('learns nothing from the time that the answer takes: unknown, nearly right and held codes', async () => {
    const kinds = {
      unknown: '555555',
      nearlyRight: '110009',
      again: '555555',
      held: '110001',
    };
    // A budget that is used up, so that the right code is held.
    for (let index = 0; index < 100; index++) await enter(newCall(`n${index}`, ATTACKED), '000000');
    const times = new Map<string, number[]>(Object.keys(kinds).map((kind) => [kind, []]));
    const rounds = 1_500;
    for (let round = 0; round < rounds; round++) {
      for (const [kind, code] of Object.entries(kinds)) {
        const source = newCall(`t${round}${kind}`, ATTACKED);
        const begun = process.hrtime.bigint();
        const { in: isIn, delayMs } = await enter(source, code);
        times.get(kind)?.push(Number(process.hrtime.bigint() - begun) / 1_000);
        expect({ isIn, delayMs }).toEqual({ isIn: false, delayMs: 2_000 });
      }
    }
    const median = (kind: string): number =>
      times.get(kind)?.toSorted((a, b) => a - b)[rounds / 2] ?? Number.NaN;
    // Two runs of the same kind differ too. Over a network and a digit's length, a tenth of that is nothing.
    const noiseUs = Math.max(Math.abs(median('unknown') - median('again')), 0.1 * median('again'));
    process.stderr.write(
      `time to answer, median: ${Object.keys(kinds)
        .map((kind) => `${kind} ${median(kind).toFixed(1)} µs`)
        .join(', ')}\n`,
    );
    for (const kind of ['nearlyRight', 'held']) {
      expect(Math.abs(median(kind) - median('unknown'))).toBeLessThan(3 * noiseUs);
    }
  });
});
