import { describe, expect, it } from 'vitest';
import { readWav, writeWav } from './wav.ts';

describe('WAV files', () => {
  it('reads back what was written', () => {
    const samples = Int16Array.from({ length: 999 }, (_, index) => (index * 7919) % 65536);
    const read = readWav(writeWav({ rateHz: 16000, samples }));
    expect(read).toEqual({ ok: true, value: { rateHz: 16000, samples } });
  });

  it('takes what is there of a file that is still being written', () => {
    const bytes = writeWav({ rateHz: 8000, samples: Int16Array.of(1, 2, 3) });
    new DataView(bytes.buffer).setUint32(40, 0xffff_ffff, true);
    const read = readWav(bytes);
    expect(read.ok && [...read.value.samples]).toEqual([1, 2, 3]);
  });

  it('averages channels and skips unknown chunks', () => {
    const mono = writeWav({ rateHz: 8000, samples: Int16Array.of(100, 300, -50, -150) });
    new DataView(mono.buffer).setUint16(22, 2, true);
    const junk = Uint8Array.of(0x4c, 0x49, 0x53, 0x54, 3, 0, 0, 0, 1, 2, 3, 0);
    const bytes = new Uint8Array([...mono.subarray(0, 36), ...junk, ...mono.subarray(36)]);
    const read = readWav(bytes);
    expect(read.ok && [...read.value.samples]).toEqual([200, -100]);
  });

  it('refuses by name what it cannot read, at any length', () => {
    const bytes = writeWav({ rateHz: 8000, samples: Int16Array.of(1) });
    for (let length = 0; length < 44; length++)
      expect(readWav(bytes.subarray(0, length)).ok).toBe(false);
    new DataView(bytes.buffer).setUint16(20, 7, true);
    const read = readWav(bytes);
    expect(!read.ok && read.error.message).toContain('format 7');
  });
});
