import type { Clock } from '../../common/clock.ts';
import { MediaError } from '../../common/errors.ts';
import type { AccountId, CallId, ConfereeId, NodeId } from '../../common/ids.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import {
  type PlaceInConference,
  type ServiceReply,
  type VruCommand,
  vruCommand,
} from './messages.ts';

export type CommandHandler = (command: VruCommand) => Promise<Result<void, MediaError>>;

type Answer = Result<unknown, MediaError>;
type EnterReply = Extract<ServiceReply, { kind: 'enter' | 'wait' | 'refused' }>;

/** Commands whose answers are remembered for a retry; far more than can be under way at once. */
const REMEMBERED = 4_096;
/** Calls whose way is remembered; more than one VRU carries. */
const MAX_CALLS = 50_000;

type Placing = Extract<VruCommand, { kind: 'place' | 'wait' | 'release' }>;
type Reached = Pick<PlaceInConference, 'accountId' | 'confereeId' | 'mixerId' | 'order'>;

/** Where a call is, and the last place that it had or was to have, which no earlier one may undo. */
export interface Way {
  /** Whose conference it has entered last, also to wait. */
  readonly accountId: AccountId | undefined;
  readonly now: PlaceInConference | undefined;
  readonly last: Reached | undefined;
}

/**
 * Takes the commands for one VRU. Each is carried out once, those for one call one after another,
 * and none before the answer of an `enter` of that call that is still under way. Commands come from
 * several servers, so they overtake each other: one that sends a call where it is already, or where
 * it was before, is dropped, and so is the way into a place that the call was sent away from already.
 */
export class CommandDesk {
  readonly #clock: Clock;
  readonly #handler: CommandHandler;
  readonly #answers = new Map<string, Promise<Answer>>();
  /** What the next command of a call waits for. */
  readonly #turns = new Map<CallId, Promise<unknown>>();
  readonly #entering = new Map<CallId, () => void>();
  readonly #ways = new Map<CallId, Way>();

  constructor(clock: Clock, handler: CommandHandler) {
    this.#clock = clock;
    this.#handler = handler;
  }

  /** An `enter` or `re-enter` of this call has begun. */
  entering(callId: CallId): void {
    this.#entering.get(callId)?.();
    let open = (): void => {};
    const answered = new Promise<void>((resolve) => {
      open = resolve;
    });
    this.#entering.set(callId, open);
    void this.#inTurn(callId, () => answered);
  }

  /** It was answered. */
  entered(callId: CallId, reply: EnterReply): void {
    this.#note(callId, wayIn(reply, this.#ways.get(callId)?.last));
    const finish = this.#entering.get(callId);
    this.#entering.delete(callId);
    // In a later turn: whoever awaits the answer acts on it before the next command comes.
    if (finish !== undefined) this.#clock.after(0, finish);
  }

  handle(body: unknown): Promise<Answer> {
    const parsed = vruCommand.safeParse(body);
    if (!parsed.success) {
      return Promise.resolve(fail(new MediaError('bad-request', parsed.error.message)));
    }
    const command = parsed.data;
    const before = this.#answers.get(command.requestId);
    if (before !== undefined) {
      if (command.kind !== 'wait') return before;
      return this.#inTurn(command.callId, () => this.#waitsStill(command, before));
    }
    const answer = this.#inTurn(command.callId, () => this.#carryOut(command));
    this.#answers.set(command.requestId, answer);
    bound(this.#answers, REMEMBERED);
    return answer;
  }

  /**
   * Of several servers that send callers back to waiting a late one has put a caller on the list again who has
   * gone on since, or is gone: it must hear that.
   */
  async #waitsStill(
    command: Extract<Placing, { kind: 'wait' }>,
    before: Promise<Answer>,
  ): Promise<Answer> {
    const first = await before;
    if (!first.ok) return first;
    const way = this.#ways.get(command.callId);
    const isStill = way?.now === undefined && way?.last?.confereeId === command.leaves;
    if (!isStill) return ok({ overtaken: true });
    const done = await this.#handler(command);
    return done.ok ? ok({}) : done;
  }

