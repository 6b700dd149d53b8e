import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../common/ids.ts';
import { mutate, tortureMessages } from './conformance/mutate.ts';
import { createHeaders } from './headers.ts';
import { EMPTY_BODY, responseTo, type SipMessage, type SipRequest } from './message.ts';
import { parseMessage } from './parser.ts';
import { serializeMessage } from './serializer.ts';
import { decodeText, encodeText } from './text.ts';

const FIELDS = [
  'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx',
  'From: <sip:a@h>;tag=1',
  'To: <sip:b@h>',
  'Call-ID: c',
  'CSeq: 1 OPTIONS',
];
const text = (start: string, fields: readonly string[], body = ''): Buffer =>
  Buffer.from(`${start}\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n${body}`);
const OPTIONS = 'OPTIONS sip:b@h SIP/2.0';
const problemOf = (bytes: Uint8Array, stream = false) => {
  const parsed = parseMessage(bytes, { stream });
  return parsed.ok
    ? 'ok'
    : `${parsed.error.status} ${parsed.error.code} ${parsed.error.answerable ? 'answer' : 'drop'}`;
};

describe('parseMessage', () => {
  it('reads what our serializer writes', () => {
    const request: SipRequest = {
      kind: 'request',
      method: 'MESSAGE',
      uri: 'sip:b@h',
      headers: createHeaders(
        ['Via: SIP/2.0/UDP h;branch=z9hG4bK1', ...FIELDS.slice(1, 4), 'CSeq: 7 MESSAGE'].map(
          (line) => {
            const colon = line.indexOf(':');
            return [line.slice(0, colon), line.slice(colon + 2)] as const;
          },
        ),
      ),
      body: encodeText('grüße'),
    };
    const parsed = parseMessage(serializeMessage(request));
    expect(parsed.ok && Buffer.from(parsed.value.body).toString()).toBe('grüße');
    expect(parsed.ok && parsed.value.headers.get('Content-Length')).toBe('7');
  });

  it.each([
    ['unknown version', text('OPTIONS sip:b@h SIP/3.0', FIELDS), '505 version answer'],
    ['no From', text(OPTIONS, FIELDS.toSpliced(1, 1)), '400 missing-header answer'],
    ['no Via', text(OPTIONS, FIELDS.slice(1)), '400 missing-header drop'],
    ['no CSeq', text(OPTIONS, FIELDS.slice(0, 4)), '400 missing-header drop'],
    ['To twice', text(OPTIONS, [...FIELDS, 't: <sip:c@h>']), '400 duplicate-header answer'],
    ['line without colon', text(OPTIONS, [...FIELDS, 'nonsense']), '400 header-syntax answer'],
    ['leading folding', text(OPTIONS, [' x', ...FIELDS]), '400 header-syntax answer'],
    ['bare LF', text(OPTIONS, [...FIELDS, 'X: a\nEvil: b']), '400 header-syntax answer'],
    ['bare CR', text(OPTIONS, [...FIELDS, 'X: a\rEvil: b']), '400 header-syntax answer'],
    [
      'no blank line',
      Buffer.from(`${OPTIONS}\r\n${FIELDS.join('\r\n')}`),
      '400 header-syntax answer',
    ],
    ['other CSeq method', text('INVITE sip:b@h SIP/2.0', FIELDS), '400 cseq answer'],
    ['Max-Forwards 256', text(OPTIONS, [...FIELDS, 'Max-Forwards: 256']), '400 number answer'],
    ['negative length', text(OPTIONS, [...FIELDS, 'l: -1']), '400 content-length answer'],
    [
      'length beyond 2^53',
      text(OPTIONS, [...FIELDS, 'l: 99999999999999999']),
      '400 content-length answer',
    ],
    ['length beyond the limit', text(OPTIONS, [...FIELDS, 'l: 70000']), '513 too-large answer'],
    ['short body', text(OPTIONS, [...FIELDS, 'l: 5'], 'abc'), '400 content-length answer'],
    ['an ACK', text('ACK sip:b@h SIP/2.0', FIELDS), '400 cseq drop'],
    [
      'a response without To',
      text('SIP/2.0 200 OK', FIELDS.toSpliced(2, 1)),
      '400 missing-header drop',
    ],
    ['a response of another version', text('SIP/3.0 200 OK', FIELDS), '400 version drop'],
    ['status 99', text('SIP/2.0 099 x', FIELDS), '400 start-line drop'],
    ['binary', Buffer.from([0, 1, 2, 3, 255, 254]), '400 not-sip drop'],
    ['HTTP', text('GET / HTTP/1.1', ['Host: x']), '400 not-sip drop'],
    ['a line end in the version', text('OPTIONS sip:b@h SIP/2\n.0', FIELDS), '400 not-sip drop'],
    ['a line end in the phrase', text('SIP/2.0 200 a\rb', FIELDS), '400 not-sip drop'],
    ['nothing', Buffer.alloc(0), '400 not-sip drop'],
    ['line ends', Buffer.from('\r\n\r\n'), '400 not-sip drop'],
  ])('%s', (_name, bytes, expected) => {
    expect(problemOf(bytes)).toBe(expected);
  });

  it('ignores line ends in front and bytes after Content-Length', () => {
    const bytes = Buffer.concat([
      Buffer.from('\r\n\r\n'),
      text(OPTIONS, [...FIELDS, 'l: 2'], 'abcd'),
    ]);
    const parsed = parseMessage(bytes);
    expect(parsed.ok && Buffer.from(parsed.value.body).toString()).toBe('ab');
  });

  it('takes all of a datagram without Content-Length, and refuses that on a stream', () => {
    const bytes = text(OPTIONS, FIELDS, 'abcd');
    const parsed = parseMessage(bytes);
    expect(parsed.ok && parsed.value.body.length).toBe(4);
    expect(problemOf(bytes, true)).toBe('400 content-length answer');
  });

  it('keeps the answerable part free of line ends', () => {
    const parsed = parseMessage(text(OPTIONS, [...FIELDS, 'X: a\nEvil: b']));
    if (parsed.ok || parsed.error.answerable === undefined) throw new Error('expected a problem');
    const answer = serializeMessage(responseTo(parsed.error.answerable, 400));
    expect(Buffer.from(answer).toString()).not.toMatch(/[^\r]\n/);
  });

  it('gives back bytes that are not UTF-8', () => {
    const bytes = Buffer.concat([
      Buffer.from(`${OPTIONS}\r\n${FIELDS.join('\r\n')}\r\nSubject: caf`),
      Buffer.from([0xe9, 0x20, 0xff, 0xc3, 0xa9]),
      Buffer.from('\r\nContent-Length: 0\r\n\r\n'),
    ]);
    const parsed = parseMessage(bytes);
    expect(parsed.ok && Buffer.from(serializeMessage(parsed.value)).equals(bytes)).toBe(true);
  });
});

