import type { Clock, Timer } from '../../common/clock.ts';
import { MediaError } from '../../common/errors.ts';
import {
  type ConfereeId,
  type ConferenceId,
  newConfereeId,
  type Random,
} from '../../common/ids.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { MediaConference, MediaEngine, MixOptions } from '../../mixer/media.ts';
import type { LegMedia } from '../conference/leg-media.ts';
import type { MixerEvent } from '../conference/messages.ts';

export type Departure = Extract<MixerEvent, { kind: 'left' }>['why'];
export type Ending = Extract<MixerEvent, { kind: 'ended' }>['why'];

/** The call of one conferee, as its conference needs it. */
export interface ConfereeCall {
  setMuted(muted: boolean): void;
  /** Into that mix; null: hears nothing and is not heard. */
  moveTo(media: MediaConference | null): void;
  /** How loud; undefined: does not talk. */
  talkLevelDbov(): number | undefined;
  /** How well it is received; undefined: its media are not up. */
  measured(): LegMedia | undefined;
  /** BYE, then frees the leg. `why` was told already. */
  hangUp(why: Departure): void;
}

/** What interface servers decide of a conferee. */
export interface ConfereeState {
  readonly muted: boolean;
  /** Which mix of the conference; 0: the conference itself. */
  readonly sub: number;
  /** In none of them. */
  readonly held: boolean;
}

export interface Talker {
  readonly confereeId: ConfereeId;
  readonly levelDbov: number;
}

interface Conferee {
  readonly id: ConfereeId;
  state: ConfereeState;
  version: number;
  call: ConfereeCall | undefined;
}

interface Conference {
  readonly id: ConferenceId;
  readonly media: MediaConference;
  /** Made by an interface server: only announced conferees, and it stays until it is told to end. */
  readonly managed: boolean;
  readonly conferees: Map<ConfereeId, Conferee>;
  /** The last that were removed: a late copy of what announced one does not bring it back. */
  readonly removed: Set<ConfereeId>;
  /** Mixes of its sub-conferences, on the same worker, while anybody is in them. */
  readonly subs: Map<number, MediaConference>;
  /** Nobody was announced yet. */
  unused: boolean;
  idle: Timer | undefined;
}

/** A place that an INVITE may take: joined once its media is there. */
export interface Seat {
  readonly conferenceId: ConferenceId;
  readonly confereeId: ConfereeId;
  readonly media: MediaConference;
  readonly muted: boolean;
  /** Not into any mix yet: where it belongs comes with `join`. */
  readonly elsewhere: boolean;
}

export interface ConferencesOptions {
  readonly engine: MediaEngine;
  readonly mix: MixOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly onJoined: (conference: ConferenceId, conferee: ConfereeId) => void;
  readonly onLeft: (conference: ConferenceId, conferee: ConfereeId, why: Departure) => void;
  readonly onEnded: (conference: ConferenceId, why: Ending) => void;
}

/** A managed conference without any call for so long was forgotten by whoever made it. */
const IDLE_MS = 300_000;
/**
 * Made, and nobody announced: the interface server died between placement and the first event. Longer
 * than another one may take over (guards.ts); who comes later all the same is placed anew.
 */
const UNUSED_MS = 20_000;
const HEARD: ConfereeState = { muted: false, sub: 0, held: false };
/** Bounds of the tables, far above what one mixer can mix. */
const MAX_CONFERENCES = 20_000;
const MAX_CONFEREES = 20_000;
/** More than leave one conference, which goes on, while a copy of a request is on its way. */
const MAX_REMOVED = 4_096;
/** A new conference needs room for the two who will talk in it, and one more. */
const HEADROOM_FOR_A_CONFERENCE = 3;

/**
 * The conferences of one mixer: who is announced, who is there, who is muted. Every operation may be
 * repeated with one effect. Knows calls only as things to mute and to hang up.
 */
export class Conferences {
  readonly #options: ConferencesOptions;
  readonly #conferences = new Map<ConferenceId, Conference>();
  #calls = 0;

  constructor(options: ConferencesOptions) {
    this.#options = options;
  }

  get conferenceCount(): number {
    return this.#conferences.size;
  }

  /** Conferees whose call is up. */
  get confereeCount(): number {
    return this.#calls;
  }

  has(id: ConferenceId): boolean {
    return this.#conferences.has(id);
  }

  mediaOf(id: ConferenceId): MediaConference | undefined {
    return this.#conferences.get(id)?.media;
  }

  /** Makes a managed conference. Errors: `engine-full` before running ones are harmed, `conflict`. */
  create(id: ConferenceId): Result<void, MediaError> {
    const existing = this.#conferences.get(id);
    if (existing?.managed === true) return ok(undefined);
    if (existing !== undefined) {
      return fail(new MediaError('conflict', `${id} is the name of an ad-hoc conference`));
    }
    const opened = this.#open(id, true);
    return opened.ok ? ok(undefined) : opened;
  }

