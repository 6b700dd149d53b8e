/** Payload type numbers of our offers: static where there is one, and stable for the session. Pure. */
import {
  type CodecChoice,
  comfortNoise,
  DYNAMIC_PAYLOAD_TYPES,
  type Format,
  formatKey,
  staticPayloadType,
  telephoneEvent,
} from './codec-selection.ts';
import { LEVEL_EXTENSIONS } from './header-extensions.ts';
import type { LocalMedia } from './offer-answer.ts';
import type { MediaSection, RtpMap } from './sdp.ts';

/** formatKey → payload type, for every format that was in a description of ours. */
export type PayloadTypes = ReadonlyMap<string, number>;

/** The number that phones have come to expect for digits. */
const USUAL_TELEPHONE_EVENT: number = 101;

export function rememberPayloadTypes(known: PayloadTypes, used: readonly RtpMap[]): PayloadTypes {
  const next = new Map(known);
  for (const map of used) next.set(formatKey(map), map.payloadType);
  return next;
}

/** The audio section that we offer, and the table with the numbers it uses. */
export function offeredSection(
  media: LocalMedia,
  codecs: readonly CodecChoice[],
  known: PayloadTypes,
): { readonly section: MediaSection; readonly payloadTypes: PayloadTypes } {
  const rates = [...new Set(codecs.map((codec) => codec.clockRateHz))];
  const formats: readonly Format[] = [
    ...codecs,
    // RFC 3389 section 4: for the codecs without silence suppression of their own.
    ...(media.comfortNoise === 'offer' && rates.includes(8_000) ? [comfortNoise(8_000)] : []),
    // RFC 4733 section 2.5.1.2: one for each clock rate in use.
    ...(media.digits === false ? [] : rates.map(telephoneEvent)),
  ];
  let payloadTypes = known;
  const rtpMaps = formats.map((format) => {
    const payloadType = choose(payloadTypes, format);
    const map = { ...plain(format), payloadType };
    payloadTypes = rememberPayloadTypes(payloadTypes, [map]);
    return map;
  });
  const parameters = rtpMaps.flatMap((map, index) => {
    const text = codecs[index]?.formatParameters ?? digitsParameters(map);
    return text === undefined ? [] : [[map.payloadType, text] as const];
  });
  return {
    section: {
      type: 'audio',
      port: media.rtpPort,
      protocol: 'RTP/AVP',
      formats: rtpMaps.map((map) => String(map.payloadType)),
      address: media.address,
      direction: media.direction ?? 'sendrecv',
      rtpMaps,
      formatParameters: new Map(parameters),
      ptimeMs: media.ptimeMs ?? 20,
      maxPtimeMs: 60,
      rtcpPort: undefined,
      rtcpMux: false,
      crypto: [],
      extensions: media.levels === true ? LEVEL_EXTENSIONS : [],
    },
    payloadTypes,
  };
}

/** RFC 4733 section 2.4.1: the sixteen keys. */
export const digitsParameters = (format: Format): string | undefined =>
  format.encoding.toLowerCase() === 'telephone-event' ? '0-15' : undefined;

const plain = ({ encoding, clockRateHz, channels }: Format): Format => ({
  encoding,
  clockRateHz,
  channels,
});

function choose(known: PayloadTypes, format: Format): number {
  const before = known.get(formatKey(format)) ?? staticPayloadType(format);
  if (before !== undefined) return before;
  const taken = new Set(known.values());
  if (formatKey(format) === formatKey(telephoneEvent(8_000)) && !taken.has(USUAL_TELEPHONE_EVENT)) {
    return USUAL_TELEPHONE_EVENT;
  }
  for (let n: number = DYNAMIC_PAYLOAD_TYPES.first; n <= DYNAMIC_PAYLOAD_TYPES.last; n++) {
    if (!taken.has(n) && n !== USUAL_TELEPHONE_EVENT) return n;
  }
  // 32 formats in one session: the preference list would have to be absurd.
  return DYNAMIC_PAYLOAD_TYPES.last;
}
