/** What the resolver asks of DNS; the system's, and a table for tests. No such name is an empty answer. */
import { lookup, Resolver } from 'node:dns/promises';

interface Kept {
  readonly ttlMs: number;
}

export interface NaptrRecord extends Kept {
  readonly order: number;
  readonly preference: number;
  readonly flags: string;
  readonly service: string;
  readonly replacement: string;
}

export interface SrvRecord extends Kept {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}

export interface AddressRecord extends Kept {
  readonly address: string;
}

/** A failing server rejects. */
export interface Dns {
  naptr(name: string): Promise<readonly NaptrRecord[]>;
  srv(name: string): Promise<readonly SrvRecord[]>;
  addresses(name: string): Promise<readonly AddressRecord[]>;
}

/** Node does not hand out the times to live of these. */
const ASSUMED_TTL_MS = 60_000;

/** Addresses come by way of the operating system, so that /etc/hosts counts. */
export function createSystemDns(): Dns {
  const resolver = new Resolver({ timeout: 2000, tries: 2 });
  return {
    naptr: async (name) =>
      (await orNone(resolver.resolveNaptr(name))).map((record) => ({
        ...record,
        ttlMs: ASSUMED_TTL_MS,
      })),
    srv: async (name) =>
      (await orNone(resolver.resolveSrv(name))).map(({ name: target, ...record }) => ({
        ...record,
        target,
        ttlMs: ASSUMED_TTL_MS,
      })),
    addresses: async (name) =>
      (await orNone(lookup(name, { all: true }))).map(({ address }) => ({
        address,
        ttlMs: ASSUMED_TTL_MS,
      })),
  };
}

/** Codes that say that there is no such record, rather than that nobody could be asked. */
const NO_RECORD = new Set(['ENOTFOUND', 'ENODATA', 'ENONAME', 'EBADNAME']);

async function orNone<T>(answer: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Error && 'code' in error && NO_RECORD.has(String(error.code))) return [];
    throw error;
  }
}

/** Answers from a table; names that are not in it have no records. Counts what it is asked. */
export class TableDns implements Dns {
  asked = 0;
  readonly #naptr: ReadonlyMap<string, readonly Omit<NaptrRecord, 'ttlMs'>[]>;
  readonly #srv: ReadonlyMap<string, readonly Omit<SrvRecord, 'ttlMs'>[]>;
  readonly #addresses: ReadonlyMap<string, readonly string[]>;
  readonly #ttlMs: number;

  constructor(table: {
    readonly naptr?: { readonly [name: string]: readonly Omit<NaptrRecord, 'ttlMs'>[] };
    readonly srv?: { readonly [name: string]: readonly Omit<SrvRecord, 'ttlMs'>[] };
    readonly addresses?: { readonly [name: string]: readonly string[] };
    readonly ttlMs?: number;
  }) {
    this.#naptr = new Map(Object.entries(table.naptr ?? {}));
    this.#srv = new Map(Object.entries(table.srv ?? {}));
    this.#addresses = new Map(Object.entries(table.addresses ?? {}));
    this.#ttlMs = table.ttlMs ?? 60_000;
  }

  naptr(name: string): Promise<readonly NaptrRecord[]> {
    return this.#answer(this.#naptr.get(name) ?? []);
  }

  srv(name: string): Promise<readonly SrvRecord[]> {
    return this.#answer(this.#srv.get(name) ?? []);
  }

  addresses(name: string): Promise<readonly AddressRecord[]> {
    return this.#answer((this.#addresses.get(name) ?? []).map((address) => ({ address })));
  }

  #answer<T extends object>(records: readonly T[]): Promise<readonly (T & Kept)[]> {
    this.asked += 1;
    return Promise.resolve(records.map((record) => ({ ...record, ttlMs: this.#ttlMs })));
  }
}
