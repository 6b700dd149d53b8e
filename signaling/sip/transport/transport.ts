/**
 * Transports carry whole SIP messages between us and peers over one kind of link (RFC 3261 section 18). They
 * parse what comes in, frame what goes out, keep connections, and count and bound everything a peer
 * can make them hold. They must never know transactions: the user above decides what a message means,
 * puts Via on requests and says where a message goes. Start reading here; udp.ts is the shortest link.
 */
import type { MediaError } from '../../../common/errors.ts';
import type { Result } from '../../../common/result.ts';
import type { SipMessage, SipRequest } from '../message.ts';
import type { MessageProblem } from '../problem.ts';
import type { Flow, Target } from '../transaction/transaction-user.ts';
import { withBrackets, withoutBrackets } from '../uri.ts';
import { formatVia, parseVia, type Via } from '../via.ts';

export type TransportKind = Flow['transport'];

export interface TransportUser {
  onMessage(message: SipMessage, flow: Flow): void;
  /** Counted here already; answer it if `answerable` is there, else drop it. */
  onProblem(problem: MessageProblem, flow: Flow): void;
}

export interface Address {
  readonly remoteAddress: string;
  readonly remotePort: number;
}

export interface SendOptions {
  /** Streams: only on a connection that is open, never a new one (responses, section 18.2.2). */
  readonly existingOnly?: boolean;
}

/** Called once for each send, perhaps before send() returns: the flow it left on, or why it could not. */
export type SendOutcome = (outcome: Result<Flow, MediaError>) => void;

export interface Transport {
  readonly kind: TransportKind;
  /** Delivery and order are the link's work: no retransmission above it. */
  readonly reliable: boolean;
  /** Host and port for the Via and Contact of what goes to `remoteAddress`; valid after start. */
  sentBy(remoteAddress: string): { readonly host: string; readonly port: number };
  /** Whether a Via sent-by is one of ours (section 18.1.2). */
  isOurs(host: string, port: number | undefined): boolean;
  /** Whether it reaches this family of addresses. */
  reaches(remoteAddress: string): boolean;
  /** Binds. An address in use is an error that says so. */
  start(user: TransportUser): Promise<Result<void, MediaError>>;
  send(bytes: Uint8Array, to: Address, outcome: SendOutcome, options?: SendOptions): void;
  /** Idempotent. Outstanding sends end with an error. */
  close(): Promise<void>;
}

export const DEFAULT_PORTS: Readonly<Record<TransportKind, number>> = {
  udp: 5060,
  tcp: 5060,
  tls: 5061,
};

/**
 * Section 18.2.1 and RFC 3581 section 4: says in the top Via where the request really came from, so that
 * the response finds back through a NAT.
 */
export function stampReceived(request: SipRequest, flow: Flow): SipRequest {
  const value = request.headers.list('Via')[0];
  const via = value === undefined ? undefined : parseVia(value);
  if (via === undefined || !via.ok) return request;
  const { host, parameters } = via.value;
  const wantsPort = parameters.get('rport') === '';
  const differs = withoutBrackets(host) !== flow.remoteAddress;
  if (!wantsPort && !differs && !parameters.has('received')) return request;
  const stamped = new Map(parameters);
  // A peer's own `received` is never believed.
  stamped.delete('received');
  if (differs || wantsPort) stamped.set('received', flow.remoteAddress);
  if (wantsPort) stamped.set('rport', String(flow.remotePort));
  const rest = request.headers.withoutFirst('Via');
  return {
    ...request,
    headers: rest.prepend('Via', formatVia({ ...via.value, parameters: stamped })),
  };
}

/**
 * Where a response goes when no connection is there for it (section 18.2.2, RFC 3581 section 4): the port
 * may come from the Via, the address only from the packet. So maddr, which would let any sender have
 * our retransmissions sent to any victim, is not followed; no sender of our times puts it there.
 */
export function responseAddress(via: Via, flow: Flow): Address {
  const { remoteAddress } = flow;
  if (flow.transport === 'udp' && via.parameters.has('rport')) {
    return { remoteAddress, remotePort: flow.remotePort };
  }
  return { remoteAddress, remotePort: via.port ?? DEFAULT_PORTS[flow.transport] };
}

/** As used for logs and for Session.flow: `udp:127.0.0.1:5060`. */
export function formatTarget(target: Target): string {
  return `${target.transport}:${withBrackets(target.remoteAddress)}:${target.remotePort}`;
}

/** `udp:127.0.0.1:5060`, `tcp:[::1]:5060`; undefined if it is not one. */
export function parseTarget(text: string): Target | undefined {
  const colon = text.indexOf(':');
  const lastColon = text.lastIndexOf(':');
  const transport = text.slice(0, Math.max(colon, 0));
  if (transport !== 'udp' && transport !== 'tcp' && transport !== 'tls') return undefined;
  const remoteAddress = withoutBrackets(text.slice(colon + 1, lastColon));
  const remotePort = Number(text.slice(lastColon + 1));
  if (lastColon <= colon || remoteAddress === '') return undefined;
  if (!Number.isInteger(remotePort) || remotePort < 1 || remotePort > 65535) return undefined;
  return { transport, remoteAddress, remotePort };
}
