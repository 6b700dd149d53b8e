/** What is printed once everything runs: enough for a newcomer to make the first call. */
import { hostPort, mixerAddress, mixerClasses, vruAddress } from '../../../common/addresses.ts';
import type { Config } from '../../../common/config.ts';
import type { AccountRecord, DnisRecord } from '../../conference/messages.ts';
import { columns } from './terminal.ts';

export interface BannerFacts {
  readonly version: string;
  readonly config: Config;
  readonly accounts: readonly AccountRecord[];
  readonly dnis: readonly DnisRecord[];
  readonly httpPort: number;
  readonly newAdminToken: string | undefined;
}

/** More are left to `account list`: a banner is read, not searched. */
const SHOWN = 12;

const WHAT: Readonly<Record<string, string>> = {
  conference: 'conference: enter a code, end it with #',
  echo: 'echo: hear yourself',
  announcement: 'announcement, then hangs up',
  menu: 'menu',
  voicemail: 'voicemail',
};

export function banner(given: BannerFacts): string {
  const byCode = given.accounts.toSorted((a, b) =>
    String(a.hostCodes[0]).localeCompare(String(b.hostCodes[0])),
  );
  const facts = { ...given, accounts: byCode };
  const { config, version } = facts;
  const http = hostPort({ address: config.http.address, port: facts.httpPort });
  const parts = [
    `minusone ${version} is ready.`,
    ...(config.roles.includes('vru') ? [numbers(facts), codes(facts)] : []),
    section('Listening', listening(config)),
    section('Page, API', [`http://${http}/`]),
    ...(facts.newAdminToken === undefined ? [] : [token(facts.newAdminToken)]),
    ...(config.roles.includes('vru') ? [section('Try', examples(facts))] : []),
    'Stop with Ctrl-C: callers get a BYE. A second Ctrl-C stops at once.',
  ];
  return `\n${parts.join('\n\n')}\n`;
}

/** The same for programs: one line of JSON. */
export function readyLine({ version, config, httpPort, newAdminToken }: BannerFacts): object {
  return {
    ready: true,
    version,
    sip: reachable(config),
    http: `http://${hostPort({ address: config.http.address, port: httpPort })}`,
    ...(newAdminToken === undefined ? {} : { adminToken: newAdminToken }),
  };
}

function section(title: string, lines: readonly string[]): string {
  return [title, ...lines.map((line) => `  ${line}`)].join('\n');
}

function reachable(config: Config): string {
  const address = config.sip.advertisedAddress ?? config.sip.address;
  return hostPort({ address, port: config.sip.port });
}

function numbers({ config, dnis }: BannerFacts): string {
  if (dnis.length === 0) {
    return section('Numbers to call', [
      'none yet; add one: npx minusone dnis add 1000 --application conference',
    ]);
  }
  const rows = dnis
    .slice(0, SHOWN)
    .map((row) => [
      row.dnis.endsWith('*') ? row.dnis : `sip:${row.dnis}@${reachable(config)}`,
      WHAT[row.application] ?? row.application,
    ]);
  return section('Numbers to call', [...table(rows), ...more(dnis.length, 'dnis list')]);
}

function codes({ config, accounts }: BannerFacts): string {
  if (accounts.length === 0) {
    return section('Codes', ['none yet; add an account: npx minusone account add NAME']);
  }
  if (!config.demo)
    return section('Codes', [`${accounts.length} accounts: npx minusone account list`]);
  const rows = accounts
    .slice(0, SHOWN)
    .map((account) => [
      account.hostCodes.map((code) => `${code}#`).join(' '),
      account.participantCodes.map((code) => `${code}#`).join(' '),
      account.waitingMode,
      account.mixerClass,
    ]);
  const header = ['HOST', 'PARTICIPANT', 'BEFORE THE HOST', 'MIXER CLASS'];
  return section('Codes', [
    ...columns(header, rows, '').split('\n'),
    ...more(accounts.length, 'account list'),
  ]);
}

const more = (count: number, command: string): readonly string[] =>
  count > SHOWN ? [`and ${count - SHOWN} more: npx minusone ${command}`] : [];

const table = (rows: readonly (readonly string[])[]): readonly string[] =>
  columns(rows[0] ?? [], rows.slice(1), (rows[0] ?? []).join('  ')).split('\n');

function listening(config: Config): readonly string[] {
  const vrus = Array.from({ length: config.vru.count }, (_, index) =>
    hostPort(vruAddress(config, index)),
  );
  const mixers = mixerClasses(config).map(
    (name, index) => `${hostPort(mixerAddress(config, index))} (${name})`,
  );
  return [
    ...(config.roles.includes('vru') ? [`VRUs    ${vrus.join(', ')}  UDP and TCP`] : []),
    ...(config.roles.includes('mixer') ? [`mixers  ${mixers.join(', ')}`] : []),
  ];
}

function token(value: string): string {
  return section('Admin token, shown this once', [
    value,
    `export MINUSONE_TOKEN=${value}   then: npx minusone conference list`,
  ]);
}

function examples({ config, accounts, dnis }: BannerFacts): readonly string[] {
  const conference = dnis.find((row) => row.application === 'conference');
  const [account] = accounts;
  if (!config.demo || conference === undefined || account === undefined)
    return ['npx minusone --help'];
  const target = `sip:${conference.dnis}@${reachable(config)}`;
  const [host] = account.hostCodes;
  const [participant] = account.participantCodes;
  return [
    `npx minusone call ${target} --dtmf '${host}#' --play tone:440`,
    `npx minusone call ${target} --dtmf '${participant}#' --record heard.wav`,
  ];
}
