/**
 * A recording: frames from the engine's ring into a WAV file. The header is right after each second, so
 * that a killed process leaves a readable file. The ring bounds what is in memory: while the disk stalls
 * it fills up, the engine counts what it had to drop, and silence of that length is written instead.
 */
import { type FileHandle, open } from 'node:fs/promises';
import type { Clock } from '../common/clock.ts';
import { MediaError } from '../common/errors.ts';
import { fail, ok, type Result } from '../common/result.ts';
import { RECORD_RING_HEADER_BYTES } from './abi.gen.ts';
import { RECORDING_RING_BYTES } from './shared-memory.ts';

const WAV_HEADER_BYTES = 44;
const WRITE_WORD = 0;
const READ_WORD = 64 / 4;
const HEAD_BYTES = 8;
const DATA_BYTES = 2 ** Math.floor(Math.log2(RECORDING_RING_BYTES - RECORD_RING_HEADER_BYTES));
/** Gaps longer than this are cut to it in the file (and still counted): a minute of zeros at once. */
const MAX_GAP_SECONDS = 60;
const HEADER_EVERY_MS = 1000;

export interface RecordingSummary {
  readonly durationMs: number;
  readonly gapMs: number;
}

/** The reading end of one ring. */
export class RecordingRing {
  readonly #words: Int32Array;
  readonly #view: DataView;
  readonly #data: Uint8Array;

  constructor(memory: SharedArrayBuffer, index: number) {
    const base = index * RECORDING_RING_BYTES;
    this.#words = new Int32Array(memory, base, RECORD_RING_HEADER_BYTES / 4);
    this.#data = new Uint8Array(memory, base + RECORD_RING_HEADER_BYTES, DATA_BYTES);
    this.#view = new DataView(memory, base + RECORD_RING_HEADER_BYTES, DATA_BYTES);
  }

