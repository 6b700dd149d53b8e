import { describe, expect, it } from 'vitest';
import { PROMPT_WORDS } from '../prompt-words.ts';
import { english } from './english.ts';
import { german } from './german.ts';
import { findLanguage } from './language.ts';

const texts: Readonly<Record<string, string>> = PROMPT_WORDS;
const say = (names: readonly string[]): string =>
  names.map((name) => texts[name] ?? `?${name}`).join(' ');

/** The value of an English number phrase, read independently of the rules. */
function parsed(phrase: string): number {
  let total = 0;
  let group = 0;
  const plain = new Map(
    Object.entries(texts)
      .filter(([name]) => name.startsWith('number-'))
      .map(([name, word]) => [word, Number(name.slice(7))]),
  );
  for (const word of phrase.split(' ')) {
    if (word === 'hundred') group *= 100;
    else if (word === 'thousand') [total, group] = [total + group * 1000, 0];
    else if (word === 'million') [total, group] = [total + group * 1_000_000, 0];
    else group += plain.get(word) ?? Number.NaN;
  }
  return total + group;
}

describe('English', () => {
  it('says every number from 0 to 9999, and each differently', () => {
    const seen = new Set<string>();
    for (let value = 0; value <= 9999; value++) {
      const phrase = say(english.number(value));
      expect(parsed(phrase)).toBe(value);
      seen.add(phrase);
    }
    expect(seen.size).toBe(10_000);
  });

  it.each([
    [17, 'seventeen'],
    [20, 'twenty'],
    [42, 'forty two'],
    [110, 'one hundred ten'],
    [1001, 'one thousand one'],
    [
      987_654_321,
      'nine hundred eighty seven million six hundred fifty four thousand three hundred twenty one',
    ],
  ])('says %d as people do', (value, phrase) => {
    expect(say(english.number(value))).toBe(phrase);
  });

  it('spells what is not a number it can say', () => {
    expect(say(english.number(1.5))).toBe('one five');
    expect(say(english.digits('+49-910*#'))).toBe('plus four nine nine one zero star pound');
  });

  it.each([
    [0, 'zero seconds'],
    [1000, 'one second'],
    [61_000, 'one minute and one second'],
    [119_600, 'two minutes'],
    [600_000, 'ten minutes'],
    [3_660_000, 'one hour and one minute'],
    [7_200_000, 'two hours'],
  ])('says %d ms as people do', (durationMs, phrase) => {
    expect(say(english.duration(durationMs))).toBe(phrase);
  });

  it('says counts and times', () => {
    expect(say(english.others(0))).toBe(texts['only-person']);
    expect(say(english.others(1))).toBe(texts['there-is-one-other-participant']);
    expect(say(english.others(12))).toBe('There are twelve other participants.');
    expect(say(english.participants(1))).toBe('one participant.');
    expect(say(english.participants(3))).toBe('three participants.');
    expect(english.time(0, 0)).toEqual(['number-12', 'oclock', 'a-m']);
    expect(english.time(13, 5)).toEqual(['number-1', 'oh', 'number-5', 'p-m']);
    expect(english.time(23, 59)).toEqual(['number-11', 'number-50', 'number-9', 'p-m']);
  });

  it('uses only names of the list', () => {
    for (let minute = 0; minute < 1440; minute++) {
      const names = [
        ...english.time(Math.floor(minute / 60), minute % 60),
        ...english.duration(minute * 61_000),
      ];
      expect(names.filter((name) => texts[name] === undefined)).toEqual([]);
    }
  });
});

describe('German', () => {
  it('says every number from 0 to 9999 differently, units before tens', () => {
    const seen = new Set<string>();
    for (let value = 0; value <= 9999; value++) seen.add(german.number(value).join(' '));
    expect(seen.size).toBe(10_000);
    expect(german.number(21)).toEqual(['number-1-joined', 'and', 'number-20']);
    expect(german.number(1101)).toEqual([
      'number-1-joined',
      'thousand',
      'number-1-joined',
      'hundred',
      'number-1',
    ]);
    expect(german.time(1, 30)).toEqual(['number-1-joined', 'oclock', 'number-30']);
  });
});

it('finds rules by tag, by base tag, else English', () => {
  expect(findLanguage([german, english], 'de-AT')).toBe(german);
  expect(findLanguage([german, english], 'fr')).toBe(english);
});
