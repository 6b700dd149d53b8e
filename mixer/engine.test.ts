import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../common/clock.ts';
import { silentLogger } from '../common/log.ts';
import { createMediaEngine, type MediaEngineOptions } from './engine.ts';
import type { MediaEngine, MediaLeg, MediaLegEvents } from './media.ts';
import { levelOf, type ReceivedPacket, TestPeer, toneOf } from './test-peer.ts';

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function startEngine(overrides: Partial<MediaEngineOptions> = {}): Promise<MediaEngine> {
  const engine = await createMediaEngine({
    workers: 1,
    localAddress: '127.0.0.1',
    portRange: { min: 41_000, max: 41_999 },
    clock: systemClock,
    log: silentLogger,
    promptBytes: 1 << 22,
    maxLegsPerWorker: 64,
    ...overrides,
  });
  if (!engine.ok) throw engine.error;
  closers.push(() => engine.value.close());
  return engine.value;
}

async function openPeer(ssrc: number): Promise<TestPeer> {
  const peer = await TestPeer.open(ssrc);
  closers.push(() => peer.close());
  return peer;
}

function openLeg(
  engine: MediaEngine,
  options: Parameters<MediaEngine['openLeg']>[0] = {},
): MediaLeg {
  const leg = engine.openLeg(options);
  if (!leg.ok) throw leg.error;
  return leg.value;
}

/** A leg and its peer, configured. */
async function connect(
  engine: MediaEngine,
  ssrc: number,
  events: MediaLegEvents = {},
  beside?: MediaLeg,
): Promise<{ readonly leg: MediaLeg; readonly peer: TestPeer }> {
  const peer = await openPeer(ssrc);
  const leg = openLeg(engine, { events, ...(beside === undefined ? {} : { with: beside }) });
  leg.configure(peer.parameters());
  return { leg, peer };
}

async function until(what: string, condition: () => boolean): Promise<void> {
  const limit = systemClock.nowMs() + 10_000;
  while (!condition()) {
    if (systemClock.nowMs() > limit) throw new Error(`timed out: ${what}`);
    await systemClock.sleep(5);
  }
}

function expectOneLine(packets: readonly ReceivedPacket[]): void {
  const audio = packets.filter((packet) => packet.payloadType === 0);
  expect(new Set(packets.map((packet) => packet.ssrc)).size).toBe(1);
  packets.slice(1).forEach((packet, index) => {
    expect((packet.sequence - (packets[index]?.sequence ?? 0)) & 0xffff).toBe(1);
  });
  audio.slice(1).forEach((packet, index) => {
    expect((packet.timestamp - (audio[index]?.timestamp ?? 0)) % 160).toBe(0);
  });
}

