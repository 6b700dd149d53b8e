/** Requests that come twice, and late, one order of messages after another: no effect but that of the first. */
import { describe, expect, it } from 'vitest';
import type { AccountId, ConferenceId, Random } from '../../common/ids.ts';
import { seededRandom } from '../../common/ids.ts';
import type { ControlAction } from './client.ts';
import type { DialOrder } from './dial-messages.ts';
import type { FakeCall } from './fake-vru.ts';
import { FakeWorld, HOST, PARTICIPANT, type WorldOptions } from './fake-world.ts';
import type { AccountRecord } from './messages.ts';
import { waitingRecord } from './records.ts';

const ACCOUNT = 'acme' as AccountId;

/** One VRU whose service requests can be sent once more. */
class CopyWorld {
  readonly world: FakeWorld;
  readonly #sent: unknown[] = [];

  private constructor(world: FakeWorld) {
    this.world = world;
    const request = world.bus.request.bind(world.bus);
    world.bus.request = (subject, body, options) => {
      if (subject === 'proxy') this.#sent.push(body);
      return request(subject, body, options);
    };
  }

  static async start(
    account: Partial<AccountRecord> & { readonly id?: never },
    options: WorldOptions = {},
  ): Promise<CopyWorld> {
    const world = await FakeWorld.start({ vrus: 1, ...options });
    await world.account(account);
    return new CopyWorld(world);
  }

  /** The caller, what its VRU was answered, and the request again. */
  async enter(code: string) {
    const [call, reply] = await this.world.run(this.world.vru().enter(code));
    return { call, reply, again: this.again() };
  }

  /** Sends the last request once more, whenever it is called; the value is the answer. */
  again(body = this.#sent.at(-1)): () => Promise<unknown> {
    return async () => {
      const answer = await this.world.run(
        this.world.bus.request('proxy', body, { deadlineMs: 6_000 }),
      );
      return answer.ok ? answer.value : answer.error.code;
    };
  }

  /** The next reading of this key takes until it is told to go on. */
  stall(key: string): () => void {
    const { store } = this.world;
    const get = store.get.bind(store);
    let goOn = (): void => {};
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    store.get = async (wanted) => {
      if (wanted !== key) return get(wanted);
      store.get = get;
      await gate;
      return get(wanted);
    };
    return goOn;
  }

  hangUp(call: FakeCall): Promise<void> {
    return this.world.run(this.world.vru().hangUp(call, ACCOUNT));
  }

  async control({ place }: FakeCall, action: ControlAction): Promise<void> {
    if (place === undefined) throw new Error('not in a conference');
    const { client } = this.world.vru();
    const done = await this.world.run(client.control(place.conferenceId, undefined, action));
    if (!done.ok) throw done.error;
  }

  /** Calls that are in a conference, calls that wait, and seats at mixers, at rest. */
  async everybody(): Promise<{ in: string[]; waiting: string[]; seats: number }> {
    const { world } = this;
    await world.clock.advance(10_000);
    const inside: string[] = [];
    for (const key of await world.keys('conference/')) {
      const id = key.slice('conference/'.length) as ConferenceId;
      const roster = await world.run(world.vru().client.roster(id));
      if (!roster.ok) throw roster.error;
      for (const { caller } of roster.value.conferees.values()) inside.push(caller.callId);
    }
    const listed = await world.store.list('waiting/');
    if (!listed.ok) throw listed.error;
    const waiting = listed.value.map(({ value }) => waitingRecord.parse(value).caller.callId);
    const seats = [...world.onMixers().values()].reduce((sum, count) => sum + count, 0);
    return { in: inside.toSorted(), waiting, seats };
  }
}

const NOBODY = { in: [], waiting: [], seats: 0 };

