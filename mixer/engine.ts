/**
 * The media engine: legs, conferences and prompts of one process, spread over engine threads. What it
 * does: turn calls into commands for native/engine and back. What it must never know: SIP, accounts,
 * who a conferee is. Start here, then leg.ts and worker-host.ts; mixer/media.ts is what others see.
 *
 *   this thread                         engine thread (one a worker)
 *   Leg, Conference ── command ring ──▶ native/engine, 2 ms phases
 *          ▲ every 5 ms ◀─ event ring ──┘   │ statistics, recordings
 *          └──────── shared memory ◀────────┘
 */
import { availableParallelism } from 'node:os';
import type { Clock, Timer } from '../common/clock.ts';
import { MediaError } from '../common/errors.ts';
import { type Random, randomToken, systemRandom } from '../common/ids.ts';
import type { Logger } from '../common/log.ts';
import type { Metrics } from '../common/metrics.ts';
import { DEFAULT_OPUS, type OpusOptions } from '../common/opus.ts';
import { fail, ok, type Result } from '../common/result.ts';
import { MAX_CONTRIBUTORS, writeOpenLegCommand } from './abi.gen.ts';
import { type Binding, loadBinding } from './binding.ts';
import { TARGET_SHARE } from './capacity.ts';
import { formatOf } from './codec-format.ts';
import { Conference } from './conference.ts';
import { exportCounters, totals } from './engine-metrics.ts';
import { KeepAwake } from './keep-awake.ts';
import { Leg, type LegServices } from './leg.ts';
import type {
  LegOptions,
  MediaConference,
  MediaEngine,
  MediaLeg,
  MediaLoad,
  MixOptions,
  Prompt,
} from './media.ts';
import { PortPool, type PortRange } from './port-pool.ts';
import { PromptMemory } from './prompt-memory.ts';
import { Recorder, RecordingRing } from './recorder.ts';
import type { HostOptions, LateTick, WorkerHost } from './worker-host.ts';
import { WorkerPool } from './worker-pool.ts';

export interface MediaEngineOptions {
  /** Engine threads; default one a core less one for signaling, at least one. */
  readonly workers?: number;
  /** Our address in descriptions and on sockets; `LegOptions.localAddress` overrides it. */
  readonly localAddress: string;
  /** RTP on even ports of this range, RTCP on the next. */
  readonly portRange: PortRange;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics?: Metrics;
  /** Label of its metrics, where a process has several engines. */
  readonly name?: string;
  readonly random?: Random;
  /** Asks for SCHED_FIFO; without the right to it the engine runs all the same. Default true. */
  readonly realtime?: boolean;
  /** Keeps the processors from sleeping while there are legs; see keep-awake.ts. Default false. */
  readonly keepAwake?: boolean;
  /** Pins worker N to the CPU at index N. */
  readonly cpus?: readonly number[];
  /** Memory bounds of a worker; untouched memory costs nothing. */
  readonly maxLegsPerWorker?: number;
  readonly maxConferencesPerWorker?: number;
  readonly recordingsPerWorker?: number;
  readonly promptBytes?: number;
  /** `LegOptions.unheardLimitMs` overrides it. Default 30 s. */
  readonly unheardLimitMs?: number;
  /** Busy share of a worker up to which conferences are taken (capacity.ts). */
  readonly targetShare?: number;
  /** Told of every tick that began over 5 ms late. */
  readonly onLateTick?: (tick: LateTick) => void;
  /** Lists contributors in RTP headers. Default true. */
  readonly contributors?: boolean;
  readonly opus?: OpusOptions;
}

const DEFAULT_MAX_LEGS = 8192;
const DEFAULT_RECORDINGS = 256;
const DEFAULT_PROMPT_BYTES = 256 * 1024 * 1024;
/** A phone sends RTP at once, and one that only listens RTCP within seconds (RFC 3550 section 6.2). */
const DEFAULT_UNHEARD_LIMIT_MS = 30_000;
/** Digits and talk states reach their owner within this time. */
const POLL_MS = 5;
/** Prompts are stored at this rate when added, at others when first needed. */
const PROMPT_RATE_HZ = 8000;

