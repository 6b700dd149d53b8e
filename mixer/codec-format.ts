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
/** Rates of L16 in the engine; 48 kHz fits a datagram with 10 ms. */
const L16_RATES_HZ = [8000, 16_000, 48_000];
const MAX_OPUS_BITRATE = 128_000;

export function formatOf(codec: Codec, built: readonly NativeCodec[]): EngineFormat | undefined {
  const kind = KIND_OF[codec.name];
  const native = built.find((candidate) => candidate.kind === kind);
  if (native === undefined) return undefined;
  if (codec.name !== 'L16') return { kind, rateHz: native.sampleRateHz };
  const fits = codec.channels === 1 && L16_RATES_HZ.includes(codec.clockRateHz);
  return fits ? { kind, rateHz: codec.clockRateHz } : undefined;
}

function parameter(codec: Codec, name: string): number {
  const match = new RegExp(`(?:^|;)\\s*${name}=(\\d+)`).exec(codec.formatParameters ?? '');
  return Number(match?.[1] ?? 0);
}

/** What the peer asks of our encoder (RFC 7587 section 6.1); 0 is the engine's choice. */
export function sendOptions(codec: Codec): {
  readonly sendFec: number;
  readonly sendBitrate: number;
} {
  return {
    sendFec: parameter(codec, 'useinbandfec') === 1 ? 1 : 0,
    sendBitrate: Math.min(parameter(codec, 'maxaveragebitrate'), MAX_OPUS_BITRATE),
  };
}

/** The peer wants no packets in silence (RFC 7587 section 6.1). */
export function wantsDtx(codec: Codec): boolean {
  return codec.name === 'opus' && parameter(codec, 'usedtx') === 1;
}
