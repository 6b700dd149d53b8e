/**
 * Recordings of conferences: a leg without a peer that is routed to the mix and whose own stream is
 * written, so that a file holds what a silent listener hears, from the mixer's own ticks.
 */
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../common/clock.ts';
import { MediaError } from '../../common/errors.ts';
import type { ConferenceId } from '../../common/ids.ts';
import type { Logger } from '../../common/log.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type {
  MediaConference,
  MediaEngine,
  MediaLeg,
  MediaParameters,
  Recording,
} from '../../mixer/media.ts';

export interface RecordingsOptions {
  readonly engine: MediaEngine;
  readonly clock: Clock;
  readonly log: Logger;
  /** Undefined: this mixer does not record. */
  readonly folder: string | undefined;
}

type Answer = Result<string | undefined, MediaError>;

interface Running {
  readonly file: string;
  readonly leg: MediaLeg;
  readonly recording: Recording;
}

/** A recording that nobody ends ends by itself. */
const MAX_DURATION_MS = 12 * 3_600_000;

/** Requests whose answers are remembered; far more than begin or end recordings while a copy is on its way. */
const REMEMBERED = 1_024;

/** 16 kHz, whatever the conferees have: nothing of speech is lost, and a file is 115 MB an hour. */
const FORMAT = { name: 'L16', payloadType: 96, clockRateHz: 16_000, channels: 1 } as const;
const NO_PEER: MediaParameters = {
  remote: null,
  remoteRtcpPort: null,
  send: FORMAT,
  receive: [],
  telephoneEvent: null,
  comfortNoisePayloadType: null,
  ptimeMs: 20,
  direction: 'sendonly',
};

export class Recordings {
  readonly #options: RecordingsOptions;
  readonly #answers = new Map<string, Promise<Answer>>();
  readonly #running = new Map<ConferenceId, Promise<Result<Running, MediaError>>>();

  constructor(options: RecordingsOptions) {
    this.#options = options;
  }

  /**
   * A copy of a request that comes late has the file of the first, and no effect: what was ended since must not begin
   * again, as nobody would know of it. One that failed may be tried again.
   */
  async once(requestId: string, begin: () => Promise<Answer>): Promise<Answer> {
    const known = this.#answers.get(requestId);
    if (known !== undefined) return known;
    const answering = begin();
    this.#answers.set(requestId, answering);
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= REMEMBERED) break;
      this.#answers.delete(oldest);
    }
    const answer = await answering;
    if (!answer.ok) this.#answers.delete(requestId);
    return answer;
  }

  isRunning(id: ConferenceId): boolean {
    return this.#running.has(id);
  }

  /** The value is the file, below the folder. Begun already: that one. */
  async start(id: ConferenceId, media: MediaConference): Promise<Result<string, MediaError>> {
    const starting = this.#running.get(id) ?? this.#start(id, media);
    this.#running.set(id, starting);
    const started = await starting;
    if (started.ok) return ok(started.value.file);
    if (this.#running.get(id) === starting) this.#running.delete(id);
    return started;
  }

  /** Resolves when the file is complete; the value is undefined when nothing was recorded. */
  async stop(id: ConferenceId): Promise<Result<string | undefined, MediaError>> {
    const stopping = this.#running.get(id);
    // At once: who begins meanwhile begins a recording of its own, and not with one that ends.
    this.#running.delete(id);
    const running = await stopping;
    if (running?.ok !== true) return ok(undefined);
    const { file, leg, recording } = running.value;
    const done = await recording.stop();
    await leg.close();
    if (!done.ok) return done;
    this.#options.log.info({ conferenceId: id, file, ...done.value }, 'a recording ended');
    return ok(file);
  }

  async #start(id: ConferenceId, media: MediaConference): Promise<Result<Running, MediaError>> {
    const { engine, clock, log, folder } = this.#options;
    if (folder === undefined) {
      return fail(new MediaError('not-allowed', 'this mixer has no folder for recordings'));
    }
    const at = new Date(clock.wallMs()).toISOString().replaceAll(/[-:]|\.\d+/g, '');
    const reserved = await reserveFile(folder, `${id}-${at}`);
    if (!reserved.ok) return reserved;
    const file = reserved.value;
    const opened = engine.openLeg({ with: media });
    if (!opened.ok) return opened;
    const leg = opened.value;
    leg.configure(NO_PEER);
    leg.route({ kind: 'conference', conference: media });
    const path = join(folder, file);
    const recording = await leg.record({ path, side: 'sent', maxDurationMs: MAX_DURATION_MS });
    if (!recording.ok) {
      await leg.close();
      return recording;
    }
    log.info({ conferenceId: id, file }, 'a recording began');
    return ok({ file, leg, recording: recording.value });
  }
}

/** More recordings of one conference than this do not begin within a second. */
const NAMES = 100;

/** A name that no recording has, so that none is written over; for nobody else's eyes. */
async function reserveFile(folder: string, stem: string): Promise<Result<string, MediaError>> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (let number = 1; number <= NAMES; number++) {
      const file = number === 1 ? `${stem}.wav` : `${stem}-${number}.wav`;
      const made = await open(join(folder, file), 'wx', 0o600).catch((error: unknown) => {
        if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return undefined;
        throw error;
      });
      if (made === undefined) continue;
      await made.close();
      return ok(file);
    }
  } catch (cause) {
    return fail(new MediaError('store-failed', `cannot record into ${folder}`, { cause }));
  }
  return fail(new MediaError('overloaded', `too many recordings ${stem}`));
}
