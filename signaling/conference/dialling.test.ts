/** R26: who may call whom at whose cost, how a call goes, and that none is left behind, in virtual time. */
import { describe, expect, it } from 'vitest';
import type { AccountId, CallId, ConfereeId, ConferenceId, NodeId } from '../../common/ids.ts';
import { SimClock } from '../../common/sim-clock.ts';
import { MemoryStore } from '../../common/store/memory-store.ts';
import type { DialListReply, DialReply } from './dial-client.ts';
import { DialLedger } from './dial-ledger.ts';
import type { AccountOutdial, DialOrder } from './dial-messages.ts';
import type { OutdialRules } from './dialling.ts';
import type { FakeVru } from './fake-vru.ts';
import { FakeWorld, HOST, PARTICIPANT } from './fake-world.ts';
import { KEYS, outdialRecord } from './records.ts';

const trunk = (name: string, allowedPrefixes: readonly string[], maxConcurrent = 10) => ({
  ...{ name, allowedPrefixes, deniedPrefixes: ['+49900'], maxConcurrent, maxCallsPerDay: 100 },
});
const RULES: OutdialRules = {
  plan: {
    rewrite: [
      { from: '00', to: '+' },
      { from: '0', to: '+49' },
    ],
    trunks: [trunk('carrier', ['+49'])],
  },
  ringTimeoutMs: 45_000,
  maxDurationMs: 3_600_000,
  listConcurrency: 2,
};
const MAY: AccountOutdial = { concurrent: 5, callsPerDay: 20, minutesPerDay: 60, list: [] };

interface Setup {
  readonly outdial?: Partial<AccountOutdial>;
  readonly rules?: Partial<OutdialRules>;
  readonly account?: Record<string, unknown>;
  readonly interfaces?: number;
}

async function hosted(setup: Setup = {}) {
  const { interfaces = 2 } = setup;
  const world = await FakeWorld.start({
    ...{ mixers: 1, vrus: 2, interfaces },
    outdial: { ...RULES, ...setup.rules },
  });
  const outdial = { ...MAY, ...setup.outdial };
  await world.account({ waitingMode: 'start', outdial, ...setup.account });
  const [host, reply] = await world.run(world.vru().enter(HOST));
  if (reply.kind !== 'enter') throw new Error(reply.kind);
  const { conferenceId, confereeId } = reply.place;
  const { client } = world.vru();
  const dial = (number: string, by: ConfereeId | undefined = confereeId, requestId?: string) =>
    world.run(client.dial(conferenceId, by, { number }, requestId)).then(wordOf);
  const roster = () => world.run(client.roster(conferenceId)).then(must);
  const states = async () =>
    [...(await roster()).dials.values()].map(({ number, state }) => `${number} ${state}`);
  return { world, host, conferenceId, confereeId, client, dial, roster, states };
}

function must<T>(result: { readonly ok: true; readonly value: T } | { readonly ok: false }): T {
  if (!result.ok) throw new Error('failed');
  return result.value;
}

function wordOf(
  result:
    | { readonly ok: true; readonly value: DialReply | DialListReply }
    | { readonly ok: false; readonly error: { readonly code: string } },
): string {
  if (!result.ok) return result.error.code;
  return result.value.kind === 'dial-refused' ? result.value.reason : result.value.kind;
}

/** Orders at all VRUs that are not over. */
const orders = (world: FakeWorld): { vru: FakeVru; order: DialOrder }[] =>
  world.vrus
    .filter(({ process }) => !process.killed)
    .flatMap(({ it }) => [...it.dialled.values()].map((order) => ({ vru: it, order })));

function only(world: FakeWorld): { vru: FakeVru; order: DialOrder } {
  const [first, ...more] = orders(world);
  if (first === undefined || more.length > 0) throw new Error(`${more.length} orders more`);
  return first;
}

async function ledger(world: FakeWorld) {
  const read = await world.store.get(KEYS.outdial('account', 'acme'));
  if (!read.ok) throw read.error;
  const { calls, minutes, running } = outdialRecord.parse(read.value?.value);
  return { calls, minutes, running: Object.keys(running).length };
}