  /** Announces a conferee, so that its INVITE is let in. */
  admit(id: ConferenceId, conferee: ConfereeId, state: ConfereeState): Result<void, MediaError> {
    const conference = this.#conferences.get(id);
    if (conference === undefined) return unknown(id);
    // A repeated request must not undo a mute that came in between.
    if (conference.conferees.has(conferee)) return ok(undefined);
    // An id is never given again: this is a copy that comes after the removal, or was overtaken by it.
    if (conference.removed.has(conferee)) return ok(undefined);
    if (conference.unused) {
      conference.unused = false;
      conference.idle?.cancel();
      conference.idle = undefined;
      this.#watchIdle(conference);
    }
    return this.#add(conference, conferee, state);
  }

  /** E9: the conferee's place is gone, and its call if it is still up. */
  remove(id: ConferenceId, conferee: ConfereeId): void {
    const conference = this.#conferences.get(id);
    if (conference === undefined) return;
    bury(conference.removed, conferee);
    const leaving = conference.conferees.get(conferee);
    if (leaving === undefined) return;
    conference.conferees.delete(conferee);
    this.#depart(conference, leaving, 'removed')?.hangUp('removed');
    this.#closeEmptySubs(conference);
  }

  /** Takes effect only when `version` is newer; the value is what holds now. */
  mute(
    id: ConferenceId,
    conferee: ConfereeId,
    state: ConfereeState,
    version: number,
  ): Result<{ readonly muted: boolean; readonly version: number }, MediaError> {
    const conference = this.#conferences.get(id);
    const found = conference?.conferees.get(conferee);
    if (conference === undefined || found === undefined) return unknown(`${id}/${conferee}`);
    if (version > found.version) {
      const before = found.state;
      if (!state.held) {
        const mix = this.#mixOf(conference, state.sub);
        if (!mix.ok) return mix;
      }
      found.version = version;
      found.state = state;
      found.call?.setMuted(state.muted);
      if (state.sub !== before.sub || state.held !== before.held) this.#move(conference, found);
    }
    return ok({ muted: found.state.muted, version: found.version });
  }

