/** The API from outside: what the command line is built on. Failures are values with an exit code. */
import { z } from 'zod';
import { fail, ok, type Result } from '../../common/result.ts';
import { problemSchema } from './problem.ts';

/** Exit codes of every command that talks to a server; 2 is commander's for wrong usage. */
export const EXIT = { done: 0, refused: 1, usage: 2, unreachable: 3, unauthorized: 4 } as const;

export interface ClientFailure {
  readonly exitCode: number;
  readonly message: string;
}

export interface Client {
  /** `schema`: of the answer; leave it out for commands without one. */
  request<T>(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    schema: z.ZodType<T>,
    body?: unknown,
  ): Promise<Result<T, ClientFailure>>;
  /** One page of an export, and where the next one begins. */
  text(
    path: string,
  ): Promise<Result<{ readonly text: string; readonly next: string | undefined }, ClientFailure>>;
}

export interface ClientOptions {
  readonly url: string;
  readonly token: string | undefined;
  readonly timeoutMs?: number;
}

export const nothing = z.undefined();

export function createClient(options: ClientOptions): Client {
  const { token } = options;
  return {
    async request(method, path, schema, body) {
      const answer = await exchange(options, method, path, body);
      if (!answer.ok) return answer;
      const { status, text, target } = answer.value;
      const value = parse(text);
      if (status >= 400) return fail(refused(status, value, token));
      const checked = schema.safeParse(value);
      if (checked.success) return ok(checked.data);
      return fail({
        exitCode: EXIT.refused,
        message: `${target.href} answered something else than expected; is it a minusone server of this version?`,
      });
    },
    async text(path) {
      const answer = await exchange(options, 'GET', path);
      if (!answer.ok) return answer;
      const { status, text, headers } = answer.value;
      if (status >= 400) return fail(refused(status, parse(text), token));
      // RFC 8288.
      const target = /<([^>]*)>; *rel="next"/.exec(headers.get('link') ?? '')?.[1];
      const next =
        target === undefined ? null : new URL(target, options.url).searchParams.get('after');
      return ok({ text, next: next ?? undefined });
    },
  };
}

interface Exchanged {
  readonly target: URL;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

async function exchange(
  { url, token, timeoutMs = 15_000 }: ClientOptions,
  method: string,
  path: string,
  body?: unknown,
): Promise<Result<Exchanged, ClientFailure>> {
  const target = new URL(path, url);
  try {
    const response = await fetch(target, {
      method,
      headers: {
        accept: 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    return ok({ target, status: response.status, headers: response.headers, text });
  } catch (error) {
    return fail(unreachable(target, error));
  }
}

function unreachable(target: URL, error: unknown): ClientFailure {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const why = cause instanceof Error ? cause.message : String(cause);
  return {
    exitCode: EXIT.unreachable,
    message: `no answer from ${target.origin} (${why}); is the server running? start it with "npm start", or name another with --url`,
  };
}

function refused(status: number, value: unknown, token: string | undefined): ClientFailure {
  if (status === 401 || status === 403) {
    return {
      exitCode: EXIT.unauthorized,
      message:
        token === undefined
          ? 'a token is needed: give --token TOKEN or set MINUSONE_TOKEN; the admin token was printed at first start'
          : 'the server does not take this token; "minusone start --new-admin-token" makes a new one',
    };
  }
  const problem = problemSchema.safeParse(value);
  if (!problem.success) return { exitCode: EXIT.refused, message: `the server answered ${status}` };
  const more = (problem.data.errors ?? [])
    .slice(1)
    .map(({ path, message }) => `\n  ${path}: ${message}`);
  return {
    exitCode: EXIT.refused,
    message: `${problem.data.title}: ${problem.data.detail}${more.join('')}`,
  };
}

function parse(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
