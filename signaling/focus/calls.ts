import type { Clock } from '../../common/clock.ts';
import { MediaError } from '../../common/errors.ts';
import type { Random } from '../../common/ids.ts';
import type { Logger } from '../../common/log.ts';
import type { MediaConference, MediaEngine, Route } from '../../mixer/media.ts';
import { type LegMedia, legMediaOf } from '../conference/leg-media.ts';
import { type MediaEndpoint, openEndpoint } from '../media/endpoint.ts';
import type { CodecChoice } from '../sdp/codec-selection.ts';
import type { Session } from '../sip/user-agent.ts';
import { parseConferenceAddress } from './conference-address.ts';
import type { ConfereeCall, Conferences, Departure, Seat } from './conferences.ts';
import type { TrustedPeers } from './trusted-peers.ts';

export interface CallsOptions {
  readonly conferences: Conferences;
  readonly engine: MediaEngine;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly trusted: TrustedPeers;
  readonly codecs: readonly CodecChoice[];
  readonly advertisedAddress: string | undefined;
  readonly localAddress: string | undefined;
  /** RTP and RTCP both missing for so long end a call; 0 never. */
  readonly silenceTimeoutMs: number;
  readonly ptimeMs: number;
  /** Whether an unknown name makes a conference now. */
  readonly acceptsNew: () => 'yes' | 'no' | 'draining';
  readonly onTalking: (seat: Seat, talking: boolean) => void;
  /** For metrics: `accepted`, or why not. */
  readonly onOutcome: (outcome: string) => void;
}

/** How soon a caller may try again, in seconds. */
const RETRY_AFTER_S = 5;

/** Takes one INVITE: who may come in, to which conference, on which leg. */
export async function takeCall(options: CallsOptions, session: Session): Promise<void> {
  const { conferences, log } = options;
  const address = parseConferenceAddress(session.invite.uri);
  if (!options.trusted.trusts(session.flow)) {
    log.warn({ callId: session.id, flow: session.flow }, 'call from a peer that is not trusted');
    return refuse(options, session, 'untrusted', 403, 'this peer is not on the list of the mixer');
  }
  if (address === undefined)
    return refuse(options, session, 'bad-address', 404, 'no conference named');
  const { conferenceId, confereeId } = address;
  const acceptsNew = options.acceptsNew();
  if (acceptsNew === 'draining' && !conferences.has(conferenceId)) {
    return refuseFor(options, session, new MediaError('draining', 'this mixer is being emptied'));
  }
  const seat = conferences.seat(conferenceId, confereeId, acceptsNew === 'yes');
  if (!seat.ok) return refuseFor(options, session, seat.error);
  const call = new InboundCall(options, session, seat.value);
  const opened = call.open();
  if (!opened.ok) {
    conferences.giveUp(seat.value);
    // The worker of this conference died before anybody noticed.
    if (opened.error.code === 'engine-lost') conferences.end(conferenceId, 'lost');
    return refuseFor(options, session, opened.error);
  }
  const accepted = await call.accept(opened.value);
  options.onOutcome(accepted === undefined ? 'accepted' : accepted.code);
}

function refuseFor(options: CallsOptions, session: Session, error: MediaError): void {
  options.onOutcome(error.code);
  const { sipStatus, q850, message } = error;
  const retry = sipStatus === 503 ? { retryAfterS: RETRY_AFTER_S } : {};
  session.reject(sipStatus, { q850, text: message, ...retry });
}

function refuse(
  options: CallsOptions,
  session: Session,
  outcome: string,
  status: number,
  text: string,
): void {
  options.onOutcome(outcome);
  session.reject(status, { text });
}

/** A conferee's call from the answer to the BYE. */
class InboundCall implements ConfereeCall {
  readonly #options: CallsOptions;
  readonly #session: Session;
  readonly #seat: Seat;
  #endpoint: MediaEndpoint | undefined;
  #muted = false;
  #joined = false;
  #talking = false;
  #over = false;

  constructor(options: CallsOptions, session: Session, seat: Seat) {
    this.#options = options;
    this.#session = session;
    this.#seat = seat;
  }

  open(): ReturnType<typeof openEndpoint> {
    const { engine, random, codecs, ptimeMs, localAddress, advertisedAddress } = this.#options;
    const opened = openEndpoint({
      engine,
      random,
      codecs,
      ptimeMs,
      advertisedAddress,
      leg: {
        with: this.#seat.media,
        silenceTimeoutMs: this.#options.silenceTimeoutMs,
        ...(localAddress === undefined ? {} : { localAddress }),
        events: {
          onTalking: (talking) => {
            this.#talking = talking;
            this.#options.onTalking(this.#seat, talking);
          },
          onSilent: () => this.#leave('silent'),
          onLost: () => this.#options.conferences.end(this.#seat.conferenceId, 'lost'),
        },
      },
    });
    if (opened.ok) this.#endpoint = opened.value;
    return opened;
  }

  /** The value is why it did not come up. */
  async accept(endpoint: MediaEndpoint): Promise<MediaError | undefined> {
    const { conferences } = this.#options;
    const { conferenceId, media, muted } = this.#seat;
    this.#session.events = {
      onEnded: ({ by }) => this.#leave(by === 'transport' || by === 'timeout' ? 'lost' : 'hangup'),
    };
    // Before the answer, so that the first packet of the peer is heard and answered with the mix.
    // Whoever belongs into a sub-conference or on hold is sent there with `join`.
    if (!this.#seat.elsewhere) {
      endpoint.leg.route({ kind: 'conference', conference: media, muted });
    }
    const accepted = await this.#session.accept(endpoint, {
      // RFC 4579 section 5.1: a focus marks its Contact.
      contact: { user: `conf=${conferenceId}`, parameters: ['isfocus'] },
    });
    // The conference may have ended meanwhile, the conferee been removed, the call been cancelled.
    const joined = accepted.ok && !this.#over ? conferences.join(this.#seat, this) : accepted;
    this.#joined = joined.ok && !this.#over;
    if (this.#joined) return undefined;
    conferences.giveUp(this.#seat);
    this.#leave('ended');
    return joined.ok
      ? new MediaError('cancelled', 'the call ended while it was taken')
      : joined.error;
  }

  setMuted(muted: boolean): void {
    this.#muted = muted;
    this.#endpoint?.leg.setMuted(muted);
  }

  moveTo(media: MediaConference | null): void {
    const route: Route =
      media === null
        ? { kind: 'idle' }
        : { kind: 'conference', conference: media, muted: this.#muted };
    this.#endpoint?.leg.route(route);
  }

  talkLevelDbov(): number | undefined {
    return this.#talking ? this.#endpoint?.leg.statistics().levelDbov : undefined;
  }

  measured(): LegMedia | undefined {
    const endpoint = this.#endpoint;
    return endpoint && legMediaOf(endpoint.codec, endpoint.leg.statistics());
  }

  hangUp(why: Departure): void {
    if (this.#over) return;
    this.#free();
    const text = why === 'replaced' ? 'replaced by a newer call' : why;
    void this.#session.end({ q850: why === 'lost' ? 38 : 16, text });
  }

  /** The call ends from its own side: hang-up, dead media, refused answer. */
  #leave(why: Departure): void {
    if (this.#over) return;
    this.#free();
    if (this.#joined) this.#options.conferences.leave(this.#seat, this, why);
    // Nothing to say when the session ended by itself.
    void this.#session.end({ q850: 16, text: why });
  }

  #free(): void {
    this.#over = true;
    void this.#endpoint?.close();
  }
}
