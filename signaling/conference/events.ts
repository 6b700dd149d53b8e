/**
 * The numbered event log of a conference, the single truth about it. The roster, the page, the
 * WebSocket, notifications and call detail records are all derived from it; a reader resumes from a
 * number. One store document holds the events of one decision, so that they count together or not
 * at all; its key carries the number of the first.
 */
import { z } from 'zod';
import type { MediaError } from '../../common/errors.ts';
import type { ConferenceId } from '../../common/ids.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { Store, Watch } from '../../common/store/store.ts';
import { dialState } from './dial-messages.ts';
import {
  accountId,
  asker,
  caller,
  callId,
  confereeId,
  conferenceId,
  nodeId,
  role,
  talkMode,
} from './messages.ts';
import { KEYS } from './records.ts';

const ordinal = z.number().int().positive();

export const DEPARTURES = [
  'hangup',
  'key',
  'lost',
  'deleted',
  'ended',
  'moved',
  'refused',
] as const;
export const ENDINGS = [
  /** The last conferee left. */
  'empty',
  'host-ended',
  'operator-ended',
  /** The last host left, by the account's policy (R28). */
  'host-left',
  /** A waiting room whose people have moved to the conference proper. */
  'superseded',
  /** The account's limit. */
  'time-limit',
  /** Everybody in it was lost. */
  'lost',
  /** Another server's conference of the same account came first. */
  'not-established',
] as const;

export const conferenceEvent = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('created'),
    accountId,
    code: z.string(),
    mixerId: nodeId,
    mixerAddress: z.string(),
    mixerClass: z.string(),
    /** Tells earlier from later conferences of the account (serials.ts). */
    serial: z.number().int().optional(),
    temporary: z.boolean(),
  }),
  z.object({
    kind: z.literal('joined'),
    ordinal,
    confereeId,
    role,
    caller,
    from: z.enum(['call', 'waiting', 'mingle', 'dial']),
    /** The request that brought the caller, so that a retry finds the same place. */
    requestId: z.string(),
  }),
  z.object({ kind: z.literal('left'), ordinal, confereeId, why: z.enum(DEPARTURES) }),
  /** To the conference proper, from a waiting room (E26). */
  z.object({ kind: z.literal('moved'), ordinal, confereeId, to: conferenceId }),
  z.object({ kind: z.literal('deleted'), ordinal, confereeId }),
  /** Mute is separate bits: one's own, the host's, and the mode of the conference. */
  z.object({
    kind: z.literal('muted'),
    ordinal,
    bit: z.enum(['self', 'host']),
    muted: z.boolean(),
  }),
  z.object({ kind: z.literal('muted-all'), muted: z.boolean() }),
  z.object({ kind: z.literal('mode'), mode: talkMode }),
  z.object({ kind: z.literal('hand'), ordinal, raised: z.boolean() }),
  /** `succession`: the last host left, and the account says that the conference gets another. */
  z.object({
    kind: z.literal('role'),
    ordinal,
    role,
    why: z.enum(['made', 'succession']).optional(),
  }),
  z.object({ kind: z.literal('held'), ordinal, held: z.boolean() }),
  z.object({ kind: z.literal('operator-called'), ordinal }),
  /** `file`: below the mixer's folder for recordings. */
  z.object({
    kind: z.literal('recording'),
    on: z.boolean(),
    mixerId: nodeId,
    file: z.string().optional(),
  }),
  /** Into a sub-conference; 0: back. */
  z.object({ kind: z.literal('sub-conference'), ordinal, sub: z.number().int().min(0) }),
  z.object({ kind: z.literal('locked'), locked: z.boolean() }),
  z.object({
    kind: z.literal('mixer-replaced'),
    lost: nodeId,
    mixerId: nodeId,
    mixerAddress: z.string(),
  }),
  /** The last host left; it ends then unless one returns (R28). */
  z.object({ kind: z.literal('grace-started'), endAtMs: z.number() }),
  /** Its conferees were told how long it will still last. */
  z.object({ kind: z.literal('warned'), endAtMs: z.number(), leftMs: z.number() }),
  /** A waiting room that takes nobody more, as its people are about to move; null: it does again. */
  z.object({ kind: z.literal('superseded'), by: conferenceId.nullable() }),
  /** Somebody is called for the conference, or how that goes (R26). */
  z.object({
    kind: z.literal('dial'),
    dialId: callId,
    state: dialState,
    /** With the first event of a call. */
    number: z.string().optional(),
    name: z.string().optional(),
    trunk: z.string().optional(),
    confirm: z.boolean().optional(),
    /** The host talks to the called person first. */
    consult: z.boolean().optional(),
    vruId: nodeId.optional(),
    vruStart: z.string().optional(),
    /** With `joined`. */
    ordinal: ordinal.optional(),
  }),
  z.object({
    kind: z.literal('ended'),
    why: z.enum(ENDINGS),
    /** What becomes of those who are in it. */
    others: z.enum(['release', 'wait', 'nothing']),
  }),
]);
export type ConferenceEvent = z.infer<typeof conferenceEvent>;

/** `event/CONFERENCE/NUMBER`. */
export const eventDocument = z.object({
  version: z.literal(1),
  /** Of the first event; the others follow without a gap. */
  number: z.number().int().positive(),
  atMs: z.number(),
  /** The request that led to it, so that it has its effect once. */
  requestId: z.string().optional(),
  /** Who asked: an ordinal, or by name somebody outside; `operator`: one without a name. */
  by: z.union([ordinal, z.literal('operator'), asker]).optional(),
  events: z.array(conferenceEvent).min(1),
});
export type EventDocument = z.infer<typeof eventDocument>;

/** One event as published on SUBJECTS.events and as readers of the log get it. */
export const numberedEvent = z.object({
  conferenceId,
  number: z.number().int().positive(),
  atMs: z.number(),
  by: eventDocument.shape.by,
  event: conferenceEvent,
});
export type NumberedEvent = z.infer<typeof numberedEvent>;

export function numbered(id: ConferenceId, document: EventDocument): NumberedEvent[] {
  const { atMs, by } = document;
  return document.events.map((event, index) => ({
    conferenceId: id,
    number: document.number + index,
    atMs,
    ...(by === undefined ? {} : { by }),
    // A code lets people in: it stays in the store and goes to no reader of events.
    event: event.kind === 'created' ? { ...event, code: '' } : event,
  }));
}

/** Every event from `from` on. */
export async function readEvents(
  store: Store,
  id: ConferenceId,
  from = 1,
): Promise<Result<readonly NumberedEvent[], MediaError>> {
  const entries = await store.list(KEYS.events(id));
  if (!entries.ok) return fail(entries.error);
  const events = entries.value.flatMap((entry) => {
    const document = eventDocument.safeParse(entry.value);
    return document.success ? numbered(id, document.data) : [];
  });
  return ok(events.filter(({ number }) => number >= from));
}

/** Every event from `from` on, past and future, each once and in order. */
export function followEvents(
  store: Store,
  id: ConferenceId,
  from: number,
  onEvent: (event: NumberedEvent) => void,
): Promise<Watch> {
  let next = from;
  return store.watch(KEYS.events(id), (change) => {
    if (change.kind === 'delete') return;
    const document = eventDocument.safeParse(change.value);
    if (!document.success) return;
    for (const event of numbered(id, document.data)) {
      if (event.number < next) continue;
      next = event.number + 1;
      onEvent(event);
    }
  });
}
