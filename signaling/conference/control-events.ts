/** What a control request means for a conference as it stands: pure, so that tests and fakes decide as servers do. */
import { MediaError } from '../../common/errors.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { ControlAction } from './client.ts';
import type { ConferenceEvent } from './events.ts';
import type { Conferee, Roster } from './roster.ts';

/** The others are more than events: controls.ts, ending.ts, recording.ts. */
export type StateAction = Exclude<
  ControlAction,
  { kind: 'delete' | 'end' | 'roll-call' | 'record' }
>;

const nothing = ok([]);
const one = (event: ConferenceEvent) => ok([event]);

/** Empty: it is so already, or the conferee has gone. */
export function controlEvents(
  roster: Roster,
  by: Conferee | undefined,
  action: StateAction,
): Result<readonly ConferenceEvent[], MediaError> {
  const asking = by === undefined ? undefined : roster.ofId(by.confereeId);
  switch (action.kind) {
    case 'mute-all':
      return roster.mutedAll === action.muted ? nothing : one({ ...action, kind: 'muted-all' });
    case 'mode':
      return roster.mode === action.mode ? nothing : one(action);
    case 'lock':
      return lockEvents(roster, action.locked);
    case 'mute-self':
      if (asking === undefined || asking.mutedBySelf === action.muted) return nothing;
      return one({ ...action, kind: 'muted', ordinal: asking.ordinal, bit: 'self' });
    case 'mute':
      return muteEvents(roster.conferees.get(action.ordinal), action.muted);
    case 'hand':
      return handEvents(roster, asking, action.raised);
    case 'lower-hand': {
      const { ordinal } = action;
      const isUp = (roster.conferees.get(ordinal)?.handRaisedAtMs ?? null) !== null;
      return isUp ? one({ kind: 'hand', ordinal, raised: false }) : nothing;
    }
    case 'make-host': {
      const { ordinal } = action;
      const isSo = roster.conferees.get(ordinal)?.role !== 'participant';
      return isSo ? nothing : one({ kind: 'role', ordinal, role: 'host' });
    }
    case 'hold': {
      const { ordinal, held } = action;
      const isSo = roster.conferees.get(ordinal)?.held !== !held;
      return isSo ? nothing : one({ kind: 'held', ordinal, held });
    }
    case 'operator':
      return asking === undefined
        ? nothing
        : one({ kind: 'operator-called', ordinal: asking.ordinal });
    case 'sub-conference':
      return subEvents(roster, asking, action.sub);
    case 'send':
      return subEvents(roster, roster.conferees.get(action.ordinal), action.sub);
  }
}

function subEvents(roster: Roster, conferee: Conferee | undefined, sub: number) {
  if (roster.created?.temporary === true) {
    return fail(new MediaError('not-allowed', 'a waiting room has no sub-conferences'));
  }
  if (conferee === undefined || conferee.sub === sub) return nothing;
  return one({ kind: 'sub-conference', ordinal: conferee.ordinal, sub });
}

function lockEvents(roster: Roster, locked: boolean) {
  if (roster.created?.temporary === true) {
    return fail(new MediaError('not-allowed', 'a waiting room cannot be locked'));
  }
  return roster.locked === locked ? nothing : one({ kind: 'locked', locked });
}

function muteEvents(conferee: Conferee | undefined, muted: boolean) {
  if (conferee === undefined) return nothing;
  const isSo = conferee.mutedByHost === muted && (muted || !conferee.mutedByMode);
  const { ordinal } = conferee;
  return isSo ? nothing : one({ kind: 'muted', ordinal, bit: 'host', muted });
}

function handEvents(roster: Roster, conferee: Conferee | undefined, raised: boolean) {
  if (conferee === undefined || (conferee.handRaisedAtMs !== null) === raised) return nothing;
  if (raised && roster.mode === 'lecture') {
    return fail(new MediaError('not-allowed', 'a lecture takes no questions'));
  }
  return one({ kind: 'hand', ordinal: conferee.ordinal, raised });
}
