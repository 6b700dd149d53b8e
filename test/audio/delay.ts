import { fft } from './fft.ts';
import type { Audio } from './signals.ts';

export interface Arrival {
  /** Of the mark's first sample within the recording; parts of a sample by interpolation. */
  readonly atMs: number;
  /** Likeness of what was found to the mark, 0 to 1; below about 0.5 it is not there. */
  readonly likeness: number;
}

/** Finds where `mark` (a chirp) begins in `recording`, by cross-correlation. */
export function findMark(recording: Audio, mark: Audio): Arrival {
  if (recording.rateHz !== mark.rateHz) throw new RangeError('both must have one rate');
  const length = recording.samples.length + mark.samples.length;
  const correlation = correlate(recording.samples, mark.samples, 2 ** Math.ceil(Math.log2(length)));
  let best = 0;
  for (let index = 1; index < recording.samples.length; index++) {
    if ((correlation[index] ?? 0) > (correlation[best] ?? 0)) best = index;
  }
  const [before = 0, peak = 0, after = 0] = [
    correlation[best - 1],
    correlation[best],
    correlation[best + 1],
  ];
  const curve = before - 2 * peak + after;
  const shift = curve === 0 ? 0 : (before - after) / (2 * curve);
  const heard = recording.samples.subarray(best, best + mark.samples.length);
  const norm = Math.sqrt(energy(heard) * energy(mark.samples));
  return {
    atMs: ((best + shift) * 1000) / recording.rateHz,
    likeness: norm > 0 ? peak / norm : 0,
  };
}

/** Every place where the mark begins at least `likeness` like it, in order. */
export function findMarks(recording: Audio, mark: Audio, likeness = 0.6): readonly Arrival[] {
  const found: Arrival[] = [];
  const stepMs = (mark.samples.length * 1000) / mark.rateHz;
  const step = mark.samples.length;
  for (let start = 0; start < recording.samples.length; start += step) {
    const window: Audio = {
      rateHz: recording.rateHz,
      samples: recording.samples.slice(start, start + 2 * step),
    };
    const arrival = findMark(window, mark);
    if (arrival.likeness < likeness || arrival.atMs >= stepMs) continue;
    found.push({ ...arrival, atMs: arrival.atMs + (start * 1000) / recording.rateHz });
  }
  return found;
}

function correlate(signal: Int16Array, mark: Int16Array, size: number): Float64Array {
  const [signalRe, signalIm] = [new Float64Array(size), new Float64Array(size)];
  const [markRe, markIm] = [new Float64Array(size), new Float64Array(size)];
  signalRe.set(signal);
  markRe.set(mark);
  fft(signalRe, signalIm);
  fft(markRe, markIm);
  for (let index = 0; index < size; index++) {
    const [a, b] = [signalRe[index] ?? 0, signalIm[index] ?? 0];
    const [c, d] = [markRe[index] ?? 0, markIm[index] ?? 0];
    signalRe[index] = a * c + b * d; // times the conjugate of the mark
    signalIm[index] = b * c - a * d;
  }
  fft(signalRe, signalIm, true);
  return signalRe;
}

function energy(samples: Int16Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return sum;
}
