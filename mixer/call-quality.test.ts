import { describe, expect, it } from 'vitest';
import {
  delayImpairment,
  type Equipment,
  equipmentImpairment,
  estimateQuality,
  lossImpairment,
  mosOf,
} from './call-quality.ts';

const G711: Equipment = { impairment: 0, robustness: 25.1 };
/** Not a codec of ours, but the one with the longest published table. */
const G729A: Equipment = { impairment: 11, robustness: 19 };

const clean = {
  packetsReceived: 1_000,
  burstDensity: 0,
  burstMs: 0,
  gapDensity: 0,
  gapMs: 20_000,
  delayMs: 20,
  roundTripMs: 20,
  packetMs: 20,
};

describe('the E-model', () => {
  // ITU-T G.107 annex B, table B.1 (categories of G.109).
  it.each([
    [90, 4.34],
    [80, 4.03],
    [70, 3.6],
    [60, 3.1],
    [50, 2.58],
    [93.2, 4.41],
    [0, 1],
    [3, 1],
    [100, 4.5],
  ])('R = %d is a MOS of %d', (r, mos) => {
    expect(Math.abs(mosOf(r) - mos)).toBeLessThan(0.011);
  });

  // ITU-T G.113 appendix I, measured in listening tests: whole numbers around the curve of G.107.
  it.each([
    ['G.711 with concealment', G711, 0, 0],
    ['G.711 with concealment', G711, 1, 5],
    ['G.711 with concealment', G711, 2, 7],
    ['G.711 with concealment', G711, 3, 10],
    ['G.711 with concealment', G711, 5, 15],
    ['G.711 with concealment', G711, 7, 20],
    ['G.711 with concealment', G711, 10, 25],
    ['G.729A', G729A, 0, 11],
    ['G.729A', G729A, 1, 15],
    ['G.729A', G729A, 2, 19],
    ['G.729A', G729A, 3, 23],
    ['G.729A', G729A, 4, 26],
    ['G.729A', G729A, 8, 36],
    ['G.729A', G729A, 16, 49],
  ])('%s: %4$d with %3$d %% of random loss', (_name, equipment, percent, published) => {
    const computed = lossImpairment(equipment, percent / 100);
    expect(Math.abs(computed - published)).toBeLessThan(2.5);
  });

  it('takes little for delays that nobody notices, and more beyond 177 ms', () => {
    expect(delayImpairment(0)).toBe(0);
    expect(delayImpairment(150)).toBeCloseTo(3.6, 5);
    expect(delayImpairment(400)).toBeCloseTo(34.1, 1);
  });

  it('lies between gap and burst, nearer to where most of the time is spent', () => {
    const pattern = { burstDensity: 0.3, burstMs: 400, gapDensity: 0.005, gapMs: 8_000 };
    const inGap = lossImpairment(G711, 0.005);
    const inBurst = lossImpairment(G711, 0.3);
    const both = equipmentImpairment(G711, pattern);
    expect(both).toBeGreaterThan(inGap);
    expect(both).toBeLessThan((inGap + inBurst) / 2);
    // Bursts of minutes are noticed for as long as they last.
    const long = { ...pattern, burstMs: 600_000, gapMs: 600_000 };
    expect(equipmentImpairment(G711, long)).toBeCloseTo((inGap + inBurst) / 2, 0);
    // Equal everywhere is no burst at all.
    const even = { ...pattern, gapDensity: 0.3 };
    expect(equipmentImpairment(G711, even)).toBeCloseTo(inBurst, 9);
    expect(equipmentImpairment(G711, { ...pattern, gapMs: 0 })).toBeCloseTo(inBurst, 9);
  });

  it('gives a clean G.711 call 4.4, and less with loss, bursts and delay', () => {
    const best = estimateQuality('PCMU', clean);
    expect(best).toEqual({ rFactor: 92, mos: 4.38 });
    const lossy = estimateQuality('PCMA', { ...clean, gapDensity: 0.05 });
    // 5 % of random loss: R falls by about 15.
    expect(lossy?.rFactor).toBeCloseTo(76.2, 1);
    expect(lossy?.mos).toBeCloseTo(3.87, 1);
    const bursts = { ...clean, burstDensity: 0.4, burstMs: 1_000, gapMs: 5_000 };
    expect(estimateQuality('PCMU', bursts)?.mos).toBeLessThan(4);
    expect(estimateQuality('PCMU', { ...clean, roundTripMs: 800 })?.mos).toBeLessThan(3.6);
    const dead = { ...clean, burstDensity: 1, burstMs: 60_000, gapMs: 20 };
    expect(estimateQuality('PCMU', dead)?.mos).toBeLessThan(1.4);
  });

  it('says nothing where it knows nothing', () => {
    expect(estimateQuality('opus', clean)).toBeNull();
    expect(estimateQuality(undefined, clean)).toBeNull();
    expect(estimateQuality('PCMU', { ...clean, packetsReceived: 0 })).toBeNull();
  });
});
