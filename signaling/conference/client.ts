/**
 * The conference management system as a VRU sees it: ask, enter, leave, obey. Retries with the same
 * request id, deadlines and the lease `vru/ID` are in here, so that a call flow sees only outcomes.
 * The page and the API use the same `ServiceClient` without being a VRU.
 */
import type { Subscription } from '../../common/bus/bus.ts';
import { MediaError } from '../../common/errors.ts';
import {
  type AccountId,
  type CallId,
  type ConfereeId,
  type ConferenceId,
  type NodeId,
  randomToken,
} from '../../common/ids.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import { CommandDesk, type CommandHandler } from './command-desk.ts';
import { ConferenceLog } from './conference-log.ts';
import { type DialClient, type DialReports, dialClient, dialReports } from './dial-client.ts';
import type { DialOrder } from './dial-messages.ts';
import type { CodeSource } from './fraud-shield.ts';
import { type KeptLease, keepLease } from './kept-lease.ts';
import {
  type Caller,
  type CodeCheck,
  codeCheck,
  type DnisRecord,
  dnisRecord,
  type Role,
  type ServiceReply,
  type ServiceRequest,
  SUBJECTS,
} from './messages.ts';
import { lockRefuses } from './policy.ts';
import { type RecordedName, readName, removeName, saveName } from './recorded-names.ts';
import { conferenceRecord, guardRecord, KEYS, type VruRecord } from './records.ts';
import type { Roster } from './roster.ts';
import {
  ANSWER_MS,
  ask,
  askedBy,
  DEPARTURE_MS,
  newRequestId,
  type Outside,
  persist,
  type ServiceClientOptions,
  unreadable,
} from './service-request.ts';
import { CLIENT_TRY_MS, VRU_LEASE_MS } from './timing.ts';

export type { CommandHandler } from './command-desk.ts';

/** What the VRU knows of a caller; the client adds itself. */
export type CallerOfVru = Omit<Caller, 'vruId' | 'vruStart'>;
export type ControlAction = Extract<ServiceRequest, { kind: 'control' }>['action'];
export type LeaveReason = Extract<ServiceRequest, { kind: 'leave' }>['why'];

export type EnterReply = Extract<ServiceReply, { kind: 'enter' | 'wait' | 'refused' }>;
/** What was asked is done, or why not: `not-allowed`, `conference-unknown`, `bad-request`, a retryable one. */
export type ControlReply = Result<void, MediaError>;

export interface ConferenceClientOptions extends ServiceClientOptions {
  /** This VRU; its commands come on `vru.ID`. */
  readonly id: NodeId;
  /**
   * Carries out a command of an interface server. Called once per command, however often it was
   * sent; a `wait` for a call that still waits by it may come again. `ok` when the command is accepted; error `closed` when there is no such call (any more).
   * `place` for a call that is in a conference (moved, or its mixer was replaced): make before break.
   * A command for a call whose `enter` or `reEnter` is under way comes after its answer; a `place`
   * that only repeats where the call is already is swallowed. Answer when it is carried out: the
   * place that the call leaves is freed then.
   */
  readonly onCommand: CommandHandler;
  /** What the operator sees of this VRU: SIP host:port, and the number of its calls now. */
  readonly describe?: () => VruDescription;
}

export type VruDescription = Pick<VruRecord, 'address' | 'calls'> &
  Partial<Pick<VruRecord, 'draining' | 'trunks'>>;

export interface ServiceClient extends DialClient {
  /** In-conference functions; `by` is absent for an operator without a name. */
  control(
    id: ConferenceId,
    by: ConfereeId | Outside | undefined,
    action: ControlAction,
  ): Promise<ControlReply>;
}

