import type { MediaError } from '../common/errors.ts';
import type { Random } from '../common/ids.ts';
import type { Result } from '../common/result.ts';
import type { CodecName, MediaEngine, MediaLeg, MediaLegEvents } from '../mixer/media.ts';
import { type MediaEndpoint, openEndpoint } from '../signaling/media/endpoint.ts';
import type { CodecChoice } from '../signaling/sdp/codec-selection.ts';

export interface CallMediaOptions {
  /** Same worker as this leg, so that the two can be relayed. */
  readonly near?: MediaLeg;
  readonly prefer?: CodecName | undefined;
  readonly inbandDigits?: boolean;
  /** 0: never. */
  readonly silenceTimeoutMs: number;
  readonly events: MediaLegEvents;
}

/** Opens a leg. Errors: `ports-exhausted`, `engine-full`, `engine-lost`. */
export type OpenMedia = (options: CallMediaOptions) => Result<MediaEndpoint, MediaError>;

export interface CallMediaParts {
  readonly engine: MediaEngine;
  readonly random: Random;
  /** In order of preference. */
  readonly codecs: readonly CodecChoice[];
  /** Of our sockets; default that of the engine. */
  readonly localAddress?: string | undefined;
  /** In descriptions instead of it. */
  readonly advertisedAddress?: string | undefined;
}

export function createOpenMedia(parts: CallMediaParts): OpenMedia {
  const { engine, random, codecs, localAddress, advertisedAddress } = parts;
  return (options) =>
    openEndpoint({
      engine,
      random,
      codecs,
      prefer: options.prefer,
      advertisedAddress,
      leg: {
        ...(options.near === undefined ? {} : { with: options.near }),
        ...(localAddress === undefined ? {} : { localAddress }),
        inbandDigits: options.inbandDigits ?? false,
        silenceTimeoutMs: options.silenceTimeoutMs,
        events: options.events,
      },
    });
}
