/** R26 against a trunk of bad manners: whatever it does, no call, no leg and no place is left behind. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import type { AccountId, ConferenceId } from '../../common/ids.ts';
import { addAccount } from '../../signaling/conference/accounts.ts';
import { ConferenceLog } from '../../signaling/conference/conference-log.ts';
import { guardRecord, KEYS, outdialRecord } from '../../signaling/conference/records.ts';
import type { TrunkSettings } from '../../signaling/trunk/trunk.ts';
import { must, type RunningSystem, startSystem } from './system.ts';

const PORT = 28_000;
const FAR_PORT = PORT - 9;
const EVIL_PORT = PORT - 10;
const ACCOUNT = 'hostile' as AccountId;
const TRUNK: TrunkSettings = {
  ...{ name: 'carrier', servers: [`127.0.0.1:${FAR_PORT}`], transport: 'udp' },
  ...{ username: 'minusone', password: 'open-sesame', register: false, registerExpiresS: 3_600 },
  ...{ callerNumber: '+493000', numberFormat: 'plus', numberPrefix: '' },
  ...{ allowedPrefixes: ['+4930'], deniedPrefixes: [], maxConcurrent: 50, maxCallsPerDay: 100 },
};

interface Received {
  readonly method: string;
  readonly status: number;
  readonly number: string;
  readonly text: string;
  readonly from: RemoteInfo;
}
type Reply = (
  status: string,
  more?: { readonly tag?: string; readonly headers?: readonly string[]; readonly body?: string },
) => void;

/** Answers by number; what comes is kept. */
class RawTrunk {
  readonly received: Received[] = [];
  readonly #socket: Socket = createSocket('udp4');
  readonly #timers: NodeJS.Timeout[] = [];

  async start(behave: (trunk: RawTrunk, request: Received, reply: Reply) => void): Promise<void> {
    this.#socket.on('message', (bytes, from) => {
      const text = bytes.toString('latin1');
      const [line = ''] = text.split('\r\n');
      const status = Number(/^SIP\/2.0 ([0-9]{3})/.exec(line)?.[1] ?? '0');
      const number = /<?sip:([^@>]*)@/.exec(headerOf(text, 'To'))?.[1] ?? '';
      const request = { method: line.split(' ')[0] ?? '', status, number, text, from };
      this.received.push(request);
      if (status === 0) {
        behave(this, request, (answer, more = {}) => {
          const { tag = 'far', headers = [], body = '' } = more;
          const lines = [
            `SIP/2.0 ${answer}`,
            ...text.split('\r\n').filter((one) => one.startsWith('Via:')),
            `From: ${headerOf(text, 'From')}`,
            `To: ${headerOf(text, 'To').replace(/;tag=.*/, '')};tag=${tag}`,
            `Call-ID: ${headerOf(text, 'Call-ID')}`,
            `CSeq: ${headerOf(text, 'CSeq')}`,
            `Contact: <sip:far@127.0.0.1:${FAR_PORT}>`,
            ...headers,
            ...(body === '' ? [] : ['Content-Type: application/sdp']),
            `Content-Length: ${body.length}`,
          ];
          this.send(`${lines.join('\r\n')}\r\n\r\n${body}`, from);
        });
      }
    });
    await new Promise<void>((resolve) => {
      this.#socket.bind(FAR_PORT, '127.0.0.1', () => resolve());
    });
  }

  send(text: string, { address, port }: Pick<RemoteInfo, 'address' | 'port'>): void {
    this.#socket.send(text, port, address);
  }

  after(delayMs: number, act: () => void): void {
    this.#timers.push(setTimeout(act, delayMs));
  }

  /** A request in the dialog of this INVITE. */
  ask(invite: Received, method: string, cseq: number, more: readonly string[] = []): void {
    const target = /<(sip:[^>]*)>/.exec(headerOf(invite.text, 'Contact'))?.[1] ?? '';
    const lines = [
      `${method} ${target} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${FAR_PORT};branch=z9hG4bK${method}${cseq}${Math.random()}`,
      'Max-Forwards: 70',
      `From: ${headerOf(invite.text, 'To')};tag=far`,
      `To: ${headerOf(invite.text, 'From')}`,
      `Call-ID: ${headerOf(invite.text, 'Call-ID')}`,
      `CSeq: ${cseq} ${method}`,
      `Contact: <sip:far@127.0.0.1:${FAR_PORT}>`,
      ...more,
      'Content-Length: 0',
    ];
    this.send(`${lines.join('\r\n')}\r\n\r\n`, invite.from);
  }

  of(number: string, method: string): readonly Received[] {
    return this.received.filter((one) => one.number === number && one.method === method);
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#socket.close();
  }
}

