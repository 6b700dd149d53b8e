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
import type { Asked, Method, Route, RouteResponse } from './route.ts';
import { type Chosen, Router } from './router.ts';

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
  const router = new Router(options.routes);
  const idempotency = new Idempotency(options.clock);
  return async (received) => {
    const startMs = options.clock.nowMs();
    const request = withClient(received, options.addressOf);
    const { response, label, fields } = await answer(options, { router, idempotency }, request);
    requests.observe((options.clock.nowMs() - startMs) / 1000, {
      method: request.method,
      route: label,
      status: String(response.status),
    });
    return { ...response, headers: { ...SECURITY_HEADERS, ...response.headers, ...fields } };
  };
}

function withClient(request: HttpRequest, addressOf: HandlerOptions['addressOf']): HttpRequest {
  const remoteAddress = addressOf?.(request) ?? request.remoteAddress;
  return remoteAddress === request.remoteAddress ? request : { ...request, remoteAddress };
}

interface State {
  readonly router: Router;
  readonly idempotency: Idempotency;
}

interface Answer {
  readonly response: HttpResponse;
  /** The route's pattern, never the path: metric labels are bounded. */
  readonly label: string;
  /** Of the header, beside those of the response. */
  readonly fields?: Readonly<Record<string, string>>;
}

async function answer(
  options: HandlerOptions,
  { router, idempotency }: State,
  request: HttpRequest,
): Promise<Answer> {
  const chosen = router.find(request.method, request.path);
  if (!('route' in chosen)) {
    const { headers: fields, refusal } = options.limiter.ofAddress(request.remoteAddress);
    if (refusal !== undefined) return { response: refusal, label: 'none', fields };
    const file = request.method === 'GET' ? options.page?.(request) : undefined;
    if (file !== undefined) return { response: file, label: 'page' };
    return { response: unmatched(request, chosen), label: 'none', fields };
  }

  const { route } = chosen;
  const requestId = newRequestId(options.random);
  try {
    const { principal, admission } = await admit(options, route, request);
    const fields = { ...admission.headers, 'x-request-id': requestId };
    if (admission.refusal !== undefined) {
      return { response: admission.refusal, label: route.path, fields };
    }
    const asked = { request, principal, by: { asker: askerOf(principal), requestId } };
    const response =
      authorize(route, principal, request) ?? (await carryOut(idempotency, chosen, asked));
    if (route.method !== 'GET') await options.audit.note(route, asked, response);
    return { response, label: route.path, fields };
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

function unmatched(request: HttpRequest, methods: readonly Method[]): HttpResponse {
  if (methods.length === 0) {
    return problem('not-found', `there is no ${request.path}; see /api/v1/openapi.json`);
  }
  const allow = methods.join(', ');
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
