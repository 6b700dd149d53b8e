/**
 * What is called out now and was called out today, by account and by trunk, in the store: limits hold over
 * all servers, and over restarts. One document each, changed by compareAndSet, so that no two calls take the
 * same last place. Calls of a VRU that is gone are dropped when somebody looks.
 */
import type { Clock } from '../../common/clock.ts';
import { MediaError } from '../../common/errors.ts';
import type { AccountId, CallId, ConferenceId, NodeId } from '../../common/ids.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { Store } from '../../common/store/store.ts';
import type { LivingNodes } from './living-nodes.ts';
import { KEYS, type OutdialRecord, outdialRecord, PREFIXES } from './records.ts';

/** Which limit said no; label of the alarm. */
export type LimitName =
  | 'account-concurrent'
  | 'account-day'
  | 'account-minutes'
  | 'trunk-concurrent'
  | 'trunk-day';

export interface Holder {
  readonly vruId: NodeId;
  readonly vruStart: string;
}

export interface Place {
  readonly dialId: CallId;
  readonly conferenceId: ConferenceId;
  readonly accountId: AccountId;
  readonly trunk: string;
  readonly holder: Holder;
  /** Wall time after which nothing of the call can be left. */
  readonly untilMs: number;
}

/** One that is taken, as it stands in one of the documents. */
export interface Taken {
  readonly key: string;
  readonly dialId: CallId;
  readonly conferenceId: ConferenceId;
  readonly holder: Holder;
  readonly atMs: number;
}

export interface Limits {
  readonly account: {
    readonly concurrent: number;
    readonly callsPerDay: number;
    readonly minutesPerDay: number;
  };
  readonly trunk: { readonly maxConcurrent: number; readonly maxCallsPerDay: number };
}

export interface LedgerOptions {
  readonly store: Store;
  readonly clock: Pick<Clock, 'wallMs'>;
  readonly living: Pick<LivingNodes, 'vruOf'>;
}

/** Lost races in a row; each is another server's success. */
const MAX_RACES = 100;

type Change<T> = (record: OutdialRecord) => { readonly next?: OutdialRecord; readonly result: T };

