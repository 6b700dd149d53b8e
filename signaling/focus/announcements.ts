/**
 * What a conference hears as a whole, one announcement after another. Words are put into audio by
 * whoever made this mixer (it knows no prompt); recorded names come from the store.
 */
import type { Logger } from '../../common/log.ts';
import type { Store } from '../../common/store/store.ts';
import type { MediaConference, MediaEngine, Prompt } from '../../mixer/media.ts';
import type { AnnouncedWord } from '../conference/messages.ts';
import { type RecordedName, readName } from '../conference/recorded-names.ts';

/** Words of the prompt pack as audio of this mixer's engine; what has none is left out. */
export type Speak = (
  language: string,
  words: readonly Exclude<AnnouncedWord, { nameOf: unknown }>[],
) => readonly Prompt[];

export interface AnnouncementsOptions {
  readonly engine: MediaEngine;
  readonly store: Store;
  readonly log: Logger;
  readonly speak: Speak;
  readonly onOutcome: (outcome: 'played' | 'dropped' | 'silent') => void;
}

/** More than this wait for nobody: they would be old when they are heard. */
const QUEUE_LIMIT = 8;
/**
 * Nobody is recorded without hearing of it: these words come next, also in between the parts of a long
 * announcement, and of a full queue another one goes.
 */
const FIRST_OF_ALL: ReadonlySet<AnnouncedWord> = new Set([
  'recording-started',
  'recording-stopped',
]);
/** Announcements by name that are remembered, so that a repeated request is heard once. */
const REMEMBERED = 4_096;
/** Recorded names in memory at once; a roll call may have hundreds. */
const NAMES_AT_ONCE = 8;

export interface Announcement {
  readonly name: string;
  readonly language: string;
  readonly words: readonly AnnouncedWord[];
}

type NameWord = Extract<AnnouncedWord, { nameOf: unknown }>;
type Names = ReadonlyMap<NameWord['nameOf'], RecordedName>;

interface Waiting extends Announcement {
  /** Read when it was asked for: who leaves takes its name along. */
  readonly names: Names;
}

export class Announcements {
  readonly #options: AnnouncementsOptions;
  readonly #queues = new Map<MediaConference, Waiting[]>();
  readonly #known = new Set<string>();

  constructor(options: AnnouncementsOptions) {
    this.#options = options;
  }

  /** Resolves when it can be said whoever leaves; it is heard later. `isOpen`: somebody is there. */
  async say(
    media: MediaConference,
    announcement: Announcement,
    isOpen: () => boolean,
  ): Promise<void> {
    if (this.#known.has(announcement.name)) return;
    this.#remember(announcement.name);
    const few = announcement.words.filter(isName).length <= NAMES_AT_ONCE;
    const names = few ? await this.#read(announcement.words) : new Map();
    const waiting = { ...announcement, names };
    const queue = this.#queues.get(media);
    if (queue !== undefined) {
      this.#queue(queue, waiting);
      return;
    }
    const started = [waiting];
    this.#queues.set(media, started);
    this.#run(media, started, isOpen).then(
      () => this.#queues.delete(media),
      (error: unknown) => {
        this.#queues.delete(media);
        this.#options.log.error({ err: error }, 'an announcement failed');
      },
    );
  }

  #queue(queue: Waiting[], waiting: Waiting): void {
    const first = isFirst(waiting);
    if (queue.length >= QUEUE_LIMIT) {
      this.#options.onOutcome('dropped');
      if (!first) return;
      // The last ordinary one; of what is first only the newest is still true.
      const ordinary = queue.findLastIndex((one) => !isFirst(one));
      queue.splice(Math.max(ordinary, 0), 1);
    }
    const at = first ? queue.findIndex((one) => !isFirst(one)) : -1;
    queue.splice(at < 0 ? queue.length : at, 0, waiting);
  }

  #remember(name: string): void {
    this.#known.add(name);
    for (const oldest of this.#known) {
      if (this.#known.size <= REMEMBERED) return;
      this.#known.delete(oldest);
    }
  }

  async #run(media: MediaConference, queue: Waiting[], isOpen: () => boolean): Promise<void> {
    for (let next = queue.shift(); next !== undefined && isOpen(); next = queue.shift()) {
      await this.#sayOne(media, next, queue, isOpen);
    }
  }

  async #sayOne(
    media: MediaConference,
    one: Waiting,
    queue: Waiting[],
    isOpen: () => boolean,
  ): Promise<void> {
    let heard = false;
    for (const part of inParts(one.words)) {
      for (let [next] = queue; next !== undefined && isFirst(next); [next] = queue) {
        if (isFirst(one)) break;
        queue.shift();
        await this.#sayOne(media, next, queue, isOpen);
      }
      if (!isOpen()) return;
      const names = new Map([...(await this.#read(part, one.names)), ...one.names]);
      heard = (await this.#play(media, one.language, part, names)) || heard;
    }
    this.#options.onOutcome(heard ? 'played' : 'silent');
  }

  async #play(
    media: MediaConference,
    language: string,
    words: readonly AnnouncedWord[],
    names: Names,
  ): Promise<boolean> {
    const { engine, speak } = this.#options;
    const temporary: Prompt[] = [];
    const prompts = words.flatMap((word): readonly Prompt[] => {
      if (!isName(word)) return speak(language, [word]);
      const name = names.get(word.nameOf);
      const added =
        name === undefined ? undefined : engine.addPrompt('name', name.samples, name.rateHz);
      if (added?.ok !== true) return speak(language, word.otherwise);
      temporary.push(added.value);
      return [added.value, ...speak(language, word.followedBy)];
    });
    const playback = prompts.length === 0 ? undefined : media.play(prompts);
    // What plays is kept until it has been played.
    for (const prompt of temporary) engine.releasePrompt(prompt);
    return (await playback?.finished) === 'played';
  }

  async #read(words: readonly AnnouncedWord[], known?: Names): Promise<Names> {
    const names = new Map<NameWord['nameOf'], RecordedName>();
    for (const { nameOf } of words.filter(isName)) {
      if (known?.has(nameOf) === true) continue;
      const read = await readName(this.#options.store, nameOf);
      if (read.ok && read.value !== undefined) names.set(nameOf, read.value);
    }
    return names;
  }
}

function isName(word: AnnouncedWord): word is NameWord {
  return typeof word === 'object' && 'nameOf' in word;
}

function isFirst({ words }: Announcement): boolean {
  return words.some((word) => FIRST_OF_ALL.has(word));
}

function inParts(words: readonly AnnouncedWord[]): readonly (readonly AnnouncedWord[])[] {
  const parts: AnnouncedWord[][] = [[]];
  let names = 0;
  for (const word of words) {
    if (isName(word) && names++ >= NAMES_AT_ONCE) {
      names = 1;
      parts.push([]);
    }
    parts.at(-1)?.push(word);
  }
  return parts;
}
