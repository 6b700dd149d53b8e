/**
 * The host's private roster (R22, R23): one conferee at a time, by ordinal. Reads the log at every
 * key, so who has gone meanwhile is not acted on.
 */
import type { Digit } from '../../../mixer/media.ts';
import type { ControlAction } from '../../../signaling/conference/client.ts';
import { type Conferee, isMuted, type Roster } from '../../../signaling/conference/roster.ts';
import type { Phrase } from '../../speech.ts';
import { stateWords } from './roster-words.ts';

export type MenuStep =
  /** The cursor is at this ordinal now. */
  | { readonly kind: 'show'; readonly ordinal: number; readonly words: readonly Phrase[] }
  | { readonly kind: 'act'; readonly action: ControlAction; readonly words: readonly Phrase[] }
  | { readonly kind: 'say'; readonly words: readonly Phrase[] };

/** Key of the menu → what it does. Checked against docs/keypad.md. */
export const ROSTER_KEYS = {
  '6': 'next',
  '4': 'previous',
  '5': 'mute or unmute',
  '9': 'delete',
  '0': 'hold, or back from hold',
  '1': 'make host',
  '3': 'to the sub-conference in which the host is, or back',
  '#': 'leave the roster',
} as const;

/** Pure. `cursor` 0: before the first. `ownSub`: the sub-conference of the host who looks. */
export function rosterStep(roster: Roster, cursor: number, digit: Digit, ownSub: number): MenuStep {
  const all = [...roster.conferees.values()];
  if (digit === '6') return show(all.find(({ ordinal }) => ordinal > cursor));
  if (digit === '4') return show(all.findLast(({ ordinal }) => ordinal < cursor));
  const chosen = roster.conferees.get(cursor);
  const action = chosen === undefined ? undefined : actionOf(chosen, digit, ownSub);
  if (action === undefined) {
    const known = Object.hasOwn(ROSTER_KEYS, digit);
    return { kind: 'say', words: [known ? 'no-such-conferee' : 'roster-help'] };
  }
  return action;
}

function show(conferee: Conferee | undefined): MenuStep {
  return conferee === undefined
    ? { kind: 'say', words: ['end-of-list'] }
    : { kind: 'show', ordinal: conferee.ordinal, words: stateWords(conferee) };
}

function actionOf(chosen: Conferee, digit: Digit, ownSub: number): MenuStep | undefined {
  const { ordinal } = chosen;
  if (digit === '5') return muteStep(chosen);
  if (digit === '9') {
    const words = [...named(ordinal), 'has-been-removed'] as const;
    return { kind: 'act', action: { kind: 'delete', ordinal }, words };
  }
  if (digit === '0') {
    const held = !chosen.held;
    const words = [...named(ordinal), held ? 'is-on-hold' : 'is-back-from-hold'] as const;
    return { kind: 'act', action: { kind: 'hold', ordinal, held }, words };
  }
  if (digit === '3') {
    const sub = chosen.sub === ownSub ? 0 : ownSub;
    const words: readonly Phrase[] =
      sub === 0
        ? [...named(ordinal), 'is-in-the-main-conference']
        : [...named(ordinal), 'is-in-sub-conference', { number: sub }];
    return { kind: 'act', action: { kind: 'send', ordinal, sub }, words };
  }
  if (digit === '1') {
    const words = [...named(ordinal), 'is-now-host'] as const;
    return { kind: 'act', action: { kind: 'make-host', ordinal }, words };
  }
  return undefined;
}

/** A host's unmute frees from the host's bit and from the mode; what a conferee muted itself stays its own. */
export function muteStep(chosen: Conferee): Extract<MenuStep, { kind: 'act' }> {
  const { ordinal } = chosen;
  const muted = !(chosen.mutedByHost || chosen.mutedByMode);
  const after = isMuted({ ...chosen, mutedByHost: muted, mutedByMode: false });
  const words = [...named(ordinal), after ? 'is-muted' : 'is-unmuted'] as const;
  return { kind: 'act', action: { kind: 'mute', ordinal, muted }, words };
}

export function named(ordinal: number): readonly ['conferee-number', { readonly number: number }] {
  return ['conferee-number', { number: ordinal }];
}
