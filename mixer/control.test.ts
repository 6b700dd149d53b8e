import { describe, expect, it } from 'vitest';
import { SimClock } from '../common/sim-clock.ts';
import { packAddress, unpackAddress } from './address.ts';
import { headroom } from './capacity.ts';
import { formatOf, sendOptions } from './codec-format.ts';
import { HandleTable } from './handles.ts';
import { PortPool } from './port-pool.ts';
import { RingReader, RingWriter } from './ring.ts';

/** Sockets as numbers; ports in `taken` belong to somebody else. */
function fakeSockets(taken: ReadonlySet<number> = new Set()) {
  const open = new Map<number, number>();
  let next = 100;
  return {
    open,
    openSocket: (address: string, port: number): number | string => {
      if (address !== '127.0.0.1') return 'EADDRNOTAVAIL';
      if (taken.has(port) || [...open.values()].includes(port)) return 'EADDRINUSE';
      open.set(next, port);
      return next++;
    },
    closeSocket: (socket: number): boolean => open.delete(socket),
  };
}

describe('port pool', () => {
  it('gives even ports, skips those in use, and lets a closed pair rest', async () => {
    const clock = new SimClock();
    const sockets = fakeSockets(new Set([4003]));
    const pool = new PortPool(sockets, clock, { min: 3999, max: 4005 });
    const first = pool.open('127.0.0.1');
    const second = pool.open('127.0.0.1');
    expect(first.ok && first.value.port).toBe(4000);
    expect(second.ok && second.value.port).toBe(4004);
    expect([...sockets.open.values()]).toEqual([4000, 4001, 4004, 4005]);
    const third = pool.open('127.0.0.1');
    expect(third.ok ? '' : third.error.code).toBe('ports-exhausted');
    if (!first.ok) throw first.error;
    pool.close(first.value);
    pool.close(first.value);
    expect(pool.inUse).toBe(1);
    expect(pool.open('127.0.0.1').ok).toBe(false);
    await clock.advance(3001);
    const again = pool.open('127.0.0.1');
    expect(again.ok && again.value.port).toBe(4000);
  });

  it('names an address that is not ours', () => {
    const pool = new PortPool(fakeSockets(), new SimClock(), { min: 4000, max: 4999 });
    const refused = pool.open('192.0.2.1');
    expect(refused.ok ? '' : refused.error.message).toContain('192.0.2.1: EADDRNOTAVAIL');
  });
});

describe('rings', () => {
  it('carry values in order over many wraps and refuse when full', () => {
    const memory = new SharedArrayBuffer(256 + 8 * 64);
    const writer = new RingWriter(memory, 64);
    const reader = new RingReader(memory, 64);
    let expected = 0;
    let written = 0;
    for (let round = 0; round < 100; round++) {
      while (writer.write((view, at) => view.setUint32(at, written, true))) written++;
      expect(written - expected).toBe(8);
      reader.read(round % 9, (view, at) => {
        expect(view.getUint32(at, true)).toBe(expected++);
      });
    }
    expect(expected).toBeGreaterThan(300);
  });
});

describe('handles', () => {
  it('mean nothing once their owner is gone', () => {
    const table = new HandleTable<{ readonly handle: number }>(2);
    const first = table.add((handle) => ({ handle }));
    const second = table.add((handle) => ({ handle }));
    expect(table.add((handle) => ({ handle }))).toBeNull();
    if (first === null || second === null) throw new Error('full');
    table.remove(first.handle);
    table.remove(first.handle);
    const third = table.add((handle) => ({ handle }));
    expect(third?.handle).toBe(first.handle + 0x10000);
    expect(table.get(first.handle)).toBeUndefined();
    expect([...table.values()]).toEqual([third, second]);
    expect(table.size).toBe(2);
  });
});

