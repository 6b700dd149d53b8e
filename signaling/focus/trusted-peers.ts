import { BlockList, isIP } from 'node:net';

/** Whether a SIP peer may use the mixer: loopback always, others when their address is listed. */
export interface TrustedPeers {
  /** `flow` as in Session: `udp:192.0.2.1:5060`, `tcp:[2001:db8::1]:5060`. */
  trusts(flow: string): boolean;
}

/** `addresses`: IP addresses or networks such as `10.0.0.0/8`; anything else is ignored. */
export function trustedPeers(addresses: readonly string[]): TrustedPeers {
  const list = new BlockList();
  for (const address of ['127.0.0.0/8', '::1', ...addresses]) add(list, address);
  return {
    trusts(flow) {
      const address = addressOf(flow);
      const family = isIP(address);
      return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4');
    },
  };
}

function add(list: BlockList, text: string): void {
  const [address = '', bits] = text.split('/');
  const family = isIP(address);
  if (family === 0) return;
  const kind = family === 6 ? 'ipv6' : 'ipv4';
  const prefix = Number(bits);
  if (bits === undefined) list.addAddress(address, kind);
  else if (prefix >= 0 && prefix <= (family === 6 ? 128 : 32))
    list.addSubnet(address, prefix, kind);
}

/** An IPv4 peer on a socket for both families appears as `::ffff:192.0.2.1`. */
function addressOf(flow: string): string {
  const match = /^[a-z]+:(?:\[([^\]]+)\]|([^:]+)):\d+$/i.exec(flow);
  const address = match?.[1] ?? match?.[2] ?? '';
  return address.toLowerCase().startsWith('::ffff:') ? address.slice(7) : address;
}
