/**
 * One engine thread seen from this one: the shared memory, the rings, and which leg, conference and
 * recording ring is whose. Knows nothing of what a leg is used for. A host serves one life of a worker;
 * worker-pool.ts replaces it when the worker dies.
 */
import { Worker } from 'node:worker_threads';
import type { MediaError } from '../common/errors.ts';
import {
  COMMAND_SLOT_BYTES,
  EVENT,
  EVENT_SLOT_BYTES,
  LEG_RECORD_BYTES,
  type LegRecord,
  readAnnouncedEvent,
  readConferenceClosedEvent,
  readDigitEvent,
  readDigitsSentEvent,
  readLegClosedEvent,
  readLegRecord,
  readPlayFinishedEvent,
  readReceivingEvent,
  readRecordingEndedEvent,
  readSilentEvent,
  readTalkingEvent,
  readTickLateEvent,
  readUnheardEvent,
  readWorkerRecord,
  WORKER_RECORD_BYTES,
  type WorkerRecord,
  writeFailCommand,
} from './abi.gen.ts';
import { WORKER_SCRIPT } from './binding.ts';
import { headroom } from './capacity.ts';
import { HandleTable } from './handles.ts';
import type { Recorder } from './recorder.ts';
import { RingReader, RingWriter } from './ring.ts';
import {
  allocateWorkerMemory,
  readConsistent,
  requestStop,
  type WorkerData,
  type WorkerMemory,
} from './shared-memory.ts';

export type Command = (view: DataView, at: number) => void;

/** What the host tells a leg (leg.ts). */
export interface HostedLeg {
  onClosed(): void;
  onDigit(digit: number, source: number, durationMs: number): void;
  onReceiving(family: number, address: Uint8Array, port: number): void;
  onSilent(): void;
  onUnheard(): void;
  onTalking(talking: boolean): void;
  onPlayFinished(playback: number, end: number): void;
  onDigitsSent(count: number): void;
  onRecordingEnded(ring: number): void;
  onLost(error: MediaError): void;
}

export interface HostedConference {
  onAnnounced(playback: number, end: number): void;
  onClosed(): void;
  onLost(): void;
}

/** A tick that began over 5 ms late, on the monotonic clock of the kernel. */
export interface LateTick {
  readonly dueMs: number;
  readonly lateMs: number;
}

export interface HostOptions {
  readonly prompts: SharedArrayBuffer;
  readonly maxLegs: number;
  readonly maxConferences: number;
  readonly recordingCount: number;
  readonly csrc: boolean;
  readonly opusComplexity: number;
  readonly opusBitrateBps: number;
  readonly realtime: boolean;
  readonly cpu: number | null;
  readonly targetShare: number;
}

/** Commands that wait in this thread while the ring is full; openLeg is refused from here on. */
export const BACKLOG_LIMIT = 4096;
/** Events handled in one go, so that a flood leaves room for SIP. */
const EVENTS_PER_POLL = 2048;

export class WorkerHost {
  readonly memory: WorkerMemory;
  readonly legs: HandleTable<HostedLeg>;
  readonly conferences: HandleTable<HostedConference>;
  /** Recordings under way, emptied at each poll. */
  readonly recorders = new Set<Recorder>();
  readonly #commands: RingWriter;
  readonly #events: RingReader;
  readonly #statistics: DataView;
  readonly #worker: Worker;
  readonly #backlog: Command[] = [];
  readonly #freeRecordings: number[];
  readonly #options: HostOptions;
  readonly #onLateTick: (tick: LateTick) => void;
  #stopping = false;

  constructor(options: HostOptions, onLateTick: (tick: LateTick) => void) {
    this.#options = options;
    this.#onLateTick = onLateTick;
    this.memory = allocateWorkerMemory(options.maxLegs, options.recordingCount);
    this.#commands = new RingWriter(this.memory.commands, COMMAND_SLOT_BYTES);
    this.#events = new RingReader(this.memory.events, EVENT_SLOT_BYTES);
    this.#statistics = new DataView(this.memory.statistics);
    this.legs = new HandleTable(options.maxLegs);
    this.conferences = new HandleTable(options.maxConferences);
    this.#freeRecordings = Array.from({ length: options.recordingCount }, (_, ring) => ring);
    const workerData: WorkerData = { ...this.memory, ...options };
    this.#worker = new Worker(WORKER_SCRIPT, { workerData, name: 'media' });
  }

