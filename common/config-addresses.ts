/** Addresses and networks as the configuration takes them. */
import { isIP } from 'node:net';
import { z } from 'zod';

export const ipAddress = z.string().refine((text) => isIP(text) !== 0, 'an IPv4 or IPv6 address');

export const networkAddress = z.string().refine((text) => {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  const longest = family === 6 ? 128 : 32;
  const fits = bits === undefined || (/^[0-9]{1,3}$/.test(bits) && Number(bits) <= longest);
  return family !== 0 && rest.length === 0 && fits;
}, 'an address or a network such as 10.0.0.0/8');
