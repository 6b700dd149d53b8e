/** Frames of a WebSocket from the client's side (RFC 6455 section 5). */
import { randomBytes } from 'node:crypto';

export const OPCODE = { text: 1, close: 8, ping: 9, pong: 10 } as const;

/** The frame that begins at `at`; undefined until it is all there. Section 5.2; a server does not mask. */
export function readFrame(bytes: Buffer, at: number) {
  if (bytes.length < at + 2) return undefined;
  const first = bytes.readUInt8(at);
  let length = bytes.readUInt8(at + 1) & 127;
  let start = at + 2;
  if (length === 126) {
    if (bytes.length < at + 4) return undefined;
    length = bytes.readUInt16BE(at + 2);
    start = at + 4;
  } else if (length === 127) {
    if (bytes.length < at + 10) return undefined;
    length = Number(bytes.readBigUInt64BE(at + 2));
    start = at + 10;
  }
  const end = start + length;
  if (bytes.length < end) return undefined;
  return {
    opcode: first & 15,
    isLast: (first & 0x80) !== 0,
    payload: bytes.subarray(start, end),
    end,
  };
}

/** In one piece, shorter than 64 KiB. Section 5.3: what a client sends is masked. */
export function frame(opcode: number, payload: Buffer): Buffer {
  const mask = randomBytes(4);
  const size = payload.length;
  const head =
    size < 126
      ? Buffer.from([0x80 | opcode, 0x80 | size])
      : Buffer.from([0x80 | opcode, 0xfe, size >> 8, size & 255]);
  const masked = payload.map((byte, index) => byte ^ (mask[index & 3] ?? 0));
  return Buffer.concat([head, mask, masked]);
}
