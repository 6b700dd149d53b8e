/** What address of ours a peer sees, where a socket is bound to all of them. */
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { withBrackets, withoutBrackets } from '../uri.ts';

export interface Advertised {
  /** Address or name put into Via and Contact instead of the bound one (behind a NAT). */
  readonly host?: string;
  readonly port?: number;
}

/** Knows its sent-by and recognises it when it comes back. */
export interface LocalName {
  sentBy(remoteAddress: string): { readonly host: string; readonly port: number };
  isOurs(host: string, port: number | undefined): boolean;
}

export function createLocalName(
  bound: { readonly address: string; readonly port: number },
  advertised: Advertised | undefined,
  defaultPort: number,
): LocalName {
  const port = advertised?.port ?? bound.port;
  const wildcard = bound.address === '0.0.0.0' || bound.address === '::';
  const fixed = advertised?.host ?? (wildcard ? undefined : bound.address);
  const hostFor = (remoteAddress: string): string =>
    withBrackets(fixed ?? interfaceAddress(remoteAddress));
  return {
    sentBy: (remoteAddress) => ({ host: hostFor(remoteAddress), port }),
    isOurs(host, viaPort) {
      if ((viaPort ?? defaultPort) !== port) return false;
      const plain = withoutBrackets(host).toLowerCase();
      if (fixed !== undefined) return plain === withoutBrackets(fixed).toLowerCase();
      return addressesOfMachine().includes(plain);
    },
  };
}

/** IPv4-mapped addresses of dual-stack sockets in their short form. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

export function addressFamily(address: string): 4 | 6 {
  return isIP(withoutBrackets(address)) === 6 ? 6 : 4;
}

function addressesOfMachine(): string[] {
  return Object.values(networkInterfaces())
    .flat()
    .map((entry) => entry?.address.toLowerCase() ?? '');
}

function interfaceAddress(remoteAddress: string): string {
  const six = addressFamily(remoteAddress) === 6;
  const loopback = six ? '::1' : '127.0.0.1';
  if (remoteAddress === '::1' || remoteAddress.startsWith('127.')) return loopback;
  const family = six ? 'IPv6' : 'IPv4';
  for (const entry of Object.values(networkInterfaces()).flat()) {
    if (entry === undefined || entry.internal || entry.family !== family) continue;
    if (!entry.address.startsWith('fe80:')) return entry.address;
  }
  return loopback;
}
