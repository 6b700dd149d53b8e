/**
 * What the roles say to each other over the Bus. Schemas, as a body is input from outside the role
 * that receives it. Every request carries an id and may be carried out twice with one effect.
 *
 * VRU ── service request ─▶ `proxy` ── conferencing? ─▶ `interface.NODE` ── create ─▶ `proxy.placement` ─▶ `mixer.NODE`
 * interface ── command ─▶ `vru.NODE`;   VRU ── is this code valid? ─▶ `provisioning`
 */
import { z } from 'zod';
import type { ConferenceId, NodeId } from '../../common/ids.ts';
import { accountOutdial, DIAL_COMMANDS, DIAL_REPLIES, DIAL_REQUESTS } from './dial-messages.ts';
import {
  accountId,
  asker,
  caller,
  callId,
  confereeId,
  conferenceId,
  nodeId,
  requestId,
} from './message-ids.ts';

export type { Caller } from './message-ids.ts';
export { accountId, asker, caller, callId, confereeId, conferenceId, nodeId };

const digits = z.string().regex(/^[0-9]{1,32}$/);

/** Subjects of the bus. */
export const SUBJECTS = {
  proxy: 'proxy',
  placement: 'proxy.placement',
  provisioning: 'provisioning',
  interfaceServer: (id: NodeId): string => `interface.${id}`,
  mixer: (id: NodeId): string => `mixer.${id}`,
  vru: (id: NodeId): string => `vru.${id}`,
  /** What a mixer sees in one conference; `mixer-events.>` for all. */
  mixerEvents: (id: ConferenceId): string => `mixer-events.${id}`,
  /** Events of one conference, numbered; `conference.events.>` for all. */
  events: (id: ConferenceId): string => `conference.events.${id}`,
  /** That codes are being guessed (fraud-shield.ts); for who watches. */
  alarms: 'alarms',
} as const;

/** Why a caller is refused. Each has a prompt, a metric label and a log line. */
export const REFUSALS = [
  'invalid-code',
  'locked',
  'conference-full',
  'no-mixer-of-class',
  'mixers-busy',
  'busy-retry',
  'too-many-tries',
  'silence',
  'ended',
  'draining',
  'service-unavailable',
] as const;
export const refusal = z.enum(REFUSALS);
export type Refusal = z.infer<typeof refusal>;

export const role = z.enum(['host', 'participant']);
export type Role = z.infer<typeof role>;

/** Who may be heard without being asked: everybody, hosts and who was given the word, hosts alone. */
export const TALK_MODES = ['open', 'questions', 'lecture'] as const;
export const talkMode = z.enum(TALK_MODES);
export type TalkMode = z.infer<typeof talkMode>;

// ── provisioning ─────────────────────────────────────────────────────────────────────────────

/**
 * Who enters codes, as far as guessing is concerned: a calling number, the network it came from, and
 * which of his calls it is.
 */
export const codeSource = z.object({
  caller: z.string().max(128),
  trunk: z.string().max(128),
  call: z.string().max(256).optional(),
});

/** What a valid code says of its account. */
const ofAccount = {
  accountId,
  role,
  language: z.string(),
  /** Whether the caller is asked for a name. */
  recordNames: z.boolean().optional(),
} as const;
/** What a fraud shield noticed; never with codes. */
export const fraudAlarm = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('source-locked'),
    source: codeSource,
    lockMs: z.number(),
    misses: z.number().int(),
  }),
  /** `trunk` '*': many addresses. */
  z.object({ kind: z.enum(['trunk-attacked', 'trunk-calm']), trunk: z.string().max(128) }),
]);
export const alarmNotice = z.object({ atMs: z.number(), node: z.string(), alarm: fraudAlarm });
export type AlarmNotice = z.infer<typeof alarmNotice>;

/** Before the caller is told: nothing at first, more for a source that keeps missing. */
const delayMs = z.number().int().min(0).optional();

