/** `minusone token …`. */
import { type Command, InvalidArgumentError } from 'commander';
import { nothing } from '../client.ts';
import { tokenCreated, tokenList } from '../token-routes.ts';
import { columns, connectionOf, finish, type Terminal, withServer } from './terminal.ts';

const DAYS = 3650;

function readDays(text: string): number {
  const days = Number(text);
  if (!/^[1-9][0-9]{0,3}$/.test(text) || days > DAYS) {
    throw new InvalidArgumentError(`expected 1 to ${DAYS} days.`);
  }
  return days;
}

export function addTokenCommands(program: Command, terminal: Terminal): void {
  const token = program.command('token').description('tokens of the API, by name');

  withServer(token.command('create'))
    .description('make a token; it is printed this once')
    .argument('<name>', 'for the audit log and to revoke it')
    .option('--account <id>', 'what a host of this account may do; without it: an operator')
    .option('--dial', 'with --account: it may call out')
    .option('--days <count>', 'it expires then; without it: never', readDays)
    .addHelpText(
      'after',
      `\nExamples:\n  minusone token create ci --days 30\n  minusone token create crm --account sales --dial`,
    )
    .action(
      async (
        name: string,
        options: { account?: string; dial?: boolean; days?: number },
        command: Command,
      ) => {
        const { client, json } = connectionOf(command, terminal);
        const made = await client.request('POST', '/api/v1/tokens', tokenCreated, {
          ...{ name, accountId: options.account ?? null },
          ...{ dial: options.dial === true, days: options.days ?? null },
        });
        finish(terminal, made, json, (one) => one.token);
      },
    );

  withServer(token.command('list'))
    .description('all tokens, without what they are')
    .addHelpText('after', '\nExample:\n  minusone token list --json')
    .action(async (_: unknown, command: Command) => {
      const { client, json } = connectionOf(command, terminal);
      const found = await client.request('GET', '/api/v1/tokens', tokenList);
      finish(terminal, found, json, ({ items }) =>
        columns(
          ['NAME', 'SCOPES', 'ACCOUNT', 'MADE', 'EXPIRES'],
          items.map((item) => [
            item.name,
            item.scopes.join(','),
            item.accountId ?? '-',
            item.createdAt,
            item.expiresAt ?? 'never',
          ]),
          'no tokens; make one with: minusone token create NAME',
        ),
      );
    });

  withServer(token.command('revoke'))
    .description('refuse a token from now on; it cannot revoke itself')
    .argument('<name>', 'as "token list" prints it')
    .addHelpText('after', '\nExample:\n  minusone token revoke ci')
    .action(async (name: string, _: unknown, command: Command) => {
      const { client, json } = connectionOf(command, terminal);
      const path = `/api/v1/tokens/${encodeURIComponent(name)}`;
      const revoked = await client.request('DELETE', path, nothing);
      finish(terminal, revoked, json, () => `token ${name} revoked`);
    });
}
