/**
 * How often each may ask: one token bucket a token, and one an address for whoever has none that is
 * known. Both tables are bounded: buckets that are full again are forgotten, which changes nothing,
 * and when all are in use those who come new share one bucket. It knows nothing of routes or tokens.
 */
import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/log.ts';
import type { Metrics } from '../../common/metrics.ts';
import { networkOf } from '../../common/network.ts';
import type { Principal } from './auth.ts';
import type { HttpResponse } from './http-server.ts';
import { problem } from './problem.ts';

export interface Rate {
  /** 0: no limit. */
  readonly perSecond: number;
  readonly burst: number;
}

export interface RateLimits {
  readonly token: Rate;
  readonly host: Rate;
  readonly address: Rate;
  /** Tokens with a limit of their own, by name. */
  readonly tokens: readonly (Rate & { readonly name: string })[];
}

const NONE: Rate = { perSecond: 0, burst: 1 };
export const NO_LIMITS: RateLimits = { token: NONE, host: NONE, address: NONE, tokens: [] };

export interface RateLimiterOptions {
  readonly limits: RateLimits;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Buckets of tokens, and as many of addresses. */
  readonly maxBuckets?: number;
}

/** Of one request: the fields for its answer, and the refusal when it came too soon. */
export interface Admission {
  readonly headers: Readonly<Record<string, string>>;
  readonly refusal: HttpResponse | undefined;
}

type Kind = 'token' | 'host' | 'address';

interface Bucket {
  readonly rate: Rate;
  level: number;
  atMs: number;
  /** When the log last had it. */
  toldMs: number;
}

const MAX_BUCKETS = 10_000;
/** Looking for full ones reads the whole table. */
const SWEEP_MS = 1_000;
const TELL_MS = 60_000;

class Buckets {
  readonly #buckets = new Map<string, Bucket>();
  readonly #max: number;
  #shared: Bucket | undefined;
  #sweptMs = Number.NEGATIVE_INFINITY;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Filled up to now. */
  of(name: string, rate: Rate, nowMs: number): Bucket {
    const present = this.#buckets.get(name);
    if (present !== undefined) return fill(present, nowMs);
    if (this.#buckets.size >= this.#max) this.#sweep(nowMs);
    if (this.#buckets.size >= this.#max) {
      this.#shared ??= fresh(rate, nowMs);
      return fill(this.#shared, nowMs);
    }
    const made = fresh(rate, nowMs);
    this.#buckets.set(name, made);
    return made;
  }

  peek(name: string): Bucket | undefined {
    return this.#buckets.get(name);
  }

  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptMs < SWEEP_MS) return;
    this.#sweptMs = nowMs;
    for (const [name, bucket] of this.#buckets) {
      if (fill(bucket, nowMs).level >= bucket.rate.burst) this.#buckets.delete(name);
    }
  }
}

const fresh = (rate: Rate, nowMs: number): Bucket => ({
  rate,
  level: rate.burst,
  atMs: nowMs,
  toldMs: Number.NEGATIVE_INFINITY,
});

function fill(bucket: Bucket, nowMs: number): Bucket {
  const { perSecond, burst } = bucket.rate;
  const gained = ((nowMs - bucket.atMs) / 1000) * perSecond;
  bucket.level = Math.min(burst, bucket.level + gained);
  bucket.atMs = nowMs;
  return bucket;
}

/** Of whoever has no limit. */
export const FREE: Admission = { headers: {}, refusal: undefined };

export class RateLimiter {
  readonly #options: RateLimiterOptions;
  readonly #tokens: Buckets;
  readonly #addresses: Buckets;
  readonly #own: ReadonlyMap<string, Rate>;
  readonly #limited;

  constructor(options: RateLimiterOptions) {
    const { limits, metrics, maxBuckets = MAX_BUCKETS } = options;
    this.#options = options;
    this.#tokens = new Buckets(maxBuckets);
    this.#addresses = new Buckets(maxBuckets);
    this.#own = new Map(limits.tokens.map((rate) => [rate.name, rate]));
    this.#limited = metrics.counter(
      'minusone_http_limited_total',
      'Requests refused because whoever asks did so too often, by kind.',
      ['kind'],
    );
    const buckets = metrics.gauge(
      'minusone_http_rate_buckets',
      'Tokens and addresses whose requests are counted now.',
      ['kind'],
    );
    metrics.onCollect(() => {
      buckets.set(this.#tokens.size, { kind: 'token' });
      buckets.set(this.#addresses.size, { kind: 'address' });
    });
  }

  /** A request of somebody whose token is known. */
  ofToken({ name, accountId }: Principal): Admission {
    const kind = accountId === undefined ? 'token' : 'host';
    const rate = this.#own.get(name) ?? this.#options.limits[kind];
    return this.#take(this.#tokens, kind, name, rate);
  }

  /** A request of somebody else. */
  ofAddress(address: string): Admission {
    const { address: rate } = this.#options.limits;
    return this.#take(this.#addresses, 'address', networkOf(address), rate);
  }

  /** Whether the next request of this address would be refused; counts none. */
  isExhausted(address: string): boolean {
    const { clock, limits } = this.#options;
    const bucket = this.#addresses.peek(networkOf(address));
    if (bucket === undefined || limits.address.perSecond === 0) return false;
    return fill(bucket, clock.nowMs()).level < 1;
  }

  #take(table: Buckets, kind: Kind, name: string, rate: Rate): Admission {
    if (rate.perSecond === 0) return FREE;
    const nowMs = this.#options.clock.nowMs();
    const bucket = table.of(name, rate, nowMs);
    const isAllowed = bucket.level >= 1;
    if (isAllowed) bucket.level -= 1;
    const headers = fieldsOf(bucket);
    if (isAllowed) return { headers, refusal: undefined };
    this.#tell(bucket, kind, name, nowMs);
    return { headers, refusal: refusalOf(bucket, kind) };
  }

  #tell(bucket: Bucket, kind: Kind, name: string, nowMs: number): void {
    this.#limited.add(1, { kind });
    if (nowMs - bucket.toldMs < TELL_MS) return;
    bucket.toldMs = nowMs;
    this.#options.log.warn({ kind, name }, 'asks too often; answered 429 (http.rateLimits)');
  }
}

/** draft-ietf-httpapi-ratelimit-headers-06, section 5: what may come at once, what is left, when all is there again. */
function fieldsOf({ level, rate: { perSecond, burst } }: Bucket): Record<string, string> {
  return {
    'ratelimit-limit': String(burst),
    'ratelimit-remaining': String(Math.floor(level)),
    'ratelimit-reset': String(Math.ceil((burst - level) / perSecond)),
    'ratelimit-policy': `${burst};w=${Math.ceil(burst / perSecond)}`,
  };
}

const WHOSE: Readonly<Record<Kind, string>> = {
  token: 'of this token (http.rateLimits.token, or .tokens for this one)',
  host: 'of this host (http.rateLimits.host)',
  address: 'of this address without a token that is known (http.rateLimits.address)',
};

function refusalOf({ level, rate: { perSecond, burst } }: Bucket, kind: Kind): HttpResponse {
  const waitS = Math.max(1, Math.ceil((1 - level) / perSecond));
  return problem(
    'too-often',
    `expected at most ${perSecond} requests a second and ${burst} at once ${WHOSE[kind]}; try again in ${waitS} s`,
    { headers: { 'retry-after': String(waitS) } },
  );
}
