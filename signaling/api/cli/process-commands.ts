/** `minusone start` and `minusone check-config`: commands of a process of its own. */
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { type Config, withoutSecrets } from '../../../common/config.ts';
import type { ConfigErrors } from '../../../common/config-load.ts';
import { OPTIONS } from '../../../common/config-options.ts';
import { readConfig } from '../../../common/config-read.ts';
import { EXIT } from '../../../common/process-end.ts';
import type { Terminal } from './terminal.ts';

export interface ProcessOptions {
  readonly newAdminToken: boolean;
  /** Says that it is ready in JSON. */
  readonly json: boolean;
}

export interface ProcessCommandParts {
  readonly terminal: Terminal;
  /** Starts the roles; resolves when they run. */
  readonly start: (config: Config, options: ProcessOptions) => Promise<void>;
}

type Given = Readonly<Record<string, unknown>>;

export function addProcessCommands(
  program: Command,
  { terminal, start }: ProcessCommandParts,
): void {
  withConfigOptions(program.command('start'))
    .description('run the roles of this process until a signal')
    .option('--new-admin-token', 'make a new admin token; the old one is no longer taken')
    .option('--json', 'print one line of JSON when ready')
    .addHelpText('after', START_HELP)
    .action(async (given: Given) => {
      const config = readConfig(given, terminal.environment);
      if (!config.ok) return refuse(terminal, config.error);
      const newAdminToken = given['newAdminToken'] === true;
      return start(config.value, { newAdminToken, json: given['json'] === true });
    });

  withConfigOptions(program.command('check-config'))
    .description('print the configuration in force, secrets hidden; refuse what start would refuse')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  minusone check-config --config minusone.yaml')
    .action((given: Given) => check(terminal, given));
}

function withConfigOptions(command: Command): Command {
  command.option('--config <file>', 'YAML file with the configuration (docs/configuration.md)');
  for (const { flags, help } of OPTIONS) command.option(flags, help);
  return command;
}

function check(terminal: Terminal, given: Given): void {
  const config = readConfig(given, terminal.environment);
  const json = given['json'] === true;
  if (config.ok) {
    const shown = withoutSecrets(config.value);
    terminal.out(json ? JSON.stringify(shown, undefined, 2) : stringify(shown).trimEnd());
  } else if (json) {
    terminal.out(JSON.stringify({ errors: config.error }, undefined, 2));
    terminal.setExitCode(EXIT.badConfig);
  } else {
    refuse(terminal, config.error);
  }
}

function refuse(terminal: Terminal, errors: ConfigErrors): void {
  terminal.err(`the configuration is refused:\n${errors.map((line) => `  ${line}`).join('\n')}`);
  terminal.setExitCode(EXIT.badConfig);
}

const START_HELP = `
Examples:
  minusone start
  minusone start --sip 192.0.2.10:5060 --data /var/lib/minusone --no-demo
  minusone start --config minusone.yaml --mixers 4 --class standard`;
