import type { Bus, Subscription } from '../../common/bus/bus.ts';
import type { Clock } from '../../common/clock.ts';
import { type ErrorCode, MediaError } from '../../common/errors.ts';
import type { ConfereeId, ConferenceId, NodeId } from '../../common/ids.ts';
import { silentLogger } from '../../common/log.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { Store } from '../../common/store/store.ts';
import { type KeptLease, keepLease } from './kept-lease.ts';
import { type MixerRecord, type MixerRequest, mixerRequest, SUBJECTS } from './messages.ts';
import { KEYS } from './records.ts';

export interface FakeMixerOptions {
  readonly id: NodeId;
  readonly bus: Bus;
  readonly store: Store;
  readonly clock: Clock;
  readonly mixerClass?: string;
  readonly headroom?: number;
}

interface Seat {
  readonly ordinal: number;
  muted: boolean;
  sub: number;
  held: boolean;
  version: number;
}

/** A mixer without audio for tests: obeys the messages, and remembers them. */
export class FakeMixer {
  readonly id: NodeId;
  readonly conferences = new Map<ConferenceId, Map<ConfereeId, Seat>>();
  readonly #removed = new Set<string>();
  readonly #recorded = new Set<string>();
  readonly recording = new Set<ConferenceId>();
  /** Everything it was told, in order. */
  readonly history: MixerRequest[] = [];
  headroom: number;
  draining = false;
  /** Set: every request but `end` and `remove` gets this error. */
  refusing: ErrorCode | undefined;
  /** Answers nothing while set. */
  hanging = false;
  readonly #options: FakeMixerOptions;
  #serving: Subscription | undefined;
  #lease: KeptLease | undefined;

  constructor(options: FakeMixerOptions) {
    this.#options = options;
    this.id = options.id;
    this.headroom = options.headroom ?? 1_000;
  }

  get address(): string {
    return `127.0.0.1:5070;mixer=${this.id}`;
  }

  async start(): Promise<this> {
    const { bus, store, clock } = this.#options;
    this.#serving = await bus.serve(SUBJECTS.mixer(this.id), (body) => this.#handle(body));
    const lease = await keepLease({
      store,
      clock,
      log: silentLogger,
      key: KEYS.mixer(this.id),
      ttlMs: 3_000,
      value: () => this.record(),
    });
    if (!lease.ok) throw lease.error;
    this.#lease = lease.value;
    return this;
  }

  record(): MixerRecord {
    let conferees = 0;
    for (const seats of this.conferences.values()) conferees += seats.size;
    return {
      id: this.id,
      mixerClass: this.#options.mixerClass ?? 'standard',
      address: this.address,
      busyShare: 0.1,
      latenessMs: 0.2,
      headroom: this.headroom - conferees,
      conferences: this.conferences.size,
      conferees,
      draining: this.draining,
    };
  }

  /** What it measured counts at once. */
  async refresh(): Promise<void> {
    await this.#lease?.refresh();
  }

  #handle(body: unknown): Promise<Result<unknown, MediaError>> {
    const request = mixerRequest.parse(body);
    this.history.push(request);
    if (this.hanging) return new Promise(() => {});
    return Promise.resolve(this.#carryOut(request));
  }

  #carryOut(request: MixerRequest): Result<unknown, MediaError> {
    const { conferenceId } = request;
    if (request.kind === 'end') {
      this.conferences.delete(conferenceId);
      return ok({});
    }
    const seats = this.conferences.get(conferenceId);
    if (request.kind === 'remove') {
      seats?.delete(request.confereeId);
      this.#removed.add(`${conferenceId} ${request.confereeId}`);
      return ok({});
    }
    if (this.refusing !== undefined) return fail(new MediaError(this.refusing, 'told to refuse'));
    if (request.kind === 'create') {
      if (seats === undefined) this.conferences.set(conferenceId, new Map());
      return ok({ mixerId: this.id, mixerAddress: this.address });
    }
    if (request.kind === 'announce') return ok({});
    if (request.kind === 'record') {
      // A copy must not begin again what was ended since.
      const isCopy = this.#recorded.has(request.requestId);
      this.#recorded.add(request.requestId);
      if (!isCopy && request.on) this.recording.add(conferenceId);
      if (!isCopy && !request.on) this.recording.delete(conferenceId);
      return ok({
        file: `${conferenceId}.wav`,
        recording: this.recording.has(conferenceId),
      });
    }
    if (seats === undefined) return fail(new MediaError('conference-unknown', conferenceId));
    if (request.kind === 'levels') return ok({ talkers: [] });
    if (request.kind === 'media') return ok({ media: null });
    const seat = seats.get(request.confereeId);
    if (request.kind === 'admit') {
      const { ordinal, muted, sub, held } = request;
      const state = { ordinal, muted, sub, held, version: 0 };
      const isRemoved = this.#removed.has(`${conferenceId} ${request.confereeId}`);
      if (seat === undefined && !isRemoved) seats.set(request.confereeId, state);
      return ok({});
    }
    if (seat !== undefined && request.version > seat.version) {
      seat.muted = request.muted;
      seat.sub = request.sub;
      seat.held = request.held;
      seat.version = request.version;
    }
    return ok({});
  }

  async stop(): Promise<void> {
    await this.#serving?.close();
    await this.#lease?.release();
  }
}
