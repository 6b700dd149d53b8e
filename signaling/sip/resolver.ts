/**
 * From a URI to the addresses to try (RFC 3263 section 4, RFC 2782 for the order of SRV): numeric hosts and
 * explicit ports first, then NAPTR, SRV and addresses through an injected Dns, with a bounded cache.
 */
import { isIP } from 'node:net';
import type { Clock } from '../../common/clock.ts';
import { MediaError } from '../../common/errors.ts';
import type { Random } from '../../common/ids.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { AddressRecord, Dns, SrvRecord } from './dns.ts';
import type { Target } from './transaction/transaction-user.ts';
import { DEFAULT_PORTS, type TransportKind } from './transport/transport.ts';
import { type SipUri, withoutBrackets } from './uri.ts';

export interface Resolver {
  /** In the order to be tried. The error is `transport-failed` or `timeout`. */
  resolve(uri: SipUri): Promise<Result<readonly Target[], MediaError>>;
}

export interface ResolverOptions {
  readonly dns: Dns;
  readonly clock: Clock;
  readonly random: Random;
  /** What we have; services on others are passed over. Default udp, tcp. */
  readonly transports?: readonly TransportKind[];
  /** For everything that one URI needs. Default 5 s. */
  readonly timeoutMs?: number;
  /** Questions kept. Default 1000. */
  readonly maxCached?: number;
}

/** More addresses than this are not tried for one request. */
const MAX_TARGETS = 10;

/** A name that does not exist, or a server that fails, is asked again after this. */
const NEGATIVE_TTL_MS = 5000;

/** No answer is believed longer than this. */
const MAX_TTL_MS = 300_000;

const NAPTR_SERVICES: Readonly<Record<string, TransportKind>> = {
  'SIP+D2U': 'udp',
  'SIP+D2T': 'tcp',
  'SIPS+D2T': 'tls',
};

const SRV_PREFIXES: Readonly<Record<TransportKind, string>> = {
  udp: '_sip._udp.',
  tcp: '_sip._tcp.',
  tls: '_sips._tcp.',
};

export function createResolver(options: ResolverOptions): Resolver {
  return new DnsResolver(options);
}

class DnsResolver implements Resolver {
  readonly #options: ResolverOptions;
  readonly #dns: Dns;
  readonly #transports: readonly TransportKind[];

  constructor(options: ResolverOptions) {
    this.#options = options;
    this.#dns = cached(options.dns, options.clock, options.maxCached ?? 1000);
    this.#transports = options.transports ?? ['udp', 'tcp'];
  }

  async resolve(uri: SipUri): Promise<Result<readonly Target[], MediaError>> {
    const asked = transportOf(uri);
    if (asked === 'unknown' || (asked !== undefined && !this.#transports.includes(asked))) {
      return fail(new MediaError('transport-failed', 'transport of the URI is not supported'));
    }
    if (uri.scheme === 'tel') {
      return fail(new MediaError('transport-failed', 'a tel URI needs an outbound proxy'));
    }
    const host = withoutBrackets(uri.parameters.get('maddr') ?? uri.host);
    if (isIP(host) !== 0) {
      const transport = asked ?? this.#defaultTransport();
      const remotePort = uri.port ?? DEFAULT_PORTS[transport];
      return ok([{ transport, remoteAddress: host, remotePort }]);
    }
    try {
      const targets = await this.#withinTime(this.#lookUp(host.toLowerCase(), uri, asked));
      if (targets === undefined) return fail(new MediaError('timeout', `DNS: ${host}: no answer`));
      if (targets.length > 0) return ok(targets.slice(0, MAX_TARGETS));
      return fail(new MediaError('transport-failed', `DNS: ${host} has no address`));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return fail(new MediaError('transport-failed', `DNS: ${host}: ${why}`, { cause: error }));
    }
  }

  /** Section 4.1: UDP for sip where nothing says otherwise. */
  #defaultTransport(): TransportKind {
    return this.#transports.includes('udp') ? 'udp' : (this.#transports[0] ?? 'udp');
  }

