/** SIP URIs and name-addr values (RFC 3261 sections 19.1 and 20.10). */
import { isIPv6 } from 'node:net';
import { fail, ok, type Result } from '../../common/result.ts';
import {
  allIn,
  charSet,
  endOfQuoted,
  formatParameters,
  isToken,
  NO_PARAMETERS,
  parseDecimal,
  parseParameters,
  quote,
  skipSpace,
  trimEnd,
  unquote,
} from './grammar.ts';
import { type ParseProblem, problem } from './problem.ts';
import { decodeText, encodeText } from './text.ts';

export interface SipUri {
  readonly scheme: 'sip' | 'sips' | 'tel';
  /** Unescaped; for `tel`, the number. */
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** IPv6 with its brackets. Empty for `tel`. */
  readonly host: string;
  readonly port: number | undefined;
  /** Lower-case names; a parameter without value maps to ''. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Lower-case names; the values of one that stands there twice are joined by commas. */
  readonly headers: ReadonlyMap<string, string>;
}

export interface NameAddress {
  readonly displayName: string | undefined;
  readonly uri: SipUri;
  /** Header parameters such as `tag`; lower-case names. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** The parts of a name-addr before its URI is looked at: any scheme. */
export interface AddressParts {
  readonly displayName: string | undefined;
  readonly uriText: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const MARK = "-_.!~*'()";
const USER_CHARS = charSet(`${MARK}&=+$,;?/`, true);
/** `#` should be escaped, yet keypad devices send `*72#` as it is; we read it and print it escaped. */
const TOLERATED_USER_CHARS = charSet(`${MARK}&=+$,;?/#`, true);
const PASSWORD_CHARS = charSet(`${MARK}&=+$,`, true);
const PARAMETER_CHARS = charSet(`${MARK}[]/:&+$`, true);
const HEADER_CHARS = charSet(`${MARK}[]/?:+$`, true);
/** Underscore is not in the grammar, but it is in the host names of container networks. */
const HOST_CHARS = charSet('-._', true);
const TEL_CHARS = charSet('+-.()*#', true);
const ANY_URI_CHARS = charSet("%-_.!~*'();/?:@&=+$,[]#", true);

/** Longer URIs are refused; real ones stay under a few hundred characters. */
const MAX_URI_LENGTH = 4096;

export function parseSipUri(text: string): Result<SipUri, ParseProblem> {
  if (text.length > MAX_URI_LENGTH) return fail(problem('uri', 'URI too long', 414));
  const colon = text.indexOf(':');
  const scheme = text.slice(0, Math.max(colon, 0)).toLowerCase();
  if (colon <= 0 || !isScheme(scheme)) return fail(problem('uri', 'no URI scheme'));
  if (scheme === 'sip' || scheme === 'sips') return parseSipForm(scheme, text, colon + 1);
  if (scheme === 'tel') return parseTel(text, colon + 1);
  if (!allIn(ANY_URI_CHARS, text)) return fail(problem('uri', 'character not allowed in a URI'));
  return fail(problem('unknown-scheme', `URI scheme ${scheme}`, 416));
}

/** Of any scheme: begins with one and has only characters that a URI may have. */
export function isUriLike(text: string): boolean {
  const colon = text.indexOf(':');
  return colon > 0 && isScheme(text.slice(0, colon).toLowerCase()) && allIn(ANY_URI_CHARS, text);
}

function isScheme(scheme: string): boolean {
  return isToken(scheme) && scheme.charCodeAt(0) >= 0x61 && scheme.charCodeAt(0) <= 0x7a;
}

function parseSipForm(
  scheme: 'sip' | 'sips',
  text: string,
  start: number,
): Result<SipUri, ParseProblem> {
  // An "@" is legal only between userinfo and host, so the first one decides.
  const at = text.indexOf('@', start);
  let user: string | undefined;
  let password: string | undefined;
  let hostStart = start;
  if (at >= 0) {
    const colon = text.indexOf(':', start);
    const userEnd = colon >= 0 && colon < at ? colon : at;
    user = unescapePart(text, start, userEnd, TOLERATED_USER_CHARS);
    if (user === undefined || user === '') return fail(problem('uri', 'bad user part'));
    if (userEnd < at) {
      password = unescapePart(text, userEnd + 1, at, PASSWORD_CHARS);
      if (password === undefined) return fail(problem('uri', 'bad password part'));
    }
    hostStart = at + 1;
  }
  const hostEnd = endOfHost(text, hostStart);
  const host = repairHost(text.slice(hostStart, hostEnd));
  if (!isHost(host)) return fail(problem('uri', 'bad host'));
  let next = hostEnd;
  let port: number | undefined;
  if (text.charCodeAt(next) === 0x3a) {
    const portStart = next + 1;
    next = portStart;
    while (next < text.length && isDigit(text.charCodeAt(next))) next++;
    port = parseDecimal(text.slice(portStart, next), 65535);
    if (port === undefined || port === 0) return fail(problem('uri', 'bad port'));
  }
  const tail = parseTail(text, next);
  if (!tail.ok) return tail;
  return ok({ scheme, user, password, host, port, ...tail.value });
}

function parseTel(text: string, start: number): Result<SipUri, ParseProblem> {
  let end = start;
  while (end < text.length && TEL_CHARS[text.charCodeAt(end)] === 1) end++;
  if (end === start) return fail(problem('uri', 'empty telephone number'));
  const tail = parseTail(text, end);
  if (!tail.ok) return tail;
  const user = text.slice(start, end);
  return ok({ scheme: 'tel', user, password: undefined, host: '', port: undefined, ...tail.value });
}

type Tail = Pick<SipUri, 'parameters' | 'headers'>;

/** `;name=value` and `?name=value&…`, from `start` to the end. */
function parseTail(text: string, start: number): Result<Tail, ParseProblem> {
  if (start === text.length) return ok({ parameters: NO_PARAMETERS, headers: NO_PARAMETERS });
  const parameters = new Map<string, string>();
  let at = start;
  while (text.charCodeAt(at) === 0x3b) {
    let end = at + 1;
    while (end < text.length && text.charCodeAt(end) !== 0x3b && text.charCodeAt(end) !== 0x3f) {
      end++;
    }
    const pair = parsePair(text, at + 1, end, PARAMETER_CHARS);
    if (pair === undefined) return fail(problem('uri', 'bad URI parameter'));
    const name = pair[0].toLowerCase();
    // Section 19.1.1: a parameter must not appear more than once.
    if (parameters.has(name)) return fail(problem('uri', `URI parameter ${name} twice`));
    parameters.set(name, pair[1]);
    at = end;
  }
  const headers = new Map<string, string>();
  if (text.charCodeAt(at) === 0x3f) {
    for (let from = at + 1; from <= text.length; ) {
      const ampersand = text.indexOf('&', from);
      const end = ampersand < 0 ? text.length : ampersand;
      const pair = parsePair(text, from, end, HEADER_CHARS);
      // Unlike a parameter, a header has its "=" always (section 25.1).
      if (pair === undefined || !text.slice(from, end).includes('=')) {
        return fail(problem('uri', 'bad URI header'));
      }
      const name = pair[0].toLowerCase();
      const before = headers.get(name);
      headers.set(name, before === undefined ? pair[1] : `${before},${pair[1]}`);
      from = end + 1;
    }
    at = text.length;
  }
  if (at !== text.length) return fail(problem('uri', 'character not allowed in a URI'));
  return ok({ parameters, headers });
}

function parsePair(
  text: string,
  start: number,
  end: number,
  allowed: Uint8Array,
): readonly [string, string] | undefined {
  let equals = start;
  while (equals < end && text.charCodeAt(equals) !== 0x3d) equals++;
  const name = unescapePart(text, start, equals, allowed);
  if (name === undefined || name === '') return undefined;
  if (equals === end) return [name, ''];
  const value = unescapePart(text, equals + 1, end, allowed);
  return value === undefined ? undefined : [name, value];
}

/** text[start, end) with %HH resolved, or undefined if a character is not allowed there. */
function unescapePart(
  text: string,
  start: number,
  end: number,
  allowed: Uint8Array,
): string | undefined {
  let escaped = false;
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (allowed[code] === 1) continue;
    if (code !== 0x25 || at + 2 >= end) return undefined;
    if (hexDigit(text.charCodeAt(at + 1)) < 0 || hexDigit(text.charCodeAt(at + 2)) < 0) {
      return undefined;
    }
    escaped = true;
    at += 2;
  }
  if (!escaped) return text.slice(start, end);
  const bytes = Buffer.alloc(end - start);
  let length = 0;
  for (let at = start; at < end; at++) {
    let code = text.charCodeAt(at);
    if (code === 0x25) {
      code = hexDigit(text.charCodeAt(at + 1)) * 16 + hexDigit(text.charCodeAt(at + 2));
      at += 2;
    }
    bytes[length++] = code;
  }
  return decodeText(bytes.subarray(0, length));
}

function escapePart(text: string, allowed: Uint8Array): string {
  if (text === '' || allIn(allowed, text)) return text;
  let escaped = '';
  for (const byte of encodeText(text)) {
    if (allowed[byte] === 1) escaped += String.fromCharCode(byte);
    else escaped += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return escaped;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** Index after the host that starts at `start`. */
export function endOfHost(text: string, start: number): number {
  if (text.charCodeAt(start) === 0x5b) {
    const close = text.indexOf(']', start);
    return close < 0 ? start : close + 1;
  }
  let at = start;
  while (at < text.length && HOST_CHARS[text.charCodeAt(at)] === 1) at++;
  return at;
}

/** A host name, an IPv4 address or an IPv6 address in brackets. */
export function isHost(host: string): boolean {
  if (host.startsWith('[')) {
    return host.length < 48 && isIPv6(host.slice(1, -1)) && !host.includes('%');
  }
  return host.length < 256 && allIn(HOST_CHARS, host);
}

/**
 * RFC 5118 section 4.10: the grammar of RFC 3261 wrongly makes three colons before an embedded IPv4 address;
 * they must be understood as two. Nothing else with three colons is an address.
 */
function repairHost(host: string): string {
  const at = host.indexOf(':::');
  if (at < 0 || host.lastIndexOf(':') !== at + 2 || !host.includes('.', at)) return host;
  return `${host.slice(0, at)}::${host.slice(at + 3)}`;
}

/** `[2001:db8::1]` → `2001:db8::1`; others unchanged. */
export function withoutBrackets(host: string): string {
  return host.startsWith('[') ? host.slice(1, -1) : host;
}

/** An IPv6 address gets its brackets; others unchanged. */
export function withBrackets(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

export function formatSipUri(uri: SipUri): string {
  let text = `${uri.scheme}:`;
  if (uri.scheme === 'tel') text += uri.user ?? '';
  else {
    if (uri.user !== undefined) {
      text += escapePart(uri.user, USER_CHARS);
      if (uri.password !== undefined) text += `:${escapePart(uri.password, PASSWORD_CHARS)}`;
      text += '@';
    }
    text += uri.host;
    if (uri.port !== undefined) text += `:${uri.port}`;
  }
  for (const [name, value] of uri.parameters) {
    text += `;${escapePart(name, PARAMETER_CHARS)}`;
    if (value !== '') text += `=${escapePart(value, PARAMETER_CHARS)}`;
  }
  let separator = '?';
  for (const [name, value] of uri.headers) {
    text += `${separator}${escapePart(name, HEADER_CHARS)}=${escapePart(value, HEADER_CHARS)}`;
    separator = '&';
  }
  return text;
}

/** A `sip:` URI from its common parts; IPv6 hosts with or without brackets. */
export function sipUri(
  host: string,
  options: {
    readonly user?: string;
    readonly port?: number;
    readonly parameters?: readonly (readonly [string, string])[];
    readonly scheme?: 'sip' | 'sips';
  } = {},
): SipUri {
  return {
    scheme: options.scheme ?? 'sip',
    user: options.user,
    password: undefined,
    host: withBrackets(host),
    port: options.port,
    parameters: new Map(options.parameters),
    headers: NO_PARAMETERS,
  };
}

/** Splits a name-addr or addr-spec with header parameters; does not look into the URI. */
export function scanAddress(value: string): Result<AddressParts, ParseProblem> {
  let at = skipSpace(value, 0);
  let displayName: string | undefined;
  if (value.charCodeAt(at) === 0x22) {
    const end = endOfQuoted(value, at);
    if (end < 0) return fail(problem('address', 'quote not closed'));
    displayName = unquote(value.slice(at, end));
    at = skipSpace(value, end);
    if (value.charCodeAt(at) !== 0x3c) return fail(problem('address', 'expected "<"'));
  }
  const open = value.indexOf('<', at);
  const semicolon = value.indexOf(';', at);
  if (open < 0 || (semicolon >= 0 && semicolon < open)) return scanBareAddress(value, at);
  if (displayName === undefined && open > at) {
    displayName = value.slice(at, trimEnd(value, at, open));
    if (!isDisplayName(displayName)) return fail(problem('address', 'bad display name'));
  }
  const close = value.indexOf('>', open);
  if (close < 0) return fail(problem('address', '"<" not closed'));
  const parameters = parseParameters(value, close + 1);
  if (!parameters.ok) return parameters;
  return ok({ displayName, uriText: value.slice(open + 1, close), parameters: parameters.value });
}

/** Without brackets, parameters after ";" belong to the header field, not to the URI (section 20). */
function scanBareAddress(value: string, start: number): Result<AddressParts, ParseProblem> {
  const semicolon = value.indexOf(';', start);
  const end = semicolon < 0 ? value.length : semicolon;
  const uriText = value.slice(start, trimEnd(value, start, end));
  // Section 20.10: a URI with a comma, question mark or semicolon must stand in brackets.
  if (uriText.includes('?') || uriText.includes(',')) {
    return fail(problem('address', 'URI must stand in "<>"'));
  }
  const parameters = parseParameters(value, end);
  if (!parameters.ok) return parameters;
  return ok({ displayName: undefined, uriText, parameters: parameters.value });
}

/** Tokens and white space; letters beyond ASCII are tolerated, as phones send them without quotes. */
function isDisplayName(text: string): boolean {
  for (const word of text.split(' ')) {
    for (const piece of word.split('\t')) {
      for (let at = 0; at < piece.length; at++) {
        if (piece.charCodeAt(at) < 0x80 && !isToken(piece.charAt(at))) return false;
      }
    }
  }
  return true;
}

export function parseNameAddress(value: string): Result<NameAddress, ParseProblem> {
  const parts = scanAddress(value);
  if (!parts.ok) return parts;
  const uri = parseSipUri(parts.value.uriText);
  if (!uri.ok) return uri;
  const { displayName, parameters } = parts.value;
  return ok({ displayName, uri: uri.value, parameters });
}

export function formatNameAddress(address: NameAddress): string {
  const name =
    address.displayName === undefined || address.displayName === ''
      ? ''
      : `${quote(address.displayName)} `;
  return `${name}<${formatSipUri(address.uri)}>${formatParameters(address.parameters)}`;
}