async function metric(world: FakeWorld, line: string): Promise<number> {
  const found = (await world.metrics.text()).split('\n').find((text) => text.startsWith(line));
  return found === undefined ? 0 : Number(found.slice(line.length));
}

async function end(world: FakeWorld, at: { vru: FakeVru; order: DialOrder }, state: 'busy') {
  at.vru.dialled.delete(at.order.dialId);
  await world.run(at.vru.client.dialProgress(at.order, state));
}

describe('R26: who may call', () => {
  it('a host and an operator; not a guest, not who is not in it', async () => {
    const { world, dial } = await hosted();
    expect(await dial('030 123 456')).toBe('dialling');
    expect(only(world).order).toMatchObject({ number: '+4930123456', trunk: 'carrier' });
    expect(await dial('030999', undefined)).toBe('dialling');
    const [guest] = await world.run(world.vru(1).enter(PARTICIPANT));
    expect(await dial('030777', guest.place?.confereeId)).toBe('not-allowed');
    expect(await dial('030777', 'nobody' as ConfereeId)).toBe('conference-unknown');
    expect(orders(world)).toHaveLength(2);
  });

  it.each([
    ['0044 20 7946', 'not-allowed'],
    ['0900 123456', 'not-allowed'],
    ['abc', 'bad-number'],
    ['1', 'bad-number'],
  ])('%s: %s', async (number, answer) => {
    const { world, dial } = await hosted();
    expect(await dial(number)).toBe(answer);
    expect(orders(world)).toEqual([]);
    expect(await metric(world, `minusone_outdial_refused_total{reason="${answer}"} `)).toBe(1);
  });

  it('deny by default: no trunk, no prefix, no permission, no call', async () => {
    const without: Setup[] = [
      { account: { outdial: undefined } },
      { rules: { plan: { rewrite: [], trunks: [] } } },
    ];
    for (const setup of without) {
      const { dial } = await hosted(setup);
      expect(await dial('030123456')).toBe('not-available');
    }
    const bare = await hosted({ rules: { plan: { rewrite: [], trunks: [trunk('carrier', [])] } } });
    expect(await bare.dial('030123456')).toBe('not-allowed');
    const narrow = await hosted({ outdial: { prefixes: ['+4989'] } });
    expect(await narrow.dial('030123456')).toBe('not-allowed');
    expect(await narrow.dial('089123456')).toBe('dialling');
  });

  it('not for people who only wait for the host', async () => {
    const world = await FakeWorld.start({ mixers: 1, vrus: 1, outdial: RULES });
    await world.account({ waitingMode: 'mingle', outdial: MAY });
    const [, reply] = await world.run(world.vru().enter(PARTICIPANT));
    if (reply.kind !== 'enter') throw new Error(reply.kind);
    const wish = { number: '030123456' };
    const { client } = world.vru();
    const answer = await world.run(client.dial(reply.place.conferenceId, undefined, wish));
    expect(wordOf(answer)).toBe('not-available');
  });

  it('room in the conference is counted with who is on the way', async () => {
    const { dial } = await hosted({ account: { maxConferees: 3 } });
    expect(await dial('030111')).toBe('dialling');
    expect(await dial('030222')).toBe('dialling');
    expect(await dial('030333')).toBe('conference-full');
  });
});