  /** To where it belongs, at one tick. */
  #move(conference: Conference, { state, call }: Conferee): void {
    if (state.held) call?.moveTo(null);
    else {
      const mix = this.#mixOf(conference, state.sub);
      if (mix.ok) call?.moveTo(mix.value);
    }
    this.#closeEmptySubs(conference);
  }

  #mixOf(conference: Conference, sub: number): Result<MediaConference, MediaError> {
    const known = sub === 0 ? conference.media : conference.subs.get(sub);
    if (known !== undefined) return ok(known);
    const opened = this.#options.engine.openConference({
      ...this.#options.mix,
      with: conference.media,
    });
    if (opened.ok) conference.subs.set(sub, opened.value);
    return opened;
  }

  #closeEmptySubs(conference: Conference): void {
    for (const [sub, media] of [...conference.subs]) {
      const used = [...conference.conferees.values()].some(({ state }) => state.sub === sub);
      if (used) continue;
      conference.subs.delete(sub);
      media.close();
    }
  }

  /** Who talks now. */
  talkers(id: ConferenceId): readonly Talker[] {
    const talkers: Talker[] = [];
    for (const { id: confereeId, call } of this.#conferences.get(id)?.conferees.values() ?? []) {
      const levelDbov = call?.talkLevelDbov();
      if (levelDbov !== undefined) talkers.push({ confereeId, levelDbov });
    }
    return talkers;
  }

  /** How well a conferee is received. */
  measured(id: ConferenceId, conferee: ConfereeId): LegMedia | undefined {
    return this.#conferences.get(id)?.conferees.get(conferee)?.call?.measured();
  }

  end(id: ConferenceId, why: Ending): void {
    const conference = this.#conferences.get(id);
    if (conference === undefined) return;
    this.#conferences.delete(id);
    conference.idle?.cancel();
    for (const conferee of conference.conferees.values()) {
      const departure = why === 'lost' ? 'lost' : 'ended';
      this.#depart(conference, conferee, departure)?.hangUp(departure);
    }
    for (const media of conference.subs.values()) media.close();
    conference.media.close();
    this.#options.onEnded(id, why);
  }

  endAll(why: Ending): void {
    for (const id of [...this.#conferences.keys()]) this.end(id, why);
  }

  /**
   * Whether an INVITE may come in. `adhoc`: an unknown name makes a conference, and anybody who is
   * trusted joins it. Errors: `conference-unknown`, `not-allowed`, `engine-full`.
   */
  seat(
    id: ConferenceId,
    conferee: ConfereeId | undefined,
    adhoc: boolean,
  ): Result<Seat, MediaError> {
    let conference = this.#conferences.get(id);
    if (conference === undefined) {
      if (!adhoc) return unknown(id);
      const opened = this.#open(id, false);
      if (!opened.ok) return opened;
      conference = opened.value;
    }
    const confereeId = conferee ?? newConfereeId(this.#options.random);
    if (!conference.conferees.has(confereeId)) {
      if (conference.managed) {
        return fail(new MediaError('not-allowed', `${confereeId} was not announced`));
      }
      const added = this.#add(conference, confereeId, HEARD);
      if (!added.ok) return added;
    }
    const { muted, sub, held } = conference.conferees.get(confereeId)?.state ?? HEARD;
    const elsewhere = held || sub !== 0;
    return ok({ conferenceId: id, confereeId, media: conference.media, muted, elsewhere });
  }

  /** The call of a seat is up. An older call of the same conferee is replaced (make before break). */
  join(seat: Seat, call: ConfereeCall): Result<void, MediaError> {
    const conference = this.#conferences.get(seat.conferenceId);
    const conferee = conference?.conferees.get(seat.confereeId);
    if (conference === undefined || conferee === undefined || conference.media !== seat.media) {
      return unknown(seat.conferenceId);
    }
    this.#depart(conference, conferee, 'replaced')?.hangUp('replaced');
    conference.idle?.cancel();
    conference.idle = undefined;
    conferee.call = call;
    this.#calls++;
    // A mute or a move may have come between the seat and its call.
    call.setMuted(conferee.state.muted);
    if (conferee.state.held || conferee.state.sub !== 0) this.#move(conference, conferee);
    else if (seat.elsewhere) call.moveTo(conference.media);
    this.#options.onJoined(conference.id, conferee.id);
    return ok(undefined);
  }

  /** The call is over from its own side. An ad-hoc conference ends with its last call. */
  leave(seat: Seat, call: ConfereeCall, why: Departure): void {
    const conference = this.#conferences.get(seat.conferenceId);
    const conferee = conference?.conferees.get(seat.confereeId);
    if (conference === undefined || conferee === undefined || conferee.call !== call) return;
    this.#depart(conference, conferee, why);
    this.#sweep(conference, conferee);
  }

  /** The call of a seat never came up. */
  giveUp(seat: Seat): void {
    const conference = this.#conferences.get(seat.conferenceId);
    const conferee = conference?.conferees.get(seat.confereeId);
    if (conference !== undefined && conferee !== undefined && conferee.call === undefined) {
      this.#sweep(conference, conferee);
    }
  }

  #open(id: ConferenceId, managed: boolean): Result<Conference, MediaError> {
    const { engine } = this.#options;
    if (engine.load().headroom < HEADROOM_FOR_A_CONFERENCE) {
      return fail(new MediaError('engine-full', 'no headroom for another conference'));
    }
    if (this.#conferences.size >= MAX_CONFERENCES) {
      return fail(new MediaError('overloaded', `more than ${MAX_CONFERENCES} conferences`));
    }
    const media = engine.openConference(this.#options.mix);
    if (!media.ok) return media;
    const conference: Conference = {
      id,
      media: media.value,
      managed,
      conferees: new Map(),
      removed: new Set(),
      subs: new Map(),
      unused: managed,
      idle: undefined,
    };
    this.#conferences.set(id, conference);
    if (managed) this.#watchIdle(conference);
    return ok(conference);
  }

  #add(conference: Conference, id: ConfereeId, state: ConfereeState): Result<void, MediaError> {
    if (conference.conferees.size >= MAX_CONFEREES) {
      return fail(new MediaError('overloaded', `more than ${MAX_CONFEREES} conferees`));
    }
    conference.conferees.set(id, { id, state, version: 0, call: undefined });
    return ok(undefined);
  }

  /** Takes the call off its conferee and tells it; hanging up is left to the caller. */
  #depart(conference: Conference, conferee: Conferee, why: Departure): ConfereeCall | undefined {
    const { call } = conferee;
    if (call === undefined) return undefined;
    conferee.call = undefined;
    this.#calls--;
    this.#options.onLeft(conference.id, conferee.id, why);
    if (why !== 'replaced' && why !== 'ended' && why !== 'lost') this.#watchIdle(conference);
    return call;
  }

  /** After a call is gone: ad-hoc conferees have no place without a call. */
  #sweep(conference: Conference, conferee: Conferee): void {
    if (conference.managed) return;
    conference.conferees.delete(conferee.id);
    if (conference.conferees.size === 0) this.end(conference.id, 'idle');
  }

  #watchIdle(conference: Conference): void {
    if (!conference.managed || conference.idle !== undefined) return;
    for (const conferee of conference.conferees.values()) if (conferee.call !== undefined) return;
    const patienceMs = conference.unused ? UNUSED_MS : IDLE_MS;
    conference.idle = this.#options.clock.after(patienceMs, () => this.end(conference.id, 'idle'));
  }
}

function bury(removed: Set<ConfereeId>, id: ConfereeId): void {
  removed.add(id);
  if (removed.size <= MAX_REMOVED) return;
  for (const oldest of removed) {
    removed.delete(oldest);
    return;
  }
}

function unknown(what: string): Result<never, MediaError> {
  return fail(new MediaError('conference-unknown', `${what} is not here`));
}