describe('R42: an entry whose request comes again, late', () => {
  it('enter, leave, the conference is over, copy: makes no conference', async () => {
    const copies = await CopyWorld.start({ waitingMode: 'start' });
    const { call, reply, again } = await copies.enter(PARTICIPANT);
    await copies.hangUp(call);
    expect(await again()).toEqual(reply);
    expect(await copies.everybody()).toEqual(NOBODY);
  });

  it('enter, leave, the next conference begins, copy: the caller is not in it', async () => {
    const copies = await CopyWorld.start({ waitingMode: 'start' });
    const { call, reply, again } = await copies.enter(PARTICIPANT);
    await copies.hangUp(call);
    const other = await copies.enter(HOST);
    expect(await again()).toEqual(reply);
    expect(await copies.everybody()).toEqual({ in: [other.call.callId], waiting: [], seats: 1 });
  });

  it('enter, ended by the host, the next conference begins, copy: the caller is not in it', async () => {
    const copies = await CopyWorld.start({ waitingMode: 'start' });
    const { call, reply, again } = await copies.enter(PARTICIPANT);
    await copies.control(call, { kind: 'end' });
    await copies.world.settle();
    const other = await copies.enter(HOST);
    expect(await again()).toEqual(reply);
    expect(await copies.everybody()).toEqual({ in: [other.call.callId], waiting: [], seats: 1 });
  });

  it('enter, leave, copy while the conference goes on: the caller stays out', async () => {
    const copies = await CopyWorld.start({ waitingMode: 'start' });
    const host = await copies.enter(HOST);
    const { call, reply, again } = await copies.enter(PARTICIPANT);
    await copies.hangUp(call);
    expect(await again()).toEqual(reply);
    expect(await copies.everybody()).toEqual({ in: [host.call.callId], waiting: [], seats: 1 });
  });

  for (const waitingMode of ['hold', 'mingle'] as const) {
    it(`${waitingMode}: enter, leave, copy: nobody waits`, async () => {
      const copies = await CopyWorld.start({ waitingMode });
      const { call, reply, again } = await copies.enter(PARTICIPANT);
      await copies.hangUp(call);
      expect(await again()).toEqual(reply);
      expect(await copies.everybody()).toEqual(NOBODY);
    });

    it(`${waitingMode}: enter, the host comes, copy: the caller is where it was brought`, async () => {
      const copies = await CopyWorld.start({ waitingMode });
      const { call, reply, again } = await copies.enter(PARTICIPANT);
      const host = await copies.enter(HOST);
      await copies.world.settle();
      const place = call.place;
      expect(place).toMatchObject({ temporary: false });
      expect(await again()).toEqual(reply);
      const both = [call.callId, host.call.callId].toSorted();
      expect(await copies.everybody()).toEqual({ in: both, waiting: [], seats: 2 });
      expect(call.place).toEqual(place);
    });
  }

  it('turned away by a lock, the lock is taken off, copy: turned away', async () => {
    const copies = await CopyWorld.start({ waitingMode: 'start' });
    const host = await copies.enter(HOST);
    await copies.control(host.call, { kind: 'lock', locked: true });
    const { reply, again } = await copies.enter(PARTICIPANT);
    expect(reply).toEqual({ kind: 'refused', reason: 'locked' });
    await copies.control(host.call, { kind: 'lock', locked: false });
    expect(await again()).toEqual(reply);
    expect(await copies.everybody()).toEqual({ in: [host.call.callId], waiting: [], seats: 1 });
  });

  it('enter, forget, copy: refused; and likewise when forget comes first', async () => {
    const copies = await CopyWorld.start({ waitingMode: 'start' });
    const { world } = copies;
    const requestOf = (enterRequestId: string) => ({
      ...{ service: 'conference', code: PARTICIPANT },
      caller: { ...world.vru().caller(world.vru().newCall()), vruId: world.vrus[0]?.id },
      ...{ enterRequestId, requestId: enterRequestId },
    });
    const send = async (kind: 'enter' | 'forget', id: string): Promise<unknown> => {
      const body = {
        ...requestOf(id),
        kind,
        ...(kind === 'forget' ? { requestId: `${id}-f` } : {}),
      };
      const answer = await world.run(world.bus.request('proxy', body, { deadlineMs: 6_000 }));
      return answer.ok ? answer.value : answer.error.code;
    };
    expect(await send('enter', 'request-1')).toMatchObject({ kind: 'enter' });
    expect(await send('forget', 'request-1')).toEqual({ kind: 'done' });
    expect(await send('enter', 'request-1')).toMatchObject({ kind: 'enter' });
    expect(await send('forget', 'request-2')).toEqual({ kind: 'done' });
    expect(await send('enter', 'request-2')).toEqual({ kind: 'refused', reason: 'ended' });
    expect(await copies.everybody()).toEqual(NOBODY);
  });

  it('by a server that was killed before the answer: the next one answers as for the first time', async () => {
    const copies = await CopyWorld.start({ waitingMode: 'start' }, { interfaces: 2 });
    const { world } = copies;
    const entering = world.vru().enter(PARTICIPANT);
    // Its place is in the log, and nobody was told.
    const watch = await world.run(
      world.store.watch('event/', ({ kind }) => {
        if (kind === 'put' && world.interfaces.every(({ process }) => !process.killed)) {
          for (const { process } of world.interfaces.slice(0, 1)) process.kill();
        }
      }),
    );
    const [call, reply] = await world.run(entering);
    await watch.close();
    expect(reply.kind).toBe('enter');
    expect(await copies.everybody()).toEqual({ in: [call.callId], waiting: [], seats: 1 });
  });
});