  async #lookUp(
    host: string,
    uri: SipUri,
    asked: TransportKind | undefined,
  ): Promise<readonly Target[]> {
    const plain = asked ?? this.#defaultTransport();
    // Section 4.2: a port means addresses at once.
    if (uri.port !== undefined) return this.#addresses(host, plain, uri.port);
    const services =
      asked === undefined
        ? await this.#services(host)
        : [{ transport: asked, name: `${SRV_PREFIXES[asked]}${host}` }];
    const targets: Target[] = [];
    for (const { transport, name } of services) {
      for (const record of order(await this.#dns.srv(name), this.#options.random)) {
        // RFC 2782: a root target says that the service is decidedly not there.
        if (record.target === '' || record.target === '.') continue;
        if (targets.length >= MAX_TARGETS) return targets;
        targets.push(...(await this.#addresses(record.target, transport, record.port)));
      }
    }
    return targets.length > 0 ? targets : this.#addresses(host, plain, DEFAULT_PORTS[plain]);
  }

  /** Section 4.1: the services of NAPTR; without NAPTR, the well-known SRV names. */
  async #services(
    host: string,
  ): Promise<readonly { readonly transport: TransportKind; readonly name: string }[]> {
    const records = [...(await this.#dns.naptr(host))].sort(
      (left, right) => left.order - right.order || left.preference - right.preference,
    );
    const services = records.flatMap((record) => {
      const transport = NAPTR_SERVICES[record.service.toUpperCase()];
      const usable = record.flags.toLowerCase() === 's' && record.replacement !== '';
      return usable && transport !== undefined && this.#transports.includes(transport)
        ? [{ transport, name: record.replacement }]
        : [];
    });
    if (services.length > 0) return services;
    return this.#transports.map((transport) => ({
      transport,
      name: `${SRV_PREFIXES[transport]}${host}`,
    }));
  }

  async #addresses(
    host: string,
    transport: TransportKind,
    remotePort: number,
  ): Promise<readonly Target[]> {
    const records: readonly AddressRecord[] =
      isIP(host) !== 0 ? [{ address: host, ttlMs: 0 }] : await this.#dns.addresses(host);
    return records.map(({ address }) => ({ transport, remoteAddress: address, remotePort }));
  }

  #withinTime<T>(work: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const timer = this.#options.clock.after(this.#options.timeoutMs ?? 5000, () =>
        resolve(undefined),
      );
      work.then(resolve, reject).finally(() => timer.cancel());
    });
  }
}

/** The transport that the URI itself names (section 4.1). */
function transportOf(uri: SipUri): TransportKind | 'unknown' | undefined {
  const parameter = uri.parameters.get('transport')?.toLowerCase();
  if (uri.scheme === 'sips') {
    return parameter === undefined || parameter === 'tcp' || parameter === 'tls'
      ? 'tls'
      : 'unknown';
  }
  if (parameter === undefined) return undefined;
  return parameter === 'udp' || parameter === 'tcp' || parameter === 'tls' ? parameter : 'unknown';
}

/** RFC 2782: by priority; within one, drawn by weight. */
function order(records: readonly SrvRecord[], random: Random): readonly SrvRecord[] {
  const ordered: SrvRecord[] = [];
  const byPriority = [...records].sort((left, right) => left.priority - right.priority);
  while (byPriority.length > 0) {
    const priority = byPriority[0]?.priority;
    const group = byPriority.filter((record) => record.priority === priority);
    const total = group.reduce((sum, record) => sum + record.weight, 0);
    let draw = random.below(total + 1);
    // Weight 0 stands in front and is drawn only by 0.
    group.sort((left, right) => left.weight - right.weight);
    const drawn = group.find((record) => {
      draw -= record.weight;
      return draw <= 0;
    });
    const next = drawn ?? group[0];
    if (next === undefined) break;
    ordered.push(next);
    byPriority.splice(byPriority.indexOf(next), 1);
  }
  return ordered;
}

/** Keeps answers as long as they say, and asks a question that is under way only once. */
function cached(dns: Dns, clock: Clock, limit: number): Dns {
  const through = <T extends { readonly ttlMs: number }>(
    ask: (name: string) => Promise<readonly T[]>,
  ): ((name: string) => Promise<readonly T[]>) => {
    const entries = new Map<string, { untilMs: number; readonly answer: Promise<readonly T[]> }>();
    return (name) => {
      const known = entries.get(name);
      if (known !== undefined && known.untilMs > clock.nowMs()) return known.answer;
      entries.delete(name);
      const [oldest] = entries.keys();
      if (entries.size >= limit && oldest !== undefined) entries.delete(oldest);
      const entry = { untilMs: Number.POSITIVE_INFINITY, answer: ask(name) };
      entries.set(name, entry);
      entry.answer.then(
        (records) => {
          const ttlMs = Math.min(MAX_TTL_MS, ...records.map((record) => record.ttlMs));
          entry.untilMs = clock.nowMs() + (records.length === 0 ? NEGATIVE_TTL_MS : ttlMs);
        },
        () => {
          entry.untilMs = clock.nowMs() + NEGATIVE_TTL_MS;
        },
      );
      return entry.answer;
    };
  };
  return {
    naptr: through((name) => dns.naptr(name)),
    srv: through((name) => dns.srv(name)),
    addresses: through((name) => dns.addresses(name)),
  };
}
