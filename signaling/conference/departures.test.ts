/** Ways out of a conference whose messages are lost, late, or overtake the way in. */
import { describe, expect, it } from 'vitest';
import { type AccountId, type ConferenceId, type NodeId, seededRandom } from '../../common/ids.ts';
import { silentLogger } from '../../common/log.ts';
import { readEvents } from './events.ts';
import type { FakeCall } from './fake-vru.ts';
import { FakeWorld, HOST, PARTICIPANT } from './fake-world.ts';
import { Management } from './management.ts';
import { waitingRecord } from './records.ts';
import { returnToWaiting } from './returning.ts';

const ACCOUNT = 'acme' as AccountId;

const seats = (world: FakeWorld): number =>
  [...world.onMixers().values()].reduce((sum, count) => sum + count, 0);

async function waiting(world: FakeWorld): Promise<readonly string[]> {
  const listed = await world.store.list('waiting/');
  if (!listed.ok) throw listed.error;
  return listed.value.map(({ value }) => {
    const { waitingId, caller } = waitingRecord.parse(value);
    return `${caller.callId} ${waitingId}`;
  });
}

async function enter(world: FakeWorld, code: string): Promise<FakeCall> {
  const [call] = await world.run(world.vru().enter(code));
  return call;
}

function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open = (): void => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open: () => open() };
}

/** No VRU is told to bring a caller anywhere until the gate is open. */
function holdPlaces(world: FakeWorld): () => void {
  const request = world.bus.request.bind(world.bus);
  const { passed, open } = gate();
  world.bus.request = async (subject, body, options) => {
    const isPlace = subject.startsWith('vru.') && JSON.stringify(body).includes('"kind":"place"');
    if (isPlace) await passed;
    return request(subject, body, options);
  };
  return open;
}

describe('R23: a conferee is deleted, and the server dies before anybody was told', () => {
  async function deleting() {
    const world = await FakeWorld.start({ vrus: 1, interfaces: 1 });
    await world.account({ waitingMode: 'start' });
    await enter(world, HOST);
    const call = await enter(world, PARTICIPANT);
    const { conferenceId, ordinal } = call.place ?? {};
    if (conferenceId === undefined || ordinal === undefined) throw new Error('no place');
    await world.run(
      world.store.watch('event/', (change) => {
        const decided = change.kind === 'put' && JSON.stringify(change.value).includes('"deleted"');
        if (decided) world.interfaces[0]?.process.kill();
      }),
    );
    const asked = world.vru().client.control(conferenceId, undefined, { kind: 'delete', ordinal });
    await world.settle();
    expect(world.interfaces[0]?.process.killed).toBe(true);
    expect([call.released, seats(world)]).toEqual([undefined, 2]);
    return { world, call, asked };
  }

  it('the request comes again to the next server: the caller is out', async () => {
    const { world, call, asked } = await deleting();
    await world.run(world.addInterface());
    expect((await world.run(asked)).ok).toBe(true);
    expect([call.released, seats(world)]).toEqual(['deleted', 1]);
  });

  it('nobody asks again: the next server sees to it', async () => {
    const { world, call } = await deleting();
    // Whoever asked has given up.
    await world.clock.advance(30_000);
    await world.run(world.addInterface());
    await world.clock.advance(10_000);
    expect([call.released, seats(world)]).toEqual(['deleted', 1]);
    const told = world.mixers.flatMap(({ it: mixer }) =>
      mixer.history.filter(({ kind }) => kind === 'remove'),
    );
    expect(told.length).toBe(1);
  });
});

