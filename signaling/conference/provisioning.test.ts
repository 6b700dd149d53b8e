import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalBus } from '../../common/bus/local-bus.ts';
import type { MediaError } from '../../common/errors.ts';
import type { AccountId, NodeId } from '../../common/ids.ts';
import { silentLogger } from '../../common/log.ts';
import { createMetrics, type Metrics } from '../../common/metrics.ts';
import type { Result } from '../../common/result.ts';
import type { Role } from '../../common/role.ts';
import { SimClock } from '../../common/sim-clock.ts';
import { MemoryStore } from '../../common/store/memory-store.ts';
import {
  addAccount,
  addDnis,
  listAccounts,
  listDnis,
  lookUpCode,
  putDnis,
  removeAccount,
  removeDnis,
  replaceAccount,
} from './accounts.ts';
import { DEMO_ACCOUNTS, DEMO_DNIS, seedDemoData } from './demo-data.ts';
import { SUBJECTS } from './messages.ts';
import { startProvisioning } from './provisioning.ts';
import { KEYS } from './records.ts';

const ACME = { id: 'acme', name: 'Acme', hostCodes: ['4711'], participantCodes: ['4722', '4733'] };
const acmeId = 'acme' as AccountId;

function value<T>(result: Result<T, MediaError>): T {
  if (!result.ok) throw result.error;
  return result.value;
}

function problem(result: Result<unknown, MediaError>): string {
  return result.ok ? 'ok' : `${result.error.code} ${result.error.message}`;
}

describe('accounts', () => {
  const store = new MemoryStore(new SimClock());

  it('says what was expected when an account is not one', async () => {
    const bad = [
      [{}, 'hostCodes'],
      [{ ...ACME, hostCodes: [] }, 'hostCodes'],
      [{ ...ACME, hostCodes: ['12a'] }, 'hostCodes.0'],
      [{ ...ACME, waitingMode: 'queue' }, 'waitingMode'],
      [{ ...ACME, id: 'a/b' }, 'id: expected 1 to 64'],
      [{ ...ACME, graceMs: -1 }, 'graceMs'],
    ] as const;
    for (const [account, place] of bad) {
      const text = problem(await addAccount(store, account));
      expect(text).toContain('bad-request');
      expect(text).toContain(place);
    }
  });

  it('allocates codes prefix-free, inside an account and among them', async () => {
    value(await addAccount(store, ACME));
    const add = async (id: string, hostCode: string, participantCode: string) =>
      problem(
        await addAccount(store, {
          ...ACME,
          id,
          hostCodes: [hostCode],
          participantCodes: [participantCode],
        }),
      );
    expect(await add('acme', '1', '2')).toContain('conflict account-exists');
    expect(await add('b', '4711', '99')).toContain('conflict code-taken');
    expect(await add('b', '47', '99')).toContain('conflict code-is-prefix: 47 is the beginning');
    expect(await add('b', '47110', '99')).toContain('conflict code-is-prefix: 4711 is the');
    expect(await add('b', '55', '551')).toContain('conflict code-is-prefix: 55 is the');
    expect(await add('b', '55', '55')).toContain('conflict code-taken');
    expect(value(await listAccounts(store)).map(({ id }) => id)).toEqual(['acme']);
    // Nothing of the refused ones is left.
    expect(value(await store.list('code/')).map(({ key }) => key)).toEqual([
      'code/4711',
      'code/4722',
      'code/4733',
    ]);
  });

  it('replaces an account: new codes count, old ones no more', async () => {
    value(await replaceAccount(store, { ...ACME, hostCodes: ['4722'], participantCodes: ['488'] }));
    expect(value(await lookUpCode(store, '4711'))).toBeUndefined();
    expect(value(await lookUpCode(store, '4722'))?.role).toBe('host');
    expect(value(await lookUpCode(store, '488'))?.role).toBe('participant');
    expect(problem(await replaceAccount(store, { ...ACME, id: 'other' }))).toContain('no account');
  });

  it('removes an account with its codes, and takes over codes that a crash left behind', async () => {
    value(await removeAccount(store, acmeId));
    value(await removeAccount(store, acmeId));
    expect(value(await store.list('code/'))).toEqual([]);
    value(await store.put(KEYS.code('4711'), { version: 1, accountId: 'ghost', role: 'host' }));
    expect(value(await lookUpCode(store, '4711'))).toBeUndefined();
    value(await addAccount(store, ACME));
    expect(value(await lookUpCode(store, '4711'))?.account.id).toBe('acme');
  });

  it('lets one of two racing accounts have a code', async () => {
    const both = await Promise.all(
      ['x', 'y'].map((id) =>
        addAccount(store, { ...ACME, id, hostCodes: ['600'], participantCodes: [] }),
      ),
    );
    expect(both.filter((result) => result.ok).length).toBe(1);
    expect(value(await lookUpCode(store, '600'))?.role).toBe('host');
  });
});

