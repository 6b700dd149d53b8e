/**
 * Which payload formats we take and in what order we like them: names, rates and static numbers of
 * RFC 3551, RFC 7587 (Opus), RFC 4733 (telephone-event) and RFC 3389 (comfort noise). Pure.
 */
import type { Codec, CodecName } from '../../mixer/media.ts';
import type { MediaSection, RtpMap } from './sdp.ts';

/** One format as it stands in an rtpmap, without its payload type. */
export interface Format {
  readonly encoding: string;
  readonly clockRateHz: number;
  readonly channels: number;
}

/** One entry of a preference list. */
export interface CodecChoice extends Format {
  readonly name: CodecName;
  /** What we tell the peer in `a=fmtp`, if anything. */
  readonly formatParameters?: string;
}

/** The formats the program knows; a preference list is made of these. */
export const CODEC_CHOICES = {
  PCMU: { name: 'PCMU', encoding: 'PCMU', clockRateHz: 8_000, channels: 1 },
  PCMA: { name: 'PCMA', encoding: 'PCMA', clockRateHz: 8_000, channels: 1 },
  // RFC 3551 section 4.5.2: the RTP clock of G.722 is 8000 Hz by an old mistake.
  G722: { name: 'G722', encoding: 'G722', clockRateHz: 8_000, channels: 1 },
  // RFC 7587 section 7: always 48000/2 in the rtpmap, whatever is sent.
  opus: {
    name: 'opus',
    encoding: 'opus',
    clockRateHz: 48_000,
    channels: 2,
    formatParameters: 'useinbandfec=1',
  },
  L16: { name: 'L16', encoding: 'L16', clockRateHz: 16_000, channels: 1 },
} as const satisfies Record<CodecName, CodecChoice>;

/** What every gateway speaks. */
export const TELEPHONY_CODECS: readonly CodecChoice[] = [CODEC_CHOICES.PCMU, CODEC_CHOICES.PCMA];

/** RFC 3551 section 6, table 4: formats that need no rtpmap. Only those that we may ever choose. */
const STATIC_FORMATS: ReadonlyMap<number, Format> = new Map([
  [0, { encoding: 'PCMU', clockRateHz: 8_000, channels: 1 }],
  [3, { encoding: 'GSM', clockRateHz: 8_000, channels: 1 }],
  [8, { encoding: 'PCMA', clockRateHz: 8_000, channels: 1 }],
  [9, { encoding: 'G722', clockRateHz: 8_000, channels: 1 }],
  [10, { encoding: 'L16', clockRateHz: 44_100, channels: 2 }],
  [11, { encoding: 'L16', clockRateHz: 44_100, channels: 1 }],
  [13, { encoding: 'CN', clockRateHz: 8_000, channels: 1 }],
  [18, { encoding: 'G729', clockRateHz: 8_000, channels: 1 }],
]);

/** Payload types for formats without a static one (RFC 3551 section 3: 96 to 127). */
export const DYNAMIC_PAYLOAD_TYPES = { first: 96, last: 127 } as const;

export const telephoneEvent = (clockRateHz: number): Format => ({
  encoding: 'telephone-event',
  clockRateHz,
  channels: 1,
});
export const comfortNoise = (clockRateHz: number): Format => ({
  encoding: 'CN',
  clockRateHz,
  channels: 1,
});

/** Equal for equal formats; the key of a payload type table. */
export const formatKey = (format: Format): string =>
  `${format.encoding.toLowerCase()}/${format.clockRateHz}/${format.channels}`;

/** The static payload type of a format, if it has one. */
export function staticPayloadType(format: Format): number | undefined {
  const key = formatKey(format);
  for (const [payloadType, candidate] of STATIC_FORMATS) {
    if (formatKey(candidate) === key) return payloadType;
  }
  return undefined;
}

/** The formats of a media section in the order of its m= line, static ones without rtpmap included. */
export function formatsOf(section: MediaSection): readonly RtpMap[] {
  const mapped = new Map(section.rtpMaps.map((map) => [map.payloadType, map]));
  const seen = new Set<number>();
  return section.formats.flatMap((text) => {
    const payloadType = /^\d{1,3}$/.test(text) ? Number(text) : -1;
    if (payloadType < 0 || payloadType > 127 || seen.has(payloadType)) return [];
    seen.add(payloadType);
    const format = mapped.get(payloadType) ?? STATIC_FORMATS.get(payloadType);
    return format === undefined ? [] : [{ ...format, payloadType }];
  });
}

/** Formats of `offered` that `choices` has, in the order of the one who is asked. */
export function commonCodecs(
  offered: readonly RtpMap[],
  choices: readonly CodecChoice[],
  order: 'offer' | 'own',
): readonly (CodecChoice & { readonly payloadType: number })[] {
  const pairs = offered.flatMap((map) => {
    const rank = choices.findIndex((choice) => formatKey(choice) === formatKey(map));
    const choice = choices[rank];
    return choice === undefined
      ? []
      : [{ rank, entry: { ...choice, payloadType: map.payloadType } }];
  });
  // A stable sort keeps the peer's order among equals.
  if (order === 'own') pairs.sort((a, b) => a.rank - b.rank);
  return pairs.map((pair) => pair.entry);
}

/** A codec as the media engine wants it. */
export function codecOf(
  choice: CodecChoice,
  payloadType: number,
  peerParameters: string | undefined,
): Codec {
  return {
    name: choice.name,
    payloadType,
    clockRateHz: choice.clockRateHz,
    channels: choice.channels,
    ...(peerParameters === undefined ? {} : { formatParameters: peerParameters }),
  };
}

/** Lengths that a codec has and a datagram holds (RFC 6716 section 2.1.4: Opus has no 30 or 50 ms). */
function lengthsOf({ name, clockRateHz }: Pick<Codec, 'name' | 'clockRateHz'>): readonly number[] {
  if (name === 'opus') return [10, 20, 40, 60];
  const longest = name === 'L16' ? MAX_PAYLOAD_BYTES / ((2 * clockRateHz) / 1000) : 60;
  return [10, 20, 30, 40, 50, 60].filter((length) => length <= longest);
}

/** What the engine puts into one packet (native/engine/leg.h). */
const MAX_PAYLOAD_BYTES = 1440;

/**
 * The length of the packets we send: what the peer asks for, else ours; within 10 to 60 ms, under
 * its maximum, and a length that the codec has.
 */
export function packetLength(
  section: Pick<MediaSection, 'ptimeMs' | 'maxPtimeMs'>,
  codec: Pick<Codec, 'name' | 'clockRateHz'>,
  ownPtimeMs: number,
): number {
  const lengths = lengthsOf(codec);
  const limit = Math.max(10, section.maxPtimeMs ?? 60);
  const wanted = Math.min(section.ptimeMs ?? ownPtimeMs, limit);
  return lengths.filter((length) => length <= wanted).at(-1) ?? 10;
}
