/** Seeded damage to messages, for fuzzing: bytes, separators, repeats, gaps and cuts. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../../../common/ids.ts';

/** The messages of RFC 4475 and RFC 5118. */
export function tortureMessages(): Buffer[] {
  return ['rfc4475', 'rfc5118'].flatMap((name) => {
    const folder = join(import.meta.dirname, name);
    return readdirSync(folder).map((file) => readFileSync(join(folder, file)));
  });
}

const SPLICES = [
  '\r\n',
  '"',
  '<',
  '>',
  ';',
  ',',
  ':',
  '%',
  '\\',
  '\0',
  ' ',
  '\r\n ',
  'é',
  '@',
  '=',
  '[',
  ']',
];

export function mutate(bytes: Buffer, random: Random): Buffer {
  let mutated = bytes;
  for (let change = random.below(4); change >= 0; change--) {
    const at = random.below(Math.max(1, mutated.length));
    const length = random.below(12);
    const kind = random.below(5);
    const rest = mutated.subarray(at + (kind === 3 ? length : 0));
    const insert =
      kind === 0
        ? Buffer.from(random.bytes(length))
        : kind === 1
          ? Buffer.from(SPLICES[random.below(SPLICES.length)] ?? '')
          : kind === 2
            ? mutated.subarray(at, at + length)
            : Buffer.alloc(0);
    mutated = Buffer.concat([mutated.subarray(0, at), insert, rest]);
    if (kind === 4) mutated = mutated.subarray(0, random.below(mutated.length + 1));
  }
  return mutated;
}
