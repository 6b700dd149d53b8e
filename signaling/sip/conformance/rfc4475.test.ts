import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { essentialsOf } from '../essentials.ts';
import { parseAuth, parseContacts } from '../fields.ts';
import type { SipMessage, SipRequest } from '../message.ts';
import { parseMessage } from '../parser.ts';
import { serializeMessage } from '../serializer.ts';
import { parseNameAddress, parseSipUri } from '../uri.ts';
import { parseVia } from '../via.ts';
import { outcomeOf } from './outcome.ts';

const FOLDER = join(import.meta.dirname, 'rfc4475');
const read = (name: string): Buffer => readFileSync(join(FOLDER, `${name}.dat`));

interface Expected {
  /** Section of RFC 4475. */
  readonly section: string;
  /**
   * `accept`: parses and, being a request, reaches the user of the transactions, whose business the rest is.
   * A number: answered with it by the lower layers. `drop`: no answer.
   */
  readonly outcome: 'accept' | 'drop' | number;
  readonly look?: (message: SipMessage) => void;
}

const address = (message: SipMessage, name: string) => {
  const parsed = parseNameAddress(message.headers.get(name) ?? '');
  if (!parsed.ok) throw new Error(`${name}: ${parsed.error.detail}`);
  return parsed.value;
};
const contacts = (message: SipMessage) => {
  const parsed = parseContacts(message.headers);
  if (!parsed.ok || parsed.value === '*') throw new Error('no contacts');
  return parsed.value;
};
const request = (message: SipMessage): SipRequest => {
  if (message.kind !== 'request') throw new Error('not a request');
  return message;
};
const uriOf = (message: SipMessage) => {
  const parsed = parseSipUri(request(message).uri);
  if (!parsed.ok) throw new Error(parsed.error.detail);
  return parsed.value;
};
const uriProblem = (message: SipMessage): number => {
  const parsed = parseSipUri(request(message).uri);
  return parsed.ok ? 0 : parsed.error.status;
};

