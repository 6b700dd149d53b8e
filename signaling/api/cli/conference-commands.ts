/** `minusone conference …`. A test holds it against the routes: whatever the API changes in a conference is here. */
import { Argument, type Command, InvalidArgumentError } from 'commander';
import { SUB_CONFERENCES, TALK_MODES } from '../../conference/messages.ts';
import { EXIT, nothing } from '../client.ts';
import {
  confereeMedia,
  conferenceList,
  dialListStarted,
  dialStarted,
  type LiveConference,
  liveConference,
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

function readSub(text: string): number {
  if (!/^[0-9]$/.test(text)) {
    throw new InvalidArgumentError(`expected 0 to ${SUB_CONFERENCES}.`);
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
      const result = await client.request('GET', conferencePath(id), liveConference);
      finish(terminal, result, json, showConference);
    });

  withServer(conference.command('media'))
    .description('how well a conferee is received now: loss, bursts, delay, quality')
    .argument('<id>', 'id of the conference')
    .argument('<ordinal>', 'of the conferee, as "conference show" prints it', readOrdinal)
    .addHelpText('after', '\nExample:\n  minusone conference media c0123456789ab 2 --json')
    .action(async (id: string, ordinal: number, _: unknown, command: Command) => {
      const { client, json } = connectionOf(command, terminal);
      const path = `${conferencePath(id)}/conferees/${ordinal}/media`;
      const result = await client.request('GET', path, confereeMedia);
      finish(terminal, result, json, ({ media }) =>
        media === null
          ? 'no call at the mixer now'
          : columns(
              ['FIGURE', 'VALUE'],
              Object.entries(media).map(([name, value]) => [name, String(value ?? '-')]),
              '',
            ),
      );
    });
}

function showConference(view: LiveConference): string {
  const state = [
    view.locked ? 'locked' : 'open',
    ...(view.mode === 'open' ? [] : [`mode ${view.mode}`]),
    ...(view.recordingSince === null ? [] : ['recorded']),
    ...(view.temporary ? ['waiting for a host'] : []),
  ];
  return [
    `conference ${view.id} of account ${view.accountId} on ${view.mixerId} (${view.mixerClass}), ${state.join(', ')}, since ${view.createdAt}`,
    columns(
      ['ORDINAL', 'ROLE', 'CALLER', 'MUTED BY', 'STATE', 'VRU', 'SINCE'],
      view.conferees.map((item) => [
        String(item.ordinal),
        item.role,
        item.callerName === undefined
          ? item.callerNumber
          : `${item.callerName} ${item.callerNumber}`,
        item.mutedBy.join(',') || '-',
        stateOf(item),
        item.vruId,
        item.joinedAt,
      ]),
      'nobody in it',
    ),
  ].join('\n');
}

function stateOf(item: LiveConference['conferees'][number]): string {
  const parts = [
    ...(item.held ? ['on hold'] : []),
    ...(item.sub === 0 ? [] : [`sub ${item.sub}`]),
    ...(item.handRaisedAt === null ? [] : ['hand up']),
  ];
  return parts.join(', ') || '-';
}

/** One request on a whole conference, or on one conferee of it. */
interface Verb {
  readonly verb: string;
  readonly method: 'POST' | 'DELETE';
  /** Behind the path of the conference or of the conferee. */
  readonly suffix: string;
  readonly description: string;
  readonly done: string;
}

const WHOLE: readonly Verb[] = [
  {
    ...{ verb: 'lock', method: 'POST', suffix: '/lock' },
    ...{ description: 'nobody more gets in', done: 'locked' },
  },
  {
    ...{ verb: 'unlock', method: 'POST', suffix: '/unlock' },
    ...{ description: 'callers get in again', done: 'unlocked' },
  },
  {
    ...{ verb: 'roll-call', method: 'POST', suffix: '/roll-call' },
    ...{ description: 'everybody hears who is there', done: 'hears who is there' },
  },
  {
    ...{ verb: 'end', method: 'DELETE', suffix: '' },
    ...{ description: 'end it; everybody hears why', done: 'ended' },
  },
];

