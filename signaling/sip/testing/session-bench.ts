/**
 * Two of our agents, or one and a peer without a stack, on a network in memory and in virtual time: what
 * the tests of sessions are written with.
 */
import { type Random, seededRandom } from '../../../common/ids.ts';
import { silentLogger } from '../../../common/log.ts';
import { createMetrics } from '../../../common/metrics.ts';
import { SimClock } from '../../../common/sim-clock.ts';
import { FakeMedia } from '../fake-media.ts';
import type { SipMessage, SipRequest, SipResponse } from '../message.ts';
import { parseMessage } from '../parser.ts';
import { serializeMessage } from '../serializer.ts';
import {
  createSimNetwork,
  type SimEndpoint,
  type SimNetwork,
  type SimRecord,
} from '../transport/sim.ts';
import type { Address, TransportKind } from '../transport/transport.ts';
import { createUserAgent } from '../ua.ts';
import type { UserAgentOptions } from '../ua-options.ts';
import { parseSipUri, type SipUri } from '../uri.ts';
import type {
  InviteOptions,
  Session,
  SessionEnd,
  SessionEvents,
  UserAgent,
} from '../user-agent.ts';

export type AgentOptions = Partial<Omit<UserAgentOptions, 'transports' | 'clock'>> & {
  readonly kind?: TransportKind;
};

/** One session with what happened to it, by name. */
export interface Watched {
  readonly session: Session;
  readonly media: FakeMedia;
  readonly events: string[];
  end: SessionEnd | undefined;
}

/** What the called side does with an INVITE. */
export type Answering = (session: Session, media: FakeMedia) => void;

/** Rings and accepts at once. */
export const accepting: Answering = (session, media) => {
  session.ring();
  void session.accept(media);
};

/** A caller at 10.0.0.1 and a called side at 10.0.0.2. */
export interface Pair {
  readonly bench: SessionBench;
  readonly caller: UserAgent;
  readonly called: UserAgent;
  readonly incoming: readonly Watched[];
}

export async function pair(
  answering: Answering = accepting,
  options: {
    readonly bench?: SessionBench;
    readonly caller?: AgentOptions;
    readonly called?: AgentOptions;
  } = {},
): Promise<Pair> {
  const bench = options.bench ?? new SessionBench();
  const incoming: Watched[] = [];
  const caller = await bench.agent(1, options.caller);
  const called = await bench.agent(2, {
    events: {
      onInvite: (session) => {
        const media = new FakeMedia({ address: '192.0.2.2', rtpPort: 50_000 });
        incoming.push(bench.watch(session, media));
        answering(session, media);
      },
    },
    ...options.called,
  });
  return { bench, caller, called, incoming };
}

/** The session of the first INVITE that came. */
export function first({ incoming }: Pair): Watched {
  const [watched] = incoming;
  if (watched === undefined) throw new Error('no INVITE came');
  return watched;
}

export interface Established extends Pair {
  readonly out: Watched;
  readonly in: Watched;
}

/** A pair that talks; the trace of the setup is left out of `bench.ladder`. */
export async function established(
  options: Parameters<typeof pair>[1] & { readonly invite?: Partial<InviteOptions> } = {},
): Promise<Established> {
  const both = await pair(accepting, options);
  const out = both.bench.call(both.caller, 2, options.invite);
  await both.bench.advance(100);
  out.events.length = 0;
  first(both).events.length = 0;
  both.bench.forget();
  return { ...both, out, in: first(both) };
}

export class SessionBench {
  readonly clock = new SimClock();
  readonly metrics = createMetrics();
  readonly network: SimNetwork;
  readonly agents: UserAgent[] = [];
  #seed: number;
  #forgotten = 0;

  /** `fate` decides about each message when conditions.lossRatio is above 0; default seeded. */
  constructor(seed = 1, fate: Random = seededRandom(seed)) {
    this.#seed = seed;
    this.network = createSimNetwork(this.clock, fate);
  }

  /** What was on the wire so far is not asked for any more. */
  forget(): void {
    this.#forgotten = this.network.trace.length;
  }

  get #trace(): readonly SimRecord[] {
    return this.network.trace.slice(this.#forgotten);
  }

  /** Everything is over, and nothing was left behind. */
  async leftovers(): Promise<{ readonly sessions: number; readonly timers: number }> {
    await this.advance(140_000);
    const sessions = this.agents.reduce((sum, agent) => sum + agent.sessionCount, 0);
    return { sessions, timers: this.clock.timerCount };
  }

