/**
 * The offer/answer model (RFC 3264) for one audio stream, as pure functions over a readonly
 * Negotiation: each takes one and returns the next, or an error that leaves it as it was.
 *
 *              createOffer          receiveOffer      receiveAnswer            rollBack
 *   idle       → offered            → stable          error                    idle
 *   offered    error (one at once)  error (glare)     → stable                 → stable, or idle
 *   stable     → offered            → stable          again, if ours was the   stable
 *                                                     last offer (forks, 183)
 *
 * It knows nothing of SIP, sockets or the engine. Start with createNegotiation.
 */
import { MediaError } from '../../common/errors.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { Direction, MediaParameters } from '../../mixer/media.ts';
import { type CodecChoice, formatsOf } from './codec-selection.ts';
import { answeredSection, mayAccept, reachable } from './offer-answer-sections.ts';
import { parametersAsAnswerer, parametersAsOfferer } from './parameters.ts';
import { offeredSection, type PayloadTypes, rememberPayloadTypes } from './payload-types.ts';
import { type MediaSection, parseSdp, printSdp, type SessionDescription } from './sdp.ts';

/** What our side of the stream is and can do now. */
export interface LocalMedia {
  readonly address: string;
  readonly rtpPort: number;
  /** In order of preference; not empty. */
  readonly codecs: readonly CodecChoice[];
  /** What we want; what is agreed may be less. Default `sendrecv`. */
  readonly direction?: Direction;
  /** Default 20. */
  readonly ptimeMs?: number;
  /** RFC 4733. Default true. */
  readonly digits?: boolean;
  /** RFC 3389: `offer` also when the peer does not name it first. Default `never`. */
  readonly comfortNoise?: 'never' | 'answer' | 'offer';
  /** We may send silence as comfort noise or not at all. Default false. */
  readonly silenceSuppression?: boolean;
  /** Levels in RTP headers (RFC 6464, RFC 6465). Default false. */
  readonly levels?: boolean;
  /** Whose order decides when we answer; RFC 3264 section 6.1 recommends the offer's. Default `offer`. */
  readonly order?: 'offer' | 'own';
}

interface Agreement {
  readonly local: SessionDescription;
  readonly remote: SessionDescription;
  readonly media: LocalMedia;
  readonly parameters: MediaParameters;
  /** Which m= line is our stream. */
  readonly slot: number;
  readonly offerer: 'local' | 'remote';
}

export interface Negotiation {
  readonly phase: 'idle' | 'offered' | 'stable';
  readonly sessionId: string;
  /** The last description sent, with its version; also one that was refused. */
  readonly sent: SessionDescription | undefined;
  /** Our offer that waits for its answer, or the last one that was answered. */
  readonly offer:
    | { readonly description: SessionDescription; readonly media: LocalMedia }
    | undefined;
  readonly agreement: Agreement | undefined;
  /** A number keeps its meaning as long as the session lives (RFC 3264 section 8.3.2). */
  readonly payloadTypes: PayloadTypes;
}

export interface Answered {
  readonly negotiation: Negotiation;
  readonly sdp: string;
  readonly parameters: MediaParameters;
}

/** `sessionId`: decimal digits, different for each session (RFC 8866 section 5.2). */
export function createNegotiation(sessionId: string): Negotiation {
  return {
    phase: 'idle',
    sessionId,
    sent: undefined,
    offer: undefined,
    agreement: undefined,
    payloadTypes: new Map(),
  };
}

/**
 * `refresh` repeats what is agreed, version and all, unless our media changed; `full` offers all we
 * can do (first offer; 2xx to an INVITE without offer, RFC 3261 section 14.2; a wish for change).
 */
