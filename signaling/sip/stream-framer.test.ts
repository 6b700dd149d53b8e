import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from './parser.ts';
import { type Frame, StreamFramer } from './stream-framer.ts';

const message = (name: string, body = '', length = 'Content-Length'): string =>
  `OPTIONS sip:${name} SIP/2.0\r\nX: ${name}\r\n${length}: ${body.length}\r\n\r\n${body}`;
const shown = (frames: readonly Frame[]): string[] =>
  frames.map((frame) => (frame.type === 'ping' ? 'ping' : `${frame.type}:${String(frame.bytes)}`));
const push = (framer: StreamFramer, text: string): string[] =>
  shown(framer.push(Buffer.from(text)));

describe('StreamFramer', () => {
  it('cuts messages however the bytes arrive', () => {
    const parts = [
      message('a', 'one\r\n\r\n'),
      '\r\n',
      message('b', '', 'l'),
      '\r\n\r\n',
      message('c', 'x'.repeat(3000), 'CONTENT-LENGTH  '),
      '\r\n\r\n\r\n',
      message('d', 'abc', 'Content-Length').replace(': 3', ':\r\n 3'),
    ];
    const expected = ['a', 'b', 'ping', 'c', 'ping', 'd'];
    const stream = Buffer.from(parts.join(''));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }), (sizes) => {
        const framer = new StreamFramer();
        const frames: Frame[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1;
          frames.push(...framer.push(stream.subarray(at, at + size)));
          at += size;
        }
        const names = frames.map((frame) =>
          frame.type === 'message' ? String(frame.bytes).slice(12, 13) : frame.type,
        );
        expect(names).toEqual(expected);
        expect(framer.isPartial).toBe(false);
      }),
    );
  });

  it('answers a ping split in the middle, and takes a single line end for a pong', () => {
    const framer = new StreamFramer();
    expect(push(framer, '\r\n\r')).toEqual([]);
    expect(push(framer, '\n')).toEqual(['ping']);
    expect(push(framer, '\r\n')).toEqual([]);
    expect(framer.isPartial).toBe(false);
    expect(push(framer, message('a'))).toEqual([`message:${message('a')}`]);
  });

  it.each([
    ['no Content-Length', 'OPTIONS sip:a SIP/2.0\r\nX: 1\r\n\r\n'],
    ['a negative one', 'OPTIONS sip:a SIP/2.0\r\nContent-Length: -5\r\n\r\n'],
    ['two of them', 'OPTIONS sip:a SIP/2.0\r\nl: 0\r\nContent-Length: 0\r\n\r\n'],
    ['one above the limit', 'OPTIONS sip:a SIP/2.0\r\nl: 100000\r\n\r\n'],
    ['a header section without end', `OPTIONS sip:a SIP/2.0\r\nX: ${'y'.repeat(40_000)}`],
  ])('gives up on %s', (_name, text) => {
    const framer = new StreamFramer();
    const frames = framer.push(Buffer.from(text));
    expect(frames.map((frame) => frame.type)).toEqual(['broken']);
    expect(framer.push(Buffer.from(message('a')))).toEqual([]);
  });

  it('takes 64 KB byte by byte without looking at any twice', () => {
    const framer = new StreamFramer();
    const text = Buffer.from(message('a', 'x'.repeat(DEFAULT_LIMITS.messageBytes - 200)));
    const startMs = performance.now();
    let frames = 0;
    for (const byte of text) frames += framer.push(Buffer.of(byte)).length;
    expect(frames).toBe(1);
    expect(performance.now() - startMs).toBeLessThan(1000);
  });
});
