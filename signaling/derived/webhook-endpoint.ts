/**
 * One endpoint: a lane for each conference with something to tell, a few deliveries at once, one at a
 * time in each lane. After a failure the endpoint rests, longer each time, and so does the lane; while
 * it fails only one delivery is tried at a time, of the lane whose turn it is.
 */
import type { Clock, Timer } from '../../common/clock.ts';
import type { ConferenceId, Random } from '../../common/ids.ts';
import type { Logger } from '../../common/log.ts';
import type { Store } from '../../common/store/store.ts';
import { SenderLease } from './sender-lease.ts';
import { type Due, Lane } from './webhook-lane.ts';
import {
  cursorKey,
  FRESH_STATE,
  WEBHOOK_CURSORS,
  WEBHOOK_STATES,
  type WebhookRecord,
  type WebhookState,
  webhookCursor,
  webhookState,
} from './webhook-records.ts';
import type { DeliveryOutcome, WebhookSender } from './webhook-sender.ts';
import { sign } from './webhook-signature.ts';

export interface EndpointParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly sender: WebhookSender;
  /** Events that may wait beyond the next one of each conference. */
  readonly maxBacklog: number;
  /** Failing for so long disables the endpoint. */
  readonly disableAfterMs: number;
  readonly onOutcome: (outcome: 'taken' | 'failed' | 'gone') => void;
  readonly onDropped: (events: number) => void;
  readonly onDisabled: () => void;
}

const WIDTH = 8;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 600_000;

/** Doubling, and spread over the upper half, so that endpoints of one receiver do not come together. */
export function pauseMs(failures: number, random: Random): number {
  const fullMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 20));
  return fullMs / 2 + random.below(fullMs / 2 + 1);
}

export class WebhookEndpoint {
  record: WebhookRecord;
  state: WebhookState;
  readonly #parts: EndpointParts;
  readonly #lanes = new Map<ConferenceId, Lane>();
  /** Lanes with something to tell, in order of their turn. */
  readonly #turns = new Set<Lane>();
  readonly #unwritten = new Set<Lane>();
  #backlog = 0;
  #inFlight = 0;
  #failures = 0;
  #notBeforeMs = 0;
  #timer: Timer | undefined;
  #open = true;
  /** Lanes are as the store has them, so that sending may begin. */
  #caughtUp = false;
  readonly #lease: SenderLease;
  readonly #idle: (() => void)[] = [];

