/** The playbacks of one leg: which prompts are held for them, and who waits for their end. */
import type { Logger } from '../common/log.ts';
import { PLAY_MODE, writePlayCommand, writeStopPlayingCommand } from './abi.gen.ts';
import type { Playback, PlayOptions, Prompt } from './media.ts';
import type { PromptList, PromptMemory } from './prompt-memory.ts';
import type { WorkerHost } from './worker-host.ts';

interface Active {
  readonly prompts: readonly Prompt[];
  readonly options: PlayOptions;
  /** Lists that the engine may still read: of this rate, and of the one before a codec change. */
  readonly lists: PromptList[];
  readonly resolve: (end: 'played' | 'stopped') => void;
  /** Ends of the engine that mean "replaced by the same at another rate". */
  endsToIgnore: number;
}

export class LegPlayer {
  readonly #leg: number;
  readonly #host: WorkerHost;
  readonly #prompts: PromptMemory;
  readonly #log: Logger;
  readonly #active = new Map<number, Active>();
  #rateHz = 8000;
  #next = 1;

  constructor(leg: number, host: WorkerHost, prompts: PromptMemory, log: Logger) {
    this.#leg = leg;
    this.#host = host;
    this.#prompts = prompts;
    this.#log = log;
  }

  play(prompts: readonly Prompt[], options: PlayOptions, open: boolean): Playback {
    const list = open ? this.#prompts.list(prompts, this.#rateHz) : null;
    if (list === null) {
      if (open)
        this.#log.warn({ leg: this.#leg }, 'a released prompt, or no memory for a playback');
      return { finished: Promise.resolve('stopped'), stop: () => undefined };
    }
    const id = this.#next++;
    const finished = new Promise<'played' | 'stopped'>((resolve) => {
      this.#active.set(id, { prompts, options, lists: [list], resolve, endsToIgnore: 0 });
    });
    this.#start(id, list, options);
    return { finished, stop: () => this.stop(id) };
  }

  /** One playback, or with 0 all. */
  stop(id: number): void {
    if (id !== 0 && !this.#active.has(id)) return;
    if (this.#active.size === 0) return;
    this.#host.send((view, at) =>
      writeStopPlayingCommand(view, at, { leg: this.#leg, playback: id }),
    );
  }

  /** The codec has another rate now: what plays starts again at the new one. */
  useRate(rateHz: number): void {
    if (rateHz === this.#rateHz) return;
    this.#rateHz = rateHz;
    for (const [id, active] of this.#active) {
      const list = this.#prompts.list(active.prompts, rateHz);
      if (list === null) {
        this.stop(id);
        continue;
      }
      active.lists.push(list);
      active.endsToIgnore++;
      this.#start(id, list, active.options);
    }
  }

  onFinished(id: number, end: 'played' | 'stopped'): void {
    const active = this.#active.get(id);
    if (active === undefined) return;
    if (active.endsToIgnore > 0) {
      active.endsToIgnore--;
      active.lists.shift()?.free();
      return;
    }
    this.#active.delete(id);
    for (const list of active.lists) list.free();
    active.resolve(end);
  }

  /** The leg is gone; the engine reads nothing of it any more. */
  abandon(): void {
    for (const id of [...this.#active.keys()]) {
      const active = this.#active.get(id);
      if (active !== undefined) active.endsToIgnore = 0;
      this.onFinished(id, 'stopped');
    }
  }

  #start(id: number, list: PromptList, options: PlayOptions): void {
    this.#host.send((view, at) =>
      writePlayCommand(view, at, {
        leg: this.#leg,
        playback: id,
        listOffset: list.offset,
        count: list.count,
        gain: 10 ** ((options.gainDb ?? 0) / 20),
        loop: options.loop === true ? 1 : 0,
        mode: PLAY_MODE[options.mode ?? 'replace'],
      }),
    );
  }
}