const EXPECTED: Readonly<Record<string, Expected>> = {
  wsinv: {
    section: '3.1.1.1',
    outcome: 'accept',
    look: (message) => {
      expect(uriOf(message).parameters.get('unknownparam')).toBe('');
      expect(address(message, 'From').displayName).toBe('J Rosenberg \\"');
      expect(address(message, 'From').parameters.get('tag')).toBe('98asjd8');
      expect(address(message, 'To').parameters.get('tag')).toBe('1918181833n');
      expect(message.headers.get('Max-Forwards')).toBe('0068');
      expect(message.headers.get('Subject')).toBe('');
      expect(message.headers.get('NewFangledHeader')).toBe(
        'newfangled value continued newfangled value',
      );
      expect(message.headers.get('UnknownHeaderWithUnusualValue')).toBe(';;,,;;,;');
      const vias = message.headers.list('Via').map((value) => parseVia(value));
      expect(vias.map((via) => (via.ok ? via.value.host : ''))).toEqual([
        '192.0.2.2',
        'spindle.example.com',
        '192.168.255.111',
      ]);
      const essentials = essentialsOf(message.headers);
      expect(essentials.ok && essentials.value.cseq).toEqual({ number: 9, method: 'INVITE' });
      const [contact] = contacts(message);
      expect(contact?.displayName).toBe('Quoted string ""');
      expect(contact?.parameters.get('newparam')).toBe('newvalue');
      expect(contact?.parameters.get('q')).toBe('0.33');
    },
  },
  intmeth: {
    section: '3.1.1.2',
    outcome: 'accept',
    look: (message) => {
      expect(request(message).method).toBe("!interesting-Method0123456789_*+`.%indeed'~");
      expect(uriOf(message).user).toBe("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
      expect(uriOf(message).password).toBe("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)");
      expect(address(message, 'To').displayName).toBe('BEL:\x07 NUL:\0 DEL:\x7f');
      expect(address(message, 'From').displayName).toBe("token1~` token2'+_ token3*%!.-");
      expect(address(message, 'From').parameters.get("fromparam''~+*_!.-%")).toBe('работающий');
    },
  },
  esc01: {
    section: '3.1.1.3',
    outcome: 'accept',
    look: (message) => {
      expect(uriOf(message).user).toBe('sips:user@example.com');
      expect(address(message, 'To').uri.user).toBe('user');
      expect(address(message, 'From').uri.user).toBe('I have spaces');
      const [contact] = contacts(message);
      expect(contact?.uri.user).toBe('caller');
      expect([...(contact?.uri.parameters ?? [])]).toEqual([
        ['lr', ''],
        ['name', 'value%41'],
      ]);
    },
  },
  escnull: {
    section: '3.1.1.4',
    outcome: 'accept',
    look: (message) => {
      expect(address(message, 'To').uri.user).toBe('null-\0-null');
      expect(contacts(message).map((contact) => contact.uri.user)).toEqual(['\0', '\0\0']);
    },
  },
  esc02: {
    section: '3.1.1.5',
    outcome: 'accept',
    look: (message) => {
      // Percent signs outside URIs mean themselves.
      expect(request(message).method).toBe('RE%47IST%45R');
      expect(address(message, 'To').displayName).toBe('%Z%45');
      // C%6Fntact is another header field than Contact.
      expect(contacts(message).map((contact) => contact.uri.user)).toEqual(['alias1', 'alias3']);
    },
  },
  lwsdisp: {
    section: '3.1.1.6',
    outcome: 'accept',
    look: (message) => expect(address(message, 'From').displayName).toBe('caller'),
  },
  longreq: {
    section: '3.1.1.7',
    outcome: 'accept',
    look: (message) => {
      expect(message.headers.list('Via')).toHaveLength(34);
      expect(address(message, 'From').uri.user).toBe('amazinglylongcallername'.repeat(5));
    },
  },
  dblreq: {
    section: '3.1.1.8',
    outcome: 'accept',
    // The second request in the datagram is not one.
    look: (message) => expect(message.body).toHaveLength(0),
  },
  semiuri: {
    section: '3.1.1.9',
    outcome: 'accept',
    look: (message) => expect(uriOf(message).user).toBe('user;par=u@example.net'),
  },
  transports: {
    section: '3.1.1.10',
    outcome: 'accept',
    look: (message) =>
      expect(
        message.headers.list('Via').map((value) => {
          const via = parseVia(value);
          return via.ok ? via.value.transport : '';
        }),
      ).toEqual(['UDP', 'SCTP', 'TLS', 'UNKNOWN', 'TCP']),
  },
  mpart01: {
    section: '3.1.1.11',
    outcome: 'accept',
    look: (message) => expect(message.body).toHaveLength(553),
  },
  unreason: {
    section: '3.1.1.12',
    outcome: 'drop',
    look: (message) =>
      expect(message).toMatchObject({
        status: 200,
        reasonPhrase: '= 2**3 * 5**2 но сто девяносто девять - простое',
      }),
  },
  noreason: {
    section: '3.1.1.13',
    outcome: 'drop',
    look: (message) => expect(message).toMatchObject({ status: 100, reasonPhrase: '' }),
  },
  badinv01: { section: '3.1.2.1', outcome: 400 },
  clerr: { section: '3.1.2.2', outcome: 400 },
  ncl: { section: '3.1.2.3', outcome: 400 },
  scalar02: { section: '3.1.2.4', outcome: 400 },
  // A response with numbers out of range.
  scalarlg: { section: '3.1.2.5', outcome: 'drop' },
  quotbal: { section: '3.1.2.6', outcome: 400 },
  ltgtruri: { section: '3.1.2.7', outcome: 400 },
  lwsruri: { section: '3.1.2.8', outcome: 400 },
  lwsstart: { section: '3.1.2.9', outcome: 400 },
  trws: { section: '3.1.2.10', outcome: 400 },
  escruri: { section: '3.1.2.11', outcome: 400 },
  // A Date in another zone than GMT: we have no use for Date, so it is not looked at.
  baddate: { section: '3.1.2.12', outcome: 'accept' },
  // A Contact whose URI has a header but no brackets: the registrar that wants the Contact answers 400.
  regbadct: {
    section: '3.1.2.13',
    outcome: 'accept',
    look: (message) => expect(parseContacts(message.headers)).toMatchObject({ ok: false }),
  },
  badaspec: { section: '3.1.2.14', outcome: 400 },
  baddn: { section: '3.1.2.15', outcome: 400 },
  badvers: { section: '3.1.2.16', outcome: 505 },
  mismatch01: { section: '3.1.2.17', outcome: 400 },
  mismatch02: { section: '3.1.2.18', outcome: 400 },
  bigcode: { section: '3.1.2.19', outcome: 'drop' },
  // A branch that is only the cookie is matched as RFC 2543 says (see layer-server.test.ts).
  badbranch: {
    section: '3.2.1',
    outcome: 'accept',
    look: (message) => {
      const essentials = essentialsOf(message.headers);
      expect(essentials.ok && essentials.value.topVia.branch).toBe('z9hG4bK');
    },
  },
  insuf: { section: '3.3.1', outcome: 400 },
  // 416 is the answer of the user of the transactions; parseSipUri names it.
  unkscm: {
    section: '3.3.2',
    outcome: 'accept',
    look: (message) => expect(uriProblem(message)).toBe(416),
  },
  novelsc: {
    section: '3.3.3',
    outcome: 'accept',
    look: (message) => expect(uriProblem(message)).toBe(416),
  },
  // Unknown schemes in To, From and Contact harm nobody but a registrar.
  unksm2: {
    section: '3.3.4',
    outcome: 'accept',
    look: (message) => {
      const essentials = essentialsOf(message.headers);
      expect(essentials.ok && essentials.value.to.uriText).toBe('isbn:2983792873');
    },
  },
  bext01: {
    section: '3.3.5',
    outcome: 'accept',
    look: (message) => {
      expect(message.headers.list('Require')).toEqual([
        'nothingSupportsThis',
        'nothingSupportsThisEither',
      ]);
      expect(message.headers.list('Proxy-Require')).toEqual([
        'noProxiesSupportThis',
        'norDoAnyProxiesSupportThis',
      ]);
    },
  },
  invut: {
    section: '3.3.6',
    outcome: 'accept',
    look: (message) =>
      expect(message.headers.get('Content-Type')).toBe('application/unknownformat'),
  },
  regaut01: {
    section: '3.3.7',
    outcome: 'accept',
    look: (message) =>
      expect(parseAuth(message.headers.get('Authorization') ?? '')).toMatchObject({
        ok: true,
        value: { scheme: 'nooneknowsthisscheme' },
      }),
  },
  multi01: { section: '3.3.8', outcome: 400 },
  mcl01: { section: '3.3.9', outcome: 400 },
  // Its top Via is not ours.
  bcast: { section: '3.3.10', outcome: 'drop' },
  zeromf: {
    section: '3.3.11',
    outcome: 'accept',
    look: (message) => expect(message.headers.get('Max-Forwards')).toBe('0'),
  },
  cparam01: {
    section: '3.3.12',
    outcome: 'accept',
    look: (message) => {
      const [contact] = contacts(message);
      expect(contact?.parameters.get('unknownparam')).toBe('');
      expect(contact?.uri.parameters.size).toBe(0);
    },
  },
  cparam02: {
    section: '3.3.13',
    outcome: 'accept',
    look: (message) => {
      const [contact] = contacts(message);
      expect(contact?.uri.parameters.get('unknownparam')).toBe('');
      expect(contact?.parameters.size).toBe(0);
    },
  },
  regescrt: {
    section: '3.3.14',
    outcome: 'accept',
    look: (message) =>
      expect(contacts(message)[0]?.uri.headers.get('route')).toBe('<sip:sip.example.com>'),
  },
  sdp01: {
    section: '3.3.15',
    outcome: 'accept',
    look: (message) => expect(message.headers.list('Accept')).toEqual(['text/nobodyKnowsThis']),
  },
  inv2543: {
    section: '3.4.1',
    outcome: 'accept',
    look: (message) => {
      // No Content-Length: the body is the rest of the datagram.
      expect(message.body.length).toBeGreaterThan(100);
      expect(address(message, 'To').uri.parameters.size).toBe(0);
    },
  },
};

describe('RFC 4475 torture messages (R47)', () => {
  it('has an expectation for each of the 49', () => {
    const names = readdirSync(FOLDER).map((file) => file.replace('.dat', ''));
    expect(names.toSorted()).toEqual(Object.keys(EXPECTED).toSorted());
    expect(names).toHaveLength(49);
  });

  for (const [name, { section, outcome, look }] of Object.entries(EXPECTED)) {
    it(`${section} ${name}: ${outcome}`, async () => {
      const bytes = read(name);
      const parsed = parseMessage(bytes);
      const result = await outcomeOf(bytes);
      if (typeof outcome === 'number') {
        expect(parsed).toMatchObject({ ok: false, error: { status: outcome } });
        expect(result).toEqual({ request: undefined, status: outcome });
      } else if (outcome === 'accept') {
        expect(parsed.ok).toBe(true);
        expect(result.request).toBeDefined();
        expect(result.status).toBe(200);
      } else expect(result).toEqual({ request: undefined, status: undefined });
      if (look !== undefined) {
        if (!parsed.ok) throw new Error(parsed.error.detail);
        look(parsed.value);
      }
      if (parsed.ok) {
        // What parses comes back the same when it is printed and parsed again.
        const again = parseMessage(serializeMessage(parsed.value));
        expect(again.ok && plain(again.value)).toEqual(plain(parsed.value));
      }
    });
  }
});

function plain(message: SipMessage): unknown {
  const fields = [...message.headers]
    .map(({ name, value }) => [name.toLowerCase(), value])
    .filter(([name]) => name !== 'content-length' && name !== 'l');
  return { ...message, headers: fields, body: Buffer.from(message.body).toString('base64') };
}
