import { MediaError } from '../../common/errors.ts';
import { fail, ok } from '../../common/result.ts';
import { english } from '../language/english.ts';
import { PROMPT_SOUNDS, PROMPT_WORDS } from '../prompt-words.ts';
import type { PromptCatalogue } from '../prompts.ts';

/** Every prompt of the list, one second each. */
export function fakePrompts(extra: readonly string[] = []): PromptCatalogue {
  const known = new Set([...Object.keys(PROMPT_WORDS), ...Object.keys(PROMPT_SOUNDS), ...extra]);
  const find: PromptCatalogue['find'] = (name) =>
    known.has(name)
      ? ok({ name, durationMs: 1_000 })
      : fail(new MediaError('bad-request', `no prompt ${name}`));
  return {
    find,
    findAll: (names) =>
      names.flatMap((name) => {
        const found = find(name);
        return found.ok ? [found.value] : [];
      }),
    rules: () => english,
    close: () => {},
    warmUp: () => {},
  };
}
