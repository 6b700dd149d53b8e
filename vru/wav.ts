import { MediaError } from '../common/errors.ts';
import { fail, ok, type Result } from '../common/result.ts';

/** Mono audio; files of several channels are averaged when read. */
export interface Wav {
  readonly rateHz: number;
  readonly samples: Int16Array;
}

const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;

interface Format {
  readonly tag: number;
  readonly channels: number;
  readonly rateHz: number;
  readonly bitsPerSample: number;
}

/** RIFF WAVE with PCM of 8 to 32 bits or 32-bit float; anything else is refused by name. */
export function readWav(bytes: Uint8Array): Result<Wav, MediaError> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || text(view, 0) !== 'RIFF' || text(view, 8) !== 'WAVE') {
    return fail(new MediaError('bad-request', 'not a WAV file (no RIFF WAVE header)'));
  }
  let format: Format | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const id = text(view, at);
    const declared = view.getUint32(at + 4, true);
    const start = at + 8;
    // A file that is still being written declares 0 or the maximum: take what is there.
    const unfinished = id === 'data' && (declared === 0 || declared >= 0xffff_ff00);
    const end = unfinished ? bytes.length : Math.min(bytes.length, start + declared);
    if (id === 'fmt ' && end - start >= 16) format = readFormat(view, start, end);
    if (id === 'data') {
      if (format === undefined) break;
      return decode(view, start, end, format);
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
  };
}

function decode(
  view: DataView,
  start: number,
  end: number,
  format: Format,
): Result<Wav, MediaError> {
  const read = reader(view, format);
  if (read === undefined) {
    const found = `format ${format.tag} with ${format.bitsPerSample} bits`;
    return fail(new MediaError('bad-request', `WAV ${found}: use 8 to 32 bit PCM or float`));
  }
  if (
    format.channels < 1 ||
    format.channels > 8 ||
    format.rateHz < 4000 ||
    format.rateHz > 192_000
  ) {
    const found = `${format.channels} channels at ${format.rateHz} Hz`;
    return fail(new MediaError('bad-request', `WAV with ${found}: use 1 to 8 at 4 to 192 kHz`));
  }
  const width = format.bitsPerSample / 8;
  const count = Math.floor((end - start) / (width * format.channels));
  const samples = new Int16Array(count);
  for (let index = 0; index < count; index++) {
    let sum = 0;
    for (let channel = 0; channel < format.channels; channel++) {
      sum += read(start + (index * format.channels + channel) * width);
    }
    samples[index] = Math.max(-32768, Math.min(32767, Math.round(sum / format.channels)));
  }
  return ok({ rateHz: format.rateHz, samples });
}

/** How to read one sample as a 16-bit value. */
function reader(view: DataView, format: Format): ((at: number) => number) | undefined {
  if (format.tag === FLOAT && format.bitsPerSample === 32) {
    return (at) => view.getFloat32(at, true) * 32767;
  }
  if (format.tag !== PCM) return undefined;
  switch (format.bitsPerSample) {
    case 8:
      return (at) => (view.getUint8(at) - 128) * 256;
    case 16:
      return (at) => view.getInt16(at, true);
    case 24:
      return (at) => view.getInt16(at + 1, true) + view.getUint8(at) / 256;
    case 32:
      return (at) => view.getInt32(at, true) / 65536;
    default:
      return undefined;
  }
}
