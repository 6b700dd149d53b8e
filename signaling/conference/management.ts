/**
 * What the parts of one interface server share: its surroundings, the logs of the conferences it
 * deals with, its links to mixers and VRUs. The flows are functions on it: entering.ts, creating.ts,
 * joining.ts, moving.ts, ending.ts, controls.ts, reconcile.ts. Start reading at entering.ts.
 *
 * A server keeps nothing that counts: every decision is a compareAndSet on the store, so that any
 * other server can go on where this one stopped.
 */
import type { Bus } from '../../common/bus/bus.ts';
import type { Clock } from '../../common/clock.ts';
import { MediaError } from '../../common/errors.ts';
import type { AccountId, ConferenceId, NodeId, Random } from '../../common/ids.ts';
import type { Logger } from '../../common/log.ts';
import type { CounterMetric, Metrics } from '../../common/metrics.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { Store } from '../../common/store/store.ts';
import { Answers } from './answers.ts';
import { Coalescing } from './coalescing.ts';
import { ConferenceLog } from './conference-log.ts';
import { DialLedger, type LimitName } from './dial-ledger.ts';
import type { DialEnd, DialRefusal } from './dial-messages.ts';
import type { OutdialRules } from './dialling.ts';
import type { NumberedEvent } from './events.ts';
import { LivingNodes } from './living-nodes.ts';
import { type ServiceReply, SUBJECTS } from './messages.ts';
import { MixerLink } from './mixer-link.ts';
import type { Remedy } from './once.ts';
import { conferenceRecord, KEYS } from './records.ts';
import { VruLink } from './vru-link.ts';

export interface ManagementOptions {
  readonly id: NodeId;
  readonly bus: Bus;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Absent: nobody can call out. */
  readonly outdial?: OutdialRules | undefined;
}

export type Reply = Result<ServiceReply, MediaError>;
/** The part of a request that need not wait for its turn: after the decision was committed. */
export type Finish = () => Promise<Reply>;

/** Logs kept in memory; one more is read again from the store when it is needed. */
const MAX_LOGS = 5_000;

export class Management {
  readonly options: ManagementOptions;
  readonly living: LivingNodes;
  readonly mixers: MixerLink;
  readonly vrus: VruLink;
  readonly ledger: DialLedger;
  readonly answers: Answers;
  /** Ended, and all that follows is done. */
  readonly finished = new WeakSet<ConferenceLog>();
  /** The mixer epoch whose conferees this server has brought over. */
  readonly reseated = new WeakMap<ConferenceLog, number>();
  /** The event up to which the mixer has acknowledged the mute bits to this server. */
  readonly mutesTold = new WeakMap<ConferenceLog, number>();
  /** The event up to which the mixer, and who was deleted, have heard of departures from this server. */
  readonly departuresTold = new WeakMap<ConferenceLog, number>();
  readonly #logs = new Map<ConferenceId, Promise<Result<ConferenceLog, MediaError>>>();
  readonly #projecting = new Coalescing();
  /** Moves, announcements, endings, by name. */
  readonly #background = new Coalescing();
  readonly #raceLost: () => void;
  readonly #happened: (event: NumberedEvent) => void;
  readonly #gaveUp: (work: string) => void;
  readonly #repeats: CounterMetric;
  readonly #dials: Readonly<Record<'ended' | 'refused' | 'limits', CounterMetric>>;

