import { check } from '../../common/check.ts';
import { splitList } from './grammar.ts';

export interface HeaderField {
  readonly name: string;
  readonly value: string;
}

/** The header fields of one message, in order. Names compare without case; compact forms (RFC 3261 section 7.3.3) are equal to the long ones. */
export interface Headers extends Iterable<HeaderField> {
  /** The first field's value. */
  get(name: string): string | undefined;
  /** All fields' values, in order, unsplit. */
  all(name: string): readonly string[];
  /** All values, comma-separated lists split where the header's grammar is a list (Via, Route, Contact, Supported …). */
  list(name: string): readonly string[];
  has(name: string): boolean;
  /** Copies with the change; a Headers value never changes. */
  with(name: string, value: string): Headers;
  append(name: string, value: string): Headers;
  prepend(name: string, value: string): Headers;
  without(name: string): Headers;
  /** Drops the first value of a list header (Via of a response, Route). */
  withoutFirst(name: string): Headers;
}

/** RFC 3261 section 20 and the IANA registry. */
const COMPACT_FORMS: Readonly<Record<string, string>> = {
  a: 'accept-contact',
  b: 'referred-by',
  c: 'content-type',
  d: 'request-disposition',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  j: 'reject-contact',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  n: 'identity-info',
  o: 'event',
  r: 'refer-to',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
  x: 'session-expires',
  y: 'identity',
};

/** Header fields whose grammar is a comma list of equal items, so that two fields mean the same as one. */
const LISTS = new Set(
  `via route record-route contact supported require proxy-require unsupported allow accept
  accept-encoding accept-language accept-contact reject-contact content-encoding content-language
  allow-events in-reply-to alert-info call-info error-info warning path service-route diversion
  history-info reason p-asserted-identity p-preferred-identity p-associated-uri recv-info
  security-client security-server security-verify geolocation feature-caps`.split(/\s+/),
);

const KNOWN_NAMES = new Map<string, string>();
for (const [compact, long] of Object.entries(COMPACT_FORMS)) {
  KNOWN_NAMES.set(compact, long);
  KNOWN_NAMES.set(compact.toUpperCase(), long);
}
for (const name of `Via Route Record-Route Contact From To Call-ID CSeq Max-Forwards Content-Length
  Content-Type Allow Supported Require User-Agent Server Date Expires Session-Expires Min-SE RSeq RAck
  Reason Warning Retry-After Authorization Proxy-Authorization WWW-Authenticate Proxy-Authenticate
  Subject Accept Event Diversion P-Asserted-Identity P-Called-Party-ID Proxy-Require Timestamp`.split(
  /\s+/,
)) {
  KNOWN_NAMES.set(name, name.toLowerCase());
  KNOWN_NAMES.set(name.toLowerCase(), name.toLowerCase());
}

/** Lower-case long form, by which names compare. */
export function canonicalName(name: string): string {
  const known = KNOWN_NAMES.get(name);
  if (known !== undefined) return known;
  const lower = name.toLowerCase();
  return KNOWN_NAMES.get(lower) ?? lower;
}

export function isListHeader(name: string): boolean {
  return LISTS.has(canonicalName(name));
}

interface Entry extends HeaderField {
  readonly key: string;
}

class HeaderList implements Headers {
  readonly #entries: readonly Entry[];

  constructor(entries: readonly Entry[]) {
    this.#entries = entries;
  }

  get(name: string): string | undefined {
    const key = canonicalName(name);
    for (const entry of this.#entries) if (entry.key === key) return entry.value;
    return undefined;
  }

  all(name: string): readonly string[] {
    const key = canonicalName(name);
    const values: string[] = [];
    for (const entry of this.#entries) if (entry.key === key) values.push(entry.value);
    return values;
  }

  list(name: string): readonly string[] {
    const key = canonicalName(name);
    if (!LISTS.has(key)) return this.all(key);
    const values: string[] = [];
    for (const entry of this.#entries) {
      if (entry.key === key) values.push(...splitList(entry.value));
    }
    return values;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** In the place of the first such field; further ones go away. */
  with(name: string, value: string): Headers {
    const added = entryOf(name, value);
    const at = this.#entries.findIndex((entry) => entry.key === added.key);
    if (at < 0) return new HeaderList([...this.#entries, added]);
    const rest = this.#entries.slice(at + 1).filter((entry) => entry.key !== added.key);
    return new HeaderList([...this.#entries.slice(0, at), added, ...rest]);
  }

  append(name: string, value: string): Headers {
    return new HeaderList([...this.#entries, entryOf(name, value)]);
  }

  prepend(name: string, value: string): Headers {
    return new HeaderList([entryOf(name, value), ...this.#entries]);
  }

  without(name: string): Headers {
    const key = canonicalName(name);
    return new HeaderList(this.#entries.filter((entry) => entry.key !== key));
  }

  withoutFirst(name: string): Headers {
    const key = canonicalName(name);
    const at = this.#entries.findIndex((entry) => entry.key === key);
    const first = this.#entries[at];
    if (first === undefined) return this;
    const rest = LISTS.has(key) ? splitList(first.value).slice(1) : [];
    const kept = rest.length === 0 ? [] : [{ ...first, value: rest.join(', ') }];
    return new HeaderList([...this.#entries.slice(0, at), ...kept, ...this.#entries.slice(at + 1)]);
  }

  *[Symbol.iterator](): Iterator<HeaderField> {
    yield* this.#entries;
  }
}

function entryOf(name: string, value: string): Entry {
  // A value from the wire has no line end; one of ours with it would be a header injection.
  check(
    !value.includes('\n') && !value.includes('\r'),
    `header ${name}: line end in the value; escape or quote it first`,
  );
  return { name, value, key: canonicalName(name) };
}

export function createHeaders(
  fields: Iterable<HeaderField | readonly [name: string, value: string]> = [],
): Headers {
  const entries: Entry[] = [];
  for (const field of fields) {
    entries.push(isPair(field) ? entryOf(field[0], field[1]) : entryOf(field.name, field.value));
  }
  return new HeaderList(entries);
}

/** For the parser, whose values cannot hold line ends. */
export function headersFromWire(fields: readonly HeaderField[]): Headers {
  const entries: Entry[] = [];
  for (const { name, value } of fields) entries.push({ name, value, key: canonicalName(name) });
  return new HeaderList(entries);
}

function isPair(
  field: HeaderField | readonly [name: string, value: string],
): field is readonly [name: string, value: string] {
  return Array.isArray(field);
}
