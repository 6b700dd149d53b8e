import { MediaError } from '../common/errors.ts';
import { fail, ok, type Result } from '../common/result.ts';
import type { SessionMedia } from '../signaling/sip/user-agent.ts';
import { LOAD_FORMATS, type LoadCodec } from './rtp-driver.ts';

/** Where the target wants the packets of one call, and what may be in them. */
export interface DriverTarget {
  readonly address: string;
  readonly port: number;
  readonly payloadType: number;
  readonly eventType: number | null;
  /** Id of the level extension that the answer agreed to (RFC 6464); 0: none. */
  readonly levelId: number;
}

export interface DriverMediaOptions {
  readonly address: string;
  readonly port: number;
  readonly codec: LoadCodec;
  /** Offers audio levels in the header. */
  readonly levels: boolean;
}

const LEVEL_EXTENSION = 'urn:ietf:params:rtp-hdrext:ssrc-audio-level';

/** SDP of a leg of the load driver; the engine under test is the one that has to be clever. */
export class DriverMedia implements SessionMedia {
  remote: DriverTarget | null = null;
  readonly #options: DriverMediaOptions;

  constructor(options: DriverMediaOptions) {
    this.#options = options;
  }

  createOffer(): Result<string, MediaError> {
    const { address, port, codec, levels } = this.#options;
    const { payloadType, rtpmap } = LOAD_FORMATS[codec];
    const eventClockHz = codec === 'opus' ? 48000 : 8000;
    const lines = [
      'v=0',
      `o=- ${port} 1 IN IP4 ${address}`,
      's=load',
      `c=IN IP4 ${address}`,
      't=0 0',
      `m=audio ${port} RTP/AVP ${payloadType} 101`,
      `a=rtpmap:${payloadType} ${rtpmap}`,
      `a=rtpmap:101 telephone-event/${eventClockHz}`,
      'a=fmtp:101 0-15',
      ...(levels ? [`a=extmap:1 ${LEVEL_EXTENSION} vad=on`] : []),
      'a=ptime:20',
      'a=sendrecv',
    ];
    return ok(`${lines.join('\r\n')}\r\n`);
  }

  acceptAnswer(answer: string): Result<void, MediaError> {
    const media = /^m=audio (\d+) \S+ (\d+)/m.exec(answer);
    const address = /^c=IN IP4 (\S+)/m.exec(answer)?.[1];
    const event = /^a=rtpmap:(\d+) telephone-event/im.exec(answer)?.[1];
    if (media === null || address === undefined) {
      return fail(new MediaError('bad-description', `expected an audio answer, got ${answer}`));
    }
    this.remote = {
      address,
      port: Number(media[1]),
      payloadType: Number(media[2]),
      eventType: event === undefined ? null : Number(event),
      levelId: this.#options.levels ? levelIdOf(answer) : 0,
    };
    return ok(undefined);
  }

  acceptOffer(): Result<string, MediaError> {
    return this.createOffer();
  }

  rollBack(): void {
    // Nothing to go back to: the driver has one description for the life of the call.
  }
}

function levelIdOf(answer: string): number {
  const line = answer.split(/\r?\n/).find((one) => one.includes(LEVEL_EXTENSION));
  // Only if the target takes them from us (RFC 8285 section 6).
  const found = /^a=extmap:(\d+)(?:\/(\w+))? /.exec(line ?? '');
  const takes = found?.[2] === undefined || found[2] === 'recvonly' || found[2] === 'sendrecv';
  return found !== null && takes ? Number(found[1]) : 0;
}
