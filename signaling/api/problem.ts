/** Errors of the API as problem documents (RFC 9457): one shape for every refusal. */

import { z } from 'zod';
import type { MediaError } from '../../common/errors.ts';
import type { Result } from '../../common/result.ts';
import type { HttpResponse } from './http-server.ts';

export const problemSchema = z.object({
  type: z.string().describe('Names the kind of problem; stable.'),
  title: z.string().describe('The kind of problem in words.'),
  status: z.number().int().describe('The HTTP status once more.'),
  detail: z.string().describe('What was expected, what came, what to do.'),
  errors: z
    .array(z.object({ path: z.string(), message: z.string() }))
    .optional()
    .describe('Each field that was refused.'),
});
export type Problem = z.infer<typeof problemSchema>;

const TITLES = {
  'bad-request': [400, 'The request cannot be understood'],
  unauthorized: [401, 'A token is needed'],
  forbidden: [403, 'This token does not allow it'],
  'not-found': [404, 'There is no such thing'],
  'method-not-allowed': [405, 'The path does not take this method'],
  conflict: [409, 'It does not fit what is there'],
  'body-too-long': [413, 'The body is too long'],
  'media-type': [415, 'The body must be JSON'],
  invalid: [422, 'Some fields are not right'],
  'code-refused': [403, 'This code does not open the page'],
  'upgrade-required': [426, 'This is a WebSocket'],
  'too-many': [429, 'Too many at once'],
  'too-often': [429, 'Too many requests'],
  'key-reused': [422, 'The idempotency key belongs to another request'],
  internal: [500, 'A fault of this program'],
  overloaded: [503, 'Busy, try again'],
  unavailable: [503, 'Not available now'],
  timeout: [504, 'No answer in time'],
} as const satisfies Record<string, readonly [number, string]>;

export type ProblemKind = keyof typeof TITLES;

export function problem(
  kind: ProblemKind,
  detail: string,
  extra: { readonly errors?: Problem['errors']; readonly headers?: Record<string, string> } = {},
): HttpResponse {
  const [status, title] = TITLES[kind];
  const body: Problem = { type: `urn:minusone:problem:${kind}`, title, status, detail };
  return {
    status,
    headers: { 'content-type': 'application/problem+json', ...extra.headers },
    body: JSON.stringify(extra.errors === undefined ? body : { ...body, errors: extra.errors }),
  };
}

/** The kind of problem that a response is; undefined: none. */
export function kindOf({ status, body }: HttpResponse): string | undefined {
  if (status < 400 || typeof body !== 'string') return undefined;
  return /^\{"type":"urn:minusone:problem:([a-z-]+)"/.exec(body)?.[1];
}

/** The answer of a backend: its value, or the problem document of its error. */
export function reply<T>(
  result: Result<T, MediaError>,
  answer: (value: T) => HttpResponse,
): HttpResponse {
  return result.ok ? answer(result.value) : problemOf(result.error);
}

/** An expected failure of a role, as the API tells it. */
export function problemOf(error: MediaError): HttpResponse {
  const retryLater = { headers: { 'retry-after': '1' } };
  switch (error.code) {
    case 'conference-unknown':
    case 'closed':
      return problem('not-found', error.message);
    case 'conflict':
      return problem('conflict', error.message);
    case 'bad-request':
      return problem('invalid', error.message);
    case 'not-allowed':
      return problem('forbidden', error.message);
    case 'timeout':
      return problem('timeout', error.message, retryLater);
    case 'overloaded':
    case 'busy':
      return problem('overloaded', error.message, retryLater);
    case 'internal':
      return problem('internal', error.message);
    default:
      return problem('unavailable', error.message, retryLater);
  }
}
