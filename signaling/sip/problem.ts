/**
 * What is wrong with input from the wire, as a value: a stable code for the counter, a sentence for
 * the log and for the Warning of an answer, and the status that would answer a request which has it.
 */
import type { SipRequest } from './message.ts';

export type ProblemCode =
  /** Not SIP at all: no start line, binary, only line ends. Never answered. */
  | 'not-sip'
  | 'start-line'
  | 'version'
  | 'header-syntax'
  | 'missing-header'
  | 'duplicate-header'
  | 'via'
  | 'address'
  | 'uri'
  | 'unknown-scheme'
  | 'cseq'
  | 'number'
  | 'parameter'
  | 'content-length'
  | 'too-large'
  | 'credentials';

export interface ParseProblem {
  readonly code: ProblemCode;
  readonly detail: string;
  /** 400 unless the RFC names another: 416 unknown scheme, 505 version, 513 too large. */
  readonly status: number;
}

/** A message that could not be parsed. */
export interface MessageProblem extends ParseProblem {
  /**
   * What to answer with `status`, if that is safe: a request other than ACK in which Via, From, To,
   * Call-ID and CSeq were found (RFC 3261 section 8.2.6.2 copies these). Fields are as received and need not
   * parse; the body is left out. Responses and headless requests have none: drop and count.
   */
  readonly answerable: SipRequest | undefined;
}

export function problem(code: ProblemCode, detail: string, status = 400): ParseProblem {
  return { code, detail, status };
}
