/**
 * The Bus inside one process. It behaves as a network would as far as that matters: bodies are
 * serialised, handlers start in a later turn, deadlines run, every queue has a bound. It must never
 * know what travels over it. Start reading at `request`.
 *
 *   request ─▶ the least loaded server of the subject ─▶ [queue ≤ queueLimit] ─▶ ≤ concurrency handlers
 */
import type { Clock } from '../clock.ts';
import { ERROR_TABLE, type ErrorCode, MediaError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { CounterMetric, Metrics } from '../metrics.ts';
import { fail, ok, type Result } from '../result.ts';
import type { Body, Bus, RequestOptions, ServeOptions, Subscription } from './bus.ts';

/** Bounds of a subject whose server names none: enough for a burst, small enough to notice a stuck server. */
const DEFAULT_CONCURRENCY = 256;
const DEFAULT_QUEUE_LIMIT = 1024;

type Handler = (body: Body) => Promise<Result<Body, MediaError>>;
type Answer = Result<Body, MediaError>;

interface Job {
  readonly json: string;
  readonly settle: (answer: Answer) => void;
  /** The caller gave up; a job that has not begun need not begin. */
  abandoned: boolean;
}

interface Server {
  readonly subject: string;
  readonly handler: Handler;
  readonly concurrency: number;
  readonly queueLimit: number;
  readonly queue: Job[];
  running: number;
}

interface Subscriber {
  readonly pattern: string;
  readonly handler: (body: Body, subject: string) => void;
  open: boolean;
}

export interface LocalBusOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

export class LocalBus implements Bus {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #answers: CounterMetric;
  readonly #servers = new Map<string, Server[]>();
  readonly #subscribers = new Set<Subscriber>();
  /** Rotates the choice among equally loaded servers. */
  #turn = 0;
  #closed = false;

  constructor(options: LocalBusOptions) {
    this.#clock = options.clock;
    this.#log = options.log;
    this.#answers = options.metrics.counter(
      'minusone_bus_answers_total',
      'Requests on the bus by outcome',
      ['outcome'],
    );
  }

  async request(subject: string, body: Body, options: RequestOptions): Promise<Answer> {
    const answer = await this.#dispatch(subject, body, options);
    this.#answers.add(1, { outcome: answer.ok ? 'ok' : answer.error.code });
    return answer;
  }

  #dispatch(subject: string, body: Body, options: RequestOptions): Promise<Answer> {
    if (this.#closed) return Promise.resolve(refuse('closed', 'the bus is closed'));
    const json = serialise(body);
    const servers = this.#servers.get(subject);
    if (servers === undefined || servers.length === 0) {
      return Promise.resolve(refuse('no-server', `nobody serves ${subject}`));
    }
    const server = this.#choose(servers);
    if (server === undefined) {
      return Promise.resolve(refuse('overloaded', `every server of ${subject} is at its bound`));
    }
    return new Promise((resolve) => {
      const timer = this.#clock.after(options.deadlineMs, () => {
        job.abandoned = true;
        resolve(refuse('timeout', `${subject} did not answer within ${options.deadlineMs} ms`));
      });
      const job: Job = {
        json,
        abandoned: false,
        settle: (answer) => {
          timer.cancel();
          resolve(answer);
        },
      };
      server.queue.push(job);
      this.#advance(server);
    });
  }

  /** The server with the least work that still has room. */
  #choose(servers: readonly Server[]): Server | undefined {
    let best: Server | undefined;
    this.#turn += 1;
    for (let offset = 0; offset < servers.length; offset++) {
      const server = servers[(this.#turn + offset) % servers.length];
      if (server === undefined) continue;
      const full = server.running >= server.concurrency && server.queue.length >= server.queueLimit;
      if (full) continue;
      if (best === undefined || load(server) < load(best)) best = server;
    }
    return best;
  }

  #advance(server: Server): void {
    while (server.running < server.concurrency) {
      const job = server.queue.shift();
      if (job === undefined) return;
      if (job.abandoned) continue;
      server.running += 1;
      void this.#handle(server, job);
    }
  }

  async #handle(server: Server, job: Job): Promise<void> {
    // In a later turn, as over a network: nobody may rely on an answer within the call.
    await Promise.resolve();
    try {
      const answer = await server.handler(JSON.parse(job.json));
      job.settle(answer.ok ? ok(JSON.parse(serialise(answer.value))) : fail(copy(answer.error)));
    } catch (error) {
      this.#log.error({ subject: server.subject, err: error }, 'handler of a bus request threw');
      job.settle(refuse('internal', `the server of ${server.subject} failed`));
    } finally {
      server.running -= 1;
      this.#advance(server);
    }
  }

  serve(subject: string, handler: Handler, options: ServeOptions = {}): Promise<Subscription> {
    const server: Server = {
      subject,
      handler,
      concurrency: options.concurrency ?? DEFAULT_CONCURRENCY,
      queueLimit: options.queueLimit ?? DEFAULT_QUEUE_LIMIT,
      queue: [],
      running: 0,
    };
    this.#servers.set(subject, [...(this.#servers.get(subject) ?? []), server]);
    return Promise.resolve({
      close: () => {
        const left = (this.#servers.get(subject) ?? []).filter((other) => other !== server);
        if (left.length === 0) this.#servers.delete(subject);
        else this.#servers.set(subject, left);
        return Promise.resolve();
      },
    });
  }

  publish(subject: string, body: Body): void {
    if (this.#closed) return;
    const json = serialise(body);
    for (const subscriber of this.#subscribers) {
      if (!matches(subscriber.pattern, subject)) continue;
      queueMicrotask(() => this.#deliver(subscriber, subject, json));
    }
  }

  #deliver(subscriber: Subscriber, subject: string, json: string): void {
    if (!subscriber.open) return;
    try {
      subscriber.handler(JSON.parse(json), subject);
    } catch (error) {
      this.#log.error({ subject, err: error }, 'subscriber of a bus event threw');
    }
  }

  subscribe(
    subject: string,
    handler: (body: Body, subject: string) => void,
  ): Promise<Subscription> {
    const subscriber: Subscriber = { pattern: subject, handler, open: true };
    this.#subscribers.add(subscriber);
    return Promise.resolve({
      close: () => {
        subscriber.open = false;
        this.#subscribers.delete(subscriber);
        return Promise.resolve();
      },
    });
  }

  close(): Promise<void> {
    this.#closed = true;
    for (const servers of this.#servers.values()) {
      for (const server of servers) {
        for (const job of server.queue.splice(0)) job.settle(refuse('closed', 'the bus is closed'));
      }
    }
    this.#servers.clear();
    this.#subscribers.clear();
    return Promise.resolve();
  }
}

function load(server: Server): number {
  return server.running + server.queue.length;
}

/** `a.b.>` is everything below `a.b`. */
function matches(pattern: string, subject: string): boolean {
  return pattern.endsWith('.>') ? subject.startsWith(pattern.slice(0, -1)) : pattern === subject;
}

function serialise(body: Body): string {
  return JSON.stringify(body ?? null);
}

function refuse(code: ErrorCode, message: string): Answer {
  return fail(new MediaError(code, message));
}

/** Only the code and the words cross the bus, never an object with its causes. */
function copy(error: MediaError): MediaError {
  const known = Object.hasOwn(ERROR_TABLE, error.code);
  return new MediaError(known ? error.code : 'internal', error.message);
}
