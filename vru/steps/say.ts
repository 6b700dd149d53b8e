import type { Playback, Prompt } from '../../mixer/media.ts';
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

type Context = Pick<CallContext, 'leg' | 'digits' | 'signal' | 'language' | 'parts'>;

/** Recorded names that are in memory for one caller at once: a roll call may have hundreds. */
const NAMES_AT_ONCE = 8;

/** Speaks to the caller; resolves when it was said, or a key interrupted it. */
export async function say(
  context: Context,
  phrases: readonly Phrase[],
  options: SayOptions = {},
): Promise<SayOutcome> {
  if (context.signal.aborted) throw new Cancelled();
  const bargeIn = options.bargeIn ?? false;
  for (const part of inParts(phrases)) {
    if (bargeIn && context.digits.size > 0) return 'interrupted';
    const names = part.some(isName) ? await findNames(context, part) : NO_NAMES;
    const words = part.map((phrase) => (isName(phrase) ? spoken(names, phrase) : phrase));
    const prompts = context.parts.speech.say(context.language, words);
    const playback =
      prompts.length === 0
        ? undefined
        : context.leg.play(prompts, { mode: options.mixed === true ? 'mix' : 'replace' });
    for (const prompt of names.values()) context.parts.speech.release(prompt);
    if (playback === undefined) continue;
    if ((await listen(context, playback, bargeIn)) === 'interrupted') return 'interrupted';
  }
  return 'said';
}

type Name = Extract<Phrase, { readonly nameOf: unknown }>;
type Names = ReadonlyMap<Name['nameOf'], Prompt>;
const NO_NAMES: Names = new Map();

function isName(phrase: Phrase): phrase is Name {
  return typeof phrase === 'object' && 'nameOf' in phrase;
}

function spoken(names: Names, phrase: Name): Phrase {
  const prompt = names.get(phrase.nameOf);
  return prompt === undefined ? phrase : { prompt };
}

function inParts(phrases: readonly Phrase[]): readonly (readonly Phrase[])[] {
  const parts: Phrase[][] = [[]];
  let names = 0;
  for (const phrase of phrases) {
    if (isName(phrase) && names++ >= NAMES_AT_ONCE) {
      names = 1;
      parts.push([]);
    }
    parts.at(-1)?.push(phrase);
  }
  return parts;
}

/** A store that does not answer costs the names, not the announcement. */
async function findNames(context: Context, phrases: readonly Phrase[]): Promise<Names> {
  const { client, speech } = context.parts;
  const found = new Map<Name['nameOf'], Prompt>();
  try {
    for (const { nameOf } of phrases.filter(isName)) {
      const read = await within(context.signal, client.recordedName(nameOf));
      const name = read.ok ? read.value : undefined;
      const prompt = name === undefined ? undefined : speech.add(`name of ${nameOf}`, name);
      if (prompt !== undefined) found.set(nameOf, prompt);
    }
  } catch (error) {
    for (const prompt of found.values()) speech.release(prompt);
    throw error;
  }
  return found;
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
