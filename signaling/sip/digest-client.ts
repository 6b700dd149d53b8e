/** The user agent client's side of digest authentication (RFC 3261 section 22, RFC 8760 section 2.4). */
import { type Random, randomToken } from '../../common/ids.ts';
import {
  credentialHash,
  DIGEST_ALGORITHMS,
  type DigestChallenge,
  digestHash,
  digestResponse,
  formatCredentials,
  parseChallenge,
  parseCredentials,
} from './digest.ts';
import type { SipRequest, SipResponse } from './message.ts';
import type { Credentials } from './user-agent.ts';

/** Remembers the challenges of one session, so that later requests carry an answer from the start. */
export interface DigestClient {
  /**
   * The request of a 401 or 407 once more with answers to its challenges; the caller gives it a new
   * CSeq. Undefined: no challenge that we can answer, or our answer was refused (RFC 3261 section 22.1).
   */
  answer(
    request: SipRequest,
    response: SipResponse,
    credentials: Credentials,
  ): SipRequest | undefined;
  /** With answers to the challenges known so far. */
  apply(request: SipRequest, credentials: Credentials): SipRequest;
}

type AnswerHeader = 'Authorization' | 'Proxy-Authorization';

interface Known {
  readonly challenge: DigestChallenge;
  readonly header: AnswerHeader;
  uses: number;
}

/** Each proxy on the way may have a realm of its own; more than this is an attack on our patience. */
const MAX_REALMS = 8;

/** `stale` may renew a nonce this often for one request. */
const MAX_STALE = 3;

export function createDigestClient(random: Random): DigestClient {
  const known = new Map<string, Known>();
  let staleAnswers = 0;

  const authorize = (request: SipRequest, credentials: Credentials): SipRequest => {
    let { headers } = request;
    headers = headers.without('Authorization').without('Proxy-Authorization');
    for (const entry of known.values()) {
      headers = headers.append(entry.header, answerTo(entry, request, credentials, random));
    }
    return { ...request, headers };
  };

  return {
    answer(request, response, credentials) {
      const [challengeHeader, header] =
        response.status === 407
          ? (['Proxy-Authenticate', 'Proxy-Authorization'] as const)
          : (['WWW-Authenticate', 'Authorization'] as const);
      const chosen = strongestByRealm(response.headers.all(challengeHeader), credentials.realm);
      if (chosen.size === 0) return undefined;
      for (const [realm, challenge] of chosen) {
        if (challenge.stale) {
          staleAnswers += 1;
          if (staleAnswers > MAX_STALE) return undefined;
        } else if (hadFreshAnswer(request, header, realm)) return undefined;
        const key = `${header}|${realm}`;
        if (!known.has(key) && known.size >= MAX_REALMS) return undefined;
        known.set(key, { challenge, header, uses: 0 });
      }
      return authorize(request, credentials);
    },
    apply: (request, credentials) => {
      staleAnswers = 0;
      return known.size === 0 ? request : authorize(request, credentials);
    },
  };
}

/** Of several challenges of a realm the one with the strongest algorithm (RFC 8760 section 2.4). */
function strongestByRealm(
  values: readonly string[],
  realm: string | undefined,
): ReadonlyMap<string, DigestChallenge> {
  const chosen = new Map<string, DigestChallenge>();
  for (const value of values) {
    const parsed = parseChallenge(value);
    if (!parsed.ok) continue;
    const challenge = parsed.value;
    if (challenge.offersQop && challenge.qops.length === 0) continue;
    if (realm !== undefined && challenge.realm !== realm) continue;
    const other = chosen.get(challenge.realm);
    if (other === undefined || rank(challenge) < rank(other))
      chosen.set(challenge.realm, challenge);
  }
  return chosen;
}

function rank(challenge: DigestChallenge): number {
  return DIGEST_ALGORITHMS.indexOf(challenge.algorithm);
}

/** Whether the request already answered a challenge that it had just got: then the password is wrong. */
function hadFreshAnswer(request: SipRequest, header: AnswerHeader, realm: string): boolean {
  for (const value of request.headers.all(header)) {
    const parsed = parseCredentials(value);
    if (!parsed.ok || parsed.value.realm !== realm) continue;
    if (parsed.value.qop === undefined || parsed.value.nonceCount === '00000001') return true;
  }
  return false;
}

function answerTo(
  entry: Known,
  request: SipRequest,
  { username, password }: Credentials,
  random: Random,
): string {
  const { realm, nonce, opaque, algorithm, userhash, qops } = entry.challenge;
  entry.uses += 1;
  // auth-int breaks where a gateway on the way changes the body, so it is taken only when nothing else is.
  const qop = qops.includes('auth') ? 'auth' : qops[0];
  const cnonce = qop === undefined && !algorithm.endsWith('-sess') ? '' : randomToken(random, 16);
  const nonceCount = entry.uses.toString(16).padStart(8, '0');
  const response = digestResponse({
    algorithm,
    credentialHash: credentialHash(algorithm, username, realm, password),
    nonce,
    method: request.method,
    uri: request.uri,
    qop,
    nonceCount,
    cnonce,
    body: request.body,
  });
  return formatCredentials({
    username: userhash ? digestHash(algorithm, `${username}:${realm}`) : username,
    realm,
    nonce,
    uri: request.uri,
    response,
    algorithm,
    qop,
    cnonce,
    nonceCount,
    opaque,
    userhash,
  });
}
