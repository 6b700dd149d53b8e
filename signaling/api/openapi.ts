/** The OpenAPI 3.1 document, made from the routes and the schemas that check them. */
import { z } from 'zod';
import { problemSchema } from './problem.ts';
import type { Route } from './route.ts';
import { streamMessage, subscribe, watchLevels } from './stream-messages.ts';

export function openApiDocument(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    paths[route.path] = {
      ...paths[route.path],
      [route.method.toLowerCase()]: operation(route),
    };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'minusone',
      version,
      description:
        'Audio conferencing: accounts, numbers, live conferences. Errors are problem documents (RFC 9457). Mutating requests take an `Idempotency-Key` header. `GET /api/v1/events` is a WebSocket.',
    },
    paths,
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description:
            'The admin token, or the token of a host from POST /api/v1/host-sessions, which is good for the conferences of its account.',
        },
      },
      schemas: {
        Problem: schemaOf(problemSchema, 'output'),
        Subscribe: schemaOf(subscribe, 'input'),
        WatchLevels: schemaOf(watchLevels, 'input'),
        StreamMessage: schemaOf(streamMessage, 'output'),
      },
    },
    security: [{ token: [] }],
  };
}

function operation(route: Route): object {
  return {
    operationId: operationId(route),
    tags: [route.tag],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    ...(route.scope === 'public' ? { security: [] } : { 'x-scope': route.scope }),
    parameters: [
      ...parameters(route.params, 'path'),
      ...parameters(route.query, 'query'),
      ...(route.method === 'GET' ? [] : [IDEMPOTENCY_KEY]),
    ],
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: schemaOf(route.body, 'input') } },
          },
        }),
    responses: {
      [String(route.status)]: {
        description: route.summary,
        ...(route.response === undefined && route.otherTypes === undefined
          ? {}
          : { content: contentOf(route) }),
      },
      default: {
        description: 'A problem document (RFC 9457)',
        content: {
          'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
        },
      },
    },
  };
}

function contentOf({ response, otherTypes = [] }: Route): object {
  const texts = otherTypes.map((type) => [type, { schema: { type: 'string' } }] as const);
  return {
    ...(response === undefined
      ? {}
      : { 'application/json': { schema: schemaOf(response, 'output') } }),
    ...Object.fromEntries(texts),
  };
}

/** `GET /api/v1/conferences/{id}/conferees` → `getConferencesIdConferees`. */
function operationId(route: Route): string {
  const words = route.path.replace('/api/v1', '').match(/[A-Za-z0-9]+/g) ?? [];
  const capital = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return route.method.toLowerCase() + capital.join('');
}

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The same key again within ten minutes gets the first answer, with its effect once.',
  schema: { type: 'string', minLength: 1, maxLength: 128 },
};

function parameters(params: z.ZodObject | undefined, where: 'path' | 'query'): readonly object[] {
  const shape: Readonly<Record<string, z.core.$ZodType>> = params?.shape ?? {};
  return Object.entries(shape).map(([name, schema]) => ({
    name,
    in: where,
    required: where === 'path',
    schema: schemaOf(schema, 'input'),
  }));
}

function schemaOf(schema: z.core.$ZodType, io: 'input' | 'output'): object {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}