  /** Started, at 10.0.0.N:5060. */
  async agent(host: number, options: AgentOptions = {}): Promise<UserAgent> {
    const { kind = 'udp', ...rest } = options;
    const agent = createUserAgent({
      clock: this.clock,
      random: seededRandom(++this.#seed),
      log: silentLogger,
      metrics: this.metrics,
      events: { onInvite: (session) => session.reject(480) },
      ...rest,
      transports: [this.network.createTransport({ kind, address: address(host), port: 5060 })],
    });
    this.agents.push(agent);
    const started = await agent.start();
    if (!started.ok) throw started.error;
    return agent;
  }

  peer(host: number, kind: TransportKind = 'udp'): RawPeer {
    return new RawPeer(this, host, kind);
  }

  watch(session: Session, media: FakeMedia): Watched {
    const watched: Watched = { session, media, events: [], end: undefined };
    session.events = watching(watched);
    return watched;
  }

  /** A call from `agent` to 10.0.0.`to`. */
  call(agent: UserAgent, to: number, options: Partial<InviteOptions> = {}): Watched {
    const media = options.media instanceof FakeMedia ? options.media : new FakeMedia();
    const session = agent.invite({
      to: uri(`sip:1000@${address(to)}`),
      media,
      events: {},
      ...options,
    });
    return this.watch(session, media);
  }

  advance(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  /** What was on the wire: `1→2 INVITE`, `2→1 200 INVITE`, lost ones in brackets. */
  get ladder(): readonly string[] {
    return this.#trace.map((record) => {
      const line = `${shortName(record.from)}→${shortName(record.to)} ${label(record.bytes)}`;
      return record.lost ? `[${line}]` : line;
    });
  }

  /** Messages that were on the wire, parsed. */
  messages(): readonly SipMessage[] {
    return this.#trace.flatMap((record) => {
      const parsed = parseMessage(record.bytes);
      return parsed.ok ? [parsed.value] : [];
    });
  }

  requests(method: string): readonly SipRequest[] {
    return this.messages().flatMap((message) =>
      message.kind === 'request' && message.method === method ? [message] : [],
    );
  }

  responses(status: number): readonly SipResponse[] {
    return this.messages().flatMap((message) =>
      message.kind === 'response' && message.status === status ? [message] : [],
    );
  }
}

/** A peer that says what the test writes. */
export class RawPeer {
  readonly received: SipMessage[] = [];
  onMessage: (message: SipMessage, from: Address) => void = () => undefined;
  readonly address: string;
  readonly #endpoint: SimEndpoint;

  constructor(bench: SessionBench, host: number, kind: TransportKind) {
    this.address = address(host);
    this.#endpoint = bench.network.attach(kind, this.address, 5060, (bytes, from) => {
      const parsed = parseMessage(bytes);
      if (!parsed.ok) return;
      this.received.push(parsed.value);
      this.onMessage(parsed.value, from);
    });
  }

  send(message: SipMessage | string, to: number): void {
    const bytes = typeof message === 'string' ? crlf(message) : serializeMessage(message);
    this.#endpoint.send(bytes, { remoteAddress: address(to), remotePort: 5060 });
  }

  sendBytes(bytes: Uint8Array, to: number): void {
    this.#endpoint.send(bytes, { remoteAddress: address(to), remotePort: 5060 });
  }

  requests(method: string): readonly SipRequest[] {
    return this.received.flatMap((message) =>
      message.kind === 'request' && message.method === method ? [message] : [],
    );
  }

  statuses(): readonly number[] {
    return this.received.flatMap((message) =>
      message.kind === 'response' ? [message.status] : [],
    );
  }

  responses(): readonly SipResponse[] {
    return this.received.flatMap((message) => (message.kind === 'response' ? [message] : []));
  }
}

export const address = (host: number): string => `10.0.0.${host}`;

export function uri(text: string): SipUri {
  const parsed = parseSipUri(text);
  if (!parsed.ok) throw new Error(parsed.error.detail);
  return parsed.value;
}

function watching(watched: Watched): SessionEvents {
  const note = (text: string): void => {
    watched.events.push(text);
  };
  return {
    onProgress: (status, early) => note(`progress ${status}${early ? ' early-media' : ''}`),
    onEstablished: () => note('established'),
    onMediaChanged: () => note('media-changed'),
    onInfoDigit: (digit, durationMs) => note(`digit ${digit} ${durationMs}`),
    onEnded: (end) => {
      watched.end = end;
      note(`ended by ${end.by}${end.status === undefined ? '' : ` ${end.status}`}`);
    },
  };
}

/** `udp:10.0.0.1:5060` → `1`. */
const shortName = (place: string): string => /10\.0\.0\.(\d+)/.exec(place)?.[1] ?? place;

function label(bytes: Uint8Array): string {
  const parsed = parseMessage(bytes);
  if (!parsed.ok) return 'junk';
  const message = parsed.value;
  const method = (message.headers.get('CSeq') ?? '').split(' ')[1] ?? '';
  const sdp = message.body.length > 0 ? ' +sdp' : '';
  return message.kind === 'request'
    ? `${message.method}${sdp}`
    : `${message.status} ${method}${sdp}`;
}

const crlf = (text: string): string => text.replaceAll(/\r?\n/g, '\r\n');
