import { describe, expect, it } from 'vitest';
import { allows, maskNumber, normalise, trunksFor } from './dial-plan.ts';

const rewrite = [
  { from: '00', to: '+' },
  { from: '0', to: '+49' },
  { from: '9', to: '' },
];
const trunk = (
  name: string,
  allowedPrefixes: readonly string[],
  deniedPrefixes: string[] = [],
) => ({
  ...{ name, allowedPrefixes, deniedPrefixes, maxConcurrent: 1, maxCallsPerDay: 1 },
});

describe('R26: numbers in one form', () => {
  it.each([
    ['+49 (30) 123-456', '+4930123456'],
    ['0049 30 123456', '+4930123456'],
    ['+49 (0)30 123456', '+4930123456'],
    ['0049 (0) 900 123', '+49900123'],
    ['0049-(0)900/123', '+49900123'],
    ['(0)30 123456', '+4930123456'],
    ['030/123.456', '+4930123456'],
    ['9110', '110'],
    ['4711', '4711'],
    ['', undefined],
    ['1', undefined],
    ['91', undefined],
    ['+49abc', undefined],
    ['sip:mallory@evil.example', undefined],
    ['+49;phone-context=x', undefined],
    ['1'.repeat(21), undefined],
  ])('%s → %s', (text, number) => {
    expect(normalise({ rewrite }, text)).toBe(number);
  });

  it('masks what logs say', () => {
    expect(['+4930123456', '4711', '0301234567', '+49333'].map(maskNumber)).toEqual([
      '+49******56',
      '****',
      '030*****67',
      '+4**33',
    ]);
  });
});

describe('R26: prefixes', () => {
  it('nothing is allowed that is not named', () => {
    expect(allows(trunk('a', []), '+4930')).toBe(false);
    expect(trunksFor({ rewrite, trunks: [] }, '+4930', undefined)).toEqual({
      ok: false,
      error: 'off',
    });
    expect(trunksFor({ rewrite, trunks: [trunk('a', ['+1'])] }, '+4930', undefined)).toEqual({
      ok: false,
      error: 'prefix',
    });
  });

  it('the longer prefix wins, of equal ones the denial', () => {
    const rules = trunk('a', ['+49', '+49900100', '+44'], ['+49900', '+44']);
    expect(allows(rules, '+4930123')).toBe(true);
    expect(allows(rules, '+4990055')).toBe(false);
    expect(allows(rules, '+4990010055')).toBe(true);
    expect(allows(rules, '+44207')).toBe(false);
  });

  it('an account narrows, and never widens', () => {
    const plan = { rewrite, trunks: [trunk('a', ['+49']), trunk('b', ['+4930'])] };
    const names = (number: string, own?: readonly string[]) => {
      const way = trunksFor(plan, number, own);
      return way.ok ? way.value.trunks.map(({ name }) => name) : way.error;
    };
    expect(names('+4930123')).toEqual(['a', 'b']);
    expect(names('+4940123')).toEqual(['a']);
    expect(names('+4940123', ['+4930'])).toBe('prefix');
    expect(names('+15551234', ['+1'])).toBe('prefix');
  });
});
