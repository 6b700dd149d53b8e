/**
 * Prompts as PCM in one block of memory that all workers read. Blocks are given out first-fit and joined
 * again when freed. A prompt stays until nobody plays it any more, whenever it is released.
 */
import { PROMPT_ENTRY_BYTES } from './abi.gen.ts';
import type { Prompt } from './media.ts';
import { resample } from './resample.ts';

const ALIGN = 64;

/** Space in a block of memory. */
export class BlockAllocator {
  /** Free pieces by offset, in order. */
  #free: { offset: number; bytes: number }[];
  readonly #used = new Map<number, number>();

  constructor(offset: number, bytes: number) {
    this.#free = [{ offset, bytes }];
  }

  get bytesUsed(): number {
    let total = 0;
    for (const bytes of this.#used.values()) total += bytes;
    return total;
  }

  /** Null when no piece is large enough. */
  allocate(bytes: number): number | null {
    const wanted = Math.max(ALIGN, Math.ceil(bytes / ALIGN) * ALIGN);
    const index = this.#free.findIndex((piece) => piece.bytes >= wanted);
    const piece = this.#free[index];
    if (piece === undefined) return null;
    const { offset } = piece;
    if (piece.bytes === wanted) this.#free.splice(index, 1);
    else this.#free[index] = { offset: offset + wanted, bytes: piece.bytes - wanted };
    this.#used.set(offset, wanted);
    return offset;
  }

  free(offset: number): void {
    const bytes = this.#used.get(offset);
    if (bytes === undefined) return;
    this.#used.delete(offset);
    const after = this.#free.findIndex((piece) => piece.offset > offset);
    const index = after === -1 ? this.#free.length : after;
    this.#free.splice(index, 0, { offset, bytes });
    this.#join(index);
    this.#join(index - 1);
  }

  #join(index: number): void {
    const piece = this.#free[index];
    const next = this.#free[index + 1];
    if (piece === undefined || next === undefined) return;
    if (piece.offset + piece.bytes !== next.offset) return;
    this.#free.splice(index, 2, { offset: piece.offset, bytes: piece.bytes + next.bytes });
  }
}

interface Entry {
  readonly samples: Int16Array;
  readonly rateHz: number;
  /** By rate: where it is and how long. */
  readonly stored: Map<number, { readonly offset: number; readonly count: number }>;
  uses: number;
  released: boolean;
}

/** A playback's list of pieces; free it when the playback has ended. */
export interface PromptList {
  readonly offset: number;
  readonly count: number;
  free(): void;
}

export class PromptMemory {
  readonly memory: SharedArrayBuffer;
  readonly #blocks: BlockAllocator;
  readonly #entries = new Map<Prompt, Entry>();

  constructor(bytes: number) {
    this.memory = new SharedArrayBuffer(bytes);
    this.#blocks = new BlockAllocator(ALIGN, bytes - ALIGN);
  }

  get bytesUsed(): number {
    return this.#blocks.bytesUsed;
  }

  /** Null when the memory is full. Stored at `rateHz[0]` at once, at other rates when first played there. */
  add(name: string, samples: Int16Array, rateHz: number, storeAtHz: number): Prompt | null {
    const prompt: Prompt = { name, durationMs: (samples.length * 1000) / rateHz };
    const entry: Entry = { samples, rateHz, stored: new Map(), uses: 0, released: false };
    if (this.#store(entry, storeAtHz) === null) return null;
    this.#entries.set(prompt, entry);
    return prompt;
  }

  release(prompt: Prompt): void {
    const entry = this.#entries.get(prompt);
    if (entry === undefined) return;
    entry.released = true;
    this.#collect(prompt, entry);
  }

  /** The list for a playback at one rate; null when a prompt was released or memory is short. */
  list(prompts: readonly Prompt[], rateHz: number): PromptList | null {
    const used: [Prompt, Entry][] = [];
    const pieces: { readonly offset: number; readonly count: number }[] = [];
    for (const prompt of prompts) {
      const entry = this.#entries.get(prompt);
      const piece = entry === undefined ? null : this.#store(entry, rateHz);
      if (entry === undefined || entry.released || piece === null) return null;
      used.push([prompt, entry]);
      pieces.push(piece);
    }
    const offset = this.#blocks.allocate(pieces.length * PROMPT_ENTRY_BYTES);
    if (offset === null) return null;
    const view = new DataView(this.memory, offset, pieces.length * PROMPT_ENTRY_BYTES);
    pieces.forEach((piece, index) => {
      view.setUint32(index * PROMPT_ENTRY_BYTES, piece.offset, true);
      view.setUint32(index * PROMPT_ENTRY_BYTES + 4, piece.count, true);
    });
    for (const [, entry] of used) entry.uses++;
    let freed = false;
    const free = (): void => {
      if (freed) return;
      freed = true;
      this.#blocks.free(offset);
      for (const [prompt, entry] of used) {
        entry.uses--;
        this.#collect(prompt, entry);
      }
    };
    return { offset, count: pieces.length, free };
  }

  #store(entry: Entry, rateHz: number): { readonly offset: number; readonly count: number } | null {
    const stored = entry.stored.get(rateHz);
    if (stored !== undefined) return stored;
    const samples = resample(entry.samples, entry.rateHz, rateHz);
    const offset = this.#blocks.allocate(samples.length * 2);
    if (offset === null) return null;
    new Int16Array(this.memory, offset, samples.length).set(samples);
    const piece = { offset, count: samples.length };
    entry.stored.set(rateHz, piece);
    return piece;
  }

  #collect(prompt: Prompt, entry: Entry): void {
    if (!entry.released || entry.uses > 0) return;
    this.#entries.delete(prompt);
    for (const { offset } of entry.stored.values()) this.#blocks.free(offset);
    entry.stored.clear();
  }
}
