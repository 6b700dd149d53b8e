import { levelDbfs } from './level.ts';
import { type Audio, slice } from './signals.ts';

export interface Span {
  readonly fromMs: number;
  readonly durationMs: number;
}

export interface GapOptions {
  /** Quieter than this is silence. Default −55. */
  readonly thresholdDbfs?: number;
  /** Shorter silences are not reported. Default 5. */
  readonly minimumMs?: number;
  /** Resolution. Default 2.5. */
  readonly stepMs?: number;
}

/** Where the audio is silent, in order. */
export function findGaps(
  audio: Audio,
  { thresholdDbfs = -55, minimumMs = 5, stepMs = 2.5 }: GapOptions = {},
): readonly Span[] {
  const gaps: Span[] = [];
  const endMs = (audio.samples.length * 1000) / audio.rateHz;
  let since: number | undefined;
  const close = (atMs: number): void => {
    if (since !== undefined && atMs - since >= minimumMs) {
      gaps.push({ fromMs: since, durationMs: atMs - since });
    }
    since = undefined;
  };
  for (let atMs = 0; atMs < endMs; atMs += stepMs) {
    if (levelDbfs(slice(audio, atMs, stepMs)) < thresholdDbfs) since ??= atMs;
    else close(atMs);
  }
  close(endMs);
  return gaps;
}

/** Where it is not silent: the gaps' complement. */
export function findSounds(audio: Audio, options: GapOptions = {}): readonly Span[] {
  const sounds: Span[] = [];
  const endMs = (audio.samples.length * 1000) / audio.rateHz;
  let fromMs = 0;
  for (const gap of [...findGaps(audio, options), { fromMs: endMs, durationMs: 0 }]) {
    if (gap.fromMs > fromMs) sounds.push({ fromMs, durationMs: gap.fromMs - fromMs });
    fromMs = gap.fromMs + gap.durationMs;
  }
  return sounds;
}

/** Sample-to-sample jumps larger than a tone of this level and frequency can make: clicks. */
export function countClicks(audio: Audio, frequencyHz: number, peak: number): number {
  // The largest second difference of a sine; a cut or a repeated packet exceeds it by far.
  const limit = 3 * peak * (2 * Math.sin((Math.PI * frequencyHz) / audio.rateHz)) ** 2 + 64;
  let clicks = 0;
  for (let index = 2; index < audio.samples.length; index++) {
    const now = audio.samples[index] ?? 0;
    const bend = now - 2 * (audio.samples[index - 1] ?? 0) + (audio.samples[index - 2] ?? 0);
    if (Math.abs(bend) > limit) clicks++;
  }
  return clicks;
}
