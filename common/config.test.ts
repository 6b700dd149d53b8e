import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { mixerAddress, mixerClasses, rtpRange, vruAddress } from './addresses.ts';
import { type Config, withoutSecrets } from './config.ts';
import { configurationPage } from './config-docs.ts';
import { type ConfigSources, loadConfig } from './config-load.ts';
import { readOptions } from './config-options.ts';
import { editDistance, nearest } from './nearest.ts';

const file = (text: string): ConfigSources => ({ file: { name: 'minusone.yaml', text } });

function load(sources: ConfigSources): Config {
  const result = loadConfig(sources);
  if (!result.ok) throw new Error(result.error.join('\n'));
  return result.value;
}

function errors(sources: ConfigSources): readonly string[] {
  const result = loadConfig(sources);
  return result.ok ? [] : result.error;
}

function fromOptions(given: Record<string, unknown>): ConfigSources {
  const overrides = readOptions(given);
  if (!overrides.ok) throw new Error(overrides.error.join('\n'));
  return { overrides: overrides.value };
}

describe('defaults', () => {
  it('are complete: several of each role, two mixer classes, loopback only', () => {
    const config = load({});
    expect(config.roles).toEqual(['vru', 'mixer', 'proxy', 'interface']);
    expect(mixerClasses(config)).toEqual(['standard', 'standard', 'hd']);
    expect([config.vru.count, config.proxy.count, config.interface.count]).toEqual([3, 2, 2]);
    expect([config.sip.address, config.http.address]).toEqual(['127.0.0.1', '127.0.0.1']);
    expect(config.mixer.adhoc).toBe(true);
  });

  it('take ad-hoc conferences only in the demo unless told', () => {
    expect(load(file('demo: false')).mixer.adhoc).toBe(false);
    expect(load(file('demo: false\nmixer: { adhoc: true }')).mixer.adhoc).toBe(true);
  });

  it('are frozen to the bottom', () => {
    const config = load({});
    expect(Object.isFrozen(config.mixer.groups[0])).toBe(true);
    expect(() => Object.assign(config.sip, { port: 1 })).toThrow(TypeError);
  });
});

describe('trunks (R26)', () => {
  const trunk = (more: string): ConfigSources =>
    file(`trunks:\n  - { name: carrier, servers: [203.0.113.5], ${more} }`);

  it('are none by default, and one allows nothing by default', () => {
    expect(load({}).trunks).toEqual([]);
    expect(load(trunk('transport: udp')).trunks[0]?.allowedPrefixes).toEqual([]);
  });

  it.each([
    ['register: true', 'trunks.0.username: missing; expected one, as register is true'],
    ['username: me', 'trunks.0.password: missing; expected both or none'],
    ['alowedPrefixes: ["+49"]', 'did you mean trunks.0.allowedPrefixes?'],
    ['allowedPrefixes: ["49*"]', 'the first digits of numbers, such as +49 or 7'],
    ['transport: sctp', 'trunks.0.transport: expected'],
  ])('%s: %s', (more, message) => {
    expect(errors(trunk(more)).join('\n')).toContain(message);
  });

  it('have names of their own, and several servers only as addresses', () => {
    const twice = `trunks:
  - { name: a, servers: [203.0.113.5] }
  - { name: a, servers: [203.0.113.6, sip.example.com] }`;
    const found = errors(file(twice)).join('\n');
    expect(found).toContain('trunks.1.name: expected a name of its own, got a');
    expect(found).toContain('trunks.1.servers: expected addresses, as there are several');
  });

  it('their secret is never shown', () => {
    const config = load(trunk('username: me, password: open-sesame'));
    expect(JSON.stringify(withoutSecrets(config))).not.toContain('open-sesame');
  });
});