  #inTurn<T>(callId: CallId, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(callId);
    // Without anything to wait for it begins at once.
    const mine = before === undefined ? work() : before.then(work, work);
    this.#turns.set(callId, mine);
    const forget = (): void => {
      if (this.#turns.get(callId) === mine) this.#turns.delete(callId);
    };
    mine.then(forget, forget);
    return mine;
  }

  async #carryOut(command: VruCommand): Promise<Answer> {
    const { callId, requestId } = command;
    const way = this.#ways.get(callId);
    if (way !== undefined && isPlacing(command) && isOvertaken(command, way)) {
      return ok({ overtaken: true });
    }
    const done = await this.#handler(command);
    if (!done.ok) {
      // What failed for the moment may be asked for again under the same id.
      if (done.error.retry) this.#answers.delete(requestId);
      return done;
    }
    if (isPlacing(command)) this.#note(callId, wayAfter(command, this.#ways.get(callId)));
    return ok({});
  }

  #note(callId: CallId, way: Way): void {
    this.#ways.delete(callId);
    this.#ways.set(callId, way);
    bound(this.#ways, MAX_CALLS);
  }
}

/** Commands after which a call is somewhere else. */
function isPlacing(command: VruCommand): command is Placing {
  return command.kind === 'place' || command.kind === 'wait' || command.kind === 'release';
}

function wayIn(reply: EnterReply, before: Reached | undefined): Way {
  if (reply.kind === 'enter') {
    const { place } = reply;
    return { accountId: place.accountId, now: place, last: place };
  }
  if (reply.kind === 'refused') return { accountId: undefined, now: undefined, last: before };
  const { accountId, order } = reply;
  // What is over by now is no concern of one who begins to wait.
  const from = order && { accountId, order, ...NO_PLACE };
  const isNew = from !== undefined && (before === undefined || isLater(from, before));
  return { accountId, now: undefined, last: isNew ? from : before };
}

const NO_PLACE = { confereeId: '' as ConfereeId, mixerId: '' as NodeId };

/** The place that a call leaves by this command, if it says which. */
function leftBy({ leaves, order, accountId }: Exclude<Placing, { kind: 'place' }>) {
  if (leaves === undefined || order === undefined || accountId === undefined) return undefined;
  return { ...NO_PLACE, confereeId: leaves, order, accountId };
}

function wayAfter(command: Placing, before: Way | undefined): Way {
  if (command.kind === 'place') {
    const { place } = command;
    return { accountId: place.accountId, now: place, last: place };
  }
  const left = leftBy(command);
  const last = before?.last;
  // The way to it has been overtaken by the way out of it.
  const isNew = left !== undefined && (last === undefined || isLater(left, last));
  return {
    accountId: command.accountId ?? before?.accountId,
    now: undefined,
    last: isNew ? left : last,
  };
}

/** Pure: whether a command comes too late for a call that has come this way. */
export function isOvertaken(command: Placing, { accountId, now, last }: Way): boolean {
  const of = command.kind === 'place' ? command.place.accountId : command.accountId;
  // The call has entered another account's conference since.
  if (accountId !== undefined && of !== undefined && of !== accountId) return true;
  if (command.kind === 'place') return last !== undefined && !isLater(command.place, last);
  if (command.leaves === undefined || command.leaves === now?.confereeId) return false;
  // Sent away from a place that the call does not have any more – or does not have yet: then it
  // need not come to it at all.
  const left = leftBy(command);
  return left === undefined || (last !== undefined && !isLater(left, last));
}

function isLater(place: Reached, last: Reached): boolean {
  // Another account was entered since, or a server without order numbers sent it.
  if (place.accountId !== last.accountId) return true;
  if (place.order === undefined || last.order === undefined) {
    return place.confereeId !== last.confereeId || place.mixerId !== last.mixerId;
  }
  for (const [index, number] of place.order.entries()) {
    const other = last.order[index] ?? 0;
    if (number !== other) return number > other;
  }
  return false;
}

/** Drops the oldest entries beyond `limit`. */
function bound(map: Map<string, unknown>, limit: number): void {
  for (const oldest of map.keys()) {
    if (map.size <= limit) return;
    map.delete(oldest);
  }
}
