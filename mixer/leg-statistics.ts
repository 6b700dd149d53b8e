/** What a leg's published record says, and what follows from it. */
import type { LegRecord } from './abi.gen.ts';
import { estimateQuality } from './call-quality.ts';
import type { CodecName, LegStatistics } from './media.ts';

export function statisticsOf(
  { version: _version, leg: _leg, ...record }: LegRecord,
  codec: CodecName | undefined,
  packetMs: number,
): LegStatistics {
  const measured = { ...record, roundTripMs: record.roundTripMs < 0 ? null : record.roundTripMs };
  const quality = estimateQuality(codec, { ...measured, packetMs });
  return { ...measured, rFactor: quality?.rFactor ?? null, mos: quality?.mos ?? null };
}

/** Of a leg that has just been opened. */
export const NO_STATISTICS: LegStatistics = {
  packetsReceived: 0,
  packetsSent: 0,
  octetsReceived: 0,
  octetsSent: 0,
  packetsLost: 0,
  packetsLate: 0,
  packetsDuplicate: 0,
  packetsDiscarded: 0,
  burstDensity: 0,
  gapDensity: 0,
  burstMs: 0,
  gapMs: 0,
  packetsRejected: 0,
  framesConcealed: 0,
  jitterMs: 0,
  delayMs: 0,
  bufferTargetMs: 0,
  bufferMaximumMs: 0,
  rFactor: null,
  mos: null,
  roundTripMs: null,
  remotePacketsLost: 0,
  sourceChanges: 0,
  levelDbov: -127,
  noiseDbov: -127,
  automaticGainDb: 0,
  framesSkipped: 0,
};
