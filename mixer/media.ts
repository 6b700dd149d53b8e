/**
 * What the rest of the program knows of the media engine: types only. signaling and vru build on
 * this file and never see workers, rings or the addon. `engine.ts` implements it.
 *
 * All commands take effect at a tick of the worker that owns the leg, in the order in which they
 * were given. None of them blocks.
 */
import type { MediaError } from '../common/errors.ts';
import type { Result } from '../common/result.ts';

export type CodecName = 'PCMU' | 'PCMA' | 'G722' | 'opus' | 'L16';

/** One RTP payload format as negotiated (RFC 3551, RFC 7587). */
export interface Codec {
  readonly name: CodecName;
  readonly payloadType: number;
  /** RTP clock in Hz; 8000 for G.722 although it samples at 16 kHz (RFC 3551 section 4.5.2). */
  readonly clockRateHz: number;
  readonly channels: number;
  /** Format parameters of the peer, such as `useinbandfec=1`. */
  readonly formatParameters?: string;
}

/** Identifiers of the level extensions in RTP headers (RFC 6464, RFC 6465, RFC 8285); 0: not used. */
export interface LevelExtensions {
  readonly audioLevelSendId: number;
  readonly audioLevelReceiveId: number;
  readonly mixLevelsSendId: number;
  readonly mixLevelsReceiveId: number;
}

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** Everything an offer/answer settles about one audio stream, seen from our side. */
export interface MediaParameters {
  /** Where to send; null sends nowhere until a source is latched. */
  readonly remote: { readonly address: string; readonly port: number } | null;
  /** Where RTCP goes; null: port + 1 (RFC 3605). Equal to the RTP port with rtcp-mux (RFC 5761). */
  readonly remoteRtcpPort: number | null;
  readonly send: Codec;
  /** Every payload type that the peer may use towards us. */
  readonly receive: readonly Codec[];
  /** RFC 4733: payload type for our digits, and those on which we accept digits. */
  readonly telephoneEvent: {
    readonly sendPayloadType: number;
    readonly receivePayloadTypes: readonly number[];
  } | null;
  /** RFC 3389 payload type, if negotiated. */
  readonly comfortNoisePayloadType: number | null;
  /** Silence goes out as comfort noise, or not at all, where the peer can take it. Default false. */
  readonly silenceSuppression?: boolean;
  /** Default: none. */
  readonly levels?: LevelExtensions;
  /** Length of the packets that we send, in ms (10 to 60). */
  readonly ptimeMs: number;
  readonly direction: Direction;
}

export type Digit =
  | '0'
  | '1'
  | '2'
  | '3'
  | '4'
  | '5'
  | '6'
  | '7'
  | '8'
  | '9'
  | '*'
  | '#'
  | 'A'
  | 'B'
  | 'C'
  | 'D';

/** Audio in memory shared with the engine, prepared by PromptMemory; mono. */
export interface Prompt {
  readonly name: string;
  readonly durationMs: number;
}

export interface PlayOptions {
  /** Starts again after the last prompt until stopped (music on hold). */
  readonly loop?: boolean;
  /** `replace`: the leg hears only the prompt; `mix`: on top of what it hears anyway. Default `replace`. */
  readonly mode?: 'replace' | 'mix';
  /** Default 0. */
  readonly gainDb?: number;
}

export interface Playback {
  /** Resolves when the last sample was sent, when it was stopped, or when the leg was closed. */
  readonly finished: Promise<'played' | 'stopped'>;
  stop(): void;
}

export interface Recording {
  readonly path: string;
  /** Resolves when the file is complete and closed. */
  stop(): Promise<Result<{ readonly durationMs: number; readonly gapMs: number }, MediaError>>;
}

export interface RecordOptions {
  /** WAV, 16 bit, mono, at the rate of the leg's codec unless given. */
  readonly path: string;
  /** What is written: audio from the peer (default), to the peer, or both summed. */
  readonly side?: 'received' | 'sent' | 'both';
  readonly maxDurationMs?: number;
}

/** Where the audio of a leg comes from and goes to. */
export type Route =
  /** Hears prompts or silence; is heard by nobody. */
  | { readonly kind: 'idle' }
  /** Hears itself. */
  | { readonly kind: 'echo' }
  /** Two legs of one worker hear each other; packets are forwarded undecoded where codecs agree. */
  | { readonly kind: 'relay'; readonly peer: MediaLeg }
  | { readonly kind: 'conference'; readonly conference: MediaConference; readonly muted?: boolean };

