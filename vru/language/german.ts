import { isSpeakable, type Language, spellDigits, splitDuration } from './language.ts';

/**
 * German: units before tens ("ein-und-zwanzig"), own joined forms of one, 24-hour clock. No pack is
 * bundled; an operator records one, or takes the German Asterisk sounds.
 */
export const german: Language = {
  tag: 'de',
  extraWords: { 'number-1-joined': 'ein', oclock: 'Uhr', and: 'und' },
  number,
  digits: spellDigits,
  others(count) {
    if (count <= 0) return ['only-person'];
    if (count === 1) return ['there-is-one-other-participant'];
    return ['there-are', ...number(count), 'other-participants'];
  },
  participants: (count) => (count === 1 ? ['one-participant'] : [...number(count), 'participants']),
  duration(durationMs) {
    const { hours, minutes, seconds } = splitDuration(durationMs);
    const parts: string[][] = [];
    if (hours > 0) parts.push(amount(hours, 'one-hour', 'hours'));
    if (minutes > 0) parts.push(amount(minutes, 'one-minute', 'minutes'));
    if (seconds > 0 || hours + minutes === 0) parts.push(amount(seconds, 'one-second', 'seconds'));
    return parts.flatMap((part, index) => (index === 0 ? part : ['and', ...part]));
  },
  time(hour, minute) {
    const spokenHour = hour === 1 ? ['number-1-joined'] : number(hour);
    return [...spokenHour, 'oclock', ...(minute === 0 ? [] : number(minute))];
  },
};

function number(value: number): readonly string[] {
  if (!isSpeakable(value)) return spellDigits(String(value));
  if (value === 0) return ['number-0'];
  const millions = Math.floor(value / 1_000_000);
  const thousands = Math.floor(value / 1000) % 1000;
  return [
    // "zwei Millionen": in telephony such numbers are rare enough for the plain form of the word.
    ...(millions > 0 ? [...belowThousand(millions, true), 'million'] : []),
    ...(thousands > 0 ? [...belowThousand(thousands, true), 'thousand'] : []),
    ...belowThousand(value % 1000, false),
  ];
}

/** `joined`: another word follows, so a final one is "ein" and not "eins". */
function belowThousand(value: number, joined: boolean): readonly string[] {
  const hundreds = Math.floor(value / 100);
  const rest = value % 100;
  const parts: string[] = [];
  if (hundreds > 0) parts.push(unit(hundreds, true), 'hundred');
  if (rest > 20 && rest % 10 !== 0) {
    parts.push(unit(rest % 10, true), 'and', `number-${rest - (rest % 10)}`);
  } else if (rest > 0) {
    parts.push(unit(rest, joined));
  }
  return parts;
}

function unit(value: number, joined: boolean): string {
  return value === 1 && joined ? 'number-1-joined' : `number-${value}`;
}

function amount(count: number, one: string, many: string): string[] {
  return count === 1 ? [one] : [...number(count), many];
}
