/**
 * One end each of the two rings between this thread and an engine thread (native/base/shared_ring.h has
 * the layout). Positions run freely modulo 2^32; one producer, one consumer, no locks.
 */
import { RING_HEADER_BYTES, RING_READ_OFFSET, RING_WRITE_OFFSET } from './abi.gen.ts';

function capacityOf(memory: SharedArrayBuffer, slotBytes: number): number {
  const slots = Math.floor((memory.byteLength - RING_HEADER_BYTES) / slotBytes);
  return 2 ** Math.floor(Math.log2(slots));
}

/** Writes commands. */
export class RingWriter {
  readonly #words: Int32Array;
  readonly #view: DataView;
  readonly #slotBytes: number;
  readonly #capacity: number;

  constructor(memory: SharedArrayBuffer, slotBytes: number) {
    this.#words = new Int32Array(memory, 0, RING_HEADER_BYTES / 4);
    this.#view = new DataView(memory);
    this.#slotBytes = slotBytes;
    this.#capacity = capacityOf(memory, slotBytes);
  }

  /** False when the ring is full; then nothing was written. */
  write(fill: (view: DataView, at: number) => void): boolean {
    const write = Atomics.load(this.#words, RING_WRITE_OFFSET / 4) >>> 0;
    const read = Atomics.load(this.#words, RING_READ_OFFSET / 4) >>> 0;
    if ((write - read) >>> 0 >= this.#capacity) return false;
    fill(this.#view, RING_HEADER_BYTES + (write % this.#capacity) * this.#slotBytes);
    Atomics.store(this.#words, RING_WRITE_OFFSET / 4, (write + 1) | 0);
    return true;
  }

  /** Nothing waits to be read. */
  get empty(): boolean {
    return (
      Atomics.load(this.#words, RING_WRITE_OFFSET / 4) ===
      Atomics.load(this.#words, RING_READ_OFFSET / 4)
    );
  }
}

/** Reads events. */
export class RingReader {
  readonly #words: Int32Array;
  readonly #view: DataView;
  readonly #slotBytes: number;
  readonly #capacity: number;

  constructor(memory: SharedArrayBuffer, slotBytes: number) {
    this.#words = new Int32Array(memory, 0, RING_HEADER_BYTES / 4);
    this.#view = new DataView(memory);
    this.#slotBytes = slotBytes;
    this.#capacity = capacityOf(memory, slotBytes);
  }

  /** Hands over at most `limit` events, oldest first; returns how many. */
  read(limit: number, handle: (view: DataView, at: number) => void): number {
    let count = 0;
    while (count < limit) {
      const read = Atomics.load(this.#words, RING_READ_OFFSET / 4) >>> 0;
      const write = Atomics.load(this.#words, RING_WRITE_OFFSET / 4) >>> 0;
      if (read === write) break;
      handle(this.#view, RING_HEADER_BYTES + (read % this.#capacity) * this.#slotBytes);
      Atomics.store(this.#words, RING_READ_OFFSET / 4, (read + 1) | 0);
      count++;
    }
    return count;
  }
}
