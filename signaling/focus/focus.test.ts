import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalBus } from '../../common/bus/local-bus.ts';
import { MediaError } from '../../common/errors.ts';
import { type NodeId, seededRandom } from '../../common/ids.ts';
import { silentLogger } from '../../common/log.ts';
import { createMetrics, type Metrics } from '../../common/metrics.ts';
import type { Role } from '../../common/role.ts';
import { SimClock } from '../../common/sim-clock.ts';
import { MemoryStore } from '../../common/store/memory-store.ts';
import { FakeMediaEngine } from '../../mixer/fake-engine.ts';
import { type MixerEvent, mixerEvent, mixerRecord, SUBJECTS } from '../conference/messages.ts';
import { openEndpoint } from '../media/endpoint.ts';
import { CODEC_CHOICES, TELEPHONY_CODECS } from '../sdp/codec-selection.ts';
import { type FakeSession, FakeUserAgent } from '../sip/fake-user-agent.ts';
import { parseConferenceAddress } from './conference-address.ts';
import { startMixer } from './focus.ts';
import { trustedPeers } from './trusted-peers.ts';

const ID = 'm1' as NodeId;
const random = seededRandom(7);

function offer(codecs = TELEPHONY_CODECS): string {
  const endpoint = openEndpoint({ engine: new FakeMediaEngine(), random, codecs });
  if (!endpoint.ok) throw endpoint.error;
  const sdp = endpoint.value.createOffer();
  if (!sdp.ok) throw sdp.error;
  return sdp.value;
}

let clock: SimClock;
let engine: FakeMediaEngine;
let bus: LocalBus;
let store: MemoryStore;
let metrics: Metrics;
let agent: FakeUserAgent;
let mixer: Role;
let events: MixerEvent[];

async function start(adhoc = true): Promise<void> {
  const started = await startMixer({
    id: ID,
    mixerClass: 'standard',
    createUserAgent: (handlers) => {
      agent = new FakeUserAgent(handlers);
      return agent;
    },
    engine,
    bus,
    store,
    clock,
    random,
    log: silentLogger,
    metrics,
    adhoc,
    trustedPeers: ['10.0.0.0/8'],
  });
  if (!started.ok) throw started.error;
  mixer = started.value;
}

beforeEach(async () => {
  clock = new SimClock();
  engine = new FakeMediaEngine();
  metrics = createMetrics();
  bus = new LocalBus({ clock, log: silentLogger, metrics });
  store = new MemoryStore(clock);
  events = [];
  await bus.subscribe('mixer-events.>', (body) => {
    events.push(mixerEvent.parse(body));
  });
  await start();
});

afterEach(async () => {
  await mixer.stop();
  await bus.close();
  await store.close();
});

let requests = 0;
async function ask(body: Record<string, unknown>): Promise<unknown> {
  const request = { requestId: `request${requests++}`, ...body };
  const answering = bus.request(SUBJECTS.mixer(ID), request, { deadlineMs: 1000 });
  await clock.advance(1);
  const answer = await answering;
  return answer.ok ? answer.value : answer.error.code;
}
const create = (conferenceId = 'c1') =>
  ask({ kind: 'create', conferenceId, accountId: 'a', mixerClass: 'standard' });
const admit = (confereeId: string, muted = false) =>
  ask({ kind: 'admit', conferenceId: 'c1', confereeId, ordinal: 1, muted });

async function call(uri: string, sdp = offer(), flow?: string): Promise<FakeSession> {
  const session = agent.call(uri, sdp, flow);
  await clock.advance(1);
  return session;
}
const conferee = (id: string) => call(`sip:conf=c1@127.0.0.1:5070;conferee=${id}`);
const legs = () => [...engine.legs];
const told = () =>
  events.map(({ kind, ...event }) => ('why' in event ? `${kind} ${event.why}` : kind));

