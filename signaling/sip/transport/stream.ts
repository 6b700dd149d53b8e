/**
 * What TCP and TLS have in common: a listener, connections that are opened on demand and used again in both
 * directions (RFC 3261 section 18.1.1, 18.2.2), framing, keep-alives, and a bound on everything:
 * connections, connections of one peer, unsent bytes, time to connect, to finish a message and to idle.
 */
import type { Server, Socket } from 'node:net';
import type { Clock, Timer } from '../../../common/clock.ts';
import { MediaError } from '../../../common/errors.ts';
import type { Logger } from '../../../common/log.ts';
import type { Metrics } from '../../../common/metrics.ts';
import { fail, ok, type Result } from '../../../common/result.ts';
import { DEFAULT_LIMITS, type MessageLimits, parseMessage } from '../parser.ts';
import { StreamFramer } from '../stream-framer.ts';
import type { Flow } from '../transaction/transaction-user.ts';
import { withBrackets } from '../uri.ts';
import { createCounters, type TransportCounters } from './counters.ts';
import {
  type Advertised,
  addressFamily,
  createLocalName,
  type LocalName,
  plainAddress,
} from './local-address.ts';
import {
  type Address,
  DEFAULT_PORTS,
  type SendOptions,
  type SendOutcome,
  type Transport,
  type TransportUser,
} from './transport.ts';
import { bindError } from './udp.ts';

export interface StreamBounds {
  readonly connections: number;
  /** Of one remote address, so that one peer cannot take them all. */
  readonly connectionsPerAddress: number;
  /** Written, not yet taken by a peer that reads slowly; above it the connection is closed. */
  readonly unsentBytes: number;
  readonly connectMs: number;
  /** From the first byte of a message to its last (slow senders), and from connecting to the first message. */
  readonly messageMs: number;
  readonly firstMessageMs: number;
  /** Without any byte. Peers that want it longer send keep-alives (RFC 5626). */
  readonly idleMs: number;
}

export const DEFAULT_BOUNDS: StreamBounds = {
  connections: 2000,
  connectionsPerAddress: 500,
  unsentBytes: 1_048_576,
  connectMs: 5000,
  messageMs: 10_000,
  firstMessageMs: 30_000,
  idleMs: 900_000,
};

export interface StreamTransportOptions {
  readonly address: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly advertised?: Advertised;
  readonly limits?: MessageLimits;
  readonly bounds?: Partial<StreamBounds>;
}

/** How the two kinds of stream differ. */
export interface StreamLink {
  readonly kind: 'tcp' | 'tls';
  createServer(onConnection: (socket: Socket) => void): Server;
  /** Connects from the listener's address. */
  connect(to: Address, localAddress: string): Socket;
  /** Event of a socket of connect() that says it can be written to. */
  readonly readyEvent: 'connect' | 'secureConnect';
}

interface Connection {
  readonly socket: Socket;
  readonly flow: Flow;
  readonly framer: StreamFramer;
  ready: boolean;
  /** Sends that wait for the connection to open. */
  waiting: { readonly bytes: Uint8Array; readonly outcome: SendOutcome }[];
  openedMs: number;
  lastByteMs: number;
  partialSinceMs: number | undefined;
  hadMessage: boolean;
}

/** Bound on sends that wait for one connection to open. */
const MAX_WAITING = 256;

const SWEEP_MS = 1000;

export class StreamTransport implements Transport {
  readonly kind: 'tcp' | 'tls';
  readonly reliable = true;
  readonly #options: StreamTransportOptions;
  readonly #link: StreamLink;
  readonly #bounds: StreamBounds;
  readonly #counters: TransportCounters;
  readonly #connections = new Map<string, Connection>();
  readonly #perAddress = new Map<string, number>();
  #server: Server | undefined;
  #user: TransportUser | undefined;
  #name: LocalName | undefined;
  #local = { address: '', port: 0 };
  #sweep: Timer | undefined;

  constructor(options: StreamTransportOptions, link: StreamLink) {
    this.kind = link.kind;
    this.#options = options;
    this.#link = link;
    this.#bounds = { ...DEFAULT_BOUNDS, ...options.bounds };
    this.#counters = createCounters(options.metrics, link.kind);
  }

  sentBy(remoteAddress: string): { readonly host: string; readonly port: number } {
    return this.#name?.sentBy(remoteAddress) ?? { host: this.#options.address, port: 0 };
  }

  isOurs(host: string, port: number | undefined): boolean {
    return this.#name?.isOurs(host, port) ?? false;
  }