/**
 * The row of one leg in who-hears-whom. Everybody hears everybody is the rule; this is what differs.
 * `only` names the legs that hear it and nobody else does (coach, whisper), `except` those that do not;
 * each up to 8. Names of legs that are not in the conference have no effect.
 */
export interface Hearing {
  readonly heardBy:
    | 'everybody'
    | 'nobody'
    | { readonly only: readonly MediaLeg[] }
    | { readonly except: readonly MediaLeg[] };
  /** Hears the conference; prompts are heard either way. Default true. */
  readonly hears?: boolean;
  /** Has a place among the contributors before others. Default false. */
  readonly priority?: boolean;
}

/** As heard, -24 to +24 dB. */
export interface Gains {
  /** Of what the leg says. */
  readonly inputDb: number;
  /** Of what the leg hears of the conference; prompts keep their level. */
  readonly outputDb: number;
}

/** How a conference is mixed. */
export interface MixOptions {
  /** On the worker of that conference, so that legs may change between the two. */
  readonly with?: MediaConference;
  /** So many loudest talkers are heard at a time, up to 15; 0: all. Default 0. */
  readonly contributors?: number;
  /** Brings every talker slowly to this active speech level, by at most 15 dB. Default off. */
  readonly speechLevelDbov?: number | null;
  /** Takes steady noise out of what every leg says. Default false. */
  readonly noiseSuppression?: boolean;
}

export interface MediaLegEvents {
  /** A complete key press, once, whatever way it came. `durationMs` as measured at the leg. */
  readonly onDigit?: (digit: Digit, durationMs: number, source: 'rtp' | 'inband') => void;
  /** The first valid packet arrived (again, after a new source was latched). */
  readonly onReceiving?: (from: { readonly address: string; readonly port: number }) => void;
  /** Neither RTP nor RTCP for LegOptions.silenceTimeoutMs while we expect to receive. Once per silence. */
  readonly onSilent?: () => void;
  /** In a conference: starts and stops being heard by the others. Every start has one stop. */
  readonly onTalking?: (talking: boolean) => void;
  /** The worker died; the leg is gone. */
  readonly onLost?: (error: MediaError) => void;
}

export interface LegOptions {
  /** Puts the leg on the worker of that leg or conference; needed for `relay` and `conference`. */
  readonly with?: MediaLeg | MediaConference;
  /** Our address in the SDP and on the socket. Default from the engine's options. */
  readonly localAddress?: string;
  /** Detect tones in the audio. Stops by itself once RFC 4733 digits were seen. Default false. */
  readonly inbandDigits?: boolean;
  /** Default 0: never. */
  readonly silenceTimeoutMs?: number;
  /**
   * How long RTP goes to an address that only SDP named, in all, before anything was heard from it; the first
   * packet from there opens it again. 0: no limit. Default from the engine's options.
   */
  readonly unheardLimitMs?: number;
  readonly events?: MediaLegEvents;
}

/** One RTP session with one peer: a pair of ports, a jitter buffer, an encoder and a decoder. */
export interface MediaLeg {
  readonly id: number;
  readonly localAddress: string;
  /** Even (RFC 3550 section 11); RTCP is on the next one. */
  readonly rtpPort: number;
  /** Sends silence from the first call on, until closed (a silent leg is cut off by carriers). */
  configure(parameters: MediaParameters): void;
  route(route: Route): void;
  /** Plays prompts one after another without a gap. A new `replace` playback ends the one before. */
  play(prompts: readonly Prompt[], options?: PlayOptions): Playback;
  stopPlaying(): void;
  /** RFC 4733 if negotiated, else tones in the audio. Digits queue up to 32; more is `overloaded`. */
  sendDigits(digits: readonly Digit[], durationMs?: number): Result<void, MediaError>;
  record(options: RecordOptions): Promise<Result<Recording, MediaError>>;
  setMuted(muted: boolean): void;
  /**
   * Takes effect at one tick, after what was heard before has faded; beside `setMuted`, which mutes
   * whatever the row says. Holds until the leg is routed elsewhere. More than 8 names are
   * `bad-request`.
   */
  setHearing(hearing: Hearing): Result<void, MediaError>;
  /** Moves within a frame. Holds as long as the leg. Outside -24 to +24 dB is `bad-request`. */
  setGains(gains: Gains): Result<void, MediaError>;
  /** The newest published statistics, at most a second old; a fifth of a second while it talks. */
  statistics(): LegStatistics;
  /** Sends RTCP BYE, frees everything; resolves with the last statistics. Idempotent. */
  close(): Promise<LegStatistics>;
}

