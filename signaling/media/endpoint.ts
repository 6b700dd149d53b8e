/**
 * The media side of one SIP session: an RTP leg of the engine whose parameters follow what offer and
 * answer agree. Session (signaling/sip) hands it descriptions; the owner routes, plays and records on
 * `leg`. Knows SDP and legs, nothing of SIP messages or conferences. Never throws.
 */
import { MediaError } from '../../common/errors.ts';
import type { Random } from '../../common/ids.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type {
  CodecName,
  Direction,
  LegOptions,
  LegStatistics,
  MediaEngine,
  MediaLeg,
  MediaParameters,
} from '../../mixer/media.ts';
import type { CodecChoice } from '../sdp/codec-selection.ts';
import {
  createNegotiation,
  createOffer,
  type LocalMedia,
  type Negotiation,
  receiveAnswer,
  receiveOffer,
  rollBack,
} from '../sdp/offer-answer.ts';
import type { SessionMedia } from '../sip/user-agent.ts';

export interface EndpointOptions {
  readonly engine: MediaEngine;
  readonly random: Random;
  /** In order of preference; not empty. */
  readonly codecs: readonly CodecChoice[];
  /** Moved to the front of `codecs`, so that a relay need not transcode. */
  readonly prefer?: CodecName | undefined;
  /** Default 20. */
  readonly ptimeMs?: number;
  /** RFC 4733. Default true. */
  readonly digits?: boolean;
  /** RFC 3389 comfort noise. Default `answer`: where the peer offers it. */
  readonly comfortNoise?: LocalMedia['comfortNoise'];
  /** Silence goes out as comfort noise, or not at all, where the peer takes it. Default true. */
  readonly silenceSuppression?: boolean;
  /** Levels in RTP headers (RFC 6464, RFC 6465). Default true. */
  readonly levels?: boolean;
  /** In the SDP instead of the leg's own address, behind a translating router. */
  readonly advertisedAddress?: string | undefined;
  /** Which codec to send when we answer: the first of the offer (default) or of `codecs`. */
  readonly order?: 'offer' | 'own';
  /** Where the leg goes, its address, events and time-outs. */
  readonly leg?: LegOptions;
  /** After each change of what is agreed. */
  readonly onAgreed?: (parameters: MediaParameters) => void;
}

/** Opens a leg. Errors: `ports-exhausted`, `engine-full`, `engine-lost`. */
export function openEndpoint(options: EndpointOptions): Result<MediaEndpoint, MediaError> {
  const leg = options.engine.openLeg(options.leg);
  return leg.ok ? ok(new MediaEndpoint(leg.value, options)) : leg;
}

export class MediaEndpoint implements SessionMedia {
  readonly leg: MediaLeg;
  readonly #onAgreed: (parameters: MediaParameters) => void;
  #local: LocalMedia;
  #negotiation: Negotiation;
  #configured: MediaParameters | undefined;
  #closed: Promise<LegStatistics> | undefined;

  constructor(leg: MediaLeg, options: EndpointOptions) {
    this.leg = leg;
    this.#onAgreed = options.onAgreed ?? (() => {});
    this.#local = {
      address: options.advertisedAddress ?? leg.localAddress,
      rtpPort: leg.rtpPort,
      codecs: preferred(options.codecs, options.prefer),
      ...(options.ptimeMs === undefined ? {} : { ptimeMs: options.ptimeMs }),
      ...(options.digits === undefined ? {} : { digits: options.digits }),
      ...(options.order === undefined ? {} : { order: options.order }),
      comfortNoise: options.comfortNoise ?? 'answer',
      silenceSuppression: options.silenceSuppression ?? true,
      levels: options.levels ?? true,
    };
    this.#negotiation = createNegotiation(sessionId(options.random));
  }

  /** What is agreed now; undefined before the first answer. */
  get parameters(): MediaParameters | undefined {
    return this.#negotiation.agreement?.parameters;
  }

  /** What the leg sends now. */
  get codec(): CodecName | undefined {
    return this.parameters?.send.name;
  }

  /** What we want of the stream, in the next offer or answer. `sendonly` holds the peer. */
  setDirection(direction: Direction): void {
    this.#local = { ...this.#local, direction };
  }

  /** `refresh` repeats what is agreed word for word unless our wishes changed (RFC 4028 section 7.4). */
  createOffer(purpose: 'full' | 'refresh' = 'full'): Result<string, MediaError> {
    if (this.#closed !== undefined) return closed();
    const offer = createOffer(this.#negotiation, this.#local, purpose);
    if (!offer.ok) return offer;
    this.#negotiation = offer.value.negotiation;
    return ok(offer.value.sdp);
  }

  acceptOffer(offer: string): Result<string, MediaError> {
    if (this.#closed !== undefined) return closed();
    const answer = receiveOffer(this.#negotiation, this.#local, offer);
    if (!answer.ok) return answer;
    this.#agree(answer.value.negotiation);
    return ok(answer.value.sdp);
  }

  acceptAnswer(answer: string): Result<void, MediaError> {
    if (this.#closed !== undefined) return closed();
    const accepted = receiveAnswer(this.#negotiation, answer);
    if (!accepted.ok) return accepted;
    this.#agree(accepted.value.negotiation);
    return ok(undefined);
  }

  rollBack(): void {
    this.#negotiation = rollBack(this.#negotiation);
  }

  /** Frees the leg; the value is its last statistics. Idempotent. */
  close(): Promise<LegStatistics> {
    this.#closed ??= this.leg.close();
    return this.#closed;
  }

  #agree(negotiation: Negotiation): void {
    this.#negotiation = negotiation;
    const parameters = this.parameters;
    // A session refresh agrees on the same again: the leg is left alone.
    if (parameters === undefined || same(parameters, this.#configured)) return;
    this.#configured = parameters;
    this.leg.configure(parameters);
    this.#onAgreed(parameters);
  }
}

function closed(): Result<never, MediaError> {
  return fail(new MediaError('closed', 'the media of this session is closed'));
}

function same(left: MediaParameters, right: MediaParameters | undefined): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

function preferred(
  codecs: readonly CodecChoice[],
  first: CodecName | undefined,
): readonly CodecChoice[] {
  const [liked, rest] = [
    codecs.filter((codec) => codec.name === first),
    codecs.filter((codec) => codec.name !== first),
  ];
  return [...liked, ...rest];
}

/** Decimal, within 31 bits: some peers read it into an int (RFC 8866 section 5.2 allows any length). */
function sessionId(random: Random): string {
  return String(1 + random.below(0x7fff_fffe));
}
