/**
 * What a leg has measured of the sound that came to it, as roles and the API tell each other: in call
 * records of the leg to the caller, and asked of a mixer of its leg to a conferee.
 */
import { z } from 'zod';
import type { CodecName, LegStatistics } from '../../mixer/media.ts';

/** Loss and jitter as in RFC 3550 section 6.4.1, bursts and gaps as in RFC 3611 section 4.7.2. */
export const legMedia = z.object({
  codec: z.string().nullable(),
  packetsReceived: z.number().int(),
  packetsSent: z.number().int(),
  packetsLost: z.number().int(),
  /** Of what we sent, as the peer reports it. */
  remotePacketsLost: z.number().int(),
  jitterMs: z.number(),
  delayMs: z.number().describe('What the jitter buffer adds.'),
  roundTripMs: z.number().nullable(),
  /** Estimate by ITU-T G.107; null where the model has no figures for the codec. */
  mos: z.number().nullable(),
  // Records from before they were measured lack these.
  packetsDiscarded: z.number().int().optional().describe('Came too late to be played.'),
  burstDensity: z
    .number()
    .optional()
    .describe('Share of packets lost or discarded within bursts, 0 to 1 (RFC 3611, Gmin 16).'),
  burstMs: z.number().optional().describe('Mean length of a burst; 0: there was none.'),
  gapDensity: z.number().optional().describe('Share lost or discarded outside of bursts.'),
  gapMs: z.number().optional().describe('Mean time between bursts.'),
  bufferTargetMs: z.number().optional().describe('What the jitter of late asks of it.'),
  bufferMaximumMs: z.number().optional().describe('The longest that a packet waited in it.'),
  rFactor: z.number().nullable().optional().describe('What mos comes from, 0 to 100.'),
});
export type LegMedia = z.infer<typeof legMedia>;

/** The answer of a mixer to `media`; null: that conferee has no call there now. */
export const mediaReply = z.object({ media: legMedia.nullable() });

const rounded = (value: number, digits = 2): number => Number(value.toFixed(digits));

export function legMediaOf(codec: CodecName | undefined, statistics: LegStatistics): LegMedia {
  const { packetsReceived, packetsSent, packetsLost, packetsDiscarded, remotePacketsLost } =
    statistics;
  const { roundTripMs, rFactor, mos } = statistics;
  return {
    codec: codec ?? null,
    packetsReceived,
    packetsSent,
    packetsLost,
    packetsDiscarded,
    burstDensity: rounded(statistics.burstDensity, 4),
    gapDensity: rounded(statistics.gapDensity, 4),
    burstMs: rounded(statistics.burstMs),
    gapMs: rounded(statistics.gapMs),
    remotePacketsLost,
    jitterMs: rounded(statistics.jitterMs),
    delayMs: rounded(statistics.delayMs),
    bufferTargetMs: rounded(statistics.bufferTargetMs),
    bufferMaximumMs: rounded(statistics.bufferMaximumMs),
    roundTripMs: roundTripMs === null ? null : rounded(roundTripMs),
    rFactor,
    mos,
  };
}
