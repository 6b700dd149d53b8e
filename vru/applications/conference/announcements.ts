import type { PlaceInConference, VruCommand } from '../../../signaling/conference/messages.ts';
import { PROMPT_SOUNDS, PROMPT_WORDS, type PromptName } from '../../prompt-words.ts';
import type { Phrase } from '../../speech.ts';
import type { EffectiveSettings } from './row-settings.ts';

/** How somebody came to be in the conference. */
export type Arrival = 'entry' | 'host-arrived' | 'moved';

/** What a conferee hears on being placed, over the conference. */
export function arrivalWords(
  place: PlaceInConference,
  arrival: Arrival,
  announce: EffectiveSettings['announce'],
): readonly Phrase[] {
  const others: Phrase = { others: place.size - 1 };
  if (place.temporary) return ['host-not-here-yet', others];
  if (arrival === 'moved') return [];
  const words: Phrase[] = arrival === 'host-arrived' ? ['host-has-arrived'] : [];
  // Before anything of the talk may be recorded of them without their knowing.
  if (place.recorded === true) words.push('recording-started');
  if (announce === 'number' || announce === 'number-and-count') {
    words.push('you-are-conferee-number', { number: place.ordinal });
  }
  if (announce === 'count' || announce === 'number-and-count') words.push(others);
  return words;
}

/** Prompts whose number is a time in seconds. */
const TIMED: ReadonlySet<string> = new Set<PromptName>(['conference-will-end-in']);
/** Prompts that name a conferee first: "conferee number three has joined the conference". */
const NAMED: ReadonlySet<string> = new Set<PromptName>([
  'has-joined',
  'has-left',
  'is-muted',
  'is-unmuted',
  'has-been-removed',
  'is-on-hold',
  'is-back-from-hold',
  'is-now-host',
  'a-hand-was-raised',
]);

/** An announcement that the conference service asked for, in the order in which it is spoken. */
export function commandWords(
  command: Extract<VruCommand, { kind: 'announce' }>,
): readonly Phrase[] {
  const numbers = command.numbers ?? [];
  const prompt: Phrase = isPromptName(command.prompt) ? command.prompt : { file: command.prompt };
  if (TIMED.has(command.prompt)) {
    return [prompt, ...numbers.map((seconds) => ({ durationMs: seconds * 1_000 }))];
  }
  if (NAMED.has(command.prompt) && numbers.length > 0) {
    return ['conferee-number', ...numbers.map((number) => ({ number })), prompt];
  }
  return [prompt, ...numbers.map((number) => ({ number }))];
}

function isPromptName(name: string): name is PromptName {
  return Object.hasOwn(PROMPT_WORDS, name) || Object.hasOwn(PROMPT_SOUNDS, name);
}