export const provisioningRequest = z.discriminatedUnion('kind', [
  /**
   * Is this code valid (R2)? `partial`: digits so far without `#`, to end collection when
   * unambiguous. A whole code counts as a try of its source (fraud-shield.ts).
   */
  z.object({
    kind: z.literal('check-code'),
    code: digits,
    partial: z.boolean().optional(),
    source: codeSource.optional(),
  }),
  z.object({ kind: z.literal('find-application'), dnis: z.string().max(64) }),
]);
export type ProvisioningRequest = z.infer<typeof provisioningRequest>;

export const codeCheck = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('valid'), ...ofAccount, delayMs }),
  /** A longer code may still be valid. */
  z.object({ kind: z.literal('prefix') }),
  /** Valid as it is, but a longer one begins with it: wait for `#` or the time-out. */
  z.object({ kind: z.literal('valid-prefix'), ...ofAccount, delayMs }),
  z.object({ kind: z.literal('invalid'), delayMs }),
]);
export type CodeCheck = z.infer<typeof codeCheck>;

export const applicationName = z.enum(['conference', 'echo', 'announcement', 'menu', 'voicemail']);
export type ApplicationName = z.infer<typeof applicationName>;

export const dnisRecord = z.object({
  /** A number, or a prefix ending in `*`; the longest match wins. `*` alone is the default. */
  dnis: z
    .string()
    .regex(/^(\+?[0-9A-Za-z_.-]{0,63}\*?)$/)
    .min(1),
  application: applicationName,
  language: z.string().default('en'),
  /** Rings so long before it answers; a caller who hangs up meanwhile is not charged. */
  ringMs: z.number().int().min(0).max(60_000).optional(),
  /** Application settings: prompts of an announcement, entries of a menu, the mailbox. */
  settings: z.record(z.string(), z.unknown()).default({}),
});
export type DnisRecord = z.infer<typeof dnisRecord>;

/** A conferee in none of them is in the conference itself: 0. */
export const SUB_CONFERENCES = 9;
export const subConference = z.number().int().min(0).max(SUB_CONFERENCES);

export const accountRecord = z.object({
  id: accountId,
  name: z.string().max(128),
  hostCodes: z.array(digits).min(1),
  participantCodes: z.array(digits),
  mixerClass: z
    .string()
    .regex(/^[a-z0-9-]{1,32}$/)
    .default('standard'),
  /** A participant before the host: creates it (E24), holds (E25), or talks with the others (E26). */
  waitingMode: z.enum(['start', 'hold', 'mingle']).default('hold'),
  /** R28; `succeed`: the participant who came first becomes host. */
  hostLeaves: z.enum(['continue', 'end', 'wait', 'succeed']).default('continue'),
  graceMs: z.number().int().min(0).default(60_000),
  /** Absent: no limit but the mixers' measured capacity. */
  maxConferees: z.number().int().min(2).optional(),
  /** A conference ends after this, and its conferees hear it coming. Absent: no limit. */
  maxDurationMs: z.number().int().min(10_000).max(604_800_000).optional(),
  /** Callers say their name before they come in; it is heard in roll calls and announcements. */
  recordNames: z.boolean().default(false),
  /** What the conference hears when somebody comes or goes. */
  announceEntry: z.enum(['none', 'tone', 'name']).default('none'),
  /** Nothing of it in a conference of more. */
  announceUpTo: z.number().int().min(1).max(100_000).default(30),
  /** Whether a host may record the conference. */
  recording: z.enum(['never', 'by-host']).default('by-host'),
  language: z.string().default('en'),
  /** Absent: hosts of this account cannot call out. */
  outdial: accountOutdial.optional(),
});
export type AccountRecord = z.infer<typeof accountRecord>;

// ── service requests, VRU → proxy → interface server ─────────────────────────────────────────

