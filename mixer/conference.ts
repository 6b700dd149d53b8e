/** A mix seen from this thread. */
import { PLAY_END, writeCloseConferenceCommand, writeOpenConferenceCommand } from './abi.gen.ts';
import { Announcer } from './announcer.ts';
import type { Leg } from './leg.ts';
import type { MediaConference, MixOptions, Playback, Prompt } from './media.ts';
import type { PromptMemory } from './prompt-memory.ts';
import type { HostedConference, WorkerHost } from './worker-host.ts';

export class Conference implements MediaConference, HostedConference {
  readonly id: number;
  readonly host: WorkerHost;
  /** Kept by the legs themselves (leg.ts). */
  readonly members = new Set<Leg>();
  readonly #announcer: Announcer;
  #open = true;

  constructor(id: number, host: WorkerHost, mix: MixOptions, prompts: PromptMemory) {
    this.id = id;
    this.host = host;
    this.#announcer = new Announcer(id, host, prompts);
    const speechDbov = mix.speechLevelDbov ?? null;
    host.send((view, at) =>
      writeOpenConferenceCommand(view, at, {
        conference: id,
        contributors: mix.contributors ?? 0,
        automaticGain: speechDbov === null ? 0 : 1,
        noiseSuppression: mix.noiseSuppression === true ? 1 : 0,
        speechDbov: speechDbov ?? 0,
      }),
    );
  }

  get size(): number {
    return this.members.size;
  }

  play(prompts: readonly Prompt[], gainDb = 0): Playback {
    if (!this.#open) return { finished: Promise.resolve('stopped'), stop: () => undefined };
    const ratesHz = new Set([...this.members].map((leg) => leg.rateHz));
    return this.#announcer.play(prompts, ratesHz, gainDb);
  }

  onAnnounced(playback: number, end: number): void {
    this.#announcer.onFinished(playback, end === PLAY_END.played ? 'played' : 'stopped');
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#dismiss();
    this.host.send((view, at) => writeCloseConferenceCommand(view, at, { conference: this.id }));
  }

  onClosed(): void {
    this.#announcer.abandon();
    this.host.conferences.remove(this.id);
  }

  onLost(): void {
    this.#open = false;
    this.#announcer.abandon();
    this.#dismiss();
    this.host.conferences.remove(this.id);
  }

  #dismiss(): void {
    for (const leg of this.members) leg.onConferenceClosed(this);
    this.members.clear();
  }
}
