import type { Digit } from '../mixer/media.ts';

/** One move of the phone's keypad. */
export type KeyMove =
  | { readonly kind: 'press'; readonly digit: Digit }
  | { readonly kind: 'wait'; readonly durationMs: number };

/** What `,` and `w` in a digit string wait, as in dial strings of modems and PBXs. */
const PAUSE_MS = 500;

/** `910001#,,1` → presses and waits; undefined with anything that is no key. */
export function parseKeys(text: string): readonly KeyMove[] | undefined {
  const moves: KeyMove[] = [];
  for (const sign of text) {
    if (sign === ',' || sign.toLowerCase() === 'w') {
      moves.push({ kind: 'wait', durationMs: PAUSE_MS });
      continue;
    }
    const digit = sign.toUpperCase();
    if (!isDigit(digit)) return undefined;
    moves.push({ kind: 'press', digit });
  }
  return moves;
}

export function isDigit(text: string): text is Digit {
  return /^[0-9*#A-D]$/.test(text);
}

/** What the phone plays: a tone, or a file. */
export type PlaySource =
  | { readonly kind: 'tone'; readonly frequencyHz: number; readonly levelDbfs: number }
  | { readonly kind: 'file'; readonly path: string };

const TONE_LEVEL_DBFS = -20;

/** `tone:440`, `tone:440@-12`, or a path; undefined for a tone that no telephone carries. */
export function parsePlay(text: string): PlaySource | undefined {
  if (!text.startsWith('tone:')) return { kind: 'file', path: text };
  const match = /^tone:(\d{1,5})(?:@(-?\d{1,3}(?:\.\d+)?))?$/.exec(text);
  if (match === null) return undefined;
  const frequencyHz = Number(match[1]);
  const levelDbfs = Number(match[2] ?? TONE_LEVEL_DBFS);
  if (frequencyHz < 20 || frequencyHz > 20_000 || levelDbfs > 0 || levelDbfs < -96)
    return undefined;
  return { kind: 'tone', frequencyHz, levelDbfs };
}

/** One second of a sine: a whole number of periods, so that it loops without a click. */
export function toneSecond(frequencyHz: number, levelDbfs: number, rateHz: number): Int16Array {
  const peak = 32767 * 10 ** (levelDbfs / 20);
  return Int16Array.from({ length: rateHz }, (_, index) =>
    Math.round(peak * Math.sin((2 * Math.PI * frequencyHz * index) / rateHz)),
  );
}
