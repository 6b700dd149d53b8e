/** One route of the API: what it takes and gives as schemas, so that checks and OpenAPI say the same. */
import { z } from 'zod';
import type { Outside } from '../conference/service-request.ts';
import type { Principal, Scope } from './auth.ts';
import type { HttpRequest, HttpResponse } from './http-server.ts';
import { problem } from './problem.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

interface Described {
  readonly method: Method;
  /** With `{name}` for a parameter. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  /** What the token must allow; `public`: no token. */
  readonly scope: Scope | 'public';
  readonly status: number;
  readonly description?: string;
  /** Of the answer; absent for none. */
  readonly response?: z.ZodType;
  /** Media types of the answer beside JSON. */
  readonly otherTypes?: readonly string[];
  /** Costs next to nothing and must be answered whoever floods us. */
  readonly withoutLimit?: true;
}

export interface Route extends Described {
  readonly params: z.ZodObject | undefined;
  readonly query: z.ZodObject | undefined;
  readonly body: z.ZodType | undefined;
  /** Called once scope and path fit. */
  readonly handle: (
    asked: Asked,
    params: Readonly<Record<string, string>>,
  ) => Promise<RouteResponse>;
}

export interface RouteResponse extends HttpResponse {
  /** Who it turned out to be, for the audit of a public route. */
  readonly by?: string;
}

/** A request, and who it is that asks. */
export interface Asked {
  readonly request: HttpRequest;
  /** Undefined on public routes. */
  readonly principal: Principal | undefined;
  /** For the log of a conference. */
  readonly by: Outside;
}

export interface Call<Params, Body, Query> extends Asked {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
}

const nothing = z.object({});

export function route<
  Params extends z.ZodObject = typeof nothing,
  Body extends z.ZodType = z.ZodUndefined,
  Query extends z.ZodObject = typeof nothing,
>(
  spec: Described & {
    readonly params?: Params;
    readonly query?: Query;
    readonly body?: Body;
    /** Refuses who may not ask before the body is looked at, so that nobody learns from what is said of it. */
    readonly guard?: (
      params: z.output<Params>,
      principal: Principal | undefined,
    ) => Promise<HttpResponse | undefined>;
    readonly handle: (
      call: Call<z.output<Params>, z.output<Body>, z.output<Query>>,
    ) => Promise<RouteResponse>;
  },
): Route {
  const params: z.ZodType = spec.params ?? nothing;
  const query: z.ZodType = spec.query ?? nothing;
  const body: z.ZodType = spec.body ?? z.undefined();
  return {
    ...spec,
    params: spec.params,
    query: spec.query,
    body: spec.body,
    async handle(asked, rawParams) {
      const { request, principal } = asked;
      const checkedParams = params.safeParse(rawParams);
      if (!checkedParams.success) return invalid(checkedParams.error);
      const checkedQuery = query.safeParse(queryOf(request));
      if (!checkedQuery.success) return invalid(checkedQuery.error);
      const refused = await spec.guard?.(checkedParams.data as z.output<Params>, principal);
      if (refused !== undefined) return refused;
      const json = spec.body === undefined ? { value: undefined } : readJson(request);
      if (!('value' in json)) return json.refusal;
      const checkedBody = body.safeParse(json.value);
      if (!checkedBody.success) return invalid(checkedBody.error);
      return spec.handle({
        params: checkedParams.data as z.output<Params>,
        query: checkedQuery.data as z.output<Query>,
        body: checkedBody.data as z.output<Body>,
        ...asked,
      });
    },
  };
}

/** The same for most requests, which have none. */
const NO_QUERY = {};
const queryOf = ({ query }: HttpRequest): object =>
  query.size === 0 ? NO_QUERY : Object.fromEntries(query);

type Json = { readonly value: unknown } | { readonly refusal: HttpResponse };

function readJson(request: HttpRequest): Json {
  const type = request.headers.get('content-type') ?? '';
  if (!/^application\/json\b/i.test(type)) {
    return {
      refusal: problem(
        'media-type',
        `expected content-type application/json, got ${type === '' ? 'none' : JSON.stringify(type)}`,
      ),
    };
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(request.body);
    return { value: JSON.parse(text) };
  } catch {
    return { refusal: problem('bad-request', 'expected a JSON document in UTF-8 as body') };
  }
}

function invalid(error: z.ZodError): HttpResponse {
  const errors = error.issues.map((issue) => ({
    path: issue.path.join('.'),
    message: issue.message,
  }));
  const [first] = errors;
  const detail =
    first === undefined
      ? 'a field is not right'
      : `${first.path === '' ? 'the body' : first.path}: ${first.message}`;
  return problem('invalid', detail, { errors });
}

/** What was made, and where it is to be found. */
export function created(status: 201 | 202, location: string, value: unknown): HttpResponse {
  const { headers, ...rest } = json(status, value);
  return { ...rest, headers: { ...headers, location } };
}

export function json(status: number, value: unknown): HttpResponse {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(value),
  };
}

export const noContent: HttpResponse = { status: 204, headers: {}, body: '' };
