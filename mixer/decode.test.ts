import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { decodeG722 } from './decode.ts';

const FOLDER = '/usr/share/asterisk/sounds/en_US_f_Allison';

it('refuses what is no byte array, and takes an empty one', () => {
  expect(() => decodeG722('no bytes' as never)).toThrow(TypeError);
  expect(decodeG722(new Uint8Array(0))).toEqual({ ok: true, value: new Int16Array(0) });
});

// The same recording at 8 kHz is in the package beside it, with other filters and turned over.
it.runIf(existsSync(FOLDER))('decodes a recording to what its other file has', () => {
  const decoded = decodeG722(readFileSync(`${FOLDER}/vm-intro.g722`));
  if (!decoded.ok) throw decoded.error;
  const file = readFileSync(`${FOLDER}/vm-intro.wav`);
  const start = file.indexOf('data') + 8;
  const narrow = Int16Array.from({ length: (file.length - start) >> 1 }, (_, index) =>
    file.readInt16LE(start + 2 * index),
  );
  expect(Math.abs(decoded.value.length / 2 - narrow.length)).toBeLessThan(400);
  let best = 0;
  for (let lag = -20; lag < 40; lag++) {
    best = Math.max(best, Math.abs(likeness(narrow, decoded.value, lag)));
  }
  expect(best).toBeGreaterThan(0.8);
});

function likeness(narrow: Int16Array, wide: Int16Array, lag: number): number {
  let [product, a, b] = [0, 0, 0];
  for (let index = 0; index < narrow.length; index++) {
    const x = narrow[index] ?? 0;
    const y = wide[2 * index + lag] ?? 0;
    product += x * y;
    a += x * x;
    b += y * y;
  }
  return product / Math.sqrt(a * b);
}
