/** `minusone events follow`: the event stream in a terminal or a pipe. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { systemClock } from '../../../common/clock.ts';
import type { ConferenceId } from '../../../common/ids.ts';
import type { NumberedEvent } from '../../conference/events.ts';
import { conferenceId } from '../../conference/messages.ts';
import { EXIT } from '../client.ts';
import { type FollowEvents, follow } from '../follow.ts';
import { connectionOf, fault, type Terminal, withServer } from './terminal.ts';

interface FollowCommandOptions {
  readonly after?: number;
  readonly cursor?: string;
}

const SAVE_EVERY_MS = 1_000;
const cursorFile = z.record(z.string(), z.number().int().min(0));

function readNumber(text: string): number {
  if (!/^[0-9]{1,9}$/.test(text))
    throw new InvalidArgumentError('expected the number of an event.');
  return Number(text);
}

export function addEventCommands(
  program: Command,
  terminal: Terminal,
  signal: () => AbortSignal,
): void {
  const events = program
    .command('events')
    .description('what happens in conferences, as it happens');
  withServer(events.command('follow'))
    .description('each event once and in order, over cuts and restarts of the server, until Ctrl-C')
    .argument('[conference]', 'id of one conference; without it every one that the token allows')
    .option('--after <number>', 'of one conference: the events after this one', readNumber)
    .option('--cursor <file>', 'go on where the run before that had this file has stopped')
    .addHelpText('after', EXAMPLES)
    .action(async (id: string | undefined, options: FollowCommandOptions, command: Command) => {
      if (options.after !== undefined && (id === undefined || options.cursor !== undefined)) {
        command.error('error: --after goes with one conference and without --cursor', {
          exitCode: EXIT.usage,
        });
      }
      const { client, json, url, token } = connectionOf(command, terminal);
      const one = id === undefined ? undefined : conferenceId.parse(id);
      const told = new Map<ConferenceId, number>();
      const keeper = openCursors(options.cursor, told);
      if (keeper === undefined) {
        terminal.err(`error: ${options.cursor} is no cursor file`);
        return terminal.setExitCode(EXIT.usage);
      }
      if (one !== undefined && options.after !== undefined) told.set(one, options.after);
      const isResumed = keeper.wasThere || options.after !== undefined;
      const result = await follow({
        ...{ url, token, client, conference: one, clock: systemClock, signal: signal() },
        cursors: isResumed ? new Map(told) : undefined,
        events: keeping(printing(terminal, json), told),
      });
      keeper.close();
      if (!result.ok) fault(terminal, result.error, json);
    });
}

const EXAMPLES = `
Examples:
  minusone events follow                                   every conference
  minusone events follow c0123456789ab --after 0 --json    all of one, a JSON document a line
  minusone events follow --cursor seen.json --json | ship  at least once, also over restarts of the pipe`;

/** Notes what was printed. */
function keeping(events: FollowEvents, told: Map<ConferenceId, number>): FollowEvents {
  return {
    ...events,
    snapshot(conference) {
      events.snapshot(conference);
      if (!conference.ended) told.set(conferenceId.parse(conference.id), conference.number);
    },
    event(event) {
      events.event(event);
      if (event.event.kind === 'ended') told.delete(event.conferenceId);
      else told.set(event.conferenceId, event.number);
    },
    gap(id, from, to) {
      events.gap(id, from, to);
      told.set(id, to);
    },
  };
}

/** Undefined: the file is there and is something else. */
function openCursors(file: string | undefined, told: Map<ConferenceId, number>) {
  if (file === undefined) return { wasThere: false, close() {} };
  const before = readCursors(file);
  if (before === undefined) return undefined;
  for (const [id, number] of before.cursors) told.set(id, number);
  let saved = '';
  const save = (): void => {
    const text = JSON.stringify(Object.fromEntries(told));
    if (text === saved) return;
    // Whole or not at all.
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
    saved = text;
  };
  const timer = systemClock.every(SAVE_EVERY_MS, save);
  return {
    wasThere: before.wasThere,
    close() {
      timer.cancel();
      save();
    },
  };
}

function readCursors(file: string) {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return isMissing ? { wasThere: false, cursors: new Map<ConferenceId, number>() } : undefined;
  }
  try {
    const read = cursorFile.parse(JSON.parse(text));
    const cursors = new Map(
      Object.entries(read).map(([id, number]) => [conferenceId.parse(id), number]),
    );
    return { wasThere: true, cursors };
  } catch {
    return undefined;
  }
}

function printing(terminal: Terminal, json: boolean): FollowEvents {
  const lost: FollowEvents['lost'] = (why, delayMs) =>
    terminal.err(`connection lost (${why}); again in ${(delayMs / 1000).toFixed(1)} s`);
  if (json) {
    const line = (value: object): void => terminal.out(JSON.stringify(value));
    return {
      lost,
      snapshot: (conference) => line({ type: 'snapshot', conference }),
      event: (event) => line({ type: 'event', ...event }),
      gap: (id, from, to) => line({ type: 'gap', conferenceId: id, from, to }),
    };
  }
  return {
    lost,
    snapshot: ({ id, number, accountId, size }) =>
      terminal.out(`${id} of ${accountId} goes on with ${size} conferees, as of event ${number}`),
    event: (event) => terminal.out(lineOf(event)),
    gap: (id, from, to) =>
      terminal.out(`${id} events ${from} to ${to} are not in the log any more`),
  };
}

/** Time, conference, number, kind, and the fields that say something to a reader. */
function lineOf({ conferenceId: id, number, atMs, by, event }: NumberedEvent): string {
  const { kind, ...rest } = event;
  const fields = Object.entries(rest).flatMap(([name, value]) => {
    if (HIDDEN.has(name) || value === undefined || value === '') return [];
    if (name === 'caller' && 'caller' in event) {
      return [`caller=${event.caller.callerName ?? event.caller.callerNumber}`];
    }
    return [`${name}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`];
  });
  const who = by === undefined ? [] : [`by=${by}`];
  return [new Date(atMs).toISOString(), id, `#${number}`, kind, ...fields, ...who].join(' ');
}

const HIDDEN: ReadonlySet<string> = new Set(['confereeId', 'requestId', 'code', 'serial']);
