/** Negotiated codecs as the engine has them: a kind and a sample rate. */
import { CODEC_KIND } from './abi.gen.ts';
import type { NativeCodec } from './binding.ts';
import type { Codec, CodecName } from './media.ts';

export interface EngineFormat {
  readonly kind: number;
  readonly rateHz: number;
}

const KIND_OF: Readonly<Record<CodecName, number>> = {
  PCMU: CODEC_KIND.pcmu,
  PCMA: CODEC_KIND.pcma,
  G722: CODEC_KIND.g722,
  opus: CODEC_KIND.opus,
  L16: CODEC_KIND.l16,
};
/** Rates of L16 that fit a datagram with 20 ms. */
const L16_RATES_HZ = [8000, 16_000];
const MAX_OPUS_BITRATE = 128_000;

export function formatOf(codec: Codec, built: readonly NativeCodec[]): EngineFormat | undefined {
  const kind = KIND_OF[codec.name];
  const native = built.find((candidate) => candidate.kind === kind);
  if (native === undefined) return undefined;
  if (codec.name !== 'L16') return { kind, rateHz: native.sampleRateHz };
  const fits = codec.channels === 1 && L16_RATES_HZ.includes(codec.clockRateHz);
  return fits ? { kind, rateHz: codec.clockRateHz } : undefined;
}

/** What the peer asks of our encoder (RFC 7587 section 6.1); 0 is the engine's choice. */
export function sendOptions(codec: Codec): {
  readonly sendFec: number;
  readonly sendBitrate: number;
} {
  const value = (name: string): number => {
    const match = new RegExp(`(?:^|;)\\s*${name}=(\\d+)`).exec(codec.formatParameters ?? '');
    return Number(match?.[1] ?? 0);
  };
  return {
    sendFec: value('useinbandfec') === 1 ? 1 : 0,
    sendBitrate: Math.min(value('maxaveragebitrate'), MAX_OPUS_BITRATE),
  };
}
