import type { PromptWord } from '../prompt-words.ts';
import { isSpeakable, type Language, spellDigits, splitDuration } from './language.ts';

type Unit = 'hour' | 'minute' | 'second';

const SINGULAR: Readonly<Record<Unit, PromptWord>> = {
  hour: 'one-hour',
  minute: 'one-minute',
  second: 'one-second',
};
const PLURAL: Readonly<Record<Unit, PromptWord>> = {
  hour: 'hours',
  minute: 'minutes',
  second: 'seconds',
};

/** American English: no "and" inside numbers, 12-hour clock. */
export const english: Language = {
  tag: 'en',
  extraWords: {},
  number,
  digits: spellDigits,
  others(count) {
    if (count <= 0) return words('only-person');
    if (count === 1) return words('there-is-one-other-participant');
    return [...words('there-are'), ...number(count), ...words('other-participants')];
  },
  participants: (count) =>
    count === 1 ? words('one-participant') : [...number(count), ...words('participants')],
  duration(durationMs) {
    const { hours, minutes, seconds } = splitDuration(durationMs);
    const parts = [
      ...(hours > 0 ? [amount(hours, 'hour')] : []),
      ...(minutes > 0 ? [amount(minutes, 'minute')] : []),
      ...(seconds > 0 || hours + minutes === 0 ? [amount(seconds, 'second')] : []),
    ];
    return parts.flatMap((part, index) => (index === 0 ? part : [...words('and'), ...part]));
  },
  time(hour, minute) {
    const half = words(hour < 12 ? 'a-m' : 'p-m');
    const spokenHour = number(hour % 12 === 0 ? 12 : hour % 12);
    if (minute === 0) return [...spokenHour, ...words('oclock'), ...half];
    if (minute < 10) return [...spokenHour, ...words('oh'), ...number(minute), ...half];
    return [...spokenHour, ...number(minute), ...half];
  },
};

/** Keeps the names checked against the list of prompts. */
function words(...names: PromptWord[]): readonly PromptWord[] {
  return names;
}

function number(value: number): readonly string[] {
  if (!isSpeakable(value)) return spellDigits(String(value));
  if (value === 0) return words('number-0');
  const parts: string[] = [];
  const millions = Math.floor(value / 1_000_000);
  const thousands = Math.floor(value / 1000) % 1000;
  if (millions > 0) parts.push(...belowThousand(millions), ...words('million'));
  if (thousands > 0) parts.push(...belowThousand(thousands), ...words('thousand'));
  parts.push(...belowThousand(value % 1000));
  return parts;
}

function belowThousand(value: number): readonly string[] {
  const hundreds = Math.floor(value / 100);
  const rest = value % 100;
  const parts: string[] = [];
  if (hundreds > 0) parts.push(`number-${hundreds}`, ...words('hundred'));
  if (rest > 20 && rest % 10 !== 0) {
    parts.push(`number-${rest - (rest % 10)}`, `number-${rest % 10}`);
  } else if (rest > 0) {
    parts.push(`number-${rest}`);
  }
  return parts;
}

function amount(count: number, unit: Unit): readonly string[] {
  return count === 1 ? words(SINGULAR[unit]) : [...number(count), ...words(PLURAL[unit])];
}
