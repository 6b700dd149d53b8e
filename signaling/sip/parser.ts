/**
 * Bytes of one message to a SipMessage (RFC 3261 section 7). Header values stay text; only what decides
 * whether the message can be handled at all is looked into: start line, the essential fields
 * (essentials.ts), Max-Forwards and Content-Length. One pass, no backtracking, never throws.
 */
import { fail, ok, type Result } from '../../common/result.ts';
import { essentialsOf } from './essentials.ts';
import { parseMaxForwards } from './fields.ts';
import { isToken, parseDecimal } from './grammar.ts';
import { type HeaderField, type Headers, headersFromWire } from './headers.ts';
import { EMPTY_BODY, type SipMessage, type SipRequest } from './message.ts';
import { type MessageProblem, type ParseProblem, problem } from './problem.ts';
import { decodeText } from './text.ts';
import { isUriLike, parseSipUri } from './uri.ts';

export interface MessageLimits {
  /** Start line and header fields together. */
  readonly headerBytes: number;
  readonly headerFields: number;
  /** The whole message. */
  readonly messageBytes: number;
}

/** A datagram holds at most 65,535; streams get the same. Real headers stay under 8 KiB and 60 fields. */
export const DEFAULT_LIMITS: MessageLimits = {
  headerBytes: 32_768,
  headerFields: 256,
  messageBytes: 65_535,
};

export interface ParseOptions {
  readonly limits?: MessageLimits;
  /** From a stream: Content-Length must be there (RFC 3261 section 20.14). Default false. */
  readonly stream?: boolean;
}

export function parseMessage(
  bytes: Uint8Array,
  options: ParseOptions = {},
): Result<SipMessage, MessageProblem> {
  const limits = options.limits ?? DEFAULT_LIMITS;
  const start = skipLineEnds(bytes);
  const end = endOfHead(bytes, start, limits.headerBytes);
  const head = decodeText(bytes.subarray(start, end.at));
  const firstLineEnd = head.indexOf('\r\n');
  const line = parseStartLine(head.slice(0, firstLineEnd < 0 ? head.length : firstLineEnd));
  if (line.kind === 'none') return fail({ ...line.problem, answerable: undefined });

  const scanned = scanFields(head, firstLineEnd < 0 ? head.length : firstLineEnd + 2, limits);
  const headers = headersFromWire(scanned.fields);
  const found =
    end.problem ??
    (bytes.length > limits.messageBytes ? tooLarge('message too large') : undefined) ??
    line.problem ??
    scanned.problem ??
    problemOfHeaders(headers, line.kind === 'request' ? line : undefined);
  if (found !== undefined) return fail({ ...found, answerable: answerable(line, headers) });

  const body = bodyOf(bytes, end.next, headers, options);
  if (!body.ok) return fail({ ...body.error, answerable: answerable(line, headers) });
  return ok(
    line.kind === 'request'
      ? { kind: 'request', method: line.method, uri: line.uri, headers, body: body.value }
      : {
          kind: 'response',
          status: line.status,
          reasonPhrase: line.reasonPhrase,
          headers,
          body: body.value,
        },
  );
}

/** Section 7.5: line ends before the start line are ignored. */
function skipLineEnds(bytes: Uint8Array): number {
  let at = 0;
  while (bytes[at] === 0x0d && bytes[at + 1] === 0x0a) at += 2;
  return at;
}

interface HeadEnd {
  /** After the CRLF of the last header line. */
  readonly at: number;
  /** Where the body begins. */
  readonly next: number;
  readonly problem: ParseProblem | undefined;
}

function endOfHead(bytes: Uint8Array, start: number, limit: number): HeadEnd {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blank = buffer.indexOf('\r\n\r\n', start, 'latin1');
  const end = blank < 0 ? bytes.length : blank + 2;
  if (end - start > limit) {
    const cut = start + limit;
    return { at: cut, next: cut, problem: tooLarge('header section too large') };
  }
  if (blank < 0) {
    return {
      at: end,
      next: end,
      problem: problem('header-syntax', 'no end of the header section'),
    };
  }
  return { at: end, next: blank + 4, problem: undefined };
}

function tooLarge(detail: string): ParseProblem {
  return problem('too-large', detail, 513);
}

type StartLine =
  | { readonly kind: 'none'; readonly problem: ParseProblem }
  | {
      readonly kind: 'request';
      readonly method: string;
      readonly uri: string;
      readonly problem: ParseProblem | undefined;
    }
  | {
      readonly kind: 'response';
      readonly status: number;
      readonly reasonPhrase: string;
      readonly problem: ParseProblem | undefined;
    };

function parseStartLine(line: string): StartLine {
  if (hasBareLineEnd(line, 0, line.length)) {
    return { kind: 'none', problem: problem('not-sip', 'bare CR or LF in the start line') };
  }
  const firstSpace = line.indexOf(' ');
  const first = line.slice(0, Math.max(firstSpace, 0));
  if (first.slice(0, 4).toUpperCase() === 'SIP/') return parseStatusLine(line, firstSpace, first);
  const lastSpace = line.lastIndexOf(' ');
  const uri = line.slice(firstSpace + 1, Math.max(lastSpace, firstSpace + 1));
  const versionAt = line.toUpperCase().lastIndexOf('SIP/');
  if (!isToken(first) || versionAt < 0) {
    return { kind: 'none', problem: problem('not-sip', 'no SIP start line') };
  }
  const version = line.slice(lastSpace + 1);
  return { kind: 'request', method: first, uri, problem: problemOfRequestLine(uri, version) };
}

