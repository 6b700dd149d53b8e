/** The paths of the claims with real SIP, real RTP and real roles in one process: 3 VRUs, 3 mixers, 2 interface servers. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addAccount, addDnis } from '../../signaling/conference/accounts.ts';
import { readWav, writeWav } from '../../vru/wav.ts';
import { levelDbfs, SILENCE_DBFS, toneLevelDbfs } from '../audio/level.ts';
import { type Audio, mixed, tone as sine, slice } from '../audio/signals.ts';
import { checkToneMatrix, matrixFrequencies } from '../audio/tone-matrix.ts';
import { heardPrompt } from './heard.ts';
import { must, type RunningSystem, startSystem } from './system.ts';

const folder = mkdtempSync(join(tmpdir(), 'minusone-e2e-'));
let system: RunningSystem;

beforeAll(async () => {
  system = await startSystem({
    // Below the ephemeral ports, which the phones of other test files are given.
    rtpPort: 6_000,
    vrus: 3,
    mixerClasses: ['standard', 'standard', 'hd'],
    vruSettings: {
      conference: { announce: 'none' },
      voicemail: { folder: join(folder, 'voicemail') },
    },
  });
  for (const [id, waitingMode, mixerClass] of [
    ['a', 'start', 'standard'],
    ['b', 'start', 'standard'],
    ['c', 'start', 'standard'],
    ['d', 'start', 'standard'],
    ['lock', 'start', 'standard'],
    ['leave', 'start', 'standard'],
    ['late', 'start', 'standard'],
    ['alaw', 'start', 'standard'],
    ['tones', 'start', 'standard'],
    ['none', 'start', 'studio'],
  ] as const) {
    const code = String(
      6_000 + ([...id].reduce((sum, sign) => sum * 31 + sign.charCodeAt(0), 7) % 1_000),
    );
    codes.set(id, code);
    must(
      await addAccount(system.store, {
        id: `test-${id}`,
        name: id,
        hostCodes: [`91${code}`],
        participantCodes: [`11${code}`],
        waitingMode,
        mixerClass,
      }),
    );
  }
});

afterAll(async () => {
  await system.stop();
  rmSync(folder, { recursive: true, force: true });
});

const codes = new Map<string, string>();
const host = (id: string): string => `91${codes.get(id)}#`;
const guest = (id: string): string => `11${codes.get(id)}#`;
const LEVEL = -20;
const tone = (frequencyHz: number): string => `tone:${frequencyHz}@${LEVEL}`;

/**
 * Level of a tone in the second from `fromMs` on: the median of short pieces, as a packet that the
 * busy machine delayed shifts the phase of what follows.
 */
function loudness(audio: Audio, frequencyHz: number, fromMs: number): number {
  const pieces = Array.from({ length: 10 }, (_, index) =>
    toneLevelDbfs(slice(audio, fromMs + index * 100, 100), frequencyHz),
  );
  return pieces.toSorted((left, right) => left - right)[5] ?? SILENCE_DBFS;
}

