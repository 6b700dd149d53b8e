/**
 * Session descriptions (RFC 8866) as readonly values. The text work is done by npm sdp-transform;
 * this file bounds what it is given, checks what it returns and hides its types. It knows nothing
 * of offers and answers: start in offer-answer.ts for those.
 */
import { isIP } from 'node:net';
import * as sdpTransform from 'sdp-transform';
import { MediaError } from '../../common/errors.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { Direction } from '../../mixer/media.ts';
import type { HeaderExtension } from './header-extensions.ts';

export interface Origin {
  readonly username: string;
  /** Numeric, up to 64 bits and more: kept as text. */
  readonly sessionId: string;
  readonly sessionVersion: string;
  readonly address: string;
}

/** `a=rtpmap`. Names compare without case. */
export interface RtpMap {
  readonly payloadType: number;
  readonly encoding: string;
  readonly clockRateHz: number;
  readonly channels: number;
}

/** `a=crypto` (RFC 4568), kept for SRTP. */
export interface CryptoLine {
  readonly tag: number;
  readonly suite: string;
  readonly keyParameters: string;
  readonly sessionParameters: string | undefined;
}

export interface MediaSection {
  readonly type: string;
  /** 0: refused or stopped (RFC 3264 section 6). */
  readonly port: number;
  readonly protocol: string;
  /** As in the m= line: payload types for RTP. */
  readonly formats: readonly string[];
  /** The c= of this section, else that of the session. IP literal, else undefined. */
  readonly address: string | undefined;
  /** This section's, else the session's, else sendrecv (RFC 8866 section 6.7). */
  readonly direction: Direction;
  readonly rtpMaps: readonly RtpMap[];
  readonly formatParameters: ReadonlyMap<number, string>;
  readonly ptimeMs: number | undefined;
  readonly maxPtimeMs: number | undefined;
  /** `a=rtcp` (RFC 3605). */
  readonly rtcpPort: number | undefined;
  readonly rtcpMux: boolean;
  readonly crypto: readonly CryptoLine[];
  /** `a=extmap` of this section (RFC 8285). */
  readonly extensions: readonly HeaderExtension[];
}

export interface SessionDescription {
  readonly origin: Origin;
  readonly media: readonly MediaSection[];
}

/** Far above what any phone sends; a larger one is an attack or a mistake. */
const MAX_LENGTH = 16_384;
const MAX_LINES = 400;
const MAX_LINE_LENGTH = 1_024;
const MAX_MEDIA = 16;
const MAX_FORMATS = 64;
const MAX_EXTENSIONS = 32;

const bad = (what: string): Result<never, MediaError> =>
  fail(new MediaError('bad-description', `session description: ${what}`));

/** Never throws; the error says what is wrong with the text. */
export function parseSdp(text: string): Result<SessionDescription, MediaError> {
  if (text.length > MAX_LENGTH) return bad(`longer than ${MAX_LENGTH} characters`);
  const lines = text.split(/\r\n|\r|\n/).filter((line) => line !== '');
  if (lines.length > MAX_LINES) return bad(`more than ${MAX_LINES} lines`);
  if (lines[0] !== 'v=0') return bad('does not begin with v=0');
  const broken = lines.find((line) => line.length > MAX_LINE_LENGTH || !/^[a-z]=/.test(line));
  if (broken !== undefined) return bad(`line ${JSON.stringify(broken.slice(0, 40))}`);
  const mediaLines = lines.filter((line) => line.startsWith('m='));
  if (mediaLines.length > MAX_MEDIA) return bad(`more than ${MAX_MEDIA} m= lines`);
  const wrongMedia = mediaLines.find((line) => !M_LINE.test(line));
  if (wrongMedia !== undefined) return bad(`line ${JSON.stringify(wrongMedia.slice(0, 40))}`);
  // sdp-transform does not read `port/number of ports`; the number is of no use to us.
  const normalised = lines.map((line) => line.replace(/^(m=\S+ \d+)\/\d+ /, '$1 ')).join('\r\n');
  let raw: unknown;
  try {
    raw = sdpTransform.parse(normalised);
  } catch (error) {
    return bad(error instanceof Error ? error.message : 'unreadable');
  }
  return convert(record(raw));
}