describe('mixer role, managed conferences', () => {
  it('R4 makes a conference once, however often it is asked, and says where it is', async () => {
    const reply = { mixerId: 'm1', mixerAddress: '127.0.0.1:5070' };
    expect(await create()).toEqual(reply);
    expect(await create()).toEqual(reply);
    expect(engine.conferences.size).toBe(1);
  });

  it('R13 lets in who was announced, and nobody else', async () => {
    await create();
    expect(await admit('p1', true)).toEqual({});
    const session = await conferee('p1');
    expect(session.state).toBe('established');
    expect(session.accepted.contact).toEqual({ user: 'conf=c1', parameters: ['isfocus'] });
    const [conference] = engine.conferences;
    expect(legs()[0]?.routed).toMatchObject({ kind: 'conference', conference });
    expect(legs()[0]?.options.with).toBe(conference);
    expect(legs()[0]?.muted).toBe(true);
    expect((await conferee('p2')).rejection?.status).toBe(403);
    expect((await call('sip:conf=c1@127.0.0.1')).rejection?.status).toBe(403);
    expect(told()).toEqual(['joined']);
  });

  it('R42 announces nobody again who was removed, by a request that comes twice or was overtaken', async () => {
    await create();
    await admit('p1');
    await ask({ kind: 'remove', conferenceId: 'c1', confereeId: 'p1' });
    await ask({ kind: 'remove', conferenceId: 'c1', confereeId: 'p2' });
    expect(await admit('p1')).toEqual({});
    expect(await admit('p2')).toEqual({});
    expect((await conferee('p1')).rejection?.status).toBe(403);
    expect((await conferee('p2')).rejection?.status).toBe(403);
    await admit('p3');
    expect((await conferee('p3')).state).toBe('established');
    // A conference that is made anew here has its conferees announced anew.
    await ask({ kind: 'end', conferenceId: 'c1' });
    await create();
    await admit('p3');
    expect((await conferee('p3')).state).toBe('established');
  });

  it('R20 frees everything when a conferee hangs up and when it is removed', async () => {
    await create();
    await admit('p1');
    await admit('p2');
    const [first, second] = [await conferee('p1'), await conferee('p2')];
    first.hangUp();
    await ask({ kind: 'remove', conferenceId: 'c1', confereeId: 'p2' });
    await ask({ kind: 'remove', conferenceId: 'c1', confereeId: 'p2' });
    expect(second.endReason?.text).toBe('removed');
    expect(engine.legs.size).toBe(0);
    expect(told()).toEqual(['joined', 'joined', 'left hangup', 'left removed']);
    // Who hung up may come back; who was removed may not.
    expect((await conferee('p1')).state).toBe('established');
    expect((await conferee('p2')).rejection?.status).toBe(403);
  });

  it('R22 mutes by version: an older request never undoes a newer one', async () => {
    await create();
    await admit('p1');
    const mute = (muted: boolean, version: number) =>
      ask({ kind: 'mute', conferenceId: 'c1', confereeId: 'p1', muted, version });
    expect(await mute(true, 1)).toEqual({ muted: true, version: 1 });
    await conferee('p1');
    expect(legs()[0]?.muted).toBe(true);
    expect(await mute(false, 3)).toEqual({ muted: false, version: 3 });
    expect(await mute(true, 2)).toEqual({ muted: false, version: 3 });
    expect(legs()[0]?.muted).toBe(false);
    // A repeated announcement does not undo it either.
    await mute(true, 4);
    await admit('p1', false);
    expect(legs()[0]?.muted).toBe(true);
  });

  it('ends with BYEs, and ending again is fine', async () => {
    await create();
    await admit('p1');
    const session = await conferee('p1');
    expect(await ask({ kind: 'end', conferenceId: 'c1' })).toEqual({});
    expect(await ask({ kind: 'end', conferenceId: 'c1' })).toEqual({});
    expect(session.endReason?.text).toBe('ended');
    expect([engine.legs.size, engine.conferences.size]).toEqual([0, 0]);
    expect(told()).toEqual(['joined', 'left ended', 'ended request']);
    expect(await admit('p1')).toBe('conference-unknown');
  });

  it('replaces an older call of the same conferee after the new one is up', async () => {
    await create();
    await admit('p1');
    const [older, newer] = [await conferee('p1'), await conferee('p1')];
    expect(older.endReason?.text).toBe('replaced by a newer call');
    expect(newer.state).toBe('established');
    expect(engine.legs.size).toBe(1);
    older.hangUp();
    expect(told()).toEqual(['joined', 'left replaced', 'joined']);
  });

  it('gives the place back when a call cannot be taken', async () => {
    await create();
    await admit('p1');
    const wrong = await call('sip:conf=c1@h;conferee=p1', offer([CODEC_CHOICES.opus]));
    expect(wrong.state).toBe('ended');
    const cancelled = agent.call('sip:conf=c1@h;conferee=p1', offer());
    cancelled.hangUp();
    await clock.advance(1);
    expect(engine.legs.size).toBe(0);
    expect(told()).toEqual([]);
    expect((await conferee('p1')).state).toBe('established');
  });

  it('hangs up a call whose media died, and drops a conference whose worker died', async () => {
    await create();
    await admit('p1');
    const silent = await conferee('p1');
    legs()[0]?.events.onSilent?.();
    expect(silent.endReason?.text).toBe('silent');
    const lost = await conferee('p1');
    legs()[0]?.events.onLost?.(new MediaError('engine-lost', 'the worker died'));
    await clock.advance(1);
    expect(lost.endReason?.q850).toBe(38);
    expect(told()).toEqual(['joined', 'left silent', 'joined', 'left lost', 'ended lost']);
    expect(await create()).toMatchObject({ mixerId: 'm1' });
  });

  it('drops a managed conference that everybody has forgotten', async () => {
    await create();
    await admit('p1');
    const session = await conferee('p1');
    await clock.advance(600_000);
    expect(engine.conferences.size).toBe(1);
    session.hangUp();
    await clock.advance(301_000);
    expect(engine.conferences.size).toBe(0);
    expect(told().at(-1)).toBe('ended idle');
  });

  it('tells who talks', async () => {
    await create();
    await admit('p1');
    await conferee('p1');
    legs()[0]?.events.onTalking?.(true);
    await clock.advance(1);
    expect(events.at(-1)).toEqual({
      kind: 'talking',
      mixerId: 'm1',
      conferenceId: 'c1',
      confereeId: 'p1',
      talking: true,
    });
  });
});

