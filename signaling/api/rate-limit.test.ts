import { afterEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../common/config-load.ts';
import type { AccountId } from '../../common/ids.ts';
import { silentLogger } from '../../common/log.ts';
import { createMetrics } from '../../common/metrics.ts';
import { SimClock } from '../../common/sim-clock.ts';
import type { Principal } from './auth.ts';
import { NO_LIMITS, RateLimiter, type RateLimits } from './rate-limit.ts';
import { ADMIN_TOKEN, startTestApi, type TestApi } from './test-api.ts';
import { openTestSocket } from './test-socket.ts';

const LIMITS: RateLimits = {
  token: { perSecond: 10, burst: 20 },
  host: { perSecond: 1, burst: 2 },
  address: { perSecond: 2, burst: 4 },
  tokens: [{ name: 'wallboard', perSecond: 0, burst: 1 }],
};

function limiterWith(limits: RateLimits, maxBuckets?: number) {
  const clock = new SimClock();
  const metrics = createMetrics();
  const warned: unknown[] = [];
  const log = { ...silentLogger, warn: (fields: unknown) => void warned.push(fields) };
  const limiter = new RateLimiter({
    ...{ limits, clock, log, metrics },
    ...(maxBuckets === undefined ? {} : { maxBuckets }),
  });
  return { clock, limiter, metrics, warned };
}

const operator = (name: string): Principal => ({ name, scopes: ['admin'] });
const host = (name: string): Principal => ({
  ...{ name, scopes: ['host'], accountId: 'demo' as AccountId },
});

/** How many of `count` requests at this moment get through. */
const taken = (count: number, take: () => { readonly refusal: unknown }): number =>
  Array.from({ length: count }, take).filter(({ refusal }) => refusal === undefined).length;

describe('a token bucket', () => {
  it('lets the burst through, then as many as come back with time', async () => {
    const { clock, limiter } = limiterWith(LIMITS);
    const ask = () => limiter.ofToken(operator('admin'));
    expect(taken(50, ask)).toBe(20);
    await clock.advance(500);
    expect(taken(50, ask)).toBe(5);
    await clock.advance(60_000);
    expect(taken(50, ask)).toBe(20);
  });

  it('says what is left, and when to come again', async () => {
    const { clock, limiter } = limiterWith(LIMITS);
    const ask = () => limiter.ofAddress('192.0.2.1');
    expect(ask().headers).toEqual({
      'ratelimit-limit': '4',
      'ratelimit-remaining': '3',
      'ratelimit-reset': '1',
      'ratelimit-policy': '4;w=2',
    });
    taken(3, ask);
    const { refusal, headers } = ask();
    expect(refusal).toMatchObject({ status: 429, headers: { 'retry-after': '1' } });
    expect(headers).toMatchObject({ 'ratelimit-remaining': '0', 'ratelimit-reset': '2' });
    await clock.advance(1_000);
    expect(ask().refusal).toBeUndefined();
  });

  it('is one a token, one a host, one an address (of IPv6: one a /64)', () => {
    const { limiter } = limiterWith(LIMITS);
    expect(taken(50, () => limiter.ofToken(operator('admin')))).toBe(20);
    expect(taken(50, () => limiter.ofToken(operator('other')))).toBe(20);
    expect(taken(50, () => limiter.ofToken(host('host-demo-x')))).toBe(2);
    expect(taken(50, () => limiter.ofAddress('2001:db8::1'))).toBe(4);
    expect(taken(50, () => limiter.ofAddress('2001:db8::2'))).toBe(0);
    expect(limiter.isExhausted('2001:db8::3')).toBe(true);
    expect(limiter.isExhausted('192.0.2.1')).toBe(false);
  });

  it('is no bucket where the limit is 0, also for one token by its name', () => {
    const { limiter } = limiterWith(LIMITS);
    expect(taken(5_000, () => limiter.ofToken(operator('wallboard')))).toBe(5_000);
    expect(limiter.ofToken(operator('wallboard')).headers).toEqual({});
  });

  it('the table is bounded: a flood of addresses shares one bucket and takes none from those who were there', async () => {
    const { clock, limiter, metrics } = limiterWith(LIMITS, 100);
    expect(taken(50, () => limiter.ofAddress('192.0.2.1'))).toBe(4);
    for (let index = 0; index < 99; index++) limiter.ofAddress(`10.0.0.${index}`);
    const newcomers = Array.from({ length: 1_000 }, (_, index) =>
      limiter.ofAddress(`10.1.${index >> 8}.${index & 255}`),
    );
    expect(newcomers.filter(({ refusal }) => refusal === undefined)).toHaveLength(4);
    expect(limiter.ofAddress('192.0.2.1').refusal).toBeDefined();
    expect(taken(50, () => limiter.ofAddress('10.0.0.5'))).toBe(3);
    expect(await metrics.text()).toContain('minusone_http_rate_buckets{kind="address"} 100');
    // Who rests is forgotten, which makes room and changes nothing.
    await clock.advance(10_000);
    expect(taken(50, () => limiter.ofAddress('10.2.0.1'))).toBe(4);
    expect(await metrics.text()).toContain('minusone_http_rate_buckets{kind="address"} 1');
  });

  it('counts refusals and logs each asker once a minute', async () => {
    const { clock, limiter, metrics, warned } = limiterWith(LIMITS);
    taken(120, () => limiter.ofToken(operator('admin')));
    expect(await metrics.text()).toContain('minusone_http_limited_total{kind="token"} 100');
    expect(warned).toEqual([{ kind: 'token', name: 'admin' }]);
    await clock.advance(60_000);
    taken(120, () => limiter.ofToken(operator('admin')));
    expect(warned).toHaveLength(2);
  });
});

describe('over HTTP', () => {
  let api: TestApi | undefined;
  afterEach(() => api?.stop());

  const get = (path: string, token?: string, headers: Record<string, string> = {}) =>
    fetch(`${api?.base}${path}`, {
      headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
    });

  it('too many are 429 problem documents; a good token is not held up by wrong ones of its address', async () => {
    api = await startTestApi({ rateLimits: { ...LIMITS, address: { perSecond: 0.01, burst: 3 } } });
    for (let count = 0; count < 3; count++) {
      expect((await get('/api/v1/accounts', 'wrong')).status).toBe(401);
    }
    const refused = await get('/api/v1/accounts', 'wrong');
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('100');
    expect(refused.headers.get('ratelimit-policy')).toBe('3;w=300');
    expect(refused.headers.get('content-type')).toBe('application/problem+json');
    expect(await refused.text()).toMatch(/problem:too-often.*http\.rateLimits\.address/);
    // The page and unknown paths are counted likewise, health is not.
    expect((await get('/')).status).toBe(429);
    expect((await get('/api/v1/openapi.json')).status).toBe(429);
    expect((await get('/healthz')).status).toBe(200);
    const good = await get('/api/v1/accounts', ADMIN_TOKEN);
    expect(good.status).toBe(200);
    expect(good.headers.get('ratelimit-remaining')).toBe('19');
  });

  it('wrong tokens on the event stream count too, and bar the address from it', async () => {
    const address = { perSecond: 0.01, burst: 2 };
    api = await startTestApi({ rateLimits: { ...NO_LIMITS, address } });
    const subscribe = async (): Promise<number> => {
      const socket = await openTestSocket(api?.api.port ?? 0);
      socket.send({ type: 'subscribe', token: 'wrong' });
      return (await socket.closed).code;
    };
    expect(await subscribe()).toBe(1008);
    expect(await subscribe()).toBe(1008);
    expect(await subscribe()).toBe(1013);
  });

  it('behind a trusted proxy each client counts for itself', async () => {
    const address = { perSecond: 0.01, burst: 1 };
    api = await startTestApi({
      rateLimits: { ...NO_LIMITS, address },
      trustedProxies: ['127.0.0.1'],
    });
    const of = async (client: string) =>
      (await get('/api/v1/openapi.json', undefined, { 'x-forwarded-for': client })).status;
    expect(await of('192.0.2.1')).toBe(200);
    expect(await of('192.0.2.1')).toBe(429);
    expect(await of('192.0.2.2')).toBe(200);
    expect(await of('192.0.2.9, 192.0.2.2')).toBe(429);
  });
});

describe('the configuration', () => {
  it('has a limit for everybody, and takes one for a token by name', () => {
    const text = 'http: { rateLimits: { tokens: [{ name: admin, perSecond: 0 }] } }';
    const loaded = loadConfig({ file: { name: 'x.yaml', text } });
    if (!loaded.ok) throw new Error(loaded.error.join('\n'));
    const { rateLimits } = loaded.value.http;
    for (const kind of ['token', 'host', 'address'] as const) {
      expect(rateLimits[kind].perSecond).toBeGreaterThan(0);
    }
    expect(rateLimits.tokens).toEqual([{ name: 'admin', perSecond: 0, burst: 2_000 }]);
  });
});
