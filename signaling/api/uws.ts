/**
 * The only file that knows uWebSockets.js. The official package is not in the npm registry, so an
 * operator may install it; else one of two re-publications of the same native code is taken,
 * whichever loads on this Node and C library. Their JavaScript stand-ins are refused: they are
 * another program with other limits.
 */

import { STATUS_CODES } from 'node:http';
import { createRequire } from 'node:module';
import { createServer, isIPv6 } from 'node:net';
import { MediaError } from '../../common/errors.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type {
  HttpRequest,
  HttpResponse,
  HttpServer,
  HttpServerOptions,
  Socket,
  SocketEndpoint,
  SocketEvents,
  StartHttpServer,
} from './http-server.ts';

// ── the part of the package that we use ──────────────────────────────────────────────────────

type ListenSocket = object;

interface UwsResponse {
  onAborted(handler: () => void): UwsResponse;
  onData(handler: (chunk: ArrayBuffer, isLast: boolean) => void): UwsResponse;
  cork(write: () => void): UwsResponse;
  writeStatus(status: string): UwsResponse;
  writeHeader(name: string, value: string): UwsResponse;
  end(body?: string | Uint8Array, closeConnection?: boolean): UwsResponse;
  endWithoutBody(reportedLength?: number, closeConnection?: boolean): UwsResponse;
  close(): UwsResponse;
  getRemoteAddressAsText(): ArrayBuffer;
  upgrade(
    data: SocketData,
    key: string,
    protocol: string,
    extensions: string,
    context: object,
  ): void;
}

interface SocketData {
  readonly request: Omit<HttpRequest, 'body'>;
  events: SocketEvents | undefined;
}

interface UwsSocket {
  getUserData(): SocketData;
  send(text: string): number;
  getBufferedAmount(): number;
  end(code: number, reason: string): void;
}

interface UwsBehavior {
  readonly maxPayloadLength: number;
  readonly idleTimeout: number;
  readonly maxBackpressure: number;
  readonly sendPingsAutomatically: boolean;
  upgrade(response: UwsResponse, request: UwsRequest, context: object): void;
  open(socket: UwsSocket): void;
  message(socket: UwsSocket, message: ArrayBuffer): void;
  drain(socket: UwsSocket): void;
  close(socket: UwsSocket): void;
}

interface UwsRequest {
  getHeader(name: string): string;
  getMethod(): string;
  getUrl(): string;
  getQuery(): string | undefined;
  forEach(each: (name: string, value: string) => void): void;
}

interface UwsApp {
  ws(pattern: string, behavior: UwsBehavior): UwsApp;
  any(pattern: string, handler: (response: UwsResponse, request: UwsRequest) => void): UwsApp;
  listen(
    host: string,
    port: number,
    options: number,
    done: (socket: ListenSocket | false) => void,
  ): UwsApp;
  close?(): UwsApp;
}

interface Uws {
  App(): UwsApp;
  us_listen_socket_close(socket: ListenSocket): void;
  us_socket_local_port(socket: ListenSocket): number;
}

/** Without it the system would share a port in use between two processes (SO_REUSEPORT). */
const LISTEN_EXCLUSIVE = 1;

// ── loading ──────────────────────────────────────────────────────────────────────────────────

const binaryName = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;

/** In order of preference. The second is entered by its binary, past its JavaScript stand-in. */
const CANDIDATES = ['uWebSockets.js', `uws-node20/binaries/${binaryName}`, 'uws-node22'];

let loaded: Result<Uws, MediaError> | undefined;

function load(): Result<Uws, MediaError> {
  loaded ??= loadFirst();
  return loaded;
}