const headerOf = (text: string, name: string): string =>
  text
    .split('\r\n')
    .find((line) => line.startsWith(`${name}: `))
    ?.slice(name.length + 2) ?? '';
const sdp = (media: string, address = '127.0.0.1'): string =>
  `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 ${address}\r\nt=0 0\r\nm=audio ${media} RTP/AVP 0\r\n`;
const HEARD = sdp('20000');
const CHALLENGES = [
  'Digest realm="carrier",nonce="n",qop="auth-int"',
  'Digest realm="carrier",nonce="n",algorithm=ROT13',
  `Digest realm="carrier",nonce="${'x'.repeat(4_000)}",stale=true,qop="auth"`,
  'Digest realm="\\"carrier\\\\",nonce="",qop=""',
  'Digest',
  'Digest nonce="n',
  'Basic realm="carrier"',
  'Digest realm="carrier",realm="other",nonce="a",nonce="b",qop="auth,auth-int",stale=true',
];

type Manner = (trunk: RawTrunk, request: Received, reply: Reply) => void;
const answering =
  (body: string, then: Manner = () => {}): Manner =>
  (trunk, request, reply) => {
    if (request.method === 'INVITE') {
      reply('200 OK', { body });
      then(trunk, request, reply);
    } else if (request.method !== 'ACK') reply('200 OK');
  };
let challenge = 0;
const MANNERS: Readonly<Record<string, Manner>> = {
  // Rings for ever, and takes no CANCEL.
  '+49301': (trunk, { method }, reply) => {
    if (method !== 'INVITE') return;
    for (let second = 0; second < 60; second++) {
      trunk.after(second * 1_000, () => reply('183 Session Progress', { body: HEARD }));
    }
  },
  '+49302': (_trunk, { method }, reply) => {
    if (method === 'INVITE') reply('100 Trying');
  },
  '+49303': (_trunk, { method }, reply) => {
    const headers = [`Contact: <sip:+1900555@127.0.0.1:${EVIL_PORT}>`];
    if (method === 'INVITE') reply('302 Moved Temporarily', { headers });
  },
  // Two people answer; the second is hung up.
  '+49304': answering(HEARD, (trunk, _request, reply) => {
    trunk.after(300, () => reply('200 OK', { tag: 'second', body: HEARD }));
  }),
  '+49305': (_trunk, { method }, reply) => {
    const header = `WWW-Authenticate: ${CHALLENGES[challenge++ % CHALLENGES.length]}`;
    if (method === 'INVITE') reply('401 Unauthorized', { tag: `c${challenge}`, headers: [header] });
  },
  '+49306': answering(sdp('0')),
  '+49307': answering(''),
  '+49308': answering(HEARD, (trunk, request) => trunk.ask(request, 'BYE', 1)),
  // Wants us to call somebody else, and floods the dialog.
  '+49309': answering(HEARD, (trunk, request) => {
    const refer = [`Refer-To: <sip:+1900555@127.0.0.1:${EVIL_PORT}>`];
    trunk.after(500, () => {
      trunk.ask(request, 'REFER', 1, refer);
      for (let n = 2; n < 200; n++) trunk.ask(request, n % 2 === 0 ? 'INFO' : 'INVITE', n);
    });
  }),
  // Never a word after the answer.
  '+493010': (_trunk, { method }, reply) => {
    if (method === 'INVITE') reply('200 OK', { body: HEARD });
  },
  '+493011': answering(sdp('99999', '999.1.1.1')),
  '+493012': answering(`${HEARD}${'a=x\r\n'.repeat(5_000)}`),
  '+493013': (_trunk, { method }, reply) => {
    if (method === 'INVITE') for (let n = 0; n < 300; n++) reply('183 Fork', { tag: `f${n}` });
  },
};

