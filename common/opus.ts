/** What Opus encoders spend. The configuration offers it, the media engine uses it. */
export interface OpusOptions {
  /** 0 to 10: processor time. */
  readonly complexity: number;
  /** 6,000 to 128,000 bit/s; a peer may ask for less (RFC 7587 section 6.1). */
  readonly bitrateBps: number;
}

/** Chosen by measurement (`build/Release/opus_bench`, docs/media.md); `codec::Params` says the same. */
export const DEFAULT_OPUS: OpusOptions = { complexity: 0, bitrateBps: 56_000 };
