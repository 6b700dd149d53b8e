/**
 * Parsed views of header values: what a value means, as plain records. Each function takes one value
 * (Headers.list or Headers.get gives it) and returns a Result; none throws.
 */
import { fail, ok, type Result } from '../../common/result.ts';
import {
  endOfListItem,
  endOfQuoted,
  isToken,
  parseDecimal,
  parseParameters,
  quote,
  skipSpace,
  TOKEN_CHARS,
  unquote,
} from './grammar.ts';
import type { Headers } from './headers.ts';
import { type ParseProblem, problem } from './problem.ts';
import { type NameAddress, parseNameAddress, scanAddress } from './uri.ts';

export interface CSeq {
  readonly number: number;
  readonly method: string;
}

/** RFC 3261 section 8.1.1.5: below 2^31. */
const MAX_CSEQ = 2 ** 31 - 1;

export function parseCSeq(value: string): Result<CSeq, ParseProblem> {
  const words = wordsOf(value);
  const number = parseDecimal(words[0] ?? '', MAX_CSEQ);
  const method = words[1] ?? '';
  if (words.length !== 2 || number === undefined || !isToken(method)) {
    return fail(problem('cseq', 'CSeq must be a number below 2^31 and a method'));
  }
  return ok({ number, method });
}

export function formatCSeq(cseq: CSeq): string {
  return `${cseq.number} ${cseq.method}`;
}

/** The tag of a From or To value; undefined if it has none or does not parse. */
export function tagOf(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const parts = scanAddress(value);
  return parts.ok ? parts.value.parameters.get('tag') : undefined;
}

/** Contact values; `*` (REGISTER only) comes alone. */
export function parseContacts(
  headers: Headers,
): Result<readonly NameAddress[] | '*', ParseProblem> {
  const values = headers.list('Contact');
  if (values.length === 1 && values[0] === '*') return ok('*');
  const contacts: NameAddress[] = [];
  for (const value of values) {
    const contact = parseNameAddress(value);
    if (!contact.ok) return contact;
    contacts.push(contact.value);
  }
  return ok(contacts);
}

/** Max-Forwards: 0–255 (section 20.22). Undefined if absent. */
export function parseMaxForwards(value: string): Result<number, ParseProblem> {
  return numberIn(value, 255, 'Max-Forwards');
}

/** RSeq: 1 to 2^32-1 (RFC 3262 section 7.1). */
export function parseRSeq(value: string): Result<number, ParseProblem> {
  const number = numberIn(value, 2 ** 32 - 1, 'RSeq');
  return number.ok && number.value === 0 ? fail(problem('number', 'RSeq 0')) : number;
}

export interface RAck {
  readonly rseq: number;
  readonly cseq: CSeq;
}

export function parseRAck(value: string): Result<RAck, ParseProblem> {
  const words = wordsOf(value);
  const rseq = parseDecimal(words[0] ?? '', 2 ** 32 - 1);
  const cseq = parseCSeq(words.slice(1).join(' '));
  if (rseq === undefined) return fail(problem('number', 'bad RAck'));
  return cseq.ok ? ok({ rseq, cseq: cseq.value }) : cseq;
}

export interface SessionExpires {
  readonly seconds: number;
  readonly refresher: 'uac' | 'uas' | undefined;
}

/** RFC 4028 section 4. Min-SE has the same form without refresher. */
export function parseSessionExpires(value: string): Result<SessionExpires, ParseProblem> {
  const semicolon = value.indexOf(';');
  const end = semicolon < 0 ? value.length : semicolon;
  const seconds = parseDecimal(value.slice(0, end).trim(), 2 ** 32 - 1);
  if (seconds === undefined) return fail(problem('number', 'bad Session-Expires'));
  const parameters = parseParameters(value, end);
  if (!parameters.ok) return parameters;
  const refresher = parameters.value.get('refresher')?.toLowerCase();
  if (refresher !== undefined && refresher !== 'uac' && refresher !== 'uas') {
    return fail(problem('parameter', 'bad refresher'));
  }
  return ok({ seconds, refresher });
}

export function formatSessionExpires(value: SessionExpires): string {
  const refresher = value.refresher === undefined ? '' : `;refresher=${value.refresher}`;
  return `${value.seconds}${refresher}`;
}

/** Retry-After: seconds, then an optional comment and parameters, which are left aside. */
export function parseRetryAfter(value: string): Result<number, ParseProblem> {
  let at = 0;
  while (at < value.length && value.charCodeAt(at) >= 0x30 && value.charCodeAt(at) <= 0x39) at++;
  return numberIn(value.slice(0, at), 2 ** 32 - 1, 'Retry-After');
}

export interface Reason {
  /** `Q.850` or `SIP`. */
  readonly protocol: string;
  readonly cause: number | undefined;
  readonly text: string | undefined;
}

/** One value of Reason (RFC 3326). */
export function parseReason(value: string): Result<Reason, ParseProblem> {
  const semicolon = value.indexOf(';');
  const end = semicolon < 0 ? value.length : semicolon;
  const protocol = value.slice(0, end).trim();
  if (!isToken(protocol)) return fail(problem('header-syntax', 'bad Reason'));
  const parameters = parseParameters(value, end);
  if (!parameters.ok) return parameters;
  const cause = parseDecimal(parameters.value.get('cause') ?? '', 999);
  return ok({ protocol, cause, text: parameters.value.get('text') });
}

