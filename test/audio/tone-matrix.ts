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

/**
 * Highest order of distortion products that are kept off the tones, by the number of tones in a mix: what
 * can be had at all, as many tones have products everywhere.
 */
const ORDERS: readonly { readonly upToTones: number; readonly order: number }[] = [
  { upToTones: 4, order: 7 },
  { upToTones: 6, order: 5 },
  { upToTones: 10, order: 3 },
];
/** The rate at which products are mirrored; all is counted in whole Hz. */
const RATE_HZ = 8000;
const BAND_HZ = { from: 300, to: 3300 } as const;
const TRIES = 1_000;

/**
 * Found by simulating two passes of mu-law and A-law over random phases: no line within 1 Hz of a tone
 * that must not be heard is louder than −62 dB. More talkers in a mix leave no such places.
 */
const SIMULATED: readonly (readonly (readonly number[])[])[] = [
  [
    [721, 2349, 2451],
    [536, 1946, 3212],
  ],
  [
    [377, 2314, 2716],
    [832, 1163, 1607],
    [801, 1419, 2414],
    [966, 2525, 2849],
  ],
];

/**
 * Whole frequencies in Hz, all distinct; the one at `index` is meant for conference `index %
 * conferences`. G.711 makes lines at sums of odd numbers of the tones in one mix, some louder than −60 dB,
 * which would be taken for a leak. Two or four conferences of three keep clear of them by simulation;
 * for other numbers the tones only avoid the strongest lines, and −50 dB is what can be asked of G.711.
 */
export function matrixFrequencies(count: number, conferences = 1): readonly number[] {
  const known = SIMULATED.find(
    (groups) => groups.length === conferences && count === 3 * conferences,
  );
  if (known !== undefined) return [0, 1, 2].flatMap((n) => known.map((group) => group[n] ?? 0));
  const width = (BAND_HZ.to - BAND_HZ.from) / Math.max(1, count);
  if (width < 20) throw new RangeError(`${count} tones do not fit into the band`);
  const random = seededRandom(20_260);
  const sums = Array.from({ length: conferences }, (_, conference) =>
    oddCoefficients(Math.ceil((count - conference) / conferences)),
  );
  let best = draw(count, width, random);
  let fewest = countHits(best, sums);
  for (let attempt = 0; attempt < TRIES && fewest > 0; attempt++) {
    const tones = draw(count, width, random);
    const hits = countHits(tones, sums);
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

type Coefficients = readonly (readonly number[])[];

/** How often a line of some conference falls on a tone. */
function countHits(tones: readonly number[], sums: readonly Coefficients[]): number {
  let hits = 0;
  sums.forEach((coefficients, conference) => {
    const mix = tones.filter((_, index) => index % sums.length === conference);
    const lines = new Uint8Array(RATE_HZ);
    for (const factors of coefficients) {
      let sum = 0;
      for (let index = 0; index < mix.length; index++)
        sum += (factors[index] ?? 0) * (mix[index] ?? 0);
      lines[((sum % RATE_HZ) + RATE_HZ) % RATE_HZ] = 1;
    }
    for (const tone of tones) hits += lines[tone] ?? 0;
  });
  return hits;
}

/** Every way to add and subtract 3, 5 … of so many tones, other than back to a single one. */
function oddCoefficients(tones: number): Coefficients {
  const order = ORDERS.find(({ upToTones }) => tones <= upToTones)?.order ?? 0;
  if (order === 0) return [];
  let found: number[][] = [[]];
  for (let tone = 0; tone < tones; tone++) {
    found = found.flatMap((head) => {
      const left = order - weight(head);
      return Array.from({ length: 2 * left + 1 }, (_, index) => [...head, index - left]);
    });
  }
  return found.filter((coefficients) => weight(coefficients) % 2 === 1 && weight(coefficients) > 1);
}

function weight(coefficients: readonly number[]): number {
  return coefficients.reduce((sum, factor) => sum + Math.abs(factor), 0);
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
