/** Messages to bytes. Content-Length is always that of the body, whatever the header fields say. */
import { check } from '../../common/check.ts';
import { canonicalName } from './headers.ts';
import type { SipMessage } from './message.ts';
import { encodeText } from './text.ts';

export function serializeMessage(message: SipMessage): Uint8Array {
  let head =
    message.kind === 'request'
      ? `${message.method} ${message.uri} SIP/2.0\r\n`
      : `SIP/2.0 ${message.status} ${message.reasonPhrase}\r\n`;
  // One line end, at its end: a method, URI or phrase with another would be a header injection.
  check(
    head.indexOf('\r') === head.length - 2 && head.indexOf('\n') === head.length - 1,
    'line end in the start line',
  );
  let hasLength = false;
  for (const { name, value } of message.headers) {
    if (canonicalName(name) === 'content-length') {
      if (!hasLength) head += `${name}: ${message.body.length}\r\n`;
      hasLength = true;
    } else head += `${name}: ${value}\r\n`;
  }
  if (!hasLength) head += `Content-Length: ${message.body.length}\r\n`;
  const bytes = encodeText(`${head}\r\n`);
  return message.body.length === 0 ? bytes : Buffer.concat([bytes, message.body]);
}
