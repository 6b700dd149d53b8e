/**
 * What a call sounds like, estimated from what was measured: the transmission rating R of the E-model
 * (ITU-T G.107) and the mean opinion score that follows from it, as RFC 3611 section 4.7.5 reports them.
 *
 * Simplified against G.107: every parameter but delay and equipment has the default of its table 2,
 * and there is no echo (delay counts by the fit of Cole and Rosenbluth to section 7.4). Loss within a
 * state counts as random (BurstR = 1, equation 7-29); bursts and gaps (RFC 3611 section 4.7.2) are
 * joined as in annex E of ETSI TS 101 329-5 for states that alternate, each with its mean length; that
 * the end of a call counts more than its beginning is left out. Narrow band only: no figures are
 * published on this scale for wideband codecs, for which the answer is null.
 */
import type { CodecName } from './media.ts';

/** ITU-T G.113 appendix I: impairment without loss (Ie) and robustness against loss (Bpl). */
export interface Equipment {
  readonly impairment: number;
  readonly robustness: number;
}

const G711_WITH_CONCEALMENT: Equipment = { impairment: 0, robustness: 25.1 };

const EQUIPMENT: Partial<Record<CodecName, Equipment>> = {
  PCMU: G711_WITH_CONCEALMENT,
  PCMA: G711_WITH_CONCEALMENT,
};

/** Table 2 of G.107: everything but delay and equipment at its default. */
const R_DEFAULT = 93.2;
/** How fast an ear notices that it got worse, and that it got better (TS 101 329-5 annex E). */
const WORSENS_MS = 5_000;
const RECOVERS_MS = 15_000;

/** How loss comes: shares of packets lost or discarded, 0 to 1, and mean lengths; 0 without a burst. */
export interface LossPattern {
  readonly burstDensity: number;
  readonly burstMs: number;
  readonly gapDensity: number;
  readonly gapMs: number;
}

export interface Measured extends LossPattern {
  readonly packetsReceived: number;
  /** What the jitter buffer adds. */
  readonly delayMs: number;
  readonly roundTripMs: number | null;
  readonly packetMs: number;
}

export interface CallQuality {
  /** 0 to 100; above 80 most are satisfied, below 60 nearly all are not (ITU-T G.109). */
  readonly rFactor: number;
  /** Conversational, 1 to 4.5. */
  readonly mos: number;
}

/** Null where nothing was received or the model knows nothing of the codec. */
export function estimateQuality(
  codec: CodecName | undefined,
  measured: Measured,
): CallQuality | null {
  const equipment = codec === undefined ? undefined : EQUIPMENT[codec];
  if (equipment === undefined || measured.packetsReceived === 0) return null;
  const { roundTripMs, delayMs, packetMs } = measured;
  const oneWayMs = (roundTripMs ?? 0) / 2 + delayMs + packetMs;
  const r = R_DEFAULT - delayImpairment(oneWayMs) - equipmentImpairment(equipment, measured);
  const rFactor = Math.min(100, Math.max(0, r));
  return { rFactor: Math.round(rFactor * 10) / 10, mos: Math.round(mosOf(rFactor) * 100) / 100 };
}

/** Id of a path without echo. */
export function delayImpairment(oneWayMs: number): number {
  return 0.024 * oneWayMs + (oneWayMs > 177.3 ? 0.11 * (oneWayMs - 177.3) : 0);
}

/** Ie,eff of random loss, G.107 equation 7-29. */
export function lossImpairment({ impairment, robustness }: Equipment, lossShare: number): number {
  const percent = 100 * Math.min(1, Math.max(0, lossShare));
  return impairment + ((95 - impairment) * percent) / (percent + robustness);
}

/** The mean of what a listener notices while gaps and bursts alternate. */
export function equipmentImpairment(equipment: Equipment, pattern: LossPattern): number {
  const { burstDensity, burstMs, gapDensity, gapMs } = pattern;
  const inGap = lossImpairment(equipment, gapDensity);
  if (burstMs <= 0) return inGap;
  const inBurst = lossImpairment(equipment, burstDensity);
  if (gapMs <= 0) return inBurst;
  const worsened = 1 - Math.exp(-burstMs / WORSENS_MS);
  const recovered = 1 - Math.exp(-gapMs / RECOVERS_MS);
  // Noticed at the end of a gap and at the end of a burst, where each leads to the other.
  const afterGap =
    (inGap * recovered + inBurst * worsened * (1 - recovered)) /
    (1 - (1 - worsened) * (1 - recovered));
  const afterBurst = inBurst - (inBurst - afterGap) * (1 - worsened);
  const noticed =
    burstMs * inBurst +
    gapMs * inGap -
    WORSENS_MS * (inBurst - afterGap) * worsened +
    RECOVERS_MS * (afterBurst - inGap) * recovered;
  return noticed / (burstMs + gapMs);
}

/** Annex B of G.107. */
export function mosOf(r: number): number {
  if (r <= 0) return 1;
  if (r >= 100) return 4.5;
  // The polynomial dips below 1 for R under 6.5.
  return Math.max(1, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6);
}
