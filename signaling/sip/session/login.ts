/** What one session knows of challenges (RFC 3261 section 22), as header fields for requests that are built anew. */
import type { Random } from '../../../common/ids.ts';
import { createDigestClient } from '../digest-client.ts';
import type { SipRequest, SipResponse } from '../message.ts';
import type { Credentials } from '../user-agent.ts';

type Field = readonly [name: string, value: string];

export interface Login {
  /** Fields for the same request once more; undefined: not a challenge, or not one for us. */
  answer(request: SipRequest, response: SipResponse): readonly Field[] | undefined;
  /** With answers to what is known already, which spares a round trip. */
  apply(request: SipRequest): SipRequest;
}

const FIELDS = ['Authorization', 'Proxy-Authorization'] as const;

export function createLogin(random: Random, credentials: Credentials): Login {
  const digest = createDigestClient(random);
  return {
    answer(request, response) {
      if (response.status !== 401 && response.status !== 407) return undefined;
      const answered = digest.answer(request, response, credentials);
      if (answered === undefined) return undefined;
      return FIELDS.flatMap((name) =>
        answered.headers.all(name).map((value) => [name, value] as const),
      );
    },
    apply: (request) => digest.apply(request, credentials),
  };
}
