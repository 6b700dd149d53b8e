/** Call records, conference records and refusals as the API gives them: times as ISO 8601 texts. */
import { z } from 'zod';
import { DEPARTURES, ENDINGS } from '../conference/events.ts';
import { legMedia } from '../conference/leg-media.ts';
import { callId } from '../conference/messages.ts';
import type { CallRecord, ConferenceSummaryRecord } from '../derived/records.ts';
import { OUTCOMES } from '../derived/records.ts';

const text = z.string().max(128);
const moment = z.iso.datetime({ offset: true });
const next = z
  .string()
  .nullable()
  .describe(
    '`after` of the next page, also in the Link header; null: this was the last. A page may be short or empty although there is a next: a search reads 5,000 records at a time.',
  );

export const span = {
  from: moment.optional().describe('Ended at this time or later (ISO 8601).'),
  to: moment.optional().describe('Ended before this time.'),
  after: text.optional().describe('`next` of the page before.'),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
};
const format = z
  .enum(['json', 'csv', 'jsonl'])
  .optional()
  .describe('Default: what Accept asks for (text/csv, application/x-ndjson), else json.');

const callFilter = {
  account: text.optional(),
  caller: text.optional().describe('Calling number; a prefix ends in `*`.'),
  dnis: text.optional().describe('Dialled number; a prefix ends in `*`.'),
  callId: z.string().max(256).optional().describe('Ours, or the Call-ID of SIP.'),
  reason: text.optional(),
};
export const callQuery = z.object({
  ...callFilter,
  conference: text.optional(),
  outcome: z.enum(OUTCOMES).optional(),
  ...span,
  format,
});
export const refusalQuery = z.object({ ...callFilter, ...span });
export const conferenceRecordQuery = z.object({
  account: text.optional(),
  conference: text.optional(),
  ...span,
  format,
});
export const callPath = z.object({ callId });

export const seatView = z.object({
  conferenceId: z.string(),
  accountId: z.string(),
  ordinal: z.number().int(),
  role: z.string(),
  temporary: z.boolean().describe('A waiting room, before the host came.'),
  joinedAt: z.iso.datetime(),
  leftAt: z.iso.datetime(),
  why: z.enum(DEPARTURES),
});

export const callView = z.object({
  callId: z.string(),
  sipCallId: z.string().describe('Call-ID of SIP, as gateways have it.'),
  direction: z.enum(['in', 'out']),
  callerNumber: z.string(),
  callerName: z.string().optional(),
  dnis: z.string(),
  trunk: z.string().describe('Host that the call came from.'),
  vruId: z.string(),
  application: z.string().nullable(),
  accountId: z.string().nullable(),
  outcome: z.enum(OUTCOMES),
  reason: z.string().describe('Such as hangup, refused-locked, max-calls.'),
  endedBy: z.enum(['caller', 'system', 'network']),
  sipStatus: z.number().int().optional().describe('Of a call that was not answered.'),
  startedAt: z.iso.datetime(),
  answeredAt: z.iso.datetime().nullable(),
  endedAt: z.iso.datetime(),
  durationMs: z.number().describe('From the answer to the end; 0 without an answer.'),
  seats: z.array(seatView).describe('Each conference that the call was in, in order.'),
  media: legMedia
    .nullable()
    .describe('As the leg to the caller has measured it (RFC 3550, RFC 3611).'),
});
export const callViews = z.object({ items: z.array(callView), next });

export const conferenceRecordView = z.object({
  conferenceId: z.string(),
  accountId: z.string(),
  mixerClass: z.string(),
  mixers: z.array(z.string()).describe('More than one: a mixer was lost.'),
  temporary: z.boolean(),
  createdAt: z.iso.datetime(),
  endedAt: z.iso.datetime(),
  durationMs: z.number(),
  endedBy: z.enum(ENDINGS),
  conferees: z.number().int().describe('Over the whole time.'),
  peak: z.number().int().describe('Most at once.'),
  confereeMs: z.number().describe('Time in the conference, over all conferees.'),
  events: z.number().int(),
});
export const conferenceRecordViews = z.object({ items: z.array(conferenceRecordView), next });

export const refusal = z.object({
  callId: z.string(),
  sipCallId: z.string(),
  at: z.iso.datetime(),
  callerNumber: z.string(),
  callerName: z.string().optional(),
  dnis: z.string(),
  trunk: z.string(),
  accountId: z.string().nullable(),
  vruId: z.string(),
  reason: z.string().describe('Name of the rule; stable.'),
  sipStatus: z.number().int().optional(),
  meaning: z.string().describe('What the rule says.'),
  remedy: z.string().describe('What to do.'),
  decisions: z.array(
    z.object({ at: z.iso.datetime(), kind: z.string(), reason: z.string().optional() }),
  ),
});
export const refusalList = z.object({ items: z.array(refusal), next });

const iso = (ms: number): string => new Date(ms).toISOString();

export function callViewOf(record: CallRecord): z.infer<typeof callView> {
  const { startedAtMs, answeredAtMs, endedAtMs, seats } = record;
  return {
    callId: record.callId,
    sipCallId: record.sipCallId,
    direction: record.direction,
    callerNumber: record.callerNumber,
    ...(record.callerName === undefined ? {} : { callerName: record.callerName }),
    dnis: record.dnis,
    trunk: record.trunk,
    vruId: record.vruId,
    application: record.application ?? null,
    accountId: record.accountId,
    outcome: record.outcome,
    reason: record.reason,
    endedBy: record.endedBy,
    ...(record.sipStatus === undefined ? {} : { sipStatus: record.sipStatus }),
    startedAt: iso(startedAtMs),
    answeredAt: answeredAtMs === null ? null : iso(answeredAtMs),
    endedAt: iso(endedAtMs),
    durationMs: answeredAtMs === null ? 0 : Math.max(0, endedAtMs - answeredAtMs),
    seats: seats.map(({ joinedAtMs, leftAtMs, ...seat }) => ({
      ...seat,
      joinedAt: iso(joinedAtMs),
      leftAt: iso(leftAtMs),
    })),
    media: record.media,
  };
}

export function conferenceRecordViewOf(
  record: ConferenceSummaryRecord,
): z.infer<typeof conferenceRecordView> {
  const { version: _, createdAtMs, endedAtMs, ...rest } = record;
  return {
    ...rest,
    createdAt: iso(createdAtMs),
    endedAt: iso(endedAtMs),
    durationMs: Math.max(0, endedAtMs - createdAtMs),
  };
}
