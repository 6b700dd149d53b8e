import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../common/ids.ts';
import { SimClock } from '../../common/sim-clock.ts';
import {
  type CodeSource,
  DEFAULT_FRAUD_LIMITS,
  type FraudAlarm,
  FraudShield,
} from './fraud-shield.ts';

const VALID = new Set(['910001', '910002', '910003', '110001', '110002', '110003']);
const TRUNK = '192.0.2.1';

/** One try as the VRU makes it; tells whether the caller got in. */
function tryCode(shield: FraudShield, source: CodeSource, code: string): 'in' | 'wrong' | 'held' {
  const { held } = shield.admit(source, code);
  const hit = held === false && VALID.has(code);
  shield.record(source, hit ? 'hit' : 'miss', code.slice(-1));
  return hit ? 'in' : held === false ? 'wrong' : 'held';
}

function setUp(limits = {}) {
  const clock = new SimClock();
  const alarms: FraudAlarm[] = [];
  const shield = new FraudShield({ clock, limits, onAlarm: (alarm) => alarms.push(alarm) });
  /** So many strangers miss once each. */
  const attack = (count: number, trunk = TRUNK, code = '000000'): number => {
    let looked = 0;
    for (let index = 0; index < count; index++) {
      if (tryCode(shield, { caller: `+1666${index}`, trunk }, code) === 'wrong') looked += 1;
    }
    return looked;
  };
  return { clock, alarms, shield, attack };
}

