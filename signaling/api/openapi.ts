/** The OpenAPI 3.1 document, made from the routes and the schemas that check them. */
import { z } from 'zod';
import { problemSchema } from './problem.ts';
import type { Route } from './route.ts';

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
      description: 'Audio conferencing: accounts, numbers, live conferences.',
    },
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { Problem: schemaOf(problemSchema, 'output') },
    },
    security: [{ token: [] }],
  };
}

function operation(route: Route): object {
  return {
    operationId: operationId(route),
    tags: [route.tag],
    summary: route.summary,
    ...(route.params === undefined ? {} : { parameters: parameters(route.params) }),
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
        ...(route.response === undefined
          ? {}
          : { content: { 'application/json': { schema: schemaOf(route.response, 'output') } } }),
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

/** `GET /api/v1/conferences/{id}/conferees` → `getConferencesIdConferees`. */
function operationId(route: Route): string {
  const words = route.path.replace('/api/v1', '').match(/[A-Za-z0-9]+/g) ?? [];
  const capital = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return route.method.toLowerCase() + capital.join('');
}

function parameters(params: z.ZodObject): readonly object[] {
  const shape: Readonly<Record<string, z.core.$ZodType>> = params.shape;
  return Object.entries(shape).map(([name, schema]) => ({
    name,
    in: 'path',
    required: true,
    schema: schemaOf(schema, 'input'),
  }));
}

function schemaOf(schema: z.core.$ZodType, io: 'input' | 'output'): object {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}
