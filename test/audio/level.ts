import type { Audio } from './signals.ts';

/** Quieter than anything that can be measured in 16 bits. */
export const SILENCE_DBFS = -150;

/**
 * Level of one frequency in dBFS. The window (Blackman-Harris, side lobes −92 dB) keeps other tones
 * out that are at least `4 / duration` Hz away: 4 Hz for one second.
 */
export function toneLevelDbfs(audio: Audio, frequencyHz: number): number {
  const count = audio.samples.length;
  if (count === 0) return SILENCE_DBFS;
  let real = 0;
  let imaginary = 0;
  let weights = 0;
  const step = (2 * Math.PI * frequencyHz) / audio.rateHz;
  audio.samples.forEach((sample, index) => {
    const weight = blackmanHarris(index, count);
    real += sample * weight * Math.cos(step * index);
    imaginary -= sample * weight * Math.sin(step * index);
    weights += weight;
  });
  return decibels((2 * Math.hypot(real, imaginary)) / weights / 32767);
}

/** Level of everything; a full-scale sine gives 0. */
export function levelDbfs(audio: Audio): number {
  if (audio.samples.length === 0) return SILENCE_DBFS;
  let squares = 0;
  for (const sample of audio.samples) squares += sample * sample;
  return decibels(Math.sqrt((2 * squares) / audio.samples.length) / 32767);
}

/** Strongest frequency between 100 Hz and just below half the rate, and its level. */
export function strongestTone(audio: Audio): { frequencyHz: number; levelDbfs: number } {
  let best = { frequencyHz: 0, levelDbfs: SILENCE_DBFS };
  const coarse = 4000 / (audio.samples.length / audio.rateHz) / 2000;
  for (let frequencyHz = 100; frequencyHz < audio.rateHz / 2 - 50; frequencyHz += coarse) {
    const level = toneLevelDbfs(audio, frequencyHz);
    if (level > best.levelDbfs) best = { frequencyHz, levelDbfs: level };
  }
  return best;
}

function blackmanHarris(index: number, count: number): number {
  const angle = (2 * Math.PI * (index + 0.5)) / count;
  return (
    0.35875 -
    0.48829 * Math.cos(angle) +
    0.14128 * Math.cos(2 * angle) -
    0.01168 * Math.cos(3 * angle)
  );
}

function decibels(ratio: number): number {
  return ratio > 0 ? Math.max(SILENCE_DBFS, 20 * Math.log10(ratio)) : SILENCE_DBFS;
}
