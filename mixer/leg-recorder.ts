/** The recording of one leg, at most one at a time. */
import { MediaError } from '../common/errors.ts';
import { fail, ok, type Result } from '../common/result.ts';
import { RECORD_SIDE, writeStartRecordingCommand, writeStopRecordingCommand } from './abi.gen.ts';
import type { Recording, RecordOptions } from './media.ts';
import type { Recorder, RecordingSummary } from './recorder.ts';
import type { WorkerHost } from './worker-host.ts';

interface Running {
  readonly ring: number;
  readonly recorder: Recorder;
  readonly finished: Promise<Result<RecordingSummary, MediaError>>;
  readonly finish: () => void;
}

export class LegRecorder {
  readonly open: (
    host: WorkerHost,
    ring: number,
    path: string,
    rateHz: number,
  ) => Promise<Result<Recorder, MediaError>>;
  readonly #leg: number;
  readonly #host: WorkerHost;
  #running: Running | 'opening' | null = null;
  #gone = false;

  constructor(leg: number, host: WorkerHost, open: LegRecorder['open']) {
    this.#leg = leg;
    this.#host = host;
    this.open = open;
  }

  async start(options: RecordOptions, rateHz: number): Promise<Result<Recording, MediaError>> {
    if (this.#running !== null) {
      return fail(new MediaError('conflict', 'the leg is being recorded already'));
    }
    const ring = this.#host.takeRecording();
    if (ring === null) {
      return fail(new MediaError('overloaded', 'every recording of this media thread is in use'));
    }
    this.#running = 'opening';
    const recorder = await this.open(this.#host, ring, options.path, rateHz);
    if (!recorder.ok || this.#gone) {
      this.#running = null;
      this.#host.giveRecording(ring);
      if (!recorder.ok) return recorder;
      await recorder.value.finish();
      return fail(new MediaError('closed', 'the leg was closed meanwhile'));
    }
    return ok(this.#run(ring, recorder.value, options, rateHz));
  }

  /** The engine writes no more into this ring. */
  onEnded(ring: number): void {
    if (this.#running === null || this.#running === 'opening') return;
    if (this.#running.ring === ring) this.#running.finish();
  }

  /** The leg is gone. */
  abandon(): void {
    this.#gone = true;
    if (this.#running !== null && this.#running !== 'opening') this.#running.finish();
  }

  #run(ring: number, recorder: Recorder, options: RecordOptions, rateHz: number): Recording {
    let finish: () => void = () => undefined;
    const finished = new Promise<Result<RecordingSummary, MediaError>>((resolve) => {
      finish = () => {
        this.#running = null;
        this.#host.recorders.delete(recorder);
        void recorder.finish().then((summary) => {
          this.#host.giveRecording(ring);
          resolve(summary);
        });
      };
    });
    const running: Running = { ring, recorder, finished, finish };
    this.#running = running;
    this.#host.recorders.add(recorder);
    this.#host.send((view, at) =>
      writeStartRecordingCommand(view, at, {
        leg: this.#leg,
        ring,
        rateHz,
        maxMs: options.maxDurationMs ?? 0,
        side: RECORD_SIDE[options.side ?? 'received'],
      }),
    );
    return {
      path: options.path,
      stop: () => {
        if (this.#running === running) {
          this.#host.send((view, at) =>
            writeStopRecordingCommand(view, at, { leg: this.#leg, ring }),
          );
        }
        return finished;
      },
    };
  }
}
