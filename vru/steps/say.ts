import type { Playback } from '../../mixer/media.ts';
import type { CallContext } from '../flow.ts';
import { Cancelled, innerScope, within } from '../scope.ts';
import type { Phrase } from '../speech.ts';

export interface SayOptions {
  /** The first key stops the prompt; keys already pressed keep it from starting (R1). Default false. */
  readonly bargeIn?: boolean;
  /** On top of what the caller hears anyway. Default false: instead of it. */
  readonly mixed?: boolean;
}

export type SayOutcome = 'said' | 'interrupted';

/** Speaks to the caller; resolves when it was said, or a key interrupted it. */
export async function say(
  context: Pick<CallContext, 'leg' | 'digits' | 'signal' | 'language' | 'parts'>,
  phrases: readonly Phrase[],
  options: SayOptions = {},
): Promise<SayOutcome> {
  if (context.signal.aborted) throw new Cancelled();
  const bargeIn = options.bargeIn ?? false;
  if (bargeIn && context.digits.size > 0) return 'interrupted';
  const prompts = context.parts.speech.say(context.language, phrases);
  if (prompts.length === 0) return 'said';
  const playback = context.leg.play(prompts, { mode: options.mixed === true ? 'mix' : 'replace' });
  return await listen(context, playback, bargeIn);
}

async function listen(
  context: Pick<CallContext, 'digits' | 'signal'>,
  playback: Playback,
  bargeIn: boolean,
): Promise<SayOutcome> {
  const scope = innerScope(context.signal);
  try {
    const said = within(scope.signal, playback.finished).then((): SayOutcome => 'said');
    if (!bargeIn) return await said;
    const key = context.digits.ready(scope.signal).then((): SayOutcome => 'interrupted');
    // The loser of the race ends with the scope; nobody else looks at it.
    said.catch(() => undefined);
    key.catch(() => undefined);
    return await Promise.race([said, key]);
  } finally {
    playback.stop();
    scope.cancel();
  }
}
