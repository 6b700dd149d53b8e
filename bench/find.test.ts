import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextLoad } from './find.ts';

describe('search for the highest load', () => {
  it('finds any capacity to within its resolution, and never offers more than the limit', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 900 }),
        fc.integer({ min: 1, max: 1000 }),
        (capacity, from) => {
          const find = { limit: 1000, resolution: 0.02 };
          let held = 0;
          let failed: number | null = null;
          let runs = 0;
          for (let next: number | null = from; next !== null; next = nextLoad(held, failed, find)) {
            expect(next).toBeLessThanOrEqual(find.limit);
            expect(++runs).toBeLessThan(40);
            if (next <= capacity) held = next;
            else failed = next;
          }
          expect(held).toBeLessThanOrEqual(capacity);
          expect(capacity - held).toBeLessThanOrEqual(
            Math.max(1, Math.floor(held * find.resolution)),
          );
        },
      ),
    );
  });

  it('stops at the limit when everything holds', () => {
    expect(nextLoad(1000, null, { limit: 1000, resolution: 0.02 })).toBeNull();
    expect(nextLoad(600, null, { limit: 1000, resolution: 0.02 })).toBe(1000);
  });
});