let system: RunningSystem;
const trunk = new RawTrunk();
const evil = createSocket('udp4');
let evilCalls = 0;

beforeAll(async () => {
  const rules = { plan: { rewrite: [{ from: '0', to: '+49' }], trunks: [TRUNK] } };
  system = await startSystem({
    rtpPort: PORT,
    vrus: 2,
    outdial: {
      trunks: [TRUNK],
      rules: { ...rules, ringTimeoutMs: 6_000, maxDurationMs: 8_000, listConcurrency: 5 },
    },
  });
  const codes = { hostCodes: ['917301'], participantCodes: ['117301'] };
  const account = { id: ACCOUNT, name: 'hostile', waitingMode: 'start', ...codes };
  must(await addAccount(system.store, { ...account, outdial: { concurrent: 50 } }));
  evil.on('message', () => {
    evilCalls += 1;
  });
  evil.bind(EVIL_PORT, '127.0.0.1');
  await trunk.start((self, request, reply) => MANNERS[request.number]?.(self, request, reply));
});

afterAll(async () => {
  await system.stop();
  trunk.stop();
  evil.close();
});

async function until<T>(what: string, find: () => Promise<T | undefined>, ms: number): Promise<T> {
  const endMs = systemClock.nowMs() + ms;
  while (systemClock.nowMs() < endMs) {
    const found = await find();
    if (found !== undefined) return found;
    await systemClock.sleep(100);
  }
  throw new Error(`never: ${what}`);
}

async function running(): Promise<number> {
  const entry = must(await system.store.get(KEYS.outdial('account', ACCOUNT)));
  return Object.keys(outdialRecord.parse(entry?.value).running).length;
}

describe('R26: a trunk of bad manners', () => {
  it('costs nobody a leg, a place or a call elsewhere', async () => {
    const host = system.phone(0, { dtmf: '917301#', durationMs: 180_000 });
    const id = await until<ConferenceId>(
      'a conference',
      async () => {
        const active = must(await system.store.get(KEYS.active(ACCOUNT)));
        const guard = guardRecord.safeParse(active?.value);
        return guard.success && guard.data.established ? guard.data.conferenceId : undefined;
      },
      40_000,
    );
    await systemClock.sleep(3_000);
    const legs = system.legs();
    for (const number of Object.keys(MANNERS)) {
      const reply = must(await system.service.dial(id, undefined, { number, confirm: false }));
      expect(reply.kind).toBe('dialling');
    }
    await until(
      'all places free',
      async () => ((await running()) === 0 ? true : undefined),
      80_000,
    );
    await until('all legs closed', async () => (system.legs() === legs ? true : undefined), 20_000);
    const parts = { store: system.store, clock: systemClock, onAppended() {}, onRaceLost() {} };
    const log = new ConferenceLog(id, parts);
    must(await log.load());
    const states = [...log.roster.dials.values()].map(({ number, state }) => `${number} ${state}`);
    expect(states).toEqual([
      '+49301 no-answer',
      '+49302 no-answer',
      '+49303 failed',
      '+49304 time-limit',
      '+49305 failed',
      '+49306 failed',
      '+49307 failed',
      '+49308 hung-up',
      '+49309 time-limit',
      '+493010 time-limit',
      '+493011 failed',
      '+493012 failed',
      '+493013 no-answer',
    ]);
    expect(evilCalls).toBe(0);
    // Digest is answered a few times at most, however it goes on.
    expect(trunk.of('+49305', 'INVITE').length).toBeLessThanOrEqual(10);
    expect(trunk.of('+49304', 'BYE').map(({ text }) => headerOf(text, 'To'))).toContainEqual(
      expect.stringContaining('tag=second'),
    );
    must(await system.service.control(id, undefined, { kind: 'end' }));
    await host;
  }, 200_000);
});