const BY_ORDINAL: readonly Verb[] = [
  {
    ...{ verb: 'hold', method: 'POST', suffix: '/hold' },
    ...{ description: 'take one conferee out of the talk: hears music, is not heard' },
    done: 'on hold',
  },
  {
    ...{ verb: 'unhold', method: 'POST', suffix: '/unhold' },
    ...{ description: 'bring one conferee back into the talk', done: 'back in the talk' },
  },
  {
    ...{ verb: 'lower-hand', method: 'POST', suffix: '/lower-hand' },
    ...{ description: 'lower the raised hand of one conferee', done: 'has no hand up' },
  },
  {
    ...{ verb: 'make-host', method: 'POST', suffix: '/make-host' },
    ...{ description: 'make one conferee a host', done: 'is a host' },
  },
  {
    ...{ verb: 'delete', method: 'DELETE', suffix: '' },
    ...{ description: 'take one conferee out, who hears why', done: 'deleted' },
  },
];

function addWhole(conference: Command, terminal: Terminal): void {
  for (const { verb, method, suffix, description, done } of WHOLE) {
    withServer(conference.command(verb))
      .description(description)
      .argument('<id>', 'id of the conference')
      .addHelpText('after', `\nExample:\n  minusone conference ${verb} c0123456789ab`)
      .action(async (id: string, _: unknown, command: Command) => {
        const { client, json } = connectionOf(command, terminal);
        const result = await client.request(method, conferencePath(id) + suffix, nothing);
        finish(terminal, result, json, () => `conference ${id} ${done}`);
      });
  }

  withServer(conference.command('mode'))
    .description('choose who is heard without being asked')
    .argument('<id>', 'id of the conference')
    .addArgument(
      new Argument('<mode>', 'everybody; hosts and who was given the word; hosts alone').choices(
        TALK_MODES,
      ),
    )
    .addHelpText('after', '\nExample:\n  minusone conference mode c0123456789ab questions')
    .action(async (id: string, mode: string, _: unknown, command: Command) => {
      const { client, json } = connectionOf(command, terminal);
      const result = await client.request('POST', `${conferencePath(id)}/mode`, nothing, { mode });
      finish(terminal, result, json, () => `conference ${id} is in mode ${mode}`);
    });

  withServer(conference.command('record'))
    .description('record the conference, or with --stop no longer; everybody hears it')
    .argument('<id>', 'id of the conference')
    .option('--stop', 'the recording ends and its file is complete')
    .addHelpText(
      'after',
      '\nExamples:\n  minusone conference record c0123456789ab\n  minusone conference record c0123456789ab --stop',
    )
    .action(async (id: string, { stop }: { stop?: boolean }, command: Command) => {
      const { client, json } = connectionOf(command, terminal);
      const method = stop === true ? 'DELETE' : 'POST';
      const result = await client.request(method, `${conferencePath(id)}/recording`, nothing);
      const state = stop === true ? 'no longer recorded' : 'being recorded';
      finish(terminal, result, json, () => `conference ${id} is ${state}`);
    });
}

function addByOrdinal(conference: Command, terminal: Terminal): void {
  for (const verb of ['mute', 'unmute'] as const) addMute(conference, terminal, verb);

  for (const { verb, method, suffix, description, done } of BY_ORDINAL) {
    onConferee(conference.command(verb))
      .description(description)
      .addHelpText('after', `\nExample:\n  minusone conference ${verb} c0123456789ab 3`)
      .action(async (id: string, ordinal: number, _: unknown, command: Command) => {
        const { client, json } = connectionOf(command, terminal);
        const path = `${conferencePath(id)}/conferees/${ordinal}${suffix}`;
        const result = await client.request(method, path, nothing);
        finish(terminal, result, json, () => `conferee ${ordinal} ${done}`);
      });
  }

  onConferee(conference.command('sub'))
    .description('send one conferee into a sub-conference, or with 0 back into the conference')
    .argument('<sub>', `1 to ${SUB_CONFERENCES}, or 0: back`, readSub)
    .addHelpText('after', '\nExample:\n  minusone conference sub c0123456789ab 3 1')
    .action(async (id: string, ordinal: number, sub: number, _: unknown, command: Command) => {
      const { client, json } = connectionOf(command, terminal);
      const path = `${conferencePath(id)}/conferees/${ordinal}/sub-conference`;
      const result = await client.request('POST', path, nothing, { sub });
      const where = sub === 0 ? 'the conference itself' : `sub-conference ${sub}`;
      finish(terminal, result, json, () => `conferee ${ordinal} is in ${where}`);
    });
}

const onConferee = (command: Command): Command =>
  withServer(command)
    .argument('<id>', 'id of the conference')
    .argument('<ordinal>', 'the conferee, as "conference show" numbers them', readOrdinal);

function addMute(conference: Command, terminal: Terminal, verb: 'mute' | 'unmute'): void {
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
