/**
 * Text of messages. SIP is UTF-8 (RFC 3261 section 25.1), but a peer that sends other bytes must get its
 * Via, tags and Call-ID back unchanged, so each byte that is not UTF-8 becomes one lone surrogate
 * U+DC80–U+DCFF and turns into the same byte again when printed.
 */
import { isUtf8 } from 'node:buffer';

const ESCAPE_BASE = 0xdc00;

export function decodeText(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(buffer)) return buffer.toString('utf8');
  let text = '';
  for (let at = 0; at < buffer.length; ) {
    const length = sequenceLength(buffer, at);
    if (length === 0) {
      text += String.fromCharCode(ESCAPE_BASE + (buffer[at] ?? 0));
      at += 1;
    } else {
      text += buffer.toString('utf8', at, at + length);
      at += length;
    }
  }
  return text;
}

export function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  // Equal lengths mean pure ASCII: the common case ends here.
  if (bytes.length === text.length || !hasEscape(text)) return bytes;
  const parts: Buffer[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    if (!isEscape(text, at)) continue;
    parts.push(Buffer.from(text.slice(from, at), 'utf8'));
    parts.push(Buffer.of(text.charCodeAt(at) - ESCAPE_BASE));
    from = at + 1;
  }
  parts.push(Buffer.from(text.slice(from), 'utf8'));
  return Buffer.concat(parts);
}

/** A low surrogate of the escape range that no high surrogate precedes. */
function isEscape(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (code < 0xdc80 || code > 0xdcff) return false;
  const before = at === 0 ? 0 : text.charCodeAt(at - 1);
  return before < 0xd800 || before > 0xdbff;
}

function hasEscape(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (isEscape(text, at)) return true;
  return false;
}

/** Length of the valid UTF-8 sequence at `at`, or 0. */
function sequenceLength(buffer: Buffer, at: number): number {
  const lead = buffer[at] ?? 0;
  const length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (length === 0 || at + length > buffer.length) return 0;
  return isUtf8(buffer.subarray(at, at + length)) ? length : 0;
}
