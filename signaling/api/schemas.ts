/** What the API takes and gives. The same schemas check requests and make the OpenAPI document. */
import { z } from 'zod';
import { accountId, accountRecord, conferenceId, dnisRecord } from '../conference/messages.ts';

export const accountPath = z.object({ id: accountId });
export const dnisPath = z.object({ dnis: dnisRecord.shape.dnis });
export const conferencePath = z.object({ id: conferenceId });
export const nodePath = z.object({ id: z.string().min(1).max(128) });
export const confereePath = z.object({
  id: conferenceId,
  ordinal: z
    .string()
    .regex(/^[1-9][0-9]{0,8}$/, 'expected an ordinal, such as 1')
    .transform(Number),
});

/** A new account: without id or codes, free ones are made. */
export const newAccount = z.strictObject({
  ...accountRecord.shape,
  id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'expected 1 to 64 of A-Z, a-z, 0-9, _ and -')
    .optional(),
  hostCodes: accountRecord.shape.hostCodes.optional(),
  participantCodes: accountRecord.shape.participantCodes.optional(),
});
export type NewAccount = z.output<typeof newAccount>;

/** A whole account, in place of the one that is there. */
export const accountChange = z.strictObject(accountRecord.omit({ id: true }).shape);

export const accountList = z.object({ items: z.array(accountRecord) });
export const dnisList = z.object({ items: z.array(dnisRecord) });
export const dnisInput = z.strictObject(dnisRecord.shape);

export const confereeView = z.object({
  ordinal: z.number().int().describe('The order of entry; never changes or is reused.'),
  role: z.string(),
  callerNumber: z.string(),
  callerName: z.string().optional(),
  muted: z.boolean(),
  vruId: z.string(),
  joinedAt: z.iso.datetime(),
});

export const conferenceSummary = z.object({
  id: z.string(),
  accountId: z.string(),
  mixerId: z.string(),
  mixerClass: z.string(),
  locked: z.boolean(),
  /** Of waiting participants who talk before the host comes (E26). */
  temporary: z.boolean(),
  size: z.number().int().describe('Conferees now.'),
  createdAt: z.iso.datetime(),
});
export type ConferenceSummary = z.infer<typeof conferenceSummary>;

export const conferenceView = conferenceSummary.extend({ conferees: z.array(confereeView) });
export type ConferenceView = z.infer<typeof conferenceView>;
export const conferenceList = z.object({ items: z.array(conferenceSummary) });

export const mixerView = z.object({
  id: z.string(),
  mixerClass: z.string(),
  address: z.string().describe('SIP host:port.'),
  busyShare: z.number().describe('Share of time that the busiest thread spends mixing.'),
  latenessMs: z.number().describe('99th percentile of tick lateness.'),
  headroom: z.number().describe('Conferees that still fit, as measured.'),
  conferences: z.number().int(),
  conferees: z.number().int(),
  draining: z.boolean(),
});
export type MixerView = z.infer<typeof mixerView>;
export const mixerList = z.object({ items: z.array(mixerView) });

export const roleView = z.object({
  id: z.string().describe('Such as mixer-2.'),
  ready: z.boolean(),
  detail: z.string().optional(),
});
export type RoleView = z.infer<typeof roleView>;

export const vruView = z.object({
  id: z.string(),
  start: z.string().describe('Made anew each time the VRU starts.'),
});
export type VruView = z.infer<typeof vruView>;
export const vruList = z.object({ items: z.array(vruView) });

export const health = z.object({ status: z.literal('ok') });
export const readiness = z.object({ ready: z.boolean(), roles: z.array(roleView) });
