/** Into a conference that exists: the place in the roster, then the seat at its mixer. */
import { MediaError } from '../../common/errors.ts';
import { type AccountId, type NodeId, newConfereeId } from '../../common/ids.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { ConferenceLog, Decision } from './conference-log.ts';
import { removeConferee } from './ending.ts';
import { decideEntry } from './entry.ts';
import type { ConferenceEvent } from './events.ts';
import type { Management } from './management.ts';
import type {
  AccountRecord,
  Caller,
  PlaceInConference,
  Refusal,
  Role,
  ServiceReply,
} from './messages.ts';
import { recordAgain } from './recording.ts';
import { type Conferee, mixerStateOf, type Roster } from './roster.ts';
import { placeOrder } from './serials.ts';

/** A caller who wants in, by request or from waiting. */
export interface Entrant {
  readonly account: AccountRecord;
  readonly role: Role;
  readonly caller: Caller;
  readonly requestId: string;
  readonly from: 'call' | 'waiting' | 'mingle' | 'dial';
}

export type JoinOutcome =
  | { readonly kind: 'joined'; readonly conferee: Conferee }
  | { readonly kind: 'refused'; readonly reason: Refusal }
  /** The conference is not what it was when it was chosen: decide anew. */
  | { readonly kind: 'changed' };

export function joinedEvent(
  management: Management,
  entrant: Entrant,
  ordinal: number,
): Extract<ConferenceEvent, { kind: 'joined' }> {
  const { role, caller, requestId, from } = entrant;
  const confereeId = newConfereeId(management.options.random);
  return { kind: 'joined', ordinal, confereeId, role, caller, from, requestId };
}

interface JoinTerms {
  /** What becomes true in the same moment. */
  readonly also?: (ordinal: number) => readonly ConferenceEvent[];
  /** False: nobody lets this caller in any more. */
  readonly isWanted?: (roster: Roster) => boolean;
}

/** Takes the next ordinal of the roll. The same call gets the same place, however often it asks. */
export async function join(
  management: Management,
  log: ConferenceLog,
  entrant: Entrant,
  { also = () => [], isWanted = () => true }: JoinTerms = {},
): Promise<Result<JoinOutcome, MediaError>> {
  const decided = await log.commit((roster): Decision<Refused | undefined> => {
    const there = roster.ofCall(entrant.caller.callId);
    if (there !== undefined && roster.ended === undefined) return answer(undefined);
    if (!isWanted(roster)) return answer({ kind: 'refused', reason: 'ended' });
    const refusal = refuseJoin(roster, entrant);
    if (refusal !== undefined) return answer(refusal);
    const event = joinedEvent(management, entrant, roster.nextOrdinal);
    return { events: [event, ...also(event.ordinal)], result: undefined };
  });
  if (!decided.ok) return decided;
  if (decided.value !== undefined) return ok(decided.value);
  const conferee = log.roster.ofCall(entrant.caller.callId);
  // Left or deleted in the very moment after it came in.
  if (conferee === undefined) return ok({ kind: 'refused', reason: 'ended' });
  return ok({ kind: 'joined', conferee });
}

type Refused = Exclude<JoinOutcome, { kind: 'joined' }>;

function answer<T>(result: T): { readonly events: readonly []; readonly result: T } {
  return { events: [], result };
}

function refuseJoin(roster: Roster, entrant: Entrant): Refused | undefined {
  if (roster.created === undefined || roster.ended !== undefined) return { kind: 'changed' };
  if (roster.supersededBy !== null) return { kind: 'changed' };
  // A late retry of a request whose caller has left again.
  if (roster.knows(entrant.requestId)) return { kind: 'refused', reason: 'ended' };
  // Who has waited has been let in already; a lock that came since is for later callers.
  if (entrant.from === 'waiting' || entrant.from === 'mingle') return undefined;
  const { account, role } = entrant;
  const decision = decideEntry({
    role,
    waitingMode: account.waitingMode,
    maxConferees: account.maxConferees,
    conference: {
      ended: false,
      // Whom a host has called is let in by the host.
      locked: roster.locked && entrant.from !== 'dial',
      hosts: roster.hosts,
      size: roster.size,
      mixerAlive: true,
    },
    waiting: 0,
  });
  return decision.kind === 'refuse' ? { kind: 'refused', reason: decision.reason } : undefined;
}

/** Mixers tried for one conference before its callers hear that there is none. */
const MIXER_TRIES = 3;

/**
 * Announces the conferee to the mixer, so that its INVITE is let in; a mixer that is gone is
 * replaced first. Undefined: the seat is there.
 */
export async function seat(
  management: Management,
  log: ConferenceLog,
  conferee: Conferee,
): Promise<Refusal | undefined> {
  for (let attempt = 0; attempt < MIXER_TRIES; attempt++) {
    const { created, mixerEpoch } = log.roster;
    if (created === undefined || log.roster.ended !== undefined) return 'ended';
    // Left meanwhile: no mixer would ever be told to give up its place.
    if (log.roster.ofId(conferee.confereeId) === undefined) return 'ended';
    const outcome = (await management.living.mixer(created.mixerId))
      ? await management.mixers.admit(created.mixerId, log.id, conferee)
      : 'lost';
    if (outcome === 'refused') return 'mixers-busy';
    if (outcome === 'admitted') {
      await repeatMute(management, log, created.mixerId, conferee);
      // Replaced meanwhile: the seat is at a mixer that nobody will be sent to.
      if (log.roster.mixerEpoch !== mixerEpoch) continue;
      return undefined;
    }
    const replaced = await replaceMixer(management, log, mixerEpoch, created.accountId);
    if (replaced !== undefined) return replaced;
  }
  return 'mixers-busy';
}

