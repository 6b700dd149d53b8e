/** SIP messages as values. Order and case of header fields are kept; fields are parsed on first use. */
import { createHeaders, type HeaderField, type Headers } from './headers.ts';
import { encodeText } from './text.ts';
import { scanAddress } from './uri.ts';

export interface SipRequest {
  readonly kind: 'request';
  readonly method: string;
  /** As received; parse with parseSipUri (a bad one is answered, not dropped). */
  readonly uri: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

export interface SipResponse {
  readonly kind: 'response';
  readonly status: number;
  readonly reasonPhrase: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

export type SipMessage = SipRequest | SipResponse;

export const EMPTY_BODY: Uint8Array = new Uint8Array(0);

/** RFC 3261 section 21 and the registry of later RFCs. */
const REASON_PHRASES: Readonly<Record<number, string>> = {
  100: 'Trying',
  180: 'Ringing',
  181: 'Call Is Being Forwarded',
  182: 'Queued',
  183: 'Session Progress',
  199: 'Early Dialog Terminated',
  200: 'OK',
  202: 'Accepted',
  204: 'No Notification',
  300: 'Multiple Choices',
  301: 'Moved Permanently',
  302: 'Moved Temporarily',
  305: 'Use Proxy',
  380: 'Alternative Service',
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  410: 'Gone',
  412: 'Conditional Request Failed',
  413: 'Request Entity Too Large',
  414: 'Request-URI Too Long',
  415: 'Unsupported Media Type',
  416: 'Unsupported URI Scheme',
  417: 'Unknown Resource-Priority',
  420: 'Bad Extension',
  421: 'Extension Required',
  422: 'Session Interval Too Small',
  423: 'Interval Too Brief',
  428: 'Use Identity Header',
  429: 'Provide Referrer Identity',
  430: 'Flow Failed',
  433: 'Anonymity Disallowed',
  436: 'Bad Identity-Info',
  437: 'Unsupported Certificate',
  438: 'Invalid Identity Header',
  439: 'First Hop Lacks Outbound Support',
  440: 'Max-Breadth Exceeded',
  469: 'Bad Info Package',
  470: 'Consent Needed',
  480: 'Temporarily Unavailable',
  481: 'Call/Transaction Does Not Exist',
  482: 'Loop Detected',
  483: 'Too Many Hops',
  484: 'Address Incomplete',
  485: 'Ambiguous',
  486: 'Busy Here',
  487: 'Request Terminated',
  488: 'Not Acceptable Here',
  489: 'Bad Event',
  491: 'Request Pending',
  493: 'Undecipherable',
  494: 'Security Agreement Required',
  500: 'Server Internal Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Server Time-out',
  505: 'Version Not Supported',
  513: 'Message Too Large',
  555: 'Push Notification Service Not Supported',
  580: 'Precondition Failure',
  600: 'Busy Everywhere',
  603: 'Decline',
  604: 'Does Not Exist Anywhere',
  606: 'Not Acceptable',
  607: 'Unwanted',
  608: 'Rejected',
};

export function reasonPhraseOf(status: number): string {
  return REASON_PHRASES[status] ?? REASON_PHRASES[Math.floor(status / 100) * 100] ?? 'Unknown';
}

export interface ResponseOptions {
  /** Put on To if it has none and the status is above 100 (RFC 3261 section 8.2.6.2). */
  readonly toTag?: string;
  /** Default: the phrase of the RFC. */
  readonly reasonPhrase?: string;
  /** Added at the end, in this order. */
  readonly headers?: Iterable<HeaderField | readonly [name: string, value: string]>;
  readonly body?: Uint8Array | string;
  /** Needed with a body. */
  readonly contentType?: string;
}

/**
 * A response to `request` with everything copied that RFC 3261 section 8.2.6.2 wants: Via, From, To,
 * Call-ID, CSeq; Timestamp in a 100; Record-Route where a dialog may come of it (section 12.1.1).
 */
export function responseTo(
  request: SipRequest,
  status: number,
  options: ResponseOptions = {},
): SipResponse {
  const fields: (readonly [string, string])[] = [];
  const copyAll = (name: string): void => {
    for (const value of request.headers.all(name)) fields.push([name, value]);
  };
  copyAll('Via');
  if (status > 100 && status < 300) copyAll('Record-Route');
  for (const name of ['From', 'To', 'Call-ID', 'CSeq']) {
    const value = request.headers.get(name);
    if (value === undefined) continue;
    fields.push([name, name === 'To' && status > 100 ? withTag(value, options.toTag) : value]);
  }
  if (status === 100) copyAll('Timestamp');
  for (const field of options.headers ?? []) {
    fields.push('name' in field ? [field.name, field.value] : field);
  }
  if (options.contentType !== undefined) fields.push(['Content-Type', options.contentType]);
  return {
    kind: 'response',
    status,
    reasonPhrase: printable(options.reasonPhrase ?? reasonPhraseOf(status)),
    headers: createHeaders(fields),
    body: bodyOf(options.body),
  };
}

/** A phrase may quote what a peer sent, and that may hold anything. */
function printable(phrase: string): string {
  return phrase.replaceAll(/[^\x20-\x7e]/g, '?');
}

export function bodyOf(body: Uint8Array | string | undefined): Uint8Array {
  if (body === undefined) return EMPTY_BODY;
  return typeof body === 'string' ? encodeText(body) : body;
}

/** A To or From value with a tag parameter, unless it has one. */
export function withTag(value: string, tag: string | undefined): string {
  if (tag === undefined || hasTag(value)) return value;
  return `${value};tag=${tag}`;
}

/** Whether a header parameter `tag` stands after the address. */
function hasTag(value: string): boolean {
  const parts = scanAddress(value);
  return parts.ok && parts.value.parameters.has('tag');
}
