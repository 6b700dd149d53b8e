/** Seeded damage to messages: what a broken or hostile peer sends. The seed replays the run. */
import type { Random } from '../../common/ids.ts';

type Damage = (random: Random, bytes: Uint8Array) => Uint8Array;

const EXTREMES = [
  '-1',
  '0',
  '4294967296',
  '18446744073709551616',
  '99999999999999999999',
  '1e9',
  '0x10',
  '',
];
const TOKENS = [
  '\r\n',
  '\r\n\r\n',
  '\0',
  '"',
  '<',
  '>',
  ';',
  ',',
  ':',
  '@',
  '%',
  '%zz',
  '\\',
  ' ',
  '\t',
  '\xff',
  '=',
  '[',
];

const flip: Damage = (random, bytes) => {
  const copy = bytes.slice();
  for (let count = 1 + random.below(8); count > 0 && copy.length > 0; count--) {
    const at = random.below(copy.length);
    copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
  }
  return copy;
};

const truncate: Damage = (random, bytes) => bytes.slice(0, random.below(bytes.length + 1));

const repeatSlice: Damage = (random, bytes) => {
  const from = random.below(bytes.length + 1);
  const slice = bytes.slice(from, from + random.below(200));
  const times = 1 + random.below(20);
  return concat(
    bytes.slice(0, from),
    ...Array.from({ length: times }, () => slice),
    bytes.slice(from),
  );
};

const dropSlice: Damage = (random, bytes) => {
  const from = random.below(bytes.length + 1);
  return concat(bytes.slice(0, from), bytes.slice(from + random.below(60)));
};

const insertToken: Damage = (random, bytes) => {
  const at = random.below(bytes.length + 1);
  const token = Buffer.from(TOKENS[random.below(TOKENS.length)] ?? '', 'latin1');
  return concat(bytes.slice(0, at), token, bytes.slice(at));
};

const replaceNumber: Damage = (random, bytes) => {
  const text = Buffer.from(bytes).toString('latin1');
  const numbers = [...text.matchAll(/\d+/g)];
  const chosen = numbers[random.below(Math.max(1, numbers.length))];
  if (chosen === undefined) return bytes;
  const extreme = EXTREMES[random.below(EXTREMES.length)] ?? '';
  return Buffer.from(
    text.slice(0, chosen.index) + extreme + text.slice(chosen.index + chosen[0].length),
    'latin1',
  );
};

const swapLines: Damage = (random, bytes) => {
  const lines = Buffer.from(bytes).toString('latin1').split('\r\n');
  const one = random.below(lines.length);
  const other = random.below(lines.length);
  [lines[one], lines[other]] = [lines[other] ?? '', lines[one] ?? ''];
  return Buffer.from(lines.join('\r\n'), 'latin1');
};

const noise: Damage = (random) => random.bytes(random.below(1500));

const DAMAGES: readonly Damage[] = [
  flip,
  truncate,
  repeatSlice,
  dropSlice,
  insertToken,
  replaceNumber,
  swapLines,
  noise,
];

/** One to four damages on top of each other; at most 8 KiB, as a datagram is bounded too. */
export function mutate(random: Random, bytes: Uint8Array): Uint8Array {
  let damaged = bytes;
  for (let count = 1 + random.below(4); count > 0; count--) {
    damaged = DAMAGES[random.below(DAMAGES.length)]?.(random, damaged) ?? damaged;
  }
  return damaged.slice(0, 8192);
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}
