/**
 * Expected failures, each with its own verdict: what a SIP peer, a metric and a retry loop need to
 * know stands in one table beside the code instead of in a switch far away.
 */

interface Verdict {
  /** SIP status that answers a request which ran into it (RFC 3261 section 21). */
  readonly sipStatus: number;
  /** Q.850 cause for a Reason header (RFC 3326). */
  readonly q850: number;
  /** Whether the same request may succeed later or elsewhere. */
  readonly retry: boolean;
}

export const ERROR_TABLE = {
  'no-common-codec': { sipStatus: 488, q850: 88, retry: false },
  'bad-description': { sipStatus: 488, q850: 111, retry: false },
  'no-description': { sipStatus: 488, q850: 111, retry: false },
  'ports-exhausted': { sipStatus: 503, q850: 34, retry: true },
  'engine-full': { sipStatus: 503, q850: 42, retry: true },
  'engine-lost': { sipStatus: 503, q850: 38, retry: true },
  'conference-unknown': { sipStatus: 404, q850: 1, retry: false },
  'not-allowed': { sipStatus: 403, q850: 21, retry: false },
  unauthorized: { sipStatus: 401, q850: 21, retry: false },
  rejected: { sipStatus: 603, q850: 21, retry: false },
  busy: { sipStatus: 486, q850: 17, retry: true },
  'no-answer': { sipStatus: 480, q850: 19, retry: true },
  timeout: { sipStatus: 408, q850: 102, retry: true },
  'transport-failed': { sipStatus: 503, q850: 38, retry: true },
  overloaded: { sipStatus: 503, q850: 42, retry: true },
  draining: { sipStatus: 503, q850: 42, retry: true },
  'no-server': { sipStatus: 503, q850: 41, retry: true },
  'store-failed': { sipStatus: 503, q850: 41, retry: true },
  conflict: { sipStatus: 491, q850: 41, retry: true },
  cancelled: { sipStatus: 487, q850: 16, retry: false },
  closed: { sipStatus: 481, q850: 16, retry: false },
  'bad-request': { sipStatus: 400, q850: 111, retry: false },
  internal: { sipStatus: 500, q850: 41, retry: false },
} as const satisfies Record<string, Verdict>;

export type ErrorCode = keyof typeof ERROR_TABLE;

/** An expected failure. `code` is stable and is also the metric label. */
export class MediaError extends Error {
  override readonly name = 'MediaError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get sipStatus(): number {
    return ERROR_TABLE[this.code].sipStatus;
  }

  get q850(): number {
    return ERROR_TABLE[this.code].q850;
  }

  get retry(): boolean {
    return ERROR_TABLE[this.code].retry;
  }
}
