/** A VRU with fakes around it in virtual time, and the handles that tests turn. */
import type { CallId, NodeId } from '../../common/ids.ts';
import { seededRandom } from '../../common/ids.ts';
import { silentLogger } from '../../common/log.ts';
import { createMetrics, type Metrics } from '../../common/metrics.ts';
import { ok } from '../../common/result.ts';
import type { Role } from '../../common/role.ts';
import { SimClock } from '../../common/sim-clock.ts';
import { type FakeLeg, FakeMediaEngine } from '../../mixer/fake-engine.ts';
import type { Digit } from '../../mixer/media.ts';
import type { PlaceInConference, VruCommand } from '../../signaling/conference/messages.ts';
import { type CallEnd, callEnd } from '../../signaling/derived/call-end.ts';
import { type FakeSession, FakeUserAgent } from '../../signaling/sip/fake-user-agent.ts';
import type { TrunkSettings } from '../../signaling/trunk/trunk.ts';
import { startVru } from '../server.ts';
import { vruSettings } from '../settings.ts';
import { FakeConference } from './fake-conference.ts';
import { fakePrompts } from './fake-prompts.ts';

type WithoutIds<T> = T extends unknown ? Omit<T, 'requestId' | 'callId'> : never;

export interface IncomingOptions {
  readonly dnis?: string;
  readonly afterAccept?: FakeSession['afterAccept'];
}

/** G.711 with key events, as a gateway offers it. */
const OFFER = [
  'v=0',
  'o=- 1 1 IN IP4 192.0.2.1',
  's=-',
  'c=IN IP4 192.0.2.1',
  't=0 0',
  'm=audio 40000 RTP/AVP 0 101',
  'a=rtpmap:101 telephone-event/8000',
  '',
].join('\r\n');

export interface TestCall {
  readonly session: FakeSession;
  /** The caller's leg; throws before the answer. */
  readonly leg: FakeLeg;
  /** Keys with 100 ms between them, as RFC 4733 events unless said otherwise. */
  press(keys: string, source?: 'rtp' | 'inband' | 'info'): Promise<void>;
  /** Names of all prompts since the last look, in order, as one line. */
  heard(): string;
  /** What sounds now, background included. */
  playing(): string;
  /** Resolves when it was sent; the value tells at any later time how it was answered. */
  command(command: WithoutIds<VruCommand>): Promise<() => 'done' | 'failed' | 'pending'>;
}

export interface VruBench {
  /** Calls to mixers, in order. */
  outgoing(): readonly FakeSession[];
  readonly clock: SimClock;
  readonly engine: FakeMediaEngine;
  readonly conference: FakeConference;
  readonly agent: FakeUserAgent;
  readonly role: Role;
  readonly metrics: Metrics;
  /** What was written down of calls that are over. */
  readonly ends: readonly CallEnd[];
  call(options?: IncomingOptions): Promise<TestCall>;
  /** A call that has entered `110001#` and was answered by `conference.onEnter`. */
  entered(): Promise<TestCall>;
  /** The newest leg to a mixer; its packets arrive. */
  mixerLeg(): FakeLeg;
  /** Everything of every call was given back. */
  idle(): boolean;
  metric(line: string): Promise<number>;
}

/** Calls +49 and nothing else. */
const TRUNK: TrunkSettings = {
  name: 'carrier',
  servers: ['192.0.2.50'],
  transport: 'udp',
  register: false,
  registerExpiresS: 3_600,
  callerNumber: '+493000',
  numberFormat: 'plus',
  numberPrefix: '',
  allowedPrefixes: ['+49'],
  deniedPrefixes: [],
  maxConcurrent: 10,
  maxCallsPerDay: 100,
};

