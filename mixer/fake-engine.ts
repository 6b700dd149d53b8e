/**
 * The media engine without audio, for tests of what uses it: every command is remembered, and the
 * test plays the part of the peer through `leg.events`. Shipped beside the interface so that nobody
 * writes a second one.
 */
import type { Clock, Timer } from '../common/clock.ts';
import { MediaError } from '../common/errors.ts';
import { fail, ok, type Result } from '../common/result.ts';
import { NO_STATISTICS } from './leg-statistics.ts';
import type {
  Digit,
  Gains,
  Hearing,
  LegOptions,
  LegStatistics,
  MediaConference,
  MediaEngine,
  MediaLeg,
  MediaLegEvents,
  MediaLoad,
  MediaParameters,
  MixOptions,
  Playback,
  PlayOptions,
  Prompt,
  Recording,
  RecordOptions,
  Route,
} from './media.ts';

/** Remembers that it was made; the test decides what is in the file. */
export class FakeRecording implements Recording {
  readonly path: string;
  readonly options: RecordOptions;
  stopped = false;
  readonly #startedMs: number;
  readonly #clock: Clock | undefined;

  constructor(options: RecordOptions, clock: Clock | undefined) {
    this.path = options.path;
    this.options = options;
    this.#clock = clock;
    this.#startedMs = clock?.nowMs() ?? 0;
  }

  stop(): ReturnType<Recording['stop']> {
    this.stopped = true;
    const durationMs = (this.#clock?.nowMs() ?? 0) - this.#startedMs;
    return Promise.resolve(ok({ durationMs, gapMs: 0 }));
  }
}

export class FakePlayback implements Playback {
  readonly names: readonly string[];
  readonly options: PlayOptions;
  readonly finished: Promise<'played' | 'stopped'>;
  /** Undefined while it plays. */
  ended: 'played' | 'stopped' | undefined;
  #settle: (how: 'played' | 'stopped') => void = () => {};
  readonly #timer: Timer | undefined;

  constructor(prompts: readonly Prompt[], options: PlayOptions, clock?: Clock) {
    this.names = prompts.map((prompt) => prompt.name);
    this.options = options;
    this.finished = new Promise((resolve) => {
      this.#settle = resolve;
    });
    if (options.loop === true) return;
    const durationMs = prompts.reduce((sum, prompt) => sum + prompt.durationMs, 0);
    this.#timer = clock?.after(durationMs, () => this.finish());
  }

  stop(): void {
    this.#end('stopped');
  }

  /** The test's side: the last sample was sent. With a clock this happens by itself. */
  finish(): void {
    this.#end('played');
  }

  #end(how: 'played' | 'stopped'): void {
    this.ended ??= how;
    this.#timer?.cancel();
    this.#settle(how);
  }
}

export class FakeLeg implements MediaLeg {
  readonly id: number;
  readonly localAddress: string;
  readonly rtpPort: number;
  readonly options: LegOptions;
  readonly configured: MediaParameters[] = [];
  readonly playbacks: FakePlayback[] = [];
  readonly digitsSent: Digit[] = [];
  readonly recordings: FakeRecording[] = [];
  routed: Route = { kind: 'idle' };
  muted = false;
  hearing: Hearing = { heardBy: 'everybody' };
  gains: Gains = { inputDb: 0, outputDb: 0 };
  closed = false;
  /** What `statistics` reports of the peer's loudness. */
  levelDbov = -127;
  readonly #onClose: () => void;
  readonly #clock: Clock | undefined;

  constructor(
    id: number,
    options: LegOptions,
    defaultAddress: string,
    onClose: () => void,
    clock?: Clock,
  ) {
    this.id = id;
    this.options = options;
    this.localAddress = options.localAddress ?? defaultAddress;
    this.rtpPort = 20_000 + 2 * id;
    this.#clock = clock;
    this.#onClose = onClose;
  }

  get events(): MediaLegEvents {
    return this.options.events ?? {};
  }

  /** The newest parameters. */
  get parameters(): MediaParameters | undefined {
    return this.configured.at(-1);
  }

  configure(parameters: MediaParameters): void {
    this.configured.push(parameters);
  }

  route(route: Route): void {
    if (this.routed.kind === 'conference') leave(this.routed.conference);
    this.routed = route;
    this.hearing = { heardBy: 'everybody' };
    if (route.kind !== 'conference') return;
    this.muted = route.muted ?? this.muted;
    if (route.conference instanceof FakeConference) route.conference.size++;
  }

