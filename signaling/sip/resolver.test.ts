import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../common/ids.ts';
import { SimClock } from '../../common/sim-clock.ts';
import { type Dns, TableDns } from './dns.ts';
import { createResolver } from './resolver.ts';
import { formatTarget, type TransportKind } from './transport/transport.ts';
import { parseSipUri } from './uri.ts';

const EXAMPLE = {
  naptr: {
    'example.com': [
      {
        order: 90,
        preference: 50,
        flags: 's',
        service: 'SIP+D2T',
        replacement: '_sip._tcp.example.com',
      },
      {
        order: 50,
        preference: 50,
        flags: 's',
        service: 'SIPS+D2T',
        replacement: '_sips._tcp.example.com',
      },
      {
        order: 100,
        preference: 50,
        flags: 's',
        service: 'SIP+D2U',
        replacement: '_sip._udp.example.com',
      },
    ],
  },
  srv: {
    '_sip._tcp.example.com': [
      { priority: 1, weight: 1, port: 5060, target: 'server2.example.com' },
      { priority: 0, weight: 1, port: 5070, target: 'server1.example.com' },
    ],
    '_sip._udp.example.com': [
      { priority: 0, weight: 0, port: 5080, target: 'server1.example.com' },
    ],
    '_sip._udp.plain.test': [{ priority: 0, weight: 0, port: 5062, target: 'server1.example.com' }],
    '_sip._udp.gone.test': [{ priority: 0, weight: 0, port: 0, target: '.' }],
  },
  addresses: {
    'server1.example.com': ['192.0.2.1', '2001:db8::1'],
    'server2.example.com': ['192.0.2.2'],
    'example.com': ['192.0.2.9'],
    'bare.test': ['192.0.2.8'],
    'gone.test': ['192.0.2.7'],
  },
};

function setUp(dns: Dns = new TableDns(EXAMPLE), transports?: readonly TransportKind[]) {
  const clock = new SimClock();
  const resolver = createResolver({
    dns,
    clock,
    random: seededRandom(1),
    ...(transports === undefined ? {} : { transports }),
  });
  const resolve = async (text: string): Promise<string[]> => {
    const uri = parseSipUri(text);
    if (!uri.ok) throw new Error(uri.error.detail);
    const targets = await resolver.resolve(uri.value);
    return targets.ok ? targets.value.map(formatTarget) : [targets.error.code];
  };
  return { clock, resolve };
}

