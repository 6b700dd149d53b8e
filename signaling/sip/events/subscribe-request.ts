/** What a SUBSCRIBE says (RFC 6665 sections 4.2.1 and 8.2), read and judged. Pure. */
import { fail, ok, type Result } from '../../../common/result.ts';
import { type EventName, parseContentType, parseEvent } from '../fields.ts';
import { parseDecimal } from '../grammar.ts';
import type { Headers } from '../headers.ts';
import type { Refused } from '../session/request-checks.ts';
import type { EventPackage } from './event-package.ts';

export interface Lifetimes {
  /** Without Expires. */
  readonly defaultS: number;
  /** Shorter ones but 0 are refused. */
  readonly minS: number;
  /** Longer ones are shortened. */
  readonly maxS: number;
}

export interface Subscribe {
  readonly event: EventName;
  readonly package: EventPackage;
  /** 0: once, or not any longer. */
  readonly expiresS: number;
}

/** For the counter. */
export type SubscribeProblem = 'bad-event' | 'bad-request' | 'not-acceptable' | 'too-brief';

export interface SubscribeRefusal {
  readonly why: SubscribeProblem;
  readonly answer: Refused;
}

export function readSubscribe(
  headers: Headers,
  packages: readonly EventPackage[],
  lifetimes: Lifetimes,
): Result<Subscribe, SubscribeRefusal> {
  const events = headers.all('Event');
  // Section 7.2: exactly one.
  const parsed = parseEvent(events[0] ?? '');
  if (events.length !== 1 || !parsed.ok) return bad('Bad Event');
  const event = parsed.value;
  // Event names are compared byte by byte (section 8.2.1).
  const known = packages.find(({ name }) => name === event.name);
  if (known === undefined) {
    const offered = [['Allow-Events', packages.map(({ name }) => name).join(', ')]] as const;
    return fail({ why: 'bad-event', answer: { status: 489, headers: offered } });
  }
  if (!accepts(headers, known.contentType)) {
    const accept = [['Accept', known.contentType]] as const;
    return fail({ why: 'not-acceptable', answer: { status: 406, headers: accept } });
  }
  const stated = headers.get('Expires');
  const asked =
    stated === undefined ? lifetimes.defaultS : parseDecimal(stated.trim(), 2 ** 32 - 1);
  if (asked === undefined) return bad('Bad Expires');
  // Section 4.2.1.1: too brief is a matter of those below an hour alone; minS is far below.
  if (asked !== 0 && asked < lifetimes.minS) {
    const minimum = [['Min-Expires', String(lifetimes.minS)]] as const;
    return fail({ why: 'too-brief', answer: { status: 423, headers: minimum } });
  }
  return ok({ event, package: known, expiresS: Math.min(asked, lifetimes.maxS) });
}

function bad(reasonPhrase: string): Result<never, SubscribeRefusal> {
  return fail({ why: 'bad-request', answer: { status: 400, reasonPhrase } });
}

/** No Accept: the default of the package (section 3.1.3); an empty one: nothing is accepted. */
function accepts(headers: Headers, contentType: string): boolean {
  if (!headers.has('Accept')) return true;
  const family = `${contentType.slice(0, contentType.indexOf('/'))}/*`;
  return headers.list('Accept').some((value) => {
    const range = parseContentType(value);
    if (!range.ok || range.value.parameters.get('q') === '0') return false;
    const { type } = range.value;
    return type === contentType || type === family || type === '*/*';
  });
}