describe('media engine', () => {
  it('sends silence from configure to close on one line, then a BYE', async () => {
    const engine = await startEngine();
    const { leg, peer } = await connect(engine, 1);
    await until('packets', () => peer.received.length >= 20);
    const statistics = await leg.close();
    expect(statistics.packetsSent).toBeGreaterThanOrEqual(20);
    expectOneLine(peer.received);
    expect(peer.received.every((packet) => packet.payload.every((code) => code === 0xff))).toBe(
      true,
    );
    await until('BYE', () => peer.rtcp.some((bytes) => bytes.includes(Buffer.of(0x81, 203, 0, 1))));
    expect(engine.load().legs).toBe(0);
  });

  it('echoes what the peer says', async () => {
    const engine = await startEngine();
    const from: string[] = [];
    const { leg, peer } = await connect(engine, 1, {
      onReceiving: ({ address, port }) => from.push(`${address}:${port}`),
    });
    leg.route({ kind: 'echo' });
    peer.talk(leg.rtpPort, toneOf(1000, 8000));
    await until('echo', () => peer.received.length >= 60);
    const level = levelOf(peer.audio(30), 1000);
    expect(level).toBeCloseTo(20 * Math.log10(8000 / 32767), 0);
    expect(from).toEqual([`127.0.0.1:${peer.port}`]);
    expectOneLine(peer.received);
  });

  it('mixes minus one: everybody hears all others and never itself', async () => {
    const engine = await startEngine();
    const conference = engine.openConference();
    if (!conference.ok) throw conference.error;
    const tones = [500, 800, 1300];
    const talking: string[] = [];
    const members = await Promise.all(
      tones.map(async (hz) => {
        const peer = await openPeer(hz);
        const leg = openLeg(engine, {
          with: conference.value,
          events: { onTalking: (on) => talking.push(`${hz} ${on ? 'starts' : 'stops'}`) },
        });
        leg.configure(peer.parameters());
        leg.route({ kind: 'conference', conference: conference.value });
        peer.talk(leg.rtpPort, toneOf(hz, 5000));
        return { hz, peer, leg };
      }),
    );
    expect(conference.value.size).toBe(3);
    await until('audio', () => members.every(({ peer }) => peer.received.length >= 100));
    for (const { hz, peer } of members) {
      const samples = peer.audio(50).slice(0, 6400);
      for (const other of tones) {
        const level = levelOf(samples, other);
        if (other === hz) expect(level).toBeLessThan(-60);
        else expect(Math.abs(level - 20 * Math.log10(5000 / 32767))).toBeLessThan(1);
      }
      const last = peer.received.at(-1);
      expect([...(last?.contributors ?? [])].sort()).toEqual(tones.filter((t) => t !== hz).sort());
    }
    for (const { leg } of members) await leg.close();
    expect(talking.filter((line) => line.endsWith('starts')).length).toBe(3);
    expect(talking.filter((line) => line.endsWith('stops')).length).toBe(3);
    conference.value.close();
  });

  it('mutes and unmutes a conferee', async () => {
    const engine = await startEngine();
    const conference = engine.openConference();
    if (!conference.ok) throw conference.error;
    const a = await connect(engine, 1);
    const b = await connect(engine, 2, {}, a.leg);
    for (const { leg } of [a, b]) leg.route({ kind: 'conference', conference: conference.value });
    a.peer.talk(a.leg.rtpPort, toneOf(700, 5000));
    await until('audio', () => b.peer.received.length >= 40);
    a.leg.setMuted(true);
    await systemClock.sleep(100);
    const muted = b.peer.received.length;
    await until('silence', () => b.peer.received.length >= muted + 20);
    expect(b.peer.audio(muted).every((sample) => sample === 0)).toBe(true);
    a.leg.setMuted(false);
    await systemClock.sleep(100);
    const open = b.peer.received.length;
    await until('audio again', () => b.peer.received.length >= open + 25);
    expect(levelOf(b.peer.audio(open), 700)).toBeGreaterThan(-20);
  });

  it('plays prompts without a gap, then reports the end', async () => {
    const engine = await startEngine();
    const { leg, peer } = await connect(engine, 1);
    const half = (hz: number) =>
      Int16Array.from({ length: 4000 }, (_, i) => Math.round(toneOf(hz, 6000)(i)));
    const first = engine.addPrompt('first', half(600), 8000);
    const second = engine.addPrompt('second', half(900), 8000);
    if (!first.ok || !second.ok) throw new Error('no prompt');
    await until('running', () => peer.received.length > 2);
    const playback = leg.play([first.value, second.value]);
    expect(await playback.finished).toBe('played');
    await until('the rest', () => peer.received.length > 60);
    const samples = peer.audio();
    const start = samples.findIndex((sample) => Math.abs(sample) > 100);
    const end = samples.findLastIndex((sample) => Math.abs(sample) > 100);
    expect(end - start).toBeGreaterThan(7900);
    expect(end - start).toBeLessThan(8001);
    const stopped = leg.play([first.value], { loop: true });
    await systemClock.sleep(50);
    stopped.stop();
    expect(await stopped.finished).toBe('stopped');
    engine.releasePrompt(first.value);
    engine.releasePrompt(second.value);
    expect(engine.counters().get('prompt_bytes')).toBe(0);
  });

  it('reports a digit once and sends digits as events', async () => {
    const engine = await startEngine();
    const digits: string[] = [];
    const { leg, peer } = await connect(engine, 1, {
      onDigit: (digit, durationMs, source) => digits.push(`${digit} ${durationMs} ${source}`),
    });
    await until('running', () => peer.received.length > 2);
    peer.press(leg.rtpPort, 5);
    peer.press(leg.rtpPort, 11, 1600);
    await until('digits', () => digits.length >= 2);
    expect(leg.sendDigits(['1', '#'], 100)).toEqual({ ok: true, value: undefined });
    await until('events', () => peer.received.filter((p) => p.payloadType === 101).length >= 14);
    await systemClock.sleep(150);
    expect(digits).toEqual(['5 100 rtp', '# 200 rtp']);
    const events = peer.received.filter((packet) => packet.payloadType === 101);
    expect(new Set(events.map((packet) => packet.timestamp)).size).toBe(2);
    const ends = events.filter((packet) => ((packet.payload[1] ?? 0) & 0x80) !== 0);
    expect(ends.map((packet) => packet.payload[0])).toEqual([1, 1, 1, 11, 11, 11]);
    expect(ends.every((packet) => packet.payload.readUInt16BE(2) === 800)).toBe(true);
    const tooMany = leg.sendDigits(Array.from({ length: 33 }, () => '1' as const));
    expect(tooMany.ok ? '' : tooMany.error.code).toBe('overloaded');
  });

  it('relays undecoded between two legs, on one line across a prompt', async () => {
    const engine = await startEngine();
    const a = await connect(engine, 1);
    const b = await connect(engine, 2, {}, a.leg);
    a.leg.route({ kind: 'relay', peer: b.leg });
    a.peer.talk(a.leg.rtpPort, toneOf(440, 7000));
    b.peer.talk(b.leg.rtpPort, toneOf(620, 7000));
    await until('relayed', () => b.peer.received.length > 60 && a.peer.received.length > 60);
    expect(levelOf(b.peer.audio(20), 440)).toBeGreaterThan(-16);
    expect(levelOf(b.peer.audio(20), 620)).toBeLessThan(-60);
    expect(levelOf(a.peer.audio(20), 620)).toBeGreaterThan(-16);
    expect(engine.counters().get('packets_forwarded')).toBeGreaterThan(0);
    const samples = Int16Array.from({ length: 3200 }, (_, i) => Math.round(toneOf(900, 6000)(i)));
    const prompt = engine.addPrompt('beep', samples, 8000);
    if (!prompt.ok) throw prompt.error;
    expect(await b.leg.play([prompt.value]).finished).toBe('played');
    const after = b.peer.received.length;
    await until('relayed again', () => b.peer.received.length > after + 30);
    expect(levelOf(b.peer.audio(after + 5), 440)).toBeGreaterThan(-16);
    expectOneLine(b.peer.received);
  });

  it('records what the peer says into a WAV file', async () => {
    const engine = await startEngine();
    const path = join(tmpdir(), `minusone-record-${process.pid}.wav`);
    closers.push(() => rm(path, { force: true }));
    const { leg, peer } = await connect(engine, 1);
    peer.talk(leg.rtpPort, toneOf(1000, 8000));
    await until('running', () => peer.received.length > 10);
    const recording = await leg.record({ path });
    if (!recording.ok) throw recording.error;
    await systemClock.sleep(1000);
    const summary = await recording.value.stop();
    if (!summary.ok) throw summary.error;
    expect(summary.value.gapMs).toBe(0);
    expect(summary.value.durationMs).toBeGreaterThan(900);
    const file = await readFile(path);
    expect(file.readUInt32LE(40)).toBe(file.length - 44);
    expect(file.readUInt32LE(24)).toBe(8000);
    const pcm = new Int16Array(file.buffer, file.byteOffset + 44, (file.length - 44) / 2);
    expect(levelOf(pcm.slice(1600, 6400), 1000)).toBeCloseTo(20 * Math.log10(8000 / 32767), 0);
  });
});
