/**
 * A network in memory for tests: datagram and stream links in virtual time, with seeded loss, duplication,
 * delay and reordering. Bytes are serialised and parsed as on a real link.
 */
import type { Clock } from '../../../common/clock.ts';
import { MediaError } from '../../../common/errors.ts';
import type { Random } from '../../../common/ids.ts';
import { fail, ok, type Result } from '../../../common/result.ts';
import { parseMessage } from '../parser.ts';
import type { Flow } from '../transaction/transaction-user.ts';
import { withBrackets, withoutBrackets } from '../uri.ts';
import {
  type Address,
  DEFAULT_PORTS,
  type SendOptions,
  type SendOutcome,
  type Transport,
  type TransportKind,
  type TransportUser,
} from './transport.ts';

export interface SimConditions {
  /** Of datagrams, 0–1. Streams lose nothing. */
  lossRatio: number;
  /** Of datagrams that arrive twice. */
  duplicateRatio: number;
  delayMs: number;
  /** Added to the delay, evenly spread: above 0, datagrams overtake one another. */
  jitterMs: number;
}

export interface SimTransportOptions {
  readonly kind?: TransportKind;
  readonly address: string;
  readonly port: number;
}

/** A datagram as a raw peer of a test sees it. */
export type SimReceiver = (bytes: Uint8Array, from: Address) => void;

export interface SimNetwork {
  /** Change at any time. */
  readonly conditions: SimConditions;
  createTransport(options: SimTransportOptions): Transport;
  /** A peer without a stack: gets bytes, sends bytes. */
  attach(kind: TransportKind, address: string, port: number, receive: SimReceiver): SimEndpoint;
  /** Everything that was put on the wire, lost or not. */
  readonly trace: readonly SimRecord[];
}

export interface SimEndpoint {
  send(bytes: Uint8Array | string, to: Address): void;
  detach(): void;
}

export interface SimRecord {
  readonly atMs: number;
  readonly from: string;
  readonly to: string;
  readonly bytes: Uint8Array;
  readonly lost: boolean;
}

export function createSimNetwork(clock: Clock, random: Random): SimNetwork {
  const conditions: SimConditions = { lossRatio: 0, duplicateRatio: 0, delayMs: 1, jitterMs: 0 };
  const receivers = new Map<string, SimReceiver>();
  const trace: SimRecord[] = [];
  const chance = (ratio: number): boolean => ratio > 0 && random.below(1_000_000) < ratio * 1e6;

  const transmit = (
    kind: TransportKind,
    from: Address,
    to: Address,
    bytes: Uint8Array,
  ): boolean => {
    const datagram = kind === 'udp';
    const target = key(kind, to.remoteAddress, to.remotePort);
    const lost = datagram && chance(conditions.lossRatio);
    trace.push({
      atMs: clock.nowMs(),
      from: key(kind, from.remoteAddress, from.remotePort),
      to: target,
      bytes,
      lost,
    });
    if (!receivers.has(target)) return false;
    if (lost) return true;
    const copies = datagram && chance(conditions.duplicateRatio) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const jitterMs = datagram && conditions.jitterMs > 0 ? random.below(conditions.jitterMs) : 0;
      clock.after(conditions.delayMs + jitterMs, () => {
        receivers.get(target)?.(Uint8Array.from(bytes), from);
      });
    }
    return true;
  };

  const attach = (
    kind: TransportKind,
    address: string,
    port: number,
    receive: SimReceiver,
  ): SimEndpoint => {
    const own = key(kind, address, port);
    receivers.set(own, receive);
    const from = { remoteAddress: address, remotePort: port };
    return {
      send: (bytes, to) => {
        transmit(kind, from, to, typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
      },
      detach: () => {
        receivers.delete(own);
      },
    };
  };

  return {
    conditions,
    trace,
    attach,
    createTransport: (options) => new SimTransport(options, receivers, transmit),
  };
}

function key(kind: TransportKind, address: string, port: number): string {
  return `${kind}:${withBrackets(address)}:${port}`;
}

type Transmit = (kind: TransportKind, from: Address, to: Address, bytes: Uint8Array) => boolean;

class SimTransport implements Transport {
  readonly kind: TransportKind;
  readonly reliable: boolean;
  readonly #own: Address;
  readonly #receivers: Map<string, SimReceiver>;
  readonly #transmit: Transmit;
  #open = false;

  constructor(
    options: SimTransportOptions,
    receivers: Map<string, SimReceiver>,
    transmit: Transmit,
  ) {
    this.kind = options.kind ?? 'udp';
    this.reliable = this.kind !== 'udp';
    this.#own = { remoteAddress: options.address, remotePort: options.port };
    this.#receivers = receivers;
    this.#transmit = transmit;
  }

  sentBy(): { readonly host: string; readonly port: number } {
    return { host: withBrackets(this.#own.remoteAddress), port: this.#own.remotePort };
  }

  isOurs(host: string, port: number | undefined): boolean {
    return (
      withoutBrackets(host) === this.#own.remoteAddress &&
      (port ?? DEFAULT_PORTS[this.kind]) === this.#own.remotePort
    );
  }

  reaches(): boolean {
    return true;
  }

  start(user: TransportUser): Promise<Result<void, MediaError>> {
    const own = this.#key();
    if (this.#receivers.has(own)) {
      return Promise.resolve(fail(new MediaError('transport-failed', `${own} is in use`)));
    }
    this.#receivers.set(own, (bytes, from) => this.#onBytes(user, bytes, from));
    this.#open = true;
    return Promise.resolve(ok(undefined));
  }

  #onBytes(user: TransportUser, bytes: Uint8Array, from: Address): void {
    const flow = this.#flowTo(from);
    const message = parseMessage(bytes, { stream: this.reliable });
    if (message.ok) user.onMessage(message.value, flow);
    else user.onProblem(message.error, flow);
  }

  send(bytes: Uint8Array, to: Address, outcome: SendOutcome, _options?: SendOptions): void {
    const delivered = this.#open && this.#transmit(this.kind, this.#own, to, bytes);
    // A datagram to nobody is lost without a word; a connection is refused.
    if (!this.#open || (this.reliable && !delivered)) {
      outcome(fail(new MediaError('transport-failed', 'sim: connection refused')));
    } else outcome(ok(this.#flowTo(to)));
  }

  close(): Promise<void> {
    if (this.#open) this.#receivers.delete(this.#key());
    this.#open = false;
    return Promise.resolve();
  }

  #key(): string {
    return key(this.kind, this.#own.remoteAddress, this.#own.remotePort);
  }

  #flowTo(to: Address): Flow {
    return {
      transport: this.kind,
      ...to,
      localAddress: this.#own.remoteAddress,
      localPort: this.#own.remotePort,
    };
  }
}
