/** Conference signaling as a script: codes, replies, and a record of what was asked. */
import type { MediaError } from '../../common/errors.ts';
import type { AccountId, CallId, ConfereeId, ConferenceId, NodeId } from '../../common/ids.ts';
import { ok, type Result } from '../../common/result.ts';
import type {
  CallerOfVru,
  CommandHandler,
  ConferenceClient,
  ControlAction,
  ControlReply,
  EnterReply,
  LeaveReason,
} from '../../signaling/conference/client.ts';
import { controlEvents } from '../../signaling/conference/control-events.ts';
import type {
  DialListReply,
  DialNews,
  DialReply,
  DialWish,
} from '../../signaling/conference/dial-client.ts';
import type { DialOrder } from '../../signaling/conference/dial-messages.ts';
import type { ConferenceEvent } from '../../signaling/conference/events.ts';
import type { CodeSource } from '../../signaling/conference/fraud-shield.ts';
import type {
  CodeCheck,
  DnisRecord,
  PlaceInConference,
  Role,
} from '../../signaling/conference/messages.ts';
import type { RecordedName } from '../../signaling/conference/recorded-names.ts';
import { Roster } from '../../signaling/conference/roster.ts';

export function fakePlace(change: Partial<PlaceInConference> = {}): PlaceInConference {
  return {
    conferenceId: 'c1' as ConferenceId,
    mixerId: 'mixer-1' as NodeId,
    mixerAddress: '127.0.0.1:5070',
    confereeId: 'p1' as ConfereeId,
    ordinal: 1,
    role: 'participant',
    accountId: 'acme' as AccountId,
    temporary: false,
    size: 1,
    ...change,
  };
}

export function fakeOrder(change: Partial<DialOrder> = {}): DialOrder {
  return {
    dialId: 'd1' as CallId,
    conferenceId: 'c1' as ConferenceId,
    accountId: 'acme' as AccountId,
    trunk: 'carrier',
    number: '+4930123456',
    confirm: true,
    language: 'en',
    ringTimeoutMs: 45_000,
    maxDurationMs: 3_600_000,
    ...change,
  };
}

export type Asked =
  | { readonly kind: 'enter'; readonly code: string; readonly caller: CallerOfVru }
  | { readonly kind: 'leave'; readonly conferee: ConfereeId; readonly why: LeaveReason }
  | { readonly kind: 'leave-waiting'; readonly waitingId: string }
  | { readonly kind: 're-enter'; readonly conferee: ConfereeId }
  | { readonly kind: 'dial'; readonly number: string }
  | { readonly kind: 'enter-dialled'; readonly dialId: CallId }
  | { readonly kind: 'control'; readonly action: ControlAction };

export class FakeConference implements ConferenceClient {
  readonly asked: Asked[] = [];
  /** Whole codes, as the fraud shield counts them. */
  readonly tried: { readonly code: string; readonly source: CodeSource | undefined }[] = [];
  /** Before the caller is told. */
  delayMs = 0;
  readonly codes = new Map<string, Role>([
    ['910001', 'host'],
    ['110001', 'participant'],
  ]);
  readonly rows = new Map<string, DnisRecord>();
  locked = false;
  /** Whether callers are asked for a name. */
  recordNames = false;
  readonly names = new Map<CallId, RecordedName>();
  /** Made to fail or wait by the test. */
  onCheck: () => Promise<Result<void, MediaError>> = () => Promise.resolve(ok(undefined));
  onFind: () => Promise<Result<void, MediaError>> = () => Promise.resolve(ok(undefined));
  onEnter: () => Promise<EnterReply> = () => Promise.resolve({ kind: 'enter', place: fakePlace() });
  onReEnter: () => Promise<EnterReply> = () =>
    Promise.resolve({ kind: 'enter', place: fakePlace() });
  onControl: (action: ControlAction) => Promise<ControlReply> = () =>
    Promise.resolve(ok(undefined));
  onLeave: () => Promise<void> = () => Promise.resolve();
  closed = false;
  /** As the log of `c1` would be folded; tests add conferees with `join`. */
  readonly present = new Roster('c1' as ConferenceId);
  onRoster: () => Promise<Result<Roster, MediaError>> = () => Promise.resolve(ok(this.present));
  /** The VRU's: the test commands through it. */
  command: CommandHandler = () => Promise.resolve(ok(undefined));

  constructor() {
    this.row({ dnis: '1000', application: 'conference' });
    this.row({ dnis: '2000', application: 'echo' });
    this.row({ dnis: '3000', application: 'announcement' });
  }

  row(row: Pick<DnisRecord, 'dnis' | 'application'> & Partial<DnisRecord>): void {
    this.rows.set(row.dnis, { language: 'en', settings: {}, ...row });
  }

  /** What was asked, without the checks. */
  get kinds(): readonly string[] {
    return this.asked.map(({ kind }) => kind);
  }

  async checkCode(
    code: string,
    partial = false,
    source?: CodeSource,
  ): Promise<Result<CodeCheck, MediaError>> {
    if (!partial) this.tried.push({ code, source });
    const failure = await this.onCheck();
    if (!failure.ok) return failure;
    const found = this.codes.get(code);
    const longer = [...this.codes.keys()].some((other) => other !== code && other.startsWith(code));
    const { recordNames } = this;
    const account = { accountId: 'acme' as AccountId, language: 'en', recordNames };
    if (found === undefined && longer && partial) return ok({ kind: 'prefix' });
    const { delayMs } = this;
    if (found === undefined) return ok({ kind: 'invalid', delayMs });
    return ok({ kind: longer ? 'valid-prefix' : 'valid', role: found, ...account, delayMs });
  }

