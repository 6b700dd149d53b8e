/** What an operator may ask of a running role over the bus: `node.ID`. */
import { z } from 'zod';
import type { Bus, Subscription } from '../../common/bus/bus.ts';
import { MediaError } from '../../common/errors.ts';
import type { NamedRole } from '../../common/lifecycle.ts';
import { fail, ok, type Result } from '../../common/result.ts';

const request = z.object({ kind: z.literal('drain') });
const ANSWER_MS = 3000;

const subject = (id: string): string => `node.${id}`;

/** Idempotent, as every request is. */
export function serveNodeControl(bus: Bus, { id, role }: NamedRole): Promise<Subscription> {
  return bus.serve(subject(id), async (body) => {
    if (!request.safeParse(body).success) {
      return fail(new MediaError('bad-request', 'expected {kind: "drain"}'));
    }
    role.drain();
    return ok(null);
  });
}

/** Undefined: there is no such node. */
export async function drainNode(
  bus: Bus,
  id: string,
): Promise<Result<true | undefined, MediaError>> {
  if (!/^[A-Za-z0-9_-]+$/.test(id)) return ok(undefined);
  const answer = await bus.request(subject(id), { kind: 'drain' }, { deadlineMs: ANSWER_MS });
  if (answer.ok) return ok(true);
  return answer.error.code === 'no-server' ? ok(undefined) : answer;
}