describe('a file', () => {
  it.each([
    ['siip: {}', 'minusone.yaml:1: unknown key siip; did you mean sip?'],
    ['sip:\n  prot: 5', 'minusone.yaml:2: unknown key sip.prot; did you mean sip.port?'],
    [
      'mixer:\n  groups:\n    - clas: hd',
      'unknown key mixer.groups.0.clas; did you mean mixer.groups.0.class?',
    ],
    ['vru: { firstDigitTimeout: 3 }', 'did you mean vru.firstDigitTimeoutMs?'],
    ['quux: 1', 'unknown key quux; known here: roles, demo'],
    ['sip: { port: abc }', 'sip.port: expected a number, got "abc"'],
    ['sip: { port: 1.5 }', 'sip.port: expected a whole number, got 1.5'],
    ['sip: { port: 70000 }', 'sip.port: expected 65535 or less, got 70000'],
    [
      'sip: { address: localhost }',
      'sip.address: expected an IPv4 or IPv6 address, got "localhost"',
    ],
    ['sip: 5', 'sip: expected a group of keys, got 5'],
    ['roles: []', 'roles: expected at least 1 entries, got []'],
    [
      'logLevel: warning',
      'one of trace, debug, info, warn, error, fatal, silent (did you mean warn?)',
    ],
    ['demo: yes please', 'demo: expected true or false, got "yes please"'],
    ['mixer: { groups: [{ class: HD }] }', 'expected a word of a-z, 0-9 and -, got "HD"'],
    [
      'http: { adminToken: short }',
      'http.adminToken: expected a length of 16 or more, got [hidden]',
    ],
    [
      'mixer: { trustedPeers: [10.0.0.0/8, 10.0.0.0/33] }',
      'mixer.trustedPeers.1: expected an address or a network such as 10.0.0.0/8',
    ],
    ['- 1\n- 2', 'minusone.yaml: expected keys with values'],
    ['sip: {port: 1', 'minusone.yaml: not valid YAML'],
    ['demo: true\ndemo: false', 'Map keys must be unique'],
  ])('%j is refused: %s', (text, message) => {
    expect(errors(file(text)).join('\n')).toContain(message);
  });

  it('gets all its problems named at once', () => {
    expect(errors(file('sip: { port: x, addres: y }\nlogLevel: z'))).toHaveLength(3);
  });

  it('may be empty', () => {
    expect(load(file('')).sip.port).toBe(5060);
  });
});

describe('checks across keys', () => {
  it.each([
    ['http: { port: 5060 }', 'HTTP API and VRU 1 both on 127.0.0.1:5060'],
    ['http: { port: 5071 }', 'HTTP API and mixer 2 both on 127.0.0.1:5071'],
    ['sip: { port: 65530 }', 'mixer 1 would listen on port 65540'],
    [
      'media: { portMin: 20001 }',
      'expected an even port (RFC 3550 section 11), got 20001; take 20002',
    ],
    ['media: { portMin: 20000, portMax: 20010 }', 'set media.portMax to 20031 or more'],
    [
      'media: { portMin: 5000, portMax: 5100 }',
      'the RTP range 5000 to 5100 contains VRU 1 on port 5060',
    ],
    ['sip: { address: 0.0.0.0 }', 'sip.advertisedAddress: missing'],
    ['sip: { advertisedAddress: "::" }', 'expected an address that peers can reach'],
    [
      'conferenceEvents: { subscribers: [{username: a, password: b, accounts: [x]}, {username: a, password: c, accounts: [y]}] }',
      'conferenceEvents.subscribers.1.username: expected a name of its own, got a',
    ],
    [
      'conferenceEvents: { subscribers: [{username: a, password: b}] }',
      'conferenceEvents.subscribers.0.accounts: ',
    ],
    [
      'conferenceEvents: { minimumExpiresS: 600, maximumExpiresS: 300 }',
      'conferenceEvents.minimumExpiresS: expected at most conferenceEvents.maximumExpiresS (300)',
    ],
    ['sip: { authentication: digest }', 'sip.users: expected at least one user'],
    [
      'sip: { users: [{username: a, password: b}, {username: a, password: c}] }',
      'sip.users.1.username: expected a name of its own, got a',
    ],
    [
      'sip: { sessionExpiresS: 100, minimumSessionExpiresS: 200 }',
      'expected at most sip.sessionExpiresS',
    ],
    ['nats: { url: "nats://127.0.0.1:4222" }', 'later release'],
    ['roles: [vru]', 'missing: mixer, proxy, interface'],
  ])('%j is refused: %s', (text, message) => {
    expect(errors(file(text)).join('\n')).toContain(message);
  });

  it('let mixers run alone', () => {
    expect(load(file('roles: [mixer]')).roles).toEqual(['mixer']);
  });
});

