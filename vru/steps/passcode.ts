import type { MediaError } from '../../common/errors.ts';
import type { CodeCheck, Refusal } from '../../signaling/conference/messages.ts';
import type { CallContext } from '../flow.ts';
import { pause, within } from '../scope.ts';
import type { Phrase } from '../speech.ts';
import { collect } from './collect.ts';
import { refusalOf } from './refuse.ts';
import { say } from './say.ts';

type ValidCode = Extract<CodeCheck, { kind: 'valid' | 'valid-prefix' }>;

export type Passcode =
  | {
      readonly kind: 'valid';
      readonly code: string;
      readonly account: ValidCode;
      /** Recognised without `#`: one may still come and means nothing. */
      readonly endKeyDue: boolean;
    }
  | { readonly kind: 'refused'; readonly reason: Refusal };

/** Tries and silences are counted over the whole call, so the caller keeps one of these. */
export interface PasscodeCount {
  wrong: number;
  silences: number;
}

/**
 * Asks for the conference code until provisioning knows it (R1, R2). A code that no other code
 * begins with ends the entry by itself. A wrong one is collected to its end like a right one, so
 * that its last digits are not taken for the next try.
 */
export async function passcode(
  context: CallContext,
  count: PasscodeCount,
  intro: readonly Phrase[],
): Promise<Passcode> {
  const { client, settings, metrics } = context.parts;
  let prompt = intro;
  for (;;) {
    await say(context, prompt, { bargeIn: true });
    const entry = await enterCode(context);
    if (entry.kind === 'failed') return { kind: 'refused', reason: refusalOf(entry.error) };
    if (entry.kind === 'silence') {
      metrics.codes.add(1, { result: 'silence' });
      count.silences += 1;
      if (count.silences >= settings.entry.silences) return { kind: 'refused', reason: 'silence' };
      prompt = ['no-input', 'enter-code'];
      continue;
    }
    const result = isCode(entry.digits)
      ? await within(context.signal, client.checkCode(entry.digits, false, context.source))
      : undefined;
    if (result !== undefined && !result.ok) {
      return { kind: 'refused', reason: refusalOf(result.error) };
    }
    const delayMs = result?.value.kind === 'prefix' ? 0 : (result?.value.delayMs ?? 0);
    if (delayMs > 0) await pause(context.parts.clock, context.signal, delayMs);
    if (result?.value.kind === 'valid' || result?.value.kind === 'valid-prefix') {
      metrics.codes.add(1, { result: 'valid' });
      const endKeyDue = entry.endedBy !== 'key';
      return { kind: 'valid', code: entry.digits, account: result.value, endKeyDue };
    }
    metrics.codes.add(1, { result: 'invalid' });
    count.wrong += 1;
    context.log.info({ wrong: count.wrong }, 'invalid code');
    context.decided({ kind: 'code-refused', reason: 'invalid-code' });
    if (count.wrong >= settings.entry.tries) return { kind: 'refused', reason: 'too-many-tries' };
    context.digits.clear();
    prompt = ['invalid-code', 'try-again', 'enter-code'];
  }
}

type Entry =
  | { readonly kind: 'silence' }
  | { readonly kind: 'failed'; readonly error: MediaError }
  | { readonly kind: 'entered'; readonly digits: string; readonly endedBy: string };

/**
 * A right code ends the entry by itself, so every entry tells whether a code is right, one that is
 * given up before `#` too: by `*`, or by a hang-up. It counts as a try all the same.
 */
async function enterCode(context: CallContext): Promise<Entry> {
  const { client, settings, background } = context.parts;
  let failure: MediaError | undefined;
  let typed = '';
  const giveUp = (): void => {
    if (isCode(typed)) background(client.checkCode(typed, false, context.source));
    typed = '';
  };
  const collecting = collect(context, {
    firstDigitMs: settings.entry.firstDigitMs,
    interDigitMs: settings.entry.interDigitMs,
    maxDigits: settings.entry.maxDigits,
    restartKey: '*',
    onRestart: giveUp,
    isComplete: async (digits) => {
      typed = digits;
      if (!isCode(digits)) return false;
      const check = await within(context.signal, client.checkCode(digits, true, context.source));
      if (!check.ok) failure = check.error;
      return !check.ok || check.value.kind === 'valid';
    },
  });
  const entry = await collecting.catch((error: unknown) => {
    giveUp();
    throw error;
  });
  if (failure !== undefined) return { kind: 'failed', error: failure };
  // `#` alone, or `*` and then silence, is no try at a code.
  return entry.kind === 'entered' && entry.digits === '' ? { kind: 'silence' } : entry;
}

function isCode(digits: string): boolean {
  return /^[0-9]{1,32}$/.test(digits);
}
