/**
 * The seam between transactions (layer.ts) and what uses them (dialogs, sessions, a proxy core).
 * RFC 3261 section 17: the transaction layer retransmits, absorbs and matches; the user decides.
 */
import type { MediaError } from '../../../common/errors.ts';
import type { SipRequest, SipResponse } from '../message.ts';

/** One transport flow to a peer: where a message came from or goes to. */
export interface Flow {
  readonly transport: 'udp' | 'tcp' | 'tls';
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
}

/** Where a request goes (RFC 3263 already applied): tried in order until one takes it. */
export type Target = Pick<Flow, 'transport' | 'remoteAddress' | 'remotePort'>;

export interface ClientTransactionUser {
  onProvisional(response: SipResponse, flow: Flow): void;
  /**
   * INVITE: called for every 2xx including retransmissions and those of other forks (RFC 6026
   * section 7.2), each of which the user must ACK; for a 3xx–6xx once, already acknowledged.
   */
  onFinal(response: SipResponse, flow: Flow): void;
  /** Timer B or F. To be treated as a 408 (RFC 3261 section 8.1.3.1). */
  onTimeout(): void;
  /** To be treated as a 503. */
  onTransportError(error: MediaError): void;
  /** The transaction is gone; no call follows. */
  onTerminated?(): void;
}

export interface ClientTransaction {
  readonly request: SipRequest;
  readonly branch: string;
  /**
   * Sends the CANCEL of this INVITE as RFC 3261 section 9.1 says: at once if a provisional response
   * was received, else as soon as one is; never after a final one.
   */
  cancel(extraHeaders?: readonly (readonly [string, string])[]): void;
}

export interface ServerTransaction {
  readonly request: SipRequest;
  readonly flow: Flow;
  /** Via, From, Call-ID, CSeq (and To with its tag) must be in the response: use responseTo(). */
  respond(response: SipResponse): void;
  /** INVITE only: a matching CANCEL came and was answered 200; the user answers 487 (RFC 3261 section 9.2). */
  onCancel?: (cancel: SipRequest) => void;
  /** INVITE, after 2xx: no ACK came for 64*T1 is the user's timer; this is a transport failure. */
  onTransportError?: (error: MediaError) => void;
}

export interface TransactionUser {
  /** A request that starts a new server transaction: never ACK, never CANCEL. */
  onRequest(transaction: ServerTransaction): void;
  /** ACK for a 2xx, which matches no transaction (RFC 3261 section 13.2.2.4). */
  onAck(ack: SipRequest, flow: Flow): void;
  /** A response that matches no transaction: a 2xx retransmission after the Accepted state ended. */
  onStrayResponse(response: SipResponse, flow: Flow): void;
}

export interface TransactionLayer {
  /** Puts the top Via on it, sends it, retransmits. INVITE and others; not ACK. */
  send(
    request: SipRequest,
    targets: readonly Target[],
    user: ClientTransactionUser,
  ): ClientTransaction;
  /** Sends outside a transaction (ACK for 2xx), with a Via of its own. */
  sendDirectly(request: SipRequest, target: Target): void;
  /** Open transactions, by kind, for metrics and for tests that nothing is left. */
  readonly counts: {
    readonly inviteClient: number;
    readonly nonInviteClient: number;
    readonly inviteServer: number;
    readonly nonInviteServer: number;
  };
}
