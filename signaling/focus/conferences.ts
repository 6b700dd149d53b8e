import type { Clock, Timer } from '../../common/clock.ts';
import { MediaError } from '../../common/errors.ts';
import {
  type ConfereeId,
  type ConferenceId,
  newConfereeId,
  type Random,
} from '../../common/ids.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { MediaConference, MediaEngine } from '../../mixer/media.ts';
import type { MixerEvent } from '../conference/messages.ts';

export type Departure = Extract<MixerEvent, { kind: 'left' }>['why'];
export type Ending = Extract<MixerEvent, { kind: 'ended' }>['why'];

/** The call of one conferee, as its conference needs it. */
export interface ConfereeCall {
  setMuted(muted: boolean): void;
  /** BYE, then frees the leg. `why` was told already. */
  hangUp(why: Departure): void;
}

interface Conferee {
  readonly id: ConfereeId;
  muted: boolean;
  muteVersion: number;
  call: ConfereeCall | undefined;
}

interface Conference {
  readonly id: ConferenceId;
  readonly media: MediaConference;
  /** Made by an interface server: only announced conferees, and it stays until it is told to end. */
  readonly managed: boolean;
  readonly conferees: Map<ConfereeId, Conferee>;
  idle: Timer | undefined;
}

/** A place that an INVITE may take: joined once its media is there. */
export interface Seat {
  readonly conferenceId: ConferenceId;
  readonly confereeId: ConfereeId;
  readonly media: MediaConference;
  readonly muted: boolean;
}

export interface ConferencesOptions {
  readonly engine: MediaEngine;
  readonly clock: Clock;
  readonly random: Random;
  readonly onJoined: (conference: ConferenceId, conferee: ConfereeId) => void;
  readonly onLeft: (conference: ConferenceId, conferee: ConfereeId, why: Departure) => void;
  readonly onEnded: (conference: ConferenceId, why: Ending) => void;
}

/** A managed conference without any call for so long was forgotten by whoever made it. */
const IDLE_MS = 300_000;
/** Bounds of the tables, far above what one mixer can mix. */
const MAX_CONFERENCES = 20_000;
const MAX_CONFEREES = 20_000;
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
  admit(id: ConferenceId, conferee: ConfereeId, muted: boolean): Result<void, MediaError> {
    const conference = this.#conferences.get(id);
    if (conference === undefined) return unknown(id);
    // A repeated request must not undo a mute that came in between.
    if (conference.conferees.has(conferee)) return ok(undefined);
    return this.#add(conference, conferee, muted);
  }

  /** E9: the conferee's place is gone, and its call if it is still up. */
  remove(id: ConferenceId, conferee: ConfereeId): void {
    const conference = this.#conferences.get(id);
    const leaving = conference?.conferees.get(conferee);
    if (conference === undefined || leaving === undefined) return;
    conference.conferees.delete(conferee);
    this.#depart(conference, leaving, 'removed')?.hangUp('removed');
  }

  /** Takes effect only when `version` is newer; the value is what holds now. */
  mute(
    id: ConferenceId,
    conferee: ConfereeId,
    muted: boolean,
    version: number,
  ): Result<{ readonly muted: boolean; readonly version: number }, MediaError> {
    const found = this.#conferences.get(id)?.conferees.get(conferee);
    if (found === undefined) return unknown(`${id}/${conferee}`);
    if (version > found.muteVersion) {
      found.muteVersion = version;
      found.muted = muted;
      found.call?.setMuted(muted);
    }
    return ok({ muted: found.muted, version: found.muteVersion });
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
      const added = this.#add(conference, confereeId, false);
      if (!added.ok) return added;
    }
    const muted = conference.conferees.get(confereeId)?.muted ?? false;
    return ok({ conferenceId: id, confereeId, media: conference.media, muted });
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
    // A mute may have come between the seat and its call.
    call.setMuted(conferee.muted);
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
    const media = engine.openConference();
    if (!media.ok) return media;
    const conference: Conference = {
      id,
      media: media.value,
      managed,
      conferees: new Map(),
      idle: undefined,
    };
    this.#conferences.set(id, conference);
    if (managed) this.#watchIdle(conference);
    return ok(conference);
  }

  #add(conference: Conference, id: ConfereeId, muted: boolean): Result<void, MediaError> {
    if (conference.conferees.size >= MAX_CONFEREES) {
      return fail(new MediaError('overloaded', `more than ${MAX_CONFEREES} conferees`));
    }
    conference.conferees.set(id, { id, muted, muteVersion: 0, call: undefined });
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
    conference.idle = this.#options.clock.after(IDLE_MS, () => this.end(conference.id, 'idle'));
  }
}

function unknown(what: string): Result<never, MediaError> {
  return fail(new MediaError('conference-unknown', `${what} is not here`));
}
