/**
 * The HTTP surface: health, metrics, page and the REST API under /api/v1. It knows routes and
 * tokens; what they do is behind Backend (backend.ts). It must never know which server carries it
 * (uws.ts) nor touch SIP or media. Start reading at `createHandler`; the routes are in routes.ts.
 */
import type { Clock } from '../../common/clock.ts';
import type { Random } from '../../common/ids.ts';
import type { Logger } from '../../common/log.ts';
import type { Metrics } from '../../common/metrics.ts';
import { newRequestId } from '../conference/service-request.ts';
import { type AuditLog, askerOf } from './audit.ts';
import type { Authenticator, Principal } from './auth.ts';
import type { HttpHandler, HttpRequest, HttpResponse } from './http-server.ts';
import { Idempotency } from './idempotency.ts';
import { problem } from './problem.ts';
import { type Admission, FREE, type RateLimiter } from './rate-limit.ts';
import type { Asked, Route, RouteResponse } from './route.ts';

export interface HandlerOptions {
  readonly routes: readonly Route[];
  readonly authenticator: Authenticator;
  readonly limiter: RateLimiter;
  readonly audit: Pick<AuditLog, 'note'>;
  readonly random: Random;
  /** Whose request it is; the peer's address unless proxies stand in front. */
  readonly addressOf?: (request: HttpRequest) => string;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** The files of the page; undefined: no such file. */
  readonly page?: (request: HttpRequest) => HttpResponse | undefined;
}

const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

const SECONDS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3] as const;

export function createHandler(options: HandlerOptions): HttpHandler {
  const requests = options.metrics.histogram(
    'minusone_http_request_seconds',
    'Time to answer an HTTP request.',
    SECONDS,
    ['method', 'route', 'status'],
  );
  const table = options.routes.map((route) => ({ route, segments: route.path.split('/') }));
  const idempotency = new Idempotency(options.clock);
  return async (received) => {
    const startMs = options.clock.nowMs();
    const request = withClient(received, options.addressOf);
    const { response, label } = await answer(options, { table, idempotency }, request);
    requests.observe((options.clock.nowMs() - startMs) / 1000, {
      method: request.method,
      route: label,
      status: String(response.status),
    });
    return { ...response, headers: { ...SECURITY_HEADERS, ...response.headers } };
  };
}

function withClient(request: HttpRequest, addressOf: HandlerOptions['addressOf']): HttpRequest {
  const remoteAddress = addressOf?.(request) ?? request.remoteAddress;
  return remoteAddress === request.remoteAddress ? request : { ...request, remoteAddress };
}

interface TableEntry {
  readonly route: Route;
  readonly segments: readonly string[];
}

interface State {
  readonly table: readonly TableEntry[];
  readonly idempotency: Idempotency;
}

interface Answer {
  readonly response: HttpResponse;
  /** The route's pattern, never the path: metric labels are bounded. */
  readonly label: string;
}

async function answer(
  options: HandlerOptions,
  { table, idempotency }: State,
  request: HttpRequest,
): Promise<Answer> {
  const segments = request.path.split('/');
  const fitting = table.flatMap(({ route, segments: pattern }) => {
    const params = match(pattern, segments);
    return params === undefined ? [] : [{ route, params }];
  });
  const chosen = fitting.find(({ route }) => route.method === request.method);
  if (chosen === undefined) {
    const { headers, refusal } = options.limiter.ofAddress(request.remoteAddress);
    if (refusal !== undefined) return { response: withFields(refusal, headers), label: 'none' };
    const file = request.method === 'GET' ? options.page?.(request) : undefined;
    if (file !== undefined) return { response: file, label: 'page' };
    return { response: withFields(unmatched(request, fitting), headers), label: 'none' };
  }

  const { route } = chosen;
  const requestId = newRequestId(options.random);
  try {
    const { principal, admission } = await admit(options, route, request);
    if (admission.refusal !== undefined) {
      return { response: withFields(admission.refusal, admission.headers), label: route.path };
    }
    const asked = { request, principal, by: { asker: askerOf(principal), requestId } };
    const response =
      authorize(route, principal, request) ?? (await carryOut(idempotency, chosen, asked));
    if (route.method !== 'GET') await options.audit.note(route, asked, response);
    const headers = { ...admission.headers, 'x-request-id': requestId };
    return { response: withFields(response, headers), label: route.path };
  } catch (error) {
    // Our bug: this request fails, the process goes on.
    options.log.error(
      { err: error, route: route.path, requestId },
      'a request failed by a fault of ours',
    );
    const response = problem('internal', `see the log of the server, requestId ${requestId}`);
    return { response, label: route.path };
  }
}

const withFields = (response: HttpResponse, headers: Admission['headers']): HttpResponse => ({
  ...response,
  headers: { ...response.headers, ...headers },
});

/** Who asks, and whether not too often: by the token where there is a good one, else by the address. */
async function admit(
  { authenticator, limiter }: HandlerOptions,
  route: Route,
  request: HttpRequest,
): Promise<{ readonly principal: Principal | undefined; readonly admission: Admission }> {
  if (route.withoutLimit === true) return { principal: undefined, admission: FREE };
  const principal =
    route.scope === 'public'
      ? undefined
      : await authenticator.authenticate(request.headers.get('authorization'));
  const admission =
    principal === undefined ? limiter.ofAddress(request.remoteAddress) : limiter.ofToken(principal);
  return { principal, admission };
}

interface Chosen {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

function carryOut(
  idempotency: Idempotency,
  { route, params }: Chosen,
  asked: Asked,
): Promise<RouteResponse> {
  const { request, principal } = asked;
  const handle = (): Promise<RouteResponse> => route.handle(asked, params);
  // A code exchange is public and its answer is a secret: it is never remembered.
  if (route.method === 'GET' || principal === undefined) return handle();
  return idempotency.once(request, principal.name, handle);
}

function unmatched(
  request: HttpRequest,
  fitting: readonly { readonly route: Route }[],
): HttpResponse {
  if (fitting.length === 0) {
    return problem('not-found', `there is no ${request.path}; see /api/v1/openapi.json`);
  }
  const allow = fitting.map(({ route }) => route.method).join(', ');
  return problem('method-not-allowed', `expected ${allow}, got ${request.method}`, {
    headers: { allow },
  });
}

function authorize(
  route: Route,
  principal: Principal | undefined,
  request: HttpRequest,
): HttpResponse | undefined {
  if (route.scope === 'public') return undefined;
  if (principal === undefined) {
    const given = request.headers.has('authorization');
    return problem(
      'unauthorized',
      given
        ? 'the token is not known or has expired; use the one printed at first start'
        : 'expected a header "authorization: Bearer TOKEN"; the admin token was printed at first start',
      { headers: { 'www-authenticate': 'Bearer realm="minusone"' } },
    );
  }
  if (!principal.scopes.includes(route.scope)) {
    return problem('forbidden', `expected a token with scope ${route.scope}`);
  }
  return undefined;
}

function match(
  pattern: readonly string[],
  segments: readonly string[],
): Readonly<Record<string, string>> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] ?? '';
    if (part.startsWith('{')) {
      const value = decode(segment);
      if (value === undefined || value === '') return undefined;
      params[part.slice(1, -1)] = value;
    } else if (part !== segment) {
      return undefined;
    }
  }
  return params;
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
