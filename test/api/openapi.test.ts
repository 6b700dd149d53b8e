/**
 * The OpenAPI document held against others: a validator that knows the standard, a generator that
 * makes a client of it, a program on that client that calls every operation of the built system with
 * real calls in a conference; and every answer against the schemas of the document.
 */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createClient } from '@hey-api/openapi-ts';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Server, startServer, TOKEN } from '../e2e/server.ts';
import { openPhones, type Phones } from '../web/phones.ts';
import { type ApiDocument, type Exchange, readDocument } from './document.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');

/** As strict as a careful user of the client has it. */
const TSCONFIG = {
  compilerOptions: {
    ...{ strict: true, module: 'nodenext', target: 'es2023', types: ['node'], skipLibCheck: true },
    ...{ rootDir: 'client', outDir: 'out' },
  },
  include: ['client'],
};

const CONFIG = `
trunks:
  - { name: nowhere, servers: ['127.0.0.1:9'], allowedPrefixes: ['+4930'] }
webhooks:
  allowedHosts: ['127.0.0.1:9']
`;
const ACCOUNT = {
  ...{ id: 'caller', name: 'Caller', waitingMode: 'start' },
  ...{ hostCodes: ['77110001'], participantCodes: ['77110002'] },
  outdial: { list: [{ number: '+4930777', name: 'Seven' }] },
};

/** No answer of it can be fetched: it is a WebSocket. */
const NOT_CALLED = ['getEvents'];

let server: Server;
let phones: Phones;
let document: ApiDocument;
let folder: string;

beforeAll(async () => {
  server = await startServer({ config: CONFIG });
  phones = await openPhones(server);
  document = await readDocument(server.http);
  mkdirSync(join(ROOT, 'dist'), { recursive: true });
  // Inside, so that the types of Node are found.
  folder = mkdtempSync(join(ROOT, 'dist/client-'));
  const made = await fetch(`${server.http}/api/v1/accounts`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify(ACCOUNT),
  });
  expect(made.status, await made.text()).toBe(201);
});
afterAll(async () => {
  await phones?.close();
  await server?.close();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

const exchange = z.object({
  method: z.string(),
  path: z.string(),
  status: z.number(),
  type: z.string().nullable(),
  body: z.string(),
});

/** Makes, compiles and runs the client; what it printed. */
async function runProgram(): Promise<{ exchanges: readonly Exchange[]; complaints: string }> {
  const input = join(folder, 'openapi.json');
  writeFileSync(input, document.text);
  const logs = { file: false, level: 'silent' } as const;
  const plugins = ['@hey-api/client-fetch', '@hey-api/typescript', '@hey-api/sdk'] as const;
  const tsConfigPath = join(folder, 'tsconfig.json');
  writeFileSync(tsConfigPath, JSON.stringify(TSCONFIG));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const output = { path: join(folder, 'client'), tsConfigPath };
  await createClient({ input, output, plugins: [...plugins], logs });
  const source = new URL('./client-program.txt', import.meta.url);
  copyFileSync(source, join(folder, 'client/program.ts'));
  await run(process.execPath, [TSC, '-p', folder]).catch((error: unknown) => {
    const { stdout } = z.object({ stdout: z.string() }).parse(error);
    throw new Error(`the client does not compile: ${stdout}`);
  });
  const program = join(folder, 'out/program.js');
  const ran = await run(process.execPath, [program, server.http, TOKEN], { maxBuffer: 1 << 26 });
  const lines = ran.stdout.trimEnd().split('\n');
  return {
    exchanges: lines.map((line) => exchange.parse(JSON.parse(line))),
    complaints: ran.stderr,
  };
}

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(
      z.looseObject({}).parse(JSON.parse(document.text)),
    );
    expect(errors).toBeUndefined();
    expect([valid, validator.version]).toEqual([true, '3.1']);
  });

  it('names each operation once', () => {
    const ids = document.operations.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThan(45);
  });

  it('makes a client that compiles and does everything, and every answer is as the document says', async () => {
    const host = phones.call(0, { dtmf: '77110001#' });
    const guest = phones.call(1, { dtmf: '77110002#' });
    const { exchanges, complaints } = await runProgram();
    expect(complaints).toBe('');
    const faults = exchanges.flatMap((one) => {
      const fault = document.fault(one);
      const { method, path, status, body } = one;
      return fault === undefined ? [] : [`${method} ${path}: ${fault} in ${status} ${body}`];
    });
    expect(faults).toEqual([]);
    const done = exchanges.filter(({ status }) => status < 300);
    const called = new Set(done.map((one) => document.operationOf(one)?.id));
    const missing = document.operations.map(({ id }) => id).filter((id) => !called.has(id));
    expect(missing, 'operations that client-program.txt does not call').toEqual(NOT_CALLED);
    host.hangUp();
    guest.hangUp();
    await Promise.all([host.over, guest.over]);
  });
});
