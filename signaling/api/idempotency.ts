/**
 * `Idempotency-Key`: a mutating request that is sent again with the same key gets the first answer,
 * also while the first is under way. In the memory of this process, for a while: it is there for
 * retries after a lost connection, not as a record.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../../common/clock.ts';
import type { HttpRequest, HttpResponse } from './http-server.ts';
import { problem } from './problem.ts';

const REMEMBERED = 4_096;
const REMEMBER_MS = 600_000;
const KEY = /^[\x21-\x7e]{1,128}$/;

interface Remembered {
  /** Of method, path and body. */
  readonly fingerprint: string;
  readonly answer: Promise<HttpResponse>;
  readonly atMs: number;
}

export class Idempotency {
  readonly #clock: Clock;
  /** In order of arrival. */
  readonly #answers = new Map<string, Remembered>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `who`: keys of one principal mean nothing to another. */
  async once(
    request: HttpRequest,
    who: string,
    carryOut: () => Promise<HttpResponse>,
  ): Promise<HttpResponse> {
    const key = request.headers.get('idempotency-key');
    if (key === undefined) return carryOut();
    if (!KEY.test(key)) {
      return problem('invalid', 'idempotency-key: expected 1 to 128 visible ASCII characters');
    }
    const name = `${who} ${key}`;
    const fingerprint = createHash('sha256')
      .update(`${request.method} ${request.path} `)
      .update(request.body)
      .digest('base64');
    const nowMs = this.#clock.nowMs();
    const before = this.#answers.get(name);
    if (before !== undefined && nowMs - before.atMs < REMEMBER_MS) {
      if (before.fingerprint !== fingerprint) {
        return problem('key-reused', 'idempotency-key: it came with another request before');
      }
      const response = await before.answer;
      return { ...response, headers: { ...response.headers, 'idempotency-replayed': 'true' } };
    }
    const answer = carryOut();
    this.#answers.delete(name);
    this.#answers.set(name, { fingerprint, answer, atMs: nowMs });
    if (this.#answers.size > REMEMBERED) {
      for (const oldest of this.#answers.keys()) {
        this.#answers.delete(oldest);
        break;
      }
    }
    const response = await answer;
    // A passing failure must not be the answer for good: the retry is what the key is for.
    if (response.status >= 500 || response.status === 429) this.#answers.delete(name);
    return response;
  }
}