describe('options', () => {
  it('win over the file', () => {
    const options = fromOptions({ sip: '127.0.0.2:6060', http: ':0', data: '/tmp/x', vrus: '2' });
    const config = load({ ...file('sip: { port: 7000 }\nlogLevel: warn'), ...options });
    expect([config.sip.address, config.sip.port, config.http.port]).toEqual(['127.0.0.2', 6060, 0]);
    expect([config.dataDirectory, config.vru.count, config.logLevel]).toEqual([
      '/tmp/x',
      2,
      'warn',
    ]);
  });

  it('--rtp gives the range', () => {
    const config = load(fromOptions({ rtp: '30000-30999' }));
    expect([config.media.portMin, config.media.portMax]).toEqual([30_000, 30_999]);
    expect(readOptions({ rtp: '30000' }).ok).toBe(false);
  });

  it('--mixers and --class make one group', () => {
    const config = load(fromOptions({ mixers: '4', class: 'hd' }));
    expect(config.mixer.groups).toMatchObject([{ class: 'hd', count: 4 }]);
  });

  it('are named in errors', () => {
    expect(errors(fromOptions({ mixers: 'many' }))[0]).toBe(
      '--mixers: mixer.groups.0.count: expected a number, got "many"',
    );
    expect(errors(fromOptions({ nats: 'nats://127.0.0.1:4222' }))[0]).toContain('--nats: nats.url');
  });

  it.each([
    [{ sip: 'localhost' }, '--sip: expected ADDRESS:PORT such as 127.0.0.1:5060'],
    [
      { role: 'mixr' },
      '--role: expected all or some of vru,mixer,proxy,interface, got "mixr"; did you mean mixer?',
    ],
  ])('%j is refused', (given, message) => {
    const result = readOptions(given);
    expect(result.ok ? [] : result.error.join()).toContain(message);
  });
});

describe('what is shown', () => {
  it('hides secrets', () => {
    const config = load(
      file('http: { adminToken: 0123456789abcdef }\nsip: { users: [{username: a, password: pw}] }'),
    );
    const shown = JSON.stringify(withoutSecrets(config));
    expect(shown).not.toContain('0123456789abcdef');
    expect(shown).not.toContain('"pw"');
    expect(shown).toContain('"password":"[hidden]"');
  });

  it('docs/configuration.md is current (node tools/config-docs.mjs)', () => {
    const page = readFileSync(new URL('../docs/configuration.md', import.meta.url), 'utf8');
    expect(page).toBe(configurationPage());
  });
});

describe('addresses', () => {
  it('follow one rule', () => {
    const config = load({});
    expect(vruAddress(config, 1)).toEqual({ address: '127.0.0.1', port: 5061 });
    expect(mixerAddress(config, 2)).toEqual({ address: '127.0.0.1', port: 5072 });
  });

  it('RTP ranges are disjoint and even', () => {
    const config = load(file('media: { portMin: 20000, portMax: 20099 }'));
    const ranges = [0, 1, 2].map((index) => rtpRange(config, index, 3));
    expect(ranges).toEqual([
      { portMin: 20_000, portMax: 20_031 },
      { portMin: 20_032, portMax: 20_063 },
      { portMin: 20_064, portMax: 20_095 },
    ]);
  });
});

describe('nearest', () => {
  it('counts edits', () => {
    expect(editDistance('port', 'prot')).toBe(1);
    expect(editDistance('', 'abc')).toBe(3);
    expect(nearest('adress', ['address', 'port'])).toBe('address');
    expect(nearest('zzzzzz', ['address', 'port'])).toBeUndefined();
  });
});
