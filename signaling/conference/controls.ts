/** What is asked from within a conference or by an operator: mute, lock, delete, end (R22–R25). */
import { MediaError } from '../../common/errors.ts';
import { fail, ok } from '../../common/result.ts';
import type { ControlAction } from './client.ts';
import type { ConferenceLog, Decision } from './conference-log.ts';
import { afterwards, depart, endConference, release, withinPatience } from './ending.ts';
import type { ConferenceEvent } from './events.ts';
import type { Finish, Management, Reply } from './management.ts';
import type { ServiceRequest } from './messages.ts';
import { mayControl } from './policy.ts';
import { type Conferee, isMuted, type Roster } from './roster.ts';

type ControlRequest = Extract<ServiceRequest, { kind: 'control' }>;

const DONE: Reply = ok({ kind: 'done' });
const nothing = { events: [], result: undefined } as const;

function refusal(code: 'not-allowed' | 'conference-unknown', text: string): Reply {
  return fail(new MediaError(code, text));
}

/** Runs in the turn of the account; what comes back tells mixers and VRUs. */
export async function control(
  management: Management,
  log: ConferenceLog,
  request: ControlRequest,
): Promise<Finish> {
  const said = (reply: Reply) => () => Promise.resolve(reply);
  const current = await log.catchUp();
  if (!current.ok) return said(current);
  const { roster } = log;
  if (roster.knows(request.requestId)) return said(DONE);
  if (roster.created === undefined || roster.ended !== undefined) {
    return said(refusal('conference-unknown', `there is no conference ${log.id}`));
  }
  const by = request.by === undefined ? undefined : roster.ofId(request.by);
  if (request.by !== undefined && by === undefined) {
    return said(refusal('conference-unknown', 'the one who asks is not in the conference'));
  }
  const { action } = request;
  if (!mayControl(by, action)) return said(refusal('not-allowed', 'only a host can do this'));
  const missing = 'ordinal' in action && !roster.conferees.has(action.ordinal);
  if (missing) return said(refusal('conference-unknown', `there is no conferee ${action.ordinal}`));
  return carryOut(management, log, { request, by });
}

interface Order {
  readonly request: ControlRequest;
  readonly by: Conferee | undefined;
}

async function carryOut(management: Management, log: ConferenceLog, order: Order): Promise<Finish> {
  const { action } = order.request;
  switch (action.kind) {
    case 'mute':
    case 'mute-self':
    case 'mute-all':
      return mute(management, log, order, action);
    case 'lock':
      return lock(management, log, order, action.locked);
    case 'delete':
      return remove(management, log, order, action.ordinal);
    case 'end':
      return end(management, log, order);
  }
}

function contextOf({ request, by }: Order) {
  return { requestId: request.requestId, by: by?.ordinal ?? ('operator' as const) };
}

type MuteAction = Extract<ControlAction, { kind: 'mute' | 'mute-self' | 'mute-all' }>;

async function mute(
  management: Management,
  log: ConferenceLog,
  order: Order,
  action: MuteAction,
): Promise<Finish> {
  const decided = await log.commit((roster): Decision<undefined> => {
    const event = muteEvent(roster, order.by, action);
    return event === undefined ? nothing : { events: [event], result: undefined };
  }, contextOf(order));
  if (!decided.ok) return () => Promise.resolve(decided);
  const { roster } = log;
  const version = roster.number;
  const changed = [...roster.conferees.values()].filter((one) => one.muteVersion === version);
  return async () => {
    const mixerId = roster.created?.mixerId;
    if (mixerId !== undefined) {
      const tell = (one: Conferee): Promise<void> => {
        const bits = { muted: isMuted(one), version: one.muteVersion };
        return management.mixers.mute(mixerId, log.id, one.confereeId, bits);
      };
      await Promise.all(changed.map(tell));
    }
    const recorded = await management.project(log);
    return recorded.ok ? DONE : recorded;
  };
}

/** Undefined when it is so already, or the conferee has gone. */
function muteEvent(
  roster: Roster,
  by: Conferee | undefined,
  action: MuteAction,
): ConferenceEvent | undefined {
  const { muted } = action;
  if (action.kind === 'mute-all') {
    return roster.mutedAll === muted ? undefined : { kind: 'muted-all', muted };
  }
  const ordinal = action.kind === 'mute' ? action.ordinal : (by?.ordinal ?? 0);
  const conferee = roster.conferees.get(ordinal);
  if (conferee === undefined) return undefined;
  if (action.kind === 'mute-self') {
    if (conferee.mutedBySelf === muted) return undefined;
    return { kind: 'muted', ordinal, bit: 'self', muted };
  }
  const isSo = conferee.mutedByHost === muted && (muted || !conferee.mutedByMode);
  return isSo ? undefined : { kind: 'muted', ordinal, bit: 'host', muted };
}

/** Only here, in the management system: no mixer hears of it (E16, R24). */
async function lock(
  management: Management,
  log: ConferenceLog,
  order: Order,
  locked: boolean,
): Promise<Finish> {
  const decided = await log.commit((roster): Decision<Reply> => {
    if (roster.created?.temporary === true) {
      const reply = refusal('not-allowed', 'a waiting room cannot be locked');
      return { events: [], result: reply };
    }
    const isSo = roster.locked === locked;
    return { events: isSo ? [] : [{ kind: 'locked', locked }], result: DONE };
  }, contextOf(order));
  return async () => {
    if (!decided.ok) return decided;
    // The VRUs read the record (R25): it must say so before anybody is told that it is done.
    const recorded = await management.project(log);
    return recorded.ok ? decided.value : recorded;
  };
}

async function remove(
  management: Management,
  log: ConferenceLog,
  order: Order,
  ordinal: number,
): Promise<Finish> {
  const decided = await depart(management, log, { ordinal }, 'deleted', contextOf(order));
  return async () => {
    if (!decided.ok) return decided;
    const { value: deleted } = decided;
    if (deleted === undefined) return DONE;
    // The VRU first: it takes the caller out at once and speaks, instead of noticing a lost mixer.
    await withinPatience(management, release(management, deleted, 'deleted'));
    await afterwards(management, log, deleted, 'deleted');
    return DONE;
  };
}

async function end(management: Management, log: ConferenceLog, order: Order): Promise<Finish> {
  const why = order.by === undefined ? 'operator-ended' : 'host-ended';
  const ended = await endConference(management, log, { why, others: 'release' }, contextOf(order));
  return () => Promise.resolve(ended.ok ? DONE : ended);
}
