/**
 * Measuring tools for audio, used by end-to-end tests and by the bench: signals to send (this file),
 * levels (level.ts), silence (gaps.ts), delay (delay.ts) and the tone matrix (tone-matrix.ts). They
 * know samples and rates, nothing of calls. 0 dBFS is a sine whose peak is 32767.
 */

export interface Audio {
  readonly rateHz: number;
  readonly samples: Int16Array;
}

export function peakOf(levelDbfs: number): number {
  return 32767 * 10 ** (levelDbfs / 20);
}

export function tone(
  frequencyHz: number,
  levelDbfs: number,
  durationMs: number,
  rateHz: number,
): Audio {
  const peak = peakOf(levelDbfs);
  const samples = new Int16Array(Math.round((durationMs * rateHz) / 1000));
  for (let index = 0; index < samples.length; index++) {
    samples[index] = Math.round(peak * Math.sin((2 * Math.PI * frequencyHz * index) / rateHz));
  }
  return { rateHz, samples };
}

/** A sweep, faded at both ends; its autocorrelation is one sharp peak, so it marks a moment. */
export function chirp(
  durationMs: number,
  rateHz: number,
  { fromHz = 400, toHz = 3200, levelDbfs = -10 } = {},
): Audio {
  const count = Math.round((durationMs * rateHz) / 1000);
  const samples = new Int16Array(count);
  const peak = peakOf(levelDbfs);
  const seconds = count / rateHz;
  for (let index = 0; index < count; index++) {
    const t = index / rateHz;
    const phase = 2 * Math.PI * (fromHz * t + ((toHz - fromHz) * t * t) / (2 * seconds));
    const fade = Math.sin((Math.PI * (index + 0.5)) / count) ** 2;
    samples[index] = Math.round(peak * fade * Math.sin(phase));
  }
  return { rateHz, samples };
}

/** Sum of several, each from its own moment on; clipped as a converter would. */
export function mixed(parts: readonly { readonly audio: Audio; readonly atMs?: number }[]): Audio {
  const rateHz = parts[0]?.audio.rateHz ?? 8000;
  const placed = parts.map(({ audio, atMs = 0 }) => {
    if (audio.rateHz !== rateHz) throw new RangeError('all parts must have one rate');
    return { samples: audio.samples, start: Math.round((atMs * rateHz) / 1000) };
  });
  const sum = new Float64Array(
    Math.max(0, ...placed.map(({ samples, start }) => start + samples.length)),
  );
  for (const { samples, start } of placed) {
    samples.forEach((sample, index) => {
      sum[start + index] = (sum[start + index] ?? 0) + sample;
    });
  }
  const samples = Int16Array.from(sum, (value) => Math.max(-32768, Math.min(32767, value)));
  return { rateHz, samples };
}

/** The part from `fromMs`, `durationMs` long, or to the end. */
export function slice(audio: Audio, fromMs: number, durationMs = Number.POSITIVE_INFINITY): Audio {
  const start = Math.round((fromMs * audio.rateHz) / 1000);
  const end = start + Math.round((durationMs * audio.rateHz) / 1000);
  return {
    rateHz: audio.rateHz,
    samples: audio.samples.slice(start, Math.min(end, audio.samples.length)),
  };
}
