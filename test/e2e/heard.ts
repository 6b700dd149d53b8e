import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readWav } from '../../vru/wav.ts';
import { findMark } from '../audio/delay.ts';
import { type Audio, slice } from '../audio/signals.ts';

/** A packet or two that a busy machine loses or delays shifts what follows; further apart it is not one prompt. */
const SHIFT_MS = 80;
/** Long enough to be told from other speech, short enough that few hold a seam. */
const PIECE_MS = 300;
/** What a prompt may have lost at its beginning, so that it begins before the recording. */
const LEAD_MS = 500;

/**
 * How sure it is that a prompt of the bundled pack was heard, and when it began.
 * Its pieces are looked for one by one near where they should be: a prompt whose first packets the phone
 * missed, or that has a gap of 20 ms in its middle, was heard all the same.
 */
export function findPrompt(
  heard: Audio,
  name: string,
): { readonly atMs: number; readonly likeness: number } {
  const wav = readWav(readFileSync(join('prompts', 'en', `${name}.wav`)));
  if (!wav.ok) throw wav.error;
  return findSpeech(emphasised(heard), emphasised(atRate(wav.value, heard.rateHz)));
}

function findSpeech(
  heard: Audio,
  speech: Audio,
): { readonly atMs: number; readonly likeness: number } {
  const recording = led(heard);
  const pieces = piecesOf(speech);
  if (pieces.length < 2) {
    const { atMs, likeness } = findMark(recording, speech);
    return { atMs: atMs - LEAD_MS, likeness };
  }
  const halfMs = (speech.samples.length * 500) / speech.rateHz;
  const starts = [
    findMark(recording, speech).atMs,
    findMark(recording, slice(speech, 0, halfMs)).atMs,
    findMark(recording, slice(speech, halfMs, halfMs)).atMs - halfMs,
  ];
  const found = starts.map((atMs) => ({
    atMs: atMs - LEAD_MS,
    likeness: likenessAt(recording, pieces, atMs),
  }));
  return found.reduce((best, one) => (one.likeness > best.likeness ? one : best));
}

/** How like the pieces are to what is near their places, if the first sample is at `startMs`; weighted by energy. */
function likenessAt(recording: Audio, pieces: readonly Piece[], startMs: number): number {
  const total = pieces.reduce((sum, { energy }) => sum + energy, 0);
  const alike = pieces.reduce((sum, { audio, fromMs, energy }) => {
    const near = slice(
      recording,
      Math.max(0, startMs + fromMs - SHIFT_MS),
      PIECE_MS + 2 * SHIFT_MS,
    );
    return near.samples.length < audio.samples.length
      ? sum
      : sum + findMark(near, audio).likeness * energy;
  }, 0);
  return alike / total;
}

function led({ rateHz, samples }: Audio): Audio {
  const lead = (LEAD_MS * rateHz) / 1000;
  const longer = new Int16Array(lead + samples.length);
  longer.set(samples, lead);
  return { rateHz, samples: longer };
}

interface Piece {
  readonly audio: Audio;
  readonly fromMs: number;
  readonly energy: number;
}

/** Those that are silence tell nothing. */
function piecesOf(speech: Audio): readonly Piece[] {
  const count = Math.floor((speech.samples.length * 1000) / (PIECE_MS * speech.rateHz));
  const pieces = Array.from({ length: count }, (_, index) => {
    const fromMs = index * PIECE_MS;
    const audio = slice(speech, fromMs, PIECE_MS);
    return { audio, fromMs, energy: audio.samples.reduce((sum, sample) => sum + sample ** 2, 0) };
  });
  const loudest = Math.max(0, ...pieces.map((piece) => piece.energy));
  return pieces.filter((piece) => piece.energy > loudest / 100);
}

const TAPS = 63;

/** Band-limited by a windowed sinc (Hamming), so that nothing above half the new rate is folded into the speech. */
export function atRate(audio: Audio, rateHz: number): Audio {
  const step = audio.rateHz / rateHz;
  if (step === 1) return audio;
  const middle = (TAPS - 1) / 2;
  const filter = Float64Array.from({ length: TAPS }, (_, index) => {
    const x = (Math.PI * (index - middle)) / step;
    const window = 0.54 - 0.46 * Math.cos((2 * Math.PI * index) / (TAPS - 1));
    return ((x === 0 ? 1 : Math.sin(x) / x) * window) / step;
  });
  const samples = Int16Array.from(
    { length: Math.floor(audio.samples.length / step) },
    (_, index) => {
      const from = Math.round(index * step) - middle;
      return Math.round(
        filter.reduce((sum, tap, place) => sum + tap * (audio.samples[from + place] ?? 0), 0),
      );
    },
  );
  return { rateHz, samples };
}

/**
 * Lifts what tells speech from speech, its fricatives and upper formants, above the low tones that tests let
 * others send at the same time, by 12 dB an octave.
 */
function emphasised({ rateHz, samples }: Audio): Audio {
  const out = new Int16Array(samples.length);
  for (let index = 2; index < samples.length; index++) {
    const [now = 0, last = 0, before = 0] = [
      samples[index],
      samples[index - 1],
      samples[index - 2],
    ];
    const value = Math.round((now - 2 * POLE * last + POLE ** 2 * before) / 2);
    out[index] = Math.max(-32_768, Math.min(32_767, value));
  }
  return { rateHz, samples: out };
}
const POLE = 0.97;

/** The prompt itself is above 0.55 even under two loud tones, another below 0.48 (`heard.test.ts`). */
const SURE = 0.52;

export function heardPrompt(heard: Audio, name: string): boolean {
  return findPrompt(heard, name).likeness > SURE;
}