const M_LINE = /^m=\w+ \d{1,5}(\/\d{1,3})? [\w/]+ \S/;

// ── checking what sdp-transform gives ────────────────────────────────────────────────────────

type Raw = Readonly<Record<string, unknown>>;
const record = (value: unknown): Raw =>
  typeof value === 'object' && value !== null ? (value as Raw) : {};
const records = (value: unknown): readonly Raw[] => (Array.isArray(value) ? value.map(record) : []);
const text = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '';

function whole(value: unknown, low: number, high: number): number | undefined {
  const number = typeof value === 'number' ? value : Number.NaN;
  return Number.isInteger(number) && number >= low && number <= high ? number : undefined;
}

function convert(raw: Raw): Result<SessionDescription, MediaError> {
  const origin = record(raw['origin']);
  const sessionId = text(origin['sessionId']);
  const sessionVersion = text(origin['sessionVersion']);
  if (sessionId === '' || sessionVersion === '') return bad('o= line is missing or malformed');
  const sessionAddress = literal(raw['connection']);
  const media: MediaSection[] = [];
  for (const section of records(raw['media'])) {
    const converted = convertMedia(section, sessionAddress, direction(raw['direction']));
    if (!converted.ok) return converted;
    media.push(converted.value);
  }
  return ok({
    origin: {
      username: text(origin['username']),
      sessionId,
      sessionVersion,
      address: text(origin['address']),
    },
    media,
  });
}

function convertMedia(
  raw: Raw,
  sessionAddress: string | undefined,
  sessionDirection: Direction | undefined,
): Result<MediaSection, MediaError> {
  const port = whole(raw['port'], 0, 65_535);
  if (port === undefined) return bad('port of an m= line');
  const formats = text(raw['payloads']).split(' ').filter(Boolean);
  if (formats.length > MAX_FORMATS) return bad(`more than ${MAX_FORMATS} formats in an m= line`);
  const formatParameters = new Map<number, string>();
  for (const line of records(raw['fmtp'])) {
    const payloadType = whole(line['payload'], 0, 127);
    if (payloadType !== undefined) formatParameters.set(payloadType, text(line['config']));
  }
  return ok({
    type: text(raw['type']),
    port,
    protocol: text(raw['protocol']),
    formats,
    address: raw['connection'] === undefined ? sessionAddress : literal(raw['connection']),
    direction: direction(raw['direction']) ?? sessionDirection ?? 'sendrecv',
    rtpMaps: records(raw['rtp']).flatMap(convertRtpMap),
    formatParameters,
    ptimeMs: whole(raw['ptime'], 1, 1_000),
    maxPtimeMs: whole(raw['maxptime'], 1, 1_000),
    rtcpPort: whole(record(raw['rtcp'])['port'], 1, 65_535),
    rtcpMux: raw['rtcpMux'] !== undefined,
    crypto: records(raw['crypto']).flatMap(convertCrypto),
    extensions: records(raw['ext']).slice(0, MAX_EXTENSIONS).flatMap(convertExtension),
  });
}

function convertRtpMap(raw: Raw): readonly RtpMap[] {
  const payloadType = whole(raw['payload'], 0, 127);
  const clockRateHz = whole(raw['rate'], 1, 1_000_000);
  const encoding = text(raw['codec']);
  // A map without a rate or with a silly number is not usable; the rest of the description is.
  if (payloadType === undefined || clockRateHz === undefined || encoding === '') return [];
  return [{ payloadType, encoding, clockRateHz, channels: whole(raw['encoding'], 1, 255) ?? 1 }];
}

