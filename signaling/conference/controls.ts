/** What is asked from within a conference or by an operator: mute, modes, hands, lock, delete, end (R22–R25). */
import { MediaError } from '../../common/errors.ts';
import { fail, ok } from '../../common/result.ts';
import type { ConferenceLog, Decision } from './conference-log.ts';
import { callTheRoll } from './conference-words.ts';
import { controlEvents, type StateAction } from './control-events.ts';
import { tellConferees } from './control-words.ts';
import {
  afterwards,
  depart,
  endConference,
  release,
  tellDepartures,
  withinPatience,
} from './ending.ts';
import type { Finish, Management, Reply } from './management.ts';
import type { ServiceRequest } from './messages.ts';
import { tellMutes } from './mutes.ts';
import { mayControl } from './policy.ts';
import { record, sayRecorded, sayRecording } from './recording.ts';
import type { Conferee } from './roster.ts';

type ControlRequest = Extract<ServiceRequest, { kind: 'control' }>;

const DONE: Reply = ok({ kind: 'done' });

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
  if (roster.knows(request.requestId)) {
    // The server that decided it may have died before the mixer knew.
    return async () => {
      await tellMutes(management, log);
      const { action, requestId } = request;
      if (action.kind === 'delete') await tellDepartures(management, log, true);
      if (action.kind === 'record') sayRecording(management, log, requestId, action.on);
      return DONE;
    };
  }
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
    case 'delete':
      return remove(management, log, order, action.ordinal);
    case 'end':
      return end(management, log, order);
    case 'roll-call':
      return () => callTheRoll(management, log, order.request.requestId);
    case 'record':
      return record(management, log, order.request.requestId, action.on, contextOf(order));
    default:
      return change(management, log, order, action);
  }
}

function contextOf({ request, by }: Order) {
  return { requestId: request.requestId, by: by?.ordinal ?? request.asker ?? 'operator' };
}

async function change(
  management: Management,
  log: ConferenceLog,
  order: Order,
  action: StateAction,
): Promise<Finish> {
  let hadHandUp = false;
  const decided = await log.commit((roster): Decision<StateDecision> => {
    const decision = controlEvents(roster, order.by, action);
    const ordinal = 'ordinal' in action ? action.ordinal : 0;
    hadHandUp = (roster.conferees.get(ordinal)?.handRaisedAtMs ?? null) !== null;
    return { events: decision.ok ? decision.value : [], result: decision };
  }, contextOf(order));
  return async () => {
    if (!decided.ok) return decided;
    const { value: decision } = decided;
    if (!decision.ok) return decision;
    // No mixer hears of a lock (E16, R24), nor of hands.
    if (MUTING.has(action.kind)) await tellMutes(management, log);
    // The VRUs read the record (R25): it must say so before anybody is told that it is done.
    const recorded = await management.project(log);
    if (!recorded.ok) return recorded;
    if (decision.value.length > 0) {
      tellConferees(management, log, { action, by: order.by, hadHandUp });
      const ordinal = action.kind === 'sub-conference' ? order.by?.ordinal : ordinalOf(action);
      if (BACK.has(action.kind) && ordinal !== undefined) sayRecorded(management, log, ordinal);
    }
    return DONE;
  };
}

/** After these somebody may be back who was away when everybody heard that it is recorded. */
const BACK: ReadonlySet<StateAction['kind']> = new Set(['hold', 'sub-conference', 'send']);

function ordinalOf(action: StateAction): number | undefined {
  return 'ordinal' in action ? action.ordinal : undefined;
}

type StateDecision = ReturnType<typeof controlEvents>;

const MUTING: ReadonlySet<StateAction['kind']> = new Set([
  'mute',
  'mute-self',
  'mute-all',
  'mode',
  'make-host',
  'hold',
  'sub-conference',
  'send',
]);

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
    await withinPatience(management, release(management, log, deleted, 'deleted'));
    await afterwards(management, log, deleted, 'deleted');
    return DONE;
  };
}

async function end(management: Management, log: ConferenceLog, order: Order): Promise<Finish> {
  const why = order.by === undefined ? 'operator-ended' : 'host-ended';
  const ended = await endConference(management, log, { why, others: 'release' }, contextOf(order));
  return () => Promise.resolve(ended.ok ? DONE : ended);
}
