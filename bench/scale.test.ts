import { describe, expect, it } from 'vitest';
import { bytesALeg, engineMemory } from './scale.ts';
import { growthText, processText } from './scale-commands.ts';

describe('memory of a leg', () => {
  it('stays within 24 KiB for PCMU and 100 KiB for Opus in the engine', async () => {
    const sum = async (codec: string) =>
      bytesALeg(await engineMemory(codec)).reduce((all, part) => all + part.bytes, 0);
    expect(await sum('pcmu')).toBeLessThan(24 * 1024);
    expect(await sum('opus')).toBeLessThan(100 * 1024);
  }, 300_000);

  it('is what was added, divided by the legs', () => {
    const parts = bytesALeg([
      { legs: 0, parts: [{ name: 'legs', bytes: 4096 }] },
      { legs: 100, parts: [{ name: 'legs', bytes: 104_096 }] },
    ]);
    expect(parts).toEqual([{ name: 'legs', bytes: 1000 }]);
    expect(bytesALeg([])).toEqual([]);
  });

  it('is told for each count', () => {
    const text = processText([
      { legs: 0, residentKib: 100_000, heapKib: 10_000, externalKib: 2000 },
      { legs: 1000, residentKib: 120_000, heapKib: 18_000, externalKib: 2000 },
    ]);
    expect(text).toContain('from 0 to 1000: 20.0 KiB a leg, of it JavaScript 8.0 KiB');
    expect(growthText({ shape: 'one conference', count: 100, ns: 25_000 })).toContain('250 ns');
  });
});
