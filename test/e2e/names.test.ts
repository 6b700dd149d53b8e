/**
 * Names, announcements to all, hold, sub-conferences, recordings and limits with real calls and real
 * keys: 3 VRUs, 2 mixers, 2 interface servers in one process.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addAccount } from '../../signaling/conference/accounts.ts';
import { PREFIXES } from '../../signaling/conference/records.ts';
import { readWav, writeWav } from '../../vru/wav.ts';
import { SILENCE_DBFS, toneLevelDbfs } from '../audio/level.ts';
import { type Audio, slice, tone as toneOf } from '../audio/signals.ts';
import { findPrompt, heardPrompt } from './heard.ts';
import { must, type RunningSystem, startSystem } from './system.ts';

const LEVEL = -20;
const tone = (frequencyHz: number): string => `tone:${frequencyHz}@${LEVEL}`;
const ACCOUNTS = new Map<string, { readonly code: string; readonly more?: object }>([
  ['names', { code: '7201', more: { recordNames: true, announceEntry: 'name' } }],
  ['tones', { code: '7202', more: { announceEntry: 'tone', announceUpTo: 2 } }],
  ['hold', { code: '7203' }],
  ['subs', { code: '7204' }],
  ['record', { code: '7205' }],
  ['limit', { code: '7206', more: { maxDurationMs: 12_000 } }],
  ['heir', { code: '7207', more: { hostLeaves: 'succeed' } }],
]);
const host = (id: string): string => `91${ACCOUNTS.get(id)?.code}#`;
const guest = (id: string): string => `11${ACCOUNTS.get(id)?.code}#`;
const pause = (seconds: number): string => ','.repeat(seconds * 2);
let system: RunningSystem;

beforeAll(async () => {
  system = await startSystem({
    rtpPort: 3_000,
    vrus: 3,
    vruSettings: { conference: { announce: 'none' } },
  });
  for (const [id, { code, more }] of ACCOUNTS) {
    const account = { id, name: id, waitingMode: 'start', ...more };
    const codes = { hostCodes: [`91${code}`], participantCodes: [`11${code}`] };
    must(await addAccount(system.store, { ...account, ...codes }));
  }
});

afterAll(async () => {
  await system.stop();
});

function loudness(audio: Audio, frequencyHz: number, fromMs: number): number {
  const pieces = Array.from({ length: 10 }, (_, index) =>
    toneLevelDbfs(slice(audio, fromMs + index * 100, 100), frequencyHz),
  );
  return pieces.toSorted((left, right) => left - right)[5] ?? SILENCE_DBFS;
}

/** A caller who says this tone for the first seconds of the call, as a name, and then nothing. */
function sayingName(frequencyHz: number): string {
  const path = join(system.folder, `name-${frequencyHz}.wav`);
  writeFileSync(path, writeWav(toneOf(frequencyHz, LEVEL, 13_000, 8000)));
  return path;
}

/** The loudest of the second. */
const atMost = (audio: Audio, frequencyHz: number, fromMs: number, toMs: number): number => {
  let most = SILENCE_DBFS;
  for (let at = fromMs; at + 200 <= toMs; at += 100) {
    most = Math.max(most, toneLevelDbfs(slice(audio, at, 200), frequencyHz));
  }
  return most;
};

