/**
 * A WebSocket from the client's side (RFC 6455), as far as the event stream needs one: text out, text in,
 * pings answered. Node 20 has none of its own.
 */
import { createHash, randomBytes } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { frame, OPCODE, readFrame } from './web-socket-frame.ts';

export interface WebSocketEvents {
  open(): void;
  message(text: string): void;
  /** Once, and last; also when it never opened. `status`: of an answer that was no upgrade. */
  closed(end: WebSocketEnd): void;
}

export interface WebSocketEnd {
  readonly code: number;
  readonly reason: string;
  readonly status?: number;
}

export interface WebSocketClient {
  send(text: string): void;
  close(): void;
}

/** Section 7.4.1: the connection ended without a close frame. */
const ABNORMAL = 1006;
const ANSWER_MS = 15_000;
/** The server pings every 30 seconds. */
const SILENCE_MS = 75_000;
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** Snapshots are the longest: some hundred bytes for each conferee. */
const LONGEST_MESSAGE_BYTES = 64 * 1024 * 1024;

export function openWebSocket(
  url: URL,
  headers: Readonly<Record<string, string>>,
  events: WebSocketEvents,
): WebSocketClient {
  const key = randomBytes(16).toString('base64');
  const isSecure = url.protocol === 'https:' || url.protocol === 'wss:';
  let socket: Socket | undefined;
  let isOver = false;
  const over = (end: WebSocketEnd): void => {
    if (isOver) return;
    isOver = true;
    socket?.destroy();
    request.destroy();
    events.closed(end);
  };
  const request = (isSecure ? httpsRequest : httpRequest)(
    new URL(url.href.replace(/^ws/, 'http')),
    {
      headers: {
        ...headers,
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-key': key,
        'sec-websocket-version': '13',
      },
    },
  );
  request.on('error', (error) => over({ code: ABNORMAL, reason: error.message }));
  request.on('response', (response) => {
    const status = response.statusCode ?? 0;
    over({ code: ABNORMAL, reason: `the server answered ${status}`, status });
  });
  request.on('upgrade', (response: IncomingMessage, upgraded: Socket, head: Buffer) => {
    // Section 4.1: an answer to somebody else's question is none.
    const accept = createHash('sha1').update(`${key}${GUID}`).digest('base64');
    socket = upgraded;
    if (response.headers['sec-websocket-accept'] !== accept) {
      return over({ code: ABNORMAL, reason: 'no WebSocket answer' });
    }
    request.setTimeout(0);
    upgraded.setTimeout(SILENCE_MS, () =>
      over({ code: ABNORMAL, reason: 'nothing came any more' }),
    );
    const read = frameReader({
      text: (text) => events.message(text),
      ping: (payload) => upgraded.write(frame(OPCODE.pong, payload)),
      close: (code, reason) => over({ code, reason }),
    });
    upgraded.on('data', read);
    upgraded.on('error', (error) => over({ code: ABNORMAL, reason: error.message }));
    upgraded.on('close', () => over({ code: ABNORMAL, reason: 'the connection ended' }));
    events.open();
    if (head.length > 0) read(head);
  });
  request.setTimeout(ANSWER_MS, () => over({ code: ABNORMAL, reason: 'no answer in time' }));
  request.end();
  return {
    send: (text) => void socket?.write(frame(OPCODE.text, Buffer.from(text))),
    close() {
      socket?.write(frame(OPCODE.close, Buffer.from([0x03, 0xe8])));
      over({ code: 1000, reason: '' });
    },
  };
}

interface FrameEvents {
  text(text: string): void;
  ping(payload: Buffer): void;
  close(code: number, reason: string): void;
}

/** Takes bytes as they come; text messages may be in pieces (section 5.4). */
function frameReader(events: FrameEvents): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let pieces: Buffer[] = [];
  let length = 0;
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    for (;;) {
      const next = readFrame(rest, at);
      if (next === undefined) break;
      at = next.end;
      const { opcode, payload } = next;
      if (opcode === OPCODE.close) {
        const code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
        return events.close(code, payload.subarray(2).toString('utf8'));
      }
      if (opcode === OPCODE.ping) events.ping(payload);
      if (opcode > 2) continue;
      length += payload.length;
      if (length > LONGEST_MESSAGE_BYTES) return events.close(1009, 'a message is too long');
      pieces.push(payload);
      if (!next.isLast) continue;
      const text = Buffer.concat(pieces).toString('utf8');
      pieces = [];
      length = 0;
      events.text(text);
    }
    rest = rest.subarray(at);
  };
}
