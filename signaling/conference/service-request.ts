/** A service request from who asks to who answers: with a deadline, tried again with the same id. */
import type { Bus } from '../../common/bus/bus.ts';
import type { Clock } from '../../common/clock.ts';
import { MediaError } from '../../common/errors.ts';
import { type ConfereeId, type Random, randomToken } from '../../common/ids.ts';
import type { Logger } from '../../common/log.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { Store } from '../../common/store/store.ts';
import { type ServiceReply, type ServiceRequest, SUBJECTS, serviceReply } from './messages.ts';
import { CLIENT_TRY_MS } from './timing.ts';

export interface ServiceClientOptions {
  readonly bus: Bus;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** A caller who waits for an answer hears a refusal after this. */
export const ANSWER_MS = 12_000;
/** A departure is retried for this long; after that the lease or the mixer tells. */
export const DEPARTURE_MS = 120_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;
/** A service request to the proxy, again with the same id until answered or `withinMs` is over. */
export async function ask(
  options: ServiceClientOptions,
  withinMs: number,
  request: ServiceRequest,
  onError: (error: MediaError) => void = () => {},
): Promise<Result<ServiceReply, MediaError>> {
  const answer = await persist(options, withinMs, async () => {
    const tried = await options.bus.request(SUBJECTS.proxy, request, { deadlineMs: CLIENT_TRY_MS });
    if (!tried.ok) {
      onError(tried.error);
      return tried;
    }
    const reply = serviceReply.safeParse(tried.value);
    if (!reply.success) return fail(unreadable('the proxy'));
    const busy = reply.data.kind === 'refused' && reply.data.reason === 'busy-retry';
    return busy
      ? fail(new MediaError('overloaded', 'the interface server is busy'))
      : ok(reply.data);
  });
  if (!answer.ok) {
    const { kind } = request;
    options.log.warn({ kind, errorCode: answer.error.code }, 'a service request was given up');
  }
  return answer;
}

/** Tries until it is answered, fails for good, or the time is over. Pauses double, with jitter. */
export async function persist<T>(
  options: ServiceClientOptions,
  withinMs: number,
  attempt: () => Promise<Result<T, MediaError>>,
): Promise<Result<T, MediaError>> {
  const { clock, random } = options;
  const untilMs = clock.nowMs() + withinMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const answer = await attempt();
    if (answer.ok || !answer.error.retry) return answer;
    const jitteredMs = pauseMs / 2 + random.below(Math.ceil(pauseMs));
    if (clock.nowMs() + jitteredMs >= untilMs) return answer;
    await clock.sleep(jitteredMs);
  }
}

export function unreadable(who: string): MediaError {
  return new MediaError('internal', `${who} answered something unreadable`);
}

/** Somebody outside of the conference: their name in the log, and the id under which they keep the request. */
export interface Outside {
  readonly asker: string;
  readonly requestId: string;
}

/** Who asks, for a request: a conferee, somebody outside, or an operator without a name. */
export function askedBy(
  by: ConfereeId | Outside | undefined,
  random: Random,
  requestId?: string,
): { readonly requestId: string; readonly by?: ConfereeId; readonly asker?: string } {
  if (typeof by === 'object') return { requestId: requestId ?? by.requestId, asker: by.asker };
  return { requestId: requestId ?? newRequestId(random), ...(by === undefined ? {} : { by }) };
}

/** Names a request in the logs, and makes that it has its effect once. */
export function newRequestId(random: Random): string {
  return `q${randomToken(random, 15)}`;
}
