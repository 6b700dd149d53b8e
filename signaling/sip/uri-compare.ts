/** Whether two URIs are the same (RFC 3261 section 19.1.4, RFC 3966 section 4). */
import type { SipUri } from './uri.ts';

/** These must be equal or absent in both, even at their default value. */
const DECISIVE = ['transport', 'user', 'ttl', 'method', 'maddr'] as const;

export function sameUri(left: SipUri, right: SipUri): boolean {
  if (left.scheme !== right.scheme) return false;
  if (left.scheme === 'tel') {
    return digitsOf(left) === digitsOf(right) && sameTelParameters(left, right);
  }
  return (
    left.user === right.user &&
    left.password === right.password &&
    left.host.toLowerCase() === right.host.toLowerCase() &&
    left.port === right.port &&
    sameParameters(left.parameters, right.parameters) &&
    sameHeaders(left.headers, right.headers)
  );
}

function sameParameters(
  left: ReadonlyMap<string, string>,
  right: ReadonlyMap<string, string>,
): boolean {
  for (const name of DECISIVE) {
    if (left.has(name) !== right.has(name)) return false;
  }
  for (const [name, value] of left) {
    const other = right.get(name);
    if (other !== undefined && other.toLowerCase() !== value.toLowerCase()) return false;
  }
  return true;
}

function sameHeaders(
  left: ReadonlyMap<string, string>,
  right: ReadonlyMap<string, string>,
): boolean {
  if (left.size !== right.size) return false;
  for (const [name, value] of left) if (right.get(name) !== value) return false;
  return true;
}

/** A telephone number without its visual separators. */
function digitsOf(uri: SipUri): string {
  let digits = '';
  for (const char of uri.user ?? '') if (!'-.()'.includes(char)) digits += char.toLowerCase();
  return digits;
}

function sameTelParameters(left: SipUri, right: SipUri): boolean {
  if (left.parameters.size !== right.parameters.size) return false;
  for (const [name, value] of left.parameters) {
    if (right.parameters.get(name)?.toLowerCase() !== value.toLowerCase()) return false;
  }
  return true;
}
