/** Named tokens: made, listed and revoked. What is kept of one is its hash, so it is seen once, when it is made. */
import type { Clock } from '../../common/clock.ts';
import { MediaError } from '../../common/errors.ts';
import type { AccountId, Random } from '../../common/ids.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { Store } from '../../common/store/store.ts';
import { getAccount } from '../conference/accounts.ts';
import { newToken, type Scope, TOKENS, type TokenRecord, tokenRecord } from './auth.ts';

/** Every request is compared with each of them. */
const MAX_TOKENS = 1_000;

export interface TokenWish {
  readonly name: string;
  /** Absent: a token of an operator. */
  readonly accountId?: AccountId | undefined;
  /** Of an account: whether it may call out there. */
  readonly dial: boolean;
  readonly days?: number | undefined;
}

export interface NamedToken {
  readonly name: string;
  readonly record: TokenRecord;
}

export interface TokenDesk {
  list(): Promise<Result<readonly NamedToken[], MediaError>>;
  /** `conflict`: there is one of this name. */
  create(wish: TokenWish): Promise<Result<NamedToken & { readonly token: string }, MediaError>>;
  /** Undefined: no such token. */
  revoke(name: string): Promise<Result<true | undefined, MediaError>>;
}

export interface TokenDeskOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
}

const DAY_MS = 86_400_000;

export function createTokenDesk({ store, clock, random }: TokenDeskOptions): TokenDesk {
  const list: TokenDesk['list'] = async () => {
    const entries = await store.list(TOKENS);
    if (!entries.ok) return entries;
    return ok(
      entries.value.flatMap(({ key, value }) => {
        const record = tokenRecord.safeParse(value);
        return record.success ? [{ name: key.slice(TOKENS.length), record: record.data }] : [];
      }),
    );
  };
  return {
    list,
    async create(wish) {
      const present = await list();
      if (!present.ok) return present;
      if (present.value.length >= MAX_TOKENS) {
        return fail(new MediaError('conflict', `there are ${MAX_TOKENS} tokens: revoke some`));
      }
      const missing = await unknownAccount(store, wish.accountId);
      if (missing !== undefined) return fail(missing);
      const { token, hash } = newToken(random);
      const nowMs = clock.wallMs();
      const record: TokenRecord = {
        version: 1,
        hash,
        scopes: scopesOf(wish),
        createdAtMs: nowMs,
        ...(wish.accountId === undefined ? {} : { accountId: wish.accountId }),
        ...(wish.days === undefined ? {} : { expiresAtMs: nowMs + wish.days * DAY_MS }),
      };
      const written = await store.compareAndSet(`${TOKENS}${wish.name}`, record, 0);
      if (written.ok) return ok({ name: wish.name, record, token });
      return written.error.code === 'conflict'
        ? fail(new MediaError('conflict', `there is a token ${wish.name} already`))
        : written;
    },
    async revoke(name) {
      const present = await store.get(`${TOKENS}${name}`);
      if (!present.ok) return present;
      if (present.value === undefined) return ok(undefined);
      const deleted = await store.delete(`${TOKENS}${name}`);
      return deleted.ok ? ok(true) : deleted;
    },
  };
}

function scopesOf({ accountId, dial }: TokenWish): Scope[] {
  if (accountId === undefined) return ['admin'];
  return dial ? ['host', 'dial'] : ['host'];
}

async function unknownAccount(
  store: Store,
  id: AccountId | undefined,
): Promise<MediaError | undefined> {
  if (id === undefined) return undefined;
  const account = await getAccount(store, id);
  if (!account.ok) return account.error;
  return account.value === undefined
    ? new MediaError('bad-request', `accountId: there is no account ${id}`)
    : undefined;
}
