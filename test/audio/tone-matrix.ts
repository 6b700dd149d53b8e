import { toneLevelDbfs } from './level.ts';
import type { Audio } from './signals.ts';

/** One conferee of the matrix: sends its own frequency, recorded what it heard. */
export interface MatrixMember {
  readonly name: string;
  readonly conference: string;
  readonly frequencyHz: number;
  /** What it sent; a listener who sends nothing has none. */
  readonly levelDbfs: number | null;
  /** Steady part of the recording: a second or more after everyone joined, before anyone left. */
  readonly heard: Audio;
}

export interface MatrixOptions {
  /** How far a contributor's level may be from what it sent. Default 1. */
  readonly toleranceDb?: number;
  /** Own tone and tones of other conferences, relative to the level they were sent with. Default −60. */
  readonly rejectionDb?: number;
}

export interface MatrixReport {
  /** One sentence for each pair that is not as it should be; empty is a pass. */
  readonly faults: readonly string[];
  readonly pairs: number;
  /** Largest deviation among those who should be heard. */
  readonly worstDeviationDb: number;
  /** Strongest among those who should not. */
  readonly worstLeakDb: number;
}

/**
 * Distinct frequencies between 300 and 3300 Hz whose harmonics, sums and differences miss each other
 * as far as possible: codec distortion of one must not look like another.
 */
export function matrixFrequencies(count: number): readonly number[] {
  if (count > 120) throw new RangeError(`at most 120 tones fit, got ${count}`);
  // Steps of 25 Hz in a scattered order (17 is prime to 120), each moved off the grid by its own amount.
  return Array.from({ length: count }, (_, index) => {
    const slot = (index * 17) % 120;
    return 305 + slot * 25 + ((index * 7) % 11) - 5;
  });
}

/** Everyone hears every other contributor of their conference, and nobody else. */
export function checkToneMatrix(
  members: readonly MatrixMember[],
  { toleranceDb = 1, rejectionDb = -60 }: MatrixOptions = {},
): MatrixReport {
  const faults: string[] = [];
  let pairs = 0;
  let worstDeviationDb = 0;
  let worstLeakDb = Number.NEGATIVE_INFINITY;
  for (const listener of members) {
    for (const speaker of members) {
      if (speaker.levelDbfs === null) continue;
      pairs++;
      const relativeDb = toneLevelDbfs(listener.heard, speaker.frequencyHz) - speaker.levelDbfs;
      const audible = listener !== speaker && listener.conference === speaker.conference;
      const label = `${listener.name} hears ${speaker.name} (${speaker.frequencyHz} Hz)`;
      if (audible) {
        worstDeviationDb = Math.max(worstDeviationDb, Math.abs(relativeDb));
        if (Math.abs(relativeDb) <= toleranceDb) continue;
        faults.push(`${label} at ${relativeDb.toFixed(1)} dB, within ±${toleranceDb} expected`);
      } else {
        worstLeakDb = Math.max(worstLeakDb, relativeDb);
        if (relativeDb < rejectionDb) continue;
        faults.push(`${label} at ${relativeDb.toFixed(1)} dB, below ${rejectionDb} expected`);
      }
    }
  }
  return { faults, pairs, worstDeviationDb, worstLeakDb };
}
