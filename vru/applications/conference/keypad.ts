import type { Clock } from '../../../common/clock.ts';
import type { Digit } from '../../../mixer/media.ts';
import { type KeyMap, type KeypadAction, type KeyStep, pressKey, settleKeys } from './key-map.ts';

export type KeypadResult =
  | { readonly kind: 'action'; readonly action: KeypadAction }
  | { readonly kind: 'answer'; readonly yes: boolean; readonly action: KeypadAction }
  | { readonly kind: 'unknown' };

export interface KeypadTimes {
  readonly keyPauseMs: number;
  readonly confirmMs: number;
}

/** Turns the keys of one conferee into actions and answers. Knows time, but starts no timers: the owner asks. */
export class Keypad {
  readonly #map: KeyMap;
  readonly #times: KeypadTimes;
  readonly #clock: Clock;
  #pressed = '';
  #question: KeypadAction | undefined;
  #dueMs: number | undefined;
  #ignoreEndKeyUntilMs = Number.NEGATIVE_INFINITY;

  constructor(map: KeyMap, times: KeypadTimes, clock: Clock) {
    this.#map = map;
    this.#times = times;
    this.#clock = clock;
  }

  /** How long until `settle` has to be called; undefined: nothing is open. */
  get waitMs(): number | undefined {
    return this.#dueMs === undefined ? undefined : Math.max(0, this.#dueMs - this.#clock.nowMs());
  }

  /** The `#` after a code that was recognised without it. */
  ignoreEndKey(withinMs: number): void {
    this.#ignoreEndKeyUntilMs = this.#clock.nowMs() + withinMs;
  }

  /** The next key answers: `1` is yes, every other one and silence are no. */
  ask(question: KeypadAction): void {
    this.#pressed = '';
    this.#question = question;
    this.#dueMs = this.#clock.nowMs() + this.#times.confirmMs;
  }

  press(digit: Digit): KeypadResult | undefined {
    const ignoreEndKey = this.#clock.nowMs() < this.#ignoreEndKeyUntilMs;
    this.#ignoreEndKeyUntilMs = Number.NEGATIVE_INFINITY;
    if (ignoreEndKey && digit === '#') return undefined;
    if (this.#question !== undefined) return this.#answer(digit === '1');
    return this.#take(pressKey(this.#map, this.#pressed, digit));
  }

  /** Time went by without a key. */
  settle(): KeypadResult | undefined {
    if (this.#dueMs === undefined || this.#clock.nowMs() < this.#dueMs) return undefined;
    if (this.#question !== undefined) return this.#answer(false);
    return this.#take(settleKeys(this.#map, this.#pressed));
  }

  #answer(yes: boolean): KeypadResult | undefined {
    const action = this.#question;
    this.#question = undefined;
    this.#dueMs = undefined;
    return action === undefined ? undefined : { kind: 'answer', yes, action };
  }

  #take(step: KeyStep): KeypadResult | undefined {
    if (step.kind === 'pending') {
      this.#pressed = step.pressed;
      this.#dueMs = this.#clock.nowMs() + this.#times.keyPauseMs;
      return undefined;
    }
    this.#pressed = '';
    this.#dueMs = undefined;
    return step.kind === 'action' ? { kind: 'action', action: step.action } : { kind: 'unknown' };
  }
}
