/**
 * Call detail records and conference records: documents derived from event logs and call ends, kept
 * for a time and never changed. Keys begin with the time, so that a page of them is one range read:
 * `call-record/MS-CALL` by end, `conference-record/MS-CONFERENCE` by end; `call-of/CALL` finds one call.
 */
import { z } from 'zod';
import type { CallId, ConferenceId } from '../../common/ids.ts';
import { DEPARTURES, ENDINGS } from '../conference/events.ts';
import { accountId, callId, conferenceId, nodeId, role } from '../conference/messages.ts';
import { callEnd } from './call-end.ts';

/** One stay of a call in one conference. */
export const seatRecord = z.object({
  conferenceId,
  accountId,
  ordinal: z.number().int(),
  role,
  /** A waiting room (E26). */
  temporary: z.boolean(),
  joinedAtMs: z.number(),
  leftAtMs: z.number(),
  /** `moved`: to the conference proper. */
  why: z.enum(DEPARTURES),
});
export type SeatRecord = z.infer<typeof seatRecord>;

export const OUTCOMES = [
  'conference',
  'waited',
  'refused',
  'abandoned',
  'served',
  'unanswered',
] as const;

export const callRecord = callEnd.extend({
  /**
   * `conference`: was in one. `waited`: gave up before the host came. `refused`: by a rule, before or
   * after the answer. `abandoned`: hung up before a code was taken. `served`: by another application.
   * `unanswered`: cancelled by the caller.
   */
  outcome: z.enum(OUTCOMES),
  accountId: accountId.nullable(),
  seats: z.array(seatRecord),
});
export type CallRecord = z.infer<typeof callRecord>;

export const conferenceSummaryRecord = z.object({
  version: z.literal(1),
  conferenceId,
  accountId,
  mixerClass: z.string(),
  /** In order; more than one: a mixer was lost. */
  mixers: z.array(nodeId),
  temporary: z.boolean(),
  createdAtMs: z.number(),
  endedAtMs: z.number(),
  endedBy: z.enum(ENDINGS),
  /** Conferees over the whole time. */
  conferees: z.number().int(),
  /** Most at once. */
  peak: z.number().int(),
  /** Time in the conference, summed over all conferees. */
  confereeMs: z.number(),
  /** Events in its log. */
  events: z.number().int(),
});
export type ConferenceSummaryRecord = z.infer<typeof conferenceSummaryRecord>;

/** `call-of/CALL`. */
export const callIndex = z.object({ version: z.literal(1), key: z.string(), callId });

export const CALL_RECORDS = 'call-record/';
export const CONFERENCE_RECORDS = 'conference-record/';
export const CALL_INDEX = 'call-of/';

/** 13 digits last until the year 2286; the order of keys is the order of time. */
export const timeWord = (ms: number): string =>
  String(Math.max(0, Math.floor(ms))).padStart(13, '0');

export const callRecordKey = (endedAtMs: number, id: CallId): string =>
  `${CALL_RECORDS}${timeWord(endedAtMs)}-${id}`;
export const conferenceRecordKey = (endedAtMs: number, id: ConferenceId): string =>
  `${CONFERENCE_RECORDS}${timeWord(endedAtMs)}-${id}`;

/** The time in a key under one of the prefixes. */
export const timeOfKey = (key: string): number =>
  Number(key.slice(key.indexOf('/') + 1, key.indexOf('/') + 14));
