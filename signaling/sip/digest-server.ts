/**
 * The user agent server's side of digest authentication (RFC 7616, RFC 8760 section 2.3). A nonce carries its
 * time and a seal of ours, so challenging takes no memory; only nonces that were answered rightly
 * are kept, to see each count of each once.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../common/clock.ts';
import type { Random } from '../../common/ids.ts';
import {
  credentialHash,
  type DigestAlgorithm,
  type DigestCredentials,
  digestHash,
  digestResponse,
  formatChallenge,
  parseCredentials,
  type Qop,
} from './digest.ts';
import type { SipRequest } from './message.ts';

export interface DigestServerOptions {
  readonly realm: string;
  /** Seals the nonces; shared by all servers of the realm that may see each other's. */
  readonly secret: Uint8Array;
  readonly clock: Clock;
  readonly random: Random;
  /** Undefined: no such user. */
  readonly passwordOf: (username: string) => string | undefined;
  /** Names to look for when a client hides its own (userhash); without it, userhash is not offered. */
  readonly usernames?: () => Iterable<string>;
  /** Challenged with in this order: strongest first. Default SHA-256, MD5. */
  readonly algorithms?: readonly DigestAlgorithm[];
  readonly qops?: readonly Qop[];
  /** Default 5 minutes. */
  readonly nonceLifetimeMs?: number;
  /** Bound on remembered nonces. Default 10,000. */
  readonly maxNonces?: number;
}

export type DigestVerdict =
  | { readonly kind: 'accepted'; readonly username: string }
  /** Answer 401 (or 407) with these values. */
  | {
      readonly kind: 'challenge';
      readonly challenges: readonly string[];
      /** For the counter. */
      readonly reason: 'no-credentials' | 'stale' | 'replay' | 'wrong' | 'other-realm';
    }
  /** Answer 400. */
  | { readonly kind: 'malformed' };

export interface DigestServer {
  challenges(stale?: boolean): readonly string[];
  verify(request: SipRequest, header?: 'Authorization' | 'Proxy-Authorization'): DigestVerdict;
}

const TIME_BYTES = 6;
const SALT_BYTES = 6;
const SEAL_BYTES = 16;

/** How far behind the highest count a late request may be (UDP reorders). */
const WINDOW = 30;

interface Seen {
  readonly issuedMs: number;
  highest: number;
  /** Bit n: count highest - n was seen. */
  bits: number;
}

export function createDigestServer(options: DigestServerOptions): DigestServer {
  return new Server(options);
}

class Server implements DigestServer {
  readonly #options: DigestServerOptions;
  readonly #algorithms: readonly DigestAlgorithm[];
  readonly #qops: readonly Qop[];
  readonly #lifetimeMs: number;
  readonly #seen = new Map<string, Seen>();
  /** Nonces up to this time that are not in #seen may have been forgotten by the bound: stale. */
  #forgottenMs = -1;

  constructor(options: DigestServerOptions) {
    this.#options = options;
    this.#algorithms = options.algorithms ?? ['SHA-256', 'MD5'];
    this.#qops = options.qops ?? ['auth'];
    this.#lifetimeMs = options.nonceLifetimeMs ?? 300_000;
  }