describe('R26: limits hold against toll fraud', () => {
  it('calls at once, of the account and of the trunk; an alarm is raised', async () => {
    const { world, dial } = await hosted({ outdial: { concurrent: 2 } });
    expect(await dial('030111')).toBe('dialling');
    expect(await dial('030222')).toBe('dialling');
    expect(await dial('030333')).toBe('limit');
    const line = 'minusone_outdial_limit_hits_total{limit="account-concurrent"} ';
    expect(await metric(world, line)).toBe(1);
    const [first] = orders(world);
    if (first !== undefined) await end(world, first, 'busy');
    expect(await dial('030333')).toBe('dialling');
    const plan = { ...RULES.plan, trunks: [trunk('carrier', ['+49'], 1)] };
    const narrow = await hosted({ rules: { plan } });
    await narrow.dial('030111');
    expect(await narrow.dial('030222')).toBe('limit');
  });

  it('a full trunk leaves it to the next one that allows the number', async () => {
    const trunks = [trunk('carrier', ['+49'], 1), trunk('second', ['+4930'])];
    const { world, dial } = await hosted({ rules: { plan: { ...RULES.plan, trunks } } });
    expect(await dial('030111')).toBe('dialling');
    expect(await dial('030222')).toBe('dialling');
    expect(await dial('040333')).toBe('limit');
    expect(orders(world).map(({ order }) => order.trunk)).toEqual(['carrier', 'second']);
  });

  it('calls of a day, also over other servers and a restart', async () => {
    const { world, dial } = await hosted({ outdial: { callsPerDay: 2 } });
    for (const number of ['030111', '030222']) {
      expect(await dial(number)).toBe('dialling');
      await end(world, only(world), 'busy');
    }
    expect(await dial('030333')).toBe('limit');
    for (const { process } of world.interfaces.splice(0)) process.kill();
    await world.addInterface();
    await world.settle();
    expect(await dial('030333')).toBe('limit');
    expect(await ledger(world)).toEqual({ calls: 2, minutes: 0, running: 0 });
  });

  it('the next day begins anew, with what still runs', async () => {
    const clock = new SimClock();
    let day = 0;
    const book = new DialLedger({
      store: new MemoryStore(clock),
      clock: { wallMs: () => Date.UTC(2026, 10, 21 + day, 23, 59) },
      living: { vruOf: () => Promise.resolve(true) },
    });
    const limits = {
      account: { concurrent: 2, callsPerDay: 1, minutesPerDay: 1 },
      trunk: { maxConcurrent: 3, maxCallsPerDay: 100 },
    };
    const place = (dialId: string) => ({
      ...{ dialId: dialId as CallId, accountId: 'acme' as AccountId, trunk: 'carrier' },
      conferenceId: 'c1' as ConferenceId,
      ...{ holder: { vruId: 'vru-1' as NodeId, vruStart: 's' }, untilMs: Date.UTC(2027) },
    });
    const reserve = async (dialId: string) => must(await book.reserve(place(dialId), limits));
    expect(await reserve('d1')).toBeUndefined();
    expect(must(await book.minute(place('d1'), 1, 1))).toBe(true);
    expect(await reserve('d2')).toBe('account-minutes');
    day = 1;
    expect(await reserve('d2')).toBeUndefined();
    expect(await reserve('d3')).toBe('account-day');
    day = 2;
    expect(await reserve('d3')).toBe('account-concurrent');
    must(await book.release(place('d1')));
    expect(await reserve('d3')).toBeUndefined();
  });

  it('minutes count when they begin; asked twice they count once', async () => {
    const { world, dial } = await hosted({ outdial: { minutesPerDay: 2 } });
    await dial('030111');
    const { vru, order } = only(world);
    const minute = (number: number) => world.run(vru.client.dialMinute(order, number));
    expect(await minute(1)).toBe(true);
    expect(await minute(1)).toBe(true);
    expect(await minute(2)).toBe(true);
    expect(await minute(3)).toBe(false);
    expect((await ledger(world)).minutes).toBe(2);
    expect(await dial('030222')).toBe('limit');
  });

  it('a call has its place to the last BYE, beyond its greatest length', async () => {
    const { world, dial } = await hosted({
      outdial: { concurrent: 1 },
      rules: { maxDurationMs: 60_000 },
    });
    await dial('030111');
    const { vru, order } = only(world);
    await world.run(vru.client.dialProgress(order, 'answered'));
    expect(await world.run(vru.client.dialMinute(order, 1))).toBe(true);
    await world.clock.advance(60_000 + 40_000);
    expect(await dial('030222')).toBe('limit');
    await world.run(vru.client.dialProgress(order, 'time-limit'));
    vru.dialled.clear();
    expect(await dial('030222')).toBe('dialling');
  });

  it('many at once never go over a limit, by whatever server they come', async () => {
    const { world, client, conferenceId } = await hosted({
      outdial: { concurrent: 3 },
      interfaces: 3,
    });
    const wishes = Array.from({ length: 20 }, (_, index) =>
      client.dial(conferenceId, undefined, { number: `0301${index + 10}` }),
    );
    const answers = (await world.run(Promise.all(wishes))).map(wordOf);
    expect(answers.filter((word) => word === 'dialling')).toHaveLength(3);
    expect(orders(world)).toHaveLength(3);
    expect((await ledger(world)).running).toBe(3);
  });

  it('a VRU that is killed gives its places back', async () => {
    const { world, dial, states, host } = await hosted({ outdial: { concurrent: 1 } });
    // The host is at VRU 0, so the call goes to the one with less to do, once leases say so.
    await world.clock.advance(2_000);
    await dial('030111');
    const { vru } = only(world);
    expect(vru).toBe(world.vru(1));
    expect(host.place).toBeDefined();
    world.vrus[1]?.process.kill();
    await world.clock.advance(15_000);
    expect(await states()).toEqual(['+4930111 lost']);
    expect(await dial('030222')).toBe('dialling');
  });
});

