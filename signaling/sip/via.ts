/** Via values (RFC 3261 section 20.42, RFC 3581 rport). */
import { fail, ok, type Result } from '../../common/result.ts';
import {
  formatParameters,
  parseDecimal,
  parseParameters,
  skipSpace,
  TOKEN_CHARS,
  trimEnd,
} from './grammar.ts';
import { type ParseProblem, problem } from './problem.ts';
import { endOfHost, isHost } from './uri.ts';

export interface Via {
  /** As sent, such as `UDP`, `TCP`, `TLS`; compare without case. */
  readonly transport: string;
  /** IPv6 with its brackets. */
  readonly host: string;
  readonly port: number | undefined;
  readonly branch: string | undefined;
  /** Lower-case names, branch among them; an empty `rport` maps to ''. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Every transaction of RFC 3261 has a branch with this beginning (section 8.1.1.7). */
export const MAGIC_COOKIE = 'z9hG4bK';

export function parseVia(value: string): Result<Via, ParseProblem> {
  const bad = (detail: string) => fail(problem('via', detail));
  const name = endOfToken(value, skipSpace(value, 0));
  const slash = skipSpace(value, name);
  if (value.slice(skipSpace(value, 0), name).toUpperCase() !== 'SIP' || value[slash] !== '/') {
    return bad('expected SIP/2.0');
  }
  const versionStart = skipSpace(value, slash + 1);
  const versionEnd = endOfToken(value, versionStart);
  const secondSlash = skipSpace(value, versionEnd);
  if (value.slice(versionStart, versionEnd) !== '2.0' || value[secondSlash] !== '/') {
    return bad('expected SIP/2.0');
  }
  const transportStart = skipSpace(value, secondSlash + 1);
  const transportEnd = endOfToken(value, transportStart);
  const hostStart = skipSpace(value, transportEnd);
  if (transportEnd === transportStart || hostStart === transportEnd) return bad('no transport');
  const hostEnd = endOfHost(value, hostStart);
  const host = value.slice(hostStart, hostEnd);
  if (!isHost(host)) return bad('bad sent-by');
  let at = skipSpace(value, hostEnd);
  let port: number | undefined;
  if (value[at] === ':') {
    const portStart = skipSpace(value, at + 1);
    const semicolon = value.indexOf(';', portStart);
    at = semicolon < 0 ? value.length : semicolon;
    port = parseDecimal(value.slice(portStart, trimEnd(value, portStart, at)), 65535);
    if (port === undefined || port === 0) return bad('bad port');
  }
  const parameters = parseParameters(value, at);
  if (!parameters.ok) return bad(parameters.error.detail);
  const transport = value.slice(transportStart, transportEnd);
  const branch = parameters.value.get('branch');
  return ok({ transport, host, port, branch, parameters: parameters.value });
}

function endOfToken(text: string, start: number): number {
  let at = start;
  while (at < text.length && TOKEN_CHARS[text.charCodeAt(at)] === 1) at++;
  return at;
}

export function formatVia(via: Via): string {
  const port = via.port === undefined ? '' : `:${via.port}`;
  return `SIP/2.0/${via.transport} ${via.host}${port}${formatParameters(via.parameters)}`;
}
