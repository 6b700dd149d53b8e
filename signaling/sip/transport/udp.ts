/** SIP over UDP (RFC 3261 section 18): one socket, one message a datagram. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { MediaError } from '../../../common/errors.ts';
import type { Logger } from '../../../common/log.ts';
import type { Metrics } from '../../../common/metrics.ts';
import { fail, ok, type Result } from '../../../common/result.ts';
import { DEFAULT_LIMITS, type MessageLimits, parseMessage } from '../parser.ts';
import type { Flow } from '../transaction/transaction-user.ts';
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
  type SendOutcome,
  type Transport,
  type TransportUser,
} from './transport.ts';

export interface UdpTransportOptions {
  /** `127.0.0.1`, `0.0.0.0`, `::1` … */
  readonly address: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly advertised?: Advertised;
  readonly limits?: MessageLimits;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Asked of the kernel, so that a burst of calls is not lost while a long task runs. Default 4 MiB. */
  readonly receiveBufferBytes?: number;
}

/** The greatest payload of a UDP datagram over IPv4. */
const MAX_DATAGRAM_BYTES = 65_507;

export function createUdpTransport(options: UdpTransportOptions): Transport {
  return new UdpTransport(options);
}

class UdpTransport implements Transport {
  readonly kind = 'udp';
  readonly reliable = false;
  readonly #options: UdpTransportOptions;
  readonly #counters: TransportCounters;
  #socket: Socket | undefined;
  #name: LocalName | undefined;
  #local = { address: '', port: 0 };

  constructor(options: UdpTransportOptions) {
    this.#options = options;
    this.#counters = createCounters(options.metrics, 'udp');
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
    const { address, port } = this.#options;
    const socket = createSocket({
      type: addressFamily(address) === 6 ? 'udp6' : 'udp4',
      recvBufferSize: this.#options.receiveBufferBytes ?? 4 * 1024 * 1024,
    });
    return new Promise((resolve) => {
      socket.once('error', (error) => {
        socket.close();
        resolve(fail(bindError('udp', address, port, error)));
      });
      socket.bind({ address, port, exclusive: true }, () => {
        socket.removeAllListeners('error');
        socket.on('error', (error) => {
          this.#counters.dropped('socket-error');
          this.#options.log.warn({ error: error.message }, 'sip udp socket');
        });
        socket.on('message', (bytes, remote) => this.#onDatagram(user, bytes, remote));
        this.#local = socket.address();
        this.#name = createLocalName(this.#local, this.#options.advertised, DEFAULT_PORTS.udp);
        this.#socket = socket;
        resolve(ok(undefined));
      });
    });
  }

  #onDatagram(user: TransportUser, bytes: Uint8Array, remote: RemoteInfo): void {
    // RFC 5626 section 4.4: keep-alives of a few bytes (CRLF, NUL, STUN) are no messages.
    if (bytes.length < 8 || (bytes[0] ?? 0) < 2) {
      this.#counters.dropped('keep-alive');
      return;
    }
    const flow = this.#flowTo(plainAddress(remote.address), remote.port);
    const message = parseMessage(bytes, { limits: this.#options.limits ?? DEFAULT_LIMITS });
    if (message.ok) {
      this.#counters.received();
      user.onMessage(message.value, flow);
    } else {
      this.#counters.problem(message.error);
      user.onProblem(message.error, flow);
    }
  }

  #flowTo(remoteAddress: string, remotePort: number): Flow {
    const { address, port } = this.#local;
    return {
      transport: 'udp',
      remoteAddress,
      remotePort,
      localAddress: plainAddress(address),
      localPort: port,
    };
  }

  send(bytes: Uint8Array, to: Address, outcome: SendOutcome): void {
    const socket = this.#socket;
    if (socket === undefined) {
      outcome(fail(new MediaError('transport-failed', 'udp transport is closed')));
      return;
    }
    if (bytes.length > MAX_DATAGRAM_BYTES) {
      this.#counters.dropped('too-large');
      outcome(fail(new MediaError('transport-failed', 'message exceeds a datagram')));
      return;
    }
    const flow = this.#flowTo(to.remoteAddress, to.remotePort);
    socket.send(bytes, to.remotePort, to.remoteAddress, (error) => {
      if (error) {
        this.#counters.dropped('send-failed');
        outcome(fail(new MediaError('transport-failed', `udp send: ${error.message}`)));
      } else {
        this.#counters.sent();
        outcome(ok(flow));
      }
    });
  }

  close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      socket.close(() => resolve());
    });
  }
}

export function bindError(
  kind: string,
  address: string,
  port: number,
  error: NodeJS.ErrnoException,
): MediaError {
  const what =
    error.code === 'EADDRINUSE'
      ? 'is in use; stop the other program or choose another port'
      : error.code === 'EADDRNOTAVAIL'
        ? 'is not an address of this machine; choose one that is'
        : `cannot be bound: ${error.message}`;
  return new MediaError('transport-failed', `${kind} ${address}:${port} ${what}`, { cause: error });
}
