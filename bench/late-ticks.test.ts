import { describe, expect, it } from 'vitest';
import { LateTicks, ownLatenessMs } from './late-ticks.ts';

describe('whose lateness it is', () => {
  const tick = { dueMs: 100, lateMs: 10 };

  it.each([
    ['no stall', [], 10],
    ['a stall over all of it', [[98, 111]], 0],
    ['a stall that the loop noticed 1.5 ms after it began', [[101.5, 110]], 1.5],
    ['a stall before it', [[90, 100]], 10],
    ['a stall after it', [[110, 120]], 10],
    [
      'the same stall, as two wakings of the loop saw it',
      [
        [98, 108],
        [100, 108],
      ],
      2,
    ],
    [
      'two stalls with the engine between',
      [
        [99, 103],
        [106, 110],
      ],
      3,
    ],
  ] as const)('%s', (_, stalls, own) => {
    expect(ownLatenessMs([tick], stalls)[0]).toBeCloseTo(own);
  });

  const burst = (...late: number[]) =>
    late.map((lateMs, index) => ({ dueMs: 100 + index * 2, lateMs }));

  it.each([
    ['a stall of 30 ms and the way back', burst(30, 28.5, 27, 25.5), [[100, 130]], [0, 0, 0, 0]],
    [
      'another stall on the way back',
      burst(30, 28.5, 37),
      [
        [100, 130],
        [131, 141],
      ],
      [0, 0, 0],
    ],
    ['one stall, then work that takes 8 ms', burst(30, 28.5, 35), [[100, 130]], [0, 0, 6.5]],
    ['no stall, and the engine falls back', burst(6, 9, 12, 11), [], [6, 9, 12, 11]],
  ] as const)('in a burst: %s', (_, ticks, stalls, own) => {
    const found = ownLatenessMs(ticks, stalls);
    expect(found.map((ms) => Math.round(ms * 10) / 10)).toEqual(own);
  });

  it('each tick is judged once', () => {
    const ticks = new LateTicks();
    ticks.add(tick);
    ticks.add({ dueMs: 202, lateMs: 8 });
    expect(
      ticks.judge([
        [104, 110],
        [204, 210],
      ]),
    ).toEqual({ own: 0, worstOwnMs: 4 });
    ticks.add(tick);
    expect(ticks.judge([])).toEqual({ own: 1, worstOwnMs: 10 });
    expect(ticks.judge([])).toEqual({ own: 0, worstOwnMs: 0 });
  });
});
