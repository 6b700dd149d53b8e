/**
 * A small telephone: calls a SIP URI, sends digits, plays a WAV file or a tone, records what it
 * hears, and says how it went. Behind `minusone call`, and what the end-to-end tests call with.
 * It knows SIP, the media endpoint and the engine; nothing of conferences.
 */
import { networkInterfaces } from 'node:os';
import type { Clock } from '../common/clock.ts';
import type { Random } from '../common/ids.ts';
import type { Logger } from '../common/log.ts';
import { createMetrics } from '../common/metrics.ts';
import type { CodecName, LegStatistics, MediaEngine } from '../mixer/media.ts';
import { CODEC_CHOICES, type CodecChoice } from '../signaling/sdp/codec-selection.ts';
import { createUserAgent } from '../signaling/sip/ua.ts';
import { parseNameAddress, parseSipUri, type SipUri } from '../signaling/sip/uri.ts';
import type { Credentials, UserAgent, UserAgentEvents } from '../signaling/sip/user-agent.ts';
import { PhoneCall, type PhoneScript } from './phone-call.ts';
import { parseKeys, parsePlay } from './phone-script.ts';
import { readWavFile } from './prompts.ts';
import type { Wav } from './wav.ts';

export interface PhoneOptions {
  /** `sip:1000@127.0.0.1:5060`; `sip:` may be left out. */
  readonly target: string;
  /** Digits sent after the answer; `,` or `w` waits half a second. */
  readonly dtmf?: string;
  /** More digits, each text pressed when it comes, as by somebody who listens first. */
  readonly moreDtmf?: AsyncIterable<string>;
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
  /** Default: a real one on a free port. */
  readonly createUserAgent?: (local: PhoneAddress, events: UserAgentEvents) => UserAgent;
}

export interface PhoneAddress {
  readonly address: string;
  readonly transport: 'udp' | 'tcp';
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

const DTMF_DELAY_MS = 1000;
const DTMF_DURATION_MS = 120;
const TELEPHONY: readonly CodecName[] = ['PCMU', 'PCMA'];

/** Resolves when the call is over; never rejects. */
export async function runPhone(options: PhoneOptions, parts: PhoneParts): Promise<PhoneResult> {
  const script = readScript(options);
  if (typeof script === 'string') return phoneRefused(script);
  const local = { address: script.localAddress, transport: options.transport ?? 'udp' };
  // A phone that only calls out.
  const events: UserAgentEvents = { onInvite: (session) => session.reject(480) };
  const agent = parts.createUserAgent?.(local, events) ?? systemAgent(parts, local, events);
  const started = await agent.start();
  if (!started.ok) return phoneRefused(started.error.message);
  const result = await new PhoneCall(script, parts, agent).run();
  await agent.stop();
  return result;
}

function systemAgent(
  { clock, random, log }: PhoneParts,
  { address, transport }: PhoneAddress,
  events: UserAgentEvents,
): UserAgent {
  const listen = { [transport]: { address, port: 0 } };
  return createUserAgent({
    listen,
    name: 'minusone-phone',
    clock,
    random,
    log,
    metrics: createMetrics(),
    events,
  });
}

/** All that can be wrong about the options is found before anything is sent. */
function readScript(options: PhoneOptions): PhoneScript | string {
  const text = /^(sips?|tel):/i.test(options.target) ? options.target : `sip:${options.target}`;
  const parsed = parseSipUri(text);
  if (!parsed.ok) return `${options.target} is no SIP URI: ${parsed.error.detail}`;
  const keys = parseKeys(options.dtmf ?? '');
  if (keys === undefined) return `digits ${options.dtmf}: use 0-9, *, #, A-D, and , or w to wait`;
  const play = options.play === undefined ? undefined : parsePlay(options.play);
  if (options.play !== undefined && play === undefined) {
    return `${options.play}: use a WAV file, tone:440 or tone:440@-20`;
  }
  let audio: Wav | undefined;
  if (play?.kind === 'file') {
    const wav = readWavFile(play.path);
    if (!wav.ok) return wav.error.message;
    audio = wav.value;
  }
  const localAddress = options.localAddress ?? localAddressFor(parsed.value.host);
  const host = localAddress.includes(':') ? `[${localAddress}]` : localAddress;
  const caller = options.from ?? `sip:phone@${host}`;
  const from = parseNameAddress(caller);
  if (!from.ok) return `${caller} is no SIP address: ${from.error.detail}`;
  return {
    target: withTransport(parsed.value, options.transport),
    from: from.value,
    keys,
    dtmfDelayMs: options.dtmfDelayMs ?? DTMF_DELAY_MS,
    dtmfDurationMs: options.dtmfDurationMs ?? DTMF_DURATION_MS,
    tone: play?.kind === 'tone' ? play : undefined,
    audio,
    playLoop: options.playLoop ?? false,
    codecs: (options.codecs ?? TELEPHONY).map((name): CodecChoice => CODEC_CHOICES[name]),
    localAddress,
    options,
  };
}

/** RFC 3261 section 19.1.1: the transport is a parameter of the URI. */
function withTransport(uri: SipUri, transport: 'udp' | 'tcp' | undefined): SipUri {
  if (transport !== 'tcp' || uri.parameters.has('transport')) return uri;
  return { ...uri, parameters: new Map([...uri.parameters, ['transport', 'tcp']]) };
}

function localAddressFor(host: string): string {
  if (host === 'localhost' || host.startsWith('127.')) return '127.0.0.1';
  if (host === '[::1]') return '::1';
  const family = host.startsWith('[') ? 'IPv6' : 'IPv4';
  const addresses = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  const usable = addresses.find((entry) => !entry.internal && entry.family === family);
  return usable?.address ?? (family === 'IPv6' ? '::1' : '127.0.0.1');
}

/** Nothing was sent. */
export function phoneRefused(reason: string): PhoneResult {
  return {
    exitCode: 2,
    answered: false,
    setupMs: null,
    talkMs: 0,
    endedBy: 'options',
    status: null,
    reason,
    codec: null,
    digitsHeard: '',
    statistics: null,
  };
}
