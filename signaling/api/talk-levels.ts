/**
 * How loud those who talk are, for readers who look at one conference: asks its mixer five times a
 * second, only while somebody looks and somebody talks. What the mixer answers is also the truth
 * about who talks: a feed that is younger than the talk learns it here.
 */
import type { Bus } from '../../common/bus/bus.ts';
import type { ConferenceId } from '../../common/ids.ts';
import { levelsReply, SUBJECTS } from '../conference/messages.ts';
import type { Feed, Feeds } from './event-feed.ts';

export interface LevelListener {
  levels(text: string): void;
}

export interface TalkLevelsOptions {
  readonly bus: Bus;
  readonly feeds: Feeds;
  /** Others talk than was known. */
  readonly onTalkers: (feed: Feed) => void;
}

const DEADLINE_MS = 1_000;

export class TalkLevels {
  readonly #options: TalkLevelsOptions;
  readonly #watchers = new Map<ConferenceId, Set<LevelListener>>();
  /** To be asked although nobody is known to talk. */
  readonly #unsure = new Set<ConferenceId>();
  readonly #underWay = new Set<ConferenceId>();

  constructor(options: TalkLevelsOptions) {
    this.#options = options;
  }

  watch(id: ConferenceId, listener: LevelListener): void {
    const listeners = this.#watchers.get(id) ?? new Set();
    this.#watchers.set(id, listeners.add(listener));
    this.#unsure.add(id);
  }

  unwatch(id: ConferenceId, listener: LevelListener): void {
    const listeners = this.#watchers.get(id);
    listeners?.delete(listener);
    if (listeners?.size !== 0) return;
    this.#watchers.delete(id);
    this.#unsure.delete(id);
  }

  /** To be called five times a second. */
  tick(): void {
    for (const id of this.#watchers.keys()) {
      const feed = this.#options.feeds.peek(id);
      if (feed === undefined || feed.roster.ended !== undefined) continue;
      const due = feed.hasTalkers || this.#unsure.has(id);
      if (due && !this.#underWay.has(id)) void this.#ask(feed);
    }
  }

  async #ask(feed: Feed): Promise<void> {
    const { id, roster } = feed;
    if (roster.created === undefined) return;
    this.#underWay.add(id);
    const request = { kind: 'levels', requestId: 'read-levels', conferenceId: id };
    const subject = SUBJECTS.mixer(roster.created.mixerId);
    const answer = await this.#options.bus.request(subject, request, { deadlineMs: DEADLINE_MS });
    this.#underWay.delete(id);
    const reply = answer.ok ? levelsReply.safeParse(answer.value) : undefined;
    // A mixer that is gone is replaced by others; until then the page shows no levels.
    if (reply?.success !== true) return;
    this.#unsure.delete(id);
    const { talkers } = reply.data;
    if (feed.setTalkers(talkers.map(({ confereeId }) => confereeId))) this.#options.onTalkers(feed);
    const levels = talkers.flatMap(({ confereeId, levelDbov }) => {
      const conferee = roster.ofId(confereeId);
      return conferee === undefined ? [] : [[conferee.ordinal, Math.round(levelDbov)]];
    });
    const text = JSON.stringify({ type: 'levels', conferenceId: id, levels });
    for (const listener of this.#watchers.get(id) ?? []) listener.levels(text);
  }
}
