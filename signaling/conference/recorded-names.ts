/**
 * Names that callers have said at entry (R21). They lie in the store, so that every VRU and every
 * mixer can play them, under the call: a call keeps its name when it is moved to another conference,
 * and nobody keeps it when the call is over. 8-bit mu-law, so that five seconds at 16 kHz are 80 kB.
 */
import { z } from 'zod';
import type { MediaError } from '../../common/errors.ts';
import type { CallId } from '../../common/ids.ts';
import { ok, type Result } from '../../common/result.ts';
import type { Store } from '../../common/store/store.ts';
import { type Caller, callId, nodeId } from './messages.ts';
import { decodeMulaw, encodeMulaw } from './mulaw.ts';
import { KEYS } from './records.ts';

export interface RecordedName {
  readonly rateHz: 8000 | 16_000;
  readonly samples: Int16Array;
}

/** What is said beyond it is cut off. */
export const MAX_NAME_MS = 5_000;
const MAX_TEXT = Math.ceil((MAX_NAME_MS / 1_000) * 16_000 * (4 / 3)) + 4;

/** `name/CALL`. */
export const nameRecord = z.object({
  version: z.literal(1),
  callId,
  vruId: nodeId,
  vruStart: z.string().optional(),
  rateHz: z.union([z.literal(8000), z.literal(16_000)]),
  /** Base64 of mu-law (ITU-T G.711). */
  mulaw: z.string().max(MAX_TEXT),
});

export async function saveName(
  store: Store,
  caller: Pick<Caller, 'callId' | 'vruId' | 'vruStart'>,
  { rateHz, samples }: RecordedName,
): Promise<Result<void, MediaError>> {
  const { callId: id, vruId, vruStart } = caller;
  const kept = samples.subarray(0, (rateHz * MAX_NAME_MS) / 1_000);
  const mulaw = Buffer.from(encodeMulaw(kept)).toString('base64');
  const of = { callId: id, vruId, ...(vruStart === undefined ? {} : { vruStart }) };
  const written = await store.put(KEYS.name(id), { version: 1, ...of, rateHz, mulaw });
  return written.ok ? ok(undefined) : written;
}

/** Undefined: this caller has said none. */
export async function readName(
  store: Store,
  id: CallId,
): Promise<Result<RecordedName | undefined, MediaError>> {
  const entry = await store.get(KEYS.name(id));
  if (!entry.ok) return entry;
  const record = nameRecord.safeParse(entry.value?.value);
  if (!record.success) return ok(undefined);
  const { rateHz, mulaw } = record.data;
  return ok({ rateHz, samples: decodeMulaw(Buffer.from(mulaw, 'base64')) });
}

export function removeName(store: Store, id: CallId): Promise<Result<void, MediaError>> {
  return store.delete(KEYS.name(id));
}
