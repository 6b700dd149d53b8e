/**
 * Key sequences of the conference as data: a map from sequence to action, and the pure machine that
 * recognises sequences in a stream of digits. Maps are settings of the DNIS row, so nothing here
 * knows a default; `actions.ts` says what each action does.
 */
import type { Digit } from '../../../mixer/media.ts';

export const KEYPAD_ACTIONS = [
  'leave',
  'help',
  'mute-self',
  'hand',
  'count',
  'roll-call',
  'roster',
  'mode',
  'mute-all',
  'mute-one',
  'delete-one',
  'lock',
  'sub-conference',
  'record',
  'operator',
  'dial',
  'bring-in',
  'drop-called',
  'end',
] as const;
export type KeypadAction = (typeof KEYPAD_ACTIONS)[number];

export type KeyMap = Readonly<Record<string, KeypadAction>>;

export type KeyStep =
  /** A sequence is complete and no longer one begins with it. */
  | { readonly kind: 'action'; readonly action: KeypadAction; readonly pressed: string }
  /** Wait for the next key; after a pause `settleKeys` decides. */
  | { readonly kind: 'pending'; readonly pressed: string }
  /** Nothing begins like this. `pressed` is what the caller hears an error tone for. */
  | { readonly kind: 'unknown'; readonly pressed: string };

/**
 * One more key. A key that fits nothing after `pressed` may begin a new sequence of its own: with
 * `**` and `*6`, the keys `5 * 6` and `* 5 * 6` both end in mute.
 */
export function pressKey(map: KeyMap, pressed: string, digit: Digit): KeyStep {
  const now = pressed + digit;
  if (beginsSequence(map, now)) return pendingOrAction(map, now);
  if (pressed !== '' && beginsSequence(map, digit)) return pendingOrAction(map, digit);
  return { kind: 'unknown', pressed: now };
}

/** The pause after a key was too long for a sequence to go on. */
export function settleKeys(map: KeyMap, pressed: string): KeyStep {
  const action = actionOf(map, pressed);
  return action === undefined ? { kind: 'unknown', pressed } : { kind: 'action', action, pressed };
}

/** The sequence for an action, for the spoken help. */
export function keysFor(map: KeyMap, action: KeypadAction): string | undefined {
  return Object.keys(map).find((sequence) => map[sequence] === action);
}

/** Two sequences of which one is the beginning of the other, so that it could not be told when it is over. */
export function findCollision(sequences: readonly string[]): readonly [string, string] | undefined {
  for (const [index, short] of sequences.entries()) {
    const long = sequences.find((other, at) => at !== index && other.startsWith(short));
    if (long !== undefined) return [short, long];
  }
  return undefined;
}

function pendingOrAction(map: KeyMap, pressed: string): KeyStep {
  const action = actionOf(map, pressed);
  const mayGoOn = Object.keys(map).some(
    (sequence) => sequence.length > pressed.length && sequence.startsWith(pressed),
  );
  return action !== undefined && !mayGoOn
    ? { kind: 'action', action, pressed }
    : { kind: 'pending', pressed };
}

function beginsSequence(map: KeyMap, pressed: string): boolean {
  return Object.keys(map).some((sequence) => sequence.startsWith(pressed));
}

function actionOf(map: KeyMap, pressed: string): KeypadAction | undefined {
  return Object.hasOwn(map, pressed) ? map[pressed] : undefined;
}
