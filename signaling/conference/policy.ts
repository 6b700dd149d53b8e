/** What the rules of a conference say, as pure functions of what there is. */

import type { ControlAction } from './client.ts';
import type { ConferenceEvent } from './events.ts';
import type { AccountRecord, Role } from './messages.ts';
import type { Conferee, Roster } from './roster.ts';

/**
 * A locked conference takes nobody more (E15). One exception keeps it from being lost to everybody:
 * a host may come in while no host is in it.
 */
export function lockRefuses(
  conference: { readonly locked: boolean; readonly hosts: number },
  role: Role,
): boolean {
  return conference.locked && !(role === 'host' && conference.hosts === 0);
}

/** What a departure leads to: the last one ends the conference, the last host as the account says (R28). */
export function afterDeparture(
  roster: Roster,
  leaving: Conferee,
  policy: Pick<AccountRecord, 'hostLeaves' | 'graceMs'>,
  lost: boolean,
  nowMs: number,
): readonly ConferenceEvent[] {
  if (roster.size === 1) {
    return [{ kind: 'ended', why: lost ? 'lost' : 'empty', others: 'nothing' }];
  }
  const lastHost = leaving.role === 'host' && roster.hosts === 1;
  if (!lastHost || roster.created?.temporary === true) return [];
  switch (policy.hostLeaves) {
    case 'continue':
      return [];
    case 'succeed':
      return succession(roster);
    case 'wait':
      return [{ kind: 'ended', why: 'host-left', others: 'wait' }];
    case 'end':
      return policy.graceMs === 0
        ? [{ kind: 'ended', why: 'host-left', others: 'release' }]
        : [{ kind: 'grace-started', endAtMs: nowMs + policy.graceMs }];
  }
}

/** What everybody may do, for itself. */
const OWN: ReadonlySet<ControlAction['kind']> = new Set([
  'mute-self',
  'hand',
  'sub-conference',
  'operator',
]);

/** Whether this conferee (undefined: an operator) may do it. */
export function mayControl(by: Conferee | undefined, action: ControlAction): boolean {
  if (OWN.has(action.kind)) return by !== undefined;
  return by === undefined || by.role === 'host';
}

/**
 * Of those who are left, the one who came first; one who hears the conference before one in a
 * sub-conference or on hold. What the host that left has done to the heir is undone, as nobody else could.
 */
function succession(roster: Roster): readonly ConferenceEvent[] {
  const guests = [...roster.conferees.values()].filter(({ role }) => role === 'participant');
  const heir =
    guests.find(({ held, sub }) => !held && sub === 0) ??
    guests.find(({ held }) => !held) ??
    guests[0];
  if (heir === undefined) return [];
  const { ordinal } = heir;
  return [
    { kind: 'role', ordinal, role: 'host', why: 'succession' },
    ...(heir.held ? [{ kind: 'held', ordinal, held: false } as const] : []),
    ...(heir.mutedByHost ? [{ kind: 'muted', ordinal, bit: 'host', muted: false } as const] : []),
  ];
}
