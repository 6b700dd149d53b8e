/** `minusone calls …`: what was, and why a call was refused. */
import { type Command, InvalidArgumentError } from 'commander';
import type { z } from 'zod';
import { systemClock } from '../../../common/clock.ts';
import { fail, ok, type Result } from '../../../common/result.ts';
import type { Client, ClientFailure } from '../client.ts';
import { EXIT } from '../client.ts';
import {
  callView,
  callViews,
  conferenceRecordViews,
  type refusal,
  refusalList,
} from '../record-schemas.ts';
import { columns, connectionOf, finish, type Terminal, withServer } from './terminal.ts';

interface SearchOptions {
  readonly account?: string;
  readonly caller?: string;
  readonly dnis?: string;
  readonly conference?: string;
  readonly outcome?: string;
  readonly reason?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
  readonly format?: string;
}

export function readTime(text: string): string {
  const minutes = /^([0-9]+)([mhd])$/.exec(text);
  if (minutes !== null) {
    const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000 }[minutes[2] ?? 'm'] ?? 60_000;
    return new Date(systemClock.wallMs() - Number(minutes[1]) * unitMs).toISOString();
  }
  const time = Date.parse(text);
  if (Number.isNaN(time)) {
    throw new InvalidArgumentError('expected a time such as 2026-11-21T14:00Z, or 90m, 12h, 3d.');
  }
  return new Date(time).toISOString();
}

export function readLimit(text: string): number {
  if (!/^[1-9][0-9]{0,6}$/.test(text)) throw new InvalidArgumentError('expected a number.');
  return Number(text);
}

/** Options that every search has. */
function searching(command: Command, limit: number): Command {
  return withServer(command)
    .option('--account <id>', 'of this account')
    .option('--from <time>', 'ended since: a time, or an age such as 90m, 12h, 3d', readTime)
    .option('--to <time>', 'ended before', readTime)
    .option('--limit <count>', 'at most so many, the newest', readLimit, limit);
}

