import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockAllocator, PromptMemory } from './prompt-memory.ts';
import { resample } from './resample.ts';
import { levelOf, toneOf } from './test-peer.ts';

const tone = (hz: number, rateHz: number, seconds: number): Int16Array =>
  Int16Array.from({ length: rateHz * seconds }, (_, i) => Math.round(toneOf(hz, 8000, rateHz)(i)));

describe('block allocator', () => {
  it('never gives out the same byte twice, and all of it again when all is free', () => {
    const operation = fc.record({ free: fc.boolean(), pick: fc.nat(), bytes: fc.nat(5000) });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
        const blocks = new BlockAllocator(64, 64 * 1024);
        const held: { offset: number; bytes: number }[] = [];
        for (const { free, pick, bytes } of operations) {
          const index = held.length === 0 ? 0 : pick % held.length;
          const victim = held[index];
          if (free && victim !== undefined) {
            blocks.free(victim.offset);
            held.splice(index, 1);
            continue;
          }
          const offset = blocks.allocate(bytes);
          if (offset === null) continue;
          expect(offset % 64).toBe(0);
          expect(offset + bytes).toBeLessThanOrEqual(64 + 64 * 1024);
          for (const other of held) {
            const apart = offset + bytes <= other.offset || other.offset + other.bytes <= offset;
            expect(apart).toBe(true);
          }
          held.push({ offset, bytes });
        }
        for (const { offset } of held) blocks.free(offset);
        expect(blocks.bytesUsed).toBe(0);
        expect(blocks.allocate(64 * 1024)).toBe(64);
      }),
    );
  });
});

describe('prompt memory', () => {
  it('keeps a released prompt until nobody plays it any more', () => {
    const memory = new PromptMemory(1 << 20);
    const prompt = memory.add('tone', tone(440, 8000, 1), 8000, 8000);
    if (prompt === null) throw new Error('no memory');
    expect(prompt.durationMs).toBe(1000);
    const list = memory.list([prompt, prompt], 8000);
    memory.release(prompt);
    expect(memory.bytesUsed).toBeGreaterThan(16_000);
    expect(memory.list([prompt], 8000)).toBeNull();
    list?.free();
    list?.free();
    expect(memory.bytesUsed).toBe(0);
  });

  it('stores another rate when it is first played there', () => {
    const memory = new PromptMemory(1 << 20);
    const prompt = memory.add('tone', tone(1000, 16_000, 1), 16_000, 8000);
    if (prompt === null) throw new Error('no memory');
    const list = memory.list([prompt], 48_000);
    if (list === null) throw new Error('no list');
    const [offset = 0, count = 0] = new Uint32Array(memory.memory, list.offset, 2);
    expect(count).toBe(48_000);
    const samples = new Int16Array(memory.memory, offset, count).slice(4800, 43_200);
    expect(levelOf(samples, 1000, 48_000)).toBeCloseTo(20 * Math.log10(8000 / 32767), 1);
  });

  it('says when it is full', () => {
    const memory = new PromptMemory(4096);
    expect(memory.add('long', tone(440, 8000, 1), 8000, 8000)).toBeNull();
  });
});

describe('resample', () => {
  it('keeps the pass band and removes what would alias', () => {
    for (const [from, to] of [
      [16_000, 8000],
      [8000, 16_000],
      [48_000, 8000],
      [22_050, 8000],
      [44_100, 16_000],
    ] as const) {
      const low = resample(tone(1000, from, 1), from, to).slice(800, -800);
      expect(levelOf(low, 1000, to)).toBeCloseTo(20 * Math.log10(8000 / 32767), 1);
      if (to > from) continue;
      const high = resample(tone(to * 0.7, from, 1), from, to).slice(800, -800);
      const peak = high.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
      expect(peak).toBeLessThan(12);
    }
  });
});