export function createOffer(
  negotiation: Negotiation,
  media: LocalMedia,
  purpose: 'full' | 'refresh' = 'full',
): Result<{ readonly negotiation: Negotiation; readonly sdp: string }, MediaError> {
  if (negotiation.phase === 'offered') {
    return fail(new MediaError('conflict', 'our last offer has no answer yet'));
  }
  const { agreement } = negotiation;
  if (purpose === 'refresh' && agreement !== undefined && sameMedia(agreement.media, media)) {
    return ok(offered(negotiation, media, agreement.local.media, negotiation.payloadTypes));
  }
  const { section, payloadTypes } = offeredSection(
    media,
    codecOrder(media, agreement),
    negotiation.payloadTypes,
  );
  // RFC 3264 section 8: every m= line there ever was stays, refused ones with port 0.
  const sections = agreement?.local.media.map((old, index) =>
    index === agreement.slot ? section : { ...old, port: 0 },
  ) ?? [section];
  return ok(offered(negotiation, media, sections, payloadTypes));
}

function offered(
  negotiation: Negotiation,
  media: LocalMedia,
  sections: readonly MediaSection[],
  payloadTypes: PayloadTypes,
): { readonly negotiation: Negotiation; readonly sdp: string } {
  const description = publish(negotiation, media, sections);
  return {
    negotiation: {
      ...negotiation,
      phase: 'offered',
      sent: description,
      offer: { description, media },
      payloadTypes,
    },
    sdp: printSdp(description),
  };
}

/** Codecs in use come first as long as the preference list is the one they were agreed under. */
function codecOrder(media: LocalMedia, agreement: Agreement | undefined): readonly CodecChoice[] {
  if (agreement === undefined || !sameCodecs(agreement.media, media)) return media.codecs;
  const { send } = agreement.parameters;
  const used = media.codecs.filter((choice) => choice.name === send.name);
  return [...used, ...media.codecs.filter((choice) => choice.name !== send.name)];
}

/** The peer's offer. Errors: `bad-description`, `no-description` (no audio), `no-common-codec`, `conflict` (glare). */
export function receiveOffer(
  negotiation: Negotiation,
  media: LocalMedia,
  sdp: string,
): Result<Answered, MediaError> {
  if (negotiation.phase === 'offered') {
    return fail(new MediaError('conflict', 'an offer of ours has no answer yet'));
  }
  const parsed = parseSdp(sdp);
  if (!parsed.ok) return parsed;
  const remote = parsed.value;
  const slot = chooseSlot(remote, media, negotiation.agreement);
  if (!slot.ok) return slot;
  const section = remote.media[slot.value];
  if (section === undefined) return fail(new MediaError('bad-description', 'no such m= line'));
  const { local, parameters } =
    section.port === 0 ? stopped(section, negotiation.agreement) : answerTo(section, media);
  if (parameters === undefined) return fail(new MediaError('no-description', 'stream is refused'));
  const sections = remote.media.map((other, index) =>
    index === slot.value ? local : refused(other),
  );
  const description = publish(negotiation, media, sections);
  const agreement: Agreement = {
    local: description,
    remote,
    media,
    parameters,
    slot: slot.value,
    offerer: 'remote',
  };
  return ok({
    negotiation: {
      ...negotiation,
      phase: 'stable',
      sent: description,
      offer: undefined,
      agreement,
      payloadTypes: rememberPayloadTypes(negotiation.payloadTypes, formatsOf(local)),
    },
    sdp: printSdp(description),
    parameters,
  });
}

function answerTo(
  section: MediaSection,
  media: LocalMedia,
): { readonly local: MediaSection; readonly parameters: MediaParameters } {
  const local = answeredSection(section, media);
  return { local, parameters: parametersAsAnswerer(section, local, media) };
}

/** RFC 3264 section 8.2: the peer stops the stream; the call goes on without audio. */
function stopped(
  section: MediaSection,
  agreement: Agreement | undefined,
): { readonly local: MediaSection; readonly parameters: MediaParameters | undefined } {
  const parameters = agreement && {
    ...agreement.parameters,
    remote: null,
    direction: 'inactive' as const,
  };
  return { local: refused(section), parameters };
}