function searchOf(options: SearchOptions): URLSearchParams {
  const search = new URLSearchParams();
  const names = ['account', 'caller', 'dnis', 'conference', 'outcome', 'reason', 'from', 'to'];
  for (const [name, value] of Object.entries(options)) {
    if (names.includes(name) && typeof value === 'string') search.set(name, value);
  }
  return search;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** Pages until there are enough. */
export async function collect<T>(
  client: Client,
  path: string,
  search: URLSearchParams,
  schema: z.ZodType<Page<T>>,
  limit: number,
): Promise<Result<{ readonly items: readonly T[] }, ClientFailure>> {
  const items: T[] = [];
  while (items.length < limit) {
    search.set('limit', String(Math.min(1_000, limit - items.length)));
    const page = await client.request('GET', `${path}?${search}`, schema);
    if (!page.ok) return page;
    items.push(...page.value.items);
    if (page.value.next === null) break;
    search.set('after', page.value.next);
  }
  return ok({ items });
}

export function addCallCommands(program: Command, terminal: Terminal): void {
  const calls = program
    .command('calls')
    .description('calls that have ended: records, refusals, exports');
  addList(calls, terminal);
  addShow(calls, terminal);
  addWhy(calls, terminal);
  addExport(calls, terminal);
  addConferences(calls, terminal);
}

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;

function addList(calls: Command, terminal: Terminal): void {
  searching(calls.command('list'), 50)
    .description('ended calls, the newest first')
    .option('--caller <number>', 'calling number; a prefix ends in *')
    .option('--dnis <number>', 'dialled number; a prefix ends in *')
    .option('--conference <id>', 'that were in this conference')
    .option('--outcome <outcome>', 'conference, waited, refused, abandoned, served, unanswered')
    .addHelpText('after', `\nExample:\n  minusone calls list --account sales --from 1d`)
    .action(async (options: SearchOptions, command: Command) => {
      const { client, json } = connectionOf(command, terminal);
      const search = searchOf(options);
      const path = '/api/v1/call-records';
      const found = await collect(client, path, search, callViews, options.limit);
      finish(terminal, found, json, ({ items }) =>
        columns(
          ['ENDED', 'CALL', 'CALLER', 'DNIS', 'ACCOUNT', 'OUTCOME', 'REASON', 'LENGTH', 'MOS'],
          items.map((item) => [
            item.endedAt,
            item.callId,
            item.callerNumber,
            item.dnis,
            item.accountId ?? '-',
            item.outcome,
            item.reason,
            seconds(item.durationMs),
            item.media?.mos?.toFixed(1) ?? '-',
          ]),
          'no such calls',
        ),
      );
    });
}

function addShow(calls: Command, terminal: Terminal): void {
  withServer(calls.command('show'))
    .description('everything about one ended call')
    .argument('<call>', 'call id, as "calls list" and the log print it')
    .action(async (id: string, _: unknown, command: Command) => {
      const { client } = connectionOf(command, terminal);
      const path = `/api/v1/call-records/${encodeURIComponent(id)}`;
      finish(terminal, await client.request('GET', path, callView), true, () => '');
    });
}

function addWhy(calls: Command, terminal: Terminal): void {
  searching(calls.command('why'), 20)
    .description('why calls were refused, and what to do')
    .argument('[call]', 'call id, or the Call-ID of SIP; default: the newest refusals')
    .option('--caller <number>', 'calling number; a prefix ends in *')
    .option('--dnis <number>', 'dialled number; a prefix ends in *')
    .option('--reason <name>', 'such as locked, conference-full')
    .addHelpText(
      'after',
      `\nExamples:\n  minusone calls why k0123456789ab\n  minusone calls why --caller +4930123456 --from 2h`,
    )
    .action(async (id: string | undefined, options: SearchOptions, command: Command) => {
      const { client, json } = connectionOf(command, terminal);
      const search = searchOf(options);
      if (id !== undefined) search.set('callId', id);
      const path = '/api/v1/refusals';
      const found = await collect(client, path, search, refusalList, options.limit);
      finish(terminal, found, json, ({ items }) =>
        items.length === 0
          ? 'no refused call fits; "calls list" has the others'
          : items.map(explain).join('\n\n'),
      );
    });
}

function explain(item: z.infer<typeof refusal>): string {
  const name = item.callerName === undefined ? '' : `${item.callerName} `;
  const of = item.accountId === null ? '' : `, account ${item.accountId}`;
  return [
    `${item.at}  ${name}${item.callerNumber} dialled ${item.dnis}${of}: ${item.reason}`,
    `  ${item.meaning}`,
    `  What to do: ${item.remedy}`,
    `  call ${item.callId} on ${item.vruId} from ${item.trunk}, Call-ID ${item.sipCallId}`,
  ].join('\n');
}

function addExport(calls: Command, terminal: Terminal): void {
  searching(calls.command('export'), 1_000_000)
    .description('ended calls as CSV (RFC 4180) or JSON lines, to standard output')
    .option('--format <format>', 'csv or jsonl', 'csv')
    .addHelpText('after', `\nExample:\n  minusone calls export --from 30d > calls.csv`)
    .action(async (options: SearchOptions, command: Command) => {
      const { client } = connectionOf(command, terminal);
      const search = searchOf(options);
      search.set('format', options.format ?? 'csv');
      const written = await exportPages(client, search, options.limit, terminal);
      if (written.ok) return;
      terminal.err(`error: ${written.error.message}`);
      terminal.setExitCode(written.error.exitCode);
    });
}

async function exportPages(
  client: Client,
  search: URLSearchParams,
  limit: number,
  terminal: Terminal,
): Promise<Result<void, ClientFailure>> {
  let after: string | undefined;
  for (let left = limit, isFirst = true; left > 0; left -= 1_000, isFirst = false) {
    search.set('limit', String(Math.min(1_000, left)));
    if (after !== undefined) search.set('after', after);
    const page = await client.text(`/api/v1/call-records?${search}`);
    if (!page.ok) return page;
    const { text, next } = page.value;
    // Each page of CSV begins with the names of the columns.
    const isCsv = search.get('format') === 'csv';
    const body = isCsv && !isFirst ? text.slice(text.indexOf('\r\n') + 2) : text;
    // The terminal ends the line; the CR of a CSV line stays.
    if (body !== '') terminal.out(body.replace(/\n$/, ''));
    if (next === undefined) return ok(undefined);
    if (next === after) return fail({ exitCode: EXIT.refused, message: 'the export stands still' });
    after = next;
  }
  return ok(undefined);
}

function addConferences(calls: Command, terminal: Terminal): void {
  searching(calls.command('conferences'), 50)
    .description('ended conferences, the newest first')
    .option('--conference <id>', 'this one')
    .action(async (options: SearchOptions, command: Command) => {
      const { client, json } = connectionOf(command, terminal);
      const path = '/api/v1/conference-records';
      const search = searchOf(options);
      const found = await collect(client, path, search, conferenceRecordViews, options.limit);
      finish(terminal, found, json, ({ items }) =>
        columns(
          ['ENDED', 'ID', 'ACCOUNT', 'LENGTH', 'CONFEREES', 'PEAK', 'ENDED BY', 'MIXERS'],
          items.map((item) => [
            item.endedAt,
            item.conferenceId,
            item.accountId,
            seconds(item.durationMs),
            String(item.conferees),
            String(item.peak),
            item.endedBy,
            item.mixers.join(' '),
          ]),
          'no such conferences',
        ),
      );
    });
}
