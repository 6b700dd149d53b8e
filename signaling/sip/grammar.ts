/**
 * Scanners for the pieces that all header fields share (RFC 3261 section 25.1): tokens, quoted strings,
 * comma lists, parameters. Each goes over its text once, left to right, without regular expressions,
 * so that the time for hostile input grows no faster than its length.
 */
import { fail, ok, type Result } from '../../common/result.ts';
import { type ParseProblem, problem } from './problem.ts';

export const TOKEN_CHARS = charSet("-.!%*_+`'~", true);

/** A table of the ASCII characters in `chars`, with letters and digits if `alphanumeric`. */
export function charSet(chars: string, alphanumeric: boolean): Uint8Array {
  const table = new Uint8Array(128);
  for (const char of chars) table[char.charCodeAt(0)] = 1;
  if (alphanumeric) {
    for (let code = 0x30; code <= 0x39; code++) table[code] = 1;
    for (let code = 0x41; code <= 0x5a; code++) {
      table[code] = 1;
      table[code + 0x20] = 1;
    }
  }
  return table;
}

/** Whether text[start, end) is not empty and only of characters in `table`. */
export function allIn(table: Uint8Array, text: string, start = 0, end = text.length): boolean {
  if (start >= end) return false;
  for (let at = start; at < end; at++) {
    if (table[text.charCodeAt(at)] !== 1) return false;
  }
  return true;
}

export function isToken(text: string): boolean {
  return allIn(TOKEN_CHARS, text);
}

export function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x09) break;
    at++;
  }
  return at;
}

/** Index after the last character in text[start, end) that is not white space. */
export function trimEnd(text: string, start: number, end: number): number {
  let at = end;
  while (at > start) {
    const code = text.charCodeAt(at - 1);
    if (code !== 0x20 && code !== 0x09) break;
    at--;
  }
  return at;
}

/** Index after the quoted string that opens at `open`, or -1 if it does not close. */
export function endOfQuoted(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return at + 1;
    if (code === 0x5c) at++;
  }
  return -1;
}

/** Content of a quoted string, with its quotes given, quoted pairs resolved. */
export function unquote(quoted: string): string {
  if (!quoted.includes('\\')) return quoted.slice(1, -1);
  let text = '';
  for (let at = 1; at < quoted.length - 1; at++) {
    if (quoted.charCodeAt(at) === 0x5c) at++;
    text += quoted.charAt(at);
  }
  return text;
}

/** As quoted string. Line ends become spaces: a value never leaves its line. */
export function quote(text: string): string {
  let quoted = '"';
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x0d || code === 0x0a) quoted += ' ';
    else if (code === 0x22 || code === 0x5c || code === 0x7f || (code < 0x20 && code !== 0x09)) {
      quoted += `\\${text.charAt(at)}`;
    } else quoted += text.charAt(at);
  }
  return `${quoted}"`;
}

/** Index of the next `,` from `from` that stands outside quotes and angle brackets, or the end. */
export function endOfListItem(text: string, from: number): number {
  let inAngle = false;
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) {
      const end = endOfQuoted(text, at);
      if (end < 0) return text.length;
      at = end - 1;
    } else if (code === 0x3c) inAngle = true;
    else if (code === 0x3e) inAngle = false;
    else if (code === 0x2c && !inAngle) return at;
  }
  return text.length;
}

/** The items of a comma list, trimmed; empty ones are left out. */
export function splitList(text: string): string[] {
  if (!text.includes(',')) {
    const only = text.trim();
    return only === '' ? [] : [only];
  }
  const items: string[] = [];
  for (let at = 0; at <= text.length; ) {
    const end = endOfListItem(text, at);
    const item = text.slice(at, end).trim();
    if (item !== '') items.push(item);
    at = end + 1;
  }
  return items;
}

/** What may stand in a parameter value without quotes: token, host, IPv6 with or without brackets. */
const BARE_VALUE_CHARS = charSet("-.!%*_+`'~[]:", true);

/** Hostile input bound: more parameters on one value than any real peer sends. */
const MAX_PARAMETERS = 64;

/**
 * Parameters `;name`, `;name=value`, `;name="value"` from `start` to the end of `text`, white space
 * allowed around `;` and `=`. Names are made lower-case, quoted values unquoted. A name twice is a problem.
 */
export function parseParameters(
  text: string,
  start: number,
): Result<ReadonlyMap<string, string>, ParseProblem> {
  let at = skipSpace(text, start);
  if (at >= text.length) return ok(NO_PARAMETERS);
  const parameters = new Map<string, string>();
  while (at < text.length) {
    if (text.charCodeAt(at) !== 0x3b) return fail(problem('parameter', 'expected ";"'));
    at = skipSpace(text, at + 1);
    const nameStart = at;
    while (at < text.length && TOKEN_CHARS[text.charCodeAt(at)] === 1) at++;
    if (at === nameStart) return fail(problem('parameter', 'empty parameter name'));
    const name = text.slice(nameStart, at).toLowerCase();
    if (parameters.has(name)) return fail(problem('parameter', `parameter ${name} twice`));
    if (parameters.size >= MAX_PARAMETERS) return fail(problem('parameter', 'too many parameters'));
    at = skipSpace(text, at);
    let value = '';
    if (text.charCodeAt(at) === 0x3d) {
      const valueStart = skipSpace(text, at + 1);
      const valueEnd = endOfValue(text, valueStart);
      if (valueEnd <= valueStart) return fail(problem('parameter', `bad value of ${name}`));
      value = text.slice(valueStart, valueEnd);
      if (text.charCodeAt(valueStart) === 0x22) value = unquote(value);
      at = skipSpace(text, valueEnd);
    }
    parameters.set(name, value);
  }
  return ok(parameters);
}

function endOfValue(text: string, start: number): number {
  if (text.charCodeAt(start) === 0x22) return endOfQuoted(text, start);
  let at = start;
  while (at < text.length && BARE_VALUE_CHARS[text.charCodeAt(at)] === 1) at++;
  return at;
}

export const NO_PARAMETERS: ReadonlyMap<string, string> = new Map();

export function formatParameters(parameters: ReadonlyMap<string, string>): string {
  let text = '';
  for (const [name, value] of parameters) {
    if (value === '') text += `;${name}`;
    else text += `;${name}=${allIn(BARE_VALUE_CHARS, value) ? value : quote(value)}`;
  }
  return text;
}

/** Digits only, at most `limit`. Leading zeros are fine (RFC 4475 section 3.1.1.1). */
export function parseDecimal(text: string, limit: number): number | undefined {
  if (text.length === 0 || text.length > 24) return undefined;
  let value = 0;
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
    if (value > limit) return undefined;
  }
  return value;
}
