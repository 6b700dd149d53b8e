/** The session description in a message: the body itself, or the part of a multipart one (RFC 5621). Pure. */
import { fail, ok, type Result } from '../../../common/result.ts';
import { parseContentType } from '../fields.ts';
import type { Headers } from '../headers.ts';
import { decodeText } from '../text.ts';

/** More parts than any peer sends. */
const MAX_PARTS = 16;

/** `undefined`: there is none. The error is a body that we must understand and do not: 415. */
export function descriptionOf(message: {
  readonly headers: Headers;
  readonly body: Uint8Array;
}): Result<string | undefined, 'unsupported-type' | 'unsupported-encoding'> {
  const { headers, body } = message;
  if (body.length === 0) return ok(undefined);
  const encoding = headers.get('Content-Encoding');
  const type = parseContentType(headers.get('Content-Type') ?? '');
  // RFC 3261 section 20.11: a body marked optional may be left aside; only a session is for us.
  const disposition = (headers.get('Content-Disposition') ?? 'session').toLowerCase();
  const optional = /handling\s*=\s*optional/.test(disposition);
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    return optional ? ok(undefined) : fail('unsupported-encoding');
  }
  if (type.ok && type.value.type === 'application/sdp') return ok(decodeText(body));
  if (type.ok && type.value.type.startsWith('multipart/')) {
    const boundary = type.value.parameters.get('boundary') ?? '';
    const part = partOf(decodeText(body), boundary.replace(/^"(.*)"$/, '$1'));
    if (part !== undefined || optional) return ok(part);
    return type.value.type === 'multipart/mixed' ? ok(undefined) : fail('unsupported-type');
  }
  return optional ? ok(undefined) : fail('unsupported-type');
}

/** RFC 2046 section 5.1.1: the first part of type application/sdp. */
function partOf(text: string, boundary: string): string | undefined {
  if (boundary === '' || boundary.length > 70) return undefined;
  const parts = `\r\n${text}`.split(`\r\n--${boundary}`, MAX_PARTS + 2).slice(1);
  for (const part of parts) {
    if (part.startsWith('--')) return undefined;
    const blank = part.indexOf('\r\n\r\n');
    if (blank < 0) continue;
    // A part without a header begins with the empty line right after the boundary.
    const head = part.slice(0, blank);
    if (/(^|\r\n)(content-type|c)\s*:\s*application\/sdp\b/i.test(head))
      return part.slice(blank + 4);
  }
  return undefined;
}