describe('R28: the host leaves and callers wait again', () => {
  const WAITS = { waitingMode: 'hold', hostLeaves: 'wait' } as const;

  it('before the answer of a caller who was just let in: it waits, and is brought in the next time', async () => {
    const world = await FakeWorld.start({ vrus: 1, interfaces: 2 });
    await world.account(WAITS);
    const host = await enter(world, HOST);
    const lease = world.store.lease.bind(world.store);
    const { passed, open } = gate();
    world.store.lease = async (key, ...of) => {
      if (key.startsWith('answer/')) await passed;
      return lease(key, ...of);
    };
    const entering = world.vru().enter(PARTICIPANT);
    await world.settle();
    await world.run(world.vru().hangUp(host, ACCOUNT));
    await world.settle();
    open();
    const [call, reply] = await world.run(entering);
    expect(reply.kind).toBe('enter');
    await world.settle();
    expect(call.place).toBeUndefined();
    expect(await waiting(world)).toEqual([`${call.callId} ${call.waitingId}`]);
    const next = await enter(world, HOST);
    await world.settle();
    expect(call.place?.conferenceId).toBe(next.place?.conferenceId);
  });

  it('before a caller who waited has come over: it goes on waiting, and is brought in the next time', async () => {
    const world = await FakeWorld.start({ vrus: 1, interfaces: 2 });
    await world.account(WAITS);
    const call = await enter(world, PARTICIPANT);
    const open = holdPlaces(world);
    const host = await enter(world, HOST);
    await world.settle();
    await world.run(world.vru().hangUp(host, ACCOUNT));
    await world.settle();
    open();
    await world.clock.advance(10_000);
    expect(call.been).toEqual([]);
    expect(await waiting(world)).toEqual([`${call.callId} ${call.waitingId}`]);
    const next = await enter(world, HOST);
    await world.settle();
    expect(call.place?.conferenceId).toBe(next.place?.conferenceId);
    expect(await waiting(world)).toEqual([]);
  });
});

describe('R10: a conference ends before those who waited for it have come over', () => {
  it.each(['mingle', 'hold'] as const)(
    '%s: they are released, and the next conference does not count them in',
    async (waitingMode) => {
      const world = await FakeWorld.start({ vrus: 1, interfaces: 2 });
      await world.account({ waitingMode });
      const calls = [await enter(world, PARTICIPANT), await enter(world, PARTICIPANT)];
      const open = holdPlaces(world);
      const host = await enter(world, HOST);
      const id = host.place?.conferenceId;
      if (id === undefined) throw new Error('no place');
      await world.settle();
      await world.run(world.vru().client.control(id, undefined, { kind: 'end' }));
      await world.settle();
      expect(calls.map(({ released }) => released)).toEqual(['ended', 'ended']);
      const next = await enter(world, HOST);
      open();
      await world.clock.advance(10_000);
      const nextId = next.place?.conferenceId;
      if (nextId === undefined) throw new Error('no place');
      const events = await readEvents(world.store, nextId);
      if (!events.ok) throw events.error;
      expect(events.value.filter(({ event }) => event.kind === 'joined').length).toBe(1);
      expect(seats(world)).toBe(1);
      expect(await world.keys('mingle/')).toEqual([]);
    },
  );

  it('R28: or wait again, where their VRU believes them to be', async () => {
    const world = await FakeWorld.start({ vrus: 1, interfaces: 2 });
    await world.account({ waitingMode: 'mingle', hostLeaves: 'wait' });
    const calls = [await enter(world, PARTICIPANT), await enter(world, PARTICIPANT)];
    const rooms = calls.map(({ place }) => place?.conferenceId);
    const open = holdPlaces(world);
    const host = await enter(world, HOST);
    await world.settle();
    await world.run(world.vru().hangUp(host, ACCOUNT));
    await world.settle();
    open();
    await world.clock.advance(10_000);
    // In a room that is later than the conference, so that no late command brings them back into that.
    const now = new Set(calls.map(({ place }) => place?.conferenceId));
    expect(now.size).toBe(1);
    expect(rooms.some((room) => now.has(room))).toBe(false);
    expect(calls.map(({ place }) => place?.temporary)).toEqual([true, true]);
    const next = await enter(world, HOST);
    await world.settle();
    const there = calls.map(({ place }) => place?.conferenceId);
    expect(there).toEqual([next.place?.conferenceId, next.place?.conferenceId]);
    expect(seats(world)).toBe(3);
  });
});

