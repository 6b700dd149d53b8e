/** `minusone account …` and `minusone dnis …`. */
import { type Command, Option } from 'commander';
import { accountRecord, applicationName, dnisRecord } from '../../conference/messages.ts';
import { nothing } from '../client.ts';
import { accountList, dnisList } from '../schemas.ts';
import { columns, connectionOf, finish, type Terminal, withServer } from './terminal.ts';

const several = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
];

interface AccountOptions {
  readonly id?: string;
  readonly hostCode?: readonly string[];
  readonly participantCode?: readonly string[];
  readonly class?: string;
  readonly waiting?: string;
  readonly hostLeaves?: string;
  readonly graceS?: string;
  readonly maxConferees?: string;
  readonly maxMinutes?: string;
  readonly recordNames?: boolean;
  readonly announce?: string;
  readonly announceUpTo?: string;
  readonly recording?: string;
  readonly language?: string;
  readonly dialPrefix?: readonly string[];
  readonly dialConcurrent?: string;
  readonly dialPerDay?: string;
  readonly dialMinutes?: string;
  readonly dialList?: readonly string[];
}

/** Any of the options gives the permission; without one there is none. */
function outdialOf(options: AccountOptions): object | undefined {
  const { dialPrefix, dialConcurrent, dialPerDay, dialMinutes, dialList } = options;
  const given = [dialPrefix, dialConcurrent, dialPerDay, dialMinutes, dialList];
  if (given.every((one) => one === undefined)) return undefined;
  const numberOf = (text: string | undefined) => (text === undefined ? undefined : Number(text));
  return {
    prefixes: dialPrefix,
    concurrent: numberOf(dialConcurrent),
    callsPerDay: numberOf(dialPerDay),
    minutesPerDay: numberOf(dialMinutes),
    list: dialList?.map((entry) => {
      const at = entry.indexOf('=');
      return at < 0 ? { number: entry } : { number: entry.slice(0, at), name: entry.slice(at + 1) };
    }),
  };
}

const number = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number(text);

function furtherSettings(options: AccountOptions) {
  const minutes = number(options.maxMinutes);
  return {
    maxDurationMs: minutes === undefined ? undefined : minutes * 60_000,
    recordNames: options.recordNames,
    announceEntry: options.announce,
    announceUpTo: number(options.announceUpTo),
    recording: options.recording,
  };
}

export function addAccountCommands(program: Command, terminal: Terminal): void {
  const account = program.command('account').description('accounts: codes, waiting mode, class');

  withServer(account.command('add'))
    .description('add an account; codes that are not given are made')
    .argument('<name>', 'name of the account')
    .option('--id <id>', 'id of the account; default: a made one')
    .option('--host-code <digits>', 'code of hosts; may be given several times', several)
    .option('--participant-code <digits>', 'code of participants; may be repeated', several)
    .option('--class <name>', 'class of mixer')
    .addOption(
      new Option(
        '--waiting <mode>',
        'a participant before the host: begins, waits with music, or talks with others who wait',
      ).choices(['start', 'hold', 'mingle']),
    )
    .addOption(
      new Option('--host-leaves <what>', 'when the last host has left').choices([
        'continue',
        'end',
        'wait',
        'succeed',
      ]),
    )
    .option('--grace-s <seconds>', 'time before the conference ends after the host left')
    .option('--max-conferees <count>', 'largest conference; default: what the mixers can carry')
    .option('--max-minutes <minutes>', 'longest conference; default: no limit')
    .option('--record-names', 'callers say their name before they come in')
    .addOption(
      new Option('--announce <what>', 'what is heard when somebody comes or goes').choices([
        'none',
        'tone',
        'name',
      ]),
    )
    .option('--announce-up-to <count>', 'nothing of it in a conference of more')
    .addOption(new Option('--recording <who>', 'who may record').choices(['never', 'by-host']))
    .option('--language <language>', 'language of the prompts')
    .option('--dial-prefix <digits>', 'hosts may call numbers that begin so; repeatable', several)
    .option('--dial-concurrent <count>', 'calls out at once; default 5')
    .option('--dial-per-day <count>', 'calls out in a day; default 100')
    .option('--dial-minutes <count>', 'minutes of calls out in a day; default 600')
    .option('--dial-list <number=name>', 'whom "call the list" calls; repeatable', several)
    .addHelpText(
      'after',
      `\nExamples:\n  minusone account add "Sales" --waiting hold\n  minusone account add "Board" --host-code 771001 --participant-code 771002 --class hd`,
    )
    .action(async (name: string, options: AccountOptions, command: Command) => {
      const { client, json } = connectionOf(command, terminal);
      const body = {
        name,
        id: options.id,
        hostCodes: options.hostCode,
        participantCodes: options.participantCode,
        mixerClass: options.class,
        waitingMode: options.waiting,
        hostLeaves: options.hostLeaves,
        graceMs: options.graceS === undefined ? undefined : Number(options.graceS) * 1000,
        maxConferees: options.maxConferees === undefined ? undefined : Number(options.maxConferees),
        ...furtherSettings(options),
        language: options.language,
        outdial: outdialOf(options),
      };
      finish(
        terminal,
        await client.request('POST', '/api/v1/accounts', accountRecord, body),
        json,
        (made) =>
          `account ${made.id}: host code ${made.hostCodes.join(', ')}#, participant code ${made.participantCodes.join(', ')}#`,
      );
    });

  withServer(account.command('list'))
    .description('all accounts with their codes')
    .action(async (_: unknown, command: Command) => {
      const { client, json } = connectionOf(command, terminal);
      const result = await client.request('GET', '/api/v1/accounts', accountList);
      finish(terminal, result, json, ({ items }) =>
        columns(
          ['ID', 'NAME', 'HOST', 'PARTICIPANT', 'WAITING', 'CLASS'],
          items.map((item) => [
            item.id,
            item.name,
            item.hostCodes.join(','),
            item.participantCodes.join(','),
            item.waitingMode,
            item.mixerClass,
          ]),
          'no accounts; add one with: minusone account add NAME',
        ),
      );
    });

  withServer(account.command('remove'))
    .description('remove an account and its codes; calls in progress go on')
    .argument('<id>', 'id of the account')
    .action(async (id: string, _: unknown, command: Command) => {
      const { client, json } = connectionOf(command, terminal);
      const path = `/api/v1/accounts/${encodeURIComponent(id)}`;
      const result = await client.request('DELETE', path, nothing);
      finish(terminal, result, json, () => `account ${id} removed`);
    });
}

