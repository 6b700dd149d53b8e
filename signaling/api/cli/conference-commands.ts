/** `minusone conference …` and `minusone mixer …`. */
import { type Command, InvalidArgumentError } from 'commander';
import { EXIT, nothing } from '../client.ts';
import {
  type ConferenceView,
  conferenceList,
  conferenceView,
  dialListStarted,
  dialStarted,
  mixerList,
} from '../schemas.ts';
import { columns, connectionOf, finish, type Terminal, withServer } from './terminal.ts';

const conferencePath = (id: string): string => `/api/v1/conferences/${encodeURIComponent(id)}`;

function readOrdinal(text: string): number {
  if (!/^[1-9][0-9]*$/.test(text)) {
    throw new InvalidArgumentError(
      'expected an ordinal such as 1, as "conference show" prints it.',
    );
  }
  return Number(text);
}

export function addConferenceCommands(program: Command, terminal: Terminal): void {
  const conference = program.command('conference').description('conferences that go on now');
  addReading(conference, terminal);
  addWhole(conference, terminal);
  addByOrdinal(conference, terminal);
  addDialling(conference, terminal);
}

interface DialOptions {
  readonly name?: string;
  readonly confirm: boolean;
  readonly list?: boolean;
}

function addDialling(conference: Command, terminal: Terminal): void {
  withServer(conference.command('dial'))
    .description('call somebody into the conference, or with --list everybody on the list')
    .argument('<id>', 'id of the conference')
    .argument('[number]', 'as a person writes it')
    .option('--name <name>', 'for the roster')
    .option('--no-confirm', 'let in whoever answers, also a machine')
    .option('--list', 'the list of the account')
    .addHelpText(
      'after',
      `\nExamples:\n  minusone conference dial c0123456789ab +4930123456 --name Alice\n  minusone conference dial c0123456789ab --list`,
    )
    .action(
      async (id: string, number: string | undefined, options: DialOptions, command: Command) => {
        if ((number === undefined) === (options.list !== true)) {
          command.error('error: expected a number or --list, one of them', {
            exitCode: EXIT.usage,
          });
        }
        const { client, json } = connectionOf(command, terminal);
        const path = conferencePath(id);
        if (number === undefined) {
          const result = await client.request('POST', `${path}/dial-list`, dialListStarted);
          finish(terminal, result, json, ({ dialIds }) => `${dialIds.length} calls under way`);
          return;
        }
        const { name, confirm } = options;
        const body = { number, confirm, ...(name === undefined ? {} : { name }) };
        const result = await client.request('POST', `${path}/dial`, dialStarted, body);
        finish(terminal, result, json, (made) => `${made.number} is called, as ${made.dialId}`);
      },
    );

  withServer(conference.command('cancel-dial'))
    .description('take a call back that is not in the conference yet')
    .argument('<id>', 'id of the conference')
    .argument('<dial>', 'id of the call, as "conference dial" prints it')
    .action(async (id: string, dial: string, _: unknown, command: Command) => {
      const { client, json } = connectionOf(command, terminal);
      const path = `${conferencePath(id)}/dials/${encodeURIComponent(dial)}`;
      const result = await client.request('DELETE', path, nothing);
      finish(terminal, result, json, () => `call ${dial} taken back`);
    });
}

function addReading(conference: Command, terminal: Terminal): void {
  withServer(conference.command('list'))
    .description('conferences now')
    .action(async (_: unknown, command: Command) => {
      const { client, json } = connectionOf(command, terminal);
      const result = await client.request('GET', '/api/v1/conferences', conferenceList);
      finish(terminal, result, json, ({ items }) =>
        columns(
          ['ID', 'ACCOUNT', 'SIZE', 'LOCKED', 'MIXER', 'CLASS', 'SINCE'],
          items.map((item) => [
            item.id,
            item.accountId,
            String(item.size),
            item.locked ? 'yes' : 'no',
            item.mixerId,
            item.mixerClass,
            item.createdAt,
          ]),
          'no conference now',
        ),
      );
    });

  withServer(conference.command('show'))
    .description('one conference with its conferees by ordinal')
    .argument('<id>', 'id of the conference')
    .addHelpText('after', '\nExample:\n  minusone conference show c0123456789ab --json')
    .action(async (id: string, _: unknown, command: Command) => {
      const { client, json } = connectionOf(command, terminal);
      const result = await client.request('GET', conferencePath(id), conferenceView);
      finish(terminal, result, json, showConference);
    });
}

