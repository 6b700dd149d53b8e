/**
 * The memory that this thread and one engine thread share. All of it has a bound and is touched page
 * by page, so that bounds cost address space only.
 */
import {
  COMMAND_SLOT_BYTES,
  EVENT_SLOT_BYTES,
  LEG_RECORD_BYTES,
  RECORD_RING_HEADER_BYTES,
  RING_HEADER_BYTES,
  RING_STOP_OFFSET,
  WORKER_RECORD_BYTES,
} from './abi.gen.ts';

/** Commands under way to one worker; beyond it they wait in this thread (worker-host.ts). */
const COMMAND_SLOTS = 8192;
/** Events that a worker may be ahead of this thread; beyond it they wait in the worker. */
const EVENT_SLOTS = 16_384;
/** 64 KiB hold 4 s of audio at 8 kHz, 0.6 s at 48 kHz: longer than a healthy disk ever stalls us. */
const RECORDING_DATA_BYTES = 65_536;
export const RECORDING_RING_BYTES = RECORD_RING_HEADER_BYTES + RECORDING_DATA_BYTES;

export interface WorkerMemory {
  readonly commands: SharedArrayBuffer;
  readonly events: SharedArrayBuffer;
  readonly statistics: SharedArrayBuffer;
  readonly recordings: SharedArrayBuffer;
}

/** What a worker gets to start with. */
export interface WorkerData extends WorkerMemory {
  readonly prompts: SharedArrayBuffer;
  readonly recordingCount: number;
  readonly maxLegs: number;
  readonly maxConferences: number;
  readonly csrc: boolean;
  readonly opusComplexity: number;
  readonly opusBitrateBps: number;
  readonly realtime: boolean;
  readonly cpu: number | null;
}

export function allocateWorkerMemory(maxLegs: number, recordingCount: number): WorkerMemory {
  return {
    commands: new SharedArrayBuffer(RING_HEADER_BYTES + COMMAND_SLOTS * COMMAND_SLOT_BYTES),
    events: new SharedArrayBuffer(RING_HEADER_BYTES + EVENT_SLOTS * EVENT_SLOT_BYTES),
    statistics: new SharedArrayBuffer(WORKER_RECORD_BYTES + maxLegs * LEG_RECORD_BYTES),
    recordings: new SharedArrayBuffer(Math.max(64, recordingCount * RECORDING_RING_BYTES)),
  };
}

export function requestStop(memory: WorkerMemory): void {
  Atomics.store(new Int32Array(memory.commands), RING_STOP_OFFSET / 4, 1);
}

/** Reads a record that its one writer marks odd while it changes (seqlock). */
export function readConsistent<T extends { readonly version: number }>(
  view: DataView,
  at: number,
  read: (view: DataView, at: number) => T,
): T {
  const words = new Int32Array(view.buffer, at, 1);
  for (let attempt = 0; ; attempt++) {
    const before = Atomics.load(words, 0);
    const record = read(view, at);
    const after = Atomics.load(words, 0);
    // A writer is inside for under a microsecond; a torn record after many tries is still a record.
    if ((before === after && (before & 1) === 0) || attempt === 100) return record;
  }
}
