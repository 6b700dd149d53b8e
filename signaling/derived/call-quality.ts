/**
 * Listening quality as a mean opinion score, estimated from what was measured: the E-model of ITU-T
 * G.107 with the default values of its table 2, loss taken as random.
 */
import type { CodecName } from '../../mixer/media.ts';

/** Equipment impairment and robustness against loss (ITU-T G.113 appendix I; G.711 with concealment). */
const CODECS: Partial<Record<CodecName, { readonly impairment: number; readonly bpl: number }>> = {
  PCMU: { impairment: 0, bpl: 25.1 },
  PCMA: { impairment: 0, bpl: 25.1 },
};

/** Table 2 of G.107: everything but delay and equipment at its default. */
const R_DEFAULT = 93.2;

export interface Measured {
  readonly packetsReceived: number;
  readonly packetsLost: number;
  readonly delayMs: number;
  readonly roundTripMs: number | null;
}

/** 1 to 4.5; null where nothing was received or the model knows nothing of the codec. */
export function estimateMos(codec: CodecName | undefined, measured: Measured): number | null {
  const figures = codec === undefined ? undefined : CODECS[codec];
  const { packetsReceived, packetsLost, delayMs, roundTripMs } = measured;
  if (figures === undefined || packetsReceived === 0) return null;
  const lost = Math.max(0, packetsLost);
  const lossPercent = (100 * lost) / (packetsReceived + lost);
  const oneWayMs = delayMs + (roundTripMs ?? 0) / 2;
  // Section 7.4, in the approximation that holds for echo-free paths.
  const delay = 0.024 * oneWayMs + (oneWayMs > 177.3 ? 0.11 * (oneWayMs - 177.3) : 0);
  // Section 7.5, equation 7-29 with BurstR = 1.
  const { impairment, bpl } = figures;
  const equipment = impairment + ((95 - impairment) * lossPercent) / (lossPercent + bpl);
  return mosOf(R_DEFAULT - delay - equipment);
}

/** Annex B of G.107. */
function mosOf(r: number): number {
  if (r <= 0) return 1;
  if (r >= 100) return 4.5;
  const mos = 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6;
  return Math.round(Math.max(1, mos) * 100) / 100;
}
