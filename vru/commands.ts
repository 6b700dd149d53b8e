/** Commands for one call, each answered once: when it was carried out, or when the call is over. */
import type { Clock } from '../common/clock.ts';
import { MediaError } from '../common/errors.ts';
import { fail, ok, type Result } from '../common/result.ts';
import type { VruCommand } from '../signaling/conference/messages.ts';
import { Inbox } from './inbox.ts';

export interface PendingCommand {
  readonly command: VruCommand;
  /** The first answer counts. */
  readonly answer: (result: Result<void, MediaError>) => void;
}

export const DONE: Result<void, MediaError> = ok(undefined);

/** Commands that wait for a flow which is busy; the next one is to come again later. */
const LIMIT = 32;

export class CommandQueue {
  readonly inbox: Inbox<PendingCommand>;
  readonly #open = new Set<PendingCommand>();
  #closed = false;

  constructor(clock: Clock) {
    this.inbox = new Inbox(clock, LIMIT);
  }

  /** Resolves when it was carried out. Errors: `closed`, `overloaded`, and why it failed. */
  give(command: VruCommand): Promise<Result<void, MediaError>> {
    if (this.#closed) return Promise.resolve(gone());
    return new Promise((resolve) => {
      const pending: PendingCommand = {
        command,
        answer: (result) => {
          this.#open.delete(pending);
          resolve(result);
        },
      };
      if (this.inbox.push(pending)) this.#open.add(pending);
      else resolve(fail(new MediaError('overloaded', 'the call is busy')));
    });
  }

  /** The call is over: everybody who waits is told. */
  close(): void {
    this.#closed = true;
    for (const pending of [...this.#open]) pending.answer(gone());
  }
}

function gone(): Result<void, MediaError> {
  return fail(new MediaError('closed', 'the call is over'));
}