  async findApplication(dnis: string): Promise<Result<DnisRecord | undefined, MediaError>> {
    const failure = await this.onFind();
    return failure.ok ? ok(this.rows.get(dnis)) : failure;
  }

  isLocked(): Promise<boolean> {
    return Promise.resolve(this.locked);
  }

  async enter(code: string, caller: CallerOfVru): Promise<EnterReply> {
    this.asked.push({ kind: 'enter', code, caller });
    const reply = await this.onEnter();
    if (reply.kind === 'enter') this.join(reply.place, caller.callerNumber);
    return reply;
  }

  join(place: PlaceInConference, callerNumber: string): void {
    const { ordinal, confereeId, role, mixerId, mixerAddress, accountId, temporary } = place;
    if (this.present.created === undefined) {
      const created = { accountId, code: '', mixerId, mixerAddress, mixerClass: 'standard' };
      this.append({ kind: 'created', ...created, temporary });
    }
    const callId = `call-${confereeId}` as CallId;
    const caller = { vruId: 'vru-1' as NodeId, callId, callerNumber, dnis: '1000' };
    const requestId = `enter-${confereeId}`;
    this.append({ kind: 'joined', ordinal, confereeId, role, caller, from: 'call', requestId });
  }

  append(...events: ConferenceEvent[]): void {
    if (events.length === 0) return;
    this.present.apply({ version: 1, number: this.present.number + 1, atMs: 1, events });
  }

  roster(): Promise<Result<Roster, MediaError>> {
    return this.onRoster();
  }

  leave(
    place: { readonly confereeId: ConfereeId },
    _caller: CallerOfVru,
    why: LeaveReason,
  ): Promise<void> {
    this.asked.push({ kind: 'leave', conferee: place.confereeId, why });
    return this.onLeave();
  }

  leaveWaiting(_accountId: AccountId, waitingId: string): Promise<void> {
    this.asked.push({ kind: 'leave-waiting', waitingId });
    return this.onLeave();
  }

  reEnter(place: { readonly confereeId: ConfereeId }): Promise<EnterReply> {
    this.asked.push({ kind: 're-enter', conferee: place.confereeId });
    return this.onReEnter();
  }

  async control(
    _id: ConferenceId,
    by: ConfereeId | undefined,
    action: ControlAction,
  ): Promise<ControlReply> {
    this.asked.push({ kind: 'control', action });
    const reply = await this.onControl(action);
    if (!reply.ok || action.kind === 'end') return reply;
    if (action.kind === 'delete') {
      const one = this.present.conferees.get(action.ordinal);
      if (one !== undefined) this.append({ ...one, kind: 'deleted' });
      return reply;
    }
    const asking = by === undefined ? undefined : this.present.ofId(by);
    if (action.kind === 'roll-call') return reply;
    if (action.kind === 'record') {
      this.append({ kind: 'recording', on: action.on, mixerId: 'mixer-1' as NodeId });
      return reply;
    }
    const events = controlEvents(this.present, asking, action);
    if (!events.ok) return events;
    this.append(...events.value);
    return reply;
  }

  saveName(caller: CallerOfVru, name: RecordedName): Promise<Result<void, MediaError>> {
    this.names.set(caller.callId, name);
    return Promise.resolve(ok(undefined));
  }

  recordedName(id: CallId): Promise<Result<RecordedName | undefined, MediaError>> {
    return Promise.resolve(ok(this.names.get(id)));
  }

  forgetName(id: CallId): Promise<Result<void, MediaError>> {
    this.names.delete(id);
    return Promise.resolve(ok(undefined));
  }

  /** What the VRU reported of its calls, as `state` or `minute N`. */
  readonly dialNews: string[] = [];
  /** Made to refuse or wait by the test. */
  onDial: (number: string) => Promise<Result<DialReply, MediaError>> = (number) =>
    Promise.resolve(
      ok({ kind: 'dialling', order: fakeOrder({ number: number.replace(/^0/, '+49') }) }),
    );
  onDialNews: (news: string) => Promise<boolean> = () => Promise.resolve(true);
  onEnterDialled: () => Promise<EnterReply> = () => {
    const place = { confereeId: 'p9' as ConfereeId, ordinal: 9 };
    return Promise.resolve({ kind: 'enter', place: fakePlace(place) });
  };

  dial(
    _id: ConferenceId,
    _by: ConfereeId | undefined,
    wish: DialWish,
  ): Promise<Result<DialReply, MediaError>> {
    return this.onDial(wish.number);
  }

  dialList(): Promise<Result<DialListReply, MediaError>> {
    return Promise.resolve(ok({ kind: 'dial-refused', reason: 'not-available' }));
  }

  cancelDial(): Promise<Result<void, MediaError>> {
    return Promise.resolve(ok(undefined));
  }

  dialConsult(_place: unknown, number: string): Promise<Result<DialReply, MediaError>> {
    this.asked.push({ kind: 'dial', number });
    return this.onDial(number);
  }

  dialProgress(_order: DialOrder, state: DialNews): Promise<boolean> {
    this.dialNews.push(state);
    return this.onDialNews(state);
  }

  dialMinute(_order: DialOrder, minute: number): Promise<boolean> {
    this.dialNews.push(`minute ${minute}`);
    return this.onDialNews(`minute ${minute}`);
  }

  async enterDialled(order: DialOrder, caller: CallerOfVru): Promise<EnterReply> {
    this.asked.push({ kind: 'enter-dialled', dialId: order.dialId });
    const reply = await this.onEnterDialled();
    if (reply.kind === 'enter') this.join(reply.place, caller.callerNumber);
    return reply;
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}
