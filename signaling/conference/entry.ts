/**
 * The decision of an entry (E1, E24–E28), pure: who comes, what the account says, what there is →
 * what happens. interface-server.ts carries it out; entry.test.ts walks the whole table.
 */

import type { AccountRecord, Refusal, Role } from './messages.ts';
import { lockRefuses } from './policy.ts';

export interface ConferenceSituation {
  /** It ended, or nobody in it is alive: a stale record (R7). */
  readonly ended: boolean;
  readonly locked: boolean;
  readonly hosts: number;
  readonly size: number;
  readonly mixerAlive: boolean;
}

export interface EntrySituation {
  readonly role: Role;
  readonly waitingMode: AccountRecord['waitingMode'];
  /** Absent: no limit but the mixers' measured capacity. */
  readonly maxConferees?: number | undefined;
  /** The conference proper of the account, if there is a record of one. */
  readonly conference: ConferenceSituation | undefined;
  /** Participants waiting, on hold or mingling. */
  readonly waiting: number;
}

export type EntryDecision =
  | { readonly kind: 'join' }
  /** Its mixer is gone: another one first. */
  | { readonly kind: 'replace-mixer-and-join' }
  | { readonly kind: 'create' }
  | { readonly kind: 'create-and-move-waiting' }
  | { readonly kind: 'hold' }
  | { readonly kind: 'mingle' }
  | { readonly kind: 'refuse'; readonly reason: Refusal };

export function decideEntry(situation: EntrySituation): EntryDecision {
  const { role, waitingMode, maxConferees, conference, waiting } = situation;
  if (conference !== undefined && !conference.ended) {
    if (lockRefuses(conference, role)) return { kind: 'refuse', reason: 'locked' };
    if (maxConferees !== undefined && conference.size >= maxConferees) {
      return { kind: 'refuse', reason: 'conference-full' };
    }
    return conference.mixerAlive ? { kind: 'join' } : { kind: 'replace-mixer-and-join' };
  }
  // The host's place is kept free among those who wait.
  const full = maxConferees !== undefined && waiting + 1 >= maxConferees;
  if (role === 'host' || waitingMode === 'start') {
    return { kind: waiting > 0 ? 'create-and-move-waiting' : 'create' };
  }
  if (full) return { kind: 'refuse', reason: 'conference-full' };
  return { kind: waitingMode };
}