function convertCrypto(raw: Raw): readonly CryptoLine[] {
  const tag = whole(raw['id'], 0, 999_999_999);
  const suite = text(raw['suite']);
  const keyParameters = text(raw['config']);
  if (tag === undefined || suite === '' || keyParameters === '') return [];
  const extra = text(raw['sessionConfig']);
  return [{ tag, suite, keyParameters, sessionParameters: extra === '' ? undefined : extra }];
}

function convertExtension(raw: Raw): readonly HeaderExtension[] {
  const id = whole(raw['value'], 1, 4351);
  const uri = text(raw['uri']);
  // RFC 6904: one that is encrypted is of no use to us.
  if (id === undefined || uri === '' || raw['encrypt-uri'] !== undefined) return [];
  return [{ id, uri, direction: direction(raw['direction']) ?? 'sendrecv' }];
}

/** The address of a c= line; a name, which we do not look up, or a multicast range is undefined. */
function literal(raw: unknown): string | undefined {
  const address = text(record(raw)['ip']);
  return isIP(address) === 0 ? undefined : address;
}

function direction(raw: unknown): Direction | undefined {
  switch (raw) {
    case 'sendrecv':
    case 'sendonly':
    case 'recvonly':
    case 'inactive':
      return raw;
    default:
      return undefined;
  }
}

// ── printing ─────────────────────────────────────────────────────────────────────────────────

export function printSdp(description: SessionDescription): string {
  const { origin } = description;
  const common = description.media.find((section) => section.address !== undefined)?.address;
  const address = common ?? origin.address;
  return sdpTransform.write({
    version: 0,
    origin: {
      username: origin.username,
      sessionId: origin.sessionId,
      // Written with %d; ours are small numbers.
      sessionVersion: Number(origin.sessionVersion),
      netType: 'IN',
      ipVer: ipVersion(origin.address),
      address: origin.address,
    },
    name: '-',
    connection: { version: ipVersion(address), ip: address },
    timing: { start: 0, stop: 0 },
    media: description.media.map((section) => printMedia(section, address)),
  });
}

const ipVersion = (address: string): 4 | 6 => (isIP(address) === 6 ? 6 : 4);

function printMedia(
  section: MediaSection,
  sessionAddress: string,
): sdpTransform.SessionDescription['media'][number] {
  const { address } = section;
  return {
    type: section.type,
    port: section.port,
    protocol: section.protocol,
    payloads: section.formats.join(' '),
    ...(address === undefined || address === sessionAddress
      ? {}
      : { connection: { version: ipVersion(address), ip: address } }),
    rtp: section.rtpMaps.map((map) => ({
      payload: map.payloadType,
      codec: map.encoding,
      rate: map.clockRateHz,
      ...(map.channels === 1 ? {} : { encoding: map.channels }),
    })),
    fmtp: [...section.formatParameters].map(([payload, config]) => ({ payload, config })),
    ...(section.ptimeMs === undefined ? {} : { ptime: section.ptimeMs }),
    ...(section.maxPtimeMs === undefined ? {} : { maxptime: section.maxPtimeMs }),
    // A refused stream has no attributes worth sending.
    ...(section.port === 0 ? {} : { direction: section.direction }),
    ...(section.rtcpPort === undefined ? {} : { rtcp: { port: section.rtcpPort } }),
    ...(section.rtcpMux ? { rtcpMux: 'rtcp-mux' as const } : {}),
    ...(section.extensions.length === 0
      ? {}
      : {
          ext: section.extensions.map(({ id, uri, direction }) => ({
            value: id,
            uri,
            ...(direction === 'sendrecv' ? {} : { direction }),
          })),
        }),
    ...(section.crypto.length === 0
      ? {}
      : {
          crypto: section.crypto.map((line) => ({
            id: line.tag,
            suite: line.suite,
            config: line.keyParameters,
            ...(line.sessionParameters === undefined
              ? {}
              : { sessionConfig: line.sessionParameters }),
          })),
        }),
  };
}
