import { MediaError } from '../common/errors.ts';
import { fail, ok, type Result } from '../common/result.ts';

/** Mono audio; files of several channels are averaged when read. */
export interface Wav {
  readonly rateHz: number;
  readonly samples: Int16Array;
}

const PCM = 1;
const FLOAT = 3;
const IMA_ADPCM = 0x11;
const EXTENSIBLE = 0xfffe;

interface Format {
  readonly tag: number;
  readonly channels: number;
  readonly rateHz: number;
  readonly bitsPerSample: number;
  readonly blockBytes: number;
}

/** RIFF WAVE with PCM of 8 to 32 bits, 32-bit float or mono IMA ADPCM; anything else is refused by name. */
export function readWav(bytes: Uint8Array): Result<Wav, MediaError> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || text(view, 0) !== 'RIFF' || text(view, 8) !== 'WAVE') {
    return fail(new MediaError('bad-request', 'not a WAV file (no RIFF WAVE header)'));
  }
  let format: Format | undefined;
  let declaredSamples = Number.POSITIVE_INFINITY;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const id = text(view, at);
    const declared = view.getUint32(at + 4, true);
    const start = at + 8;
    // A file that is still being written declares 0 or the maximum: take what is there.
    const unfinished = id === 'data' && (declared === 0 || declared >= 0xffff_ff00);
    const end = unfinished ? bytes.length : Math.min(bytes.length, start + declared);
    if (id === 'fmt ' && end - start >= 16) format = readFormat(view, start, end);
    if (id === 'fact' && end - start >= 4) declaredSamples = view.getUint32(start, true);
    if (id === 'data') {
      if (format === undefined) break;
      const refusal = refuse(format);
      if (refusal !== undefined) return fail(new MediaError('bad-request', refusal));
      const samples =
        format.tag === IMA_ADPCM
          ? decodeAdpcm(view, start, end, format, declaredSamples)
          : decodePcm(view, start, end, format);
      return ok({ rateHz: format.rateHz, samples });
    }
    at = start + declared + (declared & 1); // chunks are padded to even length
  }
  return fail(new MediaError('bad-request', 'WAV file without a format or data chunk'));
}