describe('R42: other requests that come again, late', () => {
  it('re-enter after leave: refused, and no mixer keeps a seat', async () => {
    const copies = await CopyWorld.start({ waitingMode: 'start' });
    const host = await copies.enter(HOST);
    const { call } = await copies.enter(PARTICIPANT);
    const first = await copies.world.run(copies.world.vru().reEnter(call));
    const again = copies.again();
    expect(first.kind).toBe('enter');
    await copies.hangUp(call);
    expect(await again()).toEqual({ kind: 'refused', reason: 'ended' });
    expect(await copies.everybody()).toEqual({ in: [host.call.callId], waiting: [], seats: 1 });
  });

  it('a lock taken off that was off, a lock put on, the first one again: it is on', async () => {
    const copies = await CopyWorld.start({ waitingMode: 'start' });
    const host = await copies.enter(HOST);
    await copies.control(host.call, { kind: 'lock', locked: false });
    const again = copies.again();
    await copies.control(host.call, { kind: 'lock', locked: true });
    expect(await again()).toEqual({ kind: 'done' });
    const { reply } = await copies.enter(PARTICIPANT);
    expect(reply).toEqual({ kind: 'refused', reason: 'locked' });
  });

  it('recordings: neither begun again after their end, nor ended by a request of before', async () => {
    const copies = await CopyWorld.start({ waitingMode: 'start' }, { interfaces: 2 });
    const { world } = copies;
    const { call } = await copies.enter(HOST);
    const { conferenceId, mixerId } = call.place ?? {};
    if (conferenceId === undefined) throw new Error('no place');
    const mixer = world.mixers.find(({ id }) => id === mixerId)?.it;
    const state = async (): Promise<readonly boolean[]> => {
      const roster = await world.run(world.vru().client.roster(conferenceId));
      if (!roster.ok) throw roster.error;
      return [mixer?.recording.has(conferenceId) === true, roster.value.recording !== undefined];
    };
    const again: (() => Promise<unknown>)[] = [];
    for (const on of [false, true, false, true]) {
      await copies.control(call, { kind: 'record', on });
      expect(await state()).toEqual([on, on]);
      for (const repeat of [...again]) expect(await repeat()).toEqual({ kind: 'done' });
      // To the mixer too, as from a server that stalled.
      const asked = mixer?.history.filter(({ kind }) => kind === 'record').slice(0, -1) ?? [];
      for (const body of asked) {
        await world.run(world.bus.request(`mixer.${mixerId}`, body, { deadlineMs: 1_000 }));
      }
      expect(await state()).toEqual([on, on]);
      again.push(copies.again());
    }
  });

  it('leave: leaves no one else out', async () => {
    const copies = await CopyWorld.start({ waitingMode: 'start' });
    const { call } = await copies.enter(PARTICIPANT);
    await copies.hangUp(call);
    const again = copies.again();
    const next = await copies.enter(PARTICIPANT);
    expect(await again()).toEqual({ kind: 'done' });
    expect(await copies.everybody()).toEqual({ in: [next.call.callId], waiting: [], seats: 1 });
  });
});

describe('R26: somebody who was called', () => {
  const OUTDIAL = {
    plan: {
      rewrite: [],
      trunks: [
        {
          ...{ name: 'carrier', allowedPrefixes: ['+49'], deniedPrefixes: [] },
          ...{ maxConcurrent: 50, maxCallsPerDay: 10_000 },
        },
      ],
    },
    ...{ ringTimeoutMs: 45_000, maxDurationMs: 3_600_000, listConcurrency: 2 },
  };

  async function called(): Promise<{ copies: CopyWorld; host: FakeCall; order: DialOrder }> {
    const outdial = { concurrent: 5, callsPerDay: 20, minutesPerDay: 60, list: [] };
    const copies = await CopyWorld.start({ waitingMode: 'start', outdial }, { outdial: OUTDIAL });
    const { call } = await copies.enter(HOST);
    const { client, dialled } = copies.world.vru();
    const { conferenceId, confereeId } = call.place ?? {};
    if (conferenceId === undefined) throw new Error('no place');
    await copies.world.run(client.dial(conferenceId, confereeId, { number: '+4930100' }));
    const [order] = dialled.values();
    if (order === undefined) throw new Error('nobody is called');
    return { copies, host: call, order };
  }

  it('let in without the VRU knowing: out when the VRU says that the call is over, and stays out', async () => {
    const { copies, host, order } = await called();
    const vru = copies.world.vru();
    const [made, reply] = await copies.world.run(vru.enterDialled(order));
    const again = copies.again();
    expect(reply.kind).toBe('enter');
    vru.calls.delete(made.callId);
    vru.dialled.delete(order.dialId);
    await copies.world.run(vru.client.dialProgress(order, 'cancelled'));
    expect(await again()).toEqual(reply);
    expect(await copies.everybody()).toEqual({ in: [host.callId], waiting: [], seats: 1 });
  });
});