describe('resolver (RFC 3263 section 4)', () => {
  it.each([
    ['sip:192.0.2.5', ['udp:192.0.2.5:5060']],
    ['sip:a@192.0.2.5:5070;transport=tcp', ['tcp:192.0.2.5:5070']],
    ['sip:a@[2001:db8::5]', ['udp:[2001:db8::5]:5060']],
    ['sip:a@example.com;maddr=192.0.2.6', ['udp:192.0.2.6:5060']],
    // A port: addresses at once.
    ['sip:example.com:5099', ['udp:192.0.2.9:5099']],
    // A transport: SRV of that transport.
    ['sip:example.com;transport=udp', ['udp:192.0.2.1:5080', 'udp:[2001:db8::1]:5080']],
    // Neither: NAPTR by order, what we do not have passed over; SRV by priority.
    [
      'sip:example.com',
      [
        'tcp:192.0.2.1:5070',
        'tcp:[2001:db8::1]:5070',
        'tcp:192.0.2.2:5060',
        'udp:192.0.2.1:5080',
        'udp:[2001:db8::1]:5080',
      ],
    ],
    // No NAPTR: the well-known SRV names; none of these either: the addresses.
    ['sip:plain.test', ['udp:192.0.2.1:5062', 'udp:[2001:db8::1]:5062']],
    ['sip:bare.test', ['udp:192.0.2.8:5060']],
    ['sip:gone.test', ['udp:192.0.2.7:5060']],
    ['sip:nowhere.test', ['transport-failed']],
    ['sip:192.0.2.5;transport=sctp', ['transport-failed']],
    ['sips:192.0.2.5', ['transport-failed']],
    ['tel:+12015550123', ['transport-failed']],
  ])('%s', async (uri, expected) => {
    expect(await setUp().resolve(uri)).toEqual(expected);
  });

  it('sips goes by TLS', async () => {
    const { resolve } = setUp(undefined, ['udp', 'tcp', 'tls']);
    expect(await resolve('sips:192.0.2.5')).toEqual(['tls:192.0.2.5:5061']);
    expect(await resolve('sips:192.0.2.5;transport=udp')).toEqual(['transport-failed']);
  });

  it('draws SRV of one priority by weight (RFC 2782)', async () => {
    const first = new Map<string, number>();
    const dns = new TableDns({
      srv: {
        '_sip._udp.w.test': [
          { priority: 0, weight: 90, port: 1, target: '192.0.2.1' },
          { priority: 0, weight: 10, port: 1, target: '192.0.2.2' },
          { priority: 0, weight: 0, port: 1, target: '192.0.2.3' },
        ],
      },
    });
    const { resolve } = setUp(dns);
    for (let round = 0; round < 1000; round++) {
      const targets = await resolve('sip:w.test;transport=udp');
      expect(new Set(targets).size).toBe(3);
      const [head = ''] = targets;
      first.set(head, (first.get(head) ?? 0) + 1);
    }
    expect(first.get('udp:192.0.2.1:1')).toBeGreaterThan(850);
    expect(first.get('udp:192.0.2.2:1')).toBeGreaterThan(60);
    expect(first.get('udp:192.0.2.3:1') ?? 0).toBeLessThan(40);
  });

  it('asks again only when the answer has run out, and sooner after a failure', async () => {
    const dns = new TableDns({ ...EXAMPLE, ttlMs: 10_000 });
    const { clock, resolve } = setUp(dns);
    await resolve('sip:bare.test:5060');
    await resolve('sip:BARE.test:5061');
    expect(dns.asked).toBe(1);
    await clock.advance(10_001);
    await resolve('sip:bare.test:5060');
    expect(dns.asked).toBe(2);
    await resolve('sip:nowhere.test:5060');
    await clock.advance(5001);
    await resolve('sip:nowhere.test:5060');
    expect(dns.asked).toBe(4);
    expect(clock.timerCount).toBe(0);
  });

  it('a failing or silent server is an error, not a hang', async () => {
    const failing: Dns = {
      naptr: () => Promise.reject(new Error('SERVFAIL')),
      srv: () => Promise.reject(new Error('SERVFAIL')),
      addresses: () => Promise.reject(new Error('SERVFAIL')),
    };
    expect(await setUp(failing).resolve('sip:example.com')).toEqual(['transport-failed']);
    const never = new Promise<never>(() => undefined);
    const silent: Dns = { naptr: () => never, srv: () => never, addresses: () => never };
    const { clock, resolve } = setUp(silent);
    const answer = resolve('sip:example.com');
    await clock.advance(5001);
    expect(await answer).toEqual(['timeout']);
  });

  it('is bounded in targets and in the cache', async () => {
    const addresses = Array.from({ length: 40 }, (_, index) => `192.0.2.${index}`);
    const dns = new TableDns({ addresses: { 'many.test': addresses } });
    expect(await setUp(dns).resolve('sip:many.test:5060')).toHaveLength(10);
    const clock = new SimClock();
    const resolver = createResolver({ dns, clock, random: seededRandom(1), maxCached: 5 });
    for (let name = 0; name < 50; name++) {
      const uri = parseSipUri(`sip:n${name}.test:5060`);
      if (uri.ok) await resolver.resolve(uri.value);
    }
    dns.asked = 0;
    const uri = parseSipUri('sip:n0.test:5060');
    if (uri.ok) await resolver.resolve(uri.value);
    expect(dns.asked).toBe(1);
  });
});
