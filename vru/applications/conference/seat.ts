/**
 * A caller between a valid code and the end: waiting, in a conference, or getting back into one.
 * Everything that happens to the caller meanwhile (commands, keys, a lost mixer, the outcome of an
 * attempt) comes through one inbox and is looked at in order, so two things never happen at once.
 *
 *   enter ─▶ joining ─▶ seated ◀──▶ joining (moved: the new leg before the old one goes)
 *     │        │ ▲       │  ▲
 *     ▼        ▼ │       ▼  │
 *   waiting ──▶ reconnecting ┘       any of them ─▶ over
 */
import type { MediaError } from '../../../common/errors.ts';
import type { Result } from '../../../common/result.ts';
import type { Digit, MediaLeg } from '../../../mixer/media.ts';
import type {
  ControlAction,
  ControlReply,
  LeaveReason,
} from '../../../signaling/conference/client.ts';
import type { DialReply } from '../../../signaling/conference/dial-client.ts';
import type {
  PlaceInConference,
  Refusal,
  Role,
  VruCommand,
} from '../../../signaling/conference/messages.ts';
import type { Roster } from '../../../signaling/conference/roster.ts';
import type { PendingCommand } from '../../commands.ts';
import type { CallContext, FlowEnd } from '../../flow.ts';
import { Inbox } from '../../inbox.ts';
import type { LinkLoss, MixerLink } from '../../mixer-link.ts';
import type { DialledNews } from '../../outdial.ts';
import { Cancelled, innerScope, type Scope, within } from '../../scope.ts';
import type { Phrase } from '../../speech.ts';
import {
  ACTIONS,
  type ActionContext,
  type ConsultAction,
  done,
  type KeypadState,
  NOT_SEATED,
} from './actions.ts';
import { commandWords } from './announcements.ts';
import type { KeyMap, KeypadAction } from './key-map.ts';
import { Keypad, type KeypadResult } from './keypad.ts';
import { rosterStep } from './roster-menu.ts';
import type { EffectiveSettings } from './row-settings.ts';
import type { Tenancy, WaitingPlace } from './tenancy.ts';
import { Voice, type VoiceOptions } from './voice.ts';

export type SeatEvent =
  | ({ readonly kind: 'command' } & PendingCommand)
  | { readonly kind: 'digit'; readonly digit: Digit }
  | { readonly kind: 'link-lost'; readonly link: MixerLink; readonly how: LinkLoss }
  | { readonly kind: 'left' }
  /** A number was keyed; what becomes of the wish; how the call goes; a key for it (consult.ts). */
  | { readonly kind: 'dial'; readonly number: string }
  | { readonly kind: 'dial-reply'; readonly reply: Result<DialReply, MediaError> }
  | { readonly kind: 'dialled'; readonly news: DialledNews }
  | { readonly kind: 'consult'; readonly action: ConsultAction }
  /** `run` tells the attempts of this mode from left-overs of an earlier one. */
  | { readonly kind: 'attempt'; readonly run: AbortSignal; readonly outcome: AttemptOutcome }
  | { readonly kind: 'failed'; readonly error: unknown };

export type AttemptOutcome =
  | { readonly kind: 'back'; readonly place: PlaceInConference; readonly link: MixerLink }
  | { readonly kind: 'waiting'; readonly place: WaitingPlace }
  | { readonly kind: 'refused'; readonly reason: Refusal }
  | { readonly kind: 'given-up' };

export type SeatMode =
  | { readonly kind: 'waiting'; readonly place: WaitingPlace; readonly hostLeft: boolean }
  | { readonly kind: 'seated'; readonly place: PlaceInConference; readonly link: MixerLink }
  | {
      readonly kind: 'consulting';
      readonly place: PlaceInConference;
      readonly link: MixerLink;
      readonly number: string;
    }
  | { readonly kind: 'reconnecting'; readonly place: PlaceInConference; readonly sinceMs: number }
  | { readonly kind: 'over'; readonly end: FlowEnd; readonly why: LeaveReason };

/** More events than this wait for a seat only when its flow hangs; the newest are refused. */
const EVENT_LIMIT = 64;
const ACTION_LIMIT = 4;

/** What a key asks for, done one after another. */
type Order =
  | { readonly kind: 'action'; readonly action: KeypadAction; readonly ordinal?: number }
  | { readonly kind: 'menu'; readonly digit: Digit };

/** What the modes share: the inbox, the keypad, the voice, and the present link. */
export class Seat {
  readonly context: CallContext;
  readonly settings: EffectiveSettings;
  readonly tenancy: Tenancy;
  readonly keypad: Keypad;
  readonly keypadState: KeypadState = {
    selfMuted: false,
    allMuted: false,
    locked: false,
    rollCalledMs: Number.NEGATIVE_INFINITY,
  };
  /** A host has put this conferee on hold: it hears music. */
  held = false;
  /** The conference that it was in last. */
  wasIn: PlaceInConference['conferenceId'] | undefined;
  readonly #scope: Scope;
  readonly #events: Inbox<SeatEvent>;
  readonly #orders: Inbox<Order>;
  /** Ordinal that the private roster shows; 0: none yet. */
  #cursor = 0;
  #voice: Voice | undefined;
  #place: PlaceInConference | undefined;
  #link: MixerLink | undefined;
  #aside: 'silent' | 'talking' | undefined;