/**
 * A copy of an entry that has begun, found no answer and stalls; meanwhile the request itself is
 * carried out by another server. `meanwhile` is what happens until the copy goes on.
 */
async function overtaken(
  account: Partial<AccountRecord> & { readonly id?: never },
  meanwhile: (copies: CopyWorld, enter: () => Promise<FakeCall>) => Promise<void>,
) {
  const copies = await CopyWorld.start(account, { interfaces: 2 });
  const { world } = copies;
  const [slow, quick] = world.interfaces.map(({ id }) => `interface.${id}`);
  if (slow === undefined || quick === undefined) throw new Error('no servers');
  const call = world.vru().newCall();
  let body: unknown;
  const request = world.bus.request.bind(world.bus);
  let copy: ReturnType<typeof request> | undefined;
  let goOn = (): void => {};
  const enter = async (): Promise<FakeCall> => {
    goOn = copies.stall(`active/${ACCOUNT}`);
    world.bus.request = async (subject, sent, options) => {
      if (copy !== undefined || subject !== 'proxy') return request(subject, sent, options);
      body = sent;
      copy = request(slow, body, { deadlineMs: 60_000 });
      // The copy is in its turn, and waits.
      await world.clock.sleep(5);
      return request(quick, body, options);
    };
    await world.run(world.vru().enter(PARTICIPANT, call));
    return call;
  };
  await meanwhile(copies, enter);
  const settled = await world.run(copies.again(body)());
  goOn();
  if (copy === undefined) throw new Error('nobody entered');
  const late = await world.run(copy);
  expect(late.ok ? late.value : late.error.code).toEqual(settled);
  return { copies, call };
}

describe('R42: an entry that a copy of it has overtaken', () => {
  it('whose caller has left, with the next conference begun: taken out again', async () => {
    let host: FakeCall | undefined;
    const { copies } = await overtaken({ waitingMode: 'start' }, async (world, enter) => {
      await world.hangUp(await enter());
      host = (await world.enter(HOST)).call;
    });
    expect(await copies.everybody()).toEqual({ in: [host?.callId], waiting: [], seats: 1 });
  });

  it('whose caller was turned away by a lock that is off: taken out again', async () => {
    let host: FakeCall | undefined;
    const { copies } = await overtaken({ waitingMode: 'start' }, async (world, enter) => {
      host = (await world.enter(HOST)).call;
      await world.control(host, { kind: 'lock', locked: true });
      await enter();
      await world.control(host, { kind: 'lock', locked: false });
    });
    expect(await copies.everybody()).toEqual({ in: [host?.callId], waiting: [], seats: 1 });
  });

  it('whose caller waited and has left: does not wait', async () => {
    const { copies } = await overtaken({ waitingMode: 'hold' }, async (world, enter) => {
      await world.hangUp(await enter());
    });
    expect(await copies.everybody()).toEqual(NOBODY);
  });

  it('whose caller waited, and was brought in: is in', async () => {
    let host: FakeCall | undefined;
    const { copies, call } = await overtaken({ waitingMode: 'hold' }, async (world, enter) => {
      await enter();
      host = (await world.enter(HOST)).call;
    });
    const both = [call.callId, host?.callId].toSorted();
    expect(await copies.everybody()).toEqual({ in: both, waiting: [], seats: 2 });
    expect(call.place).toMatchObject({ temporary: false });
  });

  it('re-enter of one who has left, with the mixer replaced: no seat at the new one', async () => {
    const copies = await CopyWorld.start({ waitingMode: 'start' }, { interfaces: 2 });
    const { world } = copies;
    const host = await copies.enter(HOST);
    const { call } = await copies.enter(PARTICIPANT);
    const { conferenceId, confereeId, mixerId } = call.place ?? {};
    if (conferenceId === undefined || confereeId === undefined) throw new Error('no place');
    const goOn = copies.stall(`conference/${conferenceId}`);
    const caller = { ...world.vru().caller(call), vruId: world.vrus[0]?.id };
    const body = { kind: 're-enter', requestId: 'request-1', conferenceId, confereeId, caller };
    const slow = `interface.${world.interfaces[0]?.id}`;
    const late = world.bus.request(
      slow,
      { service: 'conference', ...body },
      { deadlineMs: 60_000 },
    );
    await world.settle();
    await copies.hangUp(call);
    world.mixers.find(({ id }) => id === mixerId)?.process.kill();
    await world.clock.advance(10_000);
    goOn();
    const answer = await world.run(late);
    expect(answer.ok ? answer.value : answer.error.code).toEqual({
      kind: 'refused',
      reason: 'ended',
    });
    expect(await copies.everybody()).toEqual({ in: [host.call.callId], waiting: [], seats: 1 });
  });
});

