/**
 * Composes numbers, counts, times and codes from recorded parts, by the rules of one language. Parts
 * are names of the prompt catalogue. A language that needs parts which English lacks names them in
 * `extraWords` with their text, and the catalogue demands them of that language's pack.
 */
export interface Language {
  /** Such as `en`; the folder of the pack has the same name. */
  readonly tag: string;
  readonly extraWords: Readonly<Record<string, string>>;
  /** A whole number from 0 to 999,999,999; anything else is said digit by digit. */
  number(value: number): readonly string[];
  /** Digit by digit, with `*`, `#` and `+`: codes, telephone numbers, keys. */
  digits(code: string): readonly string[];
  /** Who else is there, as a sentence. */
  others(count: number): readonly string[];
  /** `1` → one participant, `5` → five participants. */
  participants(count: number): readonly string[];
  /** Rounded to what people say: seconds below 2 minutes, minutes below 2 hours, then both. */
  duration(durationMs: number): readonly string[];
  /** Time of the day. */
  time(hour: number, minute: number): readonly string[];
}

/** Rules by language tag; `en-GB` falls back to `en`, an unknown one to English. */
export function findLanguage(languages: readonly Language[], tag: string): Language | undefined {
  const base = tag.split('-')[0] ?? tag;
  return (
    languages.find((language) => language.tag === tag) ??
    languages.find((language) => language.tag === base) ??
    languages.find((language) => language.tag === 'en') ??
    languages[0]
  );
}

const KEYS: ReadonlyMap<string, string> = new Map([
  ['*', 'star'],
  ['#', 'pound'],
  ['+', 'plus'],
]);

/** Digit by digit is the same in every language; signs between digits are not spoken. */
export function spellDigits(code: string): readonly string[] {
  return [...code].flatMap((sign) => {
    if (/[0-9]/.test(sign)) return [`number-${sign}`];
    const word = KEYS.get(sign);
    return word === undefined ? [] : [word];
  });
}

/** Hours, minutes and seconds of a duration as people say it. */
export function splitDuration(durationMs: number): {
  hours: number;
  minutes: number;
  seconds: number;
} {
  const seconds = Math.max(0, Math.round(durationMs / 1000));
  if (seconds < 120) return { hours: 0, minutes: Math.floor(seconds / 60), seconds: seconds % 60 };
  const minutes = Math.round(seconds / 60);
  return { hours: Math.floor(minutes / 60), minutes: minutes % 60, seconds: 0 };
}

/** Whole and within what the rules can say. */
export function isSpeakable(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 999_999_999;
}
