import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../common/clock.ts';
import { silentLogger } from '../common/log.ts';
import { loadBinding } from './binding.ts';
import { createMediaEngine } from './engine.ts';
import type { MediaEngine } from './media.ts';
import { TestPeer } from './test-peer.ts';

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function start(workers = 1, firstPort = 42_000): Promise<MediaEngine> {
  const engine = await createMediaEngine({
    workers,
    localAddress: '127.0.0.1',
    portRange: { min: firstPort, max: firstPort + 399 },
    clock: systemClock,
    log: silentLogger,
    promptBytes: 1 << 20,
    maxLegsPerWorker: 16,
    recordingsPerWorker: 2,
    realtime: false,
  });
  if (!engine.ok) throw engine.error;
  closers.push(() => engine.value.close());
  return engine.value;
}

function addon() {
  const binding = loadBinding();
  if (!binding.ok) throw binding.error;
  return binding.value;
}

describe('addon', () => {
  it('refuses wrong arguments instead of believing them', () => {
    const { Engine, openSocket, closeSocket } = addon();
    const call = (f: unknown, ...args: unknown[]): unknown =>
      Reflect.apply(f as () => unknown, null, args);
    for (const args of [
      [],
      ['127.0.0.1'],
      [1, 2],
      ['nowhere', 1],
      ['127.0.0.1', 70_000],
      ['127.0.0.1', Number.NaN],
    ]) {
      expect(() => call(openSocket, ...args)).toThrow(TypeError);
    }
    expect(() => call(closeSocket, 'x')).toThrow(TypeError);
    expect(closeSocket(0)).toBe(false);
    expect(closeSocket(99_999)).toBe(false);
    expect(openSocket('192.0.2.1', 0)).toBe('EADDRNOTAVAIL');
    const buffers = Object.fromEntries(
      ['commands', 'events', 'statistics', 'prompts', 'recordings'].map((name) => [
        name,
        Buffer.from(new SharedArrayBuffer(1 << 18)),
      ]),
    );
    const good = {
      ...buffers,
      maxLegs: 4,
      maxConferences: 4,
      recordingCount: 1,
      csrc: true,
      opusComplexity: 0,
      opusBitrateBps: 56_000,
    };
    const make = (options: unknown): unknown => Reflect.construct(Engine, [options]);
    expect(() => make(undefined)).toThrow(TypeError);
    for (const bad of [
      { ...good, maxLegs: 0 },
      { ...good, maxLegs: 1.5 },
      { ...good, maxLegs: 1e9 },
      { ...good, maxConferences: 'many' },
      { ...good, recordingCount: -1 },
      { ...good, commands: new Uint8Array(0) },
      { ...good, events: Buffer.from(new SharedArrayBuffer(16)) },
      { ...good, statistics: 'x' },
      { ...good, recordingCount: 4096 },
    ]) {
      expect(() => make(bad)).toThrow(TypeError);
    }
    const engine = Reflect.construct(Engine, [good]) as { run: (options: unknown) => unknown };
    expect(() => engine.run(undefined)).toThrow(TypeError);
    expect(() => engine.run({ cpu: 5000 })).toThrow(TypeError);
    expect(() => Reflect.apply(engine.run, {}, [{}])).toThrow();
  });
});