describe('role provisioning', () => {
  let store: MemoryStore;
  let bus: LocalBus;
  let role: Role;
  let clock: SimClock;
  let metrics: Metrics;

  beforeEach(async () => {
    clock = new SimClock();
    metrics = createMetrics();
    store = new MemoryStore(clock);
    bus = new LocalBus({ clock, log: silentLogger, metrics });
    role = await startProvisioning({
      id: 'provisioning-1' as NodeId,
      bus,
      store,
      clock,
      log: silentLogger,
      metrics,
    });
  });
  afterEach(() => role.stop());

  const ask = async (body: unknown): Promise<unknown> =>
    value(await bus.request(SUBJECTS.provisioning, body, { deadlineMs: 1_000 }));
  const check = (code: string, partial?: boolean) =>
    ask({ kind: 'check-code', code, ...(partial === undefined ? {} : { partial }) });

  it('says whether a code is valid, digit by digit and as a whole (R2, R44)', async () => {
    value(await addAccount(store, ACME));
    const host = { accountId: 'acme', role: 'host', language: 'en' };
    expect(await check('4', true)).toEqual({ kind: 'prefix' });
    expect(await check('471', true)).toEqual({ kind: 'prefix' });
    expect(await check('471')).toEqual({ kind: 'invalid' });
    expect(await check('4711', true)).toEqual({ kind: 'valid', ...host });
    expect(await check('4711')).toEqual({ kind: 'valid', ...host });
    expect(await check('4733')).toMatchObject({ kind: 'valid', role: 'participant' });
    expect(await check('9', true)).toEqual({ kind: 'invalid' });
    expect(await check('47110', true)).toEqual({ kind: 'invalid' });
  });

  it('tells a source that guesses only of wrong codes, and ever later; others as before', async () => {
    value(await addAccount(store, ACME));
    const from = (caller: string, code: string, partial = false) =>
      ask({ kind: 'check-code', code, partial, source: { caller, trunk: '192.0.2.1' } });
    // Somebody who mistypes twice is served as ever (R2).
    expect(await from('alice', '9')).toEqual({ kind: 'invalid' });
    expect(await from('alice', '9')).toEqual({ kind: 'invalid' });
    expect(await from('alice', '4711', true)).toMatchObject({ kind: 'valid' });
    expect(await from('alice', '4711')).toEqual({
      kind: 'valid',
      accountId: 'acme',
      role: 'host',
      language: 'en',
    });
    const answers: unknown[] = [];
    for (let tries = 0; tries < 9; tries++) answers.push(await from('mallory', '9'));
    expect(answers.slice(2, 5)).toEqual([
      { kind: 'invalid' },
      { kind: 'invalid', delayMs: 500 },
      { kind: 'invalid', delayMs: 1_000 },
    ]);
    // Locked: the right code is a wrong one, whole or in parts, which ends no entry by itself.
    expect(await from('mallory', '4711')).toEqual({ kind: 'invalid', delayMs: 8_000 });
    expect(await from('mallory', '4711', true)).toEqual({ kind: 'invalid' });
    expect(await from('alice', '4711')).toMatchObject({ kind: 'valid' });
    const text = await metrics.text();
    expect(text).toContain('minusone_provisioning_fraud_alarms_total{kind="source-locked"} 1');
    expect(text).toContain('minusone_provisioning_checks_total{outcome="source-locked"} 2');
    await clock.advance(3_700_000);
    expect(await from('mallory', '4711')).toMatchObject({ kind: 'valid' });
  });

  it('sees every change at once (R44)', async () => {
    expect(await check('4711')).toEqual({ kind: 'invalid' });
    value(await addAccount(store, ACME));
    expect(await check('4711')).toMatchObject({ kind: 'valid' });
    value(await replaceAccount(store, { ...ACME, hostCodes: ['4744'] }));
    expect(await check('4711')).toEqual({ kind: 'invalid' });
    expect(await check('4744', true)).toMatchObject({ kind: 'valid', role: 'host' });
    value(await removeAccount(store, acmeId));
    expect(await check('4744')).toEqual({ kind: 'invalid' });
    expect(await check('4', true)).toEqual({ kind: 'invalid' });
  });

  it('waits for more where two databases were merged and one code begins another', async () => {
    value(await addAccount(store, ACME));
    // Past the front door, as an import might.
    const long = { ...ACME, id: 'long', hostCodes: ['47119'], participantCodes: [] };
    value(await store.put(KEYS.account('long' as AccountId), long));
    value(await store.put(KEYS.code('47119'), { version: 1, accountId: 'long', role: 'host' }));
    expect(await check('4711', true)).toMatchObject({ kind: 'valid-prefix', accountId: 'acme' });
    expect(await check('4711')).toMatchObject({ kind: 'valid', accountId: 'acme' });
    expect(await check('47119', true)).toMatchObject({ kind: 'valid', accountId: 'long' });
  });

  it('finds the application of a number: exact, longest prefix, default (R40)', async () => {
    for (const [dnis, application] of [
      ['1000', 'conference'],
      ['+4930*', 'echo'],
      ['+49301*', 'menu'],
      ['*', 'announcement'],
    ]) {
      value(await addDnis(store, { dnis, application }));
    }
    const found = (dnis: string) => ask({ kind: 'find-application', dnis });
    expect(await found('1000')).toMatchObject({ application: 'conference', language: 'en' });
    expect(await found('+1000')).toMatchObject({ application: 'conference' });
    expect(await found('+4930222')).toMatchObject({ application: 'echo' });
    expect(await found('493011')).toMatchObject({ application: 'menu' });
    expect(await found('anything')).toMatchObject({ application: 'announcement' });
    expect(problem(await addDnis(store, { dnis: '1000', application: 'echo' }))).toContain(
      'conflict dnis-exists',
    );
    value(await putDnis(store, { dnis: '1000', application: 'echo' }));
    expect(await found('1000')).toMatchObject({ application: 'echo' });
    for (const row of value(await listDnis(store))) value(await removeDnis(store, row.dnis));
    expect(await found('1000')).toBeNull();
    expect(problem(await addDnis(store, { dnis: '1 0', application: 'echo' }))).toContain('dnis');
    expect(problem(await addDnis(store, { dnis: '1', application: 'tea' }))).toContain(
      'application',
    );
  });

  it('answers what is no request with bad-request', async () => {
    const answer = await bus.request(SUBJECTS.provisioning, { kind: '?' }, { deadlineMs: 1_000 });
    expect(problem(answer)).toContain('bad-request');
  });

  it('is seeded with the demo data once', async () => {
    value(await seedDemoData(store));
    for (const account of DEMO_ACCOUNTS) {
      expect(await check(account.hostCodes[0] ?? '')).toMatchObject({ role: 'host' });
      expect(await check(account.participantCodes[0] ?? '')).toMatchObject({ role: 'participant' });
    }
    expect(value(await listDnis(store)).length).toBe(DEMO_DNIS.length);
    value(await removeDnis(store, '2000'));
    value(await seedDemoData(store));
    expect(await ask({ kind: 'find-application', dnis: '2000' })).toBeNull();
  });

  it('answers no more after it was stopped', async () => {
    await role.stop();
    await role.stop();
    const answer = await bus.request(SUBJECTS.provisioning, {}, { deadlineMs: 1_000 });
    expect(problem(answer)).toContain('no-server');
  });
});
