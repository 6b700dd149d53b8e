/** One audio section of an offer: can we take it, and what do we answer (RFC 3264 section 6.1). Pure. */
import type { Direction } from '../../mixer/media.ts';
import { commonCodecs, formatKey, formatsOf, telephoneEvent } from './codec-selection.ts';
import { answeredExtensions } from './header-extensions.ts';
import type { LocalMedia } from './offer-answer.ts';
import { digitsParameters } from './payload-types.ts';
import type { MediaSection, RtpMap } from './sdp.ts';

/** RTP/AVPF (RFC 4585) only adds feedback that nobody has to send. */
const PROTOCOLS: readonly string[] = ['RTP/AVP', 'RTP/AVPF'];

export const reachable = (section: MediaSection): boolean => section.address !== undefined;

/** RFC 3264 section 8.4 and RFC 2543: `0.0.0.0` asks us to send nothing. */
export const isHoldAddress = (address: string | undefined): boolean =>
  address === '0.0.0.0' || address === '::';

export function mayAccept(section: MediaSection, media: LocalMedia): boolean {
  return (
    section.type === 'audio' &&
    PROTOCOLS.includes(section.protocol) &&
    section.port !== 0 &&
    reachable(section) &&
    commonCodecs(formatsOf(section), media.codecs, 'offer').length > 0
  );
}

export function answeredSection(offered: MediaSection, media: LocalMedia): MediaSection {
  const formats = formatsOf(offered);
  const codecs = commonCodecs(formats, media.codecs, media.order ?? 'offer');
  const rates = new Set(codecs.map((codec) => codec.clockRateHz));
  const extras = [
    ...((media.comfortNoise ?? 'never') === 'never' ? [] : comfortNoiseOf(formats, rates)),
    ...(media.digits === false ? [] : telephoneEventsOf(formats, rates)),
  ];
  const rtpMaps: readonly RtpMap[] = [
    ...codecs.map(({ encoding, clockRateHz, channels, payloadType }) => ({
      encoding,
      clockRateHz,
      channels,
      payloadType,
    })),
    ...extras,
  ];
  const parameters = rtpMaps.flatMap((map, index) => {
    const text = codecs[index]?.formatParameters ?? digitsParameters(map);
    return text === undefined ? [] : [[map.payloadType, text] as const];
  });
  return {
    type: 'audio',
    port: media.rtpPort,
    protocol: offered.protocol,
    formats: rtpMaps.map((map) => String(map.payloadType)),
    address: media.address,
    direction: answerDirection(offeredDirection(offered), media.direction ?? 'sendrecv'),
    rtpMaps,
    formatParameters: new Map(parameters),
    ptimeMs: media.ptimeMs ?? 20,
    maxPtimeMs: 60,
    rtcpPort: undefined,
    rtcpMux: false,
    crypto: [],
    extensions: media.levels === true ? answeredExtensions(offered.extensions) : [],
  };
}

/** RFC 4733 section 2.5.1.2: events run on the clock of the audio. A lone 8000 Hz one is better than none. */
export function telephoneEventsOf(
  formats: readonly RtpMap[],
  rates: ReadonlySet<number>,
): readonly RtpMap[] {
  const all = formats.filter((map) => map.encoding.toLowerCase() === 'telephone-event');
  const fitting = all.filter((map) => rates.has(map.clockRateHz));
  if (fitting.length > 0) return fitting;
  return all.filter((map) => formatKey(map) === formatKey(telephoneEvent(8_000)));
}

export function comfortNoiseOf(
  formats: readonly RtpMap[],
  rates: ReadonlySet<number>,
): readonly RtpMap[] {
  return formats.filter((map) => map.encoding.toUpperCase() === 'CN' && rates.has(map.clockRateHz));
}

/** What the peer offers to do, seen from the peer; a hold address takes receiving away. */
export function offeredDirection(section: MediaSection): Direction {
  if (!isHoldAddress(section.address)) return section.direction;
  return limit(section.direction, 'sendonly');
}

const sends = (direction: Direction): boolean =>
  direction === 'sendrecv' || direction === 'sendonly';
const receives = (direction: Direction): boolean =>
  direction === 'sendrecv' || direction === 'recvonly';

function directionOf(send: boolean, receive: boolean): Direction {
  if (send) return receive ? 'sendrecv' : 'sendonly';
  return receive ? 'recvonly' : 'inactive';
}

/** What both allow. */
export function limit(a: Direction, b: Direction): Direction {
  return directionOf(sends(a) && sends(b), receives(a) && receives(b));
}

/** RFC 3264 section 6.1: the answer mirrors the offer, and may want less. */
export function answerDirection(offered: Direction, wanted: Direction): Direction {
  return limit(mirror(offered), wanted);
}

export function mirror(direction: Direction): Direction {
  return directionOf(receives(direction), sends(direction));
}
