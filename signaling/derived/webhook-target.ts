/**
 * Where webhooks may go. An endpoint is named by whoever has an admin token, and we stand inside the
 * network: only hosts that the configuration lists are called, names are looked up by us and each
 * address is checked again at the moment of connecting, and nobody is followed anywhere else.
 */
import { lookup as dnsLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { MediaError } from '../../common/errors.ts';
import { fail, ok, type Result } from '../../common/result.ts';

export interface TargetPolicy {
  /** `host`, `host:port`, `*.domain`, an address; nothing listed: nothing allowed. */
  readonly allowedHosts: readonly string[];
  /** Whether a listed name may lead to an address inside (10.0.0.0/8 …); a listed address always may. */
  readonly privateAddresses: boolean;
}

/** Where nobody's receiver is, whatever a list says: metadata services, multicast, "this host". */
const NEVER = blockList([
  '0.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/128',
  'fe80::/10',
  'ff00::/8',
]);
/** Only when the list names the address itself, or the configuration lets names lead there. */
const INSIDE = blockList([
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '::1/128',
  'fc00::/7',
]);

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    list.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}

const isIn = (list: BlockList, address: string): boolean => {
  const plain = /^::ffff:([0-9.]+)$/i.exec(address)?.[1] ?? address;
  return list.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4');
};

const MAX_URL = 2_048;

/** Error `bad-request` says what is wrong, and what to do. */
export function checkTarget(text: string, policy: TargetPolicy): Result<URL, MediaError> {
  const refuse = (why: string) => fail(new MediaError('bad-request', `url: ${why}`));
  if (text.length > MAX_URL) return refuse(`expected at most ${MAX_URL} characters`);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    return refuse('expected an http or https URL');
  }
  if (url.username !== '' || url.password !== '') return refuse('expected no user or password');
  const host = plainHost(url);
  if (!policy.allowedHosts.some((entry) => allows(entry, host, portOf(url)))) {
    return refuse(`${host} is not listed in webhooks.allowedHosts of the configuration`);
  }
  if (isIP(host) !== 0 && isIn(NEVER, host)) return refuse(`${host} is never called`);
  return ok(url);
}

export const plainHost = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
const portOf = (url: URL): string => url.port || (url.protocol === 'https:' ? '443' : '80');

function allows(entry: string, host: string, port: string): boolean {
  const bracketed = /^\[([^\]]+)\](?::([0-9]+))?$/.exec(entry);
  const named = /^([^:]+):([0-9]+)$/.exec(entry);
  const [name, wantedPort] = [
    (bracketed?.[1] ?? named?.[1] ?? entry).toLowerCase(),
    bracketed?.[2] ?? named?.[2],
  ];
  if (wantedPort !== undefined && wantedPort !== port) return false;
  if (name.startsWith('*.')) return host.endsWith(name.slice(1)) && isIP(host) === 0;
  return name === host;
}

/** For the socket that is about to connect: what a name leads to now, not when it was checked. */
export const checkedLookup =
  ({ privateAddresses }: TargetPolicy): LookupFunction =>
  (hostname, options, callback) => {
    const isFine = ({ address }: { readonly address: string }): boolean =>
      !isIn(NEVER, address) && (privateAddresses || !isIn(INSIDE, address));
    dnsLookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) {
        callback(error, [], 0);
        return;
      }
      const fine = found.filter(isFine);
      const [first] = fine;
      if (first === undefined) {
        callback(new Error(`${hostname} leads to addresses that are not called`), [], 0);
      } else if (options.all === true) callback(null, fine);
      else callback(null, first.address, first.family);
    });
  };