export class DialLedger {
  readonly #options: LedgerOptions;

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** Takes a place at the trunk and with the account; undefined: taken. The same call takes it once. */
  async reserve(place: Place, limits: Limits): Promise<Result<LimitName | undefined, MediaError>> {
    const { account, trunk } = limits;
    const atTrunk = await this.#change(KEYS.outdial('trunk', place.trunk), (record) =>
      take(record, place.dialId, this.#taken(place, 0), {
        concurrent: [trunk.maxConcurrent, 'trunk-concurrent'],
        day: [trunk.maxCallsPerDay, 'trunk-day'],
      }),
    );
    if (!atTrunk.ok || atTrunk.value !== undefined) return atTrunk;
    const ofAccount = await this.#change(KEYS.outdial('account', place.accountId), (record) =>
      record.minutes >= account.minutesPerDay && !Object.hasOwn(record.running, place.dialId)
        ? { result: 'account-minutes' as const }
        : take(record, place.dialId, this.#taken(place, 0), {
            concurrent: [account.concurrent, 'account-concurrent'],
            day: [account.callsPerDay, 'account-day'],
          }),
    );
    if (!ofAccount.ok || ofAccount.value !== undefined) {
      const undone = await this.#change(KEYS.outdial('trunk', place.trunk), (record) => ({
        next: without({ ...record, calls: Math.max(0, record.calls - 1) }, place.dialId),
        result: undefined,
      }));
      if (!undone.ok) return undone;
    }
    return ofAccount;
  }

  /** Minute `minute` of a call begins; false: the account has none left. Asking twice counts once. */
  minute(
    place: Place,
    minute: number,
    minutesPerDay: number,
  ): Promise<Result<boolean, MediaError>> {
    return this.#change<boolean>(KEYS.outdial('account', place.accountId), (record) => {
      const before = record.running[place.dialId]?.minutes ?? minute - 1;
      if (before >= minute) return { result: true };
      if (record.minutes >= minutesPerDay) return { result: false };
      const running = { ...record.running, [place.dialId]: this.#taken(place, minute) };
      return { next: { ...record, minutes: record.minutes + 1, running }, result: true };
    });
  }

  /** The call is over. Idempotent. */
  async release(place: {
    readonly dialId: CallId;
    readonly accountId: AccountId;
    readonly trunk: string;
  }): Promise<Result<void, MediaError>> {
    for (const key of [
      KEYS.outdial('account', place.accountId),
      KEYS.outdial('trunk', place.trunk),
    ]) {
      const done = await this.#change<void>(key, (record) =>
        Object.hasOwn(record.running, place.dialId)
          ? { next: without(record, place.dialId), result: undefined }
          : { result: undefined },
      );
      if (!done.ok) return done;
    }
    return ok(undefined);
  }

  /** All of them; who asks looks whether the calls are still wanted. */
  async taken(): Promise<Result<readonly Taken[], MediaError>> {
    const listed = await this.#options.store.list(PREFIXES.outdial);
    if (!listed.ok) return listed;
    const all = listed.value.flatMap(({ key, value }) => {
      const parsed = outdialRecord.safeParse(value);
      if (!parsed.success) return [];
      return Object.entries(parsed.data.running).flatMap(([dialId, one]): Taken[] => {
        const { conferenceId, atMs, vruId, vruStart } = one;
        if (conferenceId === undefined) return [];
        const holder = { vruId, vruStart };
        return [{ key, dialId: dialId as CallId, conferenceId, holder, atMs }];
      });
    });
    return ok(all);
  }

  /** Gives back one of `taken`. */
  free({ key, dialId }: Taken): Promise<Result<void, MediaError>> {
    // Written in any case: of a VRU that is gone it is left out of what was read already.
    return this.#change<void>(key, (record) => ({
      next: without(record, dialId),
      result: undefined,
    }));
  }

  #taken({ holder, untilMs, conferenceId }: Place, minutes: number): RunningCall {
    return { ...holder, untilMs, minutes, conferenceId, atMs: this.#options.clock.wallMs() };
  }

  async #change<T>(key: string, change: Change<T>): Promise<Result<T, MediaError>> {
    const { store } = this.#options;
    for (let race = 0; race < MAX_RACES; race++) {
      const entry = await store.get(key);
      if (!entry.ok) return entry;
      const { next, result } = change(await this.#current(entry.value?.value));
      if (next === undefined) return ok(result);
      const written = await store.compareAndSet(key, next, entry.value?.revision ?? 0);
      if (written.ok) return ok(result);
      if (written.error.code !== 'conflict') return written;
    }
    return fail(new MediaError('conflict', `${key} changes too quickly`));
  }

  /** Of today, without what can be nowhere any more. */
  async #current(value: unknown): Promise<OutdialRecord> {
    const { clock, living } = this.#options;
    const nowMs = clock.wallMs();
    const day = new Date(nowMs).toISOString().slice(0, 10);
    const parsed = outdialRecord.safeParse(value);
    if (!parsed.success) return { version: 1, day, calls: 0, minutes: 0, running: {} };
    const running: Record<string, OutdialRecord['running'][string]> = {};
    for (const [dialId, one] of Object.entries(parsed.data.running)) {
      if (one.untilMs > nowMs && (await living.vruOf(one))) running[dialId] = one;
    }
    const fresh = parsed.data.day === day ? {} : { day, calls: 0, minutes: 0 };
    return { ...parsed.data, ...fresh, running };
  }
}

type RunningCall = OutdialRecord['running'][string];
type Bound = readonly [limit: number, name: LimitName];

function take(
  record: OutdialRecord,
  dialId: CallId,
  call: RunningCall,
  limits: { readonly concurrent: Bound; readonly day: Bound },
): { readonly next?: OutdialRecord; readonly result: LimitName | undefined } {
  if (Object.hasOwn(record.running, dialId)) return { result: undefined };
  const [concurrent, concurrentName] = limits.concurrent;
  const [day, dayName] = limits.day;
  if (record.calls >= day) return { result: dayName };
  if (Object.keys(record.running).length >= concurrent) return { result: concurrentName };
  const running = { ...record.running, [dialId]: call };
  return { next: { ...record, calls: record.calls + 1, running }, result: undefined };
}

function without(record: OutdialRecord, dialId: CallId): OutdialRecord {
  const { [dialId]: _gone, ...running } = record.running;
  return { ...record, running };
}
