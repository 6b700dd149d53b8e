import type { CallId } from '../common/ids.ts';
import type { MediaEngine, Prompt } from '../mixer/media.ts';
import type { Speak } from '../signaling/focus/announcements.ts';
import type { Language } from './language/language.ts';
import type { PromptName } from './prompt-words.ts';
import type { PromptCatalogue } from './prompts.ts';
import type { Wav } from './wav.ts';

/** What a flow says: a phrase of the catalogue, or a value that the language puts into words. */
export type Phrase =
  | PromptName
  /** Any file of the pack, named by an operator in the settings of a DNIS row. */
  | { readonly file: string }
  | { readonly number: number }
  /** Digit by digit. */
  | { readonly digits: string }
  /** "There are three other participants." */
  | { readonly others: number }
  | { readonly participants: number }
  | { readonly durationMs: number }
  /** What the caller of that call has said as its name; who has said none is named otherwise. */
  | { readonly nameOf: CallId; readonly otherwise: readonly Phrase[] }
  | { readonly prompt: Prompt };

/** Turns phrases into audio. What has none is logged and left out: no call is lost for a prompt. */
export interface Speech {
  say(language: string, phrases: readonly Phrase[]): readonly Prompt[];
  /** Audio that is no prompt of the catalogue; undefined: no memory for it. Give it back with `release`. */
  add(name: string, audio: Wav): Prompt | undefined;
  /** What plays meanwhile is played to its end. */
  release(prompt: Prompt): void;
}

export function createSpeech(
  prompts: PromptCatalogue,
  engine: Pick<MediaEngine, 'addPrompt' | 'releasePrompt'>,
): Speech {
  return {
    say: (language, phrases) => {
      const rules = prompts.rules(language);
      return phrases.flatMap((phrase) => promptsOf(prompts, rules, language, phrase));
    },
    add: (name, { samples, rateHz }) => {
      const added = engine.addPrompt(name, samples, rateHz);
      return added.ok ? added.value : undefined;
    },
    release: (prompt) => engine.releasePrompt(prompt),
  };
}

/** What a mixer says to a whole conference; there a word is a prompt by its name. */
export function speakWith(speech: Speech): Speak {
  return (language, words) =>
    speech.say(
      language,
      words.map((word) => (typeof word === 'string' ? { file: word } : word)),
    );
}

function promptsOf(
  prompts: PromptCatalogue,
  rules: Language,
  language: string,
  phrase: Phrase,
): readonly Prompt[] {
  if (typeof phrase === 'object' && 'prompt' in phrase) return [phrase.prompt];
  if (typeof phrase === 'object' && 'nameOf' in phrase) {
    return phrase.otherwise.flatMap((one) => promptsOf(prompts, rules, language, one));
  }
  return prompts.findAll(namesOf(rules, phrase), language);
}

type Spoken = Exclude<Phrase, { readonly prompt: Prompt } | { readonly nameOf: CallId }>;

function namesOf(rules: Language, phrase: Spoken): readonly string[] {
  if (typeof phrase === 'string') return [phrase];
  if ('file' in phrase) return [phrase.file];
  if ('number' in phrase) return rules.number(phrase.number);
  if ('digits' in phrase) return rules.digits(phrase.digits);
  if ('others' in phrase) return rules.others(phrase.others);
  if ('participants' in phrase) return rules.participants(phrase.participants);
  return rules.duration(phrase.durationMs);
}
