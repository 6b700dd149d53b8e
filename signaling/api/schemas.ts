/** What the API takes and gives. The same schemas check requests and make the OpenAPI document. */
import { z } from 'zod';
import { dialState } from '../conference/dial-messages.ts';
import { numberedEvent } from '../conference/events.ts';
import { legMedia } from '../conference/leg-media.ts';
import {
  accountId,
  accountRecord,
  callId,
  conferenceId,
  dnisRecord,
  fraudAlarm,
  subConference,
  talkMode,
} from '../conference/messages.ts';

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

const next = z.string().nullable().describe('`after` of the next page; null: this was the last.');
export const accountList = z.object({ items: z.array(accountRecord), next });
export const dnisList = z.object({ items: z.array(dnisRecord), next });
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

export const confereeMedia = z.object({
  media: legMedia.nullable().describe('Null: no call at the mixer now, as on the way to another.'),
});

export const liveConferee = confereeView.extend({
  mutedBy: z
    .array(z.enum(['self', 'host', 'mode']))
    .describe('Which of the three bits mute: own key, a host, everybody but hosts.'),
  handRaisedAt: z.iso.datetime().nullable().describe('Since when the hand is up; null: it is not.'),
  held: z.boolean().describe('Out of the talk: hears music, is not heard.'),
  sub: subConference.describe('The sub-conference; 0: the conference itself.'),
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

/** A call that was made for a conference. */
export const dialView = z.object({
  dialId: z.string(),
  state: dialState.describe(
    'queued, dialling, ringing, answered, joined; everything else is how it ended.',
  ),
  number: z.string(),
  name: z.string().optional(),
  consult: z.boolean().describe('A host called by keypad and talks with the called person first.'),
  ordinal: z.number().int().optional().describe('In the conference, once joined.'),
  at: z.iso.datetime().describe('Since when it is so.'),
});
export type DialView = z.infer<typeof dialView>;

export const dialRequest = z.strictObject({
  number: z
    .string()
    .min(2)
    .max(64)
    .describe('As a person writes it; outdial.rewrite makes the international form of it.'),
  name: z.string().max(128).optional().describe('For the roster.'),
  confirm: z
    .boolean()
    .default(true)
    .describe('Whether the called person must press 1 to get in, which no machine does.'),
});
export const dialStarted = z.object({
  dialId: z.string(),
  number: z.string().describe('As it is called.'),
  state: z.literal('dialling'),
});
export const dialListStarted = z.object({ dialIds: z.array(z.string()) });
export const dialPath = z.object({ id: conferenceId, dialId: callId });

export const trunkView = z.object({
  vruId: z.string(),
  name: z.string(),
  registration: z
    .string()
    .describe('static (it has none), registering, registered, failed, or stopped on this VRU.'),
  detail: z.string().describe('Why it failed.'),
});
export type TrunkView = z.infer<typeof trunkView>;
export const trunkList = z.object({ items: z.array(trunkView) });

/** A conference with the number of the last event that is in it. */
export const liveConference = conferenceSummary.extend({
  number: z
    .number()
    .int()
    .describe('Of the last event that is in here; resume the stream with it.'),
  mutedAll: z.boolean(),
  mode: talkMode.describe(
    'Who is heard without being asked: everybody, or hosts alone; with questions a hand may be raised.',
  ),
  ended: z.boolean(),
  endAt: z.iso.datetime().nullable().describe('When it ends unless a host returns.'),
  recordingSince: z.iso.datetime().nullable().describe('Null: it is not being recorded.'),
  conferees: z.array(liveConferee),
  dials: z.array(dialView).describe('Calls that were made for it, in order.'),
});
export type LiveConference = z.infer<typeof liveConference>;

/** What the account sets for a conference; null: no limit. */
export const conferenceRules = z.object({
  maxConferees: z.number().int().nullable(),
  maxDurationMs: z.number().int().nullable(),
  endsAt: z.iso.datetime().nullable().describe('When it has reached its greatest length.'),
  mayRecord: z.boolean(),
  recordsNames: z.boolean().describe('Whether callers say their name at entry.'),
  hostLeaves: z.string().describe('What becomes of it when the last host leaves.'),
});

export const modeChange = z.strictObject({ mode: talkMode });
export const subConferenceChange = z.strictObject({ sub: subConference });

export const eventQuery = z.object({
  after: z.coerce.number().int().min(0).default(0).describe('Events with a higher number.'),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});
export const eventList = z.object({
  items: z.array(numberedEvent),
  next: z.number().int().nullable().describe('`after` of the next page; null: this was the last.'),
});

/** Pages of a list, in order of id. */
export const pageQuery = z.object({
  after: z.string().max(128).default('').describe('Id of the last item of the page before.'),
  limit: z.coerce.number().int().min(1).max(1000).default(1000),
});

/** Whole lists are what scripts want; a page asks for a part. */
export const listQuery = z.object({
  after: z.string().max(128).default('').describe('Id of the last item of the page before.'),
  limit: z.coerce.number().int().min(1).max(1000).optional().describe('Absent: all.'),
  match: z
    .string()
    .max(64)
    .default('')
    .describe('Only items with this text in id, name, number or a code.'),
});

export const hostSessionRequest = z.strictObject({
  code: z.string().regex(/^[0-9]{1,32}$/, 'expected the digits of a host code'),
});
export const hostSession = z.object({
  token: z.string().describe('Shown once; allows what a host may do in this account.'),
  accountId: z.string(),
  accountName: z.string(),
  expiresAt: z.iso.datetime(),
});
export const session = z.object({
  scope: z.enum(['admin', 'host']),
  mayDial: z.boolean().describe('Whether it allows to call out.'),
  accountId: z.string().nullable(),
  accountName: z.string().nullable(),
  expiresAt: z.iso.datetime().nullable(),
});

export const conferenceView = conferenceSummary.extend({ conferees: z.array(confereeView) });
export type ConferenceView = z.infer<typeof conferenceView>;
export const conferenceList = z.object({
  items: z.array(conferenceSummary),
  next: z.string().nullable().optional().describe('`after` of the next page.'),
});

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
  address: z.string().optional().describe('SIP host:port.'),
  calls: z.number().int().optional().describe('Calls now.'),
  draining: z.boolean().optional().describe('It takes no new calls.'),
});
export type VruView = z.infer<typeof vruView>;
export const vruList = z.object({ items: z.array(vruView) });

export const alarmView = z.object({
  at: z.iso.datetime(),
  node: z.string().describe('Who raised it, such as provisioning-1.'),
  alarm: fraudAlarm,
});
export type AlarmView = z.infer<typeof alarmView>;
export const alarmList = z.object({
  items: z.array(alarmView).describe('Newest first, the last 200 since this process started.'),
});

export const health = z.object({ status: z.literal('ok') });
export const readiness = z.object({ ready: z.boolean(), roles: z.array(roleView) });
export const openApi = z.looseObject({ openapi: z.literal('3.1.0') });