export interface ConferenceClient extends ServiceClient, DialReports {
  /** Who is in a conference and how it stands, folded from its log as it is in the store now. */
  roster(id: ConferenceId): Promise<Result<Roster, MediaError>>;
  /** Is this code valid (R2)? `partial`: digits so far, without `#`. A whole one counts as a try of `source`. */
  checkCode(
    code: string,
    partial?: boolean,
    source?: CodeSource,
  ): Promise<Result<CodeCheck, MediaError>>;
  /** The application of a dialled number (R40); undefined when no row matches. */
  findApplication(dnis: string): Promise<Result<DnisRecord | undefined, MediaError>>;
  /** Reads the conference database itself (R25); false when there is no conference. */
  isLocked(accountId: AccountId, role: Role): Promise<boolean>;
  /** Into the conference of this code. Never fails: what goes wrong is a refusal with a prompt. */
  enter(code: string, caller: CallerOfVru): Promise<EnterReply>;
  /** The caller of this place is gone. Retried in the background until it is known to be done. */
  leave(
    place: { readonly conferenceId: ConferenceId; readonly confereeId: ConfereeId },
    caller: CallerOfVru,
    why: LeaveReason,
  ): Promise<void>;
  /** A waiting caller hung up. */
  leaveWaiting(accountId: AccountId, waitingId: string, caller: CallerOfVru): Promise<void>;
  /** The leg to the mixer is lost: the same ordinal, on the same mixer or on another. */
  reEnter(
    place: { readonly conferenceId: ConferenceId; readonly confereeId: ConfereeId },
    caller: CallerOfVru,
  ): Promise<EnterReply>;
  /** What this caller has said as its name, for all who announce it. Kept until `forgetName`. */
  saveName(caller: CallerOfVru, name: RecordedName): Promise<Result<void, MediaError>>;
  /** Undefined: the caller of this call has said none. */
  recordedName(id: CallId): Promise<Result<RecordedName | undefined, MediaError>>;
  forgetName(id: CallId): Promise<Result<void, MediaError>>;
  /** Lets the called person in. */
  enterDialled(order: DialOrder, caller: CallerOfVru): Promise<EnterReply>;
  /** Stops obeying and gives up the lease: everybody then knows that this VRU has no calls. */
  close(): Promise<void>;
}

/** A copy of the `enter` that was under way may have died before it undid what it had made: forgotten again. */
const FORGET_AGAIN_MS = 15_000;

export function createServiceClient(options: ServiceClientOptions): ServiceClient {
  return {
    control: (id, by, action) => control(options, id, by, action),
    ...dialClient(options),
  };
}

/** Serves `vru.ID` and takes the lease; error when the store refuses the lease. */
export async function openConferenceClient(
  options: ConferenceClientOptions,
): Promise<Result<ConferenceClient, MediaError>> {
  const start = randomToken(options.random, 12);
  const desk = new CommandDesk(options.clock, options.onCommand);
  const served = await options.bus.serve(SUBJECTS.vru(options.id), (body) => desk.handle(body), {
    concurrency: 1_000,
    queueLimit: 10_000,
  });
  const lease = await keepLease({
    ...options,
    key: KEYS.vru(options.id),
    ttlMs: VRU_LEASE_MS,
    value: () => ({ version: 1, id: options.id, start, ...options.describe?.() }),
  });
  if (!lease.ok) {
    await served.close();
    return lease;
  }
  return ok(new VruClient(options, start, desk, served, lease.value));
}

class VruClient implements ConferenceClient {
  readonly dial: DialClient['dial'];
  readonly dialList: DialClient['dialList'];
  readonly cancelDial: DialClient['cancelDial'];
  readonly dialConsult: DialReports['dialConsult'];
  readonly dialProgress: DialReports['dialProgress'];
  readonly dialMinute: DialReports['dialMinute'];
  readonly #options: ConferenceClientOptions;
  readonly #start: string;
  readonly #desk: CommandDesk;
  readonly #served: Subscription;
  readonly #lease: KeptLease;

