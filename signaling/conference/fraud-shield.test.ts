import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../common/ids.ts';
import { SimClock } from '../../common/sim-clock.ts';
import { DEFAULT_FRAUD_LIMITS, type FraudAlarm, FraudShield } from './fraud-shield.ts';

const VALID = new Set([
  '910001',
  '910002',
  '910003',
  '910004',
  '110001',
  '110002',
  '110003',
  '110004',
]);

/** One try as the VRU makes it; tells whether the caller got in. */
function tryCode(
  shield: FraudShield,
  source: { caller: string; trunk: string },
  code: string,
): 'in' | 'wrong' | 'locked' {
  const admission = shield.admit(source);
  if (admission.locked) return 'locked';
  const hit = VALID.has(code);
  shield.record(source, hit ? 'hit' : 'miss');
  return hit ? 'in' : 'wrong';
}

function setUp(limits = {}) {
  const clock = new SimClock();
  const alarms: FraudAlarm[] = [];
  return {
    clock,
    alarms,
    shield: new FraudShield({ clock, limits, onAlarm: (alarm) => alarms.push(alarm) }),
  };
}

describe('fraud shield', () => {
  it('lets a person mistype, and forgets it with the right code', () => {
    const { shield } = setUp();
    const person = { caller: '+15550100', trunk: '192.0.2.1' };
    expect(tryCode(shield, person, '000000')).toBe('wrong');
    expect(tryCode(shield, person, '000001')).toBe('wrong');
    expect(shield.admit(person).delayMs).toBe(0);
    expect(tryCode(shield, person, '110001')).toBe('in');
    expect(shield.admit(person)).toEqual({ locked: false, delayMs: 0 });
  });

  it('answers slower with every miss, locks the source out, and frees it again', async () => {
    const { clock, alarms, shield } = setUp();
    const guesser = { caller: '+15550199', trunk: '192.0.2.1' };
    const delays: number[] = [];
    for (let miss = 0; miss < DEFAULT_FRAUD_LIMITS.missesToLock; miss++) {
      delays.push(shield.admit(guesser).delayMs);
      expect(tryCode(shield, guesser, '000000')).toBe('wrong');
    }
    expect(delays).toEqual(delays.toSorted((a, b) => a - b));
    expect(delays.at(-1)).toBe(DEFAULT_FRAUD_LIMITS.longestDelayMs);
    expect(alarms.map((alarm) => alarm.kind)).toEqual(['source-locked']);
    expect(tryCode(shield, guesser, '110001')).toBe('locked');
    await clock.advance(DEFAULT_FRAUD_LIMITS.firstLockMs + DEFAULT_FRAUD_LIMITS.memoryMs);
    expect(tryCode(shield, guesser, '110001')).toBe('in');
  });

  it('leaves an attacker with 200 numbers under 3 % of 100,000 tries, none of which hits, and bothers nobody else', async () => {
    const { clock, alarms, shield } = setUp();
    const random = seededRandom(7);
    const known = { caller: '+15550100', trunk: '192.0.2.1' };
    expect(tryCode(shield, known, '110001')).toBe('in');
    const counts = { in: 0, wrong: 0, locked: 0 };
    for (let attempt = 0; attempt < 100_000; attempt++) {
      const source = { caller: `+1666${random.below(200)}`, trunk: '192.0.2.1' };
      counts[tryCode(shield, source, String(100_000 + random.below(900_000)))] += 1;
      if (attempt % 1000 === 0) {
        await clock.advance(60_000);
        // A caller who was here before, and one who never was, on the trunk under attack.
        expect(tryCode(shield, known, '110001')).toBe('in');
        expect(tryCode(shield, { caller: `+1777${attempt}`, trunk: '192.0.2.1' }, '110002')).toBe(
          'in',
        );
      }
    }
    expect(counts.in).toBe(0);
    expect(counts.wrong).toBeLessThan(3_000);
    expect(alarms.some((alarm) => alarm.kind === 'trunk-attacked')).toBe(true);
  });

  it('stays within its memory when every call has another number, and keeps the locked ones', () => {
    const { shield } = setUp({ maxSources: 1000 });
    const locked = { caller: 'persistent', trunk: 't' };
    for (let miss = 0; miss < DEFAULT_FRAUD_LIMITS.missesToLock; miss++)
      tryCode(shield, locked, '000000');
    for (let index = 0; index < 20_000; index++)
      tryCode(shield, { caller: `n${index}`, trunk: 't' }, '000000');
    expect(shield.sourceCount).toBe(1000);
    expect(shield.admit(locked).locked).toBe(true);
  });

  it('calls the trunk calm again when the guessing has ended', async () => {
    const { clock, alarms, shield } = setUp();
    for (let index = 0; index < 100; index++)
      tryCode(shield, { caller: `n${index}`, trunk: 't' }, '000000');
    await clock.advance(2 * DEFAULT_FRAUD_LIMITS.trunkWindowMs);
    tryCode(shield, { caller: 'good', trunk: 't' }, '110001');
    expect(alarms.map((alarm) => alarm.kind)).toEqual(['trunk-attacked', 'trunk-calm']);
  });
});
