import { type Random, seededRandom } from '../../common/ids.ts';
import { toneLevelDbfs } from './level.ts';
import { type Audio, slice } from './signals.ts';

/** One conferee of the matrix: sends its own frequency, recorded what it heard. */
export interface MatrixMember {
  readonly name: string;
  readonly conference: string;
  readonly frequencyHz: number;
  /** What it sent; a listener who sends nothing has none. */
  readonly levelDbfs: number | null;
  /** Steady part of the recording, 2.5 s or longer: everyone has joined, nobody has left. */
  readonly heard: Audio;
}

export interface MatrixOptions {
  /** How far a contributor's level may be from what it sent. Default 1. */
  readonly toleranceDb?: number;
  /** Own tone and tones of other conferences, relative to the level they were sent with. Default −60. */
  readonly rejectionDb?: number;
  /** What a level is measured over: long enough to tell 1 Hz apart. Default 2500. */
  readonly windowMs?: number;
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

/** Highest order of distortion products that are kept off the tones; above it they are weak enough. */
const ORDER = 5;
/** More tones than this in one mix have products everywhere; then only the spacing is kept. */
const CHECKED_TONES = 6;
const BAND_HZ = { from: 300, to: 3300 } as const;
const TRIES = 4_000;

/**
 * Whole frequencies in Hz, all distinct; the one at `index` is meant for conference `index %
 * conferences`. G.711 makes lines at sums of odd numbers of the tones in one mix, which are louder than
 * −60 dB and would be taken for a leak; the tones are drawn until no such line falls on a tone.
 */
export function matrixFrequencies(count: number, conferences = 1): readonly number[] {
  const width = (BAND_HZ.to - BAND_HZ.from) / Math.max(1, count);
  if (width < 20) throw new RangeError(`${count} tones do not fit into the band`);
  const random = seededRandom(20_260);
  let best = draw(count, width, random);
  let fewest = countHits(best, conferences);
  for (let attempt = 0; attempt < TRIES && fewest > 0; attempt++) {
    const tones = draw(count, width, random);
    const hits = countHits(tones, conferences);
    if (hits < fewest) [best, fewest] = [tones, hits];
  }
  return best;
}

/** One tone somewhere in each slot of the band, 12 Hz from the next slot, in scattered order. */
function draw(count: number, width: number, random: Random): readonly number[] {
  const tones = Array.from(
    { length: count },
    (_, slot) => Math.ceil(BAND_HZ.from + slot * width) + random.below(Math.floor(width) - 12),
  );
  for (let index = tones.length - 1; index > 0; index--) {
    const other = random.below(index + 1);
    [tones[index], tones[other]] = [tones[other] ?? 0, tones[index] ?? 0];
  }
  return tones;
}

function countHits(tones: readonly number[], conferences: number): number {
  const all = new Set(tones);
  let hits = 0;
  for (let conference = 0; conference < conferences; conference++) {
    const group = tones.filter((_, index) => index % conferences === conference);
    if (group.length > CHECKED_TONES) continue;
    for (const line of oddProducts(group)) if (all.has(line)) hits++;
  }
  return hits;
}

/** Where lines of odd order fall, mirrored at half of 8000 Hz; the tones themselves are not lines. */
function oddProducts(tones: readonly number[]): ReadonlySet<number> {
  let sums = new Set([0]);
  const products = new Set<number>();
  for (let order = 1; order <= ORDER; order++) {
    const next = new Set<number>();
    for (const sum of sums) for (const tone of tones) next.add(sum + tone).add(sum - tone);
    sums = next;
    if (order === 1 || order % 2 === 0) continue;
    for (const sum of sums) products.add(Math.abs(sum - 8000 * Math.round(sum / 8000)));
  }
  for (const tone of tones) products.delete(tone);
  return products;
}

interface Pair {
  readonly label: string;
  readonly audible: boolean;
  readonly relativeDb: number;
}

/**
 * Everyone hears every other contributor of their conference, and nobody else. Each listener is judged
 * by the best of the windows: a test machine that stalls for a moment spoils a window, while what is
 * routed wrongly is wrong in all of them.
 */
export function checkToneMatrix(
  members: readonly MatrixMember[],
  { toleranceDb = 1, rejectionDb = -60, windowMs = 2500 }: MatrixOptions = {},
): MatrixReport {
  const limit = ({ audible }: Pair): string =>
    audible ? `within ±${toleranceDb}` : `below ${rejectionDb}`;
  const excess = ({ audible, relativeDb }: Pair): number =>
    audible ? Math.abs(relativeDb) - toleranceDb : relativeDb - rejectionDb;
  const worst = (pairs: readonly Pair[]): number => Math.max(...pairs.map(excess));
  const pairs = members.flatMap((listener) => {
    const judged = windowsOf(listener.heard, windowMs).map((heard) =>
      hear(listener, heard, members),
    );
    return judged.reduce((best, next) => (worst(next) < worst(best) ? next : best));
  });
  const audible = pairs.filter((pair) => pair.audible);
  const others = pairs.filter((pair) => !pair.audible);
  return {
    faults: pairs
      .filter((pair) => excess(pair) > 0)
      .map((pair) => `${pair.label} at ${pair.relativeDb.toFixed(1)} dB, ${limit(pair)} expected`),
    pairs: pairs.length,
    worstDeviationDb: Math.max(0, ...audible.map(({ relativeDb }) => Math.abs(relativeDb))),
    worstLeakDb: Math.max(...others.map(({ relativeDb }) => relativeDb)),
  };
}

/** Half-overlapping; one for all when the recording is shorter than two. */
function windowsOf(heard: Audio, windowMs: number): readonly Audio[] {
  const lengthMs = (heard.samples.length * 1000) / heard.rateHz;
  const windows: Audio[] = [];
  for (let atMs = 0; atMs + windowMs <= lengthMs + 1; atMs += windowMs / 2) {
    windows.push(slice(heard, atMs, windowMs));
  }
  return windows.length > 0 ? windows : [heard];
}

function hear(
  listener: MatrixMember,
  heard: Audio,
  members: readonly MatrixMember[],
): readonly Pair[] {
  return members.flatMap((speaker): readonly Pair[] => {
    if (speaker.levelDbfs === null) return [];
    return [
      {
        label: `${listener.name} hears ${speaker.name} (${speaker.frequencyHz} Hz)`,
        audible: listener !== speaker && listener.conference === speaker.conference,
        relativeDb: toneLevelDbfs(heard, speaker.frequencyHz) - speaker.levelDbfs,
      },
    ];
  });
}
