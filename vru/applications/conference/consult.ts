/**
 * Calling somebody from within the conference (R26): the host steps aside, hears the call go out, talks with
 * the called person, and brings him in or drops him; the others go on talking. The host's place in the
 * conference is kept, silent, so that the way back takes no time. One of the modes of a seat.
 *
 *   asking ─▶ calling (ring-back, or what the far end plays) ─▶ talking ─▶ back in the conference
 *      └────────────┴── `*`, a failure: heard, and back ────────────┘
 */
import type { MediaError } from '../../../common/errors.ts';
import type { Result } from '../../../common/result.ts';
import type { DialReply } from '../../../signaling/conference/dial-client.ts';
import type {
  DialEnd,
  DialOrder,
  DialRefusal,
} from '../../../signaling/conference/dial-messages.ts';
import type { PlaceInConference } from '../../../signaling/conference/messages.ts';
import type { MixerLink } from '../../mixer-link.ts';
import type { DialledCall, DialledNews } from '../../outdial.ts';
import type { Phrase } from '../../speech.ts';
import { dial, leave, logLink, obey } from './modes.ts';
import type { Seat, SeatEvent, SeatMode } from './seat.ts';

const END_WORDS: Readonly<Record<DialEnd, readonly Phrase[]>> = {
  'not-available': ['dial-not-available'],
  'bad-number': ['dial-failed'],
  'not-allowed': ['dial-not-allowed'],
  limit: ['dial-limit'],
  'no-vru': ['dial-not-available'],
  'conference-full': ['conference-full'],
  busy: ['busy-tone', 'dial-busy'],
  'no-answer': ['dial-no-answer'],
  failed: ['dial-failed'],
  'not-confirmed': ['dial-failed'],
  cancelled: [],
  'time-limit': ['time-limit-reached'],
  'hung-up': [],
  lost: ['dial-failed'],
};

export async function consult(
  seat: Seat,
  place: PlaceInConference,
  link: MixerLink,
  number: string,
): Promise<SeatMode> {
  const talk = new Consult(seat, place, link);
  try {
    return await talk.run(number);
  } finally {
    talk.close();
  }
}

type Step = { readonly words: readonly Phrase[] } | { readonly mode: SeatMode };

class Consult {
  readonly #seat: Seat;
  #place: PlaceInConference;
  #link: MixerLink;
  #call: DialledCall | undefined;
  /** The call belongs to somebody else: it is over, or in the conference. */
  #handedOver = false;
  #talking = false;
  #lostAtMs: number | undefined;
  #closed = false;

  constructor(seat: Seat, place: PlaceInConference, link: MixerLink) {
    this.#seat = seat;
    this.#place = place;
    this.#link = link;
  }

  async run(number: string): Promise<SeatMode> {
    const seat = this.#seat;
    seat.stepAside(seat.settings.keys.calling);
    seat.speak({}, ['dialling-out']);
    this.#ask(number);
    for (;;) {
      const step = await this.#take(await seat.next());
      if (step === undefined) continue;
      return 'mode' in step ? step.mode : this.#back(step.words);
    }
  }

  /** Whoever is still on the line with us alone is hung up. Idempotent. */
  close(): void {
    this.#closed = true;
    if (!this.#handedOver) this.#call?.drop();
  }

  #ask(number: string): void {
    const { context } = this.#seat;
    const { client, background } = context.parts;
    const asked = client.dialConsult(this.#place, number).then((reply) => {
      if (!this.#closed) this.#seat.post({ kind: 'dial-reply', reply });
      // Given up meanwhile: nobody has called, so the place that is kept for the call is given back.
      else if (reply.ok && reply.value.kind === 'dialling') {
        background(client.dialProgress(reply.value.order, 'cancelled'));
      }
    });
    background(asked);
  }

