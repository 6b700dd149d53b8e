/** From the end of a call and its seats to its record: pure. */
import type { CallEnd } from './call-end.ts';
import type { Stay } from './conference-fold.ts';
import type { CallRecord, SeatRecord } from './records.ts';

export function recordOf(end: CallEnd, stays: readonly Stay[]): CallRecord {
  const seats = stays.map(({ seat, opened }): SeatRecord => {
    // The departure never came into the log before the record was due: the end of the call is it.
    return seat ?? { ...opened, leftAtMs: end.endedAtMs, why: 'hangup' };
  });
  const decided = end.decisions.findLast(({ accountId }) => accountId !== undefined);
  return {
    ...end,
    outcome: outcomeOf(end, seats),
    accountId: seats.at(-1)?.accountId ?? decided?.accountId ?? null,
    seats,
  };
}

function outcomeOf(end: CallEnd, seats: readonly SeatRecord[]): CallRecord['outcome'] {
  if (seats.some(({ temporary }) => !temporary)) return 'conference';
  if (seats.length > 0) return 'waited';
  if (end.reason.startsWith('refused-')) return 'refused';
  if (end.answeredAtMs === null) return end.reason === 'cancelled' ? 'unanswered' : 'refused';
  if (end.decisions.some(({ kind }) => kind === 'waiting')) return 'waited';
  return end.application === 'conference' ? 'abandoned' : 'served';
}
