import type { MediaError } from '../errors.ts';
import type { Result } from '../result.ts';

/** Any JSON value. Bodies are validated by the role that receives them, as they come from outside it. */
export type Body = unknown;

export interface RequestOptions {
  /** How long the caller waits before it gets `timeout`. Every request has one. */
  readonly deadlineMs: number;
}

export interface Subscription {
  /** Idempotent. Requests already being handled are answered. */
  close(): Promise<void>;
}

/**
 * How roles meet: request/reply and events, in one process (local-bus.ts) or over NATS
 * (nats-bus.ts). Subjects are dot-separated words; a subscription may end in `>` ("everything below").
 * Nobody but main.ts knows which implementation is in use.
 *
 * A request may be carried out twice (a retry after a timeout), so every handler is idempotent by
 * the request's own id. A body is serialised even in process: nobody shares objects over the bus.
 */
export interface Bus {
  /**
   * Asks whoever serves `subject`; with several servers, one of them.
   * Errors: `no-server` at once when nobody serves, `timeout` after the deadline, `overloaded` when
   * the server's bound is reached, and whatever MediaError code the handler answered with.
   */
  request(subject: string, body: Body, options: RequestOptions): Promise<Result<Body, MediaError>>;

  /** Serves a subject. At most `concurrency` handlers run at once; `queueLimit` more wait; the rest get `overloaded`. */
  serve(
    subject: string,
    handler: (body: Body) => Promise<Result<Body, MediaError>>,
    options?: ServeOptions,
  ): Promise<Subscription>;

  /** Sends an event to every subscriber that is there now; no answer, no memory. */
  publish(subject: string, body: Body): void;

  subscribe(subject: string, handler: (body: Body, subject: string) => void): Promise<Subscription>;

  close(): Promise<void>;
}

export interface ServeOptions {
  readonly concurrency?: number;
  readonly queueLimit?: number;
}
