/** Serves `proxy.placement`: passes a create-conference request to one of several mixers (R43). */
import type { Bus, Subscription } from '../../common/bus/bus.ts';
import { MediaError } from '../../common/errors.ts';
import type { NodeId, Random } from '../../common/ids.ts';
import type { Logger } from '../../common/log.ts';
import type { CounterMetric, Metrics } from '../../common/metrics.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { Change, Store, Watch } from '../../common/store/store.ts';
import {
  type CreateConference,
  createConference,
  createReply,
  type MixerRecord,
  mixerRecord,
  type PlacementReply,
  SUBJECTS,
} from './messages.ts';
import { choosePlacement, type MixerOffer } from './placement.ts';
import { PREFIXES } from './records.ts';

export interface PlacerOptions {
  readonly bus: Bus;
  readonly store: Store;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Mixers asked for one conference. Most that are gone say so at once. */
const TRIES = 16;
/** How long one may take, and how many may need that long; together less than the asker waits. */
const TRY_MS = 1_000;
const SLOW_TRIES = 2;

export class Placer {
  readonly #options: PlacerOptions;
  readonly #outcomes: CounterMetric;
  readonly #offers = new Map<NodeId, { record: MixerRecord; placedSince: number }>();
  #watch: Watch | undefined;
  #serving: Subscription | undefined;

  constructor(options: PlacerOptions) {
    this.#options = options;
    this.#outcomes = options.metrics.counter(
      'minusone_placement_total',
      'Conferences to be placed, by outcome',
      ['outcome'],
    );
  }

  async start(): Promise<void> {
    const { bus, store } = this.#options;
    this.#watch = await store.watch(PREFIXES.mixer, (change) => this.#take(change));
    this.#serving = await bus.serve(SUBJECTS.placement, (body) => this.#handle(body), {
      concurrency: 1_000,
      queueLimit: 10_000,
    });
  }

  #take(change: Change): void {
    const id = change.key.slice(PREFIXES.mixer.length) as NodeId;
    const record = mixerRecord.safeParse(change.kind === 'put' ? change.value : undefined);
    if (record.success) this.#offers.set(id, { record: record.data, placedSince: 0 });
    else this.#offers.delete(id);
    if (change.kind === 'put' && !record.success) {
      this.#options.log.error({ mixerId: id }, 'unreadable mixer lease');
    }
  }

  async #handle(body: unknown): Promise<Result<PlacementReply, MediaError>> {
    const request = createConference.safeParse(body);
    if (!request.success) return fail(new MediaError('bad-request', request.error.message));
    const reply = await this.#place(request.data);
    this.#outcomes.add(1, { outcome: reply.kind === 'placed' ? 'placed' : reply.reason });
    return ok(reply);
  }

  async #place(request: CreateConference): Promise<PlacementReply> {
    const tried: NodeId[] = [];
    let slow = 0;
    while (tried.length < TRIES) {
      // Anew for each try: while one did not answer, others may have come.
      const offers: readonly MixerOffer[] = [...this.#offers.values()];
      const wanted = { ...request, avoid: [...request.avoid, ...tried] };
      const placement = choosePlacement(offers, wanted, this.#options.random);
      if (placement.kind === 'refused') return placement;
      const [mixer] = placement.mixers;
      if (mixer === undefined) break;
      tried.push(mixer.id);
      const taken = await this.#ask(mixer, request);
      if (taken !== 'refused' && taken !== 'timeout') return taken;
      if (taken === 'timeout') slow += 1;
      if (slow === SLOW_TRIES) break;
    }
    return { kind: 'refused', reason: 'mixers-busy' };
  }

  async #ask(
    mixer: MixerRecord,
    request: CreateConference,
  ): Promise<PlacementReply | 'refused' | 'timeout'> {
    const { bus, log } = this.#options;
    const { conferenceId } = request;
    const offer = this.#offers.get(mixer.id);
    if (offer !== undefined) offer.placedSince += 1;
    const subject = SUBJECTS.mixer(mixer.id);
    const answer = await bus.request(subject, request, { deadlineMs: TRY_MS });
    const reply = createReply.safeParse(answer.ok ? answer.value : undefined);
    if (reply.success) return { kind: 'placed', ...reply.data };
    const errorCode = answer.ok ? 'unreadable' : answer.error.code;
    log.warn({ mixerId: mixer.id, conferenceId, errorCode }, 'a mixer did not take a conference');
    // It may come to it later: by then the conference is elsewhere.
    if (errorCode !== 'timeout') return 'refused';
    const end = { kind: 'end', requestId: `end-${conferenceId}`, conferenceId };
    void bus.request(subject, end, { deadlineMs: TRY_MS });
    return 'timeout';
  }

  async stop(): Promise<void> {
    await this.#serving?.close();
    await this.#watch?.close();
  }
}
