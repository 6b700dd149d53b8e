/**
 * Digest authentication: the arithmetic and the values (RFC 7616, RFC 8760 for SIP; MD5 of RFC 2617 and 3261
 * for old peers). digest-client.ts answers challenges with it, digest-server.ts makes and checks them.
 */
import { createHash } from 'node:crypto';
import { fail, ok, type Result } from '../../common/result.ts';
import { parseAuth } from './fields.ts';
import { quote } from './grammar.ts';
import { type ParseProblem, problem } from './problem.ts';
import { encodeText } from './text.ts';

/** Strongest first: our order of challenges (RFC 8760 section 2.3) and of preference among a peer's. */
export const DIGEST_ALGORITHMS = [
  'SHA-512-256',
  'SHA-512-256-sess',
  'SHA-256',
  'SHA-256-sess',
  'MD5',
  'MD5-sess',
] as const;

export type DigestAlgorithm = (typeof DIGEST_ALGORITHMS)[number];

export type Qop = 'auth' | 'auth-int';

const HASH_NAMES: Readonly<Record<DigestAlgorithm, string>> = {
  'SHA-512-256': 'sha512-256',
  'SHA-512-256-sess': 'sha512-256',
  'SHA-256': 'sha256',
  'SHA-256-sess': 'sha256',
  MD5: 'md5',
  'MD5-sess': 'md5',
};

export function digestHash(algorithm: DigestAlgorithm, text: string | Uint8Array): string {
  return createHash(HASH_NAMES[algorithm])
    .update(typeof text === 'string' ? encodeText(text) : text)
    .digest('hex');
}

/** Without `-sess`: what may be stored instead of a password. */
export function credentialHash(
  algorithm: DigestAlgorithm,
  username: string,
  realm: string,
  password: string,
): string {
  return digestHash(algorithm, `${username}:${realm}:${password}`);
}

export interface DigestInput {
  readonly algorithm: DigestAlgorithm;
  /** H(username:realm:password). */
  readonly credentialHash: string;
  readonly nonce: string;
  readonly method: string;
  readonly uri: string;
  /** Absent: the old form of RFC 2069. */
  readonly qop: Qop | undefined;
  /** Eight hexadecimal digits, as sent. */
  readonly nonceCount: string;
  readonly cnonce: string;
  /** For auth-int. */
  readonly body: Uint8Array;
}

/** RFC 7616 section 3.4.1. */
export function digestResponse(input: DigestInput): string {
  const { algorithm, nonce, qop, cnonce } = input;
  const a1 = algorithm.endsWith('-sess')
    ? digestHash(algorithm, `${input.credentialHash}:${nonce}:${cnonce}`)
    : input.credentialHash;
  const integrity = qop === 'auth-int' ? `:${digestHash(algorithm, input.body)}` : '';
  const a2 = digestHash(algorithm, `${input.method}:${input.uri}${integrity}`);
  const middle = qop === undefined ? nonce : `${nonce}:${input.nonceCount}:${cnonce}:${qop}`;
  return digestHash(algorithm, `${a1}:${middle}:${a2}`);
}

export interface DigestChallenge {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  readonly algorithm: DigestAlgorithm;
  /** Those that we know. Empty: none was offered, or none that we know. */
  readonly qops: readonly Qop[];
  readonly offersQop: boolean;
  readonly stale: boolean;
  readonly userhash: boolean;
}

/** One value of WWW-Authenticate or Proxy-Authenticate. A problem also for what we cannot answer. */
export function parseChallenge(value: string): Result<DigestChallenge, ParseProblem> {
  const auth = parseAuth(value);
  if (!auth.ok) return auth;
  const { scheme, parameters } = auth.value;
  const realm = parameters.get('realm');
  const nonce = parameters.get('nonce');
  const algorithm = algorithmOf(parameters.get('algorithm'));
  if (scheme !== 'digest') return fail(problem('credentials', `scheme ${scheme}`));
  if (algorithm === undefined) return fail(problem('credentials', 'unknown algorithm'));
  if (realm === undefined || nonce === undefined) {
    return fail(problem('credentials', 'challenge without realm or nonce'));
  }
  const offered = (parameters.get('qop') ?? '').split(',').map((each) => each.trim().toLowerCase());
  return ok({
    realm,
    nonce,
    opaque: parameters.get('opaque'),
    algorithm,
    qops: offered.filter((each): each is Qop => each === 'auth' || each === 'auth-int'),
    offersQop: parameters.has('qop'),
    stale: parameters.get('stale')?.toLowerCase() === 'true',
    userhash: parameters.get('userhash')?.toLowerCase() === 'true',
  });
}

