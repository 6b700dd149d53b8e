import type { Clock } from '../../common/clock.ts';
import { MediaError } from '../../common/errors.ts';
import type { CallId } from '../../common/ids.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import { type PlaceInConference, type VruCommand, vruCommand } from './messages.ts';

export type CommandHandler = (command: VruCommand) => Promise<Result<void, MediaError>>;

type Answer = Result<unknown, MediaError>;

/** Commands whose answers are remembered for a retry; far more than can be under way at once. */
const REMEMBERED = 4_096;
/** Calls whose way is remembered; more than one VRU carries. */
const MAX_CALLS = 50_000;

/** Where a call is, and the last place that it had, which no earlier one may undo. */
interface Way {
  readonly now: PlaceInConference | undefined;
  readonly last: PlaceInConference | undefined;
}

/**
 * Takes the commands for one VRU. Each is carried out once, those for one call one after another,
 * and none before the answer of an `enter` of that call that is still under way. Commands come from
 * several servers, so they overtake each other: one that sends a call where it is already, or where
 * it was before, is dropped.
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

  /** It was answered; `place` when the answer puts the call into a conference. */
  entered(callId: CallId, place: PlaceInConference | undefined): void {
    this.#note(callId, place);
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
    if (before !== undefined) return before;
    const answer = this.#inTurn(command.callId, () => this.#carryOut(command));
    this.#answers.set(command.requestId, answer);
    bound(this.#answers, REMEMBERED);
    return answer;
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
    if (way !== undefined && isOvertaken(command, way)) return ok({});
    const done = await this.#handler(command);
    if (!done.ok) {
      // What failed for the moment may be asked for again under the same id.
      if (done.error.retry) this.#answers.delete(requestId);
      return done;
    }
    if (PLACING.has(command.kind)) {
      this.#note(callId, command.kind === 'place' ? command.place : undefined);
    }
    return ok({});
  }

  #note(callId: CallId, now: PlaceInConference | undefined): void {
    const last = now ?? this.#ways.get(callId)?.last;
    this.#ways.delete(callId);
    this.#ways.set(callId, { now, last });
    bound(this.#ways, MAX_CALLS);
  }
}

/** Commands after which a call is somewhere else. */
const PLACING: ReadonlySet<VruCommand['kind']> = new Set(['place', 'wait', 'release']);

function isOvertaken(command: VruCommand, { now, last }: Way): boolean {
  switch (command.kind) {
    case 'place':
      return last !== undefined && !isLater(command.place, last);
    case 'wait':
    case 'release':
      // Sent away from a place that the call does not have any more.
      return command.leaves !== undefined && command.leaves !== now?.confereeId;
    case 'announce':
    case 'dial':
    case 'hang-up':
      return false;
  }
}

function isLater(place: PlaceInConference, last: PlaceInConference): boolean {
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
