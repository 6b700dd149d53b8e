/** `minusone mixer …`. */
import type { Command } from 'commander';
import { nothing } from '../client.ts';
import { mixerList } from '../schemas.ts';
import { columns, connectionOf, finish, type Terminal, withServer } from './terminal.ts';

export function addMixerCommands(program: Command, terminal: Terminal): void {
  const mixer = program.command('mixer').description('mixers and their measured load');

  withServer(mixer.command('list'))
    .description('mixers')
    .action(async (_: unknown, command: Command) => {
      const { client, json } = connectionOf(command, terminal);
      const result = await client.request('GET', '/api/v1/mixers', mixerList);
      finish(terminal, result, json, ({ items }) =>
        columns(
          [
            'ID',
            'CLASS',
            'ADDRESS',
            'BUSY',
            'LATE MS',
            'CONFERENCES',
            'CONFEREES',
            'FITS',
            'DRAINING',
          ],
          items.map((item) => [
            item.id,
            item.mixerClass,
            item.address,
            `${(item.busyShare * 100).toFixed(1)}%`,
            item.latenessMs.toFixed(2),
            String(item.conferences),
            String(item.conferees),
            String(Math.floor(item.headroom)),
            item.draining ? 'yes' : 'no',
          ]),
          'no mixer is there',
        ),
      );
    });

  withServer(mixer.command('drain'))
    .description('let a mixer take no new conferences until it is restarted')
    .argument('<id>', 'id of the mixer')
    .action(async (id: string, _: unknown, command: Command) => {
      const { client, json } = connectionOf(command, terminal);
      const path = `/api/v1/mixers/${encodeURIComponent(id)}/drain`;
      const result = await client.request('POST', path, nothing);
      finish(terminal, result, json, () => `${id} takes no new conferences`);
    });
}
