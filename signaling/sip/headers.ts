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