  constructor(record: WebhookRecord, state: WebhookState | undefined, parts: EndpointParts) {
    this.record = record;
    this.state = state ?? FRESH_STATE;
    this.#parts = parts;
    this.#lease = new SenderLease({
      ...parts,
      webhook: record.id,
      onTaken: () => void this.#takeOver(),
    });
  }

  /** The logs were read: from now on this process may be the one that sends. */
  begin(): void {
    this.#lease.begin();
  }

  /** Whoever sent before has written how far it came; what it wrote nothing of is told again. */
  async #takeOver(): Promise<void> {
    const { store } = this.#parts;
    this.#caughtUp = false;
    const { id } = this.record;
    const [cursors, state] = await Promise.all([
      store.list(`${WEBHOOK_CURSORS}${id}/`),
      store.get(`${WEBHOOK_STATES}${id}`),
    ]);
    // Without them events would be told twice for no reason: the lease goes on, and so do we.
    if (state.ok) this.state = webhookState.safeParse(state.value?.value).data ?? this.state;
    for (const { key, value } of cursors.ok ? cursors.value : []) {
      const cursor = webhookCursor.safeParse(value);
      const lane = this.#lanes.get(key.slice(key.lastIndexOf('/') + 1) as ConferenceId);
      // Of a conference that is no more.
      if (lane === undefined) void store.delete(key);
      else if (cursor.success) this.#resume(lane, cursor.data.number);
    }
    this.#caughtUp = true;
    this.#pump();
  }

  #resume(lane: Lane, number: number): void {
    this.#backlog -= lane.backlog;
    lane.resume(number);
    this.#backlog += lane.backlog;
    if (!lane.isDue) this.#turns.delete(lane);
  }

  /** Events that wait beyond the next one of each conference. */
  get backlog(): number {
    return this.#backlog;
  }

  get isActive(): boolean {
    const isWanted = this.record.enabled && this.state.disabledAtMs === null;
    return this.#open && this.#caughtUp && this.#lease.held && isWanted;
  }

  /** The log has events from `first` to `last`; what this endpoint had is told by `cursor`. */
  tell(id: ConferenceId, first: number, last: number, cursor: number | undefined): void {
    let lane = this.#lanes.get(id);
    if (lane === undefined) {
      lane = new Lane(id, cursor ?? first - 1);
      this.#lanes.set(id, lane);
    }
    if (last <= lane.known) return;
    this.#backlog -= lane.backlog;
    lane.known = last;
    this.#backlog += lane.backlog;
    this.#turns.add(lane);
    if (!this.isActive) return;
    if (this.#backlog > this.#parts.maxBacklog) this.#dropLongest();
    this.#pump();
  }

  /** The oldest of the conference that has most is given up; the receiver is told of the gap. */
  #dropLongest(): void {
    let longest: Lane | undefined;
    for (const lane of this.#turns) {
      if (longest === undefined || lane.backlog > longest.backlog) longest = lane;
    }
    if (longest === undefined) return;
    this.#backlog -= longest.backlog;
    const events = longest.drop();
    this.#backlog += longest.backlog;
    this.#parts.onDropped(events);
    const { id } = this.record;
    const alarm = 'webhook-backlog';
    this.#parts.log.error(
      { alarm, webhook: id, conferenceId: longest.id, events },
      'an endpoint takes events too slowly: some were dropped and are told as a gap',
    );
  }

  /** The log of the conference was dropped. */
  forget(id: ConferenceId): void {
    const lane = this.#lanes.get(id);
    if (lane === undefined) return;
    lane.gone = true;
    // Of a disabled one nothing is kept beyond the log.
    if (!lane.isDue || !this.isActive) this.#drop(lane);
  }

  #drop(lane: Lane): void {
    this.#backlog -= lane.backlog;
    this.#lanes.delete(lane.id);
    this.#turns.delete(lane);
    this.#unwritten.delete(lane);
    if (lane.written > 0 && this.#lease.held)
      void this.#parts.store.delete(cursorKey(this.record.id, lane.id));
  }

  // ── delivery ───────────────────────────────────────────────────────────────────────────────

  #pump(): void {
    const { clock } = this.#parts;
    const nowMs = clock.nowMs();
    const width = this.#failures > 0 ? 1 : WIDTH;
    if (!this.isActive) return;
    if (this.#notBeforeMs > nowMs) {
      this.#wake(this.#notBeforeMs);
      return;
    }
    let soonestMs = Number.POSITIVE_INFINITY;
    for (const lane of this.#turns) {
      if (this.#inFlight >= width) return;
      if (lane.busy) continue;
      if (lane.notBeforeMs > nowMs) {
        soonestMs = Math.min(soonestMs, lane.notBeforeMs);
        continue;
      }
      this.#turns.delete(lane);
      void this.#deliver(lane);
    }
    if (this.#inFlight === 0 && soonestMs < Number.POSITIVE_INFINITY) this.#wake(soonestMs);
  }

  #wake(atMs: number): void {
    this.#timer?.cancel();
    const delayMs = Math.max(1, atMs - this.#parts.clock.nowMs());
    this.#timer = this.#parts.clock.after(delayMs, () => this.#pump());
  }

  async #deliver(lane: Lane): Promise<void> {
    const { store } = this.#parts;
    lane.busy = true;
    this.#inFlight += 1;
    const due = await lane.due(store);
    const wanted = due.ok && due.value !== undefined && this.#wants(due.value);
    const outcome: DeliveryOutcome | undefined = !due.ok
      ? { kind: 'failed', why: 'the store does not answer' }
      : due.value !== undefined && wanted && this.isActive
        ? await this.#send(lane, due.value)
        : undefined;
    lane.busy = false;
    this.#inFlight -= 1;
    if (outcome?.kind === 'failed' || outcome?.kind === 'gone') this.#failed(lane, outcome);
    else if (due.ok && due.value !== undefined && (outcome?.kind === 'taken' || !wanted)) {
      this.#advance(lane, due.value);
    }
    if (outcome?.kind === 'taken') this.#succeeded();
    if (lane.isDue) this.#turns.add(lane);
    else if (lane.gone) this.#drop(lane);
    if (this.#inFlight === 0) for (const resolve of this.#idle.splice(0)) resolve();
    this.#pump();
  }

  #wants(due: Due): boolean {
    const { events } = this.record;
    return due.kind === 'gap' || events === null || events.includes(due.event.event.kind);
  }

  #send(lane: Lane, due: Due): Promise<DeliveryOutcome> {
    const { clock, sender } = this.#parts;
    const { url, secret } = this.record;
    const nowMs = clock.wallMs();
    const id =
      due.kind === 'gap'
        ? `${lane.id}-gap-${due.gap.from}-${due.gap.to}`
        : `${lane.id}-${due.event.number}`;
    const body = JSON.stringify(
      due.kind === 'gap'
        ? {
            type: 'conference.gap',
            id,
            timestamp: new Date(nowMs).toISOString(),
            data: { conferenceId: lane.id, ...due.gap },
          }
        : {
            type: `conference.${due.event.event.kind}`,
            id,
            timestamp: new Date(due.event.atMs).toISOString(),
            data: due.event,
          },
    );
    const timestampS = Math.floor(nowMs / 1000);
    const signature = sign(secret, id, timestampS, body);
    return sender.send({ url, id, timestampS, signature, body });
  }

  #advance(lane: Lane, due: Due): void {
    this.#backlog -= lane.backlog;
    lane.advance(due);
    this.#backlog += lane.backlog;
    this.#unwritten.add(lane);
  }

  #succeeded(): void {
    const { clock, onOutcome } = this.#parts;
    onOutcome('taken');
    const wasFailing = this.state.failingSinceMs !== null;
    this.#failures = 0;
    this.#notBeforeMs = 0;
    this.state = {
      ...this.state,
      failingSinceMs: null,
      lastError: null,
      lastSuccessMs: clock.wallMs(),
    };
    if (wasFailing) {
      this.#writeState();
      this.#parts.log.info({ webhook: this.record.id }, 'an endpoint takes events again');
    }
  }

  #failed(lane: Lane, outcome: Extract<DeliveryOutcome, { kind: 'failed' | 'gone' }>): void {
    const { clock, random, log, onOutcome, disableAfterMs } = this.#parts;
    onOutcome(outcome.kind);
    this.#failures += 1;
    lane.failures += 1;
    const nowMs = clock.nowMs();
    const askedMs = outcome.kind === 'failed' ? (outcome.retryAfterMs ?? 0) : 0;
    this.#notBeforeMs = nowMs + Math.max(askedMs, pauseMs(this.#failures, random));
    lane.notBeforeMs = nowMs + Math.max(askedMs, pauseMs(lane.failures, random));
    const wallMs = clock.wallMs();
    const failingSinceMs = this.state.failingSinceMs ?? wallMs;
    const isOver = outcome.kind === 'gone' || wallMs - failingSinceMs >= disableAfterMs;
    const lastError = outcome.kind === 'gone' ? 'status 410' : outcome.why.slice(0, 200);
    const isNews = this.state.failingSinceMs === null || this.state.lastError !== lastError;
    const disabledAtMs = isOver ? wallMs : null;
    this.state = { ...this.state, failingSinceMs, lastError, disabledAtMs };
    if (isNews || isOver) this.#writeState();
    const about = { webhook: this.record.id, why: lastError, failures: this.#failures };
    if (isOver) {
      this.#parts.onDisabled();
      log.error({ alarm: 'webhook-disabled', ...about }, 'an endpoint was disabled');
    } else if (isNews) log.warn(about, 'an endpoint does not take an event; tried again later');
  }

  #writeState(): void {
    void this.#parts.store.put(`${WEBHOOK_STATES}${this.record.id}`, this.state);
  }

  // ── cursors ────────────────────────────────────────────────────────────────────────────────

  /** Called once a second and at the end: what a kill takes back is told again, at most a second of it. */
  async writeCursors(): Promise<void> {
    const { store } = this.#parts;
    // Another one sends by now, and writes how far it came.
    if (!this.#lease.held) return;
    const lanes = [...this.#unwritten];
    this.#unwritten.clear();
    await Promise.all(
      lanes.map(async (lane) => {
        const number = lane.sent;
        const key = cursorKey(this.record.id, lane.id);
        const written = await store.put(key, { version: 1, number });
        if (written.ok) lane.written = number;
        else this.#unwritten.add(lane);
      }),
    );
  }

  /** The operator has changed it. */
  change(record: WebhookRecord): void {
    const again = record.enabledAtMs !== this.record.enabledAtMs;
    this.record = record;
    if (again) {
      this.#failures = 0;
      this.#notBeforeMs = 0;
      this.state = FRESH_STATE;
      if (this.#lease.held) this.#writeState();
    }
    this.#pump();
  }

  /** Begins nothing more; resolves when what is under way is over. */
  close(): Promise<void> {
    this.#open = false;
    this.#timer?.cancel();
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle.push(resolve);
    });
  }

  /** After the last cursor was written: another process may send. */
  release(): Promise<void> {
    return this.#lease.close();
  }
}
