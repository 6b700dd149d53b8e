/**
 * Makes call records and conference records (records.ts) of the event logs and of what VRUs write
 * down at the end of a call. It decides nothing and is asked by nobody; entries never wait for it:
 * an event costs a few map operations here, and at most AT_ONCE writes are under way.
 *
 *   event/… ─ watchLogs ─▶ ConferenceFold ─ stays ─▶ FollowedCall ◀─ call-end/CALL ─ VRU
 *                              └ ended ─▶ conference-record/…   └ both there ─▶ call-record/…, call-of/…
 */
import type { Clock, Timer } from '../../common/clock.ts';
import type { CallId, ConferenceId } from '../../common/ids.ts';
import type { Logger } from '../../common/log.ts';
import type { CounterMetric, Metrics } from '../../common/metrics.ts';
import type { Change, Store, Watch } from '../../common/store/store.ts';
import type { EventDocument } from '../conference/events.ts';
import { KEYS, vruRecord } from '../conference/records.ts';
import { CALL_ENDS, type CallEnd, callEnd } from './call-end.ts';
import { recordOf } from './call-outcome.ts';
import { ConferenceFold, type Stay } from './conference-fold.ts';
import { Lanes } from './lanes.ts';
import type { LogReader } from './log-watch.ts';
import {
  CALL_INDEX,
  CALL_RECORDS,
  CONFERENCE_RECORDS,
  type ConferenceSummaryRecord,
  callRecordKey,
  conferenceRecordKey,
  timeOfKey,
} from './records.ts';

export interface RecorderOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly keepMs: number;
}

/** Writes under way at the same time; the queue of the store takes 20,000. */
const AT_ONCE = 32;
/** The departure of a call that has ended comes after its end, or never. */
const DEPARTURE_MS = 15_000;
/** Without an end for so long after the last seat: its VRU was killed, or the caller waits. */
const ORPHAN_MS = 120_000;
const LOOK_MS = 5_000;
const PRUNE_MS = 600_000;
const PRUNED_AT_ONCE = 500;
/** Calls followed at once; above it the oldest is let go, and its record has no seats. */
const MAX_CALLS = 200_000;

interface FollowedCall {
  readonly stays: Stay[];
  end: CallEnd | undefined;
  changedMs: number;
}

