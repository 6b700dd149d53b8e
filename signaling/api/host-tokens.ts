/**
 * Tokens of hosts: what a host code is exchanged for. A token names its account, its end and a digest
 * of the code, signed with a secret of this system; so nothing is stored per token, any API process
 * can check it, and it dies with the code: each check reads the account.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../common/clock.ts';
import type { MediaError } from '../../common/errors.ts';
import { type Random, randomToken } from '../../common/ids.ts';
import { ok, type Result } from '../../common/result.ts';
import type { Store } from '../../common/store/store.ts';
import { getAccount } from '../conference/accounts.ts';
import { type AccountRecord, accountId } from '../conference/messages.ts';
import type { Principal } from './auth.ts';

/** A working day; a page that is left open ends then. */
const LIFE_MS = 12 * 3_600_000;
const PREFIX = 'mh_';
const SECRET_KEY = 'secret/host-tokens';

const secretRecord = z.object({ version: z.literal(1), secret: z.string().min(40) });
const claims = z.object({
  /** Names the token in the audit log. */
  id: z.string().max(32),
  account: accountId,
  /** Wall time. */
  endMs: z.number(),
  /** Keyed digest of the host code. */
  code: z.string().max(64),
});

export interface IssuedToken {
  readonly token: string;
  readonly expiresAtMs: number;
}

export const isHostToken = (token: string): boolean => token.startsWith(PREFIX);

export interface HostTokensOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
}

export class HostTokens {
  readonly #options: HostTokensOptions;
  readonly #secret: Buffer;

  private constructor(options: HostTokensOptions, secret: Buffer) {
    this.#options = options;
    this.#secret = secret;
  }

  static async open(options: HostTokensOptions): Promise<Result<HostTokens, MediaError>> {
    const { store, random } = options;
    for (;;) {
      const present = await store.get(SECRET_KEY);
      if (!present.ok) return present;
      const record = secretRecord.safeParse(present.value?.value);
      if (record.success) {
        return ok(new HostTokens(options, Buffer.from(record.data.secret, 'base64url')));
      }
      const secret = Buffer.from(random.bytes(32)).toString('base64url');
      const revision = present.value?.revision ?? 0;
      const written = await store.compareAndSet(SECRET_KEY, { version: 1, secret }, revision);
      // Another process was first: its secret is the one.
      if (!written.ok && written.error.code !== 'conflict') return written;
    }
  }

  issue(account: AccountRecord, code: string): IssuedToken {
    const { clock, random } = this.#options;
    const endMs = clock.wallMs() + LIFE_MS;
    const content = Buffer.from(
      JSON.stringify({
        id: randomToken(random, 8),
        account: account.id,
        endMs,
        code: this.#digest('code', code),
      }),
    ).toString('base64url');
    return {
      token: `${PREFIX}${content}.${this.#digest('token', content)}`,
      expiresAtMs: endMs,
    };
  }

  async check(token: string): Promise<Principal | undefined> {
    const [content = '', signature = ''] = token.slice(PREFIX.length).split('.');
    if (!same(signature, this.#digest('token', content))) return undefined;
    const read = readClaims(content);
    if (read === undefined || read.endMs <= this.#options.clock.wallMs()) return undefined;
    const account = await getAccount(this.#options.store, read.account);
    if (!account.ok || account.value === undefined) return undefined;
    const { id, name, hostCodes, outdial } = account.value;
    if (!hostCodes.some((code) => same(read.code, this.#digest('code', code)))) return undefined;
    return {
      name: `host-${id}-${read.id}`,
      scopes: outdial === undefined ? ['host'] : ['host', 'dial'],
      accountId: id,
      accountName: name,
      expiresAtMs: read.endMs,
    };
  }

  /** `use` keeps digests of one kind from passing for another. */
  #digest(use: 'code' | 'token', text: string): string {
    return createHmac('sha256', this.#secret).update(`${use} ${text}`).digest('base64url');
  }
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function readClaims(content: string): z.infer<typeof claims> | undefined {
  try {
    const text = Buffer.from(content, 'base64url').toString('utf8');
    return claims.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