/** A mute that was decided between the announcement and now has overtaken it: told again. */
async function repeatMute(
  management: Management,
  log: ConferenceLog,
  mixerId: NodeId,
  told: Conferee,
): Promise<void> {
  const now = log.roster.ofId(told.confereeId);
  if (now === undefined || now.muteVersion === told.muteVersion) return;
  await management.mixers.mute(mixerId, log.id, now.confereeId, mixerStateOf(now));
}

/**
 * The conference on another mixer, under its id and with its roll. The guard is the epoch: of all
 * who notice the loss one succeeds, the others end what they made and go where the first one went.
 */
export async function replaceMixer(
  management: Management,
  log: ConferenceLog,
  epoch: number,
  accountId: AccountId,
): Promise<Refusal | undefined> {
  const current = await log.catchUp();
  const { created, mixerEpoch, ended } = log.roster;
  if (!current.ok || created === undefined) return 'service-unavailable';
  if (ended !== undefined) return 'ended';
  if (mixerEpoch !== epoch) return undefined;
  const recorded = log.roster.recording !== undefined;
  const lost = created.mixerId;
  // One that still lives has lost only this conference and may take it again.
  const avoid = (await management.living.mixer(lost)) ? [] : [lost];
  const { mixerClass } = created;
  const placed = await management.mixers.place({
    conferenceId: log.id,
    accountId,
    mixerClass,
    avoid,
  });
  if (!placed.ok) return 'service-unavailable';
  if (placed.value.kind === 'refused') return placed.value.reason;
  const { mixerId, mixerAddress } = placed.value;
  const decided = await log.commit((roster) => {
    if (roster.mixerEpoch !== epoch || roster.ended !== undefined) return answer(false);
    const event = { kind: 'mixer-replaced', lost, mixerId, mixerAddress } as const;
    return { events: [event], result: true };
  });
  if (!decided.ok) return 'service-unavailable';
  if (!decided.value) {
    const spare = log.roster.created?.mixerId !== mixerId || log.roster.ended !== undefined;
    if (spare) await management.mixers.end(mixerId, log.id);
    return log.roster.ended === undefined ? undefined : 'ended';
  }
  management.options.log.warn({ conferenceId: log.id, lost, mixerId }, 'a mixer was replaced');
  await management.project(log);
  void management.background(`reseat ${log.id}`, async () => {
    await reseat(management, log);
    if (recorded) await recordAgain(management, log);
  });
  return undefined;
}

/** The number of the first event, which chooses the first mixer. */
const FIRST_EPOCH = 1;

/** A server that replaced a mixer may have died before everybody was told: told here, once by each server. */
export async function reseatIfOwed(management: Management, log: ConferenceLog): Promise<void> {
  const { mixerEpoch } = log.roster;
  if (mixerEpoch === FIRST_EPOCH || management.reseated.get(log) === mixerEpoch) return;
  await management.background(`reseat ${log.id}`, () => reseat(management, log));
}

/** Everybody to the new mixer, also those whose VRU has not noticed yet. */
async function reseat(management: Management, log: ConferenceLog): Promise<void> {
  management.reseated.set(log, log.roster.mixerEpoch);
  for (const conferee of [...log.roster.conferees.values()]) {
    // Refused: its VRU finds the leg lost, asks itself, and speaks the reason.
    if ((await seat(management, log, conferee)) !== undefined) continue;
    void management.background(`place ${conferee.confereeId}`, () =>
      sendPlace(management, log, conferee),
    );
  }
}

/** Tells the VRU where its caller belongs now; a call that is gone is taken out. */
export async function sendPlace(
  management: Management,
  log: ConferenceLog,
  conferee: Conferee,
): Promise<void> {
  const place = placeOf(log.roster, conferee);
  if (place === undefined || log.roster.ended !== undefined) return;
  const { callId } = conferee.caller;
  const told = await management.vrus.command(conferee.caller, {
    kind: 'place',
    requestId: `place-${conferee.confereeId}-${log.roster.mixerEpoch}`,
    callId,
    place,
  });
  if (told.ok || told.error.code !== 'closed') return;
  await removeConferee(management, log, conferee.confereeId, 'lost', {});
}

export function placeOf(roster: Roster, conferee: Conferee): PlaceInConference | undefined {
  if (roster.created === undefined) return undefined;
  const { mixerId, mixerAddress, accountId, temporary } = roster.created;
  return {
    conferenceId: roster.conferenceId,
    mixerId,
    mixerAddress,
    confereeId: conferee.confereeId,
    ordinal: conferee.ordinal,
    role: conferee.role,
    accountId,
    temporary,
    order: placeOrder(roster, conferee),
    size: Math.max(roster.size, 1),
    ...(roster.recording === undefined ? {} : { recorded: true }),
  };
}

/** After the decision: record, seat, answer. In this order, so that the store knows before audio does (R4). */
export async function finishJoin(
  management: Management,
  log: ConferenceLog,
  conferee: Conferee,
): Promise<Result<ServiceReply, MediaError>> {
  const recorded = await management.project(log);
  if (!recorded.ok) return recorded;
  const refused = await seat(management, log, conferee);
  if (refused !== undefined) {
    await removeConferee(management, log, conferee.confereeId, 'refused', {});
    return ok({ kind: 'refused', reason: refused });
  }
  const place = placeOf(log.roster, conferee);
  return place === undefined
    ? fail(new MediaError('internal', 'a conference without a beginning'))
    : ok({ kind: 'enter', place });
}
