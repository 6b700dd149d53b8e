/** From two media sections, ours and the peer's, to what the media engine is told. Pure. */
import { check } from '../../common/check.ts';
import { MediaError } from '../../common/errors.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { Codec, MediaParameters } from '../../mixer/media.ts';
import {
  type CodecChoice,
  codecOf,
  commonCodecs,
  formatKey,
  formatsOf,
  packetLength,
} from './codec-selection.ts';
import { agreedLevels } from './header-extensions.ts';
import type { LocalMedia } from './offer-answer.ts';
import {
  comfortNoiseOf,
  isHoldAddress,
  limit,
  mirror,
  offeredDirection,
  telephoneEventsOf,
} from './offer-answer-sections.ts';
import type { MediaSection, RtpMap } from './sdp.ts';

type Numbered = CodecChoice & { readonly payloadType: number };

/** We answered: the numbers are those of the offer, for both ways. */
export function parametersAsAnswerer(
  offered: MediaSection,
  answered: MediaSection,
  media: LocalMedia,
): MediaParameters {
  const codecs = commonCodecs(formatsOf(answered), media.codecs, 'offer');
  const receive = codecs.map((codec) => numbered(codec, offered));
  const send = receive[0];
  check(send !== undefined, 'a section is answered only if it has a common codec');
  return common(offered, answered, send, receive, formatsOf(answered), media);
}

/**
 * The peer answered. RFC 3264 section 6.1: it sends with the numbers of our offer and receives with
 * those of its answer, which may differ. Peers that use their own numbers both ways are understood
 * too, as long as that is not ambiguous.
 */
export function parametersAsOfferer(
  offered: MediaSection,
  answered: MediaSection,
  media: LocalMedia,
): Result<MediaParameters, MediaError> {
  const answers = formatsOf(answered);
  const codecs = commonCodecs(answers, media.codecs, 'offer');
  const first = codecs[0];
  if (first === undefined) {
    return fail(new MediaError('no-common-codec', 'the answer has no codec of the offer'));
  }
  const ours = formatsOf(offered);
  const taken = new Set(ours.map((map) => map.payloadType));
  const receive = codecs.flatMap((codec) => {
    const own = ours.find((map) => formatKey(map) === formatKey(codec));
    const numbers = new Set([
      ...(own === undefined ? [] : [own.payloadType]),
      ...(taken.has(codec.payloadType) ? [] : [codec.payloadType]),
    ]);
    return [...numbers].map((payloadType) => numbered({ ...codec, payloadType }, answered));
  });
  if (receive.length === 0) {
    return fail(new MediaError('no-common-codec', 'the answer has no codec of the offer'));
  }
  return ok(common(answered, offered, numbered(first, answered), receive, ours, media));
}

function numbered(codec: Numbered, remote: MediaSection): Codec {
  const parameters = formatsOf(remote).flatMap((map) =>
    formatKey(map) === formatKey(codec) ? [remote.formatParameters.get(map.payloadType)] : [],
  )[0];
  return codecOf(codec, codec.payloadType, parameters);
}

function common(
  remote: MediaSection,
  local: MediaSection,
  send: Codec,
  receive: readonly Codec[],
  ours: readonly RtpMap[],
  media: LocalMedia,
): MediaParameters {
  const { address } = remote;
  const rates = new Set([send.clockRateHz]);
  const theirs = formatsOf(remote);
  const theirEvents = media.digits === false ? [] : telephoneEventsOf(theirs, rates);
  const ourEvents = ours.filter((map) => map.encoding.toLowerCase() === 'telephone-event');
  const sendEvent = theirEvents[0];
  const noise =
    comfortNoiseOf(ours, rates).length > 0 ? comfortNoiseOf(theirs, rates)[0] : undefined;
  return {
    remote: address === undefined || isHoldAddress(address) ? null : { address, port: remote.port },
    remoteRtcpPort: remote.rtcpPort ?? null,
    send,
    receive,
    telephoneEvent:
      sendEvent === undefined || ourEvents.length === 0
        ? null
        : {
            sendPayloadType: sendEvent.payloadType,
            receivePayloadTypes: ourEvents.map((map) => map.payloadType),
          },
    comfortNoisePayloadType: noise?.payloadType ?? null,
    ...(media.silenceSuppression === true ? { silenceSuppression: true } : {}),
    ...(media.levels === true ? { levels: agreedLevels(local.extensions, remote.extensions) } : {}),
    ptimeMs: packetLength(remote, send, media.ptimeMs ?? 20),
    direction: limit(mirror(offeredDirection(remote)), local.direction),
  };
}
