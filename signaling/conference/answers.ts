import { type ErrorCode, MediaError } from '../../common/errors.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { Store } from '../../common/store/store.ts';
import type { ServiceReply } from './messages.ts';
import { answerRecord, KEYS } from './records.ts';

/**
 * A copy of a request comes later than the answer to another by at most what a VRU, a proxy and a
 * server wait for one another (timing.ts), some 20 s; this is three times that. It also bounds how many
 * answers there are: the entries of one minute.
 */
export const ANSWER_KEPT_MS = 60_000;

/** What holds for a request from now on. */
export interface Given {
  readonly reply: ServiceReply;
  /** False: another copy of the request was answered first, and this is its answer. */
  readonly ours: boolean;
}

/** `answer/REQUEST`: the one answer of a request, for as long as copies of it may come. */
export class Answers {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Undefined: no copy of this request has been answered. */
  async of(requestId: string): Promise<Result<ServiceReply | undefined, MediaError>> {
    const key = KEYS.answer(requestId);
    const entry = await this.#store.get(key);
    if (!entry.ok) return entry;
    if (entry.value === undefined) return ok(undefined);
    const record = answerRecord.safeParse(entry.value.value);
    if (record.success) return ok(record.data.reply);
    return fail(new MediaError('internal', `unreadable answer ${key}`));
  }

  /** Of several copies that want to give one, the first has given it for all. */
  async give(requestId: string, reply: ServiceReply): Promise<Result<Given, MediaError>> {
    const key = KEYS.answer(requestId);
    for (let race = 0; race < MAX_RACES; race++) {
      // A lease that is never renewed: it goes by itself.
      const written = await this.#store.lease(key, { version: 1, reply }, ANSWER_KEPT_MS, {
        onlyIfFree: true,
      });
      if (written.ok) return ok({ reply, ours: true });
      if (written.error.code !== TAKEN) return written;
      const given = await this.of(requestId);
      if (!given.ok) return given;
      if (given.value !== undefined) return ok({ reply: given.value, ours: false });
    }
    return fail(new MediaError('conflict', `the answer ${key} comes and goes`));
  }
}

const TAKEN: ErrorCode = 'conflict';
/** The answer that was in the way ran out before it was read. */
const MAX_RACES = 3;
