/** What one conference hears as a whole: prompts mixed in once, one announcement at a time. */
import { writeAnnounceCommand, writeStopAnnouncingCommand } from './abi.gen.ts';
import type { Playback, Prompt } from './media.ts';
import type { PromptList, PromptMemory } from './prompt-memory.ts';
import type { WorkerHost } from './worker-host.ts';

/** As kLaneRates in native/engine/context.h. */
const MIX_RATES_HZ = [8000, 16_000, 48_000] as const;

interface Active {
  readonly lists: readonly PromptList[];
  readonly resolve: (end: 'played' | 'stopped') => void;
}

export class Announcer {
  readonly #conference: number;
  readonly #host: WorkerHost;
  readonly #prompts: PromptMemory;
  readonly #active = new Map<number, Active>();
  #next = 1;

  constructor(conference: number, host: WorkerHost, prompts: PromptMemory) {
    this.#conference = conference;
    this.#host = host;
    this.#prompts = prompts;
  }

  /** `ratesHz`: of those who are in it; who comes later at another rate does not hear this one. */
  play(prompts: readonly Prompt[], ratesHz: ReadonlySet<number>, gainDb: number): Playback {
    const lists = MIX_RATES_HZ.map((rateHz) =>
      ratesHz.has(rateHz) ? this.#prompts.list(prompts, rateHz) : undefined,
    );
    const held = lists.filter((list) => list !== undefined && list !== null);
    if (lists.includes(null) || held.length === 0) {
      for (const list of held) list.free();
      return { finished: Promise.resolve('stopped'), stop: () => undefined };
    }
    const [narrow, wide, full] = lists;
    const id = this.#next++;
    const finished = new Promise<'played' | 'stopped'>((resolve) => {
      this.#active.set(id, { lists: held, resolve });
    });
    this.#host.send((view, at) =>
      writeAnnounceCommand(view, at, {
        conference: this.#conference,
        playback: id,
        gain: 10 ** (gainDb / 20),
        list8: narrow?.offset ?? 0,
        count8: narrow?.count ?? 0,
        list16: wide?.offset ?? 0,
        count16: wide?.count ?? 0,
        list48: full?.offset ?? 0,
        count48: full?.count ?? 0,
      }),
    );
    return { finished, stop: () => this.#stop(id) };
  }

  onFinished(id: number, end: 'played' | 'stopped'): void {
    const active = this.#active.get(id);
    if (active === undefined) return;
    this.#active.delete(id);
    for (const list of active.lists) list.free();
    active.resolve(end);
  }

  /** The conference is gone; the engine reads nothing of it any more. */
  abandon(): void {
    for (const id of [...this.#active.keys()]) this.onFinished(id, 'stopped');
  }

  #stop(id: number): void {
    if (!this.#active.has(id)) return;
    this.#host.send((view, at) =>
      writeStopAnnouncingCommand(view, at, { conference: this.#conference, playback: id }),
    );
  }
}
