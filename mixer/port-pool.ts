/**
 * Even and odd port pairs for RTP and RTCP (RFC 3550 section 11). A closed pair rests before it is used
 * again, so that late packets of the old call do not reach the new one.
 */
import type { Clock } from '../common/clock.ts';
import { MediaError } from '../common/errors.ts';
import { fail, ok, type Result } from '../common/result.ts';

/** Long enough for a peer that missed our BYE to notice; short enough to churn through a small range. */
const REST_MS = 3000;

export interface PortRange {
  readonly min: number;
  readonly max: number;
}

export interface SocketPair {
  readonly rtpSocket: number;
  readonly rtcpSocket: number;
  readonly port: number;
}

export interface SocketOpener {
  openSocket(address: string, port: number): number | string;
  closeSocket(socket: number): boolean;
}

export class PortPool {
  readonly #sockets: SocketOpener;
  readonly #clock: Clock;
  readonly #first: number;
  readonly #pairs: number;
  /** Pair → when it may be used again; 0 while it is in use. */
  readonly #taken = new Map<number, number>();
  #next = 0;

  constructor(sockets: SocketOpener, clock: Clock, range: PortRange) {
    this.#sockets = sockets;
    this.#clock = clock;
    this.#first = range.min + (range.min % 2);
    this.#pairs = Math.max(0, Math.floor((range.max - this.#first + 1) / 2));
  }

  get inUse(): number {
    let count = 0;
    for (const restsUntil of this.#taken.values()) if (restsUntil === 0) count++;
    return count;
  }

  open(address: string): Result<SocketPair, MediaError> {
    const now = this.#clock.nowMs();
    let reason = 'every port of the range is in use';
    for (let tried = 0; tried < this.#pairs; tried++) {
      const pair = this.#next;
      this.#next = (this.#next + 1) % this.#pairs;
      const restsUntil = this.#taken.get(pair);
      if (restsUntil !== undefined && (restsUntil === 0 || restsUntil > now)) continue;
      const opened = this.#bind(address, this.#first + pair * 2);
      if (typeof opened !== 'string') {
        this.#taken.set(pair, 0);
        return ok(opened);
      }
      // A port in somebody else's use is skipped; anything else is the same for the next port.
      if (opened !== 'EADDRINUSE') {
        reason = `${address}: ${opened}`;
        break;
      }
    }
    return fail(new MediaError('ports-exhausted', `no RTP port: ${reason}`));
  }

  close(pair: SocketPair): void {
    const closed = this.#sockets.closeSocket(pair.rtpSocket);
    this.#sockets.closeSocket(pair.rtcpSocket);
    if (closed) this.#taken.set((pair.port - this.#first) / 2, this.#clock.nowMs() + REST_MS);
  }

  #bind(address: string, port: number): SocketPair | string {
    const rtpSocket = this.#sockets.openSocket(address, port);
    if (typeof rtpSocket === 'string') return rtpSocket;
    const rtcpSocket = this.#sockets.openSocket(address, port + 1);
    if (typeof rtcpSocket !== 'string') return { rtpSocket, rtcpSocket, port };
    this.#sockets.closeSocket(rtpSocket);
    return rtcpSocket;
  }
}
