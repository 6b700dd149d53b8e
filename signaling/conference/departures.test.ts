/** Ways out of a conference whose messages are lost, late, or overtake the way in. */
import { describe, expect, it } from 'vitest';
import type { AccountId } from '../../common/ids.ts';
import type { FakeCall } from './fake-vru.ts';
import { FakeWorld, HOST, PARTICIPANT } from './fake-world.ts';
import { waitingRecord } from './records.ts';

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
    const request = world.bus.request.bind(world.bus);
    const { passed, open } = gate();
    world.bus.request = async (subject, body, options) => {
      const isPlace = subject.startsWith('vru.') && JSON.stringify(body).includes('"kind":"place"');
      if (isPlace) await passed;
      return request(subject, body, options);
    };
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