describe('hostile input is bounded', () => {
  it.each([
    ['10,000 header fields', text(OPTIONS, [...FIELDS, ...Array<string>(10_000).fill('X: 1')])],
    ['300 header fields', text(OPTIONS, [...FIELDS, ...Array<string>(300).fill('X: 1')])],
    ['a line of 40 KB', text(OPTIONS, [...FIELDS, `X: ${'y'.repeat(40_000)}`])],
    ['a message above the limit', text(OPTIONS, FIELDS, 'x'.repeat(70_000))],
  ])('%s: 513', (_name, bytes) => {
    expect(problemOf(bytes)).toBe('513 too-large answer');
  });

  it.each([
    ['nested quotes', `X: ${'"\\"'.repeat(9000)}`],
    ['backslashes', `To: "${'\\'.repeat(30_000)}`],
    ['commas', `Route: ${','.repeat(30_000)}`],
    ['semicolons', `From: <sip:a@h>${';a'.repeat(14_000)}`],
    ['angle brackets', `Contact: ${'<'.repeat(30_000)}`],
    ['folding', `X: a${'\r\n '.repeat(9000)}b`],
    ['white space', `CSeq: 1${' '.repeat(30_000)}OPTIONS`],
    ['percent signs', `From: <sip:${'%41'.repeat(9000)}@h>;tag=1`],
  ])('%s: within 50 ms', (_name, line) => {
    const bytes = text(OPTIONS, [...FIELDS, line]);
    const startMs = performance.now();
    const parsed = parseMessage(bytes);
    if (parsed.ok) for (const { name } of parsed.value.headers) parsed.value.headers.list(name);
    expect(performance.now() - startMs).toBeLessThan(50);
  });
});