export async function createVruBench(
  settings: Readonly<Record<string, unknown>> = {},
  options: { readonly trunk?: Partial<TrunkSettings> } = {},
): Promise<VruBench> {
  const clock = new SimClock();
  const engine = new FakeMediaEngine('127.0.0.1', clock);
  const conference = new FakeConference();
  const metrics = createMetrics();
  const agents: FakeUserAgent[] = [];
  const ends: CallEnd[] = [];
  const started = await startVru({
    id: 'vru-1' as NodeId,
    engine,
    prompts: fakePrompts(['custom']),
    clock,
    random: seededRandom(1),
    log: silentLogger,
    metrics,
    // The tests count from the first word.
    settings: vruSettings.parse({ settleMs: 0, ...settings }),
    writeCallEnd: (end) => ends.push(callEnd.parse(end)),
    ...(options.trunk === undefined
      ? {}
      : { trunks: { trunks: [{ ...TRUNK, ...options.trunk }], registers: true } }),
    createUserAgent: (events) => {
      const agent = new FakeUserAgent(events);
      agents.push(agent);
      return agent;
    },
    openClient: (onCommand) => {
      conference.command = onCommand;
      return Promise.resolve(ok(conference));
    },
  });
  if (!started.ok) throw started.error;
  const [agent] = agents;
  if (agent === undefined) throw new Error('no user agent was made');
  // A mixer answers at once and its audio follows.
  agent.onOutgoing = (session) => {
    // Somebody who is called rings until the test answers.
    if (!session.invite.uri.startsWith('sip:conf=')) return;
    session.establish();
    [...engine.legs].at(-1)?.events.onReceiving?.({ address: '127.0.0.1', port: 40_000 });
  };
  const bench: VruBench = {
    outgoing: () => agent.sessions.filter((session) => session.direction === 'outgoing'),
    clock,
    engine,
    conference,
    agent,
    role: started.value,
    metrics,
    ends,
    call: (options) => testCall(bench, options),
    entered: async () => {
      const call = await bench.call();
      await call.press('110001#');
      await clock.advance(500);
      return call;
    },
    mixerLeg: () => newestLeg(engine),
    idle: () => engine.legs.size === 0 && clock.timerCount === 0 && agent.sessionCount === 0,
    metric: async (line) => metricValue(await metrics.text(), line),
  };
  return bench;
}

async function testCall(bench: VruBench, options: IncomingOptions = {}): Promise<TestCall> {
  const { clock, engine, agent, conference } = bench;
  const before = new Set(engine.legs);
  agent.prepare = (incoming) => {
    incoming.afterAccept = options.afterAccept ?? 'ack';
  };
  const session = agent.call(`sip:${options.dnis ?? '1000'}@127.0.0.1:5060`, OFFER, undefined, [
    ['From', '"Alice" <sip:+15550001@gateway.example>;tag=a'],
  ]);
  await clock.advance(0);
  const own = [...engine.legs].find((leg) => !before.has(leg));
  let looked = 0;
  const call: TestCall = {
    session,
    get leg() {
      if (own === undefined) throw new Error('the call has no leg');
      return own;
    },
    press: async (keys, source = 'rtp') => {
      for (const key of keys) {
        if (source === 'info') session.events.onInfoDigit?.(key, 100);
        else call.leg.events.onDigit?.(key as Digit, 100, source);
        await clock.advance(100);
      }
    },
    heard: () => {
      const fresh = call.leg.playbacks.slice(looked);
      looked = call.leg.playbacks.length;
      return fresh.flatMap((playback) => playback.names).join(' ');
    },
    playing: () =>
      call.leg.playbacks
        .filter((playback) => playback.ended === undefined)
        .flatMap((playback) => playback.names)
        .join(' '),
    command: async (command) => {
      const requestId = `test-request-${clock.nowMs()}`;
      const full = { ...command, requestId, callId: session.id as CallId } as VruCommand;
      let answer: 'done' | 'failed' | 'pending' = 'pending';
      conference.command(full).then(
        ({ ok: done }) => {
          answer = done ? 'done' : 'failed';
        },
        () => undefined,
      );
      await clock.advance(0);
      return () => answer;
    },
  };
  return call;
}

function newestLeg(engine: FakeMediaEngine): FakeLeg {
  const leg = [...engine.legs].at(-1);
  if (leg === undefined) throw new Error('no leg is open');
  return leg;
}

function metricValue(text: string, name: string): number {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return line === undefined ? 0 : Number(line.slice(name.length + 1));
}

/** For commands in tests. */
export const placeCommand = (place: PlaceInConference): WithoutIds<VruCommand> => ({
  kind: 'place',
  place,
});