  constructor(context: CallContext, settings: EffectiveSettings, tenancy: Tenancy) {
    const { clock } = context.parts;
    this.#scope = innerScope(context.signal);
    this.context = { ...context, signal: this.#scope.signal };
    this.settings = settings;
    this.tenancy = tenancy;
    const { confirmMs, rosterMs } = context.parts.settings.conference;
    const times = { keyPauseMs: settings.keyPauseMs, confirmMs, rosterMs };
    this.keypad = new Keypad(settings.keys.participant, times, clock);
    this.#events = new Inbox(clock, EVENT_LIMIT);
    this.#orders = new Inbox(clock, ACTION_LIMIT);
    this.#pump(context.commands, (pending) => this.post({ kind: 'command', ...pending }));
    this.#pump(context.digits, (digit) => this.post({ kind: 'digit', digit }));
    this.#pump(this.#orders, (order) => this.#carryOut(order));
  }

  get link(): MixerLink | undefined {
    return this.#link;
  }

  /** The next event, after keys that were left unfinished have had their effect. */
  async next(): Promise<SeatEvent> {
    for (;;) {
      const event = await this.#events.next(this.context.signal, this.keypad.waitMs);
      if (event === undefined) this.onKeys(this.keypad.settle());
      else if (event.kind === 'failed') throw event.error;
      else if (event.kind === 'digit') {
        this.voice?.skipAnswer();
        this.onKeys(this.keypad.press(event.digit));
      } else return event;
    }
  }

  /** A command that comes within the time, for instance the one that explains a BYE of the mixer. */
  async commandWithin(limitMs: number): Promise<PendingCommand | undefined> {
    const { clock } = this.context.parts;
    const untilMs = clock.nowMs() + limitMs;
    for (;;) {
      const leftMs = untilMs - clock.nowMs();
      if (leftMs <= 0) return undefined;
      const event = await this.#events.next(this.context.signal, leftMs);
      if (event?.kind === 'command') return event;
    }
  }

  post(event: SeatEvent): boolean {
    const taken = this.#events.push(event);
    if (!taken) this.context.log.error({ event: event.kind }, 'seat inbox full');
    return taken;
  }

  /** Ends what was being said and heard of us, and begins anew. */
  speak(options: Omit<VoiceOptions, 'onFailure'>, first: readonly Phrase[]): Voice {
    const before = this.#voice;
    this.#voice = new Voice(
      this.context,
      { ...options, onFailure: (error) => this.post({ kind: 'failed', error }) },
      first,
    );
    before?.stop();
    return this.#voice;
  }

  get voice(): Voice | undefined {
    return this.#voice;
  }

  hush(): void {
    this.#voice?.stop();
    this.#voice = undefined;
  }

