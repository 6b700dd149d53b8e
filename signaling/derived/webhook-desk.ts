/** What an operator does with endpoints: make, look at, switch, try, remove. */
import type { Clock } from '../../common/clock.ts';
import { MediaError } from '../../common/errors.ts';
import { type AccountId, type Random, randomToken } from '../../common/ids.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { Store } from '../../common/store/store.ts';
import {
  FRESH_STATE,
  WEBHOOK_STATES,
  WEBHOOKS,
  type WebhookRecord,
  type WebhookState,
  webhookRecord,
  webhookState,
} from './webhook-records.ts';
import type { DeliveryOutcome, WebhookSender } from './webhook-sender.ts';
import { newSecret, sign } from './webhook-signature.ts';
import { checkTarget, type TargetPolicy } from './webhook-target.ts';

/** Each event is told to each of them. */
const MAX_WEBHOOKS = 100;

type Reply<T> = Promise<Result<T, MediaError>>;

export interface WebhookWithState {
  readonly record: WebhookRecord;
  readonly state: WebhookState;
}

export interface NewWebhook {
  readonly url: string;
  readonly accountId: AccountId | null;
  readonly events: readonly string[] | null;
}

export interface WebhookDesk {
  list(): Reply<readonly WebhookWithState[]>;
  /** Undefined: no such endpoint. */
  get(id: string): Reply<WebhookWithState | undefined>;
  /** Errors: `bad-request` for an address that the policy refuses, `overloaded` when there are too many. */
  create(given: NewWebhook): Reply<WebhookWithState>;
  setEnabled(id: string, enabled: boolean): Reply<WebhookWithState | undefined>;
  remove(id: string): Reply<true | undefined>;
  /** Sends an event of kind `webhook.test` now, once. */
  test(id: string): Reply<DeliveryOutcome | undefined>;
}

export interface WebhookDeskOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly sender: WebhookSender;
  readonly policy: TargetPolicy;
}

export function createWebhookDesk(options: WebhookDeskOptions): WebhookDesk {
  return {
    list: () => list(options),
    get: (id) => find(options, id),
    create: (given) => create(options, given),
    async setEnabled(id, enabled) {
      const found = await find(options, id);
      if (!found.ok || found.value === undefined) return found;
      const { record } = found.value;
      const enabledAtMs = enabled ? options.clock.wallMs() : record.enabledAtMs;
      return write(options, { ...record, enabled, enabledAtMs });
    },
    async remove(id) {
      const found = await find(options, id);
      if (!found.ok || found.value === undefined) return found.ok ? ok(undefined) : found;
      const gone = await options.store.delete(`${WEBHOOKS}${id}`);
      return gone.ok ? ok(true) : gone;
    },
    async test(id) {
      const found = await find(options, id);
      if (!found.ok || found.value === undefined) return found.ok ? ok(undefined) : found;
      return ok(await tryOnce(options, found.value.record));
    },
  };
}

async function list({ store }: WebhookDeskOptions): Reply<readonly WebhookWithState[]> {
  const entries = await store.list(WEBHOOKS);
  if (!entries.ok) return entries;
  const all: WebhookWithState[] = [];
  for (const { value } of entries.value) {
    const record = webhookRecord.safeParse(value);
    if (!record.success) continue;
    const state = await stateOf(store, record.data.id);
    if (!state.ok) return state;
    all.push({ record: record.data, state: state.value });
  }
  return ok(all);
}

async function stateOf(store: Store, id: string): Reply<WebhookState> {
  const entry = await store.get(`${WEBHOOK_STATES}${id}`);
  return entry.ok ? ok(webhookState.safeParse(entry.value?.value).data ?? FRESH_STATE) : entry;
}

async function find(
  { store }: WebhookDeskOptions,
  id: string,
): Reply<WebhookWithState | undefined> {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(id)) return ok(undefined);
  const entry = await store.get(`${WEBHOOKS}${id}`);
  if (!entry.ok) return entry;
  const record = webhookRecord.safeParse(entry.value?.value);
  if (!record.success) return ok(undefined);
  const state = await stateOf(store, id);
  return state.ok ? ok({ record: record.data, state: state.value }) : state;
}

async function create(options: WebhookDeskOptions, given: NewWebhook): Reply<WebhookWithState> {
  const { store, clock, random, policy } = options;
  const url = checkTarget(given.url, policy);
  if (!url.ok) return url;
  const present = await store.list(WEBHOOKS);
  if (!present.ok) return present;
  if (present.value.length >= MAX_WEBHOOKS) {
    return fail(new MediaError('conflict', `there are ${MAX_WEBHOOKS} endpoints already`));
  }
  const nowMs = clock.wallMs();
  return write(options, {
    version: 1,
    id: `w${randomToken(random, 10)}`,
    url: url.value.href,
    accountId: given.accountId,
    events: given.events === null ? null : [...given.events],
    secret: newSecret(random),
    enabled: true,
    createdAtMs: nowMs,
    enabledAtMs: nowMs,
  });
}

async function write(
  { store }: WebhookDeskOptions,
  record: WebhookRecord,
): Reply<WebhookWithState> {
  const written = await store.put(`${WEBHOOKS}${record.id}`, record);
  if (!written.ok) return written;
  const state = await stateOf(store, record.id);
  return state.ok ? ok({ record, state: state.value }) : state;
}

function tryOnce(
  { clock, random, sender }: WebhookDeskOptions,
  { url, secret }: WebhookRecord,
): Promise<DeliveryOutcome> {
  const nowMs = clock.wallMs();
  const id = `test-${randomToken(random, 10)}`;
  const timestamp = new Date(nowMs).toISOString();
  const body = JSON.stringify({ type: 'webhook.test', id, timestamp, data: {} });
  const timestampS = Math.floor(nowMs / 1000);
  return sender.send({ url, id, timestampS, signature: sign(secret, id, timestampS, body), body });
}
