/**
 * The prompt catalogue: from a name to audio in the engine, for each language. Names resolve to files
 * once, at start, where missing ones are refused by name; audio is read when it is first played.
 * Looked up in this order: the operator's directory (our layout, or that of the Asterisk sound
 * packages), then the bundled pack, so that a partial pack works. Knows nothing of calls.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock, Timer } from '../common/clock.ts';
import { MediaError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { fail, ok, type Result } from '../common/result.ts';
import type { MediaEngine, Prompt } from '../mixer/media.ts';
import { ASTERISK_NAMES } from './asterisk-names.ts';
import { english } from './language/english.ts';
import { german } from './language/german.ts';
import { findLanguage, type Language } from './language/language.ts';
import { PROMPT_SOUNDS, PROMPT_WORDS } from './prompt-words.ts';
import { readWav, type Wav } from './wav.ts';

export const LANGUAGES: readonly Language[] = [english, german];

export interface PromptOptions {
  readonly engine: MediaEngine;
  readonly log: Logger;
  /** The `prompts` folder of the program: one folder a language. */
  readonly bundledDirectory: string;
  /** The operator's: files (or Asterisk's) of the default language, or one folder a language. */
  readonly directory?: string | undefined;
  /** Default language; must be complete. */
  readonly language: string;
  /** To 16 kHz. With it `.g722` files are taken before `.wav`, which are narrow-band in Asterisk's packages. */
  readonly decodeG722?: (bytes: Uint8Array) => Result<Int16Array, MediaError>;
}

export interface PromptCatalogue {
  /** Audio of one name: a prompt of the list, or any file of a pack by its path without extension. */
  find(name: string, language?: string): Result<Prompt, MediaError>;
  /** As `find` for several. What cannot be played is logged and left out: no call is lost for a prompt. */
  findAll(names: readonly string[], language?: string): readonly Prompt[];
  /** Loads everything in the default language bit by bit, so that no caller's first prompt waits for its file. */
  warmUp(clock: Clock): void;
  /** How numbers and times are said. */
  rules(language?: string): Language;
  /** Gives the memory back. */
  close(): void;
}

interface Pack {
  readonly directory: string;
  readonly layout: 'own' | 'asterisk';
}

/** A name is a relative path of plain words, so that it never leaves its folder. */
const NAME = /^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+){0,3}$/;
const NAMED_IN_ERROR = 12;
/** One prompt takes some ms to read, decode and resample; the calls in between must not feel it. */
const WARM_UP_MS = 40;
const EXTENSIONS: readonly string[] = ['.g722', '.wav'];
const G722_RATE_HZ = 16_000;

export function openPrompts(options: PromptOptions): Result<PromptCatalogue, MediaError> {
  const { directory, language, bundledDirectory } = options;
  if (directory !== undefined && !existsSync(directory)) {
    return fail(new MediaError('bad-request', `prompt directory ${directory} does not exist`));
  }
  const missing = missingNames(options);
  if (missing.length > 0) {
    const named = missing.slice(0, NAMED_IN_ERROR).join(', ');
    const more =
      missing.length > NAMED_IN_ERROR ? ` and ${missing.length - NAMED_IN_ERROR} more` : '';
    const where = [directory, bundledDirectory].filter((place) => place !== undefined).join(', ');
    return fail(
      new MediaError(
        'bad-request',
        `prompts missing for language ${language}: ${named}${more}; looked in ${where}; add NAME.wav there or run tools/prompts.mjs`,
      ),
    );
  }
  return ok(catalogue(options));
}

function missingNames(options: PromptOptions): readonly string[] {
  const packs = packsFor(options, options.language);
  const extensions = extensionsOf(options);
  return namesOf(options.language).filter((name) => locate(packs, name, extensions) === undefined);
}

/** All that a language needs. */
function namesOf(language: string): string[] {
  const extra = findLanguage(LANGUAGES, language)?.extraWords ?? {};
  const names = [PROMPT_WORDS, PROMPT_SOUNDS, extra].flatMap((words) => Object.keys(words));
  return [...new Set(names)];
}