  constructor(options: ManagementOptions) {
    this.options = options;
    this.living = new LivingNodes(options.store, options.log);
    this.mixers = new MixerLink(options);
    this.vrus = new VruLink(options, this.living);
    this.ledger = new DialLedger({ ...options, living: this.living });
    this.answers = new Answers(options.store);
    const { metrics } = options;
    const races = metrics.counter(
      'minusone_conference_races_total',
      'Decisions that another interface server was quicker with, so that they were made again',
    );
    this.#raceLost = () => races.add();
    const events = metrics.counter(
      'minusone_conference_events_total',
      'Events of all conferences by kind',
      ['kind'],
    );
    this.#happened = (event) => events.add(1, { kind: event.event.kind });
    const failures = metrics.counter(
      'minusone_conference_background_failures_total',
      'Work in the background that failed and is left to reconciliation',
      ['work'],
    );
    this.#gaveUp = (work) => failures.add(1, { work });
    this.#repeats = metrics.counter(
      'minusone_conference_repeated_requests_total',
      'Requests that came again after their answer, by what was done about what the copy had made',
      ['remedy'],
    );
    this.#dials = {
      ended: metrics.counter(
        'minusone_outdial_calls_total',
        'Calls that we made, by how they ended.',
        ['result'],
      ),
      refused: metrics.counter(
        'minusone_outdial_refused_total',
        'Calls that were asked for and not made, by reason.',
        ['reason'],
      ),
      limits: metrics.counter(
        'minusone_outdial_limit_hits_total',
        'Calls that a limit kept from being made or ended: a sign of toll fraud. Alarm on it.',
        ['limit'],
      ),
    };
  }

  /** A copy of a request: `known` when it was answered before, else what was to be set right. */
  repeated(what: 'known' | Remedy): void {
    this.#repeats.add(1, { remedy: what });
  }

  dialEnded(result: DialEnd): void {
    this.#dials.ended.add(1, { result });
  }

  /** A limit that is reached is an alarm: somebody may be calling at the account's cost. */
  dialRefused(
    reason: DialRefusal,
    limit: LimitName | undefined,
    accountId: AccountId | undefined,
  ): void {
    this.#dials.refused.add(1, { reason });
    const { log } = this.options;
    if (limit === undefined) log.info({ accountId, reason }, 'not called out');
    else {
      this.#dials.limits.add(1, { limit });
      log.warn({ alarm: 'outdial-limit', limit, accountId }, 'a limit of calling out is reached');
    }
  }

  /** The log of a conference, as last known; empty (number 0) when there is none. */
  logOf(id: ConferenceId): Promise<Result<ConferenceLog, MediaError>> {
    const known = this.#logs.get(id);
    if (known !== undefined) return known;
    const loading = this.#load(id);
    this.#logs.set(id, loading);
    for (const oldest of this.#logs.keys()) {
      if (this.#logs.size <= MAX_LOGS) break;
      this.#logs.delete(oldest);
    }
    return loading;
  }

  async #load(id: ConferenceId): Promise<Result<ConferenceLog, MediaError>> {
    const { store, clock } = this.options;
    const log = new ConferenceLog(id, {
      store,
      clock,
      onRaceLost: this.#raceLost,
      onAppended: (events) => this.#publish(events),
    });
    const loaded = await log.load();
    if (loaded.ok) return ok(log);
    this.#logs.delete(id);
    return loaded;
  }

  /** As logOf, with what others have appended up to now. */
  async freshLog(id: ConferenceId): Promise<Result<ConferenceLog, MediaError>> {
    const log = await this.logOf(id);
    if (!log.ok) return log;
    const current = await log.value.catchUp();
    return current.ok ? log : current;
  }

  forgetLog(id: ConferenceId): void {
    this.#logs.delete(id);
  }

  #publish(events: readonly NumberedEvent[]): void {
    for (const event of events) {
      this.#happened(event);
      const { conferenceId, number } = event;
      const { kind } = event.event;
      const ordinal = 'ordinal' in event.event ? event.event.ordinal : undefined;
      this.options.log.info({ conferenceId, number, ordinal }, `conference ${kind}`);
      this.options.bus.publish(SUBJECTS.events(conferenceId), event);
    }
  }

  /** Brings `conference/ID` up to what the log says; resolves when it is at least as new as now. */
  async project(log: ConferenceLog): Promise<Result<void, MediaError>> {
    try {
      await this.#projecting.run(log.id, () => this.#project(log));
      return ok(undefined);
    } catch (error) {
      if (error instanceof MediaError) return fail(error);
      throw error;
    }
  }

  async #project(log: ConferenceLog): Promise<void> {
    const { store } = this.options;
    const key = KEYS.conference(log.id);
    for (;;) {
      const entry = await store.get(key);
      if (!entry.ok) throw entry.error;
      const written = conferenceRecord.safeParse(entry.value?.value);
      const record = log.roster.record();
      const revision = entry.value?.revision ?? 0;
      if (record === undefined && revision === 0) return;
      if (record !== undefined && written.success && written.data.number >= record.number) break;
      const done =
        record === undefined
          ? await store.delete(key, revision)
          : await store.compareAndSet(key, record, revision);
      if (done.ok) break;
      if (done.error.code !== 'conflict') throw done.error;
    }
    // It may have ended while the record was being written.
    if (log.roster.ended !== undefined) await store.delete(key);
  }

  /** Does `work` without anybody waiting. What fails is counted and left to reconciliation. */
  background(name: string, work: () => Promise<void>): Promise<void> {
    return this.#background.run(name, async () => {
      try {
        await work();
      } catch (error) {
        this.#gaveUp(name.split(' ')[0] ?? name);
        this.options.log.error({ work: name, err: error }, 'work in the background failed');
      }
    });
  }

  /** Resolves when nothing runs in the background any more. */
  settled(): Promise<void> {
    return this.#background.settled();
  }

  warn(fields: Record<string, unknown>, error: MediaError, text: string): void {
    this.options.log.warn({ ...fields, errorCode: error.code, error: error.message }, text);
  }
}