export const serviceRequest = z.discriminatedUnion('kind', [
  z.object({
    service: z.literal('conference'),
    kind: z.literal('enter'),
    requestId,
    code: digits,
    caller,
  }),
  /** A caller left: hang-up, key, lost leg. With the parameter given at entry (E9–E10). */
  z.object({
    service: z.literal('conference'),
    kind: z.literal('leave'),
    requestId,
    conferenceId,
    confereeId,
    caller,
    why: z.enum(['hangup', 'key', 'lost', 'deleted', 'ended', 'moved']),
  }),
  /** A waiting caller hung up. */
  z.object({
    service: z.literal('conference'),
    kind: z.literal('leave-waiting'),
    requestId,
    accountId,
    waitingId: z.string(),
    caller,
  }),
  /**
   * The answer to an `enter` never came and the caller was told so: whatever that request has made
   * of the call must go. Harmless when it has made nothing.
   */
  z.object({
    service: z.literal('conference'),
    kind: z.literal('forget'),
    requestId,
    enterRequestId: requestId,
    code: digits,
    caller,
  }),
  /** The mixer of this conferee is gone; put me back with the same ordinal. */
  z.object({
    service: z.literal('conference'),
    kind: z.literal('re-enter'),
    requestId,
    conferenceId,
    confereeId,
    caller,
  }),
  /** In-conference functions, from the keypad, the page or the API. */
  z.object({
    service: z.literal('conference'),
    kind: z.literal('control'),
    requestId,
    conferenceId,
    /** Absent: somebody outside, who may do what an operator may. */
    by: confereeId.optional(),
    asker: asker.optional(),
    action: z.discriminatedUnion('kind', [
      z.object({
        kind: z.literal('mute'),
        ordinal: z.number().int().positive(),
        muted: z.boolean(),
      }),
      z.object({ kind: z.literal('mute-all'), muted: z.boolean() }),
      z.object({ kind: z.literal('mute-self'), muted: z.boolean() }),
      z.object({ kind: z.literal('lock'), locked: z.boolean() }),
      z.object({ kind: z.literal('mode'), mode: talkMode }),
      /** One's own. */
      z.object({ kind: z.literal('hand'), raised: z.boolean() }),
      z.object({ kind: z.literal('lower-hand'), ordinal: z.number().int().positive() }),
      z.object({ kind: z.literal('make-host'), ordinal: z.number().int().positive() }),
      /** Out of the talk and back: hears music, is not heard. */
      z.object({
        kind: z.literal('hold'),
        ordinal: z.number().int().positive(),
        held: z.boolean(),
      }),
      /** Oneself into sub-conference n, or with 0 back. */
      z.object({ kind: z.literal('sub-conference'), sub: subConference }),
      /** Another conferee likewise. */
      z.object({
        kind: z.literal('send'),
        ordinal: z.number().int().positive(),
        sub: subConference,
      }),
      /** Everybody hears who is there. */
      z.object({ kind: z.literal('roll-call') }),
      z.object({ kind: z.literal('record'), on: z.boolean() }),
      /** Somebody who watches the conferences is asked to come. */
      z.object({ kind: z.literal('operator') }),
      z.object({ kind: z.literal('delete'), ordinal: z.number().int().positive() }),
      z.object({ kind: z.literal('end') }),
    ]),
  }),
  ...DIAL_REQUESTS,
]);
export type ServiceRequest = z.infer<typeof serviceRequest>;

/** What a VRU needs to put a caller into a conference. */
export const placeInConference = z.object({
  conferenceId,
  mixerId: nodeId,
  /** SIP host:port of the mixer. */
  mixerAddress: z.string(),
  confereeId,
  ordinal: z.number().int().positive(),
  role,
  accountId,
  /** A mingle room (E26): the caller is told that the host is not there yet. */
  temporary: z.boolean(),
  /**
   * Grows with every place that a call is given within an account: conference, ordinal, mixer. Of
   * two places the lower one has been overtaken, in whatever order they arrive.
   */
  order: z.tuple([z.number().int(), z.number().int(), z.number().int()]).optional(),
  /** Conferees including this one, for the announcement. */
  size: z.number().int().positive(),
  /** It is being recorded, which whoever comes in must hear. */
  recorded: z.boolean().optional(),
});
export type PlaceInConference = z.infer<typeof placeInConference>;
const placeOrder = placeInConference.shape.order;

