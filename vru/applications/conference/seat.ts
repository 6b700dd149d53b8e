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
import type { Digit } from '../../../mixer/media.ts';
import type {
  ControlAction,
  ControlReply,
  LeaveReason,
} from '../../../signaling/conference/client.ts';
import type { PlaceInConference, Refusal } from '../../../signaling/conference/messages.ts';
import type { PendingCommand } from '../../commands.ts';
import type { CallContext, FlowEnd } from '../../flow.ts';
import { Inbox } from '../../inbox.ts';
import type { LinkLoss, MixerLink } from '../../mixer-link.ts';
import { Cancelled, innerScope, type Scope, within } from '../../scope.ts';
import type { Phrase } from '../../speech.ts';
import { ACTIONS, type ActionContext, type KeypadState, NOT_SEATED } from './actions.ts';
import type { KeypadAction } from './key-map.ts';
import { Keypad, type KeypadResult } from './keypad.ts';
import type { EffectiveSettings } from './row-settings.ts';
import type { Tenancy, WaitingPlace } from './tenancy.ts';
import { Voice, type VoiceOptions } from './voice.ts';

export type SeatEvent =
  | ({ readonly kind: 'command' } & PendingCommand)
  | { readonly kind: 'digit'; readonly digit: Digit }
  | { readonly kind: 'link-lost'; readonly link: MixerLink; readonly how: LinkLoss }
  | { readonly kind: 'left' }
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
  | { readonly kind: 'reconnecting'; readonly place: PlaceInConference; readonly sinceMs: number }
  | { readonly kind: 'over'; readonly end: FlowEnd; readonly why: LeaveReason };

/** More events than this wait for a seat only when its flow hangs; the newest are refused. */
const EVENT_LIMIT = 64;
const ACTION_LIMIT = 4;

/** What the modes share: the inbox, the keypad, the voice, and the present link. */
export class Seat {
  readonly context: CallContext;
  readonly settings: EffectiveSettings;
  readonly tenancy: Tenancy;
  readonly keypad: Keypad;
  readonly keypadState: KeypadState = { selfMuted: false, allMuted: false, locked: false };
  readonly #scope: Scope;
  readonly #events: Inbox<SeatEvent>;
  readonly #actions: Inbox<KeypadAction>;
  #voice: Voice | undefined;
  #place: PlaceInConference | undefined;
  #link: MixerLink | undefined;

  constructor(context: CallContext, settings: EffectiveSettings, tenancy: Tenancy) {
    const { clock } = context.parts;
    this.#scope = innerScope(context.signal);
    this.context = { ...context, signal: this.#scope.signal };
    this.settings = settings;
    this.tenancy = tenancy;
    this.keypad = new Keypad(settings.keys, context.parts.settings.conference, clock);
    this.#events = new Inbox(clock, EVENT_LIMIT);
    this.#actions = new Inbox(clock, ACTION_LIMIT);
    this.#pump(context.commands, (pending) => this.post({ kind: 'command', ...pending }));
    this.#pump(context.digits, (digit) => this.post({ kind: 'digit', digit }));
    this.#pump(this.#actions, (action) => this.#act(action));
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
      else if (event.kind === 'digit') this.onKeys(this.keypad.press(event.digit));
      else return event;
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
    this.context.route({ kind: 'relay', peer: link.leg });
    link.lost.then(
      (how) => this.post({ kind: 'link-lost', link, how }),
      (error: unknown) => this.post({ kind: 'failed', error }),
    );
    if (before !== undefined) this.context.parts.background(before.close());
  }

  /** Off the conference; the caller hears only us. */
  disconnect(): void {
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

  onKeys(result: KeypadResult | undefined): void {
    if (result === undefined) return;
    if (result.kind === 'unknown') {
      this.voice?.interrupt(['error-tone']);
      return;
    }
    const row = ACTIONS[result.action];
    if (row.hostOnly && this.#place?.role !== 'host') {
      this.voice?.interrupt(['not-a-host']);
      return;
    }
    if (result.kind === 'action' && row.confirm !== undefined) {
      this.keypad.ask(result.action);
      this.voice?.interrupt([row.confirm]);
      return;
    }
    if (result.kind === 'answer' && !result.yes) {
      this.voice?.interrupt(['end-not-confirmed']);
      return;
    }
    if (!this.#actions.push(result.action)) this.voice?.interrupt(['error-tone']);
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

  /** One key function after another, beside the seat's own loop: a request may take its time. */
  async #act(action: KeypadAction): Promise<void> {
    const context: ActionContext = {
      keys: this.settings.keys,
      isHost: this.#place?.role === 'host',
      state: this.keypadState,
      control: (request) => this.control(request),
      respond: (phrases) => this.voice?.interrupt(phrases),
      leave: () => {
        this.post({ kind: 'left' });
      },
    };
    await ACTIONS[action].run(context);
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