/** Lets some turns of the event loop pass, as many as the seed says. */
async function turns(random: Random, most: number): Promise<void> {
  for (let turn = random.below(most); turn > 0; turn--) await Promise.resolve();
}

const SEEDS = Array.from({ length: 60 }, (_, index) => index + 1);

describe('at the same moment, at whichever step', () => {
  for (const waitingMode of ['hold', 'mingle'] as const) {
    it(`${waitingMode}: who hangs up while the host's conference is being made is not in it`, async () => {
      for (const seed of SEEDS) {
        const random = seededRandom(seed);
        const copies = await CopyWorld.start({ waitingMode }, { seed, interfaces: 2 });
        const { world } = copies;
        const { call } = await copies.enter(PARTICIPANT);
        const host = world.vru().enter(HOST);
        const leaving = turns(random, 400).then(() => world.vru().hangUp(call, ACCOUNT));
        const [[made]] = await world.run(Promise.all([host, leaving]));
        const seen = await copies.everybody();
        expect([seed, seen]).toEqual([seed, { in: [made.callId], waiting: [], seats: 1 }]);
      }
    });
  }

  it('who leaves while its conference goes to another mixer has no seat there', async () => {
    for (const seed of SEEDS) {
      const random = seededRandom(seed);
      const copies = await CopyWorld.start({ waitingMode: 'start' }, { seed, interfaces: 2 });
      const { world } = copies;
      const calls: FakeCall[] = [];
      for (let index = 0; index < 5; index++) calls.push((await copies.enter(PARTICIPANT)).call);
      const lost = world.mixers.find(({ id }) => id === calls[0]?.place?.mixerId);
      lost?.process.kill();
      const [asking, leaving, ...staying] = calls;
      if (asking === undefined || leaving === undefined) throw new Error('no calls');
      await world.run(
        Promise.all([
          world.vru().reEnter(asking),
          turns(random, 600).then(() => world.vru().hangUp(leaving, ACCOUNT)),
        ]),
      );
      const there = [asking, ...staying].map(({ callId }) => callId as string).toSorted();
      const seen = await copies.everybody();
      expect([seed, seen]).toEqual([seed, { in: there, waiting: [], seats: there.length }]);
    }
  });

  for (const waitingMode of ['start', 'hold', 'mingle'] as const) {
    it(`${waitingMode}: copies of an entry at several servers have one answer, and one effect`, async () => {
      for (const seed of SEEDS) {
        const random = seededRandom(seed);
        const copies = await CopyWorld.start({ waitingMode }, { seed, interfaces: 3, proxies: 2 });
        const { world } = copies;
        const subjects = world.interfaces.map(({ id }) => `interface.${id}`);
        const caller = { ...world.vru().caller(world.vru().newCall()), vruId: world.vrus[0]?.id };
        const request = { service: 'conference', kind: 'enter', requestId: 'request-1' };
        const body = { ...request, code: PARTICIPANT, caller };
        const host = turns(random, 400).then(() => world.vru().enter(HOST));
        const answers = subjects.map(async (subject) => {
          await turns(random, 400);
          return world.bus.request(subject, body, { deadlineMs: 6_000 });
        });
        const [[made], ...all] = await world.run(Promise.all([host, ...answers]));
        const replies = all.map((answer) => (answer.ok ? answer.value : answer.error.code));
        expect([seed, ...replies]).toEqual([seed, replies[0], replies[0], replies[0]]);
        const both = [made.callId, caller.callId].toSorted();
        expect([seed, await copies.everybody()]).toEqual([
          seed,
          { in: both, waiting: [], seats: 2 },
        ]);
      }
    });
  }
});
