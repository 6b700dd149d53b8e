/** `minusone audit`: who changed what through the API. */
import type { Command } from 'commander';
import { auditList } from '../audit-routes.ts';
import { collect, readLimit, readTime } from './record-commands.ts';
import { columns, connectionOf, finish, type Terminal, withServer } from './terminal.ts';

interface AuditOptions {
  readonly by?: string;
  readonly match?: string;
  readonly request?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
}

export function addAuditCommand(program: Command, terminal: Terminal): void {
  withServer(program.command('audit'))
    .description('who changed what through the API, page and command line included, newest first')
    .option('--by <text>', 'text in who did it, such as "host of sales" or the name of a token')
    .option('--match <text>', 'text in what was done, such as the id of a conference')
    .option('--request <id>', 'the one call with this X-Request-Id')
    .option('--from <time>', 'since: a time, or an age such as 90m, 12h, 3d', readTime)
    .option('--to <time>', 'before', readTime)
    .option('--limit <count>', 'at most so many, the newest', readLimit, 50)
    .addHelpText(
      'after',
      `\nExamples:\n  minusone audit --match c0123456789ab\n  minusone audit --by "host of sales" --from 1d`,
    )
    .action(async (options: AuditOptions, command: Command) => {
      const { client, json } = connectionOf(command, terminal);
      const search = searchOf(options);
      const found = await collect(client, '/api/v1/audit', search, auditList, options.limit);
      finish(terminal, found, json, ({ items }) =>
        columns(
          ['AT', 'BY', 'RESULT', 'WHAT', 'PATH', 'FROM', 'REQUEST'],
          items.map((item) => [
            item.at,
            item.by,
            item.problem === '' ? 'done' : `${item.status} ${item.problem}`,
            item.what,
            item.made ?? item.path,
            item.from,
            item.requestId,
          ]),
          'nobody changed anything that fits',
        ),
      );
    });
}

function searchOf({ by, match, request, from, to }: AuditOptions): URLSearchParams {
  const search = new URLSearchParams();
  const asked = { by, match, requestId: request, from, to };
  for (const [name, value] of Object.entries(asked)) {
    if (value !== undefined) search.set(name, value);
  }
  return search;
}
