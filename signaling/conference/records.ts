/**
 * The documents of the conference management system in the Store: keys and shapes. Documents are
 * input from outside the role that reads them (another version may have written them), so each has
 * a schema and a version field.
 *
 * The truth about one conference is its event log `event/CONFERENCE/NUMBER` (conference-log.ts).
 * `conference/ID` is what the log adds up to, for readers that must be quick: a VRU checking the
 * lock, a list on a page. `active/ACCOUNT` and `mingle/ACCOUNT` are the guards: whoever creates the
 * key creates the conference.
 */
import { z } from 'zod';
import type { AccountId, CallId, ConferenceId, NodeId } from '../../common/ids.ts';
import {
  accountId,
  caller,
  conferenceId,
  nodeId,
  role,
  serviceReply,
  talkMode,
} from './messages.ts';

const pad = (number: number): string => String(number).padStart(8, '0');

export const KEYS = {
  account: (id: AccountId): string => `account/${id}`,
  code: (digits: string): string => `code/${digits}`,
  dnis: (dnis: string): string => `dnis/${keyWord(dnis)}`,
  active: (id: AccountId): string => `active/${id}`,
  mingle: (id: AccountId): string => `mingle/${id}`,
  serial: (id: AccountId): string => `serial/${id}`,
  conference: (id: ConferenceId): string => `conference/${id}`,
  /** `number`: of the first event in the document. */
  event: (id: ConferenceId, number: number): string => `event/${id}/${pad(number)}`,
  events: (id: ConferenceId): string => `event/${id}/`,
  waiting: (id: AccountId, seq: number): string => `waiting/${id}/${pad(seq)}`,
  waitingOf: (id: AccountId): string => `waiting/${id}/`,
  ended: (id: ConferenceId): string => `ended/${id}`,
  /** What a service request was answered (answers.ts). */
  answer: (requestId: string): string => `answer/${keyWord(requestId)}`,
  /** What the caller of this call said as its name (recorded-names.ts). */
  name: (id: CallId): string => `name/${keyWord(id)}`,
  mixer: (id: NodeId): string => `mixer/${id}`,
  vru: (id: NodeId): string => `vru/${id}`,
  interfaceServer: (id: NodeId): string => `interface/${id}`,
  /** `who`: an account or a trunk. */
  outdial: (kind: 'account' | 'trunk', who: string): string => `outdial/${kind}/${who}`,
} as const;

/** Every prefix under which KEYS puts documents. */
export const PREFIXES = {
  account: 'account/',
  code: 'code/',
  dnis: 'dnis/',
  active: 'active/',
  mingle: 'mingle/',
  conference: 'conference/',
  waiting: 'waiting/',
  ended: 'ended/',
  answer: 'answer/',
  name: 'name/',
  mixer: 'mixer/',
  vru: 'vru/',
  interfaceServer: 'interface/',
  outdial: 'outdial/',
} as const;

/** Any text as one word of a store key: what a key may not have is written `_` and two hex digits a byte. */
export function keyWord(text: string): string {
  let word = '';
  for (const byte of new TextEncoder().encode(text)) {
    const character = String.fromCharCode(byte);
    word += /[A-Za-z0-9-]/.test(character) ? character : `_${byte.toString(16).padStart(2, '0')}`;
  }
  return word;
}

/** `code/DIGITS`. */
export const codeRecord = z.object({ version: z.literal(1), accountId, role });
export type CodeRecord = z.infer<typeof codeRecord>;

/** `active/ACCOUNT` and `mingle/ACCOUNT`. */
export const guardRecord = z.object({
  version: z.literal(1),
  conferenceId,
  createdAtMs: z.number(),
  /** The interface server that creates it. When that one dies first, the guard is void. */
  by: nodeId,
  /** Its log has begun, so that it is a conference and not only the intention of one. */
  established: z.boolean(),
});
export type GuardRecord = z.infer<typeof guardRecord>;

/** `serial/ACCOUNT` (serials.ts). */
export const serialRecord = z.object({ version: z.literal(1), last: z.number().int() });

/** `conference/ID`: code, conference id and mixer id are here before audio is connected (R4). */
export const conferenceRecord = z.object({
  version: z.literal(1),
  conferenceId,
  accountId,
  /** The code with which it was created. */
  code: z.string(),
  mixerId: nodeId,
  mixerAddress: z.string(),
  mixerClass: z.string(),
  temporary: z.boolean(),
  locked: z.boolean(),
  mutedAll: z.boolean(),
  mode: talkMode.default('open'),
  nextOrdinal: z.number().int().positive(),
  size: z.number().int(),
  hosts: z.number().int(),
  /** Wall time at which it ends unless a host returns (R28). */
  endAtMs: z.number().nullable(),
  createdAtMs: z.number(),
  /** Number of the last event that is in here. */
  number: z.number().int(),
});
export type ConferenceRecord = z.infer<typeof conferenceRecord>;

/** `waiting/ACCOUNT/SEQ`, in order of arrival. */
export const waitingRecord = z.object({
  version: z.literal(1),
  waitingId: z.string(),
  seq: z.number().int(),
  /** The request that made it, so that a retry finds it again. */
  requestId: z.string(),
  code: z.string(),
  role,
  caller,
  atMs: z.number(),
});
export type WaitingRecord = z.infer<typeof waitingRecord>;

/** `ended/ID`: the log of this conference is kept until then. */
export const endedRecord = z.object({
  version: z.literal(1),
  conferenceId,
  accountId,
  endedAtMs: z.number(),
});

/** `answer/REQUEST`, which goes by itself. */
export const answerRecord = z.object({ version: z.literal(1), reply: serviceReply });

/** `outdial/account/ID` and `outdial/trunk/NAME`: what is called out now and was today (dial-ledger.ts). */
export const outdialRecord = z.object({
  version: z.literal(1),
  /** UTC, `2026-11-21`. */
  day: z.string(),
  calls: z.number().int(),
  minutes: z.number().int(),
  running: z.record(
    z.string(),
    z.object({
      vruId: nodeId,
      vruStart: z.string(),
      /** Nothing of it can be left after this wall time. */
      untilMs: z.number(),
      /** Charged so far. */
      minutes: z.number().int(),
      /** For which conference it was taken, and when: whether anybody still wants the call. */
      conferenceId: conferenceId.optional(),
      atMs: z.number().default(0),
    }),
  ),
});
export type OutdialRecord = z.infer<typeof outdialRecord>;

/** Lease `vru/ID`. */
export const vruRecord = z.object({
  version: z.literal(1),
  id: nodeId,
  start: z.string(),
  /** SIP host:port and number of calls, for the operator. */
  address: z.string().default(''),
  calls: z.number().int().default(0),
  /** Takes no new call, in or out. */
  draining: z.boolean().default(false),
  /** Through which it can call out. */
  trunks: z
    .array(z.object({ name: z.string(), registration: z.string(), detail: z.string() }))
    .default([]),
});
export type VruRecord = z.infer<typeof vruRecord>;

/** Lease `interface/ID`. */
export const interfaceRecord = z.object({
  version: z.literal(1),
  id: nodeId,
  queued: z.number().int(),
  draining: z.boolean(),
});
export type InterfaceRecord = z.infer<typeof interfaceRecord>;
