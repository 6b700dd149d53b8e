import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatNameAddress,
  formatSipUri,
  type NameAddress,
  parseNameAddress,
  parseSipUri,
  type SipUri,
  sipUri,
} from './uri.ts';
import { sameUri } from './uri-compare.ts';

const parsed = (text: string): SipUri => {
  const uri = parseSipUri(text);
  if (!uri.ok) throw new Error(`${text}: ${uri.error.detail}`);
  return uri.value;
};
const problemOf = (text: string): string => {
  const uri = parseSipUri(text);
  return uri.ok ? 'ok' : `${uri.error.code} ${uri.error.status}`;
};

describe('parseSipUri', () => {
  it('takes a URI apart', () => {
    const uri = parsed(
      'sip:al%20ice:se%3acret@[2001:db8::1]:5070;Transport=TCP;lr?Subject=a%26b&x=',
    );
    expect(uri).toEqual({
      scheme: 'sip',
      user: 'al ice',
      password: 'se:cret',
      host: '[2001:db8::1]',
      port: 5070,
      parameters: new Map([
        ['transport', 'TCP'],
        ['lr', ''],
      ]),
      headers: new Map([
        ['subject', 'a&b'],
        ['x', ''],
      ]),
    });
  });

  it('reads tel and the NETANN form of a conference', () => {
    expect(parsed('tel:+1-201-555-0123;phone-context=example.com')).toMatchObject({
      scheme: 'tel',
      user: '+1-201-555-0123',
      host: '',
    });
    expect(parsed('sip:conf=c123@127.0.0.1:5070;conferee=p1')).toMatchObject({ user: 'conf=c123' });
  });

  it('tolerates # in the user part, as keypads send it, and prints it escaped', () => {
    expect(parsed('sip:*72#@h').user).toBe('*72#');
    expect(formatSipUri(parsed('sip:*72#@h'))).toBe('sip:*72%23@h');
  });

  it.each([
    ['sip:', 'uri 400'],
    ['', 'uri 400'],
    ['alice', 'uri 400'],
    ['sip:@h', 'uri 400'],
    ['sip:a@', 'uri 400'],
    ['sip:a@h:', 'uri 400'],
    ['sip:a@h:0', 'uri 400'],
    ['sip:a@h:65536', 'uri 400'],
    ['sip:a@h:5060x', 'uri 400'],
    ['sip:a@b@h', 'uri 400'],
    ['sip:a%2@h', 'uri 400'],
    ['sip:a%zz@h', 'uri 400'],
    ['sip:a b@h', 'uri 400'],
    ['sip:a@h;', 'uri 400'],
    ['sip:a@h;lr;lr', 'uri 400'],
    ['sip:a@h?x', 'uri 400'],
    ['sip:a@[2001:db8::1', 'uri 400'],
    ['sip:a@[12345::]', 'uri 400'],
    ['sip:a@[fe80::1%eth0]', 'uri 400'],
    ['sip:a@[2001:db8:::1]', 'uri 400'],
    ['sip:<a@h>', 'uri 400'],
    [`sip:${'a'.repeat(5000)}@h`, 'uri 414'],
    ['http://example.com/', 'unknown-scheme 416'],
    ['urn:service:sos', 'unknown-scheme 416'],
    ['1x:y', 'uri 400'],
  ])('%s: %s', (text, expected) => {
    expect(problemOf(text)).toBe(expected);
  });
});

describe('sameUri (RFC 3261 section 19.1.4)', () => {
  it.each([
    ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;newparam=5'],
    [
      'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
      'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
    ],
    [
      'sip:alice@atlanta.com?subject=project%20x&priority=urgent',
      'sip:alice@atlanta.com?priority=urgent&subject=project%20x',
    ],
    ['tel:+1-201-555-0123', 'tel:+12015550123'],
  ])('%s = %s', (left, right) => {
    expect(sameUri(parsed(left), parsed(right))).toBe(true);
    expect(sameUri(parsed(right), parsed(left))).toBe(true);
  });

  it.each([
    ['SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting'],
    ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4'],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;security=off'],
    ['sip:a@h', 'sips:a@h'],
  ])('%s is not %s', (left, right) => {
    expect(sameUri(parsed(left), parsed(right))).toBe(false);
    expect(sameUri(parsed(right), parsed(left))).toBe(false);
  });
});

