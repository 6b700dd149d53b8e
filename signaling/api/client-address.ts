/** Whose request it is when proxies stand in front: the last address that no proxy of ours wrote of itself. */
import { BlockList, isIP } from 'node:net';
import type { HttpRequest } from './http-server.ts';

type Head = Pick<HttpRequest, 'remoteAddress' | 'headers'>;

/** `proxies`: addresses and networks; nobody else's X-Forwarded-For is believed. */
export function clientAddresses(proxies: readonly string[]): (request: Head) => string {
  if (proxies.length === 0) return ({ remoteAddress }) => remoteAddress;
  const list = new BlockList();
  for (const text of proxies) {
    const [address = '', bits] = text.split('/');
    const kind = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, kind);
    else list.addSubnet(address, Number(bits), kind);
  }
  const isProxy = (address: string): boolean => {
    const family = isIP(address);
    return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4');
  };
  return ({ remoteAddress, headers }) => {
    if (!isProxy(remoteAddress)) return remoteAddress;
    // Each proxy appends whom it saw, so only the end of the list is of proxies of ours.
    const seen = (headers.get('x-forwarded-for') ?? '').split(',').map((one) => one.trim());
    const client = seen.findLast((address) => !isProxy(address));
    return client !== undefined && isIP(client) !== 0 ? client : remoteAddress;
  };
}
