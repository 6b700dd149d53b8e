/**
 * Endpoints that are told of events: `webhook/ID` is what the operator wants, `webhook-state/ID` how it
 * goes, `webhook-cursor/ID/CONFERENCE` the number of the last event that an endpoint has taken.
 */
import { z } from 'zod';
import { accountId } from '../conference/messages.ts';

export const WEBHOOKS = 'webhook/';
export const WEBHOOK_STATES = 'webhook-state/';
export const WEBHOOK_CURSORS = 'webhook-cursor/';

export const webhookRecord = z.object({
  version: z.literal(1),
  id: z.string(),
  url: z.string(),
  /** Null: of every account. */
  accountId: accountId.nullable(),
  /** Kinds of events; null: every kind. */
  events: z.array(z.string()).nullable(),
  /** `whsec_` and base64. In the clear, as signing needs it; shown once. */
  secret: z.string(),
  enabled: z.boolean(),
  /** Events from then on. */
  createdAtMs: z.number(),
  /** Grows when it is enabled again: a new try, whatever went wrong before. */
  enabledAtMs: z.number(),
});
export type WebhookRecord = z.infer<typeof webhookRecord>;

export const webhookState = z.object({
  version: z.literal(1),
  /** Since when nothing was taken although something was there; null: it goes well. */
  failingSinceMs: z.number().nullable(),
  lastSuccessMs: z.number().nullable(),
  lastError: z.string().nullable(),
  /** We have given up; enabling it again begins anew. */
  disabledAtMs: z.number().nullable(),
});
export type WebhookState = z.infer<typeof webhookState>;

export const FRESH_STATE: WebhookState = {
  version: 1,
  failingSinceMs: null,
  lastSuccessMs: null,
  lastError: null,
  disabledAtMs: null,
};

export const webhookCursor = z.object({ version: z.literal(1), number: z.number().int().min(0) });

export const cursorKey = (webhook: string, conference: string): string =>
  `${WEBHOOK_CURSORS}${webhook}/${conference}`;
