/** An agent that notifies, and a peer that subscribes with the answer to the challenge, on a network in memory. */
import { seededRandom } from '../../../common/ids.ts';
import type { NotifierOptions } from '../events/notifier.ts';
import { FakeMedia } from '../fake-media.ts';
import type { SipRequest, SipResponse } from '../message.ts';
import { parseMessage } from '../parser.ts';
import { createLogin } from '../session/login.ts';
import type { Session, UserAgent } from '../user-agent.ts';
import { FakePackage, type FakeSource } from './fake-source.ts';
import { request } from './raw-messages.ts';
import { type AgentOptions, type RawPeer, SessionBench } from './session-bench.ts';

const LIFETIMES = { defaultS: 3_600, minS: 60, maxS: 7_200 };

export interface EventBench {
  readonly bench: SessionBench;
  readonly agent: UserAgent;
  readonly peer: RawPeer;
  readonly things: FakePackage;
  readonly sessions: Session[];
  /** What is answered to NOTIFYs; undefined: nothing. */
  answerWith: { status: number; headers?: readonly string[] } | undefined;
}

export async function eventBench(
  notifier: Partial<NotifierOptions> = {},
  options: AgentOptions = {},
): Promise<EventBench> {
  const bench = new SessionBench();
  const things = new FakePackage();
  const sessions: Session[] = [];
  const agent = await bench.agent(2, {
    notifier: {
      packages: [things],
      lifetimes: LIFETIMES,
      challenge: {
        realm: 'test',
        passwordOf: (name) => (/^(alice|bob)$/.test(name) ? 'secret' : undefined),
      },
      limits: { total: 10, perSubscriber: 10 },
      ...notifier,
    },
    events: {
      onInvite: (session) => {
        sessions.push(session);
        void session.accept(new FakeMedia());
      },
    },
    ...options,
  });
  const peer = bench.peer(1);
  const made: EventBench = { bench, agent, peer, things, sessions, answerWith: { status: 200 } };
  peer.onMessage = (message) => {
    if (message.kind === 'request' && message.method === 'NOTIFY' && made.answerWith !== undefined)
      peer.send(replyTo(message, made.answerWith), 2);
  };
  return made;
}

function replyTo(
  { headers }: SipRequest,
  answer: { readonly status: number; readonly headers?: readonly string[] },
): string {
  return [
    `SIP/2.0 ${answer.status} Text`,
    ...headers.all('Via').map((value) => `Via: ${value}`),
    ...['From', 'To', 'Call-ID', 'CSeq'].map((name) => `${name}: ${headers.get(name)}`),
    ...(answer.headers ?? []),
    '',
    '',
  ].join('\n');
}

export interface Asked {
  readonly cseq?: number;
  readonly headers?: readonly string[];
  readonly to?: string;
  readonly uri?: string;
  readonly user?: string;
  readonly password?: string;
  readonly event?: string;
  readonly callId?: string;
}

const THING = 'sip:thing@10.0.0.2';

export function text(asked: Asked, more: readonly string[] = []): string {
  const cseq = asked.cseq ?? 1;
  const headers = [`Event: ${asked.event ?? 'thing'}`, ...(asked.headers ?? []), ...more];
  const made = request('SUBSCRIBE', cseq, {
    uri: asked.uri ?? THING,
    headers,
    branch: `s${cseq}${asked.callId ?? ''}${more.length}`,
    ...(asked.to === undefined ? {} : { to: asked.to }),
  });
  return asked.callId === undefined
    ? made
    : made.replace('Call-ID: abc', `Call-ID: ${asked.callId}`);
}

export function final(peer: RawPeer): SipResponse {
  const response = peer.responses().at(-1);
  if (response === undefined) throw new Error('no response came');
  return response;
}

/** Asks as `user`, with the answer to the challenge; the value is the last response. */
export async function subscribe(
  { bench, peer }: EventBench,
  asked: Asked = {},
): Promise<SipResponse> {
  const plain = text(asked);
  peer.send(plain, 2);
  await bench.advance(20);
  const response = final(peer);
  if (response.status !== 401) return response;
  const parsed = parseMessage(Buffer.from(plain.replaceAll('\n', '\r\n')));
  if (!parsed.ok || parsed.value.kind !== 'request') throw new Error('bad test');
  const credentials = { username: asked.user ?? 'alice', password: asked.password ?? 'secret' };
  const fields = createLogin(seededRandom(3), credentials).answer(parsed.value, response);
  const authorization = (fields ?? []).map(([name, value]) => `${name}: ${value}`);
  peer.send(text({ ...asked, cseq: (asked.cseq ?? 1) + 1 }, authorization), 2);
  await bench.advance(20);
  return final(peer);
}

export function source({ things }: EventBench): FakeSource {
  const made = things.sources.at(-1);
  if (made === undefined) throw new Error('nothing was opened');
  return made;
}

/** State and body of every NOTIFY so far. */
export const told = ({ peer }: EventBench): readonly string[] =>
  peer
    .requests('NOTIFY')
    .map(({ headers, body }) => `${headers.get('Subscription-State')} | ${Buffer.from(body)}`);

export const toOf = (response: SipResponse): string => response.headers.get('To') ?? '';
