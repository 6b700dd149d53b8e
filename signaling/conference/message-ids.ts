/** What messages, events and records of the conference management system name things with. */
import { z } from 'zod';
import type { AccountId, CallId, ConfereeId, ConferenceId, NodeId } from '../../common/ids.ts';

const branded = <T extends string>() => z.string().min(1).max(128) as unknown as z.ZodType<T>;
export const accountId = branded<AccountId>();
export const callId = branded<CallId>();
export const conferenceId = branded<ConferenceId>();
export const confereeId = branded<ConfereeId>();
export const nodeId = branded<NodeId>();
export const requestId = z.string().min(8).max(64);

export const caller = z.object({
  vruId: nodeId,
  callId,
  callerNumber: z.string().max(128),
  callerName: z.string().max(128).optional(),
  dnis: z.string().max(128),
  /** Made anew each time the VRU starts, so that calls of an earlier run are not taken for living ones. */
  vruStart: z.string().max(64).optional(),
});
export type Caller = z.infer<typeof caller>;

/**
 * Who asked from outside of the conference, by name: `operator TOKEN` or `host of ACCOUNT`. For the
 * log and for people; nothing is decided by it.
 */
export const asker = z.string().regex(/^(operator|host of) [A-Za-z0-9_.-]{1,128}$/);
