import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { essentialsOf } from '../essentials.ts';
import { parseContacts } from '../fields.ts';
import type { SipMessage } from '../message.ts';
import { parseMessage } from '../parser.ts';
import { parseSipUri } from '../uri.ts';
import { parseVia } from '../via.ts';
import { outcomeOf } from './outcome.ts';

const FOLDER = join(import.meta.dirname, 'rfc5118');
const read = (name: string): Buffer => readFileSync(join(FOLDER, `${name}.dat`));

const target = (message: SipMessage) => {
  const parsed = parseSipUri(message.kind === 'request' ? message.uri : '');
  if (!parsed.ok) throw new Error(parsed.error.detail);
  return { host: parsed.value.host, port: parsed.value.port };
};
const vias = (message: SipMessage) =>
  message.headers.list('Via').map((value) => {
    const via = parseVia(value);
    return via.ok ? [via.value.host, via.value.port, via.value.parameters.get('received')] : [];
  });
const body = (message: SipMessage): string => Buffer.from(message.body).toString();

const ACCEPTED: Readonly<Record<string, (message: SipMessage) => void>> = {
  'ipv6-good': (message) => {
    expect(target(message)).toEqual({ host: '[2001:db8::10]', port: undefined });
    const contacts = parseContacts(message.headers);
    expect(contacts.ok && contacts.value !== '*' && contacts.value[0]?.uri.host).toBe(
      '[2001:db8::1]',
    );
  },
  // What looks like a port inside the brackets is part of the address (section 4.3).
  'port-ambiguous': (message) =>
    expect(target(message)).toEqual({ host: '[2001:db8::10:5070]', port: undefined }),
  'port-unambiguous': (message) =>
    expect(target(message)).toEqual({ host: '[2001:db8::10]', port: 5070 }),
  'via-received-param-with-delim': (message) =>
    expect(vias(message)).toEqual([['[2001:db8::9:1]', undefined, '[2001:db8::9:255]']]),
  'via-received-param-no-delim': (message) =>
    expect(vias(message)).toEqual([['[2001:db8::9:1]', undefined, '2001:db8::9:255']]),
  'ipv6-in-sdp': (message) => expect(body(message)).toContain('c=IN IP6 2001:db8::20\r\n'),
  'mult-ip-in-header': (message) =>
    expect(vias(message)).toEqual([
      ['[2001:db8::9:1]', 6050, undefined],
      ['192.0.2.1', undefined, undefined],
      ['[2001:db8::9:255]', undefined, '192.0.2.200'],
    ]),
  'mult-ip-in-sdp': (message) => expect(body(message)).toContain('c=IN IP6 2001:db8::1\r\n'),
  'ipv4-mapped-ipv6': (message) => {
    expect(vias(message)[0]).toEqual(['[::ffff:192.0.2.10]', 19823, undefined]);
    expect(body(message)).toContain('c=IN IP6 ::ffff:192.0.2.2\r\n');
  },
  // Section 4.10: both must be tolerated and mean the same.
  'ipv6-bug-abnf-3-colons': (message) => {
    expect(target(message)).toEqual({ host: '[2001:db8::192.0.2.1]', port: undefined });
    expect(essentialsOf(message.headers).ok).toBe(true);
  },
  'ipv6-correct-abnf-2-colons': (message) =>
    expect(target(message)).toEqual({ host: '[2001:db8::192.0.2.1]', port: undefined }),
};

describe('RFC 5118 IPv6 torture messages (R47)', () => {
  it('has an expectation for each of the 12', () => {
    const names = readdirSync(FOLDER).map((file) => file.replace('.dat', ''));
    expect(names.toSorted()).toEqual([...Object.keys(ACCEPTED), 'ipv6-bad'].toSorted());
  });

  for (const [name, look] of Object.entries(ACCEPTED)) {
    it(`${name}: accept`, async () => {
      const bytes = read(name);
      const parsed = parseMessage(bytes);
      if (!parsed.ok) throw new Error(parsed.error.detail);
      look(parsed.value);
      expect((await outcomeOf(bytes)).status).toBe(200);
    });
  }

  it('ipv6-bad: 400, as the address has no brackets', async () => {
    expect(await outcomeOf(read('ipv6-bad'))).toEqual({ request: undefined, status: 400 });
  });
});