  constructor(
    options: ConferenceClientOptions,
    start: string,
    desk: CommandDesk,
    served: Subscription,
    lease: KeptLease,
  ) {
    this.#options = options;
    this.#start = start;
    this.#desk = desk;
    this.#served = served;
    this.#lease = lease;
    const { dial, dialList, cancelDial } = dialClient(options);
    this.dial = dial;
    this.dialList = dialList;
    this.cancelDial = cancelDial;
    const reports = dialReports(options, { vruId: options.id, vruStart: start });
    this.dialConsult = reports.dialConsult;
    this.dialProgress = reports.dialProgress;
    this.dialMinute = reports.dialMinute;
  }

  async checkCode(
    code: string,
    partial = false,
    source?: CodeSource,
  ): Promise<Result<CodeCheck, MediaError>> {
    const body = { kind: 'check-code', code, partial, ...(source === undefined ? {} : { source }) };
    const answer = await this.#askProvisioning(body);
    if (!answer.ok) return answer;
    const parsed = codeCheck.safeParse(answer.value);
    return parsed.success ? ok(parsed.data) : fail(unreadable('provisioning'));
  }

  async findApplication(dnis: string): Promise<Result<DnisRecord | undefined, MediaError>> {
    const answer = await this.#askProvisioning({ kind: 'find-application', dnis });
    if (!answer.ok) return answer;
    if (answer.value === null) return ok(undefined);
    const parsed = dnisRecord.safeParse(answer.value);
    return parsed.success ? ok(parsed.data) : fail(unreadable('provisioning'));
  }

