/** Call records, conference records and refusals: what was, for bills, reports and the question why. */
import type { Records } from '../derived/record-search.ts';
import { refusalView } from '../derived/refusals.ts';
import type { Principal } from './auth.ts';
import { type Column, EXPORT_TYPES, formatOf, page } from './export.ts';
import { problem, reply } from './problem.ts';
import * as schemas from './record-schemas.ts';
import { callViewOf, conferenceRecordViewOf } from './record-schemas.ts';
import { json, type Route, route } from './route.ts';

type CallView = ReturnType<typeof callViewOf>;
type ConferenceView = ReturnType<typeof conferenceRecordViewOf>;

/** One call a line; of several conferences the last one, and how many there were. */
const CALL_COLUMNS: readonly Column<CallView>[] = [
  { name: 'call_id', value: (call) => call.callId },
  { name: 'sip_call_id', value: (call) => call.sipCallId },
  { name: 'direction', value: (call) => call.direction },
  { name: 'caller_number', value: (call) => call.callerNumber },
  { name: 'caller_name', value: (call) => call.callerName },
  { name: 'dnis', value: (call) => call.dnis },
  { name: 'trunk', value: (call) => call.trunk },
  { name: 'vru_id', value: (call) => call.vruId },
  { name: 'application', value: (call) => call.application },
  { name: 'account_id', value: (call) => call.accountId },
  { name: 'outcome', value: (call) => call.outcome },
  { name: 'reason', value: (call) => call.reason },
  { name: 'ended_by', value: (call) => call.endedBy },
  { name: 'sip_status', value: (call) => call.sipStatus },
  { name: 'started_at', value: (call) => call.startedAt },
  { name: 'answered_at', value: (call) => call.answeredAt },
  { name: 'ended_at', value: (call) => call.endedAt },
  { name: 'duration_ms', value: (call) => call.durationMs },
  { name: 'conferences', value: (call) => call.seats.length },
  { name: 'conference_id', value: (call) => call.seats.at(-1)?.conferenceId },
  { name: 'ordinal', value: (call) => call.seats.at(-1)?.ordinal },
  { name: 'role', value: (call) => call.seats.at(-1)?.role },
  { name: 'joined_at', value: (call) => call.seats.at(-1)?.joinedAt },
  { name: 'left_at', value: (call) => call.seats.at(-1)?.leftAt },
  { name: 'codec', value: (call) => call.media?.codec },
  { name: 'packets_received', value: (call) => call.media?.packetsReceived },
  { name: 'packets_lost', value: (call) => call.media?.packetsLost },
  { name: 'packets_discarded', value: (call) => call.media?.packetsDiscarded },
  { name: 'burst_density', value: (call) => call.media?.burstDensity },
  { name: 'burst_ms', value: (call) => call.media?.burstMs },
  { name: 'gap_density', value: (call) => call.media?.gapDensity },
  { name: 'gap_ms', value: (call) => call.media?.gapMs },
  { name: 'jitter_ms', value: (call) => call.media?.jitterMs },
  { name: 'delay_ms', value: (call) => call.media?.delayMs },
  { name: 'round_trip_ms', value: (call) => call.media?.roundTripMs },
  { name: 'r_factor', value: (call) => call.media?.rFactor },
  { name: 'mos', value: (call) => call.media?.mos },
];

const CONFERENCE_COLUMNS: readonly Column<ConferenceView>[] = [
  { name: 'conference_id', value: (one) => one.conferenceId },
  { name: 'account_id', value: (one) => one.accountId },
  { name: 'mixer_class', value: (one) => one.mixerClass },
  { name: 'mixers', value: (one) => one.mixers.join(' ') },
  { name: 'temporary', value: (one) => one.temporary },
  { name: 'created_at', value: (one) => one.createdAt },
  { name: 'ended_at', value: (one) => one.endedAt },
  { name: 'duration_ms', value: (one) => one.durationMs },
  { name: 'ended_by', value: (one) => one.endedBy },
  { name: 'conferees', value: (one) => one.conferees },
  { name: 'peak', value: (one) => one.peak },
  { name: 'conferee_ms', value: (one) => one.confereeMs },
];

const time = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Date.parse(text);

/** A host sees the own account, whatever was asked for. */
function accountFor(principal: Principal | undefined, asked: string | undefined) {
  return principal?.scopes.includes('admin') === true ? asked : (principal?.accountId ?? '');
}

interface SpanQuery {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly after?: string | undefined;
  readonly limit: number;
}

export const spanOf = ({ from, to, after, limit }: SpanQuery) => ({
  fromMs: time(from),
  toMs: time(to),
  after,
  limit,
});

export function recordRoutes(records: Records): readonly Route[] {
  const shared = { method: 'GET', tag: 'records', status: 200 } as const;
  return [
    route({
      ...shared,
      path: '/api/v1/call-records',
      scope: 'host',
      summary: 'Ended calls, the newest first; for a host those of the account',
      query: schemas.callQuery,
      response: schemas.callViews,
      otherTypes: EXPORT_TYPES,
      handle: async ({ query, principal, request }) => {
        const { caller, dnis, callId, reason, outcome, conference: conferenceId } = query;
        const accountId = accountFor(principal, query.account);
        const filter = { accountId, caller, dnis, callId, reason, outcome, conferenceId };
        return reply(await records.calls(filter, spanOf(query)), ({ items, next }) => {
          const views = { items: items.map(callViewOf), next };
          return page(request, views, formatOf(query.format, request), CALL_COLUMNS);
        });
      },
    }),
    route({
      ...shared,
      path: '/api/v1/call-records/{callId}',
      scope: 'host',
      summary: 'One ended call',
      params: schemas.callPath,
      response: schemas.callView,
      handle: async ({ params, principal }) =>
        reply(await records.call(params.callId), (found) => {
          const own = accountFor(principal, undefined);
          const isForeign = own !== undefined && found?.accountId !== own;
          return found === undefined || isForeign
            ? problem('not-found', `there is no record of a call ${params.callId}`)
            : json(200, callViewOf(found));
        }),
    }),
    route({
      ...shared,
      path: '/api/v1/conference-records',
      scope: 'host',
      summary: 'Ended conferences, the newest first; for a host those of the account',
      query: schemas.conferenceRecordQuery,
      response: schemas.conferenceRecordViews,
      otherTypes: EXPORT_TYPES,
      handle: async ({ query, principal, request }) => {
        const accountId = accountFor(principal, query.account);
        const filter = { accountId, conferenceId: query.conference };
        return reply(await records.conferences(filter, spanOf(query)), ({ items, next }) => {
          const views = { items: items.map(conferenceRecordViewOf), next };
          return page(request, views, formatOf(query.format, request), CONFERENCE_COLUMNS);
        });
      },
    }),
    route({
      ...shared,
      path: '/api/v1/refusals',
      scope: 'admin',
      summary: 'Calls that were refused, the newest first: by which rule, and what to do',
      query: schemas.refusalQuery,
      response: schemas.refusalList,
      handle: async ({ query, request }) => {
        const { caller, dnis, callId, reason, account: accountId } = query;
        const filter = { accountId, caller, dnis, callId, reason, refused: true };
        return reply(await records.calls(filter, spanOf(query)), ({ items, next }) =>
          page(request, { items: items.map(refusalView), next }),
        );
      },
    }),
  ];
}
