import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readWav } from '../../vru/wav.ts';
import { type Audio, mixed, tone } from '../audio/signals.ts';
import { atRate, findPrompt, heardPrompt } from './heard.ts';

/** Long ones, short ones, and some that share words. */
const NAMES = [
  'welcome',
  'waiting-for-host',
  'conference-locked',
  'you-are-now-host',
  'muted-by-host',
  'invalid-code',
  'locked',
];

function prompt(name: string): Audio {
  const wav = readWav(readFileSync(join('prompts', 'en', `${name}.wav`)));
  if (!wav.ok) throw wav.error;
  return atRate(wav.value, 8_000);
}

function joined(...parts: readonly Int16Array[]): Audio {
  const samples = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    samples.set(part, at);
    at += part.length;
  }
  return { rateHz: 8_000, samples };
}

const nothing = (ms: number): Int16Array => new Int16Array(ms * 8);

describe('prompts in what was recorded', () => {
  it.each(NAMES)('%s is found where it is', (name) => {
    const found = findPrompt(joined(nothing(1_230), prompt(name).samples, nothing(700)), name);
    expect(found.likeness).toBeGreaterThan(0.95);
    expect(found.atMs).toBeCloseTo(1_230, 0);
  });

  it('a phone that was 40 ms late heard it', () => {
    const found = findPrompt(
      joined(prompt('welcome').samples.subarray(320), nothing(500)),
      'welcome',
    );
    expect(found.likeness).toBeGreaterThan(0.9);
    expect(found.atMs).toBeCloseTo(-40, 0);
  });

  it('a gap of 20 ms or a packet too few in its middle takes little of it', () => {
    const { samples } = prompt('welcome');
    const [left, right] = [samples.subarray(0, 8_000), samples.subarray(8_000)];
    expect(findPrompt(joined(left, nothing(20), right), 'welcome').likeness).toBeGreaterThan(0.7);
    expect(findPrompt(joined(left, right.subarray(160)), 'welcome').likeness).toBeGreaterThan(0.7);
  });

  it('nothing is heard in silence, in a tone, or in a third of it', () => {
    const { samples } = prompt('welcome');
    expect(heardPrompt(joined(nothing(5_000)), 'welcome')).toBe(false);
    expect(heardPrompt(tone(440, -20, 5_000, 8_000), 'welcome')).toBe(false);
    expect(
      heardPrompt(joined(samples.subarray(0, samples.length / 3), nothing(3_000)), 'welcome'),
    ).toBe(false);
  });

  it('no prompt is taken for another', () => {
    for (const said of NAMES) {
      const heard = mixed([
        { audio: prompt(said), atMs: 500 },
        { audio: tone(440, -20, 5_000, 8_000) },
        { audio: tone(620, -20, 5_000, 8_000) },
      ]);
      const found = NAMES.filter((name) => heardPrompt(heard, name));
      expect(found, said).toEqual([said]);
    }
  });
});