  /** Forgets what an earlier recording left. */
  reset(): void {
    Atomics.store(this.#words, READ_WORD, Atomics.load(this.#words, WRITE_WORD));
  }

  /** All frames that wait, as bytes for the file; gaps are silence. */
  take(maxGapSamples: number): { readonly pcm: Buffer; readonly gapSamples: number } {
    const write = Atomics.load(this.#words, WRITE_WORD) >>> 0;
    let read = Atomics.load(this.#words, READ_WORD) >>> 0;
    const parts: Uint8Array[] = [];
    let gapSamples = 0;
    while (read !== write) {
      const samples = this.#word(read);
      const gap = this.#word((read + 4) >>> 0);
      gapSamples += gap;
      if (gap > 0) parts.push(new Uint8Array(Math.min(gap, maxGapSamples) * 2));
      parts.push(this.#bytes((read + HEAD_BYTES) >>> 0, samples * 2));
      read = (read + HEAD_BYTES + samples * 2) >>> 0;
    }
    Atomics.store(this.#words, READ_WORD, read | 0);
    return { pcm: Buffer.concat(parts), gapSamples };
  }

  #word(position: number): number {
    const at = position % DATA_BYTES;
    // Records are of even length, so a word may be cut in two by the end of the ring.
    if (at + 4 <= DATA_BYTES) return this.#view.getUint32(at, true);
    return (this.#view.getUint16(at, true) | (this.#view.getUint16(0, true) << 16)) >>> 0;
  }

  #bytes(position: number, count: number): Uint8Array {
    const at = position % DATA_BYTES;
    const bytes = new Uint8Array(count);
    const first = Math.min(count, DATA_BYTES - at);
    bytes.set(this.#data.subarray(at, at + first));
    bytes.set(this.#data.subarray(0, count - first), first);
    return bytes;
  }
}

export class Recorder {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #ring: RecordingRing;
  readonly #rateHz: number;
  readonly #clock: Clock;
  readonly #onFailure: (cause: unknown) => void;
  #bytesWritten = 0;
  #gapSamples = 0;
  #headerAtMs: number;
  #writing: Promise<void> | null = null;
  #failure: unknown = null;
  #finished: Promise<Result<RecordingSummary, MediaError>> | null = null;

  private constructor(
    path: string,
    file: FileHandle,
    ring: RecordingRing,
    rateHz: number,
    clock: Clock,
    onFailure: (cause: unknown) => void,
  ) {
    this.path = path;
    this.#onFailure = onFailure;
    this.#file = file;
    this.#ring = ring;
    this.#rateHz = rateHz;
    this.#clock = clock;
    this.#headerAtMs = clock.nowMs();
  }

  static async create(
    path: string,
    ring: RecordingRing,
    rateHz: number,
    clock: Clock,
    /** Once, when a write fails: who reads the log must not wait for the end to learn of a full disk. */
    onFailure: (cause: unknown) => void = () => {},
  ): Promise<Result<Recorder, MediaError>> {
    try {
      const file = await open(path, 'w');
      await file.write(wavHeader(rateHz, 0), 0, WAV_HEADER_BYTES, 0);
      ring.reset();
      return ok(new Recorder(path, file, ring, rateHz, clock, onFailure));
    } catch (cause) {
      return fail(new MediaError('store-failed', `cannot record to ${path}`, { cause }));
    }
  }

  /** Writes what has come since; called again and again. At most one write is under way. */
  drain(): void {
    if (this.#writing !== null || this.#finished !== null) return;
    this.#writing = this.#write().finally(() => {
      this.#writing = null;
    });
  }

  /** The engine writes no more: the rest, the final header, and the file is closed. Idempotent. */
  finish(): Promise<Result<RecordingSummary, MediaError>> {
    this.#finished ??= this.#finish();
    return this.#finished;
  }

  async #finish(): Promise<Result<RecordingSummary, MediaError>> {
    await this.#writing;
    await this.#write();
    try {
      if (this.#failure === null) await this.#writeHeader();
      await this.#file.close();
    } catch (cause) {
      this.#failure ??= cause;
    }
    if (this.#failure !== null) {
      const cause = this.#failure;
      return fail(new MediaError('store-failed', `recording to ${this.path} failed`, { cause }));
    }
    return ok({
      durationMs: (this.#bytesWritten / 2 / this.#rateHz) * 1000,
      gapMs: (this.#gapSamples / this.#rateHz) * 1000,
    });
  }

  async #write(): Promise<void> {
    const { pcm, gapSamples } = this.#ring.take(MAX_GAP_SECONDS * this.#rateHz);
    this.#gapSamples += gapSamples;
    // After a failure the ring is still emptied, so that the engine goes on; the caller learns at the end.
    if (this.#failure !== null || pcm.length === 0) return;
    try {
      await this.#file.write(pcm, 0, pcm.length, WAV_HEADER_BYTES + this.#bytesWritten);
      this.#bytesWritten += pcm.length;
      if (this.#clock.nowMs() - this.#headerAtMs < HEADER_EVERY_MS) return;
      this.#headerAtMs = this.#clock.nowMs();
      await this.#writeHeader();
    } catch (cause) {
      this.#failure = cause;
      this.#onFailure(cause);
    }
  }

  async #writeHeader(): Promise<void> {
    await this.#file.write(wavHeader(this.#rateHz, this.#bytesWritten), 0, WAV_HEADER_BYTES, 0);
  }
}

/** RIFF/WAVE, 16 bit mono PCM. */
function wavHeader(rateHz: number, dataBytes: number): Buffer {
  const header = Buffer.alloc(WAV_HEADER_BYTES);
  // A RIFF length has 32 bits: 37 hours at 16 kHz. Beyond that the length stays at its limit.
  const data = Math.min(dataBytes, 0xffff_ffff - 36);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + data, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(rateHz, 24);
  header.writeUInt32LE(rateHz * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(data, 40);
  return header;
}
