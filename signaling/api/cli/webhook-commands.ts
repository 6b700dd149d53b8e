/** `minusone webhook …`. */
import type { Command } from 'commander';
import { nothing } from '../client.ts';
import { webhookCreated, webhookList, webhookTried, webhookView } from '../webhook-routes.ts';
import { columns, connectionOf, finish, type Terminal, withServer } from './terminal.ts';

const pathOf = (id: string): string => `/api/v1/webhooks/${encodeURIComponent(id)}`;

const several = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
];

export function addWebhookCommands(program: Command, terminal: Terminal): void {
  const webhook = program.command('webhook').description('other systems that are told of events');

  withServer(webhook.command('add'))
    .description('add an endpoint; its secret is printed this once')
    .argument('<url>', 'http or https; its host must be in webhooks.allowedHosts')
    .option('--account <id>', 'events of this account only')
    .option('--event <kind>', 'events of this kind only; may be repeated', several)
    .addHelpText(
      'after',
      '\nExample:\n  minusone webhook add https://crm.example/minusone --event ended',
    )
    .action(
      async (
        url: string,
        options: { account?: string; event?: readonly string[] },
        command: Command,
      ) => {
        const { client, json } = connectionOf(command, terminal);
        const body = { url, accountId: options.account ?? null, events: options.event ?? null };
        const made = await client.request('POST', '/api/v1/webhooks', webhookCreated, body);
        finish(terminal, made, json, (one) => `webhook ${one.id}\nsecret ${one.secret}`);
      },
    );

  withServer(webhook.command('list'))
    .description('all endpoints and how they do')
    .action(async (_: unknown, command: Command) => {
      const { client, json } = connectionOf(command, terminal);
      const found = await client.request('GET', '/api/v1/webhooks', webhookList);
      finish(terminal, found, json, ({ items }) =>
        columns(
          ['ID', 'URL', 'ACCOUNT', 'EVENTS', 'ENABLED', 'FAILING SINCE', 'LAST ERROR'],
          items.map((item) => [
            item.id,
            item.url,
            item.accountId ?? 'all',
            item.events?.join(',') ?? 'all',
            item.enabled ? 'yes' : 'no',
            item.failingSince ?? '-',
            item.lastError ?? '-',
          ]),
          'no webhooks; add one with: minusone webhook add URL',
        ),
      );
    });

  for (const verb of ['show', 'enable', 'disable'] as const) {
    withServer(webhook.command(verb))
      .description(verb === 'show' ? 'one endpoint' : `${verb} an endpoint`)
      .argument('<id>', 'id of the endpoint')
      .action(async (id: string, _: unknown, command: Command) => {
        const { client, json } = connectionOf(command, terminal);
        const result =
          verb === 'show'
            ? await client.request('GET', pathOf(id), webhookView)
            : await client.request('POST', `${pathOf(id)}/${verb}`, webhookView);
        finish(terminal, result, json || verb === 'show', () => `webhook ${id} ${verb}d`);
      });
  }

  withServer(webhook.command('test'))
    .description('send a test event now and say how it was taken')
    .argument('<id>', 'id of the endpoint')
    .action(async (id: string, _: unknown, command: Command) => {
      const { client, json } = connectionOf(command, terminal);
      const tried = await client.request('POST', `${pathOf(id)}/test`, webhookTried);
      finish(terminal, tried, json, ({ delivered, detail }) =>
        delivered ? `taken: ${detail}` : `not taken: ${detail}`,
      );
    });

  withServer(webhook.command('remove'))
    .description('remove an endpoint')
    .argument('<id>', 'id of the endpoint')
    .action(async (id: string, _: unknown, command: Command) => {
      const { client, json } = connectionOf(command, terminal);
      finish(terminal, await client.request('DELETE', pathOf(id), nothing), json, () => {
        return `webhook ${id} removed`;
      });
    });
}