  /** Resolves when the engine is about to run; rejects when it cannot. */
  start(onDied: (cause: unknown) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      let started = false;
      let died = false;
      this.#worker.once('message', () => {
        started = true;
        resolve();
      });
      const end = (cause: unknown): void => {
        if (died || this.#stopping) return;
        died = true;
        if (started) onDied(cause);
        else reject(cause instanceof Error ? cause : new Error(String(cause)));
      };
      this.#worker.once('error', end);
      this.#worker.once('exit', (code) => end(new Error(`the media thread ended with ${code}`)));
    });
  }

  /** Stops the thread and waits for its end. */
  stop(): Promise<void> {
    this.#stopping = true;
    requestStop(this.memory);
    return new Promise((resolve) => {
      if (this.#worker.threadId === -1) resolve();
      else this.#worker.once('exit', () => resolve());
    });
  }

  /** Runs at one of the next phases, in order. */
  send(command: Command): void {
    if (this.#backlog.length > 0 || !this.#commands.write(command)) this.#backlog.push(command);
  }

  get overloaded(): boolean {
    return this.#backlog.length >= BACKLOG_LIMIT;
  }

  /** Whether there is anything that poll() would have to look for. */
  get active(): boolean {
    return (
      this.legs.size > 0 ||
      this.conferences.size > 0 ||
      this.#backlog.length > 0 ||
      !this.#commands.empty
    );
  }

  poll(): void {
    this.#flush();
    this.#events.read(EVENTS_PER_POLL, (view, at) => this.#dispatch(view, at));
    for (const recorder of this.recorders) recorder.drain();
  }

  takeRecording(): number | null {
    return this.#freeRecordings.shift() ?? null;
  }

  giveRecording(ring: number): void {
    this.#freeRecordings.push(ring);
  }

  legRecord(handle: number): LegRecord {
    const at = WORKER_RECORD_BYTES + (handle & 0xffff) * LEG_RECORD_BYTES;
    return readConsistent(this.#statistics, at, readLegRecord);
  }

  workerRecord(): WorkerRecord {
    return readConsistent(this.#statistics, 0, readWorkerRecord);
  }

  headroom(): number {
    const record = this.workerRecord();
    return headroom(
      {
        busyShare: record.busyShare,
        latenessMs: record.latenessP99Ms,
        measuredLegs: record.meanLegs,
        legs: this.legs.size,
        freeSlots: this.legs.freeSlots,
      },
      this.#options.targetShare,
    );
  }

  /** The worker is gone: everybody on it is told. */
  lose(error: MediaError): void {
    for (const leg of this.legs.values()) leg.onLost(error);
    for (const conference of this.conferences.values()) conference.onLost();
  }

  /** For tests of the replacement: the engine gives up at its next phase. */
  crash(): void {
    this.send((view, at) => writeFailCommand(view, at, {}));
  }

  get options(): HostOptions {
    return this.#options;
  }

  #flush(): void {
    let sent = 0;
    for (const command of this.#backlog) {
      if (!this.#commands.write(command)) break;
      sent++;
    }
    if (sent > 0) this.#backlog.splice(0, sent);
  }

  #dispatch(view: DataView, at: number): void {
    switch (view.getUint32(at, true)) {
      case EVENT.legClosed:
        this.legs.get(readLegClosedEvent(view, at).leg)?.onClosed();
        break;
      case EVENT.conferenceClosed:
        this.conferences.get(readConferenceClosedEvent(view, at).conference)?.onClosed();
        break;
      case EVENT.digit: {
        const event = readDigitEvent(view, at);
        this.legs.get(event.leg)?.onDigit(event.digit, event.source, event.durationMs);
        break;
      }
      case EVENT.receiving: {
        const event = readReceivingEvent(view, at);
        this.legs.get(event.leg)?.onReceiving(event.family, event.address, event.port);
        break;
      }
      case EVENT.unheard:
        this.legs.get(readUnheardEvent(view, at).leg)?.onUnheard();
        break;
      case EVENT.silent:
        this.legs.get(readSilentEvent(view, at).leg)?.onSilent();
        break;
      case EVENT.talking: {
        const event = readTalkingEvent(view, at);
        this.legs.get(event.leg)?.onTalking(event.talking === 1);
        break;
      }
      case EVENT.playFinished: {
        const event = readPlayFinishedEvent(view, at);
        this.legs.get(event.leg)?.onPlayFinished(event.playback, event.end);
        break;
      }
      case EVENT.announced: {
        const event = readAnnouncedEvent(view, at);
        this.conferences.get(event.conference)?.onAnnounced(event.playback, event.end);
        break;
      }
      case EVENT.digitsSent: {
        const event = readDigitsSentEvent(view, at);
        this.legs.get(event.leg)?.onDigitsSent(event.count);
        break;
      }
      case EVENT.recordingEnded: {
        const event = readRecordingEndedEvent(view, at);
        this.legs.get(event.leg)?.onRecordingEnded(event.ring);
        break;
      }
      case EVENT.tickLate:
        this.#onLateTick(readTickLateEvent(view, at));
        break;
    }
  }
}
