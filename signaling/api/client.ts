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
}

export interface ClientOptions {
  readonly url: string;
  readonly token: string | undefined;
  readonly timeoutMs?: number;
}

export const nothing = z.undefined();

export function createClient({ url, token, timeoutMs = 15_000 }: ClientOptions): Client {
  return {
    async request(method, path, schema, body) {
      const target = new URL(path, url);
      let response: Response;
      let text: string;
      try {
        response = await fetch(target, {
          method,
          headers: {
            accept: 'application/json',
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          signal: AbortSignal.timeout(timeoutMs),
        });
        text = await response.text();
      } catch (error) {
        return fail(unreachable(target, error));
      }
      const value = parse(text);
      if (!response.ok) return fail(refused(response.status, value, token));
      const checked = schema.safeParse(value);
      if (checked.success) return ok(checked.data);
      return fail({
        exitCode: EXIT.refused,
        message: `${target.href} answered something else than expected; is it a minusone server of this version?`,
      });
    },
  };
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