const token = fc.string({
  unit: fc.constantFrom(...'abcXYZ019-.!%*_+'),
  minLength: 1,
  maxLength: 10,
});
const lineText = fc
  .string({ unit: 'grapheme', maxLength: 30 })
  .map((value) => value.replaceAll(/[\r\n]/g, '').trim());
const messages: fc.Arbitrary<SipMessage> = fc
  .record({
    isRequest: fc.boolean(),
    method: token,
    status: fc.integer({ min: 100, max: 699 }),
    reasonPhrase: lineText,
    extra: fc.array(
      fc.tuple(
        token.map((name) => `X-${name}`),
        lineText,
      ),
      { maxLength: 8 },
    ),
    cseq: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    callId: token,
    body: fc.uint8Array({ maxLength: 80 }),
  })
  .map((made): SipMessage => {
    const headers = createHeaders([
      ['Via', `SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK${made.callId}`],
      ['From', '<sip:a@h>;tag=1'],
      ['To', '"ü" <sip:b@h>'],
      ['Call-ID', made.callId],
      ['CSeq', `${made.cseq} ${made.method}`],
      ...made.extra,
      ['Content-Length', String(made.body.length)],
    ]);
    const { method, status, reasonPhrase } = made;
    const body = made.body.length === 0 ? EMPTY_BODY : made.body;
    return made.isRequest
      ? { kind: 'request', method, uri: 'sip:b@h', headers, body }
      : { kind: 'response', status, reasonPhrase, headers, body };
  });

describe('messages, properties', () => {
  it('parse(print(m)) = m', () => {
    fc.assert(
      fc.property(messages, (message) => {
        const parsed = parseMessage(serializeMessage(message));
        if (!parsed.ok) throw new Error(parsed.error.detail);
        const { headers, body, ...rest } = parsed.value;
        const { headers: sentHeaders, body: sentBody, ...sentRest } = message;
        expect(rest).toEqual(sentRest);
        expect([...headers].map(({ name, value }) => [name, value])).toEqual(
          [...sentHeaders].map(({ name, value }) => [name, value]),
        );
        expect(Buffer.from(body).equals(sentBody)).toBe(true);
      }),
    );
  });

  it('any bytes survive decodeText and encodeText', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expect(Buffer.from(bytes).equals(encodeText(decodeText(bytes)))).toBe(true);
      }),
    );
  });

  it('survives 20,000 seeded mutations of the torture messages, and what it answers can be printed', () => {
    const seeds = tortureMessages();
    const random = seededRandom(20_261_121);
    let parsedCount = 0;
    for (let round = 0; round < 20_000; round++) {
      const bytes = mutate(Buffer.from(seeds[random.below(seeds.length)] ?? []), random);
      const parsed = parseMessage(bytes, { stream: random.below(2) === 0 });
      if (parsed.ok) {
        parsedCount += 1;
        const printed = serializeMessage(parsed.value);
        const again = parseMessage(printed);
        if (!again.ok) throw new Error(`round ${round}: ${again.error.detail}`);
      } else if (parsed.error.answerable !== undefined) {
        serializeMessage(responseTo(parsed.error.answerable, parsed.error.status, { toTag: 't' }));
      }
    }
    expect(parsedCount).toBeGreaterThan(1000);
  });
});
