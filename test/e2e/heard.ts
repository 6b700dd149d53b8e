import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readWav } from '../../vru/wav.ts';
import { findMark } from '../audio/delay.ts';
import type { Audio } from '../audio/signals.ts';

/** How sure it is that a prompt of the bundled pack was heard, and when it began. */
export function findPrompt(
  heard: Audio,
  name: string,
): { readonly atMs: number; readonly likeness: number } {
  const wav = readWav(readFileSync(join('prompts', 'en', `${name}.wav`)));
  if (!wav.ok) throw wav.error;
  return findMark(heard, atRate(wav.value, heard.rateHz));
}

/** Averages neighbours: crude, but what it lets through above the band is no part of speech at 8 kHz. */
function atRate(audio: Audio, rateHz: number): Audio {
  const step = audio.rateHz / rateHz;
  if (step === 1) return audio;
  const samples = Int16Array.from(
    { length: Math.floor(audio.samples.length / step) },
    (_, index) => {
      const from = Math.floor(index * step);
      const part = audio.samples.subarray(from, Math.floor((index + 1) * step));
      return Math.round(part.reduce((sum, sample) => sum + sample, 0) / part.length);
    },
  );
  return { rateHz, samples };
}

/** Phrases of a second or more are told apart well; single words are not. */
const SURE = 0.45;

export function heardPrompt(heard: Audio, name: string): boolean {
  return findPrompt(heard, name).likeness > SURE;
}
