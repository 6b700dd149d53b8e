import { describe, expect, it } from 'vitest';
import {
  formatReason,
  formatWarning,
  parseAuth,
  parseContentType,
  parseCSeq,
  parseMaxForwards,
  parseRAck,
  parseReason,
  parseRetryAfter,
  parseRSeq,
  parseSessionExpires,
  parseWarning,
  tagOf,
} from './fields.ts';
import { createHeaders } from './headers.ts';
import { formatVia, parseVia } from './via.ts';

const bad = { ok: false };
const good = (value: unknown) => ({ ok: true, value });

describe('field views', () => {
  it('CSeq', () => {
    expect(parseCSeq('2147483647   INVITE')).toEqual(
      good({ number: 2147483647, method: 'INVITE' }),
    );
    for (const text of ['2147483648 INVITE', '-1 BYE', '1', '1 A B', 'x BYE', '1 B(Y']) {
      expect(parseCSeq(text)).toMatchObject(bad);
    }
  });

  it('RSeq and RAck', () => {
    expect(parseRSeq('1')).toEqual(good(1));
    expect(parseRSeq('0')).toMatchObject(bad);
    expect(parseRAck('776656 1 INVITE')).toEqual(
      good({ rseq: 776656, cseq: { number: 1, method: 'INVITE' } }),
    );
    expect(parseRAck('1 INVITE')).toMatchObject(bad);
  });

  it('Session-Expires, Max-Forwards, Retry-After', () => {
    expect(parseSessionExpires('1800;refresher=UAC')).toEqual(
      good({ seconds: 1800, refresher: 'uac' }),
    );
    expect(parseSessionExpires('90')).toEqual(good({ seconds: 90, refresher: undefined }));
    expect(parseSessionExpires('90;refresher=me')).toMatchObject(bad);
    expect(parseMaxForwards('0070')).toEqual(good(70));
    expect(parseMaxForwards('256')).toMatchObject(bad);
    expect(parseRetryAfter('18000;duration=3600')).toEqual(good(18000));
    expect(parseRetryAfter("120 (I'm in a meeting)")).toEqual(good(120));
    expect(parseRetryAfter('soon')).toMatchObject(bad);
  });

  it('Reason and Warning, there and back', () => {
    const reason = { protocol: 'Q.850', cause: 16, text: 'Normal "clearing"' };
    expect(parseReason(formatReason(reason))).toEqual(good(reason));
    expect(parseReason('SIP ;cause=200 ;text="Call completed elsewhere"')).toEqual(
      good({ protocol: 'SIP', cause: 200, text: 'Call completed elsewhere' }),
    );
    const warning = { code: 304, agent: '127.0.0.1:5060', text: 'no "codec"' };
    expect(parseWarning(formatWarning(warning))).toEqual(good(warning));
    expect(parseWarning('1812 overture "In Progress"')).toMatchObject(bad);
  });

  it('Content-Type', () => {
    expect(parseContentType('Application/SDP ; charset="utf-8"')).toEqual(
      good({ type: 'application/sdp', parameters: new Map([['charset', 'utf-8']]) }),
    );
    for (const text of ['', 'sdp', 'a/b/c', 'a/ /b']) {
      expect(parseContentType(text)).toMatchObject(bad);
    }
  });

  it('challenges and credentials', () => {
    const auth = parseAuth(
      'Digest realm="a, \\"b\\"", nonce="n",qop="auth,auth-int" , stale=FALSE',
    );
    expect(auth).toEqual(
      good({
        scheme: 'digest',
        parameters: new Map([
          ['realm', 'a, "b"'],
          ['nonce', 'n'],
          ['qop', 'auth,auth-int'],
          ['stale', 'FALSE'],
        ]),
      }),
    );
    for (const text of ['', 'Digest realm="x', 'Digest a=1, a=2', 'Digest =1', 'Digest a b=1']) {
      expect(parseAuth(text)).toMatchObject(bad);
    }
  });

  it('tags', () => {
    expect(tagOf('"a;tag=no" <sip:a@h;tag=no>;tag=yes')).toBe('yes');
    expect(tagOf('<sip:a@h;tag=no>')).toBeUndefined();
    expect(tagOf(undefined)).toBeUndefined();
  });

  it('Via', () => {
    const via = parseVia(
      'SIP / 2.0 / UDP [2001:db8::1]:5070 ;branch=z9hG4bKx; rport ;received=::1',
    );
    expect(via).toMatchObject({
      ok: true,
      value: { transport: 'UDP', host: '[2001:db8::1]', port: 5070, branch: 'z9hG4bKx' },
    });
    expect(via.ok && formatVia(via.value)).toBe(
      'SIP/2.0/UDP [2001:db8::1]:5070;branch=z9hG4bKx;rport;received=::1',
    );
    for (const text of [
      '',
      'SIP/2.0',
      'SIP/2.0/UDP',
      'SIP/2.0/UDPhost',
      'SIP/3.0/UDP h',
      'HTTP/2.0/UDP h',
      'SIP/2.0/UDP h:0',
      'SIP/2.0/UDP h:x',
      'SIP/2.0/UDP h;;',
      'SIP/2.0/UDP [::1;branch=x',
      'SIP/2.0/UDP h extra',
    ]) {
      expect(parseVia(text)).toMatchObject(bad);
    }
  });
});

describe('Headers', () => {
  const headers = createHeaders([
    ['v', 'SIP/2.0/UDP a, SIP/2.0/UDP b'],
    ['Via', 'SIP/2.0/UDP c'],
    ['Subject', 'x, y'],
    ['m', '"a, b" <sip:x,y@h>, <sip:z@h>'],
  ]);

  it('compares names without case and with compact forms', () => {
    expect(headers.get('VIA')).toBe('SIP/2.0/UDP a, SIP/2.0/UDP b');
    expect(headers.all('via')).toHaveLength(2);
    expect(headers.get('s')).toBe('x, y');
    expect(headers.has('contact')).toBe(true);
    expect(headers.has('Route')).toBe(false);
  });

  it('splits where the grammar is a list', () => {
    expect(headers.list('Via')).toEqual(['SIP/2.0/UDP a', 'SIP/2.0/UDP b', 'SIP/2.0/UDP c']);
    expect(headers.list('Subject')).toEqual(['x, y']);
    expect(headers.list('Contact')).toEqual(['"a, b" <sip:x,y@h>', '<sip:z@h>']);
  });

  it('changes copies only', () => {
    expect(headers.withoutFirst('Via').list('Via')).toEqual(['SIP/2.0/UDP b', 'SIP/2.0/UDP c']);
    expect(headers.withoutFirst('Via').withoutFirst('Via').list('v')).toEqual(['SIP/2.0/UDP c']);
    expect([...headers.with('Via', 'new')].map(({ name }) => name)).toEqual([
      'Via',
      'Subject',
      'm',
    ]);
    expect(headers.without('Via').has('Via')).toBe(false);
    expect(headers.prepend('Via', 'top').list('Via')[0]).toBe('top');
    expect(headers.append('X', '1').get('x')).toBe('1');
    expect(headers.list('Via')).toHaveLength(3);
  });

  it('refuses a line end, which would be a header injection', () => {
    expect(() => createHeaders([['Subject', 'a\r\nEvil: 1']])).toThrow('line end');
  });
});