function problemOfRequestLine(uri: string, version: string): ParseProblem | undefined {
  // Exactly one space between the parts, none behind them (section 7.1).
  if (version.slice(0, 4).toUpperCase() !== 'SIP/' || uri.includes(' ')) {
    return problem('start-line', 'malformed request line');
  }
  if (version.slice(4) !== '2.0') return problem('version', `SIP version ${version}`, 505);
  if (!isUriLike(uri)) return problem('uri', 'bad Request-URI');
  const parsed = parseSipUri(uri);
  // Unknown schemes pass: whether to answer 416 or to forward is for the user of the transaction.
  if (!parsed.ok) return parsed.error.code === 'unknown-scheme' ? undefined : parsed.error;
  // Section 19.1.1: no headers in a Request-URI.
  if (parsed.value.headers.size > 0) return problem('uri', 'headers in the Request-URI');
  return undefined;
}

function parseStatusLine(line: string, firstSpace: number, version: string): StartLine {
  const code = line.slice(firstSpace + 1, firstSpace + 4);
  const after = line.charAt(firstSpace + 4);
  const status = parseDecimal(code, 999) ?? 0;
  const reasonPhrase = line.slice(firstSpace + 5);
  let found: ParseProblem | undefined;
  if (version.slice(4) !== '2.0') found = problem('version', `SIP version ${version}`);
  else if (status < 100 || status > 699 || (after !== ' ' && after !== '')) {
    found = problem('start-line', 'bad status code');
  }
  return { kind: 'response', status, reasonPhrase, problem: found };
}

interface ScannedFields {
  readonly fields: readonly HeaderField[];
  readonly problem: ParseProblem | undefined;
}

function scanFields(head: string, start: number, limits: MessageLimits): ScannedFields {
  const fields: { name: string; value: string }[] = [];
  let found: ParseProblem | undefined;
  for (let at = start; at < head.length; ) {
    const end = head.indexOf('\r\n', at);
    const lineEnd = end < 0 ? head.length : end;
    const bare = hasBareLineEnd(head, at, lineEnd);
    if (bare) found ??= problem('header-syntax', 'bare CR or LF in the header section');
    const line = bare ? withoutLineEnds(head.slice(at, lineEnd)) : head.slice(at, lineEnd);
    const last = fields.at(-1);
    if (line.charCodeAt(0) === 0x20 || line.charCodeAt(0) === 0x09) {
      // Section 7.3.1: a line that begins with white space goes on with the value above it.
      if (last === undefined) found ??= problem('header-syntax', 'continuation of nothing');
      else last.value = `${last.value} ${line.trim()}`.trim();
    } else {
      const colon = line.indexOf(':');
      const name = line.slice(0, Math.max(colon, 0)).trimEnd();
      if (fields.length >= limits.headerFields) {
        return { fields, problem: tooLarge('too many header fields') };
      }
      if (isToken(name)) fields.push({ name, value: line.slice(colon + 1).trim() });
      else found ??= problem('header-syntax', 'malformed header line');
    }
    at = lineEnd + 2;
  }
  return { fields, problem: found };
}

function hasBareLineEnd(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x0a || code === 0x0d) return true;
  }
  return false;
}

function withoutLineEnds(line: string): string {
  return line.replaceAll('\r', ' ').replaceAll('\n', ' ');
}

function problemOfHeaders(
  headers: Headers,
  request: { readonly method: string } | undefined,
): ParseProblem | undefined {
  const essentials = essentialsOf(headers);
  if (!essentials.ok) return essentials.error;
  if (request === undefined) return undefined;
  // Section 8.1.1.5: the CSeq method is that of the request.
  if (essentials.value.cseq.method !== request.method) {
    return problem('cseq', 'CSeq method differs from the request');
  }
  const hops = headers.all('Max-Forwards');
  if (hops.length > 1) return problem('duplicate-header', 'Max-Forwards more than once');
  const [hop] = hops;
  if (hop !== undefined) {
    const parsed = parseMaxForwards(hop);
    if (!parsed.ok) return parsed.error;
  }
  return undefined;
}

/** Section 18.3: too short is an error, bytes beyond the length are dropped, no length means all of a datagram. */
function bodyOf(
  bytes: Uint8Array,
  start: number,
  headers: Headers,
  options: ParseOptions,
): Result<Uint8Array, ParseProblem> {
  const available = bytes.length - start;
  const length = contentLength(headers);
  if (!length.ok) return length;
  if (length.value === undefined) {
    if (options.stream === true)
      return fail(problem('content-length', 'no Content-Length on a stream'));
    return ok(available === 0 ? EMPTY_BODY : bytes.subarray(start));
  }
  const { messageBytes } = options.limits ?? DEFAULT_LIMITS;
  if (length.value > messageBytes) return fail(tooLarge('Content-Length too large'));
  if (length.value > available) {
    return fail(problem('content-length', 'body shorter than Content-Length'));
  }
  return ok(length.value === 0 ? EMPTY_BODY : bytes.subarray(start, start + length.value));
}

/** Undefined if absent. */
export function contentLength(headers: Headers): Result<number | undefined, ParseProblem> {
  const [text, ...further] = headers.all('Content-Length');
  if (text === undefined) return ok(undefined);
  if (further.length > 0) {
    return fail(problem('duplicate-header', 'Content-Length more than once'));
  }
  const length = parseDecimal(text, Number.MAX_SAFE_INTEGER);
  return length === undefined ? fail(problem('content-length', 'bad Content-Length')) : ok(length);
}

/** See MessageProblem.answerable. A response needs at least the Via to go back by and the CSeq to be matched. */
function answerable(line: StartLine, headers: Headers): SipRequest | undefined {
  if (line.kind !== 'request' || line.method === 'ACK') return undefined;
  if (!headers.has('Via') || !headers.has('CSeq')) return undefined;
  return { kind: 'request', method: line.method, uri: line.uri, headers, body: EMPTY_BODY };
}
