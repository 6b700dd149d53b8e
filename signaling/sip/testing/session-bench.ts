/**
 * Two of our agents, or one and a peer without a stack, on a network in memory and in virtual time: what
 * the tests of sessions are written with.
 */
import { seededRandom } from '../../../common/ids.ts';
import { silentLogger } from '../../../common/log.ts';
import { createMetrics } from '../../../common/metrics.ts';
import { SimClock } from '../../../common/sim-clock.ts';
import { FakeMedia } from '../fake-media.ts';
import type { SipMessage, SipRequest, SipResponse } from '../message.ts';
import { parseMessage } from '../parser.ts';
import { serializeMessage } from '../serializer.ts';
import { createSimNetwork, type SimEndpoint, type SimNetwork } from '../transport/sim.ts';
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

export class SessionBench {
  readonly clock = new SimClock();
  readonly metrics = createMetrics();
  readonly network: SimNetwork;
  readonly agents: UserAgent[] = [];
  #seed: number;

  constructor(seed = 1) {
    this.#seed = seed;
    this.network = createSimNetwork(this.clock, seededRandom(seed));
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
    return this.network.trace.map((record) => {
      const line = `${shortName(record.from)}→${shortName(record.to)} ${label(record.bytes)}`;
      return record.lost ? `[${line}]` : line;
    });
  }

  /** Messages that were on the wire, parsed. */
  messages(): readonly SipMessage[] {
    return this.network.trace.flatMap((record) => {
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
