/** A mix seen from this thread. */
import { writeCloseConferenceCommand, writeOpenConferenceCommand } from './abi.gen.ts';
import type { Leg } from './leg.ts';
import type { MediaConference, MixOptions } from './media.ts';
import type { HostedConference, WorkerHost } from './worker-host.ts';

export class Conference implements MediaConference, HostedConference {
  readonly id: number;
  readonly host: WorkerHost;
  /** Kept by the legs themselves (leg.ts). */
  readonly members = new Set<Leg>();
  #open = true;

  constructor(id: number, host: WorkerHost, mix: MixOptions) {
    this.id = id;
    this.host = host;
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

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#dismiss();
    this.host.send((view, at) => writeCloseConferenceCommand(view, at, { conference: this.id }));
  }

  onClosed(): void {
    this.host.conferences.remove(this.id);
  }

  onLost(): void {
    this.#open = false;
    this.#dismiss();
    this.host.conferences.remove(this.id);
  }

  #dismiss(): void {
    for (const leg of this.members) leg.onConferenceClosed(this);
    this.members.clear();
  }
}
