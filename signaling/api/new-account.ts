/** A new account gets the id and the codes that the operator did not give; a refusal names the field. */
import { MediaError } from '../../common/errors.ts';
import { type AccountId, type Random, randomToken } from '../../common/ids.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { AccountRecord } from '../conference/messages.ts';
import type { ProvisioningBackend } from './backend.ts';
import type { HttpResponse } from './http-server.ts';
import { problem, problemOf } from './problem.ts';
import type { NewAccount } from './schemas.ts';

/** Long enough that guessing is hopeless, short enough to dial. */
const CODE_DIGITS = 8;
/** A made code collides about once in 10⁸ divided by the number of codes; so many tries never fail. */
const TRIES = 5;

export async function createWithFreeCodes(
  provisioning: ProvisioningBackend,
  random: Random,
  given: NewAccount,
): Promise<Result<AccountRecord, MediaError>> {
  let last: MediaError | undefined;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const record: AccountRecord = {
      ...given,
      id: (given.id ?? `a${randomToken(random, 10)}`) as AccountId,
      hostCodes: given.hostCodes ?? [randomCode(random)],
      participantCodes: given.participantCodes ?? [randomCode(random)],
    };
    const created = await provisioning.createAccount(record);
    if (created.ok) return ok(record);
    last = created.error;
    const madeSomething = given.hostCodes === undefined || given.participantCodes === undefined;
    if (last.code !== 'conflict' || !madeSomething) break;
  }
  return fail(last ?? new MediaError('conflict', 'no free code was found'));
}

/** As `reply`, but a code or id that is taken is said at its field. */
export function answerAccount<T>(
  result: Result<T, MediaError>,
  given: {
    readonly hostCodes?: readonly string[] | undefined;
    readonly participantCodes?: readonly string[] | undefined;
  },
  answer: (value: T) => HttpResponse,
): HttpResponse {
  if (result.ok) return answer(result.value);
  const { error } = result;
  if (error.code !== 'conflict') return problemOf(error);
  const named = new Set(error.message.match(/[A-Za-z0-9_-]+/g));
  const fields = (['hostCodes', 'participantCodes'] as const).flatMap((field) =>
    (given[field] ?? []).flatMap((code, index) => (named.has(code) ? [`${field}.${index}`] : [])),
  );
  const isId = error.message.startsWith('account-exists');
  const paths = isId ? ['id'] : fields;
  return problem('conflict', error.message, {
    errors: paths.map((path) => ({ path, message: error.message })),
  });
}

/** Does not begin with 0, which some phones swallow. */
function randomCode(random: Random): string {
  let code = String(1 + random.below(9));
  while (code.length < CODE_DIGITS) code += String(random.below(10));
  return code;
}