  reaches(remoteAddress: string): boolean {
    const own = this.#options.address;
    return own === '::' || addressFamily(own) === addressFamily(remoteAddress);
  }

  start(user: TransportUser): Promise<Result<void, MediaError>> {
    const { address, port, clock } = this.#options;
    this.#user = user;
    const server = this.#link.createServer((socket) => this.#onIncoming(socket));
    // Twice ours: those still in a TLS handshake are not among our connections yet.
    server.maxConnections = 2 * this.#bounds.connections;
    return new Promise((resolve) => {
      server.once('error', (error) => resolve(fail(bindError(this.kind, address, port, error))));
      server.listen({ host: address, port, exclusive: true }, () => {
        server.removeAllListeners('error');
        server.on('error', (error) => {
          this.#counters.dropped('socket-error');
          this.#options.log.warn({ error: error.message }, `sip ${this.kind} listener`);
        });
        const bound = server.address();
        if (bound !== null && typeof bound === 'object') this.#local = bound;
        this.#name = createLocalName(
          this.#local,
          this.#options.advertised,
          DEFAULT_PORTS[this.kind],
        );
        this.#server = server;
        this.#sweep = clock.every(SWEEP_MS, () => this.#closeOverdue());
        resolve(ok(undefined));
      });
    });
  }

  #onIncoming(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress ?? '');
    const refusal = this.#refusal(address);
    if (this.#server === undefined || address === '' || refusal !== undefined) {
      if (refusal !== undefined) this.#counters.dropped(refusal);
      socket.on('error', () => undefined);
      socket.destroy();
      return;
    }
    this.#adopt(socket, { remoteAddress: address, remotePort: socket.remotePort ?? 0 }, true);
  }

  #refusal(remoteAddress: string): string | undefined {
    if (this.#connections.size >= this.#bounds.connections) return 'connections';
    const own = this.#perAddress.get(remoteAddress) ?? 0;
    return own >= this.#bounds.connectionsPerAddress ? 'connections-of-address' : undefined;
  }

  #adopt(socket: Socket, to: Address, ready: boolean): Connection {
    const nowMs = this.#options.clock.nowMs();
    const connection: Connection = {
      socket,
      flow: {
        transport: this.kind,
        ...to,
        localAddress: plainAddress(socket.localAddress ?? this.#local.address),
        localPort: this.#local.port,
      },
      framer: new StreamFramer(this.#options.limits ?? DEFAULT_LIMITS),
      ready,
      waiting: [],
      openedMs: nowMs,
      lastByteMs: nowMs,
      partialSinceMs: undefined,
      // Who we connected to owes us no first message.
      hadMessage: !ready,
    };
    const { remoteAddress } = to;
    this.#connections.set(keyOf(to), connection);
    this.#perAddress.set(remoteAddress, (this.#perAddress.get(remoteAddress) ?? 0) + 1);
    this.#counters.connections(1);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 60_000);
    socket.on('data', (chunk: Uint8Array) => this.#onBytes(connection, chunk));
    socket.on('error', (error) => this.#onError(connection, error));
    socket.on('close', () => this.#forget(connection));
    return connection;
  }

  #onError(connection: Connection, error: Error): void {
    this.#options.log.debug({ error: error.message, flow: connection.flow }, 'sip connection');
    this.#failWaiting(connection, error.message);
  }

  #failWaiting(connection: Connection, why: string): void {
    const { waiting } = connection;
    connection.waiting = [];
    for (const { outcome } of waiting) {
      outcome(fail(new MediaError('transport-failed', `${this.kind}: ${why}`)));
    }
  }

  #forget(connection: Connection): void {
    const key = keyOf(connection.flow);
    if (this.#connections.get(key) !== connection) return;
    this.#connections.delete(key);
    const { remoteAddress } = connection.flow;
    const left = (this.#perAddress.get(remoteAddress) ?? 1) - 1;
    if (left > 0) this.#perAddress.set(remoteAddress, left);
    else this.#perAddress.delete(remoteAddress);
    this.#counters.connections(-1);
    this.#failWaiting(connection, 'connection closed');
  }

  #onBytes(connection: Connection, chunk: Uint8Array): void {
    const nowMs = this.#options.clock.nowMs();
    connection.lastByteMs = nowMs;
    for (const frame of connection.framer.push(chunk)) {
      if (frame.type === 'ping') {
        this.#write(connection, PONG);
        continue;
      }
      connection.hadMessage = true;
      connection.partialSinceMs = undefined;
      this.#onFrame(connection, frame.bytes);
      if (frame.type === 'broken') {
        this.#counters.dropped('framing');
        connection.socket.end();
      }
      if (connection.socket.destroyed) return;
    }
    if (!connection.framer.isPartial) connection.partialSinceMs = undefined;
    else connection.partialSinceMs ??= nowMs;
  }

  #onFrame(connection: Connection, bytes: Uint8Array): void {
    const limits = this.#options.limits ?? DEFAULT_LIMITS;
    const message = parseMessage(bytes, { limits, stream: true });
    if (message.ok) {
      this.#counters.received();
      this.#user?.onMessage(message.value, connection.flow);
    } else {
      this.#counters.problem(message.error);
      this.#user?.onProblem(message.error, connection.flow);
    }
  }

  send(bytes: Uint8Array, to: Address, outcome: SendOutcome, options: SendOptions = {}): void {
    const existing = this.#connections.get(keyOf(to));
    if (existing !== undefined && !existing.socket.writableEnded) {
      this.#sendOn(existing, bytes, outcome);
      return;
    }
    const refusal =
      this.#server === undefined
        ? 'closed'
        : options.existingOnly === true
          ? 'no connection'
          : this.#refusal(to.remoteAddress);
    if (refusal !== undefined) {
      outcome(fail(new MediaError('transport-failed', `${this.kind}: ${refusal}`)));
      return;
    }
    this.#sendOn(this.#open(to), bytes, outcome);
  }

  #open(to: Address): Connection {
    const wildcard = this.#local.address === '0.0.0.0' || this.#local.address === '::';
    const socket = this.#link.connect(to, wildcard ? '' : this.#local.address);
    const connection = this.#adopt(socket, to, false);
    socket.once(this.#link.readyEvent, () => {
      connection.ready = true;
      const { waiting } = connection;
      connection.waiting = [];
      for (const { bytes, outcome } of waiting) this.#sendOn(connection, bytes, outcome);
    });
    return connection;
  }

  #sendOn(connection: Connection, bytes: Uint8Array, outcome: SendOutcome): void {
    if (!connection.ready) {
      if (connection.waiting.length < MAX_WAITING) connection.waiting.push({ bytes, outcome });
      else {
        this.#counters.dropped('waiting-sends');
        outcome(fail(new MediaError('transport-failed', `${this.kind}: too many waiting sends`)));
      }
      return;
    }
    if (this.#write(connection, bytes)) {
      this.#counters.sent();
      outcome(ok(connection.flow));
    } else outcome(fail(new MediaError('transport-failed', `${this.kind}: peer reads too slowly`)));
  }

  #write(connection: Connection, bytes: Uint8Array): boolean {
    const { socket } = connection;
    if (socket.writableLength + bytes.length > this.#bounds.unsentBytes) {
      this.#counters.dropped('unsent-bytes');
      socket.destroy();
      return false;
    }
    if (!socket.writable) return false;
    connection.lastByteMs = this.#options.clock.nowMs();
    socket.write(bytes);
    return true;
  }

  #closeOverdue(): void {
    const nowMs = this.#options.clock.nowMs();
    for (const connection of this.#connections.values()) {
      const reason = overdue(connection, nowMs, this.#bounds);
      if (reason === undefined) continue;
      if (reason !== 'idle') this.#counters.dropped(reason);
      this.#failWaiting(connection, reason);
      connection.socket.destroy();
    }
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.#sweep?.cancel();
    if (server === undefined) return;
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    for (const { socket } of this.#connections.values()) {
      // What was written last (the answer to a BYE) still goes out.
      socket.end();
      socket.destroySoon();
    }
    await closed;
  }
}

const PONG = Buffer.from('\r\n');

function keyOf(address: Address): string {
  return `${withBrackets(address.remoteAddress)}:${address.remotePort}`;
}

function overdue(connection: Connection, nowMs: number, bounds: StreamBounds): string | undefined {
  const { openedMs, lastByteMs, partialSinceMs } = connection;
  if (!connection.ready) return nowMs - openedMs > bounds.connectMs ? 'connect-timeout' : undefined;
  if (partialSinceMs !== undefined && nowMs - partialSinceMs > bounds.messageMs) {
    return 'slow-message';
  }
  if (!connection.hadMessage && nowMs - openedMs > bounds.firstMessageMs) return 'no-message';
  return nowMs - lastByteMs > bounds.idleMs ? 'idle' : undefined;
}
