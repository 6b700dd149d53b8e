import type { Clock } from '../../../common/clock.ts';
import type { Digit } from '../../../mixer/media.ts';
import { type KeyMap, type KeypadAction, type KeyStep, pressKey, settleKeys } from './key-map.ts';

export type KeypadResult =
  | { readonly kind: 'action'; readonly action: KeypadAction }
  | { readonly kind: 'answer'; readonly yes: boolean; readonly action: KeypadAction }
  /** Absent number: nothing usable was entered. */
  | {
      readonly kind: 'number';
      readonly number: number | undefined;
      readonly action: KeypadAction;
    }
  /** Absent: nothing, or given up. */
  | { readonly kind: 'dial'; readonly number: string | undefined }
  | { readonly kind: 'menu'; readonly digit: Digit }
  | { readonly kind: 'menu-over' }
  | { readonly kind: 'unknown' };

export interface KeypadTimes {
  readonly keyPauseMs: number;
  readonly confirmMs: number;
  readonly rosterMs: number;
}

/** What the next key is for. */
type Mode =
  | { readonly kind: 'sequence'; readonly pressed: string }
  | { readonly kind: 'question'; readonly action: KeypadAction }
  | { readonly kind: 'number'; readonly action: KeypadAction; readonly digits: string }
  | { readonly kind: 'dial'; readonly digits: string }
  | { readonly kind: 'menu' };

const NOTHING: Mode = { kind: 'sequence', pressed: '' };
/** No conference has more conferees than this has digits. */
const NUMBER_DIGITS = 4;
/** Nor any number more than this, prefixes of access included. */
const DIAL_DIGITS = 24;

/** Turns the keys of one conferee into actions and answers. Knows time, but starts no timers: the owner asks. */
export class Keypad {
  readonly #times: KeypadTimes;
  readonly #clock: Clock;
  #map: KeyMap;
  #mode: Mode = NOTHING;
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

  /** The conferee has another role. What was begun is forgotten. */
  use(map: KeyMap): void {
    if (map === this.#map) return;
    this.#map = map;
    this.#rest();
  }

  /** The `#` after a code that was recognised without it. */
  ignoreEndKey(withinMs: number): void {
    this.#ignoreEndKeyUntilMs = this.#clock.nowMs() + withinMs;
  }

  /** The next key answers: `1` is yes, every other one and silence are no. */
  ask(action: KeypadAction): void {
    this.#become({ kind: 'question', action }, this.#times.confirmMs);
  }

  /** The next keys are a number, up to `#` or a pause; `*` gives up. */
  askNumber(action: KeypadAction): void {
    this.#become({ kind: 'number', action, digits: '' }, this.#times.confirmMs);
  }

  /** The next keys are a number to call, up to `#`; a pause or `*` gives up: half a number is never called. */
  askDial(): void {
    this.#become({ kind: 'dial', digits: '' }, this.#times.confirmMs);
  }

  /** Every key goes to the menu, until `#` or a long pause. */
  openMenu(): void {
    this.#become({ kind: 'menu' }, this.#times.rosterMs);
  }

  press(digit: Digit): KeypadResult | undefined {
    const ignoreEndKey = this.#clock.nowMs() < this.#ignoreEndKeyUntilMs;
    this.#ignoreEndKeyUntilMs = Number.NEGATIVE_INFINITY;
    if (ignoreEndKey && digit === '#') return undefined;
    const mode = this.#mode;
    switch (mode.kind) {
      case 'sequence':
        return this.#take(pressKey(this.#map, mode.pressed, digit));
      case 'question':
        return this.#end({ kind: 'answer', yes: digit === '1', action: mode.action });
      case 'number':
        return this.#numberKey(mode, digit);
      case 'dial':
        return this.#dialKey(mode.digits, digit);
      case 'menu':
        if (digit === '#') return this.#end({ kind: 'menu-over' });
        this.openMenu();
        return { kind: 'menu', digit };
    }
  }

  /** Time went by without a key. */
  settle(): KeypadResult | undefined {
    if (this.#dueMs === undefined || this.#clock.nowMs() < this.#dueMs) return undefined;
    const mode = this.#mode;
    switch (mode.kind) {
      case 'sequence':
        return this.#take(settleKeys(this.#map, mode.pressed));
      case 'question':
        return this.#end({ kind: 'answer', yes: false, action: mode.action });
      case 'number':
        return this.#numberDone(mode);
      case 'dial':
        return this.#end({ kind: 'dial', number: undefined });
      case 'menu':
        return this.#end({ kind: 'menu-over' });
    }
  }

  #dialKey(digits: string, digit: Digit): KeypadResult | undefined {
    if (digit === '#') {
      return this.#end({ kind: 'dial', number: digits === '' ? undefined : digits });
    }
    const longer = digits + digit;
    if (!/^[0-9]+$/.test(longer) || longer.length > DIAL_DIGITS) {
      return this.#end({ kind: 'dial', number: undefined });
    }
    this.#become({ kind: 'dial', digits: longer }, this.#times.confirmMs);
    return undefined;
  }

  #numberKey(mode: Extract<Mode, { kind: 'number' }>, digit: Digit): KeypadResult | undefined {
    if (digit === '#') return this.#numberDone(mode);
    if (!/[0-9]/.test(digit)) return this.#numberDone({ ...mode, digits: '' });
    const digits = mode.digits + digit;
    if (digits.length >= NUMBER_DIGITS) return this.#numberDone({ ...mode, digits });
    this.#become({ ...mode, digits }, this.#times.keyPauseMs);
    return undefined;
  }

  #numberDone({ action, digits }: Extract<Mode, { kind: 'number' }>): KeypadResult {
    const number = digits === '' ? undefined : Number(digits);
    return this.#end({ kind: 'number', action, number });
  }

  #take(step: KeyStep): KeypadResult | undefined {
    if (step.kind === 'pending') {
      this.#become({ kind: 'sequence', pressed: step.pressed }, this.#times.keyPauseMs);
      return undefined;
    }
    return this.#end(
      step.kind === 'action' ? { kind: 'action', action: step.action } : { kind: 'unknown' },
    );
  }

  #become(mode: Mode, withinMs: number): void {
    this.#mode = mode;
    this.#dueMs = this.#clock.nowMs() + withinMs;
  }

  #end(result: KeypadResult): KeypadResult {
    this.#rest();
    return result;
  }

  #rest(): void {
    this.#mode = NOTHING;
    this.#dueMs = undefined;
  }
}