export class Recorder implements LogReader {
  readonly #options: RecorderOptions;
  readonly #lanes = new Lanes(AT_ONCE);
  readonly #conferences = new Map<ConferenceId, ConferenceFold>();
  /** In order of their last seat. */
  readonly #calls = new Map<CallId, FollowedCall>();
  /** Ended, with a seat that is still open. */
  readonly #ending = new Set<CallId>();
  readonly #written: CounterMetric;
  readonly #failed: CounterMetric;
  readonly #timers: readonly Timer[];
  #watch: Watch | undefined;
  #sweeping = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
    const { clock, metrics } = options;
    this.#written = metrics.counter('minusone_call_records_total', 'Call records, by outcome.', [
      'outcome',
    ]);
    this.#failed = metrics.counter(
      'minusone_call_records_failures_total',
      'Writes of records that failed; the next start makes them good.',
    );
    const followed = metrics.gauge('minusone_call_records_followed', 'Calls that are followed.');
    metrics.onCollect(() => followed.set(this.#calls.size));
    this.#timers = [
      clock.every(LOOK_MS, () => this.#finishLate()),
      clock.every(ORPHAN_MS / 2, () => this.#lanes.run(() => this.#finishOrphans())),
      clock.every(PRUNE_MS, () => this.#lanes.run(() => this.#prune())),
    ];
  }

  /** After the logs were read, so that the ends that a crash left find their seats. */
  async start(): Promise<void> {
    this.#watch = await this.#options.store.watch(CALL_ENDS, (change) => this.#onEnd(change));
    this.#lanes.run(() => this.#prune());
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    await this.#watch?.close();
    await this.#lanes.settled();
  }

  // ── what comes in ──────────────────────────────────────────────────────────────────────────

  onDocument(id: ConferenceId, document: EventDocument): void {
    let fold = this.#conferences.get(id);
    if (fold === undefined) {
      fold = new ConferenceFold(id, {
        onJoined: (stay) => this.#onJoined(stay),
        onLeft: ({ callId }) => this.#onLeft(callId),
        onEnded: (record) => this.#lanes.run(() => this.#writeConference(record)),
      });
      this.#conferences.set(id, fold);
    }
    fold.take(document);
  }

  onGone(id: ConferenceId): void {
    this.#conferences.delete(id);
  }

  #onJoined(stay: Stay): void {
    const call = this.#calls.get(stay.callId) ?? { stays: [], end: undefined, changedMs: 0 };
    this.#calls.delete(stay.callId);
    this.#calls.set(stay.callId, call);
    call.stays.push(stay);
    call.changedMs = this.#options.clock.nowMs();
    if (this.#calls.size <= MAX_CALLS) return;
    for (const oldest of this.#calls.keys()) {
      this.#calls.delete(oldest);
      return;
    }
  }

  #onLeft(callId: CallId): void {
    const call = this.#calls.get(callId);
    if (call === undefined) return;
    call.changedMs = this.#options.clock.nowMs();
    if (call.end !== undefined) this.#finishIfWhole(callId, call);
  }

  #onEnd(change: Change): void {
    if (change.kind === 'delete') return;
    const end = callEnd.safeParse(change.value);
    if (!end.success) {
      this.#options.log.error({ key: change.key }, 'unreadable end of a call');
      this.#lanes.run(() => this.#delete(change.key));
      return;
    }
    const { callId } = end.data;
    const call = this.#calls.get(callId) ?? { stays: [], end: undefined, changedMs: 0 };
    this.#calls.set(callId, call);
    call.end = end.data;
    call.changedMs = this.#options.clock.nowMs();
    this.#finishIfWhole(callId, call);
  }

  // ── what goes out ──────────────────────────────────────────────────────────────────────────

  #finishIfWhole(callId: CallId, call: FollowedCall): void {
    if (call.stays.some(({ seat }) => seat === null)) this.#ending.add(callId);
    else this.#finish(callId, call);
  }

  #finish(callId: CallId, { end, stays }: FollowedCall): void {
    this.#calls.delete(callId);
    this.#ending.delete(callId);
    if (end !== undefined) this.#lanes.run(() => this.#writeCall(end, stays));
  }

  #finishLate(): void {
    const beforeMs = this.#options.clock.nowMs() - DEPARTURE_MS;
    for (const callId of this.#ending) {
      const call = this.#calls.get(callId);
      if (call === undefined) this.#ending.delete(callId);
      else if (call.changedMs < beforeMs) this.#finish(callId, call);
    }
  }

  async #writeCall(end: CallEnd, stays: readonly Stay[]): Promise<void> {
    const { store } = this.#options;
    const record = recordOf(end, stays);
    const key = callRecordKey(end.endedAtMs, end.callId);
    const { callId } = end;
    const written = await Promise.all([
      store.put(key, record),
      store.put(`${CALL_INDEX}${callId}`, { version: 1, key, callId }),
    ]);
    if (written.some(({ ok }) => !ok)) {
      // `call-end/CALL` stays, for the next start.
      this.#failed.add();
      return;
    }
    this.#written.add(1, { outcome: record.outcome });
    await this.#delete(`${CALL_ENDS}${callId}`);
  }

  async #writeConference(record: ConferenceSummaryRecord): Promise<void> {
    const key = conferenceRecordKey(record.endedAtMs, record.conferenceId);
    const present = await this.#options.store.get(key);
    // Told again at each start, as long as the log is kept.
    if (present.ok && present.value !== undefined) return;
    const written = await this.#options.store.put(key, record);
    if (!written.ok) this.#failed.add();
  }

  async #delete(key: string): Promise<void> {
    const gone = await this.#options.store.delete(key);
    if (!gone.ok) this.#failed.add();
  }

  /** Calls whose VRU died before it wrote their end: the log has their seats. */
  async #finishOrphans(): Promise<void> {
    if (this.#sweeping) return;
    this.#sweeping = true;
    const beforeMs = this.#options.clock.nowMs() - ORPHAN_MS;
    for (const [callId, call] of [...this.#calls]) {
      if (call.changedMs > beforeMs || call.end !== undefined) continue;
      const last = call.stays.at(-1);
      if (last === undefined || call.stays.some(({ seat }) => seat === null)) continue;
      if (await this.#isRecorded(callId)) this.#calls.delete(callId);
      else if (!(await this.#isOnItsVru(last))) {
        this.#calls.delete(callId);
        await this.#writeCall(endOfLost(last, call.stays), call.stays);
      }
    }
    this.#sweeping = false;
  }

  async #isRecorded(callId: CallId): Promise<boolean> {
    const index = await this.#options.store.get(`${CALL_INDEX}${callId}`);
    return !index.ok || index.value !== undefined;
  }

  /** Back on hold, perhaps (R28). */
  async #isOnItsVru({ vruId, vruStart }: Stay): Promise<boolean> {
    const lease = await this.#options.store.get(KEYS.vru(vruId));
    if (!lease.ok) return true;
    const vru = vruRecord.safeParse(lease.value?.value);
    return vru.success && (vruStart === undefined || vru.data.start === vruStart);
  }

  /** In small pieces, oldest first; nothing but age ends a record. */
  async #prune(): Promise<void> {
    const { store, clock, keepMs, log } = this.#options;
    const beforeMs = clock.wallMs() - keepMs;
    let count = 0;
    for (const prefix of [CALL_RECORDS, CONFERENCE_RECORDS]) {
      for (;;) {
        const page = await store.page(prefix, { limit: PRUNED_AT_ONCE });
        if (!page.ok) return;
        const old = page.value.filter(({ key }) => timeOfKey(key) < beforeMs);
        for (const { key } of old) {
          await store.delete(key);
          const callId = key.slice(key.indexOf('-', prefix.length) + 1);
          if (prefix === CALL_RECORDS) await store.delete(`${CALL_INDEX}${callId}`);
        }
        count += old.length;
        if (old.length < PRUNED_AT_ONCE) break;
      }
    }
    if (count > 0) log.info({ records: count }, 'old records deleted');
  }
}

function endOfLost(last: Stay, stays: readonly Stay[]): CallEnd {
  const { callId, vruId, callerNumber, callerName, dnis, opened, seat } = last;
  const startedAtMs = stays[0]?.opened.joinedAtMs ?? opened.joinedAtMs;
  return {
    version: 1,
    callId,
    vruId,
    direction: 'in',
    sipCallId: '',
    trunk: '',
    callerNumber,
    ...(callerName === undefined ? {} : { callerName }),
    dnis,
    application: 'conference',
    startedAtMs,
    answeredAtMs: startedAtMs,
    endedAtMs: seat?.leftAtMs ?? opened.joinedAtMs,
    endedBy: 'system',
    reason: 'vru-lost',
    media: null,
    decisions: [],
  };
}
