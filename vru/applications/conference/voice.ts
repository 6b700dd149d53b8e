import type { CallContext } from '../../flow.ts';
import { Inbox } from '../../inbox.ts';
import type { PromptName } from '../../prompt-words.ts';
import { Cancelled, innerScope, type Scope } from '../../scope.ts';
import type { Phrase } from '../../speech.ts';
import { say } from '../../steps/say.ts';

export interface VoiceOptions {
  /** Heard between announcements, over and over: music, the tone while reconnecting. */
  readonly background?: PromptName;
  /** Said by itself this often while nothing else is. */
  readonly notice?: { readonly phrases: readonly Phrase[]; readonly everyMs: number };
  /** Announcements do not interrupt what is heard anyway, the conference. */
  readonly mixed?: boolean;
  /** An announcement could not be played; the call must not go on as if it had been. */
  readonly onFailure: (error: unknown) => void;
}

/** More announcements than this wait for nobody: they would be old when they are heard. */
const QUEUE_LIMIT = 8;

/**
 * What a caller hears from us while something else goes on: announcements one after another, never
 * two at once, with a background between them. The owner does not wait for it.
 */
export class Voice {
  readonly #context: CallContext;
  readonly #options: VoiceOptions;
  readonly #scope: Scope;
  readonly #queue: Inbox<readonly Phrase[]>;
  #current: Scope | undefined;
  /** What is said now, or next, answers a key. */
  #answering = false;

  constructor(context: CallContext, options: VoiceOptions, first: readonly Phrase[] = []) {
    this.#scope = innerScope(context.signal);
    this.#context = { ...context, signal: this.#scope.signal };
    this.#options = options;
    this.#queue = new Inbox(context.parts.clock, QUEUE_LIMIT);
    if (first.length > 0) this.#queue.push(first);
    this.#run().catch((error: unknown) => {
      if (!(error instanceof Cancelled)) options.onFailure(error);
    });
  }

  /** After what is being said now. */
  announce(phrases: readonly Phrase[]): void {
    if (!this.#queue.push(phrases)) this.#context.log.warn({}, 'announcement dropped');
  }

  /** Now: the answer to a key must not wait behind older announcements. */
  interrupt(phrases: readonly Phrase[]): void {
    this.#queue.clear();
    this.#queue.push(phrases);
    this.#current?.cancel();
    this.#answering = true;
  }

  /** A key was pressed: who presses on has heard enough of the answer to the one before. */
  skipAnswer(): void {
    if (!this.#answering) return;
    this.#queue.clear();
    this.#current?.cancel();
    this.#answering = false;
  }

  /** Silences announcements and background. Idempotent. */
  stop(): void {
    this.#scope.cancel();
  }

  async #run(): Promise<void> {
    for (;;) {
      const phrases = this.#queue.take() ?? (await this.#idle());
      if (phrases !== undefined) await this.#say(phrases);
    }
  }

  async #say(phrases: readonly Phrase[]): Promise<void> {
    const scope = innerScope(this.#scope.signal);
    this.#current = scope;
    try {
      const mixed = this.#options.mixed ?? false;
      await say({ ...this.#context, signal: scope.signal }, phrases, { mixed });
    } catch (error) {
      if (!(error instanceof Cancelled) || this.#scope.signal.aborted) throw error;
    } finally {
      this.#current = undefined;
      if (this.#queue.size === 0) this.#answering = false;
      scope.cancel();
    }
  }

  async #idle(): Promise<readonly Phrase[] | undefined> {
    const { background, notice } = this.#options;
    const { leg, parts, language, signal } = this.#context;
    const prompts = background === undefined ? [] : parts.speech.say(language, [background]);
    const playback = prompts.length === 0 ? undefined : leg.play(prompts, { loop: true });
    try {
      const item = await this.#queue.next(signal, notice?.everyMs);
      return item ?? notice?.phrases;
    } finally {
      playback?.stop();
    }
  }
}