describe('media engine as a whole', () => {
  it('starts and stops many times, with legs open, and closes twice', async () => {
    for (let round = 0; round < 8; round++) {
      const engine = await start(2, 42_400);
      const conference = engine.openConference();
      if (!conference.ok) throw conference.error;
      const leg = engine.openLeg({ with: conference.value });
      if (!leg.ok) throw leg.error;
      leg.value.route({ kind: 'conference', conference: conference.value });
      const closing = [engine.close(), leg.value.close(), engine.close()];
      conference.value.close();
      await Promise.all(closing);
      expect(engine.openLeg().ok).toBe(false);
      expect((await leg.value.close()).packetsSent).toBe(0);
    }
  });

  it('refuses the leg that memory has no room for, and takes one again after a close', async () => {
    const engine = await start();
    const legs = Array.from({ length: 16 }, () => engine.openLeg());
    expect(legs.every((leg) => leg.ok)).toBe(true);
    const refused = engine.openLeg();
    expect(refused.ok ? '' : refused.error.code).toBe('engine-full');
    const [first] = legs;
    if (first?.ok !== true) throw new Error('not open');
    await first.value.close();
    expect(engine.openLeg().ok).toBe(true);
  });

  it('says when no port is left', async () => {
    const engine = await createMediaEngine({
      workers: 1,
      localAddress: '127.0.0.1',
      portRange: { min: 42_900, max: 42_901 },
      clock: systemClock,
      log: silentLogger,
      promptBytes: 1 << 20,
      maxLegsPerWorker: 16,
    });
    if (!engine.ok) throw engine.error;
    closers.push(() => engine.value.close());
    expect(engine.value.openLeg().ok).toBe(true);
    const refused = engine.value.openLeg();
    expect(refused.ok ? '' : refused.error.code).toBe('ports-exhausted');
  });

  it('loses only the legs of a worker that dies, and replaces it', async () => {
    const engine = await start(2, 43_000);
    const crash: unknown = Reflect.get(engine, 'crashWorkerOf');
    const a = engine.openConference();
    const b = engine.openConference();
    if (!a.ok || !b.ok) throw new Error('no conference');
    const lost: string[] = [];
    const peer = await TestPeer.open(9);
    closers.push(() => peer.close());
    const dying = engine.openLeg({
      with: a.value,
      events: { onLost: (error) => lost.push(`dying ${error.code}`) },
    });
    // The other worker: the one with fewer legs.
    const living = engine.openLeg({ events: { onLost: () => lost.push('living') } });
    if (!dying.ok || !living.ok) throw new Error('no leg');
    living.value.configure(peer.parameters());
    const playing = dying.value.play([]);
    Reflect.apply(crash as () => void, engine, [dying.value]);
    const limit = systemClock.nowMs() + 5000;
    while (lost.length === 0 && systemClock.nowMs() < limit) await systemClock.sleep(5);
    expect(lost).toEqual(['dying engine-lost']);
    expect(['played', 'stopped']).toContain(await playing.finished);
    await dying.value.close();
    const late = engine.openLeg({ with: a.value });
    expect(late.ok ? '' : late.error.code).toBe('engine-lost');
    expect(engine.counters().get('workers_lost')).toBe(1);
    const before = peer.received.length;
    await systemClock.sleep(500);
    expect(peer.received.length).toBeGreaterThan(before + 15);
    expect(engine.load().legs).toBe(1);
    // The replacement takes calls.
    const fresh = Array.from({ length: 20 }, () => engine.openLeg());
    expect(fresh.filter((leg) => leg.ok).length).toBe(20);
  });

  it('ignores what comes after a close, in any order', async () => {
    const engine = await start(1, 43_400);
    const leg = engine.openLeg();
    const other = engine.openLeg();
    const conference = engine.openConference();
    const prompt = engine.addPrompt('p', new Int16Array(800), 8000);
    if (!leg.ok || !other.ok || !conference.ok || !prompt.ok) throw new Error('not open');
    conference.value.close();
    conference.value.close();
    leg.value.route({ kind: 'conference', conference: conference.value });
    const closed = leg.value.close();
    other.value.route({ kind: 'relay', peer: leg.value });
    leg.value.route({ kind: 'echo' });
    leg.value.setMuted(true);
    leg.value.stopPlaying();
    expect(await leg.value.play([prompt.value]).finished).toBe('stopped');
    const digits = leg.value.sendDigits(['1']);
    expect(digits.ok ? '' : digits.error.code).toBe('closed');
    const recording = await leg.value.record({ path: '/nonexistent/x.wav' });
    expect(recording.ok ? '' : recording.error.code).toBe('closed');
    expect(await leg.value.close()).toEqual(await closed);
    const bad = await other.value.record({ path: '/nonexistent/x.wav' });
    expect(bad.ok ? '' : bad.error.code).toBe('store-failed');
    engine.releasePrompt(prompt.value);
    engine.releasePrompt(prompt.value);
    expect(await other.value.play([prompt.value]).finished).toBe('stopped');
    await other.value.close();
  });
});