function showConference(view: ConferenceView): string {
  const state = [
    view.locked ? 'locked' : 'open',
    ...(view.temporary ? ['waiting for a host'] : []),
  ];
  return [
    `conference ${view.id} of account ${view.accountId} on ${view.mixerId} (${view.mixerClass}), ${state.join(', ')}, since ${view.createdAt}`,
    columns(
      ['ORDINAL', 'ROLE', 'CALLER', 'MUTED', 'VRU', 'SINCE'],
      view.conferees.map((item) => [
        String(item.ordinal),
        item.role,
        item.callerName === undefined
          ? item.callerNumber
          : `${item.callerName} ${item.callerNumber}`,
        item.muted ? 'yes' : 'no',
        item.vruId,
        item.joinedAt,
      ]),
      'nobody in it',
    ),
  ].join('\n');
}

function addWhole(conference: Command, terminal: Terminal): void {
  const verbs = [
    ['lock', 'POST', '/lock', 'nobody more gets in', 'locked'],
    ['unlock', 'POST', '/unlock', 'callers get in again', 'unlocked'],
    ['end', 'DELETE', '', 'end it; everybody hears why', 'ended'],
  ] as const;
  for (const [verb, method, suffix, description, done] of verbs) {
    withServer(conference.command(verb))
      .description(description)
      .argument('<id>', 'id of the conference')
      .action(async (id: string, _: unknown, command: Command) => {
        const { client, json } = connectionOf(command, terminal);
        const result = await client.request(method, conferencePath(id) + suffix, nothing);
        finish(terminal, result, json, () => `conference ${id} ${done}`);
      });
  }
}

function addByOrdinal(conference: Command, terminal: Terminal): void {
  for (const verb of ['mute', 'unmute'] as const) {
    withServer(conference.command(verb))
      .description(`${verb} one conferee, or with --all everybody but hosts`)
      .argument('<id>', 'id of the conference')
      .argument('[ordinal]', 'the conferee, as "conference show" numbers them', readOrdinal)
      .option('--all', 'everybody but hosts')
      .addHelpText(
        'after',
        `\nExamples:\n  minusone conference ${verb} c0123456789ab 3\n  minusone conference ${verb} c0123456789ab --all`,
      )
      .action(
        async (
          id: string,
          ordinal: number | undefined,
          options: { all?: boolean },
          command: Command,
        ) => {
          if ((ordinal === undefined) === (options.all !== true)) {
            command.error('error: expected an ordinal or --all, one of them', {
              exitCode: EXIT.usage,
            });
          }
          const { client, json } = connectionOf(command, terminal);
          const suffix = ordinal === undefined ? `/${verb}-all` : `/conferees/${ordinal}/${verb}`;
          const result = await client.request('POST', conferencePath(id) + suffix, nothing);
          const whom = ordinal === undefined ? 'everybody but hosts' : `conferee ${ordinal}`;
          finish(terminal, result, json, () => `${whom} ${verb}d`);
        },
      );
  }

  withServer(conference.command('delete'))
    .description('take one conferee out, who hears why')
    .argument('<id>', 'id of the conference')
    .argument('<ordinal>', 'the conferee, as "conference show" numbers them', readOrdinal)
    .action(async (id: string, ordinal: number, _: unknown, command: Command) => {
      const { client, json } = connectionOf(command, terminal);
      const path = `${conferencePath(id)}/conferees/${ordinal}`;
      const result = await client.request('DELETE', path, nothing);
      finish(terminal, result, json, () => `conferee ${ordinal} deleted`);
    });
}

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
