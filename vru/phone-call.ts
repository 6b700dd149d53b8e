import type { Timer } from '../common/clock.ts';
import type { MediaError } from '../common/errors.ts';
import type { Result } from '../common/result.ts';
import type { LegStatistics, Recording } from '../mixer/media.ts';
import { type MediaEndpoint, openEndpoint } from '../signaling/media/endpoint.ts';
import type { CodecChoice } from '../signaling/sdp/codec-selection.ts';
import type { NameAddress, SipUri } from '../signaling/sip/uri.ts';
import type { Session, SessionEnd, UserAgent } from '../signaling/sip/user-agent.ts';
import type { PhoneOptions, PhoneParts, PhoneResult } from './phone.ts';
import { isDigit, type KeyMove, parseKeys, toneSecond } from './phone-script.ts';
import type { Wav } from './wav.ts';

/** The options of a phone, read and checked. */
export interface PhoneScript {
  readonly target: SipUri;
  readonly from: NameAddress | undefined;
  readonly keys: readonly KeyMove[];
  readonly dtmfDelayMs: number;
  readonly dtmfDurationMs: number;
  readonly tone: { readonly frequencyHz: number; readonly levelDbfs: number } | undefined;
  readonly audio: Wav | undefined;
  readonly playLoop: boolean;
  readonly codecs: readonly CodecChoice[];
  readonly localAddress: string;
  readonly options: PhoneOptions;
}

/** Between two digits: what a fast thumb leaves, and more than RFC 4733 needs. */
const DIGIT_GAP_MS = 100;
const DEFAULT_RING_TIMEOUT_MS = 60_000;
/** For the answer to a CANCEL. */
const SILENT_PEER_MS = 1000;

/** One call, from INVITE to the result. */
export class PhoneCall {
  readonly #script: PhoneScript;
  readonly #parts: PhoneParts;
  readonly #agent: UserAgent;
  readonly #print: (line: string) => void;
  #endpoint: MediaEndpoint | undefined;
  #session: Session | undefined;
  #recording: Promise<Result<Recording, MediaError>> | undefined;
  #startedAtMs = 0;
  #answeredAtMs: number | undefined;
  #endedAtMs = 0;
  #hangUpTimer: Timer | undefined;
  #mediaFault: string | undefined;
  #digitsHeard = '';
  #over = false;

  constructor(script: PhoneScript, parts: PhoneParts, agent: UserAgent) {
    this.#script = script;
    this.#parts = parts;
    this.#agent = agent;
    this.#print = script.options.print ?? (() => {});
  }