describe.concurrent('names', () => {
  it('R21: said at entry, heard in the announcements and in the roll call, forgotten at the end', async () => {
    const entry = `${pause(7)}#${pause(3)}1`;
    const hosting = system.phone(0, {
      dtmf: `${host('names')}${entry}${pause(11)}*8`,
      play: sayingName(700),
      durationMs: 48_000,
    });
    const joining = system.phone(1, {
      dtmf: `${guest('names')}${entry}`,
      dtmfDelayMs: 6_000,
      play: sayingName(1000),
      durationMs: 38_000,
    });
    const [{ audio: own }, { audio: theirs }] = await Promise.all([hosting, joining]);
    for (const audio of [own, theirs]) {
      expect(heardPrompt(audio, 'say-your-name')).toBe(true);
      expect(heardPrompt(audio, 'your-name-is')).toBe(true);
    }
    // The host hears who comes and goes, by name.
    expect(heardPrompt(own, 'has-joined')).toBe(true);
    expect(heardPrompt(own, 'has-left')).toBe(true);
    const joinedAt = findPrompt(own, 'has-joined').atMs;
    expect(atMost(own, 1000, joinedAt - 3_000, joinedAt)).toBeGreaterThan(-24);
    const rollAt = findPrompt(own, 'in-the-conference-there-are').atMs;
    const rollEnd = findPrompt(own, 'end-of-list').atMs;
    expect(atMost(own, 700, rollAt, rollEnd)).toBeGreaterThan(-24);
    expect(atMost(own, 1000, rollAt, rollEnd)).toBeGreaterThan(-24);
    // Private.
    expect(heardPrompt(theirs, 'in-the-conference-there-are')).toBe(false);
    expect(must(await system.store.list(PREFIXES.name))).toEqual([]);
  });

  it('tones for who comes and goes, up to a number of conferees', async () => {
    const calls = await Promise.all([
      system.phone(0, { dtmf: host('tones'), durationMs: 26_000 }),
      system.phone(1, { dtmf: guest('tones'), dtmfDelayMs: 6_000, durationMs: 22_000 }),
      system.phone(2, { dtmf: guest('tones'), dtmfDelayMs: 12_000, durationMs: 16_000 }),
    ]);
    const [own, second, third] = calls.map(({ audio }) => audio);
    if (own === undefined || second === undefined || third === undefined) throw new Error('silent');
    // Up two notes, for the second conferee alone: with the third there are too many.
    const rising = heardTones(own, 523, 784);
    expect(rising.length).toBe(1);
    expect(rising[0]).toBeGreaterThan(6_000);
    expect(rising[0]).toBeLessThan(11_000);
    expect(heardTones(third, 523, 784)).toEqual([]);
    // When the third has gone there are two, and when the second has gone one.
    expect(heardTones(own, 784, 523).length).toBe(2);
  });
});

/** When the one note was heard and then, within half a second, the other. */
function heardTones(audio: Audio, first: number, then: number): readonly number[] {
  const found: number[] = [];
  const lengthMs = (audio.samples.length / audio.rateHz) * 1_000;
  for (let at = 5_000; at + 400 < lengthMs; at += 20) {
    const one = toneLevelDbfs(slice(audio, at, 100), first);
    const other = toneLevelDbfs(slice(audio, at + 200, 100), then);
    const early = toneLevelDbfs(slice(audio, at, 60), then);
    if (one < -28 || other < -28 || early > -35) continue;
    if (at - (found.at(-1) ?? Number.NEGATIVE_INFINITY) > 1_000) found.push(at);
  }
  return found;
}

