/** What the account of a conference sets for it, for who shows or controls it. */
import type { z } from 'zod';
import { type AccountRecord, accountId } from '../conference/messages.ts';
import type { ProvisioningBackend } from './backend.ts';
import { foreign } from './conference-routes.ts';
import type { LiveConferences } from './live-conferences.ts';
import { problem, problemOf } from './problem.ts';
import { json, type Route, route } from './route.ts';
import type { LiveConference } from './schemas.ts';
import * as schemas from './schemas.ts';

export function ruleRoutes(
  conferences: LiveConferences,
  provisioning: ProvisioningBackend,
): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/conferences/{id}/rules',
      tag: 'conferences',
      summary: 'What the account sets for a conference: limits, recording, when the host leaves',
      scope: 'host',
      status: 200,
      params: schemas.conferencePath,
      response: schemas.conferenceRules,
      handle: async ({ params, principal }) => {
        const refused = await foreign(conferences, params.id, principal);
        if (refused !== undefined) return refused;
        const found = await conferences.get(params.id);
        if (!found.ok) return problemOf(found.error);
        if (found.value === undefined) {
          return problem('not-found', `there is no conference ${params.id}`);
        }
        const account = await provisioning.getAccount(accountId.parse(found.value.accountId));
        if (!account.ok) return problemOf(account.error);
        return json(200, rulesOf(account.value, found.value));
      },
    }),
  ];
}

/** Of an account that was removed while the conference goes on: nothing limits it any more. */
function rulesOf(
  account: AccountRecord | undefined,
  { createdAt, temporary }: LiveConference,
): z.output<typeof schemas.conferenceRules> {
  const { maxDurationMs } = account ?? {};
  // A waiting room is no conference yet.
  const isLimited = maxDurationMs !== undefined && !temporary;
  return {
    maxConferees: account?.maxConferees ?? null,
    maxDurationMs: maxDurationMs ?? null,
    endsAt: isLimited ? new Date(Date.parse(createdAt) + maxDurationMs).toISOString() : null,
    mayRecord: account?.recording !== 'never' && !temporary,
    recordsNames: account?.recordNames ?? false,
    hostLeaves: account?.hostLeaves ?? 'continue',
  };
}