  async run(): Promise<PhoneResult> {
    const opened = this.#open();
    if (!opened.ok) {
      const end: SessionEnd = { by: 'media', reason: opened.error.message, established: false };
      return this.#result(end, null);
    }
    const { signal } = this.#script.options;
    const end = await new Promise<SessionEnd>((resolve) => {
      if (signal?.aborted === true) {
        resolve({ by: 'local', reason: 'aborted', established: false });
        return;
      }
      this.#invite(opened.value, resolve);
      signal?.addEventListener('abort', this.#hangUp, { once: true });
    });
    signal?.removeEventListener('abort', this.#hangUp);
    this.#over = true;
    this.#endedAtMs = this.#parts.clock.nowMs();
    this.#hangUpTimer?.cancel();
    await this.#stopRecording();
    return this.#result(end, await opened.value.close());
  }

  #open(): Result<MediaEndpoint, MediaError> {
    const { engine, random } = this.#parts;
    const { codecs, localAddress, options } = this.#script;
    const opened = openEndpoint({
      engine,
      random,
      codecs,
      ...(options.ptimeMs === undefined ? {} : { ptimeMs: options.ptimeMs }),
      leg: {
        localAddress,
        events: {
          onDigit: (digit) => this.#hear(digit),
          onLost: (error) => {
            this.#mediaFault = error.message;
            this.#hangUp();
          },
        },
      },
    });
    if (opened.ok) this.#endpoint = opened.value;
    return opened;
  }

  #invite(media: MediaEndpoint, onEnded: (end: SessionEnd) => void): void {
    const { target, from, options } = this.#script;
    this.#startedAtMs = this.#parts.clock.nowMs();
    this.#print(`calling ${options.target}`);
    const ringTimeoutMs = options.ringTimeoutMs ?? DEFAULT_RING_TIMEOUT_MS;
    // RFC 3261 section 9.1: an INVITE without any response cannot be cancelled; nobody waits for that.
    this.#hangUpTimer = this.#parts.clock.after(ringTimeoutMs + SILENT_PEER_MS, () =>
      onEnded({ by: 'timeout', reason: 'no answer', established: false }),
    );
    this.#session = this.#agent.invite({
      to: target,
      media,
      ringTimeoutMs,
      ...(from === undefined ? {} : { from }),
      ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
      ...(options.lateOffer === undefined ? {} : { lateOffer: options.lateOffer }),
      events: {
        onProgress: (status, hasEarlyMedia) => {
          this.#print(`${status}${hasEarlyMedia ? ' with early media' : ''}`);
          if (hasEarlyMedia) this.#startRecording(media);
        },
        onEstablished: () => this.#answered(media),
        onInfoDigit: (digit) => this.#hear(digit),
        onEnded,
      },
    });
  }

  #answered(media: MediaEndpoint): void {
    const { clock, log } = this.#parts;
    const { durationMs } = this.#script.options;
    this.#answeredAtMs = clock.nowMs();
    const afterMs = Math.round(this.#answeredAtMs - this.#startedAtMs);
    this.#print(`answered after ${afterMs} ms, ${media.codec}`);
    this.#startRecording(media);
    this.#play(media);
    this.#hangUpTimer?.cancel();
    if (durationMs !== undefined) {
      this.#hangUpTimer = clock.after(durationMs, this.#hangUp);
    }
    this.#pressKeys(media).catch((error: unknown) => {
      log.error({ error: String(error) }, 'the keys could not be pressed');
    });
  }

  #play(media: MediaEndpoint): void {
    const { tone, audio, playLoop } = this.#script;
    // At the rate of the codec, so that a tone goes out as it was computed.
    const rateHz = media.codec === 'PCMU' || media.codec === 'PCMA' ? 8000 : 16_000;
    const wav =
      tone === undefined
        ? audio
        : { rateHz, samples: toneSecond(tone.frequencyHz, tone.levelDbfs, rateHz) };
    if (wav === undefined) return;
    const prompt = this.#parts.engine.addPrompt(`phone/${media.leg.id}`, wav.samples, wav.rateHz);
    if (!prompt.ok) {
      this.#mediaFault = prompt.error.message;
      return;
    }
    const playback = media.leg.play([prompt.value], { loop: tone !== undefined || playLoop });
    void playback.finished.then((how) => {
      this.#parts.engine.releasePrompt(prompt.value);
      if (how === 'played') this.#print('played to the end');
    });
  }

  async #pressKeys(media: MediaEndpoint): Promise<void> {
    const { keys, dtmfDelayMs, options } = this.#script;
    if (keys.length > 0) await this.#parts.clock.sleep(dtmfDelayMs);
    await this.#press(media, keys);
    for await (const text of options.moreDtmf ?? []) {
      const more = parseKeys(text);
      if (more === undefined) throw new Error(`${text} are no keys`);
      await this.#press(media, more);
    }
  }

  async #press(media: MediaEndpoint, keys: readonly KeyMove[]): Promise<void> {
    const { dtmfDurationMs } = this.#script;
    const { clock } = this.#parts;
    if (keys.length === 0) return;
    for (const move of keys) {
      if (this.#over) return;
      if (move.kind === 'press') {
        const sent = media.leg.sendDigits([move.digit], dtmfDurationMs);
        if (!sent.ok) this.#mediaFault = sent.error.message;
      }
      const waitMs = move.kind === 'press' ? dtmfDurationMs + DIGIT_GAP_MS : move.durationMs;
      await clock.sleep(waitMs);
    }
    this.#print(`sent ${keys.map((move) => (move.kind === 'press' ? move.digit : ',')).join('')}`);
  }

  #hear(digit: string): void {
    if (!isDigit(digit)) return;
    this.#digitsHeard += digit;
    this.#print(`heard digit ${digit}`);
  }

  #startRecording(media: MediaEndpoint): void {
    const path = this.#script.options.record;
    if (path !== undefined) this.#recording ??= media.leg.record({ path });
  }

  async #stopRecording(): Promise<void> {
    const recording = await this.#recording;
    if (recording === undefined) return;
    const written = recording.ok ? await recording.value.stop() : recording;
    if (!written.ok) this.#mediaFault = `recording: ${written.error.message}`;
    else this.#print(`recorded ${(written.value.durationMs / 1000).toFixed(1)} s`);
  }

  /** An arrow function, as it is handed out as a listener. */
  readonly #hangUp = (): void => {
    void this.#session?.end();
  };

  #result(end: SessionEnd, statistics: LegStatistics | null): PhoneResult {
    const answeredAtMs = this.#answeredAtMs;
    const answered = answeredAtMs !== undefined;
    const normal = (end.by === 'local' || end.by === 'remote') && this.#mediaFault === undefined;
    const reason = this.#mediaFault ?? end.reason ?? '';
    const result: PhoneResult = {
      exitCode: answered ? (normal ? 0 : 3) : 1,
      answered,
      setupMs: answered ? answeredAtMs - this.#startedAtMs : null,
      talkMs: answered ? this.#endedAtMs - answeredAtMs : 0,
      endedBy: this.#mediaFault === undefined ? end.by : 'media',
      status: end.status ?? null,
      reason,
      codec: this.#endpoint?.codec ?? null,
      digitsHeard: this.#digitsHeard,
      statistics,
    };
    const how = [end.by, end.status, reason].filter((part) => part !== undefined && part !== '');
    this.#print(`${answered ? 'ended' : 'not answered'}: ${how.join(' ')}`);
    return result;
  }
}
