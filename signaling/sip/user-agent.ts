/**
 * What an application sees of SIP: a user agent that makes and takes INVITE sessions, and a session.
 * `ua.ts` and `session.ts` implement it. SIP knows nothing of conferences, and of media only that
 * a SessionMedia turns one session description into another.
 */
import type { MediaError } from '../../common/errors.ts';
import type { CallId } from '../../common/ids.ts';
import type { Result } from '../../common/result.ts';
import type { SipRequest } from './message.ts';
import type { NameAddress, SipUri } from './uri.ts';

/** The media side of one session; implemented on a MediaLeg by signaling/media/endpoint.ts. Bodies are application/sdp. */
export interface SessionMedia {
  /**
   * An offer of ours: a UAC's INVITE, a 2xx to an INVITE without offer, a re-INVITE. `refresh` repeats
   * what is agreed word for word (RFC 4028 section 7.4) unless our wishes changed. Default `full`.
   */
  createOffer(purpose?: 'full' | 'refresh'): Result<string, MediaError>;
  /** The peer's offer; the value is our answer. An error leaves the session as it was (488). */
  acceptOffer(offer: string): Result<string, MediaError>;
  /** The answer to our last offer. On an error the session ends. */
  acceptAnswer(answer: string): Result<void, MediaError>;
  /** Our last offer was refused or timed out: back to what was agreed before (RFC 3264 section 8). */
  rollBack(): void;
}

export type SessionState = 'calling' | 'incoming' | 'early' | 'established' | 'ending' | 'ended';

export interface SessionEnd {
  readonly by: 'local' | 'remote' | 'timeout' | 'transport' | 'media';
  /** The SIP status that ended it before it was established. */
  readonly status?: number;
  /** Text of the status or of the Reason header. */
  readonly reason?: string;
  readonly q850?: number;
  /** Retry-After of the refusal, in seconds (RFC 3261 section 20.33). */
  readonly retryAfterS?: number;
  readonly established: boolean;
}

export interface SessionEvents {
  /** A provisional response above 100 to our INVITE. */
  readonly onProgress?: (status: number, hasEarlyMedia: boolean) => void;
  /** UAC: 2xx acknowledged. UAS: ACK received. */
  readonly onEstablished?: () => void;
  /** A re-INVITE or UPDATE of the peer changed the media. */
  readonly onMediaChanged?: () => void;
  /** INFO that the session does not consume itself; the result becomes the status (200, 415, 469 …). */
  readonly onInfo?: (contentType: string, body: string) => number;
  /** A key press that came by INFO (application/dtmf-relay or application/dtmf). */
  readonly onInfoDigit?: (digit: string, durationMs: number) => void;
  /** Exactly once, last. */
  readonly onEnded?: (end: SessionEnd) => void;
}

export interface AcceptOptions {
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** What our Contact says in this dialog beside the address: a user part, parameters such as `isfocus`. */
  readonly contact?: { readonly user?: string; readonly parameters?: readonly string[] };
}

export interface RejectOptions {
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly reasonPhrase?: string;
  readonly retryAfterS?: number;
  /** Reason header (RFC 3326), so that the refusing rule can be found again. */
  readonly q850?: number;
  readonly text?: string;
}

/** One INVITE session (dialog usage), from either side. */
export interface Session {
  readonly id: CallId;
  readonly direction: 'incoming' | 'outgoing';
  readonly state: SessionState;
  /** The INVITE as received or first sent. */
  readonly invite: SipRequest;
  readonly remote: NameAddress;
  /** Address the INVITE came from or goes to, as `udp:127.0.0.1:5060`. */
  readonly flow: string;
  /** Must be set before the first await after onInvite; replaces what was there. */
  events: SessionEvents;

