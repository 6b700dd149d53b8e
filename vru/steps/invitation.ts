import type { CallContext } from '../flow.ts';
import type { InvitationSettings } from '../outdial.ts';
import type { Phrase } from '../speech.ts';
import { say } from './say.ts';

/** Says who calls, and waits for 1. False: declined, or nobody is there who could press a key. */
export async function invitation(
  context: CallContext,
  { files, tries, keyMs }: InvitationSettings,
): Promise<boolean> {
  const words: readonly Phrase[] = files?.map((file) => ({ file })) ?? ['invited-to-conference'];
  for (let attempt = 0; attempt < tries; attempt++) {
    await say(context, words, { bargeIn: true });
    const key = await context.digits.next(context.signal, keyMs);
    if (key === undefined) continue;
    if (key === '1') return true;
    break;
  }
  await say(context, ['goodbye']);
  return false;
}
