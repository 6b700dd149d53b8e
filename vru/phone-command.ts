/** `minusone call`: the command line of the small phone. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CodecName } from '../mixer/media.ts';
import type { Terminal } from '../signaling/api/cli/terminal.ts';
import type { PhoneOptions, PhoneResult } from './phone.ts';

export interface PhoneCommandParts {
  readonly terminal: Terminal;
  /** Runs the call with an engine and a user agent of its own. */
  readonly call: (options: PhoneOptions) => Promise<PhoneResult>;
  /** Aborted by the first Ctrl-C, so that the other side gets a BYE. */
  readonly signal: () => AbortSignal;
}

interface Given {
  readonly dtmf?: string;
  readonly dtmfDelayMs?: number;
  readonly dtmfDurationMs?: number;
  readonly play?: string;
  readonly loop?: true;
  readonly record?: string;
  readonly durationS?: number;
  readonly codecs?: readonly CodecName[];
  readonly ptimeMs?: number;
  readonly transport: 'udp' | 'tcp';
  readonly localAddress?: string;
  readonly from?: string;
  readonly username?: string;
  readonly password?: string;
  readonly lateOffer?: true;
  readonly ringTimeoutS?: number;
  readonly json?: true;
}

const CODECS: readonly CodecName[] = ['PCMU', 'PCMA', 'G722', 'opus', 'L16'];

function readNumber(text: string): number {
  if (!/^[0-9]+(\.[0-9]+)?$/.test(text)) throw new InvalidArgumentError('expected a number.');
  return Number(text);
}

function readCodecs(text: string): readonly CodecName[] {
  return text.split(',').map((word) => {
    const name = CODECS.find((codec) => codec.toLowerCase() === word.trim().toLowerCase());
    if (name === undefined) throw new InvalidArgumentError(`expected some of ${CODECS.join(',')}.`);
    return name;
  });
}

export function addPhoneCommand(program: Command, parts: PhoneCommandParts): void {
  const { terminal } = parts;
  program
    .command('call')
    .description('a small phone: call, send digits, play and record')
    .argument('<uri>', 'whom to call, such as sip:1000@127.0.0.1:5060')
    .option('--dtmf <digits>', 'digits to send after the answer; a comma waits half a second')
    .option('--dtmf-delay-ms <ms>', 'before the first digit (default 1000)', readNumber)
    .option('--dtmf-duration-ms <ms>', 'length of a digit (default 120)', readNumber)
    .option('--play <what>', 'a WAV file, or a tone such as tone:440 or tone:440@-20 (Hz, dBFS)')
    .option('--loop', 'play the file again and again')
    .option('--record <file>', 'write what is heard to a WAV file')
    .option('--duration-s <s>', 'hang up so long after the answer', readNumber)
    .option('--codecs <names>', 'offered, in order of preference (default PCMU,PCMA)', readCodecs)
    .option('--ptime-ms <ms>', 'length of a packet (default 20)', readNumber)
    .addOption(new Option('--transport <name>', 'SIP over').choices(['udp', 'tcp']).default('udp'))
    .option('--local-address <address>', 'our address for SIP and RTP')
    .option('--from <uri>', 'who calls, such as sip:alice@example.org')
    .option('--username <name>', 'for a digest challenge')
    .option('--password <secret>', 'for a digest challenge (or MINUSONE_SIP_PASSWORD)')
    .option('--late-offer', 'INVITE without an offer')
    .option('--ring-timeout-s <s>', 'give up when nobody answers', readNumber)
    .option('--json', 'print how it went as JSON')
    .addHelpText('after', HELP)
    .action(async (target: string, given: Given) => {
      const result = await parts.call(phoneOptions(target, given, parts));
      if (given.json === true) terminal.out(JSON.stringify(result, undefined, 2));
      else if (result.exitCode === 0) terminal.out(summary(result));
      else terminal.err(`error: ${failure(result)}`);
      terminal.setExitCode(result.exitCode);
    });
}

function phoneOptions(target: string, given: Given, parts: PhoneCommandParts): PhoneOptions {
  const { terminal } = parts;
  const { username, loop, durationS, ringTimeoutS, json, password, ...same } = given;
  const secret = password ?? terminal.environment['MINUSONE_SIP_PASSWORD'] ?? '';
  return {
    ...same,
    target,
    ...(loop === true ? { playLoop: true } : {}),
    ...(durationS === undefined ? {} : { durationMs: durationS * 1000 }),
    ...(ringTimeoutS === undefined ? {} : { ringTimeoutMs: ringTimeoutS * 1000 }),
    ...(username === undefined ? {} : { credentials: { username, password: secret } }),
    ...(json === true ? {} : { print: terminal.out }),
    signal: parts.signal(),
  };
}

function failure({ answered, status, reason }: PhoneResult): string {
  if (answered || status === null) return reason;
  return `not answered: ${status} ${reason}`;
}

function summary(result: PhoneResult): string {
  const seconds = (result.talkMs / 1000).toFixed(1);
  const statistics = result.statistics;
  const packets =
    statistics === null
      ? ''
      : `; received ${statistics.packetsReceived} packets, lost ${statistics.packetsLost}; sent ${statistics.packetsSent}`;
  const heard = result.digitsHeard === '' ? '' : `; heard digits ${result.digitsHeard}`;
  return `talked ${seconds} s with ${result.codec ?? 'no codec'}, ended by ${result.endedBy}${packets}${heard}`;
}

const HELP = `
Examples:
  minusone call sip:2000@127.0.0.1:5060 --play hello.wav --record echo.wav
  minusone call sip:1000@127.0.0.1:5060 --dtmf '910001#' --play tone:440 --duration-s 30

Exit codes: 0 answered and ended as meant, 1 not answered, 2 wrong options, 3 call lost or media failed.`;