export function addDnisCommands(program: Command, terminal: Terminal): void {
  const dnis = program.command('dnis').description('dialled numbers and what they run');

  withServer(dnis.command('add'))
    .description('add or replace a number; a prefix ends in *, and * alone is the default')
    .argument('<number>', 'the number as the gateway delivers it')
    .addOption(
      new Option('--application <name>', 'what it runs')
        .choices(applicationName.options)
        .makeOptionMandatory(),
    )
    .option('--language <language>', 'language of the prompts', 'en')
    .option('--ring-ms <ms>', 'ring so long before the answer')
    .option('--setting <name=value>', 'setting of the application; may be repeated', several)
    .addHelpText(
      'after',
      `\nExamples:\n  minusone dnis add 4930123456 --application conference\n  minusone dnis add '49*' --application announcement --setting prompt=closed`,
    )
    .action(
      async (
        number: string,
        options: {
          application: string;
          language: string;
          ringMs?: string;
          setting?: readonly string[];
        },
        command: Command,
      ) => {
        const { client, json } = connectionOf(command, terminal);
        const body = {
          dnis: number,
          application: options.application,
          language: options.language,
          ringMs: options.ringMs === undefined ? undefined : Number(options.ringMs),
          settings: Object.fromEntries((options.setting ?? []).map(readSetting)),
        };
        const result = await client.request('PUT', '/api/v1/dnis', dnisRecord, body);
        finish(terminal, result, json, (made) => `${made.dnis} runs ${made.application}`);
      },
    );

  withServer(dnis.command('list'))
    .description('all numbers')
    .action(async (_: unknown, command: Command) => {
      const { client, json } = connectionOf(command, terminal);
      const result = await client.request('GET', '/api/v1/dnis', dnisList);
      finish(terminal, result, json, ({ items }) =>
        columns(
          ['NUMBER', 'APPLICATION', 'LANGUAGE', 'SETTINGS'],
          items.map((item) => [
            item.dnis,
            item.application,
            item.language,
            JSON.stringify(item.settings),
          ]),
          'no numbers; add one with: minusone dnis add NUMBER --application conference',
        ),
      );
    });

  withServer(dnis.command('remove'))
    .description('remove a number')
    .argument('<number>', 'the number as it was added')
    .action(async (number: string, _: unknown, command: Command) => {
      const { client, json } = connectionOf(command, terminal);
      const path = `/api/v1/dnis/${encodeURIComponent(number)}`;
      const result = await client.request('DELETE', path, nothing);
      finish(terminal, result, json, () => `number ${number} removed`);
    });
}

/** `name=value`; a value that is JSON is taken as such. */
function readSetting(text: string): [string, unknown] {
  const at = text.indexOf('=');
  if (at < 0) return [text, true];
  const value = text.slice(at + 1);
  try {
    return [text.slice(0, at), JSON.parse(value)];
  } catch {
    return [text.slice(0, at), value];
  }
}