function catalogue(options: PromptOptions): PromptCatalogue {
  const { engine, log } = options;
  const loaded = new Map<string, Result<Prompt, MediaError>>();
  const packs = new Map<string, readonly Pack[]>();
  const extensions = extensionsOf(options);
  let warming: Timer | undefined;
  const find = (name: string, language = options.language): Result<Prompt, MediaError> => {
    let places = packs.get(language);
    if (places === undefined) {
      places = packsFor(options, language);
      packs.set(language, places);
    }
    const files = locate(places, name, extensions);
    if (files === undefined) {
      return fail(new MediaError('bad-request', `no prompt ${name} for language ${language}`));
    }
    // Two languages that fall back to one file share its memory.
    const key = files.join('+');
    const known = loaded.get(key);
    if (known !== undefined) return known;
    const result = load(options, key, files);
    if (!result.ok) log.error({ prompt: name, error: result.error.message }, 'prompt not playable');
    // Exhausted memory may pass; a broken file stays broken.
    if (result.ok || !result.error.retry) loaded.set(key, result);
    return result;
  };
  return {
    find,
    findAll: (names, language) =>
      names.flatMap((name) => {
        const result = find(name, language);
        if (!result.ok) log.warn({ prompt: name, language }, 'prompt left out');
        return result.ok ? [result.value] : [];
      }),
    warmUp(clock) {
      const names = namesOf(options.language);
      warming ??= clock.every(WARM_UP_MS, () => {
        const name = names.pop();
        if (name === undefined) warming?.cancel();
        else find(name);
      });
    },
    rules: (language = options.language) => findLanguage(LANGUAGES, language) ?? english,
    close() {
      warming?.cancel();
      for (const result of loaded.values()) if (result.ok) engine.releasePrompt(result.value);
      loaded.clear();
    },
  };
}

/** Where prompts of a language are looked up, best first; the default language comes last. */
function packsFor(options: PromptOptions, language: string): readonly Pack[] {
  const tags = [...new Set([language, language.split('-')[0] ?? language])];
  const isDefault = language === options.language;
  const own = options.directory;
  const folders = [
    ...(own === undefined ? [] : tags.map((tag) => join(own, tag))),
    ...(own !== undefined && isDefault ? [own] : []),
    ...tags.map((tag) => join(options.bundledDirectory, tag)),
  ];
  const packs = folders.filter(existsSync).map((directory): Pack => {
    // Only Asterisk's packages keep numbers in a folder of their own.
    const asterisk = EXTENSIONS.some((end) => existsSync(join(directory, 'digits', `1${end}`)));
    return { directory, layout: asterisk ? 'asterisk' : 'own' };
  });
  return isDefault ? packs : [...packs, ...packsFor(options, options.language)];
}

function extensionsOf({ decodeG722 }: PromptOptions): readonly string[] {
  return decodeG722 === undefined ? ['.wav'] : EXTENSIONS;
}

/** The files that make a prompt, from the first pack that has them all. */
function locate(
  packs: readonly Pack[],
  name: string,
  extensions: readonly string[],
): readonly string[] | undefined {
  if (!NAME.test(name)) return undefined;
  for (const pack of packs) {
    const names = namesIn(pack, name);
    for (const extension of extensions) {
      const files = names?.map((file) => join(pack.directory, file + extension));
      if (files?.every(existsSync)) return files;
    }
  }
  return undefined;
}

function namesIn(pack: Pack, name: string): readonly string[] | undefined {
  if (pack.layout === 'own') return [name];
  const mapped: Readonly<Record<string, readonly string[]>> = ASTERISK_NAMES;
  // A name of our list must not be taken for an unrelated Asterisk file that happens to have it.
  return name in PROMPT_WORDS || name in PROMPT_SOUNDS ? mapped[name] : [name];
}

function load(
  options: PromptOptions,
  name: string,
  files: readonly string[],
): Result<Prompt, MediaError> {
  const parts: Wav[] = [];
  for (const file of files) {
    const part = readAudioFile(file, options.decodeG722);
    if (!part.ok) return part;
    parts.push(part.value);
  }
  const rateHz = parts[0]?.rateHz ?? 8000;
  if (parts.some((part) => part.rateHz !== rateHz)) {
    return fail(new MediaError('bad-request', `${name}: files of different rates`));
  }
  const samples = new Int16Array(parts.reduce((sum, part) => sum + part.samples.length, 0));
  let at = 0;
  for (const part of parts) {
    samples.set(part.samples, at);
    at += part.samples.length;
  }
  return options.engine.addPrompt(name, samples, rateHz);
}

/** Reads and decodes a WAV file; the error names it. */
export function readWavFile(path: string): Result<Wav, MediaError> {
  return readAudioFile(path, undefined);
}

function readAudioFile(
  path: string,
  decodeG722: PromptOptions['decodeG722'],
): Result<Wav, MediaError> {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail(new MediaError('bad-request', `${path} cannot be read: ${reason}`));
  }
  if (decodeG722 !== undefined && path.endsWith('.g722')) {
    const samples = decodeG722(bytes);
    return samples.ok ? ok({ rateHz: G722_RATE_HZ, samples: samples.value }) : samples;
  }
  const wav = readWav(bytes);
  return wav.ok ? wav : fail(new MediaError('bad-request', `${path}: ${wav.error.message}`));
}