describe('capacity (R45)', () => {
  const idle = { busyShare: 0, latenessMs: 0, legs: 0, measuredLegs: 0, freeSlots: 8192 };
  const loaded = { ...idle, legs: 500, measuredLegs: 500, busyShare: 0.1 };

  it('offers less the busier and the later a worker is, whatever makes it so (R45)', () => {
    const before = headroom(loaded);
    expect(headroom({ ...loaded, busyShare: 0.2 })).toBeLessThan(before);
    expect(headroom({ ...loaded, latenessMs: 7 })).toBeLessThan(before);
    expect(headroom({ ...loaded, latenessMs: 20 })).toBe(0);
    expect(headroom({ ...loaded, busyShare: 0.8 })).toBe(0);
    expect(headroom(loaded, 0.11)).toBeLessThan(60);
  });

  it('takes a few in although somebody else has the processor at times (R45)', () => {
    // Three conferees on a machine whose host takes 33 ms away once a second.
    const few = { ...idle, legs: 6, measuredLegs: 6, busyShare: 0.003 };
    const stalled = { ...few, latenessMs: 33 };
    expect(headroom(stalled)).toBeGreaterThan(100);
    expect(headroom(stalled)).toBeLessThan(headroom(few) / 5);
    // Its own work is not little any more: lateness then says no.
    expect(headroom({ ...stalled, busyShare: 0.08, legs: 100, measuredLegs: 100 })).toBe(0);
    // Phases are left out: nobody would be heard well.
    expect(headroom({ ...few, latenessMs: 65 })).toBe(0);
  });

  it('follows what a leg was measured to cost (R45)', () => {
    const cheap = headroom({ ...idle, legs: 1000, measuredLegs: 1000, busyShare: 0.2 });
    expect(cheap).toBeGreaterThan(2500);
    expect(cheap).toBeLessThan(2900);
    expect(headroom({ ...idle, legs: 100, measuredLegs: 100, busyShare: 0.5 })).toBeLessThan(70);
    expect(headroom(idle)).toBeGreaterThan(1000);
    expect(headroom({ ...idle, freeSlots: 3 })).toBe(3);
  });

  it('counts what came or left since the measurement at the price of what was measured (R45)', () => {
    const steady = headroom(loaded);
    const joined = headroom({ ...loaded, legs: 1500 });
    expect(steady - joined).toBeGreaterThan(980);
    expect(steady - joined).toBeLessThan(1020);
    expect(headroom({ ...loaded, legs: 4000 })).toBe(0);
    expect(headroom({ ...loaded, busyShare: 0.75, legs: 250 })).toBeGreaterThan(200);
  });
});

describe('addresses', () => {
  it('survive packing', () => {
    for (const text of ['127.0.0.1', '203.0.113.255']) {
      const packed = packAddress(text);
      expect(packed.family).toBe(4);
      expect(unpackAddress(packed.family, packed.bytes)).toBe(text);
    }
    const v6 = packAddress('2001:db8::ff00:42:8329');
    expect(unpackAddress(v6.family, v6.bytes)).toBe('2001:db8:0:0:0:ff00:42:8329');
    expect(packAddress('::ffff:192.0.2.1').bytes.slice(10)).toEqual(
      Uint8Array.of(255, 255, 192, 0, 2, 1),
    );
    expect(packAddress('host.example').family).toBe(0);
  });
});

describe('codec formats', () => {
  const built = [
    { kind: 1, sampleRateHz: 8000, clockRateHz: 8000 },
    { kind: 3, sampleRateHz: 16_000, clockRateHz: 8000 },
    { kind: 5, sampleRateHz: 16_000, clockRateHz: 16_000 },
  ];
  const codec = { payloadType: 96, clockRateHz: 8000, channels: 1 };

  it('know what the engine can do', () => {
    expect(formatOf({ ...codec, name: 'G722' }, built)).toEqual({ kind: 3, rateHz: 16_000 });
    expect(formatOf({ ...codec, name: 'opus' }, built)).toBeUndefined();
    expect(formatOf({ ...codec, name: 'L16' }, built)).toEqual({ kind: 5, rateHz: 8000 });
    expect(formatOf({ ...codec, name: 'L16', channels: 2 }, built)).toBeUndefined();
  });

  it('read what the peer asks of our encoder', () => {
    const opus = { ...codec, name: 'opus' } as const;
    const asked = {
      ...opus,
      formatParameters: 'minptime=10; useinbandfec=1;maxaveragebitrate=20000',
    };
    expect(sendOptions(asked)).toEqual({ sendFec: 1, sendBitrate: 20_000 });
    expect(sendOptions(opus)).toEqual({ sendFec: 0, sendBitrate: 0 });
  });
});
