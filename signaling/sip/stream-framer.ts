/**
 * Cuts a byte stream into SIP messages (RFC 3261 section 18.3: Content-Length) and sees the keep-alives
 * of RFC 5626 section 4.4.1 between them. What a peer can make it hold is bounded, and no byte is looked
 * at twice, however small the pieces it comes in.
 */
import { parseDecimal } from './grammar.ts';
import { DEFAULT_LIMITS, type MessageLimits } from './parser.ts';

export type Frame =
  | { readonly type: 'message'; readonly bytes: Uint8Array }
  /** Double CRLF: to be answered with one CRLF. */
  | { readonly type: 'ping' }
  /** Where the next message begins cannot be known: answer what parses of `bytes`, then close. */
  | { readonly type: 'broken'; readonly bytes: Uint8Array };

const CR = 0x0d;
const LF = 0x0a;

export class StreamFramer {
  readonly #limits: MessageLimits;
  #buffer: Buffer = Buffer.alloc(0);
  /** Unread bytes are buffer[start, end). */
  #start = 0;
  #end = 0;
  /** Up to here no blank line was found. */
  #scanned = 0;
  /** Length of the message at `start`, once its header section is complete. */
  #needed: number | undefined;
  /** A single line end came after the last message: with another one it is a ping. */
  #afterLineEnd = false;
  #broken = false;

  constructor(limits: MessageLimits = DEFAULT_LIMITS) {
    this.#limits = limits;
  }

  /** Whether a message has begun and not ended: its sender must not take for ever. */
  get isPartial(): boolean {
    return this.#end > this.#start;
  }

  push(chunk: Uint8Array): Frame[] {
    if (this.#broken) return [];
    this.#append(chunk);
    const frames: Frame[] = [];
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) {
      frames.push(frame);
      if (frame.type === 'broken') break;
    }
    return frames;
  }

  #append(chunk: Uint8Array): void {
    const held = this.#end - this.#start;
    if (this.#end + chunk.length > this.#buffer.length) {
      const needed = held + chunk.length;
      const target =
        needed > this.#buffer.length
          ? Buffer.allocUnsafe(Math.max(needed * 2, 2048))
          : this.#buffer;
      this.#buffer.copy(target, 0, this.#start, this.#end);
      this.#buffer = target;
      this.#scanned -= this.#start;
      this.#start = 0;
      this.#end = held;
    }
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  #next(): Frame | undefined {
    if (this.#needed === undefined) {
      const lineEnds = this.#skipLineEnds();
      if (lineEnds !== undefined) return lineEnds;
      const headEnd = this.#findHeadEnd();
      if (headEnd === 'broken') return this.#break();
      if (headEnd === undefined) return undefined;
      const length = framedLength(this.#buffer.toString('latin1', this.#start, headEnd - 2));
      const total = headEnd - this.#start + (length ?? 0);
      if (length === undefined || total > this.#limits.messageBytes) return this.#break();
      this.#needed = total;
    }
    if (this.#end - this.#start < this.#needed) return undefined;
    const bytes = Buffer.from(this.#buffer.subarray(this.#start, this.#start + this.#needed));
    this.#start += this.#needed;
    this.#scanned = this.#start;
    this.#needed = undefined;
    this.#afterLineEnd = false;
    if (this.#start === this.#end) this.#reset();
    return { type: 'message', bytes };
  }

  /** Between messages: two line ends are a ping, a single one is a pong or filling. */
  #skipLineEnds(): Frame | undefined {
    while (this.#end - this.#start >= 2 && this.#isLineEnd(this.#start)) {
      this.#start += 2;
      this.#scanned = this.#start;
      if (this.#start === this.#end) this.#reset();
      this.#afterLineEnd = !this.#afterLineEnd;
      if (!this.#afterLineEnd) return { type: 'ping' };
    }
    return undefined;
  }

  #isLineEnd(at: number): boolean {
    return this.#buffer[at] === CR && this.#buffer[at + 1] === LF;
  }

  /** Index after the blank line. */
  #findHeadEnd(): number | 'broken' | undefined {
    const from = Math.max(this.#scanned, this.#start);
    const at = this.#buffer.subarray(0, this.#end).indexOf('\r\n\r\n', from, 'latin1');
    const head = (at < 0 ? this.#end : at + 4) - this.#start;
    if (head > this.#limits.headerBytes) return 'broken';
    if (at >= 0) return at + 4;
    this.#scanned = Math.max(this.#start, this.#end - 3);
    return undefined;
  }

  #break(): Frame {
    this.#broken = true;
    const bytes = Buffer.from(this.#buffer.subarray(this.#start, this.#end));
    this.#reset();
    return { type: 'broken', bytes };
  }

  /** A connection that waits holds no memory. */
  #reset(): void {
    this.#buffer = Buffer.alloc(0);
    this.#start = 0;
    this.#end = 0;
    this.#scanned = 0;
  }
}

/** The Content-Length of a header section; undefined if there is not exactly one good one. */
function framedLength(head: string): number | undefined {
  let value: string | undefined;
  for (let at = 0; at < head.length; ) {
    const lineEnd = head.indexOf('\r\n', at);
    const end = lineEnd < 0 ? head.length : lineEnd;
    if (isLengthField(head, at)) {
      if (value !== undefined) return undefined;
      value = head.slice(head.indexOf(':', at) + 1, end);
      // Folded (section 7.3.1): goes on in the next line.
      for (let next = end + 2; isSpace(head.charCodeAt(next)); ) {
        const nextEnd = head.indexOf('\r\n', next);
        value += head.slice(next, nextEnd < 0 ? head.length : nextEnd);
        next = nextEnd < 0 ? head.length : nextEnd + 2;
      }
    }
    at = end + 2;
  }
  return value === undefined ? undefined : parseDecimal(value.trim(), Number.MAX_SAFE_INTEGER);
}

const LENGTH_NAMES = ['content-length', 'l'];

function isLengthField(head: string, at: number): boolean {
  const first = head.charCodeAt(at) | 0x20;
  if (first !== 0x63 && first !== 0x6c) return false;
  const name = head.slice(at, at + 20).split(':', 1)[0] ?? '';
  return LENGTH_NAMES.includes(name.trimEnd().toLowerCase());
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