/** Absent means MD5 (RFC 7616 section 3.3). */
export function algorithmOf(text: string | undefined): DigestAlgorithm | undefined {
  if (text === undefined) return 'MD5';
  const upper = text.toUpperCase();
  return DIGEST_ALGORITHMS.find((each) => each.toUpperCase() === upper);
}

export function formatChallenge(challenge: DigestChallenge): string {
  const parts = [`realm=${quote(challenge.realm)}`, `nonce=${quote(challenge.nonce)}`];
  if (challenge.opaque !== undefined) parts.push(`opaque=${quote(challenge.opaque)}`);
  if (challenge.stale) parts.push('stale=true');
  parts.push(`algorithm=${challenge.algorithm}`);
  if (challenge.qops.length > 0) parts.push(`qop="${challenge.qops.join(',')}"`);
  if (challenge.userhash) parts.push('userhash=true');
  return `Digest ${parts.join(', ')}`;
}

export interface DigestCredentials {
  readonly username: string;
  readonly realm: string;
  readonly nonce: string;
  readonly uri: string;
  readonly response: string;
  readonly algorithm: DigestAlgorithm;
  readonly qop: Qop | undefined;
  readonly cnonce: string;
  readonly nonceCount: string;
  readonly opaque: string | undefined;
  /** The user name is H(username:realm). */
  readonly userhash: boolean;
}

/** One value of Authorization or Proxy-Authorization. */
export function parseCredentials(value: string): Result<DigestCredentials, ParseProblem> {
  const auth = parseAuth(value);
  if (!auth.ok) return auth;
  const { scheme, parameters } = auth.value;
  const bad = (detail: string) => fail(problem('credentials', detail));
  if (scheme !== 'digest') return bad(`scheme ${scheme}`);
  const text = (name: string): string => parameters.get(name) ?? '';
  for (const name of ['username', 'realm', 'nonce', 'uri', 'response']) {
    if (!parameters.has(name)) return bad(`no ${name}`);
  }
  const algorithm = algorithmOf(parameters.get('algorithm'));
  if (algorithm === undefined) return bad('unknown algorithm');
  const qop = parameters.get('qop')?.toLowerCase();
  if (qop !== undefined && qop !== 'auth' && qop !== 'auth-int') return bad('unknown qop');
  if (qop !== undefined && (text('cnonce') === '' || !isNonceCount(text('nc')))) {
    return bad('qop without cnonce or nc');
  }
  return ok({
    username: text('username'),
    realm: text('realm'),
    nonce: text('nonce'),
    uri: text('uri'),
    response: text('response').toLowerCase(),
    algorithm,
    qop,
    cnonce: text('cnonce'),
    nonceCount: text('nc'),
    opaque: parameters.get('opaque'),
    userhash: text('userhash').toLowerCase() === 'true',
  });
}

function isNonceCount(text: string): boolean {
  return text.length === 8 && /^[0-9a-f]{8}$/i.test(text);
}

export function formatCredentials(credentials: DigestCredentials): string {
  const parts = [
    `username=${quote(credentials.username)}`,
    `realm=${quote(credentials.realm)}`,
    `nonce=${quote(credentials.nonce)}`,
    `uri=${quote(credentials.uri)}`,
    `response="${credentials.response}"`,
    `algorithm=${credentials.algorithm}`,
  ];
  if (credentials.qop !== undefined) {
    parts.push(`cnonce=${quote(credentials.cnonce)}`, `qop=${credentials.qop}`);
    parts.push(`nc=${credentials.nonceCount}`);
  } else if (credentials.cnonce !== '') parts.push(`cnonce=${quote(credentials.cnonce)}`);
  if (credentials.opaque !== undefined) parts.push(`opaque=${quote(credentials.opaque)}`);
  if (credentials.userhash) parts.push('userhash=true');
  return `Digest ${parts.join(', ')}`;
}