  /** The caller talks with the conference from here on; the link before goes after the new one works. */
  connect(place: PlaceInConference, link: MixerLink): void {
    const before = this.#link;
    this.#link = link;
    this.#place = place;
    this.#useKeysOf(place.role);
    if (this.#aside === undefined) this.context.route({ kind: 'relay', peer: link.leg });
    link.lost.then(
      (how) => this.post({ kind: 'link-lost', link, how }),
      (error: unknown) => this.post({ kind: 'failed', error }),
    );
    if (before !== undefined) this.context.parts.background(before.close());
  }

  /** Whether the caller talks with somebody apart from the conference. */
  get aside(): boolean {
    return this.#aside === 'talking';
  }

  /** Neither heard in the conference nor hearing it, with the place in it kept. */
  stepAside(keys: KeyMap): void {
    this.#aside = 'silent';
    this.hush();
    this.context.route({ kind: 'idle' });
    this.keypad.use(keys);
  }

  /** The two hear each other, and nobody else. */
  talkWith(leg: MediaLeg): void {
    this.hush();
    if (this.#aside === 'silent') this.context.route({ kind: 'relay', peer: leg });
    this.#aside = 'talking';
  }

  stepBack(): void {
    this.#aside = undefined;
    if (this.#place !== undefined) this.#useKeysOf(this.#place.role);
    if (this.#link !== undefined) this.context.route({ kind: 'relay', peer: this.#link.leg });
  }

  /** Off the conference; the caller hears only us. */
  disconnect(): void {
    this.#aside = undefined;
    const link = this.#link;
    this.#link = undefined;
    this.#place = undefined;
    if (link === undefined) return;
    this.context.route({ kind: 'idle' });
    this.context.parts.background(link.close());
  }

  /** Everything that runs for this seat ends. Idempotent. */
  close(): void {
    this.hush();
    this.disconnect();
    this.#scope.cancel();
  }

  /** Speaks what the conference service asked for; a change of role brings other keys. */
  announce(command: Extract<VruCommand, { kind: 'announce' }>): void {
    if (command.role !== undefined && this.#place !== undefined) {
      this.#place = { ...this.#place, role: command.role };
      this.#useKeysOf(command.role);
    }
    const words = commandWords(command);
    if (command.held === undefined || command.held === this.held) this.voice?.announce(words);
    else this.hold(command.held, words);
  }

  /** The mixer has taken the conferee out of the talk, or put it back. */
  hold(held: boolean, words: readonly Phrase[]): void {
    this.held = held;
    this.speak(held ? { background: 'music' } : { mixed: true }, words);
  }

  #useKeysOf(role: Role): void {
    this.keypad.use(this.settings.keys[role]);
  }

  onKeys(result: KeypadResult | undefined): void {
    if (result === undefined) return;
    switch (result.kind) {
      case 'unknown':
        this.voice?.interrupt(['error-tone']);
        break;
      case 'action':
        this.#onAction(result.action);
        break;
      case 'answer':
        if (result.yes) this.#order({ kind: 'action', action: result.action });
        else this.voice?.interrupt(['end-not-confirmed']);
        break;
      case 'number':
        if (result.number === undefined) this.voice?.interrupt(['no-such-conferee']);
        else this.#order({ kind: 'action', action: result.action, ordinal: result.number });
        break;
      case 'dial':
        if (result.number === undefined) this.voice?.interrupt(['returning-to-conference']);
        else this.post({ kind: 'dial', number: result.number });
        break;
      case 'menu':
        this.#order({ kind: 'menu', digit: result.digit });
        break;
      case 'menu-over':
        this.voice?.interrupt(['returning-to-conference']);
        break;
    }
  }

  #onAction(action: KeypadAction): void {
    const row = ACTIONS[action];
    if (row.hostOnly && this.#place?.role !== 'host') {
      this.voice?.interrupt(['not-a-host']);
    } else if (row.confirm !== undefined) {
      this.keypad.ask(action);
      this.voice?.interrupt([row.confirm]);
    } else if (row.asksDial === true) {
      if (this.context.parts.outdial === undefined) this.voice?.interrupt(['dial-not-available']);
      else {
        this.keypad.askDial();
        this.voice?.interrupt(['dial-number']);
      }
    } else if (row.asksNumber !== undefined) {
      this.keypad.askNumber(action);
      this.voice?.interrupt([row.asksNumber]);
    } else {
      if (row.opensMenu === true) {
        this.#cursor = 0;
        this.keypad.openMenu();
      }
      this.#order({ kind: 'action', action });
    }
  }

  #order(order: Order): void {
    if (!this.#orders.push(order)) this.voice?.interrupt(['error-tone']);
  }

  async control(action: ControlAction): Promise<ControlReply> {
    const place = this.#place;
    if (place === undefined) return NOT_SEATED;
    const { client } = this.context.parts;
    return await within(
      this.context.signal,
      client.control(place.conferenceId, place.confereeId, action),
    );
  }

  async #roster(): Promise<Roster | undefined> {
    const place = this.#place;
    if (place === undefined) return undefined;
    const { client } = this.context.parts;
    const read = await within(this.context.signal, client.roster(place.conferenceId));
    return read.ok && read.value.created !== undefined ? read.value : undefined;
  }

  /** One key function after another, beside the seat's own loop: a request may take its time. */
  async #carryOut(order: Order): Promise<void> {
    const place = this.#place;
    const isHost = place?.role === 'host';
    const context: ActionContext = {
      keys: this.settings.keys[place?.role ?? 'participant'],
      isHost,
      state: this.keypadState,
      ordinal: order.kind === 'action' ? order.ordinal : undefined,
      roster: () => this.#roster(),
      self: (roster) => (place === undefined ? undefined : roster?.ofId(place.confereeId)),
      control: (request) => this.control(request),
      respond: (phrases) => this.voice?.interrupt(phrases),
      leave: () => {
        this.post({ kind: 'left' });
      },
      nowMs: () => this.context.parts.clock.nowMs(),
      consult: (action) => {
        this.post({ kind: 'consult', action });
      },
    };
    if (order.kind === 'action') await ACTIONS[order.action].run(context);
    else await this.#menuKey(context, order.digit);
  }

  async #menuKey(context: ActionContext, digit: Digit): Promise<void> {
    const roster = await context.roster();
    if (roster === undefined) {
      context.respond(['error-tone', 'try-again']);
      return;
    }
    const step = rosterStep(roster, this.#cursor, digit, context.self(roster)?.sub ?? 0);
    if (step.kind === 'show') this.#cursor = step.ordinal;
    if (step.kind !== 'act' || (await done(context, step.action))) context.respond(step.words);
  }

  #pump<T>(from: Inbox<T>, take: (item: T) => unknown): void {
    const run = async (): Promise<void> => {
      for (;;) {
        const item = await from.next(this.context.signal);
        if (item !== undefined) await take(item);
      }
    };
    run().catch((error: unknown) => {
      if (!(error instanceof Cancelled)) this.post({ kind: 'failed', error });
    });
  }
}
