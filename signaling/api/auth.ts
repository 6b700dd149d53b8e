/**
 * Who may call the API. A token is 32 random bytes, so its plain SHA-256 is kept and nothing slower
 * is needed; compared in constant time. Only hashes are stored; a token is shown once.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../common/clock.ts';
import type { MediaError } from '../../common/errors.ts';
import type { AccountId, Random } from '../../common/ids.ts';
import { ok, type Result } from '../../common/result.ts';
import type { Store } from '../../common/store/store.ts';
import { accountId } from '../conference/messages.ts';
import { type HostTokens, isHostToken } from './host-tokens.ts';

/**
 * What a token allows. `host`: what a host may do in the conferences of one account; `dial`: to call out there.
 * `admin` has both.
 */
export const SCOPES = ['admin', 'host', 'dial'] as const;
export type Scope = (typeof SCOPES)[number];

/** `token/NAME`. */
export const tokenRecord = z.object({
  version: z.literal(1),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  scopes: z.array(z.enum(SCOPES)),
  createdAtMs: z.number(),
  /** Without it a token without `admin` sees nothing. */
  accountId: accountId.optional(),
  expiresAtMs: z.number().optional(),
});
export type TokenRecord = z.infer<typeof tokenRecord>;

export const TOKENS = 'token/';
const ADMIN_KEY = `${TOKENS}admin`;

export interface Principal {
  /** For the audit log: the name of the token, never the token. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Of a host: the one account whose conferences it may see and control. */
  readonly accountId?: AccountId | undefined;
  readonly accountName?: string | undefined;
  readonly expiresAtMs?: number | undefined;
}

export interface Authenticator {
  /** `authorization`: the header. */
  authenticate(authorization: string | undefined): Promise<Principal | undefined>;
  /** For connections that outlive a request: called with the name of a token that is revoked or replaced. */
  onRevoked?(tell: (name: string) => void): void;
  close(): Promise<void>;
}

const withImplied = (scopes: readonly Scope[]): readonly Scope[] =>
  scopes.includes('admin') ? SCOPES : scopes;

/** Undefined once it has expired. */
function principalOf(name: string, record: TokenRecord, nowMs: number): Principal | undefined {
  const { scopes, accountId: account, expiresAtMs } = record;
  if (expiresAtMs !== undefined && expiresAtMs <= nowMs) return undefined;
  return { name, scopes: withImplied(scopes), accountId: account, expiresAtMs };
}

const digest = (token: string): Buffer => createHash('sha256').update(token).digest();

export async function startAuthenticator(
  store: Store,
  clock: Clock,
  configuredAdminToken: string | undefined,
  hosts?: HostTokens,
): Promise<Authenticator> {
  const tokens = new Map<string, { readonly hash: Buffer; readonly record: TokenRecord }>();
  const listeners = new Set<(name: string) => void>();
  const watch = await store.watch(TOKENS, (change) => {
    const name = change.key.slice(TOKENS.length);
    if (tokens.has(name)) for (const tell of listeners) tell(name);
    const record = change.kind === 'put' ? tokenRecord.safeParse(change.value) : undefined;
    if (record?.success !== true) tokens.delete(name);
    else tokens.set(name, { hash: Buffer.from(record.data.hash, 'hex'), record: record.data });
  });
  const configured = configuredAdminToken === undefined ? undefined : digest(configuredAdminToken);
  return {
    async authenticate(authorization) {
      const token = /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization ?? '')?.[1];
      if (token === undefined) return undefined;
      if (hosts !== undefined && isHostToken(token)) return hosts.check(token);
      const given = digest(token);
      let found: Principal | undefined;
      // Always through all of them, so that time tells nothing.
      for (const [name, { hash, record }] of tokens) {
        if (timingSafeEqual(given, hash)) found = principalOf(name, record, clock.wallMs());
      }
      if (configured !== undefined && timingSafeEqual(given, configured)) {
        found = { name: 'configured-admin', scopes: SCOPES };
      }
      return found;
    },
    onRevoked: (tell) => void listeners.add(tell),
    close: () => watch.close(),
  };
}

/** A token and what is kept of it. */
export function newToken(random: Random): { readonly token: string; readonly hash: string } {
  const token = `mo_${Buffer.from(random.bytes(32)).toString('base64url')}`;
  return { token, hash: digest(token).toString('hex') };
}

/** Makes the admin token if there is none (or `replace`), and returns it: the only time it is seen. */
export async function ensureAdminToken(
  store: Store,
  random: Random,
  clock: Clock,
  replace: boolean,
): Promise<Result<string | undefined, MediaError>> {
  const present = await store.get(ADMIN_KEY);
  if (!present.ok) return present;
  if (present.value !== undefined && !replace) return ok(undefined);
  const { token, hash } = newToken(random);
  const record: TokenRecord = {
    version: 1,
    hash,
    scopes: ['admin'],
    createdAtMs: clock.wallMs(),
  };
  const written = await store.compareAndSet(ADMIN_KEY, record, present.value?.revision ?? 0);
  if (written.ok) return ok(token);
  // Another process of this system was first: its token is the one.
  return written.error.code === 'conflict' ? ok(undefined) : written;
}
