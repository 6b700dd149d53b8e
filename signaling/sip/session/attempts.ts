/**
 * What a caller does with a final response or a failure of its INVITE: send it again elsewhere or in
 * another form, or give up (RFC 3261 sections 8.1.3 and 22, RFC 3263 section 4.3, RFC 4028 section 7.3).
 * Pure, but for the challenge that it is handed a function for.
 */
import type { SipResponse } from '../message.ts';
import type { Target } from '../transaction/transaction-user.ts';
import { parseSipUri, scanAddress } from '../uri.ts';
import { minimumAfter422 } from './session-timer.ts';

type Field = readonly [name: string, value: string];

export interface AttemptPlan {
  /** Request-URI. */
  readonly uri: string;
  /** Whose places to look up: the URI, or a proxy on the way to it. */
  readonly lookUp: string;
  /** `lookUp` or `targets` are those of a proxy that takes everything, redirected or not. */
  readonly proxied: boolean;
  /** Known places; empty: to be looked up. */
  readonly targets: readonly Target[];
  readonly authorization: readonly Field[];
  readonly minimumS: number;
  /** Contacts of 3xx that were not tried yet. */
  readonly alternatives: readonly string[];
  readonly tried: readonly string[];
  readonly challenges: number;
  readonly sent: number;
}

export interface AttemptLimits {
  readonly redirects: number;
  /** Sends the same INVITE to other places, and never loops. */
  readonly attempts: number;
}

/** Two: the proxy on the way and the end may both ask, or the first nonce was stale. */
const MAX_CHALLENGES = 2;

export function firstAttempt(uri: string, lookUp: string, targets: readonly Target[]): AttemptPlan {
  return {
    uri,
    lookUp,
    proxied: lookUp !== uri || targets.length > 0,
    targets,
    authorization: [],
    minimumS: 0,
    alternatives: [],
    tried: [uri],
    challenges: 0,
    sent: 0,
  };
}

/** Undefined: the response is the end of it. */
export function afterResponse(
  plan: AttemptPlan,
  response: SipResponse,
  limits: AttemptLimits,
  challenge: (response: SipResponse) => readonly Field[] | undefined,
): AttemptPlan | undefined {
  if (plan.sent >= limits.attempts) return undefined;
  const { status } = response;
  if (status === 401 || status === 407) {
    const authorization = plan.challenges < MAX_CHALLENGES ? challenge(response) : undefined;
    if (authorization === undefined) return undefined;
    const names = new Set(authorization.map(([name]) => name));
    const kept = plan.authorization.filter(([name]) => !names.has(name));
    return { ...plan, authorization: [...kept, ...authorization], challenges: plan.challenges + 1 };
  }
  if (status === 422) {
    const minimumS = minimumAfter422(response, plan.minimumS);
    return minimumS === undefined ? undefined : { ...plan, minimumS };
  }
  if (status >= 300 && status < 400) return redirected(plan, response, limits);
  // Section 21.5.4 and RFC 3263 section 4.3.
  if (status === 503) return afterFailure(plan, limits);
  // Section 8.1.3.4: a contact of the redirect that does not work leads to the next one.
  return status < 600 ? nextAlternative(plan) : undefined;
}

/** No response or a broken link: the next place of the same name, then the next contact. */
export function afterFailure(plan: AttemptPlan, limits: AttemptLimits): AttemptPlan | undefined {
  if (plan.sent >= limits.attempts) return undefined;
  if (plan.targets.length > 1) return { ...plan, targets: plan.targets.slice(1) };
  return nextAlternative(plan);
}

function nextAlternative(plan: AttemptPlan): AttemptPlan | undefined {
  const [uri, ...alternatives] = plan.alternatives;
  if (uri === undefined) return undefined;
  return {
    ...plan,
    uri,
    alternatives,
    ...(plan.proxied ? {} : { lookUp: uri, targets: [] }),
    // Made for the URI before (RFC 7616 section 3.4.1).
    authorization: [],
    tried: [...plan.tried, uri],
  };
}

/** Section 8.1.3.4: contacts by falling q, none twice. */
function redirected(
  plan: AttemptPlan,
  response: SipResponse,
  limits: AttemptLimits,
): AttemptPlan | undefined {
  if (plan.tried.length > limits.redirects) return undefined;
  const contacts = response.headers.list('Contact').flatMap((value) => {
    const parts = scanAddress(value);
    if (!parts.ok) return [];
    const uri = parseSipUri(parts.value.uriText);
    if (!uri.ok || uri.value.scheme === 'tel') return [];
    const q = Number(parts.value.parameters.get('q') ?? '1');
    return [{ uri: parts.value.uriText, q: Number.isNaN(q) ? 1 : q }];
  });
  contacts.sort((a, b) => b.q - a.q);
  const known = new Set([...plan.tried, ...plan.alternatives]);
  const fresh = [...new Set(contacts.map((contact) => contact.uri))].filter(
    (uri) => !known.has(uri),
  );
  const room = limits.redirects + 1 - plan.tried.length;
  return nextAlternative({
    ...plan,
    alternatives: [...fresh, ...plan.alternatives].slice(0, Math.max(room, 0)),
  });
}
