/**
 * What a VRU writes down when a call is over, `call-end/CALL`. The recorder (recorder.ts) joins it
 * with the seats that the event logs tell of, makes a call record of both and deletes it; one that
 * a crash leaves behind is taken at the next start.
 */
import { z } from 'zod';
import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/log.ts';
import type { Metrics } from '../../common/metrics.ts';
import type { Store } from '../../common/store/store.ts';
import { legMedia } from '../conference/leg-media.ts';
import { accountId, applicationName, callId, nodeId, refusal } from '../conference/messages.ts';
import { Lanes } from './lanes.ts';

/** What was decided about a call on its way in, in order. */
export const entryDecision = z.object({
  atMs: z.number(),
  kind: z.enum(['code-refused', 'refused', 'waiting', 'entered']),
  /** Of a refusal. */
  reason: refusal.optional(),
  /** Once a valid code has told it. */
  accountId: accountId.optional(),
});
export type EntryDecision = z.infer<typeof entryDecision>;

export const callEnd = z.object({
  version: z.literal(1),
  callId,
  vruId: nodeId,
  /** From outside, or dialled by us. */
  direction: z.enum(['in', 'out']),
  /** The Call-ID of SIP, as gateways and traces have it. */
  sipCallId: z.string().max(256),
  /** Host that the call came from. */
  trunk: z.string().max(128),
  callerNumber: z.string().max(128),
  callerName: z.string().max(128).optional(),
  dnis: z.string().max(128),
  /** The last one that served the call; absent when none did. */
  application: applicationName.optional(),
  startedAtMs: z.number(),
  answeredAtMs: z.number().nullable(),
  endedAtMs: z.number(),
  endedBy: z.enum(['caller', 'system', 'network']),
  /** Such as `hangup`, `refused-locked`, `max-calls`. */
  reason: z.string().max(128),
  /** Of a call that was not answered. */
  sipStatus: z.number().int().optional(),
  /** As the leg of the VRU has measured it. */
  media: legMedia.nullable(),
  decisions: z.array(entryDecision).max(64),
});
export type CallEnd = z.infer<typeof callEnd>;

export const CALL_ENDS = 'call-end/';

/** Ends that wait for the store; more than these are lost, and counted. */
const WAITING = 20_000;
const AT_ONCE = 64;
const TRIES = 5;

export type CallEndWriter = (end: CallEnd) => void;

/** A call waits for nothing; a store that is busy gets its end a little later. */
export function createCallEndWriter(options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}): CallEndWriter {
  const { store, clock, log } = options;
  const lost = options.metrics.counter(
    'minusone_call_records_lost_total',
    'Ended calls without a record, because the store refused it.',
  );
  const lanes = new Lanes(AT_ONCE);
  const write = async (end: CallEnd): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      const written = await store.put(`${CALL_ENDS}${end.callId}`, end);
      if (written.ok) return;
      if (attempt < TRIES && written.error.retry) {
        await clock.sleep(100 * 2 ** attempt);
        continue;
      }
      lost.add();
      log.error({ callId: end.callId, error: written.error.code }, 'no call record');
      return;
    }
  };
  return (end) => {
    if (lanes.depth < WAITING) lanes.run(() => write(end));
    else lost.add();
  };
}