describe('R26: how a call goes', () => {
  it('is in the log: dialling, ringing, answered, joined with ordinal, hung up', async () => {
    const { world, dial, states, roster, client } = await hosted();
    await dial('030123456');
    const { vru, order } = only(world);
    await world.run(client.dialProgress(order, 'ringing'));
    expect(await states()).toEqual(['+4930123456 ringing']);
    const [, reply] = await world.run(vru.enterDialled(order));
    expect(reply).toMatchObject({ kind: 'enter', place: { ordinal: 2, role: 'participant' } });
    const { dials, conferees } = await roster();
    expect([...dials.values()][0]).toMatchObject({ state: 'joined', ordinal: 2 });
    expect(conferees.get(2)?.caller).toMatchObject({ callerNumber: '+4930123456' });
    expect(world.onMixers().get(order.conferenceId)).toBe(2);
    await world.run(client.dialProgress(order, 'hung-up'));
    expect(await states()).toEqual(['+4930123456 hung-up']);
    expect((await ledger(world)).running).toBe(0);
  });

  it('everything works on who was called: mute, delete, end', async () => {
    const { world, dial, client, conferenceId, confereeId } = await hosted();
    await dial('030123456');
    const { vru, order } = only(world);
    const [call] = await world.run(vru.enterDialled(order));
    const control = (action: Parameters<typeof client.control>[2]) =>
      world.run(client.control(conferenceId, confereeId, action));
    expect((await control({ kind: 'mute', ordinal: 2, muted: true })).ok).toBe(true);
    expect((await control({ kind: 'delete', ordinal: 2 })).ok).toBe(true);
    await world.settle();
    expect(vru.commands.map(({ kind }) => kind)).toContain('release');
    expect(call.released ?? 'deleted').toBe('deleted');
  });

  it('gets in although the conference is locked', async () => {
    const { world, dial, client, conferenceId, confereeId } = await hosted();
    await world.run(client.control(conferenceId, confereeId, { kind: 'lock', locked: true }));
    await dial('030123456');
    const { vru, order } = only(world);
    const [, reply] = await world.run(vru.enterDialled(order));
    expect(reply.kind).toBe('enter');
  });

  it('the same request again calls nobody twice', async () => {
    const { world, dial } = await hosted();
    const id = 'request-of-the-page';
    expect(await dial('030123456', undefined, id)).toBe('dialling');
    expect(await dial('030123456', undefined, id)).toBe('dialling');
    expect(orders(world)).toHaveLength(1);
    expect((await ledger(world)).calls).toBe(1);
  });

  it('no VRU takes it: said, and its places are free', async () => {
    const { world, dial, states } = await hosted();
    for (const { it } of world.vrus) it.draining = true;
    expect(await dial('030123456')).toBe('no-vru');
    expect(await states()).toEqual(['+4930123456 no-vru']);
    expect((await ledger(world)).running).toBe(0);
  });

  it('is taken back by the host; not once the person is in', async () => {
    const { world, dial, client, conferenceId, confereeId, states } = await hosted();
    await dial('030111');
    const { order } = only(world);
    const cancel = () => world.run(client.cancelDial(conferenceId, confereeId, order.dialId));
    expect((await cancel()).ok).toBe(true);
    await world.settle();
    expect(await states()).toEqual(['+4930111 cancelled']);
    expect((await ledger(world)).running).toBe(0);
    await dial('030222');
    const next = only(world);
    await world.run(next.vru.enterDialled(next.order));
    const late = await world.run(client.cancelDial(conferenceId, confereeId, next.order.dialId));
    expect(late.ok ? 'done' : late.error.code).toBe('conflict');
  });

  it('a consult is ordered from the host’s own VRU', async () => {
    const { world, client, conferenceId, confereeId, roster } = await hosted();
    const reply = must(
      await world.run(client.dialConsult({ conferenceId, confereeId }, '030123456')),
    );
    expect(reply).toMatchObject({ kind: 'dialling', order: { confirm: false } });
    expect(orders(world)).toEqual([]);
    expect([...(await roster()).dials.values()][0]).toMatchObject({
      consult: true,
      vruId: world.vrus[0]?.id,
    });
  });
});