/** The longest silence of one tone, looked at every 10 ms. */
function longestLossMs(audio: Audio, frequencyHz: number, fromMs: number, toMs: number): number {
  let longest = 0;
  let run = 0;
  for (let atMs = fromMs; atMs + 20 <= toMs; atMs += 10) {
    run = toneLevelDbfs(slice(audio, atMs, 20), frequencyHz) < LEVEL - 20 ? run + 10 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
}

describe('R1, R3, R4, R11, R13: two callers of different VRUs', () => {
  it('hear each other and never themselves', async () => {
    const dtmf = '110001#';
    const [a, b] = await Promise.all([
      system.phone(0, { dtmf, play: tone(440), dtmfDelayMs: 2_500, durationMs: 8_000 }),
      system.phone(1, { dtmf, play: tone(620), dtmfDelayMs: 2_500, durationMs: 8_000 }),
    ]);
    expect([a.exitCode, b.exitCode]).toEqual([0, 0]);
    expect(loudness(a.audio, 620, 6_000)).toBeCloseTo(LEVEL, 0);
    expect(loudness(b.audio, 440, 6_000)).toBeCloseTo(LEVEL, 0);
    expect(loudness(a.audio, 440, 6_000)).toBeLessThan(LEVEL - 60);
    expect(loudness(b.audio, 620, 6_000)).toBeLessThan(LEVEL - 60);
    expect(heardPrompt(a.audio, 'welcome')).toBe(true);
  });
});

describe.concurrent('the three waiting modes', () => {
  it('R9: a participant hears music until the host comes', async () => {
    const guestCall = system.phone(0, { dtmf: '110002#', play: tone(440), durationMs: 12_000 });
    const hostCall = system.phone(1, {
      dtmf: '910002#',
      dtmfDelayMs: 6_000,
      play: tone(620),
      durationMs: 12_000,
    });
    const [waiting, arriving] = await Promise.all([guestCall, hostCall]);
    expect(heardPrompt(waiting.audio, 'waiting-for-host')).toBe(true);
    expect(heardPrompt(waiting.audio, 'host-has-arrived')).toBe(true);
    // Music between the notice and the host, no tone of anybody.
    const music = slice(waiting.audio, 5_500, 1_000);
    expect(levelDbfs(music)).toBeGreaterThan(-45);
    expect(toneLevelDbfs(music, 620)).toBeLessThan(-50);
    expect(loudness(waiting.audio, 620, 10_500)).toBeCloseTo(LEVEL, 0);
    expect(loudness(arriving.audio, 440, 10_500)).toBeCloseTo(LEVEL, 0);
  });

  it('R10: participants talk, and are moved with under 100 ms lost when the host comes', async () => {
    const dtmf = '110003#';
    const calls = await Promise.all([
      system.phone(0, { dtmf, play: tone(440), durationMs: 13_000 }),
      system.phone(2, { dtmf, play: tone(620), durationMs: 13_000 }),
      system.phone(1, { dtmf: '910003#', dtmfDelayMs: 7_000, play: tone(880), durationMs: 13_000 }),
    ]);
    const [a, b, c] = calls.map((call) => call.audio);
    if (a === undefined || b === undefined || c === undefined) throw new Error('no audio');
    expect(heardPrompt(a, 'host-not-here-yet')).toBe(true);
    expect(heardPrompt(a, 'host-has-arrived')).toBe(true);
    expect(loudness(a, 620, 6_000)).toBeCloseTo(LEVEL, 0);
    expect(loudness(a, 620, 11_500)).toBeCloseTo(LEVEL, 0);
    expect(loudness(a, 880, 11_500)).toBeCloseTo(LEVEL, 0);
    expect(loudness(c, 440, 11_500)).toBeCloseTo(LEVEL, 0);
    expect(longestLossMs(a, 620, 6_000, 12_500)).toBeLessThan(100);
    expect(longestLossMs(b, 440, 6_000, 12_500)).toBeLessThan(100);
  });
});

describe('R5 to R8, R11: a tone matrix', () => {
  it('of four conferences over three VRUs and two mixers', async () => {
    const members = await Promise.all(
      matrixFrequencies(12, 4).map(async (frequencyHz, index) => {
        const conference = ['a', 'b', 'c', 'd'][index % 4] ?? 'a';
        const dtmf = index < 4 ? host(conference) : guest(conference);
        const play = tone(frequencyHz);
        const { audio } = await system.phone(index % 3, { dtmf, play, durationMs: 10_000 });
        const heard = slice(audio, 5_000, 4_500);
        return { name: `m${index}`, conference, frequencyHz, levelDbfs: LEVEL, heard };
      }),
    );
    const report = checkToneMatrix(members, { windowMs: 1_500 });
    expect(report.faults).toEqual([]);
    expect(report.pairs).toBe(144);
  });
});

describe.concurrent('what callers are told', () => {
  it('R2: three wrong codes end in words and a BYE', async () => {
    const dtmf = '4711#,,,,,4712#,,,,,4713#';
    const call = await system.phone(0, { dtmf, durationMs: 30_000 });
    expect(call.endedBy).toBe('remote');
    expect(heardPrompt(call.audio, 'invalid-code')).toBe(true);
    expect(heardPrompt(call.audio, 'too-many-tries')).toBe(true);
  });

  it('R12: no mixer of the class is a spoken reason; hd lands on its own mixer', async () => {
    const refused = system.phone(1, { dtmf: guest('none'), durationMs: 20_000 });
    const taken = system.phone(2, { dtmf: '910004#', durationMs: 5_000 });
    expect((await refused).endedBy).toBe('remote');
    expect(heardPrompt((await refused).audio, 'no-mixer-of-class')).toBe(true);
    expect((await taken).endedBy).toBe('local');
  });

  it('R24, R25: a locked conference takes nobody more', async () => {
    const first = system.phone(0, { dtmf: `${host('lock')},,,,*7`, durationMs: 12_000 });
    const second = system.phone(1, { dtmf: guest('lock'), dtmfDelayMs: 6_000, durationMs: 20_000 });
    expect(heardPrompt((await first).audio, 'locked')).toBe(true);
    expect((await second).endedBy).toBe('remote');
    expect(heardPrompt((await second).audio, 'conference-locked')).toBe(true);
  });

  it('R20: leaving by key', async () => {
    const stays = system.phone(0, { dtmf: host('leave'), play: tone(440), durationMs: 10_000 });
    const leaves = system.phone(1, {
      dtmf: `${guest('leave')},,,,,**`,
      play: tone(620),
      durationMs: 30_000,
    });
    expect((await leaves).endedBy).toBe('remote');
    expect(heardPrompt((await leaves).audio, 'you-have-left')).toBe(true);
    expect(loudness((await stays).audio, 620, 9_000)).toBeLessThan(-80);
  });

  it('R40: 2000 echoes, 3000 speaks and hangs up, an unknown number is 404', async () => {
    const echo = system.phone(0, { dnis: '2000', play: tone(440), durationMs: 8_000 });
    const spoken = system.phone(1, { dnis: '3000', durationMs: 30_000 });
    expect(loudness((await echo).audio, 440, 6_500)).toBeCloseTo(LEVEL, 0);
    expect((await spoken).endedBy).toBe('remote');
    expect(heardPrompt((await spoken).audio, 'announcement-default')).toBe(true);
  });
});

describe.concurrent('R1, R40, R47: other ways in', () => {
  it('digits as tones in the audio', async () => {
    const file = join(folder, 'keys.wav');
    writeFileSync(file, writeWav(keyTones(guest('tones'))));
    const call = await system.phone(0, { play: file, durationMs: 6_000 });
    expect(call.endedBy).toBe('local');
    const line = 'minusone_vru_digits_total{source="inband",fate="delivered"}';
    expect(await system.metric(line)).toBe(7);
    expect(heardPrompt(call.audio, 'invalid-code')).toBe(false);
  });

  it('an INVITE without an offer, and TCP', async () => {
    const dtmf = guest('late');
    const calls = await Promise.all([
      system.phone(1, { dtmf, play: tone(440), lateOffer: true, durationMs: 7_000 }),
      system.phone(2, { dtmf, play: tone(620), transport: 'tcp', durationMs: 7_000 }),
    ]);
    expect(loudness(calls[0].audio, 620, 5_000)).toBeCloseTo(LEVEL, 0);
    expect(loudness(calls[1].audio, 440, 5_000)).toBeCloseTo(LEVEL, 0);
  });

  it('A-law callers among µ-law ones', async () => {
    const dtmf = guest('alaw');
    const calls = await Promise.all([
      system.phone(0, { dtmf, play: tone(440), codecs: ['PCMA'], durationMs: 7_000 }),
      system.phone(1, { dtmf, play: tone(620), codecs: ['PCMU'], durationMs: 7_000 }),
    ]);
    expect(calls.map((call) => call.codec)).toEqual(['PCMA', 'PCMU']);
    expect(loudness(calls[0].audio, 620, 5_000)).toBeCloseTo(LEVEL, 0);
    expect(loudness(calls[1].audio, 440, 5_000)).toBeCloseTo(LEVEL, 0);
  });

  it('voicemail keeps what was said', async () => {
    must(await addDnis(system.store, { dnis: '5000', application: 'voicemail' }));
    // Keys end the greeting and then the message.
    const dtmf = `1,,,,,,,,,,,,#`;
    const call = await system.phone(2, { dnis: '5000', dtmf, play: tone(440), durationMs: 30_000 });
    expect(call.endedBy).toBe('remote');
    expect(heardPrompt(call.audio, 'message-saved')).toBe(true);
    const names = readdirSync(join(folder, 'voicemail', '5000')).toSorted();
    const [record, recording] = names.map((name) => join(folder, 'voicemail', '5000', name));
    const wav = must(readWav(readFileSync(recording ?? '')));
    expect(JSON.parse(readFileSync(record ?? '', 'utf8'))).toMatchObject({
      dnis: '5000',
      endedBy: 'key',
    });
    expect(loudness(wav, 440, 1_000)).toBeCloseTo(LEVEL, 0);
  });

  it('a menu leads to another number', async () => {
    const choices = { 1: { dnis: '3000' } };
    must(await addDnis(system.store, { dnis: '4000', application: 'menu', settings: { choices } }));
    const call = await system.phone(1, { dnis: '4000', dtmf: '1', durationMs: 30_000 });
    expect(call.endedBy).toBe('remote');
    expect(heardPrompt(call.audio, 'announcement-default')).toBe(true);
  });
});

/** Key tones (ITU-T Q.23) of 100 ms, 100 ms apart, after a second. */
function keyTones(keys: string): Audio {
  const [rows, columns] = [
    [697, 770, 852, 941],
    [1209, 1336, 1477],
  ];
  const parts = [...keys].flatMap((key, index) => {
    const place = '123456789*0#'.indexOf(key);
    const pair = [rows?.[Math.floor(place / 3)] ?? 0, columns?.[place % 3] ?? 0];
    return pair.map((hz) => ({ audio: sine(hz, -12, 100, 8_000), atMs: 1_000 + index * 200 }));
  });
  return mixed(parts);
}

describe('the mixer dies', () => {
  it('and the callers are back in the conference within about a second', async () => {
    const dtmf = '110001#';
    const calls = Promise.all([
      system.phone(0, { dtmf, play: tone(440), durationMs: 14_000 }),
      system.phone(1, { dtmf, play: tone(620), durationMs: 14_000 }),
    ]);
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    const lost = await system.mixerOf('demo-start');
    await system.killMixer(lost);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(await system.mixerOf('demo-start')).not.toBe(lost);
    const [a, b] = await calls;
    expect([a.exitCode, b.exitCode]).toEqual([0, 0]);
    expect(loudness(a.audio, 620, 12_000)).toBeCloseTo(LEVEL, 0);
    expect(loudness(b.audio, 440, 12_000)).toBeCloseTo(LEVEL, 0);
    expect(longestLossMs(a.audio, 620, 5_000, 13_000)).toBeLessThan(1_200);
    expect(longestLossMs(b.audio, 440, 5_000, 13_000)).toBeLessThan(1_200);
  });
});
