/** G.711 mu-law in TypeScript, for audio that is stored; the media path has its own, in native/codec. */

const BIAS = 0x84;
const CLIP = 32_635;

export function encodeMulaw(samples: Int16Array): Uint8Array {
  return Uint8Array.from(samples, encodeOne);
}

export function decodeMulaw(bytes: Uint8Array): Int16Array {
  return Int16Array.from(bytes, decodeOne);
}

/** ITU-T G.711 table 2a: sign, segment (position of the highest bit), four bits of it; all inverted. */
function encodeOne(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const value = Math.min(Math.abs(sample), CLIP) + BIAS;
  const segment = 31 - Math.clz32(value) - 7;
  const step = (value >> (segment + 3)) & 0x0f;
  return ~(sign | (segment << 4) | step) & 0xff;
}

function decodeOne(byte: number): number {
  const code = ~byte & 0xff;
  const segment = (code >> 4) & 0x07;
  const value = (((code & 0x0f) << 3) + BIAS) << segment;
  return (code & 0x80) === 0 ? value - BIAS : BIAS - value;
}
