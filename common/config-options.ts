/** Options of `minusone start` and `check-config` that stand for keys of the configuration. */
import { isIP } from 'node:net';
import { ROLE_NAMES } from './config.ts';
import type { Override } from './config-load.ts';
import { nearest } from './nearest.ts';
import { fail, ok, type Result } from './result.ts';

interface Option {
  /** As commander wants it. */
  readonly flags: string;
  readonly help: string;
  /** For the documentation. */
  readonly sets: string;
  readonly read: (text: string) => Result<readonly Omit<Override, 'source'>[], string>;
}

const asNumber = (text: string): unknown => (/^-?[0-9]+$/.test(text) ? Number(text) : text);

const key =
  (...path: string[]): Option['read'] =>
  (text) =>
    ok([{ path, value: text }]);

const numberKey =
  (...path: string[]): Option['read'] =>
  (text) =>
    ok([{ path, value: asNumber(text) }]);

export const OPTIONS = [
  {
    flags: '--sip <address:port>',
    help: 'where the first VRU listens, such as 127.0.0.1:5060',
    sets: '`sip.address`, `sip.port`',
    read: addressOption('sip'),
  },
  {
    flags: '--http <address:port>',
    help: 'where the HTTP API listens, such as 127.0.0.1:8080',
    sets: '`http.address`, `http.port`',
    read: addressOption('http'),
  },
  {
    flags: '--rtp <first-last>',
    help: 'RTP ports of this process, such as 20000-29999',
    sets: '`media.portMin`, `media.portMax`',
    read: readPortRange,
  },
  {
    flags: '--data <directory>',
    help: 'directory of the data store',
    sets: '`dataDirectory`',
    read: key('dataDirectory'),
  },
  {
    flags: '--role <names>',
    help: `all, or some of ${ROLE_NAMES.join(',')}`,
    sets: '`roles`',
    read: readRoles,
  },
  {
    flags: '--vrus <count>',
    help: 'VRUs in this process',
    sets: '`vru.count`',
    read: numberKey('vru', 'count'),
  },
  {
    flags: '--mixers <count>',
    help: 'mixers in this process; one group, of the class given by --class',
    sets: '`mixer.groups[0].count`, one group only',
    read: numberKey('mixer', 'groups', '0', 'count'),
  },
  {
    flags: '--class <name>',
    help: 'class of these mixers',
    sets: '`mixer.groups[0].class`, one group only',
    read: key('mixer', 'groups', '0', 'class'),
  },
  {
    flags: '--proxies <count>',
    help: 'proxy servers in this process',
    sets: '`proxy.count`',
    read: numberKey('proxy', 'count'),
  },
  {
    flags: '--interfaces <count>',
    help: 'interface servers in this process',
    sets: '`interface.count`',
    read: numberKey('interface', 'count'),
  },
  {
    flags: '--nats <url>',
    help: 'NATS server for roles in several processes (a later release)',
    sets: '`nats.url`',
    read: key('nats', 'url'),
  },
  {
    flags: '--log-level <level>',
    help: 'trace, debug, info, warn, error, fatal or silent',
    sets: '`logLevel`',
    read: key('logLevel'),
  },
  {
    flags: '--no-demo',
    help: 'no demo numbers and accounts',
    sets: '`demo: false`',
    read: () => ok([{ path: ['demo'], value: false }]),
  },
] as const satisfies readonly Option[];

/** `--log-level <level>` → `logLevel`, as commander names it. */
export function optionName(flags: string): string {
  const long = flags.split(' ')[0]?.replace(/^--(no-)?/, '') ?? '';
  return long.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** `given`: what commander collected; options that were not given are absent. */
export function readOptions(
  given: Readonly<Record<string, unknown>>,
): Result<readonly Override[], readonly string[]> {
  const overrides: Override[] = [];
  const errors: string[] = [];
  for (const option of OPTIONS) {
    const value = given[optionName(option.flags)];
    const negated = option.flags.startsWith('--no-');
    if (value === undefined || (negated && value !== false)) continue;
    const source = option.flags.split(' ')[0] ?? '';
    const result = option.read(String(value));
    if (result.ok) overrides.push(...result.value.map((part) => ({ ...part, source })));
    else errors.push(`${source}: ${result.error}`);
  }
  return errors.length > 0 ? fail(errors) : ok(mergeGroups(overrides));
}

/** `--mixers` and `--class` together describe one group, which replaces those of the file. */
function mergeGroups(overrides: readonly Override[]): readonly Override[] {
  const parts = overrides.filter(({ path }) => path[1] === 'groups');
  if (parts.length === 0) return overrides;
  const group: Record<string, unknown> = {};
  for (const { path, value } of parts) group[String(path.at(-1))] = value;
  const source = parts.map((part) => part.source).join(' ');
  return [
    ...overrides.filter(({ path }) => path[1] !== 'groups'),
    { path: ['mixer', 'groups'], value: [group], source },
  ];
}

function addressOption(section: 'sip' | 'http'): Option['read'] {
  return (text) => {
    const match = /^(?:\[(.+)\]|([^:]*)):([0-9]+)$/.exec(text);
    const address = match?.[1] ?? match?.[2] ?? '';
    if (match === null || (address !== '' && isIP(address) === 0)) {
      return fail(
        `expected ADDRESS:PORT such as 127.0.0.1:${section === 'sip' ? 5060 : 8080}, [::1]:5060 or :5060, got ${JSON.stringify(text)}`,
      );
    }
    const port = { path: [section, 'port'], value: Number(match[3]) };
    return ok(address === '' ? [port] : [{ path: [section, 'address'], value: address }, port]);
  };
}

function readPortRange(text: string): ReturnType<Option['read']> {
  const match = /^([0-9]+)-([0-9]+)$/.exec(text);
  if (match === null) {
    return fail(`expected FIRST-LAST such as 20000-29999, got ${JSON.stringify(text)}`);
  }
  return ok([
    { path: ['media', 'portMin'], value: Number(match[1]) },
    { path: ['media', 'portMax'], value: Number(match[2]) },
  ]);
}

function readRoles(text: string): ReturnType<Option['read']> {
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('all')) return ok([{ path: ['roles'], value: [...ROLE_NAMES] }]);
  const known: readonly string[] = ROLE_NAMES;
  const wrong = names.find((name) => !known.includes(name));
  if (wrong !== undefined) {
    const near = nearest(wrong, known);
    return fail(
      `expected all or some of ${known.join(',')}, got ${JSON.stringify(wrong)}${near === undefined ? '' : `; did you mean ${near}?`}`,
    );
  }
  return ok([{ path: ['roles'], value: [...new Set(names)] }]);
}