export async function createMediaEngine(
  options: MediaEngineOptions,
): Promise<Result<MediaEngine, MediaError>> {
  const binding = loadBinding();
  if (!binding.ok) return binding;
  const prompts = new PromptMemory(options.promptBytes ?? DEFAULT_PROMPT_BYTES);
  const maxLegs = options.maxLegsPerWorker ?? DEFAULT_MAX_LEGS;
  const pool = new WorkerPool(
    options.clock,
    options.log,
    (worker): HostOptions => ({
      prompts: prompts.memory,
      maxLegs,
      maxConferences: options.maxConferencesPerWorker ?? maxLegs,
      recordingCount: options.recordingsPerWorker ?? DEFAULT_RECORDINGS,
      csrc: options.contributors ?? true,
      opusComplexity: (options.opus ?? DEFAULT_OPUS).complexity,
      opusBitrateBps: (options.opus ?? DEFAULT_OPUS).bitrateBps,
      realtime: options.realtime ?? true,
      targetShare: options.targetShare ?? TARGET_SHARE,
      cpu: options.cpus?.[worker] ?? null,
    }),
    options.onLateTick,
  );
  const started = await pool.start(options.workers ?? Math.max(1, availableParallelism() - 1));
  if (!started.ok) return started;
  return ok(new Engine(options, binding.value, pool, prompts));
}

class Engine implements MediaEngine {
  readonly #options: MediaEngineOptions;
  readonly #pool: WorkerPool;
  readonly #prompts: PromptMemory;
  readonly #ports: PortPool;
  readonly #random: Random;
  readonly #services: LegServices;
  /** One name for all our streams of this run (RFC 7022 section 4.2). */
  readonly #cname: Uint8Array;
  readonly #keepAwake: KeepAwake | null;
  #poll: Timer | null = null;
  #closed: Promise<void> | null = null;