  #askProvisioning(body: unknown): Promise<Result<unknown, MediaError>> {
    return persist(this.#options, ANSWER_MS, () =>
      this.#options.bus.request(SUBJECTS.provisioning, body, { deadlineMs: CLIENT_TRY_MS }),
    );
  }

  async isLocked(accountId: AccountId, role: Role): Promise<boolean> {
    const { store } = this.#options;
    const active = await store.get(KEYS.active(accountId));
    const guard = guardRecord.safeParse(active.ok ? active.value?.value : undefined);
    if (!guard.success) return false;
    const entry = await store.get(KEYS.conference(guard.data.conferenceId));
    const record = conferenceRecord.safeParse(entry.ok ? entry.value?.value : undefined);
    return record.success && lockRefuses(record.data, role);
  }

  async enter(code: string, of: CallerOfVru): Promise<EnterReply> {
    const requestId = newRequestId(this.#options.random);
    const caller = this.#caller(of);
    this.#desk.entering(of.callId);
    let uncertain = false;
    const answer = await ask(
      this.#options,
      ANSWER_MS,
      { service: 'conference', kind: 'enter', requestId, code, caller },
      (error) => {
        uncertain ||= error.code !== 'no-server' && error.code !== 'overloaded';
      },
    );
    const reply = asEnterReply(answer);
    this.#desk.entered(of.callId, reply);
    // Not known whether somebody let the caller in: undone, so that no ghost stays in the roster.
    if (!answer.ok && uncertain) void this.#forget(requestId, code, caller);
    return reply;
  }

  async #forget(enterRequestId: string, code: string, caller: Caller): Promise<void> {
    for (const pauseMs of [0, FORGET_AGAIN_MS]) {
      if (pauseMs > 0) await this.#options.clock.sleep(pauseMs);
      const requestId = newRequestId(this.#options.random);
      const body = { service: 'conference', kind: 'forget', requestId } as const;
      await ask(this.#options, DEPARTURE_MS, { ...body, enterRequestId, code, caller });
    }
  }

  async leave(
    place: { readonly conferenceId: ConferenceId; readonly confereeId: ConfereeId },
    of: CallerOfVru,
    why: LeaveReason,
  ): Promise<void> {
    await ask(this.#options, DEPARTURE_MS, {
      service: 'conference',
      kind: 'leave',
      requestId: newRequestId(this.#options.random),
      conferenceId: place.conferenceId,
      confereeId: place.confereeId,
      caller: this.#caller(of),
      why,
    });
  }

  async leaveWaiting(accountId: AccountId, waitingId: string, of: CallerOfVru): Promise<void> {
    await ask(this.#options, DEPARTURE_MS, {
      service: 'conference',
      kind: 'leave-waiting',
      requestId: newRequestId(this.#options.random),
      accountId,
      waitingId,
      caller: this.#caller(of),
    });
  }

  async reEnter(
    place: { readonly conferenceId: ConferenceId; readonly confereeId: ConfereeId },
    of: CallerOfVru,
  ): Promise<EnterReply> {
    this.#desk.entering(of.callId);
    const answer = await ask(this.#options, ANSWER_MS, {
      service: 'conference',
      kind: 're-enter',
      requestId: newRequestId(this.#options.random),
      conferenceId: place.conferenceId,
      confereeId: place.confereeId,
      caller: this.#caller(of),
    });
    const reply = asEnterReply(answer);
    this.#desk.entered(of.callId, reply);
    return reply;
  }

  roster(id: ConferenceId): Promise<Result<Roster, MediaError>> {
    return readRoster(this.#options, id);
  }

  saveName(of: CallerOfVru, name: RecordedName): Promise<Result<void, MediaError>> {
    return saveName(this.#options.store, this.#caller(of), name);
  }

  recordedName(id: CallId): Promise<Result<RecordedName | undefined, MediaError>> {
    return readName(this.#options.store, id);
  }

  forgetName(id: CallId): Promise<Result<void, MediaError>> {
    return removeName(this.#options.store, id);
  }

  control(
    id: ConferenceId,
    by: ConfereeId | Outside | undefined,
    action: ControlAction,
  ): Promise<ControlReply> {
    return control(this.#options, id, by, action);
  }

  async enterDialled(order: DialOrder, of: CallerOfVru): Promise<EnterReply> {
    const { conferenceId, dialId } = order;
    this.#desk.entering(of.callId);
    const answer = await ask(this.#options, ANSWER_MS, {
      service: 'conference',
      kind: 'enter-dialled',
      requestId: newRequestId(this.#options.random),
      conferenceId,
      dialId,
      caller: this.#caller(of),
    });
    const reply = asEnterReply(answer);
    this.#desk.entered(of.callId, reply);
    return reply;
  }

  #caller(of: CallerOfVru): Caller {
    return { ...of, vruId: this.#options.id, vruStart: this.#start };
  }

  async close(): Promise<void> {
    await this.#served.close();
    await this.#lease.release();
  }
}

async function readRoster(
  { store, clock }: ServiceClientOptions,
  id: ConferenceId,
): Promise<Result<Roster, MediaError>> {
  const log = new ConferenceLog(id, { store, clock, onAppended: () => {}, onRaceLost: () => {} });
  const loaded = await log.load();
  return loaded.ok ? ok(log.roster) : loaded;
}

async function control(
  options: ServiceClientOptions,
  conferenceId: ConferenceId,
  by: ConfereeId | Outside | undefined,
  action: ControlAction,
): Promise<ControlReply> {
  const answer = await ask(options, ANSWER_MS, {
    service: 'conference',
    kind: 'control',
    ...askedBy(by, options.random),
    conferenceId,
    action,
  });
  if (!answer.ok) return answer;
  if (answer.value.kind === 'done') return ok(undefined);
  const why = answer.value.kind === 'refused' ? answer.value.reason : answer.value.kind;
  return fail(new MediaError('rejected', `refused: ${why}`));
}

function asEnterReply(answer: Result<ServiceReply, MediaError>): EnterReply {
  if (answer.ok && isEntry(answer.value)) return answer.value;
  const busy = !answer.ok && answer.error.code === 'overloaded';
  return { kind: 'refused', reason: busy ? 'busy-retry' : 'service-unavailable' };
}

function isEntry(reply: ServiceReply): reply is EnterReply {
  return reply.kind === 'enter' || reply.kind === 'wait' || reply.kind === 'refused';
}