/** Our stream's m= line: the one it had before, else the first that we can take. */
function chooseSlot(
  remote: SessionDescription,
  media: LocalMedia,
  agreement: Agreement | undefined,
): Result<number, MediaError> {
  const before = agreement?.slot;
  const former = before === undefined ? undefined : remote.media[before];
  if (before !== undefined && former !== undefined && mayAccept(former, media)) return ok(before);
  const first = remote.media.findIndex((section) => mayAccept(section, media));
  if (first >= 0) return ok(first);
  if (before !== undefined && former?.port === 0) return ok(before);
  const audio = remote.media.filter((section) => section.type === 'audio' && section.port !== 0);
  if (audio.length === 0) {
    return fail(new MediaError('no-description', 'the offer has no audio stream'));
  }
  if (!audio.some(reachable)) {
    return fail(
      new MediaError('bad-description', 'the audio stream has no address of ours to send to'),
    );
  }
  const names = audio.flatMap((section) => formatsOf(section).map((format) => format.encoding));
  return fail(
    new MediaError('no-common-codec', `none of ${names.join(', ') || 'its formats'} is supported`),
  );
}

/** The answer to our offer; also another answer to the same one (a fork, or 2xx after a 183). */
export function receiveAnswer(
  negotiation: Negotiation,
  sdp: string,
): Result<Omit<Answered, 'sdp'>, MediaError> {
  const { offer, agreement } = negotiation;
  const again = negotiation.phase === 'stable' && agreement?.offerer === 'local';
  if (offer === undefined || !(negotiation.phase === 'offered' || again)) {
    return fail(new MediaError('conflict', 'an answer without an offer of ours'));
  }
  const parsed = parseSdp(sdp);
  if (!parsed.ok) return parsed;
  const remote = parsed.value;
  const local = offer.description;
  const slot = local.media.findIndex((section) => section.port !== 0);
  const ours = local.media[slot];
  const theirs = remote.media[slot];
  if (ours === undefined || theirs === undefined || theirs.type !== ours.type) {
    return fail(new MediaError('bad-description', 'the answer has other m= lines than the offer'));
  }
  if (theirs.port === 0) {
    return fail(new MediaError('no-common-codec', 'the peer refused the audio stream'));
  }
  if (!reachable(theirs)) {
    return fail(new MediaError('bad-description', 'the answer has no address to send to'));
  }
  const parameters = parametersAsOfferer(ours, theirs, offer.media);
  if (!parameters.ok) return parameters;
  return ok({
    negotiation: {
      ...negotiation,
      phase: 'stable',
      agreement: {
        local,
        remote,
        media: offer.media,
        parameters: parameters.value,
        slot,
        offerer: 'local',
      },
    },
    parameters: parameters.value,
  });
}

/** Our offer was refused: what was agreed before stays agreed (RFC 3264 section 8). */
export function rollBack(negotiation: Negotiation): Negotiation {
  if (negotiation.phase !== 'offered') return negotiation;
  const phase = negotiation.agreement === undefined ? 'idle' : 'stable';
  return { ...negotiation, phase, offer: undefined };
}

/** RFC 3264 section 6: a refused stream keeps its place with port 0. */
function refused(section: MediaSection): MediaSection {
  return {
    ...section,
    port: 0,
    // One format is enough; the line must not be empty.
    formats: section.formats.slice(0, 1),
    address: undefined,
    rtpMaps: [],
    formatParameters: new Map(),
    ptimeMs: undefined,
    maxPtimeMs: undefined,
    rtcpPort: undefined,
    rtcpMux: false,
    crypto: [],
    extensions: [],
  };
}

/** RFC 3264 section 8: the o= version goes up by one when, and only when, the text changes. */
function publish(
  negotiation: Negotiation,
  media: LocalMedia,
  sections: readonly MediaSection[],
): SessionDescription {
  const { sent } = negotiation;
  const withVersion = (sessionVersion: string): SessionDescription => ({
    origin: {
      username: '-',
      sessionId: negotiation.sessionId,
      sessionVersion,
      address: media.address,
    },
    media: sections,
  });
  if (sent === undefined) return withVersion('1');
  const same = withVersion(sent.origin.sessionVersion);
  if (printSdp(same) === printSdp(sent)) return same;
  return withVersion(String(Number(sent.origin.sessionVersion) + 1));
}

function sameCodecs(a: LocalMedia, b: LocalMedia): boolean {
  return a.codecs === b.codecs || JSON.stringify(a.codecs) === JSON.stringify(b.codecs);
}

function sameMedia(a: LocalMedia, b: LocalMedia): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