  constructor(
    options: MediaEngineOptions,
    binding: Binding,
    pool: WorkerPool,
    prompts: PromptMemory,
  ) {
    this.#options = options;
    this.#pool = pool;
    this.#prompts = prompts;
    this.#ports = new PortPool(binding, options.clock, options.portRange);
    this.#random = options.random ?? systemRandom;
    this.#cname = new TextEncoder().encode(randomToken(this.#random, 20));
    this.#keepAwake = options.keepAwake === true ? new KeepAwake(options.log) : null;
    const built = binding.codecs();
    this.#services = {
      prompts,
      log: options.log,
      formatOf: (codec) => formatOf(codec, built),
      openRecorder: (host, ring, path, rateHz) =>
        Recorder.create(
          path,
          new RecordingRing(host.memory.recordings, ring),
          rateHz,
          options.clock,
          (err) => options.log.error({ path, err }, 'a recording cannot be written and ends here'),
        ),
      release: (sockets) => this.#ports.close(sockets),
      wake: () => this.#wake(),
    };
    if (options.metrics !== undefined) {
      exportCounters(
        options.metrics,
        options.name ?? 'media',
        () => this.counters(),
        () => this.load(),
      );
    }
  }

  openLeg(options: LegOptions = {}): Result<MediaLeg, MediaError> {
    const host = this.#hostFor(options.with);
    if (!host.ok) return host;
    if (host.value.overloaded) {
      return fail(new MediaError('engine-full', 'the media thread does not keep up with commands'));
    }
    if (host.value.legs.freeSlots === 0) {
      return fail(new MediaError('engine-full', 'the media thread has no memory for another leg'));
    }
    const localAddress = options.localAddress ?? this.#options.localAddress;
    const sockets = this.#ports.open(localAddress);
    if (!sockets.ok) return sockets;
    const leg = host.value.legs.add(
      (handle) =>
        new Leg(
          handle,
          host.value,
          sockets.value,
          localAddress,
          options.events ?? {},
          this.#services,
        ),
    );
    if (leg === null || !(leg instanceof Leg)) {
      this.#ports.close(sockets.value);
      return fail(new MediaError('engine-full', 'the media thread has no memory for another leg'));
    }
    const random = new DataView(Uint8Array.from(this.#random.bytes(10)).buffer);
    host.value.send((view, at) =>
      writeOpenLegCommand(view, at, {
        leg: leg.id,
        rtpFd: sockets.value.rtpSocket,
        rtcpFd: sockets.value.rtcpSocket,
        ssrc: random.getUint32(0),
        firstTimestamp: random.getUint32(4),
        firstSequence: random.getUint16(8),
        inbandDigits: options.inbandDigits === true ? 1 : 0,
        silenceTimeoutMs: options.silenceTimeoutMs ?? 0,
        unheardLimitMs:
          options.unheardLimitMs ?? this.#options.unheardLimitMs ?? DEFAULT_UNHEARD_LIMIT_MS,
        cnameBytes: this.#cname.length,
        cname: this.#cname,
      }),
    );
    this.#wake();
    return ok(leg);
  }

  openConference(options: MixOptions = {}): Result<MediaConference, MediaError> {
    const { contributors = 0, speechLevelDbov: level = null } = options;
    if (!Number.isInteger(contributors) || contributors < 0 || contributors > MAX_CONTRIBUTORS) {
      const message = `contributors: 0 to ${MAX_CONTRIBUTORS}, not ${contributors}`;
      return fail(new MediaError('bad-request', message));
    }
    if (level !== null && !(level >= -40 && level <= -10)) {
      return fail(new MediaError('bad-request', `speech level: -40 to -10 dBov, not ${level}`));
    }
    const host = this.#hostFor(options.with);
    if (!host.ok) return host;
    const conference = host.value.conferences.add(
      (handle) => new Conference(handle, host.value, options, this.#prompts),
    );
    if (conference === null || !(conference instanceof Conference)) {
      return fail(new MediaError('engine-full', 'the media thread has no memory for another mix'));
    }
    this.#wake();
    return ok(conference);
  }

  addPrompt(name: string, samples: Int16Array, rateHz: number): Result<Prompt, MediaError> {
    if (!Number.isInteger(rateHz) || rateHz < 8000 || rateHz > 48_000) {
      return fail(new MediaError('bad-request', `${name}: 8000 to 48000 Hz, not ${rateHz}`));
    }
    const prompt = this.#prompts.add(name, samples, rateHz, PROMPT_RATE_HZ);
    if (prompt === null) {
      return fail(new MediaError('engine-full', `no prompt memory left for ${name}`));
    }
    return ok(prompt);
  }

  releasePrompt(prompt: Prompt): void {
    this.#prompts.release(prompt);
  }

  load(): MediaLoad {
    let busyShare = 0;
    let latenessMs = 0;
    let room = 0;
    let legs = 0;
    let conferences = 0;
    for (const host of this.#pool.hosts) {
      const record = host.workerRecord();
      busyShare = Math.max(busyShare, record.busyShare);
      latenessMs = Math.max(latenessMs, record.latenessP99Ms);
      room += host.headroom();
      legs += host.legs.size;
      conferences += host.conferences.size;
    }
    const running = this.#closed === null && this.#pool.hosts.length > 0;
    return { running, busyShare, latenessMs, headroom: room, legs, conferences };
  }

  counters(): ReadonlyMap<string, number> {
    const counters = totals(this.#pool.records());
    counters.set('workers_lost', this.#pool.lost);
    counters.set('ports_in_use', this.#ports.inUse);
    counters.set('prompt_bytes', this.#prompts.bytesUsed);
    counters.set('kept_awake', this.#keepAwake?.holding === true ? 1 : 0);
    return counters;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** For tests: the worker of a leg or conference gives up, as a bug in the engine would make it. */
  crashWorkerOf(item: MediaLeg | MediaConference): void {
    if (item instanceof Leg || item instanceof Conference) item.host.crash();
  }

  async #close(): Promise<void> {
    // Every leg says BYE first; a worker that no longer answers is stopped all the same.
    const closing: Promise<unknown>[] = [];
    for (const host of this.#pool.hosts) {
      for (const leg of host.legs.values()) if (leg instanceof Leg) closing.push(leg.close());
    }
    if (closing.length > 0) {
      await Promise.race([Promise.all(closing), this.#options.clock.sleep(1000)]);
    }
    await this.#pool.close();
    for (const host of this.#pool.hosts)
      host.lose(new MediaError('closed', 'the engine is closed'));
    this.#poll?.cancel();
    this.#poll = null;
    this.#keepAwake?.release();
  }

  #hostFor(item: MediaLeg | MediaConference | undefined): Result<WorkerHost, MediaError> {
    if (this.#closed !== null) return fail(new MediaError('closed', 'the media engine is closed'));
    if (item === undefined) return this.#pool.pick();
    const host = item instanceof Leg || item instanceof Conference ? item.host : undefined;
    if (host !== undefined && this.#pool.hosts.includes(host)) return ok(host);
    return fail(new MediaError('engine-lost', 'the media thread of the other leg is gone'));
  }

  /** Polls while there is anything to poll for. */
  #wake(): void {
    if (this.#poll !== null) return;
    this.#keepAwake?.hold();
    this.#poll = this.#options.clock.every(POLL_MS, () => {
      let active = false;
      for (const host of this.#pool.hosts) {
        host.poll();
        active ||= host.active;
      }
      if (active) return;
      this.#poll?.cancel();
      this.#poll = null;
      this.#keepAwake?.release();
    });
  }
}
