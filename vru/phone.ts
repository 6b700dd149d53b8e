/**
 * A small telephone: calls a SIP URI, sends digits, plays a WAV file or a tone, records what it
 * hears, and says how it went. Behind `minusone call`, and what the end-to-end tests call with.
 * It knows SIP, the media endpoint and the engine; nothing of conferences.
 */
import type { Clock } from '../common/clock.ts';
import type { Random } from '../common/ids.ts';
import type { Logger } from '../common/log.ts';
import type { CodecName, LegStatistics, MediaEngine } from '../mixer/media.ts';
import type { Credentials } from '../signaling/sip/user-agent.ts';

export interface PhoneOptions {
  /** `sip:1000@127.0.0.1:5060`; `sip:` may be left out. */
  readonly target: string;
  /** Digits sent after the answer; `,` or `w` waits half a second. */
  readonly dtmf?: string;
  /** Before the first digit. Default 1000. */
  readonly dtmfDelayMs?: number;
  /** Length of one digit. Default 120. */
  readonly dtmfDurationMs?: number;
  /** A WAV file of any rate, or `tone:440`, `tone:440@-20` (Hz, dBFS). Default: silence. */
  readonly play?: string;
  /** Start the file again at its end. A tone never ends. Default false. */
  readonly playLoop?: boolean;
  /** WAV file that takes what the phone hears. */
  readonly record?: string;
  /** Hangs up this long after the answer. Default: when the other side does. */
  readonly durationMs?: number;
  /** Offered, in order of preference. Default PCMU, PCMA. */
  readonly codecs?: readonly CodecName[];
  readonly ptimeMs?: number;
  readonly transport?: 'udp' | 'tcp';
  /** Address of ours for SIP and RTP. Default: 127.0.0.1 for a loopback target, else the first other address. */
  readonly localAddress?: string;
  /** Shown to the called side: `sip:alice@example.org`. Default `sip:phone@LOCAL`. */
  readonly from?: string;
  readonly credentials?: Credentials;
  /** INVITE without an offer. Default false. */
  readonly lateOffer?: boolean;
  readonly ringTimeoutMs?: number;
  /** Hangs up when aborted (Ctrl-C). */
  readonly signal?: AbortSignal;
  /** Progress for people, one line a call; the CLI leaves it out with `--json`. */
  readonly print?: (line: string) => void;
}

/** What a phone is made of; the caller owns and closes the engine. */
export interface PhoneParts {
  readonly engine: MediaEngine;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface PhoneResult {
  /** 0 answered and ended as meant · 1 not answered · 2 bad options · 3 call lost or media failed. */
  readonly exitCode: 0 | 1 | 2 | 3;
  readonly answered: boolean;
  /** From INVITE to 200 in ms; null when not answered. */
  readonly setupMs: number | null;
  /** From answer to the end in ms. */
  readonly talkMs: number;
  readonly endedBy: 'local' | 'remote' | 'timeout' | 'transport' | 'media' | 'options';
  readonly status: number | null;
  readonly reason: string;
  readonly codec: CodecName | null;
  /** Digits heard from the other side. */
  readonly digitsHeard: string;
  readonly statistics: LegStatistics | null;
}

/** Resolves when the call is over; never rejects. */
export async function runPhone(options: PhoneOptions, parts: PhoneParts): Promise<PhoneResult> {
  await Promise.resolve();
  parts.log.error({ target: options.target }, 'the phone is not built yet');
  return {
    exitCode: 2,
    answered: false,
    setupMs: null,
    talkMs: 0,
    endedBy: 'options',
    status: null,
    reason: 'not built yet',
    codec: null,
    digitsHeard: '',
    statistics: null,
  };
}