describe('fraud shield', () => {
  it('lets a person mistype, and forgets it with the right code', () => {
    const { shield } = setUp();
    const person = { caller: '+15550100', trunk: TRUNK };
    expect(tryCode(shield, person, '000000')).toBe('wrong');
    expect(tryCode(shield, person, '000001')).toBe('wrong');
    expect(shield.admit(person).delayMs).toBe(0);
    expect(tryCode(shield, person, '110001')).toBe('in');
    expect(shield.admit(person)).toEqual({ held: false, delayMs: 0 });
  });

  it('answers slower with every miss, locks the source out, and frees it again', async () => {
    const { clock, alarms, shield } = setUp();
    const guesser = { caller: '+15550199', trunk: TRUNK };
    const delays: number[] = [];
    for (let miss = 0; miss < DEFAULT_FRAUD_LIMITS.missesToLock; miss++) {
      delays.push(shield.admit(guesser).delayMs);
      expect(tryCode(shield, guesser, '000000')).toBe('wrong');
    }
    expect(delays).toEqual(delays.toSorted((a, b) => a - b));
    expect(delays.at(-1)).toBe(DEFAULT_FRAUD_LIMITS.longestDelayMs);
    expect(alarms.map((alarm) => alarm.kind)).toEqual(['source-locked']);
    // Entered twice too, and as late as the last one before.
    for (let time = 0; time < 2; time++) {
      expect(shield.admit(guesser)).toEqual({ held: 'source-locked', delayMs: 8_000 });
      expect(tryCode(shield, guesser, '110001')).toBe('held');
    }
    await clock.advance(DEFAULT_FRAUD_LIMITS.firstLockMs + DEFAULT_FRAUD_LIMITS.memoryMs);
    expect(tryCode(shield, guesser, '110001')).toBe('in');
  });

  it('looks at few codes of strangers, whatever numbers they claim, and bothers nobody who was there before', async () => {
    const { clock, alarms, shield, attack } = setUp();
    const known = { caller: '+15550100', trunk: TRUNK };
    expect(tryCode(shield, known, '110001')).toBe('in');
    await clock.advance(1);
    const { misses } = DEFAULT_FRAUD_LIMITS.trunk;
    expect(attack(10_000)).toBe(misses);
    expect(alarms).toEqual([{ kind: 'trunk-attacked', trunk: TRUNK }]);
    expect(shield.admit(known)).toEqual({ held: false, delayMs: 0 });
    expect(tryCode(shield, known, '110001')).toBe('in');
    // Elsewhere nothing has changed.
    expect(tryCode(shield, { caller: '+1777', trunk: '192.0.2.2' }, '110002')).toBe('in');
    await clock.advance(600_000);
    // Ten more in ten minutes, but for what the two right codes gave back.
    expect(attack(10_000, TRUNK, '000001')).toBeLessThanOrEqual(12);
  });

  it('lets a stranger in on a trunk under attack who enters the same code twice', () => {
    const { shield, attack } = setUp();
    attack(1_000);
    const stranger = { caller: '+15550111', trunk: TRUNK, call: '1' };
    expect(shield.admit(stranger)).toEqual({ held: 'budget-empty', delayMs: 2_000 });
    expect(tryCode(shield, stranger, '110001')).toBe('held');
    expect(tryCode(shield, stranger, '110001')).toBe('in');
    // Who guesses gains little by entering everything twice.
    let looked = 0;
    for (let index = 0; index < 10_000; index++) {
      const guesser = { caller: `+1888${index}`, trunk: TRUNK };
      const codes = ['123456', '123456', '654321'] as const;
      looked += codes.filter((code) => tryCode(shield, guesser, code) === 'wrong').length;
    }
    // One comes from the bonus of the right code.
    expect(looked).toBeLessThanOrEqual(DEFAULT_FRAUD_LIMITS.confirmed.misses + 1);
  });

  it('counts what is under way, so that many calls at a time see no more than one after another', () => {
    const { shield } = setUp();
    const calls = Array.from({ length: 1_000 }, (_, index) => String(index));
    const strangers = calls.map((call) => ({ caller: `+1666${call}`, trunk: TRUNK, call }));
    expect(strangers.filter((source) => shield.admit(source).held === false)).toHaveLength(60);
    const same = calls.map((call) => ({ caller: '+15550100', trunk: '192.0.2.2', call }));
    expect(same.filter((source) => shield.admit(source).held === false)).toHaveLength(9);
  });

  it('bounds the misses of a day, however often the source is right in between', async () => {
    const { clock, shield, alarms } = setUp();
    const insider = { caller: '+15550100', trunk: TRUNK };
    let wrong = 0;
    for (let call = 0; call < 1_000; call++) {
      for (const code of ['000000', '000001', '110001']) {
        if (tryCode(shield, insider, code) === 'wrong') wrong += 1;
      }
      await clock.advance(20_000);
    }
    expect(wrong).toBe(DEFAULT_FRAUD_LIMITS.missesADay);
    expect(alarms.some(({ kind }) => kind === 'source-locked')).toBe(true);
  });

  it('gains an insider little who is right with each new number before he guesses', () => {
    const { shield } = setUp();
    let looked = 0;
    for (let index = 0; index < 5_000; index++) {
      const source = { caller: `+1666${index}`, trunk: TRUNK };
      tryCode(shield, source, '110001');
      for (const code of ['000000', '000001', '000002']) {
        if (tryCode(shield, source, code) === 'wrong') looked += 1;
      }
    }
    const { trunk, bonusAnHour } = DEFAULT_FRAUD_LIMITS;
    expect(looked).toBeLessThan(trunk.misses + bonusAnHour + 10);
  });

  it('shares one budget among all addresses that nobody was right from', async () => {
    const { clock, shield, alarms } = setUp();
    const gateway = { caller: '+15550100', trunk: TRUNK };
    expect(tryCode(shield, gateway, '110001')).toBe('in');
    await clock.advance(1);
    let looked = 0;
    for (let index = 0; index < 20_000; index++) {
      const source = { caller: '+1666', trunk: `2001:db8:0:${index.toString(16)}::/64` };
      if (tryCode(shield, source, '000000') === 'wrong') looked += 1;
    }
    expect(looked).toBe(DEFAULT_FRAUD_LIMITS.strangers.misses);
    expect(alarms.at(-1)).toEqual({ kind: 'trunk-attacked', trunk: '*' });
    // A new caller at a gateway that is known notices nothing, one at a new address enters his code twice.
    expect(tryCode(shield, { caller: '+15550101', trunk: TRUNK }, '110002')).toBe('in');
    const elsewhere = { caller: '+15550102', trunk: '192.0.2.3' };
    expect(tryCode(shield, elsewhere, '110003')).toBe('held');
    expect(tryCode(shield, elsewhere, '110003')).toBe('in');
  });

  it('stays within its memory when every call has another number, and keeps the locked ones', () => {
    const { shield, attack } = setUp({ maxSources: 1000 });
    const locked = { caller: 'persistent', trunk: 't' };
    for (let miss = 0; miss < DEFAULT_FRAUD_LIMITS.missesToLock; miss++)
      tryCode(shield, locked, '000000');
    attack(20_000, 't');
    expect(shield.sourceCount).toBe(1000);
    expect(shield.admit(locked).held).toBe('source-locked');
    const random = seededRandom(3);
    for (let index = 0; index < 50_000; index++) {
      // Entries that never end.
      shield.admit({ caller: `n${random.below(1e9)}`, trunk: 't', call: `c${index}` });
    }
    expect(shield.sourceCount).toBeLessThanOrEqual(1000);
  });

  it('calls the trunk calm again when the guessing has ended', async () => {
    const { clock, alarms, shield, attack } = setUp();
    attack(100, 't');
    await clock.advance(DEFAULT_FRAUD_LIMITS.trunk.misses * DEFAULT_FRAUD_LIMITS.trunk.refillMs);
    expect(tryCode(shield, { caller: 'good', trunk: 't' }, '110001')).toBe('in');
    expect(alarms.map((alarm) => alarm.kind)).toEqual(['trunk-attacked', 'trunk-calm']);
  });
});
