/**
 * Makes a Config from a YAML file and command-line options, or says by name what is wrong: where it
 * stands, what was expected, what came, what to do. All problems at once, never the first one only.
 */
import { isAlias, isScalar, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { type Config, configSchema, SECRET_KEYS } from './config.ts';
import { crossCheck } from './config-checks.ts';
import { nearest } from './nearest.ts';
import { fail, ok, type Result } from './result.ts';

type Path = readonly (string | number)[];

/** A value that did not come from the file: a command-line option or an environment variable. */
export interface Override {
  readonly path: Path;
  readonly value: unknown;
  /** As the operator wrote it, such as `--sip`. */
  readonly source: string;
}

export interface ConfigSources {
  readonly file?: { readonly name: string; readonly text: string };
  /** Later ones win. */
  readonly overrides?: readonly Override[];
}

/** One line a problem. */
export type ConfigErrors = readonly string[];

export function loadConfig(sources: ConfigSources): Result<Config, ConfigErrors> {
  const parsed = parseFile(sources.file);
  if (!parsed.ok) return parsed;
  const input = structuredClone(parsed.value.value);
  for (const override of sources.overrides ?? []) setAt(input, override.path, override.value);
  const where = (path: Path): string => origin(path, sources.overrides ?? [], parsed.value.lineOf);

  const result = configSchema.safeParse(input);
  if (!result.success) {
    return fail(
      result.error.issues.flatMap((issue) =>
        describeIssue(issue, input).map((problem) => `${where(problem.path)}${problem.message}`),
      ),
    );
  }
  const config = {
    ...result.data,
    mixer: { ...result.data.mixer, adhoc: result.data.mixer.adhoc ?? result.data.demo },
  };
  const problems = crossCheck(config);
  if (problems.length > 0) {
    return fail(problems.map(({ path, message }) => `${where(path)}${path.join('.')}: ${message}`));
  }
  return ok(deepFreeze(config));
}

// ── the file ─────────────────────────────────────────────────────────────────────────────────

interface ParsedFile {
  readonly value: Record<string, unknown>;
  /** Such as `minusone.yaml:12: `; empty when the key is not in the file. */
  readonly lineOf: (path: Path) => string;
}

function parseFile(file: ConfigSources['file']): Result<ParsedFile, ConfigErrors> {
  if (file === undefined) return ok({ value: {}, lineOf: () => '' });
  const lines = new LineCounter();
  const document = parseDocument(file.text, { lineCounter: lines, uniqueKeys: true });
  const [error] = document.errors;
  if (error !== undefined) {
    const [summary = error.message] = error.message.split('\n');
    return fail([`${file.name}: not valid YAML: ${summary.replace(/:$/, '')}`]);
  }
  const value: unknown = document.toJS({ maxAliasCount: 100 }) ?? {};
  if (!isRecord(value)) {
    return fail([
      `${file.name}: expected keys with values such as "sip:", got ${show(value)}; see docs/configuration.md`,
    ]);
  }
  return ok({
    value,
    lineOf: (path) => {
      const node: unknown = document.getIn(path, true);
      const range = isScalar(node) || isAlias(node) || hasRange(node) ? node.range : undefined;
      if (range === undefined || range === null) return '';
      return `${file.name}:${lines.linePos(range[0]).line}: `;
    },
  });
}

function hasRange(node: unknown): node is { readonly range?: readonly [number, number, number] } {
  return typeof node === 'object' && node !== null && 'range' in node;
}

// ── where a value came from ──────────────────────────────────────────────────────────────────

function origin(
  path: Path,
  overrides: readonly Override[],
  lineOf: (path: Path) => string,
): string {
  const override = overrides.findLast(
    (candidate) => isPrefix(candidate.path, path) || isPrefix(path, candidate.path),
  );
  return override === undefined ? lineOf(path) : `${override.source}: `;
}

const isPrefix = (short: Path, long: Path): boolean =>
  short.length <= long.length && short.every((part, index) => part === long[index]);

// ── problems in words ────────────────────────────────────────────────────────────────────────

interface Description {
  readonly path: Path;
  readonly message: string;
}

function describeIssue(issue: z.core.$ZodIssue, input: unknown): readonly Description[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(path);
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: `unknown key ${[...path, key].join('.')}; ${didYouMean(key, path, known)}`,
    }));
  }
  const name = path.join('.');
  const got = SECRET_KEYS.has(String(path.at(-1))) ? '[hidden]' : show(valueAt(input, path));
  return [{ path, message: `${name}: expected ${expectation(issue, input, path)}, got ${got}` }];
}

function didYouMean(key: string, path: Path, known: readonly string[]): string {
  const near = nearest(key, known);
  const others = `known here: ${known.join(', ')}`;
  return near === undefined ? others : `did you mean ${[...path, near].join('.')}? (${others})`;
}

function expectation(issue: z.core.$ZodIssue, input: unknown, path: Path): string {
  const value = valueAt(input, path);
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected === 'int' ? 'a whole number' : withArticle(issue.expected);
    case 'too_small':
      return issue.origin === 'array'
        ? `at least ${issue.minimum} entries`
        : `${issue.origin === 'string' ? 'a length of ' : ''}${issue.minimum} or more`;
    case 'too_big':
      return issue.origin === 'array'
        ? `at most ${issue.maximum} entries`
        : `${issue.origin === 'string' ? 'a length of ' : ''}${issue.maximum} or less`;
    case 'invalid_value': {
      const options = issue.values.map(String);
      const near = typeof value === 'string' ? nearest(value, options) : undefined;
      return `${options.length > 1 ? 'one of ' : ''}${options.join(', ')}${near === undefined ? '' : ` (did you mean ${near}?)`}`;
    }
    default:
      return issue.message;
  }
}

function withArticle(type: string): string {
  const names: Readonly<Record<string, string>> = {
    object: 'a group of keys',
    array: 'a list',
    string: 'a text',
    number: 'a number',
    boolean: 'true or false',
  };
  return names[type] ?? type;
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** Keys that the schema knows at a path. */
export function keysAt(path: Path): readonly string[] {
  let schema: z.core.$ZodType = configSchema;
  for (const part of path) {
    const inner: z.core.$ZodType = unwrap(schema);
    if (inner instanceof z.ZodObject) {
      const next: unknown = inner.shape[String(part)];
      if (!(next instanceof z.ZodType)) return [];
      schema = next;
    } else if (inner instanceof z.ZodArray) {
      schema = inner.element;
    } else {
      return [];
    }
  }
  const found = unwrap(schema);
  return found instanceof z.ZodObject ? Object.keys(found.shape) : [];
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodOptional
  ) {
    return unwrap(schema.unwrap());
  }
  return schema;
}

// ── plain values ─────────────────────────────────────────────────────────────────────────────

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function valueAt(value: unknown, path: Path): unknown {
  let current: unknown = value;
  for (const part of path) {
    if (Array.isArray(current)) current = current[Number(part)];
    else if (isRecord(current)) current = current[String(part)];
    else return undefined;
  }
  return current;
}

/** A wrong shape on the way (the file says `sip: 5`) stays, for the schema to name. */
function setAt(target: Record<string, unknown>, path: Path, value: unknown): void {
  let current = target;
  for (const part of path.slice(0, -1)) {
    const next = current[String(part)] ?? {};
    if (!isRecord(next)) return;
    current[String(part)] = next;
    current = next;
  }
  current[String(path.at(-1))] = value;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