  play(prompts: readonly Prompt[], options: PlayOptions = {}): FakePlayback {
    if ((options.mode ?? 'replace') === 'replace') this.stopPlaying();
    const playback = new FakePlayback(prompts, options, this.#clock);
    this.playbacks.push(playback);
    return playback;
  }

  stopPlaying(): void {
    for (const playback of this.playbacks) playback.stop();
  }

  sendDigits(digits: readonly Digit[]): Result<void, MediaError> {
    if (digits.length > 32) return fail(new MediaError('overloaded', 'more than 32 digits'));
    this.digitsSent.push(...digits);
    return ok(undefined);
  }

  record(options: RecordOptions): Promise<Result<Recording, MediaError>> {
    const recording = new FakeRecording(options, this.#clock);
    this.recordings.push(recording);
    return Promise.resolve(ok(recording));
  }

  setMuted(muted: boolean): void {
    this.muted = muted;
  }

  setHearing(hearing: Hearing): Result<void, MediaError> {
    this.hearing = hearing;
    return ok(undefined);
  }

  setGains(gains: Gains): Result<void, MediaError> {
    this.gains = gains;
    return ok(undefined);
  }

  statistics(): LegStatistics {
    return { ...NO_STATISTICS, levelDbov: this.levelDbov };
  }

  close(): Promise<LegStatistics> {
    if (!this.closed) {
      this.closed = true;
      this.stopPlaying();
      this.route({ kind: 'idle' });
      this.#onClose();
    }
    return Promise.resolve(NO_STATISTICS);
  }
}

function leave(conference: MediaConference): void {
  if (conference instanceof FakeConference) conference.size--;
}

export class FakeConference implements MediaConference {
  readonly id: number;
  size = 0;
  closed = false;
  readonly mix: MixOptions;
  /** What all of it heard, in order. */
  readonly playbacks: FakePlayback[] = [];
  readonly #onClose: () => void;
  readonly #clock: Clock | undefined;

  constructor(id: number, mix: MixOptions, onClose: () => void, clock?: Clock) {
    this.id = id;
    this.mix = mix;
    this.#onClose = onClose;
    this.#clock = clock;
  }

  play(prompts: readonly Prompt[], gainDb = 0): FakePlayback {
    this.playbacks.at(-1)?.stop();
    const playback = new FakePlayback(prompts, { gainDb }, this.#clock);
    this.playbacks.push(playback);
    return playback;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.playbacks.at(-1)?.stop();
    this.#onClose();
  }
}

export class FakeMediaEngine implements MediaEngine {
  /** Open ones. */
  readonly legs = new Set<FakeLeg>();
  readonly conferences = new Set<FakeConference>();
  readonly prompts = new Map<string, { readonly samples: number; readonly rateHz: number }>();
  /** What the test makes the engine report and how many legs it takes. */
  headroom = 1000;
  running = true;
  readonly #address: string;
  readonly #clock: Clock | undefined;
  #nextId = 0;

  /** With a clock, playbacks that do not loop end after the length of their prompts. */
  constructor(address = '127.0.0.1', clock?: Clock) {
    this.#address = address;
    this.#clock = clock;
  }

  openLeg(options: LegOptions = {}): Result<FakeLeg, MediaError> {
    if (this.legs.size >= this.headroom) return fail(new MediaError('engine-full', 'no headroom'));
    const onClose = (): void => {
      this.legs.delete(leg);
    };
    const leg: FakeLeg = new FakeLeg(this.#nextId++, options, this.#address, onClose, this.#clock);
    this.legs.add(leg);
    return ok(leg);
  }

  openConference(mix: MixOptions = {}): Result<FakeConference, MediaError> {
    const conference: FakeConference = new FakeConference(
      this.#nextId++,
      mix,
      () => {
        this.conferences.delete(conference);
        for (const leg of this.legs) {
          if (leg.routed.kind === 'conference' && leg.routed.conference === conference) {
            leg.route({ kind: 'idle' });
          }
        }
      },
      this.#clock,
    );
    this.conferences.add(conference);
    return ok(conference);
  }

  addPrompt(name: string, samples: Int16Array, rateHz: number): Result<Prompt, MediaError> {
    this.prompts.set(name, { samples: samples.length, rateHz });
    return ok({ name, durationMs: (samples.length * 1000) / rateHz });
  }

  releasePrompt(prompt: Prompt): void {
    this.prompts.delete(prompt.name);
  }

  load(): MediaLoad {
    return {
      running: this.running,
      busyShare: 0,
      latenessMs: 0,
      headroom: Math.max(0, this.headroom - this.legs.size),
      legs: this.legs.size,
      conferences: this.conferences.size,
    };
  }

  counters(): ReadonlyMap<string, number> {
    return new Map();
  }

  async close(): Promise<void> {
    for (const leg of [...this.legs]) await leg.close();
    for (const conference of [...this.conferences]) conference.close();
  }
}