/** 16-bit mono PCM. */
export function writeWav(wav: Wav): Uint8Array {
  const bytes = new Uint8Array(44 + wav.samples.length * 2);
  const view = new DataView(bytes.buffer);
  const put = (at: number, word: string): void => {
    for (let index = 0; index < word.length; index++)
      view.setUint8(at + index, word.charCodeAt(index));
  };
  put(0, 'RIFF');
  view.setUint32(4, bytes.length - 8, true);
  put(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, PCM, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, wav.rateHz, true);
  view.setUint32(28, wav.rateHz * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  put(36, 'data');
  view.setUint32(40, wav.samples.length * 2, true);
  wav.samples.forEach((sample, index) => {
    view.setInt16(44 + index * 2, sample, true);
  });
  return bytes;
}

function text(view: DataView, at: number): string {
  return String.fromCharCode(
    view.getUint8(at),
    view.getUint8(at + 1),
    view.getUint8(at + 2),
    view.getUint8(at + 3),
  );
}

function readFormat(view: DataView, start: number, end: number): Format {
  const tag = view.getUint16(start, true);
  return {
    // WAVE_FORMAT_EXTENSIBLE holds the real tag in the first two bytes of its sub-format.
    tag: tag === EXTENSIBLE && end - start >= 26 ? view.getUint16(start + 24, true) : tag,
    channels: view.getUint16(start + 2, true),
    rateHz: view.getUint32(start + 4, true),
    bitsPerSample: view.getUint16(start + 14, true),
    blockBytes: view.getUint16(start + 12, true),
  };
}

function refuse({ tag, bitsPerSample, channels, rateHz, blockBytes }: Format): string | undefined {
  const pcm = tag === PCM && [8, 16, 24, 32].includes(bitsPerSample);
  const adpcm = tag === IMA_ADPCM && bitsPerSample === 4 && channels === 1 && blockBytes > 4;
  if (!pcm && !adpcm && !(tag === FLOAT && bitsPerSample === 32)) {
    return `WAV format ${tag} with ${bitsPerSample} bits: use PCM, float or mono IMA ADPCM`;
  }
  if (channels < 1 || channels > 8 || rateHz < 4000 || rateHz > 192_000) {
    return `WAV with ${channels} channels at ${rateHz} Hz: use 1 to 8 at 4 to 192 kHz`;
  }
  return undefined;
}

function decodePcm(view: DataView, start: number, end: number, format: Format): Int16Array {
  const read = reader(view, format);
  const width = format.bitsPerSample / 8;
  const count = Math.floor((end - start) / (width * format.channels));
  const samples = new Int16Array(count);
  for (let index = 0; index < count; index++) {
    let sum = 0;
    for (let channel = 0; channel < format.channels; channel++) {
      sum += read(start + (index * format.channels + channel) * width);
    }
    samples[index] = clip(Math.round(sum / format.channels));
  }
  return samples;
}

/** How to read one sample as a 16-bit value. */
function reader(view: DataView, format: Format): (at: number) => number {
  if (format.tag === FLOAT) return (at) => view.getFloat32(at, true) * 32767;
  switch (format.bitsPerSample) {
    case 8:
      return (at) => (view.getUint8(at) - 128) * 256;
    case 24:
      return (at) => view.getInt16(at + 1, true) + view.getUint8(at) / 256;
    case 32:
      return (at) => view.getInt32(at, true) / 65536;
    default:
      return (at) => view.getInt16(at, true);
  }
}

/** Step sizes of IMA ADPCM (IMA Digital Audio Focus Group, 1992). */
export const STEP_SIZES: readonly number[] = [
  7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73,
  80, 88, 97, 107, 118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494,
  544, 598, 658, 724, 796, 876, 963, 1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499,
  2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894, 6484, 7132, 7845, 8630, 9493, 10442, 11487,
  12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767,
];
const INDEX_CHANGES: readonly number[] = [-1, -1, -1, -1, 2, 4, 6, 8];

/** Blocks of a first sample, a step index, and then 4 bits a sample, low half first. */
function decodeAdpcm(
  view: DataView,
  start: number,
  end: number,
  { blockBytes }: Format,
  declaredSamples: number,
): Int16Array {
  // Two samples a byte, and one in each block header; a last block may be cut short.
  const samples = new Int16Array(2 * (end - start));
  let count = 0;
  for (let block = start; block + 4 <= end; block += blockBytes) {
    let predicted = view.getInt16(block, true);
    let stepIndex = Math.min(88, view.getUint8(block + 2));
    samples[count++] = predicted;
    const blockEnd = Math.min(end, block + blockBytes);
    for (let nibbleAt = 2 * (block + 4); nibbleAt < 2 * blockEnd; nibbleAt++) {
      const byte = view.getUint8(nibbleAt >> 1);
      const nibble = (nibbleAt & 1) === 0 ? byte & 15 : byte >> 4;
      const step = STEP_SIZES[stepIndex] ?? 7;
      const change =
        (step >> 3) +
        ((nibble & 4) !== 0 ? step : 0) +
        ((nibble & 2) !== 0 ? step >> 1 : 0) +
        ((nibble & 1) !== 0 ? step >> 2 : 0);
      predicted = clip(predicted + ((nibble & 8) !== 0 ? -change : change));
      stepIndex = Math.max(0, Math.min(88, stepIndex + (INDEX_CHANGES[nibble & 7] ?? 0)));
      samples[count++] = predicted;
    }
  }
  return samples.slice(0, Math.min(count, declaredSamples));
}

function clip(value: number): number {
  return Math.max(-32768, Math.min(32767, value));
}
