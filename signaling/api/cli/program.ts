/**
 * The command line. Commands that talk to a running server are here; `start`, `call` and
 * `check-config` are given by main.ts, which knows the roles.
 */
import { Command, CommanderError } from 'commander';
import { EXIT } from '../client.ts';
import { addAccountCommands, addDnisCommands } from './account-commands.ts';
import { addAuditCommand } from './audit-commands.ts';
import { addConferenceCommands } from './conference-commands.ts';
import { addEventCommands } from './event-commands.ts';
import { addMixerCommands } from './mixer-commands.ts';
import { addCallCommands } from './record-commands.ts';
import type { Terminal } from './terminal.ts';
import { addTokenCommands } from './token-commands.ts';
import { addWebhookCommands } from './webhook-commands.ts';

export interface ProgramOptions {
  readonly version: string;
  readonly terminal: Terminal;
  /** Aborted when the user wants an end; asked for by commands that go on until then. */
  readonly signal?: () => AbortSignal;
  /** Adds the commands that run parts of the system in this process. */
  readonly addLocalCommands: (program: Command) => void;
}

/** Runs one command line (without node and script); resolves when the command is over. */
export async function runProgram(
  { version, terminal, signal = neverAborted, addLocalCommands }: ProgramOptions,
  argv: readonly string[],
): Promise<void> {
  const program = new Command('minusone')
    .description('Audio conferencing: call in, dial a code, hear the conference minus yourself.')
    .version(version)
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('(see --help)')
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
    })
    .addHelpText('after', HELP);
  addLocalCommands(program);
  addAccountCommands(program, terminal);
  addDnisCommands(program, terminal);
  addConferenceCommands(program, terminal);
  addMixerCommands(program, terminal);
  addCallCommands(program, terminal);
  addEventCommands(program, terminal, signal);
  addTokenCommands(program, terminal);
  addWebhookCommands(program, terminal);
  addAuditCommand(program, terminal);
  inherit(program);
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const isHelp = error.code === 'commander.helpDisplayed' || error.code === 'commander.version';
    terminal.setExitCode(isHelp ? EXIT.done : EXIT.usage);
  }
}

const neverAborted = (): AbortSignal => new AbortController().signal;

/** Commander copies settings to subcommands only when they are made after the settings; some are not. */
function inherit(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    inherit(child);
  }
}

const HELP = `
Examples:
  minusone start                                             every role, demo accounts
  minusone call sip:1000@127.0.0.1:5060 --dtmf '910001#'      call in as the host
  minusone account add "Sales" --waiting hold                 a new account with new codes
  minusone conference list                                    who talks now
  minusone conference mute c0123456789ab 2                    mute conferee 2

Exit codes: 0 done, 1 refused, 2 wrong usage, 3 server not reachable, 4 token missing or wrong.`;
