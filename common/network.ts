/** Whose an internet address is, as far as guesses and floods are counted. */
import { isIPv6 } from 'node:net';

/**
 * The address itself; of an IPv6 one its first 64 bits, as one customer has that many at least
 * (RFC 6177): together they are one source. Brackets and a zone are left out.
 */
export function networkOf(address: string): string {
  const plain = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  if (!isIPv6(plain)) return plain;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1];
  if (mapped !== undefined) return mapped;
  const [front = '', back] = plain.split('::');
  const groups = front === '' ? [] : front.split(':');
  // `::` stands for as many zeros as are missing; those behind it matter only when it is short.
  const rest = back === undefined || back === '' ? [] : back.split(':');
  const restGroups = rest.length + (back?.includes('.') === true ? 1 : 0);
  while (back !== undefined && groups.length < 8 - restGroups) groups.push('0');
  const first = [...groups, ...rest].slice(0, 4);
  return `${first.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}