describe.concurrent('hold, sub-conferences, recordings', () => {
  it('R22: a conferee on hold hears music, is not heard, and comes back', async () => {
    const hosting = system.phone(0, {
      dtmf: `${host('hold')}${pause(4)}*9,,6,,6,,0${pause(8)}0,,,,#`,
      play: tone(440),
      durationMs: 30_000,
    });
    const held = system.phone(1, {
      dtmf: guest('hold'),
      dtmfDelayMs: 1_500,
      play: tone(620),
      durationMs: 30_000,
    });
    const [{ audio: own }, { audio: theirs }] = await Promise.all([hosting, held]);
    expect(heardPrompt(own, 'is-on-hold')).toBe(true);
    expect(heardPrompt(theirs, 'you-are-on-hold')).toBe(true);
    const heldAt = findPrompt(theirs, 'you-are-on-hold').atMs;
    expect(loudness(own, 620, heldAt + 3_000)).toBeLessThan(-60);
    expect(loudness(theirs, 440, heldAt + 4_000)).toBeLessThan(-45);
    expect(heardPrompt(theirs, 'reconnected')).toBe(true);
    expect(loudness(own, 620, 28_000)).toBeCloseTo(LEVEL, 0);
    expect(loudness(theirs, 440, 28_000)).toBeCloseTo(LEVEL, 0);
  });

  it('sub-conferences: two go aside and come back; nobody changes the ordinal', async () => {
    const calls = await Promise.all([
      system.phone(0, {
        dtmf: `${host('subs')}${pause(9)}*9,,6,,6`,
        play: tone(440),
        durationMs: 32_000,
      }),
      system.phone(1, {
        dtmf: `${guest('subs')}${pause(4)}*3,,,,1#${pause(11)}*3,0#`,
        dtmfDelayMs: 2_000,
        play: tone(620),
        durationMs: 32_000,
      }),
      system.phone(2, {
        dtmf: `${guest('subs')}${pause(3)}*3,,,,1#${pause(11)}*3,0#`,
        dtmfDelayMs: 3_000,
        play: tone(880),
        durationMs: 32_000,
      }),
    ]);
    const [own, one, two] = calls.map(({ audio }) => audio);
    if (own === undefined || one === undefined || two === undefined) throw new Error('silent');
    const aside = findPrompt(two, 'entering-sub-conference').atMs + 3_000;
    expect(loudness(one, 880, aside)).toBeCloseTo(LEVEL, 0);
    expect(loudness(two, 620, aside)).toBeCloseTo(LEVEL, 0);
    for (const audio of [one, two]) expect(loudness(audio, 440, aside)).toBeLessThan(-60);
    for (const frequencyHz of [620, 880]) {
      expect(loudness(own, frequencyHz, aside)).toBeLessThan(-60);
    }
    expect(heardPrompt(own, 'is-in-sub-conference')).toBe(true);
    expect(heardPrompt(one, 'leaving-sub-conference')).toBe(true);
    expect(loudness(one, 440, 30_500)).toBeCloseTo(LEVEL, 0);
    expect(loudness(own, 620, 30_500)).toBeCloseTo(LEVEL, 0);
    expect(loudness(own, 880, 30_500)).toBeCloseTo(LEVEL, 0);
  });

  it('a host records the conference; everybody hears it begin and end, also who comes later', async () => {
    const hosting = system.phone(0, {
      dtmf: `${host('record')}${pause(4)}*2${pause(13)}*2${pause(2)}*8,,*8`,
      play: tone(440),
      durationMs: 38_000,
    });
    const there = system.phone(1, {
      dtmf: guest('record'),
      dtmfDelayMs: 1_500,
      play: tone(620),
      durationMs: 38_000,
    });
    const late = system.phone(2, {
      dtmf: guest('record'),
      dtmfDelayMs: 13_000,
      durationMs: 38_000,
    });
    const before = new Set(recordings());
    const [own, one, two] = (await Promise.all([hosting, there, late])).map(({ audio }) => audio);
    if (own === undefined || one === undefined || two === undefined) throw new Error('silent');
    for (const audio of [own, one, two]) {
      expect(heardPrompt(audio, 'recording-started')).toBe(true);
      expect(heardPrompt(audio, 'recording-stopped')).toBe(true);
      // The second `*8` is a roll call for all.
      expect(heardPrompt(audio, 'end-of-list')).toBe(true);
    }
    const files = recordings().filter((file) => !before.has(file));
    expect(files.length).toBe(1);
    const recorded = must(readWav(readFileSync(files[0] ?? '')));
    expect(recorded.rateHz).toBe(16_000);
    expect(loudness(recorded, 440, 6_000)).toBeCloseTo(LEVEL, 0);
    expect(loudness(recorded, 620, 6_000)).toBeCloseTo(LEVEL, 0);
  });
});

function recordings(): readonly string[] {
  return ['mixer-1', 'mixer-2'].flatMap((mixer) => wavFiles(join(system.folder, mixer)));
}

function wavFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}

describe.concurrent('how it ends', () => {
  it('at the account’s limit everybody hears why', async () => {
    const calls = await Promise.all([
      system.phone(0, { dtmf: host('limit'), durationMs: 60_000 }),
      system.phone(1, { dtmf: guest('limit'), dtmfDelayMs: 1_500, durationMs: 60_000 }),
    ]);
    for (const call of calls) {
      expect(call.endedBy).toBe('remote');
      expect(heardPrompt(call.audio, 'conference-will-end-in')).toBe(true);
      expect(heardPrompt(call.audio, 'time-limit-reached')).toBe(true);
    }
  });

  it('R28: the host leaves, and who came next is host, with the keys of one', async () => {
    const [, next] = await Promise.all([
      system.phone(0, { dtmf: host('heir'), durationMs: 18_000 }),
      system.phone(1, {
        dtmf: `${guest('heir')}${pause(26)}*7`,
        dtmfDelayMs: 1_500,
        durationMs: 44_000,
      }),
      system.phone(2, { dtmf: guest('heir'), dtmfDelayMs: 9_000, durationMs: 44_000 }),
    ]);
    expect(heardPrompt(next.audio, 'you-are-now-host')).toBe(true);
    expect(heardPrompt(next.audio, 'locked')).toBe(true);
  });
});
