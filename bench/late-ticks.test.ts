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
    expect(ownLatenessMs(tick, stalls)).toBeCloseTo(own);
  });

  it('each tick is judged once', () => {
    const ticks = new LateTicks();
    ticks.add(tick);
    ticks.add({ dueMs: 102, lateMs: 8 });
    expect(ticks.judge([[104, 110]])).toEqual({ own: 0, worstOwnMs: 4 });
    ticks.add(tick);
    expect(ticks.judge([])).toEqual({ own: 1, worstOwnMs: 10 });
    expect(ticks.judge([])).toEqual({ own: 0, worstOwnMs: 0 });
  });
});
