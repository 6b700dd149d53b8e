import { MAX_NAME_MS, type RecordedName } from '../../signaling/conference/recorded-names.ts';
import type { Wav } from '../wav.ts';

const FRAME_MS = 20;
/** As loud as the prompts around it (tools/prompts.mjs). */
const TARGET_RMS = 32_768 * 10 ** (-20 / 20);
const PEAK = 32_768 * 10 ** (-3 / 20);
const MOST_GAIN = 10 ** (20 / 20);
/** Speech is within this of its loudest part, and louder than a quiet line. */
const RANGE = 10 ** (-35 / 10);
const LEAST_POWER = (32_768 * 10 ** (-50 / 20)) ** 2;
const LEAD_FRAMES = 3;
const TAIL_FRAMES = 8;
/** Less than this is a cough or a click. */
const LEAST_SPEECH_MS = 160;

/** What was said, without the silence around it, at the level of prompts; undefined: nothing was. */
export function asName(wav: Wav): RecordedName | undefined {
  const { rateHz, samples } = telephone(wav);
  const frame = (rateHz * FRAME_MS) / 1_000;
  const power: number[] = [];
  for (let at = 0; at + frame <= samples.length; at += frame) {
    power.push(powerOf(samples.subarray(at, at + frame)));
  }
  const threshold = Math.max(LEAST_POWER, Math.max(0, ...power) * RANGE);
  const spoken = power.flatMap((value, index) => (value >= threshold ? [index] : []));
  const first = spoken[0];
  const last = spoken.at(-1);
  if (first === undefined || last === undefined) return undefined;
  if (spoken.length * FRAME_MS < LEAST_SPEECH_MS) return undefined;
  const from = Math.max(0, first - LEAD_FRAMES) * frame;
  const to = Math.min((last + 1 + TAIL_FRAMES) * frame, from + (rateHz * MAX_NAME_MS) / 1_000);
  const rms = Math.sqrt(
    spoken.reduce((sum, index) => sum + (power[index] ?? 0), 0) / spoken.length,
  );
  const cut = samples.subarray(from, to);
  const peak = cut.reduce((most, sample) => Math.max(most, Math.abs(sample)), 1);
  const gain = Math.min(TARGET_RMS / rms, PEAK / peak, MOST_GAIN);
  const fade = rateHz / 200;
  const shaped = cut.map((sample, index) =>
    Math.round(sample * gain * Math.min(1, (index + 1) / fade, (cut.length - index) / fade)),
  );
  return { rateHz, samples: shaped };
}

function powerOf(samples: Int16Array): number {
  return samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
}

/** 8 or 16 kHz; what a full-band codec recorded is averaged down, which is enough for a name. */
function telephone({ rateHz, samples }: Wav): RecordedName {
  if (rateHz === 8000 || rateHz === 16_000) return { rateHz, samples };
  const step = rateHz / 16_000;
  const length = Math.floor(samples.length / step);
  const narrowed = Int16Array.from({ length }, (_, index) => {
    const part = samples.subarray(Math.floor(index * step), Math.floor((index + 1) * step));
    return part.reduce((sum, sample) => sum + sample, 0) / Math.max(1, part.length);
  });
  return { rateHz: 16_000, samples: narrowed };
}