describe('R26: no call is left behind', () => {
  it('the conference ends while it rings: hung up, and its places are free', async () => {
    const { world, dial, client, conferenceId } = await hosted();
    await dial('030123456');
    await world.run(client.control(conferenceId, undefined, { kind: 'end' }));
    await world.settle();
    expect(orders(world)).toEqual([]);
    expect((await ledger(world)).running).toBe(0);
  });

  it('whoever is answered after the end hears that nobody wants the call', async () => {
    const { world, dial, client, conferenceId } = await hosted();
    await dial('030123456');
    const { vru, order } = only(world);
    vru.dialled.clear();
    await world.run(client.control(conferenceId, undefined, { kind: 'end' }));
    await world.settle();
    expect(await world.run(vru.client.dialProgress(order, 'answered'))).toBe(false);
    const [, reply] = await world.run(vru.enterDialled(order));
    expect(reply).toEqual({ kind: 'refused', reason: 'ended' });
  });

  it('the server that ordered it is killed: others take the reports', async () => {
    const { world, dial, states } = await hosted({ interfaces: 3 });
    await dial('030123456');
    const at = only(world);
    world.interfaces[0]?.process.kill();
    world.interfaces[1]?.process.kill();
    at.vru.dialled.clear();
    await world.run(at.vru.client.dialProgress(at.order, 'no-answer'));
    expect(await states()).toEqual(['+4930123456 no-answer']);
    expect((await ledger(world)).running).toBe(0);
  });

  it('a place whose call was never made is free again: the server died in between', async () => {
    const { world, dial, client, conferenceId } = await hosted({ outdial: { concurrent: 1 } });
    await dial('030123456');
    const at = only(world);
    // The VRU was never told, and the conference is over before anybody notices.
    at.vru.dialled.clear();
    await world.run(client.control(conferenceId, undefined, { kind: 'end' }));
    await world.clock.advance(40_000);
    expect((await ledger(world)).running).toBe(0);
  });

  it('a place at a VRU that died with the conference over is free, and nobody asks that VRU again', async () => {
    const { world, dial, client, conferenceId } = await hosted();
    await world.clock.advance(2_000);
    await dial('030123456');
    world.vrus[1]?.process.kill();
    await world.run(client.control(conferenceId, undefined, { kind: 'end' }));
    await world.clock.advance(45_000);
    expect((await ledger(world)).running).toBe(0);
  });

  it('a place that was taken and never said is free again; one that is said stays', async () => {
    const { world, dial, conferenceId } = await hosted();
    await dial('030123456');
    const { order } = only(world);
    const read = must(await world.store.get(KEYS.outdial('account', 'acme')));
    const record = outdialRecord.parse(read?.value);
    const [one] = Object.values(record.running);
    if (one === undefined) throw new Error('no place');
    expect(one.conferenceId).toBe(conferenceId);
    const running = { ...record.running, unsaid: one };
    must(await world.store.put(KEYS.outdial('account', 'acme'), { ...record, running }));
    expect((await ledger(world)).running).toBe(2);
    await world.clock.advance(40_000);
    const after = must(await world.store.get(KEYS.outdial('account', 'acme')));
    expect(Object.keys(outdialRecord.parse(after?.value).running)).toEqual([order.dialId]);
  });

  it('a minute that is charged after the end takes no place for good', async () => {
    const { world, dial, client } = await hosted({ outdial: { concurrent: 1 } });
    await dial('030111');
    const { vru, order } = only(world);
    vru.dialled.clear();
    await world.run(client.dialProgress(order, 'answered'));
    await world.run(client.dialProgress(order, 'hung-up'));
    await world.run(client.dialMinute(order, 1));
    await world.clock.advance(40_000);
    expect((await ledger(world)).running).toBe(0);
    expect(await dial('030222')).toBe('dialling');
  });

  it('a call that nobody has heard of for too long is given up, and hung up', async () => {
    const { world, dial, states } = await hosted();
    await dial('030123456');
    const { vru } = only(world);
    await world.clock.advance(45_000 + 120_000 + 10_000);
    expect(await states()).toEqual(['+4930123456 lost']);
    expect(vru.commands.some(({ kind }) => kind === 'hang-up')).toBe(true);
    expect((await ledger(world)).running).toBe(0);
  }, 60_000);
});

