/**
 * Finds records, newest first. A search reads at most SCANNED documents and then hands out the place
 * where it stopped, so that one question with a rare answer never holds up the process: a page may
 * be short, also empty, and is the last one only when there is no `next`.
 */
import type { z } from 'zod';
import type { Clock } from '../../common/clock.ts';
import type { MediaError } from '../../common/errors.ts';
import type { CallId } from '../../common/ids.ts';
import { ok, type Result } from '../../common/result.ts';
import type { Store } from '../../common/store/store.ts';
import {
  CALL_INDEX,
  CALL_RECORDS,
  type CallRecord,
  CONFERENCE_RECORDS,
  type ConferenceSummaryRecord,
  callIndex,
  callRecord,
  conferenceSummaryRecord,
  timeOfKey,
  timeWord,
} from './records.ts';
import { wasRefused } from './refusals.ts';

const SCANNED = 5_000;
/** Read between two turns of everybody else; about a millisecond. */
const READ_AT_ONCE = 200;

export interface Span {
  /** Ended not before. */
  readonly fromMs?: number | undefined;
  /** Ended before. */
  readonly toMs?: number | undefined;
  /** `next` of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface Found<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export interface CallFilter {
  readonly accountId?: string | undefined;
  /** Whole, or a prefix that ends in `*`. */
  readonly caller?: string | undefined;
  readonly dnis?: string | undefined;
  readonly conferenceId?: string | undefined;
  /** Ours, or the Call-ID of SIP. */
  readonly callId?: string | undefined;
  readonly outcome?: string | undefined;
  readonly reason?: string | undefined;
  /** Only calls that some rule refused, at last or on the way (refusals.ts). */
  readonly refused?: boolean | undefined;
}

export interface ConferenceFilter {
  readonly accountId?: string | undefined;
  readonly conferenceId?: string | undefined;
}

type Reply<T> = Promise<Result<T, MediaError>>;

export interface Records {
  calls(filter: CallFilter, span: Span): Reply<Found<CallRecord>>;
  call(id: CallId): Reply<CallRecord | undefined>;
  conferences(filter: ConferenceFilter, span: Span): Reply<Found<ConferenceSummaryRecord>>;
}

export function openRecords(store: Store, clock: Clock): Records {
  const parts = { store, clock };
  return {
    calls: (filter, span) =>
      searchByTime(parts, CALL_RECORDS, callRecord, span, (record) => fits(record, filter)),
    async call(id) {
      // Any text may come here, and most of it is no key.
      if (!/^[A-Za-z0-9_-]{1,128}$/.test(id)) return ok(undefined);
      const index = await store.get(`${CALL_INDEX}${id}`);
      if (!index.ok) return index;
      const found = callIndex.safeParse(index.value?.value);
      if (!found.success) return ok(undefined);
      const entry = await store.get(found.data.key);
      return entry.ok ? ok(callRecord.safeParse(entry.value?.value).data) : entry;
    },
    conferences: ({ accountId, conferenceId }, span) =>
      searchByTime(parts, CONFERENCE_RECORDS, conferenceSummaryRecord, span, (record) =>
        both(conferenceId, record.conferenceId, accountId, record.accountId),
      ),
  };
}

const both = (wantedA: string | undefined, a: string, wantedB: string | undefined, b: string) =>
  (wantedA === undefined || wantedA === a) && (wantedB === undefined || wantedB === b);

/** Of documents under keys that begin with their time (records.ts). */
export async function searchByTime<T>(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  prefix: string,
  schema: z.ZodType<T>,
  { fromMs = 0, toMs, after, limit }: Span,
  wanted: (record: T) => boolean,
): Reply<Found<T>> {
  const items: T[] = [];
  let last = after ?? (toMs === undefined ? undefined : timeWord(toMs));
  for (let scanned = 0; scanned < SCANNED; ) {
    const position = last === undefined ? undefined : `${prefix}${last}`;
    const page = await store.page(prefix, { limit: READ_AT_ONCE, after: position, reverse: true });
    if (!page.ok) return page;
    for (const { key, value } of page.value) {
      if (timeOfKey(key) < fromMs) return ok({ items, next: null });
      const record = schema.safeParse(value);
      if (record.success && wanted(record.data)) {
        // One more than asked for is there, so there is a next page.
        if (items.length === limit) return ok({ items, next: last ?? null });
        items.push(record.data);
      }
      last = key.slice(prefix.length);
    }
    scanned += page.value.length;
    if (page.value.length < READ_AT_ONCE) return ok({ items, next: null });
    await clock.sleep(0);
  }
  return ok({ items, next: last ?? null });
}

function fits(record: CallRecord, filter: CallFilter): boolean {
  const { accountId, caller, dnis, conferenceId, callId, outcome, reason } = filter;
  const isOf = ({ seats }: CallRecord, id: string): boolean =>
    seats.some((seat) => seat.accountId === id) || record.accountId === id;
  return (
    (accountId === undefined || isOf(record, accountId)) &&
    (caller === undefined || matches(record.callerNumber, caller)) &&
    (dnis === undefined || matches(record.dnis, dnis)) &&
    (callId === undefined || record.callId === callId || record.sipCallId === callId) &&
    (outcome === undefined || record.outcome === outcome) &&
    (filter.refused !== true || wasRefused(record)) &&
    (reason === undefined || reasonsOf(record).includes(reason)) &&
    (conferenceId === undefined || record.seats.some((seat) => seat.conferenceId === conferenceId))
  );
}

const reasonsOf = (record: CallRecord): readonly (string | undefined)[] => [
  record.reason,
  record.reason.replace(/^refused-/, ''),
  ...record.decisions.map((decision) => decision.reason),
];

const matches = (text: string, wanted: string): boolean =>
  wanted.endsWith('*') ? text.startsWith(wanted.slice(0, -1)) : text === wanted;
