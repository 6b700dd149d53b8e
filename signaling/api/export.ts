/** Lists as JSON, as CSV (RFC 4180) and as JSON lines, with the next page in a Link header (RFC 8288). */
import type { HttpRequest, HttpResponse } from './http-server.ts';
import { json } from './route.ts';

export type Format = 'json' | 'csv' | 'jsonl';

/** What a list may be asked for as, beside JSON. */
export const EXPORT_TYPES = ['text/csv', 'application/x-ndjson'] as const;

export function formatOf(asked: Format | undefined, request: HttpRequest): Format {
  if (asked !== undefined) return asked;
  const accept = request.headers.get('accept') ?? '';
  if (accept.includes('text/csv')) return 'csv';
  return accept.includes('application/x-ndjson') ? 'jsonl' : 'json';
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** `columns` of the CSV, in order. */
export interface Column<T> {
  readonly name: string;
  readonly value: (item: T) => string | number | boolean | null | undefined;
}

export function page<T>(
  request: HttpRequest,
  found: Page<T>,
  format: Format = 'json',
  columns: readonly Column<T>[] = [],
): HttpResponse {
  const headers = linkTo(request, found.next);
  switch (format) {
    case 'json': {
      const response = json(200, { items: found.items, next: found.next });
      return { ...response, headers: { ...response.headers, ...headers } };
    }
    case 'jsonl':
      return {
        status: 200,
        headers: { 'content-type': 'application/x-ndjson; charset=utf-8', ...headers },
        body: found.items.map((item) => `${JSON.stringify(item)}\n`).join(''),
      };
    case 'csv':
      return {
        status: 200,
        headers: { 'content-type': 'text/csv; charset=utf-8; header=present', ...headers },
        body: csv(found.items, columns),
      };
  }
}

function linkTo({ path, query }: HttpRequest, next: string | null): Record<string, string> {
  if (next === null) return {};
  const search = new URLSearchParams(query);
  search.set('after', next);
  return { link: `<${path}?${search}>; rel="next"` };
}

/** RFC 4180: lines end in CRLF, the first one names the columns. */
export function csv<T>(items: readonly T[], columns: readonly Column<T>[]): string {
  const rows = [
    columns.map(({ name }) => name),
    ...items.map((item) => columns.map(({ value }) => cell(value(item)))),
  ];
  return rows.map((row) => `${row.join(',')}\r\n`).join('');
}

function cell(value: string | number | boolean | null | undefined): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'string' ? harmless(value) : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Callers choose their names: a spreadsheet must not take one for a formula. Numbers such as
 * +4930123456 stay as they are.
 */
function harmless(text: string): string {
  return /^(?:[=@\t\r]|[+-](?![0-9]+$))/.test(text) ? `'${text}` : text;
}
