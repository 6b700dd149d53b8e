import { describe, expect, it } from 'vitest';
import { clientAddresses } from './client-address.ts';

const from = (remoteAddress: string, forwarded?: string) => ({
  remoteAddress,
  headers: new Map(forwarded === undefined ? [] : [['x-forwarded-for', forwarded]]),
});

describe('whose request it is', () => {
  it('is the peer while no proxy is trusted, whatever the request says', () => {
    expect(clientAddresses([])(from('192.0.2.1', '203.0.113.9'))).toBe('192.0.2.1');
  });

  const ask = clientAddresses(['127.0.0.1', '10.0.0.0/8', '2001:db8::/32']);
  it.each([
    ['of a stranger: the peer', '192.0.2.1', '203.0.113.9', '192.0.2.1'],
    ['of a proxy: whom it saw', '127.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['whoever forges the front of the list', '127.0.0.1', '1.1.1.1, 203.0.113.9', '203.0.113.9'],
    ['through two proxies', '127.0.0.1', '203.0.113.9, 10.1.2.3', '203.0.113.9'],
    ['through two proxies of IPv6', '2001:db8::7', '2001:db9::1, 10.1.2.3', '2001:db9::1'],
    ['of the proxy itself', '127.0.0.1', undefined, '127.0.0.1'],
    ['with rubbish in it: the proxy', '127.0.0.1', 'unknown', '127.0.0.1'],
  ])('%s', (_, peer, forwarded, expected) => {
    expect(ask(from(peer, forwarded))).toBe(expected);
  });
});