const host = fc.oneof(fc.domain(), fc.ipV4(), fc.constant('[2001:db8::7:1]'));
const word = fc.string({ minLength: 1, maxLength: 12 });
const anyText = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 });
const lower = word.map((text) => text.toLowerCase());
const parameterMap = fc.uniqueArray(fc.tuple(lower, fc.oneof(fc.constant(''), anyText)), {
  maxLength: 4,
  selector: ([name]) => name,
});
const uriArbitrary: fc.Arbitrary<SipUri> = fc
  .record({
    scheme: fc.constantFrom('sip' as const, 'sips' as const),
    user: fc.option(anyText, { nil: undefined }),
    password: fc.option(anyText, { nil: undefined }),
    host,
    port: fc.option(fc.integer({ min: 1, max: 65535 }), { nil: undefined }),
    parameters: parameterMap.map((entries) => new Map(entries)),
    headers: parameterMap.map((entries) => new Map(entries)),
  })
  .map((uri) => (uri.user === undefined ? { ...uri, password: undefined } : uri));

describe('URIs, properties', () => {
  it('parse(print(uri)) = uri', () => {
    fc.assert(
      fc.property(uriArbitrary, (uri) => {
        expect(parsed(formatSipUri(uri))).toEqual(uri);
      }),
    );
  });

  it('parse(print(address)) = address', () => {
    const token = fc.string({
      unit: fc.constantFrom(...'abcxyz019-.!%*_+`~'),
      minLength: 1,
      maxLength: 8,
    });
    const address: fc.Arbitrary<NameAddress> = fc.record({
      displayName: fc.option(
        anyText.map((text) => text.replaceAll(/[\r\n]/g, ' ')),
        { nil: undefined },
      ),
      uri: uriArbitrary,
      parameters: fc
        .uniqueArray(
          fc.tuple(
            token,
            anyText.map((text) => text.replaceAll(/[\r\n]/g, ' ')),
          ),
          { maxLength: 4, selector: ([name]) => name },
        )
        .map((entries) => new Map(entries)),
    });
    fc.assert(
      fc.property(address, (value) => {
        expect(parseNameAddress(formatNameAddress(value))).toEqual({ ok: true, value });
      }),
    );
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        parseSipUri(text);
        parseSipUri(`sip:${text}`);
        parseNameAddress(text);
        parseNameAddress(`"${text}" <sip:${text}>;${text}`);
      }),
    );
  });
});

describe('name-addr', () => {
  it('gives parameters without brackets to the header field (section 20)', () => {
    const address = parseNameAddress('sip:a@h;tag=1;x');
    expect(address.ok && [...address.value.parameters]).toEqual([
      ['tag', '1'],
      ['x', ''],
    ]);
    expect(address.ok && address.value.uri.parameters.size).toBe(0);
  });

  it.each([
    '"a <sip:h>',
    '<sip:h',
    'a, b <sip:h>',
    '<sip:h>x',
    '<sip:h>;',
    '<sip:h>;;a',
    '<sip:h>;a=',
    '<sip:h>;a="x',
    '<sip:h>;a;A',
    'sip:h?x=y',
    '"x" sip:h',
  ])('refuses %s', (text) => {
    expect(parseNameAddress(text)).toMatchObject({ ok: false, error: { status: 400 } });
  });

  it('prints names and IPv6 hosts so that they can be read', () => {
    const uri = sipUri('2001:db8::1', { user: 'a', port: 5060 });
    expect(formatNameAddress({ displayName: 'A "B" \\', uri, parameters: new Map() })).toBe(
      '"A \\"B\\" \\\\" <sip:a@[2001:db8::1]:5060>',
    );
    expect(
      formatNameAddress({ displayName: 'x\r\nEvil: 1', uri, parameters: new Map() }),
    ).not.toContain('\n');
  });
});
