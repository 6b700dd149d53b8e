/**
 * The `conference` application: code, checks, entry, and the seat until the end (R1–R3, R8–R10, R12,
 * R20, R25, R28). Decides nothing about conferences: codes are judged by provisioning, entries by
 * an interface server; here is only what the caller hears and what is asked in which order.
 * Start at `conference`, then seat.ts for what happens after the entry.
 */
import type { EnterReply, LeaveReason } from '../../../signaling/conference/client.ts';
import type { Refusal } from '../../../signaling/conference/messages.ts';
import type { Application, CallContext, FlowEnd } from '../../flow.ts';
import { within } from '../../scope.ts';
import type { Phrase } from '../../speech.ts';
import { askName } from '../../steps/ask-name.ts';
import { type Passcode, type PasscodeCount, passcode } from '../../steps/passcode.ts';
import { refuse } from '../../steps/refuse.ts';
import { holdSeat, join } from './modes.ts';
import { type EffectiveSettings, effectiveSettings } from './row-settings.ts';
import { Seat, type SeatMode } from './seat.ts';
import { Tenancy } from './tenancy.ts';

/** A request that takes longer than this is covered with a tone. */
const PATIENCE_MS = 1_000;

export const conference: Application = async (context, row) => {
  const settings = effectiveSettings(row, context.parts.settings.conference);
  const tenancy = new Tenancy(context);
  let why: LeaveReason = 'hangup';
  try {
    const entered = await enter(context, settings, tenancy);
    if (entered.kind === 'refused') return await refuse(context, entered.reason);
    const end = await occupy(entered.context, settings, tenancy, entered);
    why = end.why;
    return end.end;
  } finally {
    // Not waited for: the call may end while the service is slow, and nobody is there to hear it.
    context.parts.background(giveBack(context, tenancy, why));
  }
};

/** The name goes last: the others may hear it once more when its caller leaves. */
async function giveBack(context: CallContext, tenancy: Tenancy, why: LeaveReason): Promise<void> {
  await tenancy.giveBack(why);
  if (tenancy.named) await context.parts.client.forgetName(context.id);
}

type Entered =
  | { readonly kind: 'refused'; readonly reason: Refusal }
  | {
      readonly kind: 'entered';
      readonly context: CallContext;
      readonly reply: Exclude<EnterReply, { kind: 'refused' }>;
      readonly endKeyDue: boolean;
      readonly validMs: number;
    };

async function enter(
  context: CallContext,
  settings: EffectiveSettings,
  tenancy: Tenancy,
): Promise<Entered> {
  const { entry } = context.parts.settings;
  const count: PasscodeCount = { wrong: 0, silences: 0 };
  let intro = welcome(settings);
  for (;;) {
    const code = await passcode(context, count, intro);
    if (code.kind === 'refused') return code;
    const locked = await mayNotCome(context, tenancy, code);
    const validMs = context.parts.clock.nowMs();
    const reply =
      locked ?? (await covered(context, () => within(context.signal, tenancy.enter(code.code))));
    note(context, code, reply);
    if (reply.kind !== 'refused') {
      const ownLanguage = { ...context, language: code.account.language };
      const { endKeyDue } = code;
      return { kind: 'entered', context: ownLanguage, reply, endKeyDue, validMs };
    }
    // The code was withdrawn between the check and the request: as if it had been wrong.
    if (reply.reason !== 'invalid-code') return reply;
    count.wrong += 1;
    if (count.wrong >= entry.tries) return { kind: 'refused', reason: 'too-many-tries' };
    context.digits.clear();
    intro = ['invalid-code', 'try-again', 'enter-code'];
  }
}

function welcome(settings: EffectiveSettings): readonly Phrase[] {
  return settings.welcome?.map((file) => ({ file })) ?? ['welcome', 'enter-code'];
}

function note(
  context: CallContext,
  { account }: Extract<Passcode, { kind: 'valid' }>,
  reply: EnterReply,
): void {
  const { accountId } = account;
  if (reply.kind === 'refused') {
    context.decided({ kind: 'refused', reason: reply.reason, accountId });
  } else {
    context.decided({ kind: reply.kind === 'wait' ? 'waiting' : 'entered', accountId });
  }
}

/** The lock is read here, from the database, before anything is asked of the proxy (R25). */
async function mayNotCome(
  context: CallContext,
  tenancy: Tenancy,
  code: Extract<Passcode, { kind: 'valid' }>,
): Promise<Extract<EnterReply, { kind: 'refused' }> | undefined> {
  const { client } = context.parts;
  const { accountId, role, recordNames, language } = code.account;
  const locked = await covered(context, () =>
    within(context.signal, client.isLocked(accountId, role)),
  );
  if (locked) return { kind: 'refused', reason: 'locked' };
  if (recordNames === true && !tenancy.named) await takeName({ ...context, language }, tenancy);
  return undefined;
}

/** Before the entry, so that the others hear who comes (R21). */
async function takeName(context: CallContext, tenancy: Tenancy): Promise<void> {
  const name = await askName(context);
  if (name === undefined) return;
  tenancy.named = true;
  const saved = await within(context.signal, context.parts.client.saveName(context.caller, name));
  if (!saved.ok) context.log.warn({ error: saved.error.code }, 'a name was not kept');
}

async function covered<T>(context: CallContext, task: () => Promise<T>): Promise<T> {
  const { clock, speech } = context.parts;
  const timer = clock.after(PATIENCE_MS, () => {
    if (context.signal.aborted) return;
    context.leg.play(speech.say(context.language, ['hold-tone']), { loop: true });
  });
  try {
    return await task();
  } finally {
    timer.cancel();
    context.leg.stopPlaying();
  }
}

/** From the place that was given to the end of the call. */
export async function occupy(
  context: CallContext,
  settings: EffectiveSettings,
  tenancy: Tenancy,
  entered: Extract<Entered, { kind: 'entered' }>,
): Promise<{ readonly end: FlowEnd; readonly why: LeaveReason }> {
  const { clock, metrics } = context.parts;
  const seat = new Seat(context, settings, tenancy);
  if (entered.endKeyDue) seat.keypad.ignoreEndKey(context.parts.settings.entry.interDigitMs);
  try {
    const { reply } = entered;
    let first: SeatMode;
    if (reply.kind === 'wait') {
      first = { kind: 'waiting', place: reply, hostLeft: false };
    } else {
      first = await join(seat, reply.place, 'entry');
      metrics.entrySeconds.observe((clock.nowMs() - entered.validMs) / 1_000);
    }
    return await holdSeat(seat, first);
  } finally {
    seat.close();
  }
}
