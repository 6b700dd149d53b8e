import { describe, expect, it } from 'vitest';
import { findMark, findMarks } from './delay.ts';
import { countClicks, findGaps, findSounds } from './gaps.ts';
import { levelDbfs, SILENCE_DBFS, strongestTone, toneLevelDbfs } from './level.ts';
import { type Audio, chirp, mixed, peakOf, slice, tone } from './signals.ts';
import { checkToneMatrix, type MatrixMember, matrixFrequencies } from './tone-matrix.ts';

const silence = (durationMs: number): Audio => tone(1000, SILENCE_DBFS, durationMs, 8000);

describe('levels', () => {
  it.each([0, -6, -20, -40])('measures a tone of %d dBFS', (level) => {
    const audio = tone(703, level, 1000, 8000);
    expect(toneLevelDbfs(audio, 703)).toBeCloseTo(level, 1);
    expect(levelDbfs(audio)).toBeCloseTo(level, 1);
  });

  it('keeps tones apart by more than 60 dB', () => {
    const audio = mixed([
      { audio: tone(703, -12, 1000, 8000) },
      { audio: tone(728, -12, 1000, 8000) },
    ]);
    expect(toneLevelDbfs(audio, 703)).toBeCloseTo(-12, 1);
    expect(toneLevelDbfs(audio, 753)).toBeLessThan(-80);
  });

  it('calls nothing silence', () => {
    expect(levelDbfs(silence(100))).toBe(SILENCE_DBFS);
    expect(toneLevelDbfs({ rateHz: 8000, samples: new Int16Array(0) }, 400)).toBe(SILENCE_DBFS);
  });

  it('finds the strongest tone', () => {
    const found = strongestTone(tone(437, -20, 250, 8000));
    expect(Math.abs(found.frequencyHz - 437)).toBeLessThan(5);
  });
});

describe('gaps', () => {
  const audio = mixed([
    { audio: tone(500, -20, 300, 8000) },
    { audio: tone(500, -20, 200, 8000), atMs: 400 },
  ]);

  it('finds a silence and the sounds around it', () => {
    expect(findGaps(audio)).toEqual([{ fromMs: 300, durationMs: 100 }]);
    expect(findSounds(audio)).toEqual([
      { fromMs: 0, durationMs: 300 },
      { fromMs: 400, durationMs: 200 },
    ]);
  });

  it('counts a cut as a click and a whole tone as none', () => {
    const whole = tone(500, -20, 300, 8000);
    expect(countClicks(whole, 500, peakOf(-20))).toBe(0);
    const cut = {
      rateHz: 8000,
      samples: Int16Array.from([
        ...whole.samples.subarray(0, 997),
        ...whole.samples.subarray(1004),
      ]),
    };
    expect(countClicks(cut, 500, peakOf(-20))).toBeGreaterThan(0);
  });
});

describe('delay', () => {
  it('finds a chirp to a fraction of a ms among tones', () => {
    const mark = chirp(100, 8000);
    const recording = mixed([{ audio: tone(440, -20, 2000, 8000) }, { audio: mark, atMs: 731.25 }]);
    const found = findMark(recording, mark);
    expect(found.atMs).toBeCloseTo(731.25, 1);
    expect(found.likeness).toBeGreaterThan(0.8);
  });

  it('finds several and no others', () => {
    const mark = chirp(50, 8000);
    const recording = mixed([
      { audio: mark, atMs: 20 },
      { audio: mark, atMs: 500 },
      { audio: mark, atMs: 1234 },
    ]);
    expect(findMarks(recording, mark).map(({ atMs }) => Math.round(atMs))).toEqual([20, 500, 1234]);
    expect(findMarks(tone(440, -10, 1000, 8000), mark)).toEqual([]);
  });
});

describe('tone matrix', () => {
  const frequencies = matrixFrequencies(6);
  const conferences = ['a', 'a', 'a', 'b', 'b', 'b'];
  const hear = (listener: number, gainDb = 0): Audio =>
    mixed([
      { audio: silence(1000) },
      ...frequencies.flatMap((frequency, speaker) =>
        speaker !== listener && conferences[speaker] === conferences[listener]
          ? [{ audio: tone(frequency, -20 + gainDb, 1000, 8000) }]
          : [],
      ),
    ]);
  const member = (index: number, heard: Audio): MatrixMember => ({
    name: `m${index}`,
    conference: conferences[index] ?? '',
    frequencyHz: frequencies[index] ?? 0,
    levelDbfs: -20,
    heard,
  });

  it('passes when everyone hears exactly the others of their conference', () => {
    const report = checkToneMatrix(conferences.map((_, index) => member(index, hear(index))));
    expect(report.faults).toEqual([]);
    expect(report.pairs).toBe(36);
    expect(report.worstLeakDb).toBeLessThan(-60);
  });

  it('names an echo of oneself, a wrong level and a foreign tone', () => {
    const members = conferences.map((_, index) => member(index, hear(index)));
    members[0] = member(
      0,
      mixed([{ audio: hear(0) }, { audio: tone(frequencies[0] ?? 0, -60, 1000, 8000) }]),
    );
    members[1] = member(1, hear(1, -2));
    members[2] = member(
      2,
      mixed([{ audio: hear(2) }, { audio: tone(frequencies[5] ?? 0, -70, 1000, 8000) }]),
    );
    const { faults } = checkToneMatrix(members);
    expect(faults).toHaveLength(4);
    expect(faults[0]).toContain('m0 hears m0');
    expect(faults[1]).toContain('m1 hears m0');
    expect(faults[3]).toContain('m2 hears m5');
  });

  it('judges by the best window: a stall does not count, a leak that stays does', () => {
    const members = conferences.map((_, index) => member(index, hear(index)));
    const stalled = mixed([
      { audio: tone(1000, SILENCE_DBFS, 2000, 8000) },
      { audio: hear(1), atMs: 1000 },
    ]);
    members[1] = member(1, stalled);
    expect(checkToneMatrix(members, { windowMs: 1000 }).faults).toEqual([]);
    const leak = tone(frequencies[1] ?? 0, -50, 2000, 8000);
    members[1] = member(1, mixed([{ audio: stalled }, { audio: leak }]));
    expect(checkToneMatrix(members, { windowMs: 1000 }).faults).toHaveLength(1);
  });

  it('gives distinct frequencies for a hundred conferees', () => {
    const all = matrixFrequencies(100).toSorted((left, right) => left - right);
    all.forEach((frequency, index) => {
      expect(frequency - (all[index - 1] ?? 0)).toBeGreaterThanOrEqual(12);
    });
    expect(slice(tone(1, 0, 100, 8000), 50).samples).toHaveLength(400);
  });
});
