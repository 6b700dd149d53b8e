import { z } from 'zod';
import type { Application, CallContext, FlowEnd } from '../flow.ts';
import type { Phrase } from '../speech.ts';
import { record } from '../steps/record.ts';
import { refuse } from '../steps/refuse.ts';
import { say } from '../steps/say.ts';
import { type Draft, MAILBOX_NAME, openDraft } from './mailbox.ts';

export const voicemailSettings = z.strictObject({
  /** Default: the dialled number. */
  mailbox: z.string().regex(MAILBOX_NAME).optional(),
  greeting: z.array(z.string().min(1).max(200)).min(1).max(20).optional(),
  maxMessageMs: z.number().int().min(1_000).max(3_600_000).optional(),
});
type RowSettings = z.infer<typeof voicemailSettings>;

/** Greeting, tone, message; kept whether the caller presses `#` or just hangs up. */
export const voicemail: Application = async (context, row) => {
  const settings = voicemailSettings.parse(row);
  const { folder, ...limits } = context.parts.settings.voicemail;
  if (folder === undefined) {
    context.log.error({}, 'voicemail has no folder: set vru.voicemail.folder');
    return await refuse(context, 'service-unavailable');
  }
  const greeting = settings.greeting?.map((file): Phrase => ({ file })) ?? ['voicemail-greeting'];
  await say(context, [...greeting, 'after-the-tone'], { bargeIn: true });
  context.digits.clear();
  const mailbox = settings.mailbox ?? mailboxOf(context.caller.dnis);
  const draft = await openDraft(folder, mailbox, limits, context.parts.random);
  if (!draft.ok) {
    context.log.warn({ mailbox, err: draft.error }, 'no room for a message');
    context.parts.metrics.messages.add(1, { result: draft.error.code });
    await say(context, [
      draft.error.code === 'overloaded' ? 'mailbox-full' : 'technical-problem',
      'goodbye',
    ]);
    return { kind: 'hang-up', reason: 'finished' };
  }
  return await takeMessage(context, settings, mailbox, draft.value);
};

async function takeMessage(
  context: CallContext,
  row: RowSettings,
  mailbox: string,
  draft: Draft,
): Promise<FlowEnd> {
  const { settings, metrics, clock } = context.parts;
  const { minMessageMs, maxMessageMs, silenceMs, silenceDbov } = settings.voicemail;
  const receivedAt = new Date(clock.wallMs()).toISOString();
  await say(context, ['beep']);
  const recorded = await record(context, {
    path: draft.path,
    maxDurationMs: row.maxMessageMs ?? maxMessageMs,
    silenceMs,
    silenceDbov,
  });
  if (!recorded.ok) {
    await draft.drop();
    metrics.messages.add(1, { result: recorded.error.code });
    throw recorded.error;
  }
  const { durationMs, endedBy } = recorded.value;
  const spokenMs = endedBy === 'silence' ? durationMs - silenceMs : durationMs;
  const kept = spokenMs >= minMessageMs;
  if (kept) {
    const { callerNumber, callerName, dnis, callId } = context.caller;
    const from = { callerNumber, ...(callerName === undefined ? {} : { callerName }) };
    const record = { ...from, dnis, callId, mailbox, receivedAt, durationMs, endedBy };
    await draft.keep({ version: 1, id: draft.id, ...record });
  } else {
    await draft.drop();
  }
  metrics.messages.add(1, { result: kept ? 'saved' : 'empty' });
  context.log.info({ mailbox, durationMs, endedBy, kept }, 'voice message');
  if (endedBy !== 'hangup')
    await say(context, [kept ? 'message-saved' : 'message-empty', 'goodbye']);
  return { kind: 'hang-up', reason: endedBy === 'hangup' ? 'hangup' : 'finished' };
}

/** A dialled number may hold signs that no file name should. */
function mailboxOf(dnis: string): string {
  const name = dnis.replaceAll(/[^A-Za-z0-9_+-]/g, '_').slice(0, 64);
  return name === '' ? 'default' : name;
}