export const serviceReply = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('enter'), place: placeInConference }),
  /** `order`: conferences up to it were over or are not meant; the caller waits for a later one. */
  z.object({ kind: z.literal('wait'), accountId, waitingId: z.string(), order: placeOrder }),
  z.object({ kind: z.literal('refused'), reason: refusal }),
  z.object({ kind: z.literal('done') }),
  ...DIAL_REPLIES,
]);
export type ServiceReply = z.infer<typeof serviceReply>;

// ── placement, interface server → proxy → mixer ──────────────────────────────────────────────

/** R43: the proxy passes it to one of several mixers by class and free capacity. */
export const createConference = z.object({
  kind: z.literal('create'),
  requestId,
  conferenceId,
  accountId,
  mixerClass: z.string(),
  /** Mixers not to be used (they failed, or drain). */
  avoid: z.array(nodeId).default([]),
});
export type CreateConference = z.infer<typeof createConference>;

export const createReply = z.object({ mixerId: nodeId, mixerAddress: z.string() });
export type CreateReply = z.infer<typeof createReply>;

/** What `proxy.placement` answers: the mixer that took it, or why none did. */
export const placementReply = z.discriminatedUnion('kind', [
  createReply.extend({ kind: z.literal('placed') }),
  z.object({ kind: z.literal('refused'), reason: refusal }),
]);
export type PlacementReply = z.infer<typeof placementReply>;

/** A prompt by name, or what a language puts into words. */
export const announcedWord = z.union([
  z.string().max(64),
  z.object({ number: z.number().int().min(0) }),
  z.object({ digits: z.string().max(64) }),
  z.object({ participants: z.number().int().min(0) }),
  /** What this caller has said as its name (recorded-names.ts), and then; else the other words. */
  z.object({
    nameOf: callId,
    followedBy: z.array(z.string().max(64)).max(8).default([]),
    otherwise: z.array(z.string().max(64)).max(8).default([]),
  }),
]);
export type AnnouncedWord = z.infer<typeof announcedWord>;

/** Which of the mixes of its conference a conferee is in; held: none of them. */
const whereabouts = { sub: subConference.default(0), held: z.boolean().default(false) } as const;

export const mixerRequest = z.discriminatedUnion('kind', [
  createConference,
  /** Announces a conferee, so that its INVITE is let in. */
  z.object({
    kind: z.literal('admit'),
    requestId,
    conferenceId,
    confereeId,
    ordinal: z.number().int().positive(),
    muted: z.boolean(),
    ...whereabouts,
  }),
  /** The disconnect message (E9), with the parameter given at entry. */
  z.object({ kind: z.literal('remove'), requestId, conferenceId, confereeId }),
  /** `version` only grows; an older one is ignored. */
  z.object({
    kind: z.literal('mute'),
    requestId,
    conferenceId,
    confereeId,
    muted: z.boolean(),
    version: z.number().int(),
    ...whereabouts,
  }),
  /** Everybody in the conference hears it, once; nothing waits for its end. */
  z.object({
    kind: z.literal('announce'),
    requestId,
    conferenceId,
    language: z.string(),
    words: z.array(announcedWord).min(1).max(4_000),
  }),
  /** The whole conference into a file of the mixer's; off: the file is complete. */
  z.object({ kind: z.literal('record'), requestId, conferenceId, on: z.boolean() }),
  z.object({ kind: z.literal('end'), requestId, conferenceId }),
  /** Who talks in it now and how loud, for who shows it. */
  z.object({ kind: z.literal('levels'), requestId, conferenceId }),
  /** How well a conferee is received, see leg-media.ts. */
  z.object({ kind: z.literal('media'), requestId, conferenceId, confereeId }),
]);
export type MixerRequest = z.infer<typeof mixerRequest>;

