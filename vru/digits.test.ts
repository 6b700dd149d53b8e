import { describe, expect, it } from 'vitest';
import type { Digit } from '../mixer/media.ts';
import { type ArbiterState, arbitrate, type DigitSource, NO_DIGITS, parseDigit } from './digits.ts';

type Report = readonly [atMs: number, digit: Digit, source: DigitSource];

/** What a caller is taken to have pressed. */
function pressed(reports: readonly Report[]): string {
  let state: ArbiterState = NO_DIGITS;
  let keys = '';
  for (const [atMs, digit, source] of reports) {
    const result = arbitrate(state, { digit, source, atMs }, 1_200);
    state = result.state;
    if (result.deliver) keys += digit;
  }
  return keys;
}

describe('R1: one stream of digits from three sources', () => {
  it('takes every press of a single source', () => {
    expect(
      pressed([
        [0, '1', 'rtp'],
        [200, '1', 'rtp'],
        [400, '2', 'rtp'],
      ]),
    ).toBe('112');
    expect(
      pressed([
        [0, '1', 'info'],
        [50, '1', 'info'],
      ]),
    ).toBe('11');
    expect(
      pressed([
        [0, '1', 'inband'],
        [200, '1', 'inband'],
      ]),
    ).toBe('11');
  });

  it('takes a press that two sources report once', () => {
    expect(
      pressed([
        [0, '1', 'rtp'],
        [40, '1', 'info'],
        [300, '2', 'info'],
        [350, '2', 'rtp'],
      ]),
    ).toBe('12');
  });

  it('keeps two quick presses of one key that two sources report', () => {
    const reports: Report[] = [
      [0, '1', 'rtp'],
      [200, '1', 'rtp'],
      [210, '1', 'info'],
      [220, '1', 'info'],
    ];
    expect(pressed(reports)).toBe('11');
  });

  it('fills a gap of one source from the other', () => {
    expect(
      pressed([
        [0, '1', 'rtp'],
        [20, '1', 'info'],
        [300, '2', 'info'],
        [600, '3', 'rtp'],
        [620, '3', 'info'],
      ]),
    ).toBe('123');
  });

  it('takes a late report of another source as a new press', () => {
    expect(
      pressed([
        [0, '1', 'rtp'],
        [1_300, '1', 'info'],
      ]),
    ).toBe('11');
  });

  it('believes tones only until real digits were seen', () => {
    expect(
      pressed([
        [0, '5', 'inband'],
        [30, '5', 'rtp'],
        [500, '7', 'inband'],
        [900, '8', 'rtp'],
      ]),
    ).toBe('58');
  });

  it('reads the spellings of SIP INFO', () => {
    expect(['5', '*', '#', 'a', '10', '11', '16', ''].map(parseDigit)).toEqual([
      '5',
      '*',
      '#',
      'A',
      '*',
      '#',
      undefined,
      undefined,
    ]);
  });
});