function loadFirst(): Result<Uws, MediaError> {
  const require = createRequire(import.meta.url);
  const reasons: string[] = [];
  for (const name of CANDIDATES) {
    try {
      const found: unknown = require(name);
      if (isUws(found)) return ok(found);
      reasons.push(`${name}: not the native server`);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      reasons.push(`${name}: ${text.split('\n')[0]}`);
    }
  }
  return fail(
    new MediaError(
      'internal',
      `no HTTP server fits Node ${process.versions.node} on ${process.platform}-${process.arch}; use Node 20 on glibc 2.31 or newer, Node 22 or 24 on glibc 2.38 or newer, or install the official package: npm install --no-save uNetworking/uWebSockets.js#v20.57.0 (tried ${reasons.join('; ')})`,
    ),
  );
}

function isUws(value: unknown): value is Uws {
  return (
    typeof value === 'object' &&
    value !== null &&
    'App' in value &&
    'us_listen_socket_close' in value &&
    'us_socket_local_port' in value
  );
}

// ── serving ──────────────────────────────────────────────────────────────────────────────────

export const startUwsServer: StartHttpServer = (options) => {
  const uws = load();
  if (!uws.ok) return Promise.resolve(uws);
  const app = uws.value.App();
  if (options.socket !== undefined) app.ws(options.socket.path, socketBehavior(options.socket));
  app.any('/*', (response, request) => serve(options, response, request));
  return new Promise((resolve) => {
    app.listen(options.address, options.port, LISTEN_EXCLUSIVE, (socket) => {
      if (socket !== false) resolve(ok(opened(uws.value, app, socket)));
      else void whyNot(options).then((why) => resolve(fail(why)));
    });
  });
};

/** The package says only that it did not work; Node, asked for the same, says what was in the way. */
async function whyNot({ address, port }: HttpServerOptions): Promise<MediaError> {
  const code = await new Promise<string | undefined>((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    probe.listen({ host: address, port, exclusive: true }, () => {
      probe.close(() => resolve(undefined));
    });
  });
  const [came, remedy] = REMEDIES[code ?? 'none'] ?? [`the system said ${code}`, CHOOSE];
  const place = isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
  return new MediaError(
    'transport-failed',
    `expected to listen for HTTP on ${place}, but ${came}; ${remedy}`,
  );
}

const CHOOSE = 'choose another with --http ADDRESS:PORT (http.address, http.port)';

const REMEDIES: Readonly<Record<string, readonly [came: string, remedy: string]>> = {
  EADDRINUSE: [
    'another program listens there',
    `stop it (an earlier minusone may still hang up its calls), or ${CHOOSE}`,
  ],
  EADDRNOTAVAIL: ['this machine does not have the address', CHOOSE],
  EACCES: ['ports below 1024 are for root', `let a proxy listen there, or ${CHOOSE}`],
  none: ['it was taken until just now', 'start again'],
};

function opened(uws: Uws, app: UwsApp, socket: ListenSocket): HttpServer {
  const port = uws.us_socket_local_port(socket);
  let open = true;
  return {
    port,
    close() {
      if (open) {
        open = false;
        uws.us_listen_socket_close(socket);
        app.close?.();
      }
      return Promise.resolve();
    },
  };
}

function serve(options: HttpServerOptions, response: UwsResponse, incoming: UwsRequest): void {
  // The request object is valid only within this call.
  const isHead = incoming.getMethod() === 'head';
  const request = readHead(response, incoming);
  let aborted = false;
  response.onAborted(() => {
    aborted = true;
  });
  const answer = (result: HttpResponse, close = false): void => {
    if (!aborted) write(response, result, isHead, close);
  };
  const chunks: Uint8Array[] = [];
  let length = 0;
  let refused = false;
  response.onData((chunk, isLast) => {
    if (refused) return;
    length += chunk.byteLength;
    if (length > options.bodyLimitBytes) {
      refused = true;
      answer(options.bodyTooLong(request), true);
      return;
    }
    // The chunk is gone after this call.
    if (chunk.byteLength > 0) chunks.push(new Uint8Array(chunk.slice(0)));
    if (isLast) {
      void options.handler({ ...request, body: Buffer.concat(chunks) }).then((result) => {
        answer(result);
      });
    }
  });
}