describe('R28: two servers carry out the same end, one of them late', () => {
  async function again(world: FakeWorld, id: ConferenceId, call: FakeCall): Promise<void> {
    const { bus, store, clock, metrics } = world;
    const around = { bus, store, clock, metrics, random: seededRandom(1), log: silentLogger };
    const late = new Management({ ...around, id: 'interface-late' as NodeId });
    const log = await world.run(late.freshLog(id));
    if (!log.ok) throw log.error;
    const conferee = log.value.roster.ofCall(call.callId);
    if (conferee === undefined) throw new Error('was not in it at the end');
    await world.run(returnToWaiting(late, log.value, [conferee]));
    await world.clock.advance(10_000);
  }

  for (const waitingMode of ['hold', 'mingle'] as const) {
    it(`${waitingMode}: who is in the next conference by then does not wait`, async () => {
      const world = await FakeWorld.start({ vrus: 1 });
      await world.account({ waitingMode, hostLeaves: 'wait' });
      const host = await enter(world, HOST);
      const call = await enter(world, PARTICIPANT);
      const id = call.place?.conferenceId;
      if (id === undefined) throw new Error('no place');
      await world.run(world.vru().hangUp(host, ACCOUNT));
      await world.settle();
      const next = await enter(world, HOST);
      await world.settle();
      await again(world, id, call);
      expect(call.place?.conferenceId).toBe(next.place?.conferenceId);
      expect(await waiting(world)).toEqual([]);
      expect(await world.keys('mingle/')).toEqual([]);
    });
  }

  it('hold: who has been in the next conference and has left does not wait', async () => {
    const world = await FakeWorld.start({ vrus: 1 });
    await world.account({ waitingMode: 'hold', hostLeaves: 'wait' });
    const host = await enter(world, HOST);
    const call = await enter(world, PARTICIPANT);
    const id = call.place?.conferenceId;
    if (id === undefined) throw new Error('no place');
    await world.run(world.vru().hangUp(host, ACCOUNT));
    await world.settle();
    const next = await enter(world, HOST);
    await world.settle();
    await world.run(world.vru().hangUp(call, ACCOUNT));
    await world.run(world.vru().hangUp(next, ACCOUNT));
    await again(world, id, call);
    expect(await waiting(world)).toEqual([]);
  });

  it('hold: who waited and has left does not wait; who waits goes on', async () => {
    const world = await FakeWorld.start({ vrus: 1 });
    await world.account({ waitingMode: 'hold', hostLeaves: 'wait' });
    const host = await enter(world, HOST);
    const [call, stays] = [await enter(world, PARTICIPANT), await enter(world, PARTICIPANT)];
    const id = call.place?.conferenceId;
    if (id === undefined) throw new Error('no place');
    await world.run(world.vru().hangUp(host, ACCOUNT));
    await world.settle();
    await world.run(world.vru().hangUp(call, ACCOUNT));
    await again(world, id, call);
    await again(world, id, stays);
    expect(await waiting(world)).toEqual([`${stays.callId} ${stays.waitingId}`]);
  });

  it('mingle: who has left the room by then does not wait', async () => {
    const world = await FakeWorld.start({ vrus: 1 });
    await world.account({ waitingMode: 'mingle', hostLeaves: 'wait' });
    const host = await enter(world, HOST);
    const [stays, call] = [await enter(world, PARTICIPANT), await enter(world, PARTICIPANT)];
    const id = call.place?.conferenceId;
    if (id === undefined) throw new Error('no place');
    await world.run(world.vru().hangUp(host, ACCOUNT));
    await world.settle();
    expect([stays.place?.temporary, call.place?.temporary]).toEqual([true, true]);
    await world.run(world.vru().hangUp(call, ACCOUNT));
    await again(world, id, call);
    expect(await waiting(world)).toEqual([]);
    expect(seats(world)).toBe(1);
  });
});
