/**
 * The second leg of a conferee: from this VRU to the mixer that has the conference, beside the
 * caller's leg so that the engine can relay between the two (R13).
 */
import type { Clock, Timer } from '../common/clock.ts';
import { MediaError } from '../common/errors.ts';
import { fail, ok, type Result } from '../common/result.ts';
import type { CodecName, MediaLeg } from '../mixer/media.ts';
import type { PlaceInConference } from '../signaling/conference/messages.ts';
import type { MediaEndpoint } from '../signaling/media/endpoint.ts';
import { parseSipUri, type SipUri } from '../signaling/sip/uri.ts';
import type { Session, SessionEnd, UserAgent } from '../signaling/sip/user-agent.ts';
import type { OpenMedia } from './call-media.ts';
import { Cancelled, deferred, within } from './scope.ts';
import type { MixerLinkSettings } from './settings.ts';

export interface MixerLink {
  readonly leg: MediaLeg;
  /** Resolves once, when the mixer is gone; also after our own `close`. */
  readonly lost: Promise<LinkLoss>;
  /** BYE, then frees the leg. Idempotent, never rejects. */
  close(): Promise<void>;
}

export type LinkLoss = 'bye' | 'silence' | 'signaling' | 'media';

export interface LinkRequest {
  readonly near: MediaLeg;
  /** Offered first, so that the relay need not transcode. */
  readonly codec: CodecName | undefined;
  readonly place: PlaceInConference;
  readonly signal: AbortSignal;
}

/** Resolves when the mixer's audio arrives (or should have). Cancelled when the signal says so. */
export type LinkDialler = (request: LinkRequest) => Promise<Result<MixerLink, MediaError>>;

export interface LinkDiallerOptions {
  readonly invite: UserAgent['invite'];
  readonly openMedia: OpenMedia;
  readonly clock: Clock;
  readonly settings: MixerLinkSettings;
  /** Takes promises that nobody waits for; logs their failures. */
  readonly background: Background;
}

export type Background = (task: Promise<unknown>) => void;

/** RFC 4240 section 5: `sip:conf=ID@mixer`; the conferee parameter is the one given at entry (E10). */
export function conferenceUri(place: PlaceInConference): Result<SipUri, MediaError> {
  const text = `sip:conf=${place.conferenceId}@${place.mixerAddress};conferee=${place.confereeId}`;
  const uri = parseSipUri(text);
  if (uri.ok) return ok(uri.value);
  return fail(
    new MediaError('bad-request', `mixer address ${place.mixerAddress} is no SIP address`),
  );
}

export function createLinkDialler(options: LinkDiallerOptions): LinkDialler {
  return async (request) => {
    const uri = conferenceUri(request.place);
    if (!uri.ok) return uri;
    return await dial(options, request, uri.value);
  };
}

async function dial(
  options: LinkDiallerOptions,
  request: LinkRequest,
  to: SipUri,
): Promise<Result<MixerLink, MediaError>> {
  const { settings, clock } = options;
  const lost = deferred<LinkLoss>();
  const answered = deferred<Result<void, MediaError>>();
  const receiving = deferred<void>();
  const opened = options.openMedia({
    near: request.near,
    prefer: request.codec,
    silenceTimeoutMs: settings.silenceMs,
    events: {
      onReceiving: () => receiving.resolve(),
      onSilent: () => lost.resolve('silence'),
      onLost: () => lost.resolve('media'),
    },
  });
  if (!opened.ok) return opened;
  const media = opened.value;
  const session = options.invite({
    to,
    media,
    ringTimeoutMs: settings.answerMs,
    events: {
      onEstablished: () => answered.resolve(ok(undefined)),
      onEnded: (end) => {
        answered.resolve(fail(notAnswered(end)));
        lost.resolve(end.by === 'remote' ? 'bye' : end.by === 'media' ? 'media' : 'signaling');
      },
    },
  });
  const link: MixerLink = { leg: media.leg, lost: lost.promise, close: closer(session, media) };
  // The user agent's own limit counts from the first response; a dead mixer sends none.
  const tooLate = new MediaError('timeout', 'the mixer did not answer in time');
  const answerTimer = clock.after(settings.answerMs, () => answered.resolve(fail(tooLate)));
  let packetTimer: Timer | undefined;
  try {
    const answer = await within(request.signal, answered.promise);
    if (!answer.ok) {
      options.background(link.close());
      return answer;
    }
    packetTimer = clock.after(settings.firstPacketMs, () => receiving.resolve());
    await within(request.signal, receiving.promise);
    return ok(link);
  } catch (error) {
    if (error instanceof Cancelled) options.background(link.close());
    throw error;
  } finally {
    answerTimer.cancel();
    packetTimer?.cancel();
  }
}

function notAnswered(end: SessionEnd): MediaError {
  const text = `the mixer refused: ${end.status ?? ''} ${end.reason ?? end.by}`;
  return new MediaError(end.by === 'timeout' ? 'timeout' : 'rejected', text);
}

function closer(session: Session, media: MediaEndpoint): () => Promise<void> {
  let closing: Promise<void> | undefined;
  return () => {
    // BYE first, so that the mixer does not take the silence for a loss; its answer is not waited
    // for before the leg is freed, as a dead mixer gives none for 32 s.
    closing ??= Promise.all([session.end(), media.close()]).then(() => undefined);
    return closing;
  };
}
