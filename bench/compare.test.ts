import { describe, expect, it } from 'vitest';
import { compareReports } from './compare.ts';
import type { Machine } from './machine.ts';
import { type Kernel, type MicroReport, parseDump } from './micro.ts';

const machine: Machine = {
  processor: 'some processor',
  processors: 2,
  memoryGib: 8,
  kernel: '6',
  node: '20',
  system: 'Debian',
  date: '2026-01-01T00:00:00Z',
};
const micro = (kernels: readonly Kernel[], on: Partial<Machine> = {}): MicroReport => ({
  kind: 'micro',
  machine: { ...machine, ...on },
  note: null,
  kernels,
});
const encode = { name: 'encode_ulaw', variant: 'avx2', ns: 25, instructions: 300 };

describe('comparison of two reports', () => {
  it('goes by instructions where both have them, however much slower the machine is', () => {
    const slower = compareReports(micro([encode]), micro([{ ...encode, ns: 90 }]));
    expect(slower.differences).toMatchObject([{ ratio: 1, regression: false }]);
    const more = compareReports(micro([encode]), micro([{ ...encode, instructions: 315 }]));
    expect(more.differences).toMatchObject([{ ratio: 1.05, regression: true }]);
  });

  it('goes by time where there are none, on the same processor only', () => {
    const { instructions: _, ...timed } = encode;
    const slower = micro([{ ...timed, ns: 35 }]);
    expect(compareReports(micro([timed]), slower).differences).toMatchObject([
      { regression: true },
    ]);
    const elsewhere = compareReports(micro([timed], { processor: 'another' }), slower);
    expect(elsewhere.differences).toEqual([]);
    expect(elsewhere.notes[0]).toContain('another processor');
  });

  it('names what is new and what is gone', () => {
    const { notes } = compareReports(micro([encode]), micro([{ ...encode, name: 'other' }]));
    expect(notes).toEqual(['other, avx2: new', 'encode_ulaw, avx2: gone']);
  });

  it('reads the dumps of callgrind', () => {
    const text =
      'version: 1\ndesc: Trigger: Client Request: 100|encode_ulaw, 160 samples|avx2\n\nsummary: 30331\n';
    expect(parseDump(text)).toEqual({ key: 'encode_ulaw, 160 samples|avx2', instructions: 303 });
    expect(parseDump('version: 1\nsummary: 5\n')).toBeNull();
  });
});