  /** UAS: 180. Reliable if the peer requires it (RFC 3262). */
  ring(): void;
  /** UAS: 183 with an answer, so that the caller hears early media. Error: as acceptOffer. */
  progress(media: SessionMedia): Result<void, MediaError>;
  /** UAS: 200. Resolves when the ACK came; errors: 488 sent, `cancelled`, `timeout`, `no-description`. */
  accept(media: SessionMedia, options?: AcceptOptions): Promise<Result<void, MediaError>>;
  /** UAS, before accept. */
  reject(status: number, options?: RejectOptions): void;
  /** CANCEL, BYE or 480, whichever fits the state. Resolves when the dialog is gone. Idempotent. */
  end(reason?: { readonly q850: number; readonly text: string }): Promise<void>;
  /** A new offer from the media. One at a time; glare is retried as RFC 3261 section 14.1 says. */
  reinvite(): Promise<Result<void, MediaError>>;
  /** Errors: the peer's refusal as `rejected`. */
  info(contentType: string, body: string): Promise<Result<void, MediaError>>;
}

export interface InviteOptions {
  readonly to: SipUri;
  /** Default: the agent's own. */
  readonly from?: NameAddress;
  readonly media: SessionMedia;
  readonly events: SessionEvents;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** For 401 and 407. */
  readonly credentials?: Credentials;
  /**
   * Where to send it instead of where `to` points: `udp:127.0.0.1:5060`. Of several, which must be
   * addresses, the next one is tried when one is not reached or answers 503 (RFC 3263 section 4.3).
   */
  readonly outboundProxy?: string | readonly string[];
  /** Gives up and cancels. Default 180 s (RFC 3261 section 13.2.1, timer C's length). */
  readonly ringTimeoutMs?: number;
  /** INVITE without an offer. Default false. */
  readonly lateOffer?: boolean;
  /** How many contacts of 3xx responses are tried, one after another. Default 0: a 3xx is the end. */
  readonly followRedirects?: number;
  /** What the logs say instead of To, where the number is not for every reader. */
  readonly loggedTo?: string;
  /** Header session id for the logs; default a new one. */
  readonly id?: CallId;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** Answer only challenges of this realm; any if absent. */
  readonly realm?: string;
}

export interface RegisterOptions {
  /** The domain: Request-URI of the REGISTER. */
  readonly registrar: SipUri;
  /** The address of record that is bound to us. */
  readonly address: SipUri;
  /** User part of our Contact: what calls to us have as Request-URI. */
  readonly contactUser: string;
  /** What we ask for; a registrar may grant less, or want more (423). */
  readonly expiresS: number;
  readonly credentials?: Credentials;
  /** As of an INVITE. */
  readonly outboundProxy?: string | readonly string[];
  /** After each change. */
  readonly onStatus?: (status: RegistrationStatus) => void;
}

export interface RegistrationStatus {
  readonly state: 'registering' | 'registered' | 'failed' | 'stopped';
  /** Why it failed last; empty: it did not. */
  readonly detail: string;
}

/** A binding at a registrar that is kept until stopped. */
export interface Registration {
  readonly status: RegistrationStatus;
  /** Takes the binding away; resolves when the registrar has answered, or after 2 s. Idempotent. */
  stop(): Promise<void>;
}

export interface UserAgentEvents {
  /** An INVITE outside a dialog that passed all checks of RFC 3261 section 8.2. */
  readonly onInvite: (session: Session) => void;
}

export interface UserAgent {
  /** Binds the transports. Error with what to do when an address is in use. */
  start(): Promise<Result<void, MediaError>>;
  /** Our address for Contact, after start: `sip:127.0.0.1:5060`. */
  readonly contact: SipUri;
  /** Sessions that are not ended. */
  readonly sessionCount: number;
  invite(options: InviteOptions): Session;
  /** After start. Ends with `stop` of the agent at the latest. */
  register(options: RegisterOptions): Registration;
  /** New INVITEs get 503 with Retry-After; what runs goes on. */
  drain(retryAfterS: number): void;
  /** BYE or CANCEL on every session, waits for the answers (bounded), closes the transports. */
  stop(): Promise<void>;
}