  /** Undefined: it goes on. */
  async #take(event: SeatEvent): Promise<Step | undefined> {
    switch (event.kind) {
      case 'dial-reply':
        return this.#onReply(event.reply);
      case 'dialled':
        return this.#onNews(event.news);
      case 'consult':
        return this.#onKey(event.action);
      case 'left':
        return { mode: await leave(this.#seat) };
      case 'link-lost':
        // The talk goes on; the way back leads over a new link.
        if (event.link === this.#link) this.#lostAtMs ??= this.#seat.context.parts.clock.nowMs();
        return undefined;
      case 'command': {
        const mode = await obey(this.#seat, event, (to) => this.#move(to));
        return mode === undefined ? undefined : { mode };
      }
      default:
        return undefined;
    }
  }

  #onReply(reply: Result<DialReply, MediaError>): Step | undefined {
    if (!reply.ok) return { words: ['dial-failed'] };
    if (reply.value.kind === 'dial-refused') return { words: wordsFor(reply.value.reason) };
    return this.#dial(reply.value.order);
  }

  #dial(order: DialOrder): Step | undefined {
    const { context } = this.#seat;
    const { outdial, client, background } = context.parts;
    const made = outdial?.consult(order, {
      near: context.leg,
      onNews: (news) => this.#seat.post({ kind: 'dialled', news }),
    });
    if (made?.ok === true) {
      this.#call = made.value;
      return undefined;
    }
    context.log.warn({ dialId: order.dialId, error: made?.error.code }, 'no call was made');
    background(client.dialProgress(order, 'failed'));
    return { words: ['dial-failed'] };
  }

  #onNews(news: DialledNews): Step | undefined {
    const seat = this.#seat;
    const leg = this.#call?.leg;
    switch (news.kind) {
      case 'ringing':
        if (this.#talking) return undefined;
        // RFC 3960 section 3.1: what the far end plays before the answer is better than our own tone.
        if (news.earlyMedia && leg !== undefined) seat.talkWith(leg);
        else if (!seat.aside) seat.speak({ background: 'ring-back-tone' }, []);
        return undefined;
      case 'answered':
        if (leg === undefined) return undefined;
        this.#talking = true;
        seat.talkWith(leg);
        seat.keypad.use(seat.settings.keys.consult);
        seat.speak({ mixed: true }, ['call-answered']);
        return undefined;
      case 'ended':
        this.#handedOver = true;
        return { words: wordsFor(news.why) };
    }
  }

  #onKey(action: 'bring-in' | 'drop-called'): Step | undefined {
    if (action === 'drop-called') return { words: [] };
    if (!this.#talking || this.#call === undefined) return undefined;
    this.#handedOver = true;
    this.#call.bringIn();
    return { words: [] };
  }

  /** The conference has moved while its host was aside: the new link is held like the one before. */
  async #move(to: PlaceInConference): Promise<undefined> {
    const link = await dial(this.#seat, to);
    if (!link.ok) {
      logLink(this.#seat, to, link.error);
      return;
    }
    this.#seat.connect(to, link.value);
    this.#seat.keypad.use(this.#keys());
    this.#seat.tenancy.hold({ kind: 'seated', place: to });
    this.#place = to;
    this.#link = link.value;
    this.#lostAtMs = undefined;
  }

  #keys() {
    const { consult: talking, calling } = this.#seat.settings.keys;
    return this.#talking ? talking : calling;
  }

  #back(words: readonly Phrase[]): SeatMode {
    const seat = this.#seat;
    const place = this.#place;
    // Hung up first: the far end must not hear what is said about it.
    this.close();
    seat.stepBack();
    if (this.#lostAtMs !== undefined) {
      return { kind: 'reconnecting', place, sinceMs: this.#lostAtMs };
    }
    seat.speak({ mixed: true }, [...words, 'returning-to-conference']);
    return { kind: 'seated', place, link: this.#link };
  }
}

function wordsFor(why: DialEnd | DialRefusal): readonly Phrase[] {
  return END_WORDS[why];
}
