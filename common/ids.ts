import { randomBytes, randomInt } from 'node:crypto';

/** Strings that must not be mixed up, although all are strings. */
type Branded<Name extends string> = string & { readonly __brand: Name };

export type AccountId = Branded<'AccountId'>;
export type ConferenceId = Branded<'ConferenceId'>;
/** The parameter that is given to a conferee at entry and with which it is muted and deleted (E10). */
export type ConfereeId = Branded<'ConfereeId'>;
/** One answered or dialled leg of ours; stable for the life of the call, also its id in the logs. */
export type CallId = Branded<'CallId'>;
/** A running role: a VRU, a mixer, a proxy, an interface server. */
export type NodeId = Branded<'NodeId'>;

/** Source of randomness, so that simulations replay from a seed. */
export interface Random {
  /** `count` random bytes. */
  bytes(count: number): Uint8Array;
  /** A whole number from 0 up to, but without, `limit`. */
  below(limit: number): number;
}

export const systemRandom: Random = {
  bytes: (count) => randomBytes(count),
  below: (limit) => randomInt(limit),
};

/** Small seeded generator (mulberry32) for tests and simulations; not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return {
    bytes: (count) => Uint8Array.from({ length: count }, () => next() & 0xff),
    below: (limit) => next() % limit,
  };
}

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** `length` characters of 5 random bits each; safe in URIs, store keys and speech. */
export function randomToken(random: Random, length: number): string {
  let token = '';
  for (const byte of random.bytes(length)) token += ALPHABET.charAt(byte & 31);
  return token;
}

export const newConferenceId = (random: Random): ConferenceId =>
  `c${randomToken(random, 12)}` as ConferenceId;
export const newConfereeId = (random: Random): ConfereeId =>
  `p${randomToken(random, 12)}` as ConfereeId;
export const newCallId = (random: Random): CallId => `k${randomToken(random, 12)}` as CallId;