/** The answer to `levels`: those who talk, in dBov (RFC 6465). */
export const levelsReply = z.object({
  talkers: z.array(z.object({ confereeId, levelDbov: z.number() })),
});

/** The answer to `mute`: what holds now. Other requests but `create` are answered with `{}`. */
export const muteReply = z.object({ muted: z.boolean(), version: z.number().int() });

/** The answer to `record`. */
export const recordReply = z.object({
  file: z.string().optional(),
  /** Whether it records now: after a copy of a request that was undone since, not what that asked for. */
  recording: z.boolean().optional(),
});
export type RecordReply = z.infer<typeof recordReply>;

/** Published on SUBJECTS.mixerEvents: hints for who shows a conference, not the truth about it. */
export const mixerEvent = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('joined'), mixerId: nodeId, conferenceId, confereeId }),
  z.object({
    kind: z.literal('left'),
    mixerId: nodeId,
    conferenceId,
    confereeId,
    /** `silent`: no media any more; `lost`: the engine or the signaling failed. */
    why: z.enum(['hangup', 'removed', 'replaced', 'silent', 'lost', 'ended']),
  }),
  z.object({
    kind: z.literal('talking'),
    mixerId: nodeId,
    conferenceId,
    confereeId,
    talking: z.boolean(),
  }),
  z.object({
    kind: z.literal('ended'),
    mixerId: nodeId,
    conferenceId,
    /** `idle`: empty for long; `lost`: its worker died, place it again; `stopped`: the mixer stops. */
    why: z.enum(['request', 'idle', 'lost', 'stopped']),
  }),
]);
export type MixerEvent = z.infer<typeof mixerEvent>;

/** A mixer's lease record `mixer/ID`, renewed every second or two with what it measured (R45). */
export const mixerRecord = z.object({
  id: nodeId,
  mixerClass: z.string(),
  /** SIP host:port. */
  address: z.string(),
  busyShare: z.number(),
  latenessMs: z.number(),
  headroom: z.number(),
  conferences: z.number().int(),
  conferees: z.number().int(),
  draining: z.boolean(),
});
export type MixerRecord = z.infer<typeof mixerRecord>;

// ── commands, interface server → VRU ─────────────────────────────────────────────────────────

export const vruCommand = z.discriminatedUnion('kind', [
  /** From waiting or a mingle room into the conference proper: make before break, under 100 ms lost (R10). */
  z.object({
    kind: z.literal('place'),
    requestId,
    callId,
    place: placeInConference,
  }),
  /** Back to music (R28 `wait`). */
  z.object({
    kind: z.literal('wait'),
    requestId,
    callId,
    accountId,
    waitingId: z.string(),
    leaves: confereeId.optional(),
    /** Of the place that it leaves. */
    order: placeOrder,
  }),
  /** Speak the reason, then BYE. */
  z.object({
    kind: z.literal('release'),
    requestId,
    callId,
    why: z.enum(['deleted', 'ended', 'host-left', 'draining', 'time-limit']),
    /** The place that it is about: a call that has another one by now is not concerned. */
    leaves: confereeId.optional(),
    /** Of that place, and its account: whether the call has yet to come to it, or has been there. */
    order: placeOrder,
    accountId: accountId.optional(),
  }),
  /** Speak to this caller without interrupting the talk. */
  z.object({
    kind: z.literal('announce'),
    requestId,
    callId,
    prompt: z.string(),
    numbers: z.array(z.number()).optional(),
    /** The caller has this role from now on, and its keys. */
    role: role.optional(),
    /** Taken out of the talk: music until it is back. */
    held: z.boolean().optional(),
  }),
  ...DIAL_COMMANDS,
]);
export type VruCommand = z.infer<typeof vruCommand>;

/** The answer to a command. `overtaken`: not carried out, as the call has gone on since. */
export const commandReply = z.object({ overtaken: z.boolean().optional() });