export function formatReason(reason: Reason): string {
  const cause = reason.cause === undefined ? '' : ` ;cause=${reason.cause}`;
  const text = reason.text === undefined ? '' : ` ;text=${quote(reason.text)}`;
  return `${reason.protocol}${cause}${text}`;
}

export interface Warning {
  readonly code: number;
  readonly agent: string;
  readonly text: string;
}

/** One value of Warning (RFC 3261 section 20.43). */
export function parseWarning(value: string): Result<Warning, ParseProblem> {
  const open = value.indexOf('"');
  const words = wordsOf(value.slice(0, Math.max(open, 0)));
  const code = parseDecimal(words[0] ?? '', 999);
  const end = open < 0 ? -1 : endOfQuoted(value, open);
  if (words.length !== 2 || code === undefined || code < 100 || end !== value.length) {
    return fail(problem('header-syntax', 'bad Warning'));
  }
  return ok({ code, agent: words[1] ?? '', text: unquote(value.slice(open)) });
}

export function formatWarning(warning: Warning): string {
  return `${warning.code} ${warning.agent} ${quote(warning.text)}`;
}

export interface ContentType {
  /** `application/sdp`, lower-case. */
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

export function parseContentType(value: string): Result<ContentType, ParseProblem> {
  const semicolon = value.indexOf(';');
  const end = semicolon < 0 ? value.length : semicolon;
  const [type, subtype, ...rest] = value.slice(0, end).split('/', 3);
  const left = type?.trim() ?? '';
  const right = subtype?.trim() ?? '';
  if (rest.length > 0 || !isToken(left) || !isToken(right)) {
    return fail(problem('header-syntax', 'bad Content-Type'));
  }
  const parameters = parseParameters(value, end);
  if (!parameters.ok) return parameters;
  return ok({ type: `${left}/${right}`.toLowerCase(), parameters: parameters.value });
}

export interface EventName {
  readonly name: string;
  /** Tells subscriptions of one dialog apart. */
  readonly id: string | undefined;
}

/** Event (RFC 6665 section 8.2.1). */
export function parseEvent(value: string): Result<EventName, ParseProblem> {
  const semicolon = value.indexOf(';');
  const end = semicolon < 0 ? value.length : semicolon;
  const name = value.slice(0, end).trim();
  if (!isToken(name)) return fail(problem('header-syntax', 'bad Event'));
  const parameters = parseParameters(value, end);
  if (!parameters.ok) return parameters;
  const id = parameters.value.get('id');
  if (id !== undefined && !isToken(id)) return fail(problem('parameter', 'bad id of Event'));
  return ok({ name, id });
}

export function formatEvent({ name, id }: EventName): string {
  return id === undefined ? name : `${name};id=${id}`;
}

/** A challenge or its answer: `Digest name=value, name="value" …` (RFC 3261 section 25.1). */
export interface AuthValue {
  /** Lower-case, such as `digest`. */
  readonly scheme: string;
  /** Lower-case names; quoted values unquoted. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Bound on hostile input; Digest has a dozen. */
const MAX_AUTH_PARAMETERS = 40;

export function parseAuth(value: string): Result<AuthValue, ParseProblem> {
  const start = skipSpace(value, 0);
  let at = start;
  while (at < value.length && TOKEN_CHARS[value.charCodeAt(at)] === 1) at++;
  const scheme = value.slice(start, at).toLowerCase();
  if (scheme === '') return fail(problem('credentials', 'no scheme'));
  const parameters = new Map<string, string>();
  at = skipSpace(value, at);
  while (at < value.length) {
    const end = endOfListItem(value, at);
    const item = value.slice(at, end).trim();
    at = skipSpace(value, end + 1);
    if (item === '') continue;
    const equals = item.indexOf('=');
    const name = item.slice(0, Math.max(equals, 0)).trim().toLowerCase();
    const raw = item.slice(equals + 1).trim();
    if (!isToken(name) || parameters.has(name) || parameters.size >= MAX_AUTH_PARAMETERS) {
      return fail(problem('credentials', `bad parameter ${name}`));
    }
    if (raw.startsWith('"') && endOfQuoted(raw, 0) !== raw.length) {
      return fail(problem('credentials', `bad value of ${name}`));
    }
    parameters.set(name, raw.startsWith('"') ? unquote(raw) : raw);
  }
  return ok({ scheme, parameters });
}

/** White space as separator, any amount of it. */
function wordsOf(value: string): string[] {
  const words: string[] = [];
  for (let at = skipSpace(value, 0); at < value.length; ) {
    let end = at;
    while (end < value.length && value.charCodeAt(end) !== 0x20 && value.charCodeAt(end) !== 0x09) {
      end++;
    }
    words.push(value.slice(at, end));
    at = skipSpace(value, end);
  }
  return words;
}

function numberIn(value: string, limit: number, name: string): Result<number, ParseProblem> {
  const number = parseDecimal(value.trim(), limit);
  return number === undefined ? fail(problem('number', `bad ${name}`)) : ok(number);
}
