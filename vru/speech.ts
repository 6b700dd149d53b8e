import type { Prompt } from '../mixer/media.ts';
import type { Language } from './language/language.ts';
import type { PromptName } from './prompt-words.ts';
import type { PromptCatalogue } from './prompts.ts';

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
  | { readonly durationMs: number };

/** Turns phrases into audio. What has none is logged and left out: no call is lost for a prompt. */
export interface Speech {
  say(language: string, phrases: readonly Phrase[]): readonly Prompt[];
}

export function createSpeech(prompts: PromptCatalogue): Speech {
  return {
    say: (language, phrases) => {
      const rules = prompts.rules(language);
      const names = phrases.flatMap((phrase) => namesOf(rules, phrase));
      return prompts.findAll(names, language);
    },
  };
}

function namesOf(rules: Language, phrase: Phrase): readonly string[] {
  if (typeof phrase === 'string') return [phrase];
  if ('file' in phrase) return [phrase.file];
  if ('number' in phrase) return rules.number(phrase.number);
  if ('digits' in phrase) return rules.digits(phrase.digits);
  if ('others' in phrase) return rules.others(phrase.others);
  if ('participants' in phrase) return rules.participants(phrase.participants);
  return rules.duration(phrase.durationMs);
}