describe('mixer role, ad-hoc conferences', () => {
  it('makes a conference by name and ends it with its last call', async () => {
    const [first, second] = [await call('sip:conf=team@h'), await call('sip:conf-team@h')];
    expect(engine.conferences.size).toBe(1);
    first.hangUp();
    expect(engine.conferences.size).toBe(1);
    second.hangUp();
    expect(engine.conferences.size).toBe(0);
  });

  it('leaves none behind when the first call fails', async () => {
    await call('sip:conf=team@h', 'nonsense');
    expect([engine.legs.size, engine.conferences.size]).toEqual([0, 0]);
  });

  it('is off unless configured', async () => {
    await mixer.stop();
    await start(false);
    expect((await call('sip:conf=team@h')).rejection?.status).toBe(404);
  });

  it('takes calls of trusted peers only', async () => {
    expect((await call('sip:conf=team@h', offer(), 'udp:192.0.2.7:5060')).rejection?.status).toBe(
      403,
    );
    expect((await call('sip:conf=team@h', offer(), 'tcp:10.1.2.3:5060')).state).toBe('established');
    expect((await call('sip:team@h')).rejection?.status).toBe(404);
    expect(await metrics.text()).toContain('outcome="untrusted"} 1');
  });
});

describe('mixer role, load', () => {
  it('R45 publishes what the engine measures, and is gone soon after it stops', async () => {
    await create();
    await admit('p1');
    await conferee('p1');
    engine.headroom = 42;
    await clock.advance(1000);
    const entry = await store.get('mixer/m1');
    const record = mixerRecord.parse(entry.ok ? entry.value?.value : undefined);
    expect(record).toMatchObject({ headroom: 41, conferences: 1, conferees: 1, draining: false });
    await mixer.stop();
    const gone = await store.get('mixer/m1');
    expect(gone.ok && gone.value).toBeUndefined();
  });

  it('refuses new conferences when its headroom is used up, before running ones are harmed', async () => {
    await create();
    await admit('p1');
    engine.headroom = 2;
    expect(await create('c2')).toBe('engine-full');
    expect((await call('sip:conf=team@h')).rejection).toMatchObject({
      status: 503,
      retryAfterS: 5,
    });
    expect((await conferee('p1')).state).toBe('established');
    engine.headroom = 1;
    await admit('p2');
    expect((await conferee('p2')).rejection).toMatchObject({ status: 503, retryAfterS: 5 });
  });

  it('takes nothing new while it drains, but conferees of what runs', async () => {
    await create();
    await admit('p1');
    mixer.drain();
    await clock.advance(1);
    expect(mixer.health()).toEqual({ ready: false, detail: 'draining' });
    expect(await create('c2')).toBe('draining');
    expect(await create()).toMatchObject({ mixerId: 'm1' });
    expect((await call('sip:conf=team@h')).rejection?.status).toBe(503);
    expect((await conferee('p1')).state).toBe('established');
    const entry = await store.get('mixer/m1');
    expect(entry.ok && entry.value?.value).toMatchObject({ draining: true });
  });

  it('answers a bad request and a wrong class', async () => {
    expect(await ask({ kind: 'explode' })).toBe('bad-request');
    const wrong = { kind: 'create', conferenceId: 'c9', accountId: 'a', mixerClass: 'hd' };
    expect(await ask(wrong)).toBe('bad-request');
  });
});

describe('conference addresses', () => {
  it.each([
    ['sip:conf=c1@h', 'c1', undefined],
    ['sip:conf-c1@h:5070', 'c1', undefined],
    ['sip:CONF%3Dc1@h;conferee=p1', 'c1', 'p1'],
    ['sip:mixer@h;conf=c1;conferee=p1', 'c1', 'p1'],
  ])('reads %s', (uri, conferenceId, confereeId) => {
    expect(parseConferenceAddress(uri)).toEqual({ conferenceId, confereeId });
  });

  it.each(['sip:h', 'sip:1000@h', 'sip:conf=@h', 'sip:conf=a%2Fb@h', 'tel:+49', 'nonsense'])(
    'refuses %s',
    (uri) => {
      expect(parseConferenceAddress(uri)).toBeUndefined();
    },
  );
});

it('trusts loopback and what is listed, in both families', () => {
  const trusted = trustedPeers(['192.0.2.5', '2001:db8::/32', 'nonsense', '1.2.3.4/99']);
  const flows = [
    'udp:127.0.0.9:1',
    'tcp:[::1]:5060',
    'udp:192.0.2.5:5',
    'udp:[::ffff:192.0.2.5]:5',
    'udp:[2001:db8::9]:1',
  ];
  expect(flows.map((flow) => trusted.trusts(flow))).toEqual([true, true, true, true, true]);
  const others = ['udp:192.0.2.6:5', 'udp:1.2.3.4:5', 'tcp:[2001:db9::1]:5', 'nonsense', ''];
  expect(others.map((flow) => trusted.trusts(flow))).toEqual([false, false, false, false, false]);
});
