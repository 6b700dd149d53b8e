/** The keypad with real calls and real DTMF: 3 VRUs, 2 mixers, 2 interface servers in one process. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addAccount } from '../../signaling/conference/accounts.ts';
import { SILENCE_DBFS, toneLevelDbfs } from '../audio/level.ts';
import { type Audio, slice } from '../audio/signals.ts';
import { findPrompt, heardPrompt } from './heard.ts';
import { must, type RunningSystem, startSystem } from './system.ts';

const LEVEL = -20;
const tone = (frequencyHz: number): string => `tone:${frequencyHz}@${LEVEL}`;
const CODES = new Map([
  ['roll', '7101'],
  ['mute', '7102'],
  ['delete', '7103'],
  ['lock', '7104'],
  ['mode', '7105'],
]);
const host = (id: string): string => `91${CODES.get(id)}#`;
const guest = (id: string): string => `11${CODES.get(id)}#`;
let system: RunningSystem;

beforeAll(async () => {
  system = await startSystem({
    // Below the ephemeral range, as the SIP ports are fixed.
    rtpPort: 12_000,
    vrus: 3,
    vruSettings: { conference: { announce: 'none' } },
  });
  for (const [id, code] of CODES) {
    const account = { id: `keypad-${id}`, name: id, waitingMode: 'start' };
    const codes = { hostCodes: [`91${code}`], participantCodes: [`11${code}`] };
    must(await addAccount(system.store, { ...account, ...codes }));
  }
});

afterAll(async () => {
  await system.stop();
});

/** As in conference.test.ts: the median of short pieces of one second. */
function loudness(audio: Audio, frequencyHz: number, fromMs: number): number {
  const pieces = Array.from({ length: 10 }, (_, index) =>
    toneLevelDbfs(slice(audio, fromMs + index * 100, 100), frequencyHz),
  );
  return pieces.toSorted((left, right) => left - right)[5] ?? SILENCE_DBFS;
}

describe.concurrent('the host’s keys', () => {
  it('R21: roll call, heard by the host alone, over the talk', async () => {
    const calls = await Promise.all([
      system.phone(0, { dtmf: `${host('roll')},,,,,,,,*8`, durationMs: 32_000 }),
      system.phone(1, { dtmf: guest('roll'), play: tone(440), durationMs: 32_000 }),
      system.phone(2, { dtmf: guest('roll'), durationMs: 32_000 }),
    ]);
    const [own, talking, other] = calls.map(({ audio }) => audio);
    if (own === undefined || talking === undefined || other === undefined)
      throw new Error('silent');
    expect(heardPrompt(own, 'in-the-conference-there-are')).toBe(true);
    expect(heardPrompt(own, 'the-host')).toBe(true);
    expect(heardPrompt(own, 'end-of-list')).toBe(true);
    // Mixed: the talk is heard all the while.
    expect(loudness(own, 440, findPrompt(own, 'in-the-conference-there-are').atMs)).toBeGreaterThan(
      -26,
    );
    for (const audio of [talking, other]) {
      expect(heardPrompt(audio, 'in-the-conference-there-are')).toBe(false);
    }
  });

  it('R22: mutes and unmutes one conferee from the private roster; both hear it', async () => {
    // The guest comes second, so it is number two: next, next, mute; then unmute.
    const hosting = system.phone(0, {
      dtmf: `${host('mute')},,,,,,,,*9,,6,,6,,5,,,,,,,,,,,,5,,,#`,
      durationMs: 26_000,
    });
    const muted = system.phone(1, {
      dtmf: guest('mute'),
      dtmfDelayMs: 1_500,
      play: tone(620),
      durationMs: 26_000,
    });
    const [{ audio: own }, { audio: theirs }] = await Promise.all([hosting, muted]);
    expect(heardPrompt(theirs, 'muted-by-host')).toBe(true);
    expect(heardPrompt(theirs, 'unmuted-by-host')).toBe(true);
    expect(heardPrompt(theirs, 'roster-help')).toBe(false);
    const mutedAt = findPrompt(own, 'is-muted').atMs;
    expect(loudness(own, 620, mutedAt + 2_000)).toBeLessThan(-60);
    expect(loudness(own, 620, 24_000)).toBeCloseTo(LEVEL, 0);
  });

  it('R23: deletes one conferee by its number; it hears why and is hung up', async () => {
    const hosting = system.phone(0, {
      dtmf: `${host('delete')},,,,,,,,#9,2#`,
      durationMs: 18_000,
    });
    const deleted = system.phone(2, {
      dtmf: guest('delete'),
      dtmfDelayMs: 1_500,
      play: tone(880),
      durationMs: 40_000,
    });
    const [own, gone] = await Promise.all([hosting, deleted]);
    expect(gone.endedBy).toBe('remote');
    expect(heardPrompt(gone.audio, 'you-have-been-removed')).toBe(true);
    expect(heardPrompt(own.audio, 'has-been-removed')).toBe(true);
    expect(loudness(own.audio, 880, 16_500)).toBeLessThan(-60);
  });

  it('R24, R25: locks for all VRUs, and unlocks', async () => {
    const hosting = system.phone(0, {
      dtmf: `${host('lock')},,,,,,,,*7,,,,,,,,,,,,,,,,,,*7`,
      durationMs: 30_000,
    });
    const refused = system.phone(1, {
      dtmf: guest('lock'),
      dtmfDelayMs: 8_000,
      durationMs: 30_000,
    });
    const taken = system.phone(2, { dtmf: guest('lock'), dtmfDelayMs: 19_000, durationMs: 23_000 });
    expect((await refused).endedBy).toBe('remote');
    expect(heardPrompt((await refused).audio, 'conference-locked')).toBe(true);
    expect((await taken).endedBy).toBe('local');
    expect(heardPrompt((await hosting).audio, 'unlocked')).toBe(true);
  });

  it('R22: lecture mode mutes participants, also those who come later; a muted one hears why', async () => {
    const hosting = system.phone(0, {
      dtmf: `${host('mode')},,,,,,,,*5`,
      play: tone(440),
      durationMs: 22_000,
    });
    const early = system.phone(1, {
      dtmf: `${guest('mode')},,,,,,,,,,,,,,,,,,,,*6`,
      play: tone(620),
      durationMs: 22_000,
    });
    const late = system.phone(2, {
      dtmf: guest('mode'),
      dtmfDelayMs: 10_000,
      play: tone(880),
      durationMs: 22_000,
    });
    const [own, one, two] = await Promise.all([hosting, early, late]);
    expect(heardPrompt(own.audio, 'lecture-mode')).toBe(true);
    expect(heardPrompt(one.audio, 'lecture-mode')).toBe(true);
    expect(heardPrompt(one.audio, 'muted-by-mode')).toBe(true);
    expect(loudness(own.audio, 620, 19_000)).toBeLessThan(-60);
    expect(loudness(own.audio, 880, 19_000)).toBeLessThan(-60);
    expect(loudness(two.audio, 440, 20_000)).toBeCloseTo(LEVEL, 0);
  });
});
