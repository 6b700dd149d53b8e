/**
 * One stream of key presses from three sources that may all report the same press: RFC 4733 events
 * and tones in the audio (both from the leg), and SIP INFO. A digit is never doubled and never lost
 * when one source misses it (features.md, pain 17).
 */
import type { Digit } from '../mixer/media.ts';

export type DigitSource = 'rtp' | 'inband' | 'info';

export interface KeyPress {
  readonly digit: Digit;
  readonly source: DigitSource;
  readonly atMs: number;
}

interface Delivered extends KeyPress {
  /** Sources that have reported this press, the first one included. */
  readonly seenBy: readonly DigitSource[];
}

export interface ArbiterState {
  readonly recent: readonly Delivered[];
  /** Tones are no longer believed once a source with real digits was seen: speech can sound like them. */
  readonly signalled: boolean;
}

export const NO_DIGITS: ArbiterState = { recent: [], signalled: false };

/**
 * Whether a report is a new press. A report is the echo of a delivered press of the same digit that
 * this source has not yet reported; each press is matched at most once per source, so that two quick
 * presses of one key reported by two sources stay two.
 */
export function arbitrate(
  state: ArbiterState,
  press: KeyPress,
  sameDigitMs: number,
): { readonly state: ArbiterState; readonly deliver: boolean } {
  const recent = state.recent.filter((other) => press.atMs - other.atMs <= sameDigitMs);
  if (press.source === 'inband' && state.signalled) {
    return { state: { ...state, recent }, deliver: false };
  }
  const signalled = state.signalled || press.source !== 'inband';
  const match = recent.findIndex(
    (other) => other.digit === press.digit && !other.seenBy.includes(press.source),
  );
  const matched = recent[match];
  if (matched !== undefined) {
    const seen = { ...matched, seenBy: [...matched.seenBy, press.source] };
    return { state: { recent: recent.with(match, seen), signalled }, deliver: false };
  }
  const added = { ...press, seenBy: [press.source] };
  return { state: { recent: [...recent, added], signalled }, deliver: true };
}

const DIGITS: ReadonlySet<string> = new Set('0123456789*#ABCD');

/** A digit as SIP INFO spells it; undefined for anything else, such as a flash (16). */
export function parseDigit(text: string): Digit | undefined {
  const spelled = text === '10' ? '*' : text === '11' ? '#' : text.toUpperCase();
  return isDigit(spelled) ? spelled : undefined;
}

function isDigit(text: string): text is Digit {
  return DIGITS.has(text);
}
