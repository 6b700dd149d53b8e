import { describe, expect, it } from 'vitest';
import { estimateMos } from './call-quality.ts';

const clean = { packetsReceived: 1_000, packetsLost: 0, delayMs: 40, roundTripMs: 20 };

describe('the E-model estimate', () => {
  it('gives a clean G.711 call 4.4, and less with loss and with delay', () => {
    expect(estimateMos('PCMU', clean)).toBeCloseTo(4.38, 1);
    const lossy = estimateMos('PCMA', { ...clean, packetsLost: 50 }) ?? 0;
    // 5 % of random loss: R falls by about 15.
    expect(lossy).toBeGreaterThan(3.6);
    expect(lossy).toBeLessThan(4.1);
    expect(estimateMos('PCMU', { ...clean, roundTripMs: 800 })).toBeLessThan(3.6);
    const dead = estimateMos('PCMU', { ...clean, packetsReceived: 1, packetsLost: 99_999 });
    expect(dead).toBeLessThan(1.3);
  });

  it('says nothing where it knows nothing', () => {
    expect(estimateMos('opus', clean)).toBeNull();
    expect(estimateMos('PCMU', { ...clean, packetsReceived: 0 })).toBeNull();
  });
});
