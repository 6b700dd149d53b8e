/** The OpenAPI document as tests read it: its operations, and checks of answers against its schemas. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { z } from 'zod';

const schema = z.record(z.string(), z.unknown());
const content = z.record(z.string(), z.object({ schema }));
const operation = z.object({
  operationId: z.string(),
  security: z.array(z.unknown()).optional(),
  'x-scope': z.string().optional(),
  requestBody: z.object({ content }).optional(),
  responses: z.record(z.string(), z.object({ content: content.optional() })),
});
const document = z.looseObject({
  openapi: z.string(),
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.object({ schemas: z.record(z.string(), schema) }),
});

export interface Operation {
  readonly id: string;
  /** Upper case. */
  readonly method: string;
  /** With `{name}` for a parameter. */
  readonly path: string;
  /** Undefined: it needs no token. */
  readonly scope: string | undefined;
  readonly takesBody: boolean;
  readonly responses: z.infer<typeof operation>['responses'];
}

export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly type: string | null;
  readonly body: string;
}

export interface ApiDocument {
  readonly text: string;
  readonly operations: readonly Operation[];
  operationOf(exchange: Exchange): Operation | undefined;
  /** What is wrong with an answer; undefined: it is as the document says. */
  fault(exchange: Exchange): string | undefined;
}

export async function readDocument(base: string): Promise<ApiDocument> {
  const text = await (await fetch(`${base}/api/v1/openapi.json`)).text();
  const { paths, components } = document.parse(JSON.parse(text));
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]) => ({
      id: one.operationId,
      method: method.toUpperCase(),
      path,
      scope: one.security === undefined ? one['x-scope'] : undefined,
      takesBody: one.requestBody !== undefined,
      responses: one.responses,
    })),
  );
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema({ $id: 'https://document.test/', components });
  const operationOf = ({ method, path }: Exchange): Operation | undefined =>
    operations.find((one) => one.method === method && fits(one.path, path));
  return {
    text,
    operations,
    operationOf,
    fault(exchange) {
      const found = operationOf(exchange);
      if (found === undefined) return 'the document has no such operation';
      const said = found.responses[String(exchange.status)] ?? found.responses['default'];
      if (said === undefined) return `status ${exchange.status} is not in the document`;
      if (said.content === undefined) return exchange.body === '' ? undefined : 'expected no body';
      const type = (exchange.type ?? '').split(';')[0] ?? '';
      const media = said.content[type];
      if (media === undefined) return `type ${type} is not in the document`;
      const { $ref, ...inline } = media.schema;
      const value: unknown = type.includes('json') ? JSON.parse(exchange.body) : exchange.body;
      const name = typeof $ref === 'string' ? $ref : undefined;
      const check = ajv.compile(
        name === undefined ? inline : { $ref: `https://document.test/${name}` },
      );
      return check(value) ? undefined : ajv.errorsText(check.errors);
    },
  };
}

function fits(pattern: string, path: string): boolean {
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  return (
    wanted.length === given.length &&
    wanted.every((part, index) => part.startsWith('{') || part === given[index])
  );
}