/**
 * Counters since the leg was opened. Loss and jitter as in RFC 3550 section 6.4.1; bursts and gaps as in
 * RFC 3611 section 4.7.2 with Gmin 16, of what was lost or discarded.
 */
export interface LegStatistics {
  readonly packetsReceived: number;
  readonly packetsSent: number;
  readonly octetsReceived: number;
  readonly octetsSent: number;
  readonly packetsLost: number;
  readonly packetsLate: number;
  readonly packetsDuplicate: number;
  /** Came and were not played: too late, or more than the jitter buffer holds. */
  readonly packetsDiscarded: number;
  /** Shares of packets, 0 to 1, and mean lengths. All zero without loss, but for the length of the gap. */
  readonly burstDensity: number;
  readonly gapDensity: number;
  readonly burstMs: number;
  readonly gapMs: number;
  /** Wrong version, unknown payload type, foreign source: dropped before the jitter buffer. */
  readonly packetsRejected: number;
  readonly framesConcealed: number;
  readonly jitterMs: number;
  /** What the jitter buffer adds now. */
  readonly delayMs: number;
  /** What the arrivals of the last seconds need of it (nominal delay, RFC 3611 section 4.7.7). */
  readonly bufferTargetMs: number;
  /** The longest that a packet has waited in it; never above 200. */
  readonly bufferMaximumMs: number;
  /** Estimates of the E-model, see call-quality.ts; null where it knows nothing of the codec. */
  readonly rFactor: number | null;
  readonly mos: number | null;
  readonly roundTripMs: number | null;
  /** Reported by the peer in RTCP receiver reports. */
  readonly remotePacketsLost: number;
  readonly sourceChanges: number;
  readonly levelDbov: number;
  /** What the line sounds like while nobody talks. */
  readonly noiseDbov: number;
  /** What automatic gain control adds to what the leg says. */
  readonly automaticGainDb: number;
  /** Known to be quiet and therefore not decoded. */
  readonly framesSkipped: number;
}

/** A mix on one worker. */
export interface MediaConference {
  readonly id: number;
  /** Legs routed to it. */
  readonly size: number;
  /**
   * Everybody in it hears the prompts over the talk, mixed in once; a new announcement ends the one
   * before. `stopped` at once when nobody is there to hear it. Default gain 0.
   */
  play(prompts: readonly Prompt[], gainDb?: number): Playback;
  /** Legs that remain are routed to `idle`. */
  close(): void;
}

/** Measured, never configured (R45). */
export interface MediaLoad {
  /** At least one media thread runs, so that a leg could be opened. */
  readonly running: boolean;
  /** Share of wall time that the busiest worker spends in its ticks, 0 to 1. */
  readonly busyShare: number;
  /** 99th percentile of tick lateness over the last 10 s, in ms. */
  readonly latenessMs: number;
  /** How many more conferees of the present kind fit, as measured; changes with the machine's other load. */
  readonly headroom: number;
  readonly legs: number;
  readonly conferences: number;
}

export interface MediaEngine {
  /** Errors: `ports-exhausted`, `engine-full`, `engine-lost`. */
  openLeg(options?: LegOptions): Result<MediaLeg, MediaError>;
  /** Goes to the worker with most headroom, or to that of `with`. */
  openConference(options?: MixOptions): Result<MediaConference, MediaError>;
  /** Mono PCM16 into memory shared with the workers; kept until the engine closes or `release`d. */
  addPrompt(name: string, samples: Int16Array, rateHz: number): Result<Prompt, MediaError>;
  /** Frees the memory once nobody plays it any more. */
  releasePrompt(prompt: Prompt): void;
  load(): MediaLoad;
  /** Counters of all workers for /metrics: name → value. */
  counters(): ReadonlyMap<string, number>;
  close(): Promise<void>;
}
