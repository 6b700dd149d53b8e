/** A small WebSocket client for tests (RFC 6455): it can also stop reading, as a slow peer does. */
import { connect, type Socket } from 'node:net';
import { frame, OPCODE, readFrame } from './web-socket-frame.ts';

export interface TestSocket {
  /** Every text message so far, parsed. */
  readonly messages: Record<string, unknown>[];
  send(message: unknown): void;
  /** Resolves with the messages once `enough` says so; rejects when the socket closes first. */
  until(enough: (messages: readonly Record<string, unknown>[]) => boolean): Promise<void>;
  pause(): void;
  resume(): void;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  /** Cuts the connection without a close frame. */
  cut(): void;
}

export function openTestSocket(
  port: number,
  path = '/api/v1/events',
  headers: Readonly<Record<string, string>> = {},
): Promise<TestSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', reject);
    socket.once('connect', () => {
      const extra = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(
        `GET ${path} HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n` +
          `sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-version: 13\r\n${extra.join('')}\r\n`,
      );
    });
    let head = Buffer.alloc(0);
    const onHead = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      socket.off('data', onHead);
      if (!head.toString('latin1').startsWith('HTTP/1.1 101')) {
        reject(new Error(head.toString('latin1')));
        socket.destroy();
      } else {
        resolve(running(socket, head.subarray(end + 4)));
      }
    };
    socket.on('data', onHead);
  });
}

function running(socket: Socket, first: Buffer): TestSocket {
  const messages: Record<string, unknown>[] = [];
  const waiting = new Set<() => void>();
  let rest: Buffer = Buffer.alloc(0);
  let code = 1006;
  let reason = '';
  let isClosed = false;
  const take = (chunk: Buffer): void => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    for (;;) {
      const next = readFrame(rest, at);
      if (next === undefined) break;
      at = next.end;
      if (next.opcode === OPCODE.text) {
        const parsed: unknown = JSON.parse(next.payload.toString('utf8'));
        messages.push(parsed as Record<string, unknown>);
      } else if (next.opcode === OPCODE.close) {
        code = next.payload.readUInt16BE(0);
        reason = next.payload.subarray(2).toString('utf8');
        socket.end();
      } else if (next.opcode === OPCODE.ping) {
        socket.write(frame(OPCODE.pong, next.payload));
      }
    }
    rest = rest.subarray(at);
    for (const wake of waiting) wake();
  };
  socket.removeAllListeners('error');
  socket.on('error', () => {});
  socket.on('data', take);
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', () => {
      isClosed = true;
      resolve({ code, reason });
      for (const wake of waiting) wake();
    });
  });
  take(first);
  return {
    messages,
    closed,
    send: (message) => socket.write(frame(OPCODE.text, Buffer.from(JSON.stringify(message)))),
    until: (enough) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (enough(messages)) {
            waiting.delete(look);
            resolve();
          } else if (isClosed) {
            waiting.delete(look);
            reject(new Error(`closed with ${code} ${reason} after ${messages.length} messages`));
          }
        };
        waiting.add(look);
        look();
      }),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    cut: () => socket.destroy(),
  };
}
