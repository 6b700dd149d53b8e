/** What is said about calls that we make for a conference (R26): limits of an account, requests, orders, commands. */
import { z } from 'zod';
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

/** What an account may call; without it, nothing. */
export const accountOutdial = z.object({
  /** Narrower than what the trunks allow. Absent: that. */
  prefixes: z
    .array(z.string().regex(/^\+?[0-9]{1,15}$/))
    .max(1000)
    .optional(),
  concurrent: z.number().int().min(1).max(1000).default(5),
  callsPerDay: z.number().int().min(1).max(100_000).default(100),
  /** A minute counts when it begins. */
  minutesPerDay: z.number().int().min(1).max(1_000_000).default(600),
  /** What the called see. */
  callerNumber: z
    .string()
    .regex(/^\+?[0-9]{1,32}$/)
    .optional(),
  /** Whom "call the list" calls. */
  list: z
    .array(
      z.object({
        number: z.string().min(2).max(32),
        name: z.string().max(128).optional(),
      }),
    )
    .max(200)
    .default([]),
});
export type AccountOutdial = z.infer<typeof accountOutdial>;

/** Why nobody is called, or how a call that we made has gone so far. */
export const DIAL_REFUSALS = [
  /** There is no trunk, or the account may not call out. */
  'not-available',
  'bad-number',
  /** No prefix of a trunk or of the account allows the number. */
  'not-allowed',
  /** One of the limits is reached: calls at once, calls or minutes of a day. */
  'limit',
  /** No VRU takes it. */
  'no-vru',
  'conference-full',
] as const;
export const dialRefusal = z.enum(DIAL_REFUSALS);
export type DialRefusal = z.infer<typeof dialRefusal>;

/** As it goes. A consult is with the host from the answer on. */
export const DIAL_PROGRESS = ['queued', 'dialling', 'ringing', 'answered', 'joined'] as const;
/** How it ended; nothing follows. */
export const DIAL_ENDS = [
  ...DIAL_REFUSALS,
  'busy',
  'no-answer',
  /** The number does not exist, the trunk refused, no way there. */
  'failed',
  /** Answered, but the person did not press 1: declined, or a machine. */
  'not-confirmed',
  /** Taken back before it was answered, or the host dropped the call after talking. */
  'cancelled',
  'time-limit',
  /** The called person hung up, or left. */
  'hung-up',
  /** Its VRU is gone. */
  'lost',
] as const;
export const dialState = z.enum([...DIAL_PROGRESS, ...DIAL_ENDS]);
export type DialState = z.infer<typeof dialState>;
export const dialEnd = z.enum(DIAL_ENDS);
export type DialEnd = z.infer<typeof dialEnd>;

/** Everything that a VRU needs to call somebody; the id is also that of the leg. */
export const dialOrder = z.object({
  dialId: callId,
  conferenceId,
  accountId,
  trunk: z.string(),
  number: z.string().max(32),
  name: z.string().max(128).optional(),
  /** What the called see, where it is not the trunk's. */
  callerNumber: z.string().max(64).optional(),
  /** Only who presses 1 gets in: a machine does not. */
  confirm: z.boolean(),
  language: z.string(),
  ringTimeoutMs: z.number().int().positive(),
  maxDurationMs: z.number().int().positive(),
});
export type DialOrder = z.infer<typeof dialOrder>;

/** Part of `serviceRequest`. */
export const DIAL_REQUESTS = [
  /** Calls somebody for a conference. */
  z.object({
    service: z.literal('conference'),
    kind: z.literal('dial'),
    requestId,
    conferenceId,
    /** A host of it; absent: an operator. */
    by: confereeId.optional(),
    asker: asker.optional(),
    number: z.string().max(64),
    name: z.string().max(128).optional(),
    /** Default true. */
    confirm: z.boolean().optional(),
    /** The host's VRU calls by itself and talks first (consult); absent: any VRU is told to. */
    vru: z.object({ vruId: nodeId, vruStart: z.string().max(64) }).optional(),
  }),
  /** Calls everybody on the list of the account, a few at once. */
  z.object({
    service: z.literal('conference'),
    kind: z.literal('dial-list'),
    requestId,
    conferenceId,
    by: confereeId.optional(),
    asker: asker.optional(),
  }),
  /** Takes a call back that is not in the conference yet. */
  z.object({
    service: z.literal('conference'),
    kind: z.literal('cancel-dial'),
    requestId,
    conferenceId,
    by: confereeId.optional(),
    asker: asker.optional(),
    dialId: callId,
  }),
  /** From the VRU that calls. Refused with `ended`: nobody wants the call any more. */
  z.object({
    service: z.literal('conference'),
    kind: z.literal('dial-progress'),
    requestId,
    conferenceId,
    accountId,
    dialId: callId,
    trunk: z.string(),
    state: z.union([z.enum(['ringing', 'answered']), dialEnd]),
  }),
  /** A minute of an answered call begins. Refused: it may not. */
  z.object({
    service: z.literal('conference'),
    kind: z.literal('dial-minute'),
    requestId,
    conferenceId,
    accountId,
    dialId: callId,
    minute: z.number().int().positive(),
  }),
  /** The called person is to be let in: confirmed, or brought in by the host. */
  z.object({
    service: z.literal('conference'),
    kind: z.literal('enter-dialled'),
    requestId,
    conferenceId,
    dialId: callId,
    caller,
  }),
] as const;

/** Part of `serviceReply`. */
export const DIAL_REPLIES = [
  /** `order` for a VRU that asked to call by itself. */
  z.object({ kind: z.literal('dialling'), order: dialOrder }),
  z.object({ kind: z.literal('dial-refused'), reason: dialRefusal }),
  z.object({ kind: z.literal('dialling-list'), dialIds: z.array(callId) }),
] as const;

/** Part of `vruCommand`. */
export const DIAL_COMMANDS = [
  /** Calls somebody; the leg has this call id. Answered when it is under way. */
  z.object({ kind: z.literal('dial'), requestId, callId, order: dialOrder }),
  /** A call that we made is not wanted any more: CANCEL or BYE. */
  z.object({ kind: z.literal('hang-up'), requestId, callId, why: dialEnd }),
] as const;
