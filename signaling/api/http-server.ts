/**
 * What the API knows of an HTTP server: a request in, a response out. uws.ts implements it on
 * uWebSockets.js; nothing else sees that package, so it can be exchanged.
 */
import type { MediaError } from '../../common/errors.ts';
import type { Result } from '../../common/result.ts';

export interface HttpRequest {
  /** Upper case. HEAD comes as GET; the server drops the body. */
  readonly method: string;
  /** Without the query; still percent-encoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>;
  /** Address of the peer, IPv4-mapped addresses as IPv4. */
  readonly remoteAddress: string;
  readonly body: Uint8Array;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** One WebSocket as its reader sees it. Nothing here throws, also after it was closed. */
export interface Socket {
  send(text: string): void;
  /** Bytes that the peer has not taken yet. */
  bufferedBytes(): number;
  close(code: number, reason: string): void;
}

export interface SocketEvents {
  message(text: string): void;
  /** The peer has taken what was buffered, or some of it. */
  drained(): void;
  closed(): void;
}

export interface SocketEndpoint {
  readonly path: string;
  /** Longest message from the peer; a longer one closes the socket. */
  readonly messageLimitBytes: number;
  accept(request: Omit<HttpRequest, 'body'>, socket: Socket): SocketEvents;
}

/** Never rejects: a bug in it is answered 500 by http.ts, not by the server. */
export type HttpHandler = (request: HttpRequest) => Promise<HttpResponse>;

export interface HttpServerOptions {
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  readonly bodyLimitBytes: number;
  readonly handler: HttpHandler;
  readonly socket?: SocketEndpoint | undefined;
  /** What to answer to a body above the limit. */
  readonly bodyTooLong: (request: Omit<HttpRequest, 'body'>) => HttpResponse;
}

export interface HttpServer {
  readonly port: number;
  /** Takes nothing new and closes what is open. Idempotent. */
  close(): Promise<void>;
}

export type StartHttpServer = (
  options: HttpServerOptions,
) => Promise<Result<HttpServer, MediaError>>;