  challenges(stale = false): readonly string[] {
    const nonce = this.#newNonce();
    return this.#algorithms.map((algorithm) =>
      formatChallenge({
        realm: this.#options.realm,
        nonce,
        opaque: undefined,
        algorithm,
        qops: this.#qops,
        offersQop: true,
        stale,
        userhash: this.#options.usernames !== undefined,
      }),
    );
  }

  verify(
    request: SipRequest,
    header: 'Authorization' | 'Proxy-Authorization' = 'Authorization',
  ): DigestVerdict {
    const values = request.headers.all(header);
    let malformed = false;
    for (const value of values) {
      const parsed = parseCredentials(value);
      if (!parsed.ok) malformed ||= value.trimStart().toLowerCase().startsWith('digest');
      else if (parsed.value.realm === this.#options.realm) {
        return this.#verify(request, parsed.value);
      }
    }
    if (malformed) return { kind: 'malformed' };
    return this.#challenge(values.length === 0 ? 'no-credentials' : 'other-realm');
  }

  #verify(request: SipRequest, credentials: DigestCredentials): DigestVerdict {
    const issuedMs = this.#openNonce(credentials.nonce);
    if (issuedMs === undefined) return this.#challenge('stale');
    const { algorithm, qop } = credentials;
    if (!this.#algorithms.includes(algorithm)) return this.#challenge('wrong');
    if (qop !== undefined && !this.#qops.includes(qop)) return this.#challenge('wrong');
    const username = this.#usernameOf(credentials);
    const password = this.#options.passwordOf(username);
    const expected = digestResponse({
      ...credentials,
      // An unknown user costs the same time as a wrong password.
      credentialHash: credentialHash(algorithm, username, credentials.realm, password ?? ''),
      method: request.method,
      body: request.body,
    });
    const right = equalInConstantTime(expected, credentials.response);
    if (!right || password === undefined) return this.#challenge('wrong');
    // Only now, so that a stranger cannot use up the counts of a nonce or fill the table.
    const age = this.#options.clock.wallMs() - issuedMs;
    if (age > this.#lifetimeMs) return this.#challenge('stale');
    const use = this.#useOnce(credentials, issuedMs);
    return use === 'fresh' ? { kind: 'accepted', username } : this.#challenge(use);
  }

  #challenge(reason: Extract<DigestVerdict, { kind: 'challenge' }>['reason']): DigestVerdict {
    const stale = reason === 'stale' || reason === 'replay';
    return { kind: 'challenge', challenges: this.challenges(stale), reason };
  }

  #usernameOf({ userhash, username, algorithm, realm }: DigestCredentials): string {
    if (!userhash) return username;
    for (const name of this.#options.usernames?.() ?? []) {
      if (digestHash(algorithm, `${name}:${realm}`) === username.toLowerCase()) return name;
    }
    return '';
  }

  #newNonce(): string {
    const body = Buffer.alloc(TIME_BYTES + SALT_BYTES);
    body.writeUIntBE(Math.floor(this.#options.clock.wallMs()), 0, TIME_BYTES);
    body.set(this.#options.random.bytes(SALT_BYTES), TIME_BYTES);
    return Buffer.concat([body, this.#seal(body)]).toString('base64url');
  }

  #seal(body: Uint8Array): Buffer {
    return createHmac('sha256', this.#options.secret)
      .update(body)
      .update(this.#options.realm)
      .digest()
      .subarray(0, SEAL_BYTES);
  }

  /** When it was issued; undefined if it is not ours. */
  #openNonce(nonce: string): number | undefined {
    if (nonce.length > 64) return undefined;
    const bytes = Buffer.from(nonce, 'base64url');
    const bodyBytes = TIME_BYTES + SALT_BYTES;
    if (bytes.length !== bodyBytes + SEAL_BYTES || bytes.toString('base64url') !== nonce) {
      return undefined;
    }
    const body = bytes.subarray(0, bodyBytes);
    if (!timingSafeEqual(bytes.subarray(bodyBytes), this.#seal(body))) return undefined;
    return body.readUIntBE(0, TIME_BYTES);
  }

  /** Each count of a nonce is good once; an answer without a count uses up the nonce. */
  #useOnce(credentials: DigestCredentials, issuedMs: number): 'fresh' | 'replay' | 'stale' {
    const count = credentials.qop === undefined ? 0 : Number.parseInt(credentials.nonceCount, 16);
    const seen = this.#seen.get(credentials.nonce);
    if (seen === undefined) {
      if (issuedMs <= this.#forgottenMs) return 'stale';
      this.#remember(credentials.nonce, { issuedMs, highest: count, bits: 1 });
      return 'fresh';
    }
    if (credentials.qop === undefined) return 'replay';
    if (count > seen.highest) {
      const shift = count - seen.highest;
      seen.bits = shift > WINDOW ? 1 : ((seen.bits << shift) | 1) & 0x7fffffff;
      seen.highest = count;
      return 'fresh';
    }
    const behind = seen.highest - count;
    if (behind > WINDOW || (seen.bits & (1 << behind)) !== 0) return 'replay';
    seen.bits |= 1 << behind;
    return 'fresh';
  }

  #remember(nonce: string, seen: Seen): void {
    if (this.#seen.size >= (this.#options.maxNonces ?? 10_000)) {
      const [oldest] = this.#seen;
      if (oldest !== undefined) {
        this.#seen.delete(oldest[0]);
        this.#forgottenMs = Math.max(this.#forgottenMs, oldest[1].issuedMs);
      }
    }
    this.#seen.set(nonce, seen);
  }
}

function equalInConstantTime(left: string, right: string): boolean {
  const a = Buffer.from(left);
  const b = Buffer.from(right);
  return a.length === b.length && timingSafeEqual(a, b);
}
