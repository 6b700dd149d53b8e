import { describe, expect, it } from 'vitest';
import { createHeaders } from '../headers.ts';
import type { Target } from '../transaction/transaction-user.ts';
import { descriptionOf } from './body.ts';
import { parseInfoDigit } from './info.ts';
import { isPrivate, targetsInDialog } from './reach.ts';

describe('digits by INFO', () => {
  it.each([
    ['application/dtmf-relay', 'Signal=5\r\nDuration=160', { digit: '5', durationMs: 160 }],
    ['application/dtmf-relay', 'signal = *\nduration = 99999', { digit: '*', durationMs: 10_000 }],
    ['application/dtmf-relay', 'Signal=11\r\n', { digit: '#', durationMs: 160 }],
    ['application/dtmf-relay', 'Signal=a\r\nDuration=0', { digit: 'A', durationMs: 1 }],
    ['application/dtmf-relay', 'Signal=!\r\nDuration=100', undefined],
    ['application/dtmf-relay', 'nonsense', undefined],
    ['application/dtmf', '7\r\n', { digit: '7', durationMs: 160 }],
    ['application/dtmf', '77', undefined],
    ['application/dtmf', '', undefined],
  ])('%s %j', (type, body, digit) => {
    expect(parseInfoDigit(type, body)).toEqual(digit);
  });
});

describe('the description in a body (RFC 5621)', () => {
  const of = (type: string, body: string, extra: readonly (readonly [string, string])[] = []) =>
    descriptionOf({
      headers: createHeaders([['Content-Type', type], ...extra]),
      body: Buffer.from(body),
    });
  const part = (type: string, text: string): string =>
    `--b\r\nContent-Type: ${type}\r\n\r\n${text}\r\n`;

  it.each([
    ['application/sdp', 'v=0', { ok: true, value: 'v=0' }],
    ['Application/SDP; charset=utf-8', 'v=0', { ok: true, value: 'v=0' }],
    ['application/sdp', '', { ok: true, value: undefined }],
    [
      'multipart/mixed; boundary=b',
      `${part('text/plain', 'x')}${part('application/sdp', 'v=0')}--b--`,
      { ok: true, value: 'v=0' },
    ],
    [
      'multipart/mixed; boundary="b"',
      `preamble\r\n${part('application/sdp', 'v=0')}--b--`,
      { ok: true, value: 'v=0' },
    ],
    [
      'multipart/mixed; boundary=b',
      `${part('text/plain', 'x')}--b--`,
      { ok: true, value: undefined },
    ],
    [
      'multipart/related; boundary=b',
      `${part('text/plain', 'x')}--b--`,
      { ok: false, error: 'unsupported-type' },
    ],
    ['multipart/mixed', part('application/sdp', 'v=0'), { ok: true, value: undefined }],
    ['text/plain', 'x', { ok: false, error: 'unsupported-type' }],
    ['nonsense', 'x', { ok: false, error: 'unsupported-type' }],
  ])('%s', (type, body, result) => {
    expect(of(type, body)).toEqual(result);
  });

  it('optional and packed ones', () => {
    const optional = [['Content-Disposition', 'render; handling=optional']] as const;
    expect(of('text/plain', 'x', optional)).toEqual({ ok: true, value: undefined });
    expect(of('application/sdp', 'x', [['Content-Encoding', 'gzip']])).toEqual({
      ok: false,
      error: 'unsupported-encoding',
    });
    expect(of('application/sdp', 'v=0', [['Content-Encoding', 'identity']]).ok).toBe(true);
  });
});

describe('where requests of a dialog go', () => {
  const flow = (remoteAddress: string, transport: 'udp' | 'tcp') =>
    ({ transport, remoteAddress, remotePort: 4_000, localAddress: '', localPort: 5060 }) as const;
  const at = (remoteAddress: string, transport: 'udp' | 'tcp' = 'udp'): Target => ({
    transport,
    remoteAddress,
    remotePort: 5060,
  });
  const targets = (
    located: readonly Target[],
    from: ReturnType<typeof flow>,
    routeSet: readonly string[] = [],
  ) => {
    let used: readonly Target[] = [];
    targetsInDialog(
      { locate: (_uri, use) => use(located) },
      'sip:x',
      { routeSet },
      from,
      (result) => {
        used = result;
      },
    );
    return used.map((target) => `${target.transport}:${target.remoteAddress}:${target.remotePort}`);
  };

  it('to the contact', () => {
    expect(targets([at('192.0.2.1')], flow('192.0.2.2', 'udp'))).toEqual(['udp:192.0.2.1:5060']);
  });
  it('to where it came from, when the contact is behind a NAT or unknown', () => {
    expect(targets([at('192.168.1.5')], flow('198.51.100.7', 'udp'))).toEqual([
      'udp:198.51.100.7:4000',
    ]);
    expect(targets([], flow('198.51.100.7', 'udp'))).toEqual(['udp:198.51.100.7:4000']);
  });
  it('through a proxy in any case', () => {
    expect(targets([at('10.0.0.1')], flow('198.51.100.7', 'udp'), ['<sip:10.0.0.1;lr>'])).toEqual([
      'udp:10.0.0.1:5060',
    ]);
  });
  it('over the connection that is there, when the contact takes none', () => {
    expect(targets([at('192.0.2.1', 'tcp')], flow('192.0.2.1', 'tcp'))).toEqual([
      'tcp:192.0.2.1:5060',
      'tcp:192.0.2.1:4000',
    ]);
  });
  it('knows private addresses', () => {
    const all = [
      '10.1.2.3',
      '172.16.0.1',
      '172.31.9.9',
      '192.168.0.1',
      '100.64.0.1',
      '127.0.0.1',
      '::1',
      'fd00::1',
    ];
    expect(all.map(isPrivate)).toEqual(all.map(() => true));
    expect(['172.32.0.1', '192.0.2.1', '100.128.0.1', '2001:db8::1'].map(isPrivate)).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});