describe('R26: call the list', () => {
  const list = ['030111', '030222', '0044207', '030333', '030444'].map((number) => ({ number }));

  async function calling(more: Setup = {}) {
    const all = await hosted({ ...more, outdial: { list, ...more.outdial } });
    const { world, client, conferenceId, confereeId } = all;
    const callList = () => world.run(client.dialList(conferenceId, confereeId)).then(wordOf);
    return { ...all, callList };
  }

  it('calls all, a few at once, with a result for each in the log', async () => {
    const { world, states, callList } = await calling();
    expect(await callList()).toBe('dialling-list');
    await world.settle();
    expect(orders(world).map(({ order }) => order.number)).toEqual(['+4930111', '+4930222']);
    expect(orders(world).every(({ order }) => order.confirm)).toBe(true);
    for (const at of orders(world)) await end(world, at, 'busy');
    await world.settle();
    expect(await states()).toEqual([
      '+4930111 busy',
      '+4930222 busy',
      '+44207 not-allowed',
      '+4930333 dialling',
      '+4930444 dialling',
    ]);
  });

  it('does not call whoever is being called or in it', async () => {
    const { world, callList, states } = await calling();
    await callList();
    await world.settle();
    await callList();
    expect((await states()).filter((line) => line.includes('30111'))).toHaveLength(1);
  });

  it('goes on after the server that began is killed', async () => {
    const { world, callList } = await calling({ interfaces: 2 });
    await callList();
    await world.settle();
    const first = orders(world);
    world.interfaces[0]?.process.kill();
    for (const at of first) {
      at.vru.dialled.delete(at.order.dialId);
      await world.run(at.vru.client.dialProgress(at.order, 'busy'));
    }
    await world.clock.advance(10_000);
    expect(orders(world).map(({ order }) => order.number)).toEqual(['+4930333', '+4930444']);
  });

  it('without a list, or without permission, nothing', async () => {
    expect(await (await calling({ outdial: { list: [] } })).callList()).toBe('not-available');
    expect(await (await calling({ account: { outdial: undefined } })).callList()).toBe(
      'not-available',
    );
  });
});