/** Readers pause themselves far below it (stream-reader.ts); beyond it the peer is lost anyway. */
const MAX_BACKPRESSURE_BYTES = 4 * 1024 * 1024;

function socketBehavior(endpoint: SocketEndpoint): UwsBehavior {
  return {
    maxPayloadLength: endpoint.messageLimitBytes,
    // Pings go out in time to keep it alive; a peer that does not answer them is gone after it.
    idleTimeout: 60,
    maxBackpressure: MAX_BACKPRESSURE_BYTES,
    sendPingsAutomatically: true,
    upgrade(response, incoming, context) {
      response.upgrade(
        { request: readHead(response, incoming), events: undefined },
        incoming.getHeader('sec-websocket-key'),
        // The first protocol that is offered, none of which has a meaning here.
        '',
        incoming.getHeader('sec-websocket-extensions'),
        context,
      );
    },
    open(socket) {
      const data = socket.getUserData();
      data.events = endpoint.accept(data.request, carefully(data, socket));
    },
    message(socket, message) {
      // Valid only within this call.
      const text = Buffer.from(message).toString('utf8');
      socket.getUserData().events?.message(text);
    },
    drain: (socket) => socket.getUserData().events?.drained(),
    close(socket) {
      const data = socket.getUserData();
      const { events } = data;
      data.events = undefined;
      closedSockets.add(data);
      events?.closed();
    },
  };
}

/** The native socket throws once it is closed. */
const closedSockets = new WeakSet<SocketData>();

function carefully(data: SocketData, socket: UwsSocket): Socket {
  const isOpen = (): boolean => !closedSockets.has(data);
  return {
    send(text) {
      if (isOpen()) socket.send(text);
    },
    bufferedBytes: () => (isOpen() ? socket.getBufferedAmount() : 0),
    close(code, reason) {
      if (isOpen()) socket.end(code, reason.slice(0, 120));
    },
  };
}

/** Nobody changes it. */
const NO_QUERY = new URLSearchParams();
const queryOf = (text: string | undefined): URLSearchParams =>
  text === undefined || text === '' ? NO_QUERY : new URLSearchParams(text);

function readHead(response: UwsResponse, incoming: UwsRequest): Omit<HttpRequest, 'body'> {
  const headers = new Map<string, string>();
  incoming.forEach((name, value) => {
    headers.set(name, value);
  });
  const method = incoming.getMethod().toUpperCase();
  return {
    method: method === 'HEAD' ? 'GET' : method,
    path: incoming.getUrl(),
    query: queryOf(incoming.getQuery()),
    headers,
    remoteAddress: plainAddress(Buffer.from(response.getRemoteAddressAsText()).toString('latin1')),
  };
}

/** The server prints IPv4 peers of an IPv6 socket as 0000:…:ffff:7f00:0001. */
export function plainAddress(text: string): string {
  const mapped = /^(?:0000:){5}ffff:([0-9a-f]{2})([0-9a-f]{2}):([0-9a-f]{2})([0-9a-f]{2})$/.exec(
    text,
  );
  if (mapped !== null) {
    return mapped
      .slice(1)
      .map((byte) => Number.parseInt(byte, 16))
      .join('.');
  }
  return text === '0000:0000:0000:0000:0000:0000:0000:0001' ? '::1' : text;
}

function write(
  response: UwsResponse,
  { status, headers, body }: HttpResponse,
  isHead: boolean,
  close: boolean,
): void {
  response.cork(() => {
    response.writeStatus(`${status} ${STATUS_CODES[status] ?? ''}`.trimEnd());
    for (const name in headers) response.writeHeader(name, headers[name] ?? '');
    if (isHead) response.endWithoutBody(Buffer.byteLength(body), close);
    else response.end(body, close);
  });
}
