/** Conferees in words: the roll call and the host's private roster (R21). */
import type { Conferee, Roster } from '../../../signaling/conference/roster.ts';
import { isMuted } from '../../../signaling/conference/roster.ts';
import type { Phrase } from '../../speech.ts';

/** "In the conference there are three participants." */
export function countWords(roster: Roster): readonly Phrase[] {
  return ['in-the-conference-there-are', { participants: roster.size }];
}

/** The number first, then each by ordinal. A key stops it, so it may be long. */
export function rollCallWords(roster: Roster): readonly Phrase[] {
  const each = [...roster.conferees.values()].flatMap((one) => [
    'silence' as const,
    ...whoWords(one),
  ]);
  return [...countWords(roster), ...each, 'silence', 'end-of-list'];
}

/** "Conferee number two", and the name that it said; without one "calling from one five five". */
export function whoWords({ ordinal, role, caller }: Conferee): readonly Phrase[] {
  const number = /^\+?[0-9*#]{1,32}$/.test(caller.callerNumber);
  return [
    'conferee-number',
    { number: ordinal },
    ...(role === 'host' ? (['the-host'] as const) : []),
    {
      nameOf: caller.callId,
      otherwise: number ? ['from-number', { digits: caller.callerNumber }] : ['unknown-caller'],
    },
  ];
}

/** With what a host wants to know of one. */
export function stateWords(conferee: Conferee): readonly Phrase[] {
  const muted = isMuted(conferee) ? (['is-muted'] as const) : [];
  const hand = conferee.handRaisedAtMs === null ? [] : (['a-hand-was-raised'] as const);
  const held = conferee.held ? (['is-on-hold'] as const) : [];
  const { sub } = conferee;
  const away: readonly Phrase[] = sub === 0 ? [] : ['is-in-sub-conference', { number: sub }];
  return [...whoWords(conferee), ...muted, ...held, ...away, ...hand];
}
