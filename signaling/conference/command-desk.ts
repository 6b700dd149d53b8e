import { MediaError } from '../../common/errors.ts';
import type { CallId } from '../../common/ids.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import { type PlaceInConference, type VruCommand, vruCommand } from './messages.ts';

export type CommandHandler = (command: VruCommand) => Promise<Result<void, MediaError>>;

/** Commands whose answers are remembered for a retry; far more than can be under way at once. */
const REMEMBERED = 4_096;

interface Entering {
  readonly finished: Promise<void>;
  readonly finish: () => void;
  place: PlaceInConference | undefined;
}

/**
 * Takes the commands for one VRU: each is carried out once, and in a sensible order with the answer
 * of an `enter` that is still under way. A host who arrives at that very moment makes the answer and
 * a `place` command overtake each other; the call flow must see only one of them.
 */
export class CommandDesk {
  readonly #handler: CommandHandler;
  readonly #answers = new Map<string, Promise<Result<unknown, MediaError>>>();
  readonly #entering = new Map<CallId, Entering>();

  constructor(handler: CommandHandler) {
    this.#handler = handler;
  }

  /** An `enter` of this call has begun. */
  entering(callId: CallId): void {
    let finish = (): void => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    this.#entering.set(callId, { finished, finish, place: undefined });
  }

  /** It was answered; `place` when the answer puts the call into a conference. */
  entered(callId: CallId, place: PlaceInConference | undefined): void {
    const entering = this.#entering.get(callId);
    this.#entering.delete(callId);
    if (entering === undefined) return;
    entering.place = place;
    entering.finish();
  }

  handle(body: unknown): Promise<Result<unknown, MediaError>> {
    const parsed = vruCommand.safeParse(body);
    if (!parsed.success) {
      return Promise.resolve(fail(new MediaError('bad-request', parsed.error.message)));
    }
    const command = parsed.data;
    const before = this.#answers.get(command.requestId);
    if (before !== undefined) return before;
    const answer = this.#carryOut(command);
    this.#answers.set(command.requestId, answer);
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= REMEMBERED) break;
      this.#answers.delete(oldest);
    }
    return answer;
  }

  async #carryOut(command: VruCommand): Promise<Result<unknown, MediaError>> {
    const entering = this.#entering.get(command.callId);
    if (entering !== undefined) {
      await entering.finished;
      const same = command.kind === 'place' && samePlace(command.place, entering.place);
      if (same) return ok({});
    }
    const done = await this.#handler(command);
    return done.ok ? ok({}) : done;
  }
}

function samePlace(a: PlaceInConference, b: PlaceInConference | undefined): boolean {
  return b !== undefined && a.confereeId === b.confereeId && a.mixerId === b.mixerId;
}
