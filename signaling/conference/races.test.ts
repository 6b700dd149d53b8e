/** Many at once, and processes that die in the middle: what must hold for every seed. */
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../common/ids.ts';
import type { EnterReply } from './client.ts';
import { readEvents } from './events.ts';
import type { FakeCall } from './fake-vru.ts';
import { FakeWorld, HOST, PARTICIPANT } from './fake-world.ts';
import { endedRecord, guardRecord, PREFIXES } from './records.ts';

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = seededRandom(seed);
  const list = [...items];
  for (let index = list.length - 1; index > 0; index--) {
    const other = random.below(index + 1);
    const [a, b] = [list[index], list[other]];
    if (a !== undefined && b !== undefined) [list[index], list[other]] = [b, a];
  }
  return list;
}

/** Every conference proper that ever had anybody in it. */
async function conferencesEver(world: FakeWorld): Promise<string[]> {
  const ids = new Set((await world.keys('event/')).map((key) => key.split('/')[1] ?? ''));
  const proper: string[] = [];
  for (const id of ids) {
    const events = await readEvents(world.store, id as never);
    if (!events.ok) throw events.error;
    const [first] = events.value;
    if (first?.event.kind === 'created' && !first.event.temporary) proper.push(id);
  }
  return proper;
}

async function enterAll(
  world: FakeWorld,
  codes: readonly string[],
  during: () => void = () => {},
): Promise<[FakeCall, EnterReply][]> {
  const entries = codes.map((code, index) => world.vru(index % world.vrus.length).enter(code));
  during();
  return world.run(Promise.all(entries), 120_000);
}

/** Everybody is in one conference, with the ordinals 1 to n, and seated at its mixer. */
async function expectOneConference(world: FakeWorld, calls: readonly FakeCall[]): Promise<void> {
  const ids = new Set(calls.map(({ place }) => place?.conferenceId));
  expect(ids.size).toBe(1);
  const [id] = ids;
  const ordinals = calls.map(({ place }) => place?.ordinal ?? 0).toSorted((a, b) => a - b);
  expect(ordinals).toEqual(calls.map((_, index) => index + 1));
  // A server that dies between placement and record leaves an empty conference, which the mixer ends when idle.
  const seated = [...world.onMixers()].filter(([, seats]) => seats > 0);
  expect(seated).toEqual([[id, calls.length]]);
  expect(await world.keys('waiting/')).toEqual([]);
  expect(await world.keys('mingle/')).toEqual([]);
  const guards = await world.store.list(PREFIXES.active);
  if (!guards.ok) throw guards.error;
  expect(guards.value.map(({ value }) => guardRecord.parse(value).conferenceId)).toEqual([id]);
}

describe('1,000 simultaneous entries of one account', () => {
  for (const [seed, waitingMode] of [
    [1, 'start'],
    [2, 'hold'],
    [3, 'mingle'],
    [4, 'hold'],
    [5, 'mingle'],
  ] as const) {
    it(`R6: seed ${seed}, mode ${waitingMode}: one conference, consecutive ordinals`, async () => {
      const world = await FakeWorld.start({ seed, proxies: 2, interfaces: 3, mixers: 3, vrus: 4 });
      await world.account({ waitingMode });
      for (const { it: mixer } of world.mixers) mixer.headroom = 10_000;
      const codes = Array.from({ length: 1_000 }, (_, n) => (n % 20 === 0 ? HOST : PARTICIPANT));
      const entered = await enterAll(world, shuffled(codes, seed));
      await world.clock.advance(20_000);
      expect(entered.filter(([, reply]) => reply.kind === 'refused')).toEqual([]);
      await expectOneConference(
        world,
        entered.map(([call]) => call),
      );
      expect((await conferencesEver(world)).length).toBe(1);
    });
  }
});

describe('processes that die', () => {
  for (const seed of [11, 12, 13, 14]) {
    it(`R42: seed ${seed}: an interface server killed under load loses no acknowledged request`, async () => {
      const world = await FakeWorld.start({ seed, proxies: 2, interfaces: 3, vrus: 3 });
      await world.account({ waitingMode: seed % 2 === 0 ? 'start' : 'hold' });
      const codes = Array.from({ length: 200 }, (_, n) => (n % 10 === 0 ? HOST : PARTICIPANT));
      const entered = await enterAll(world, shuffled(codes, seed), () => {
        // In the middle of it, at a moment that the seed chooses.
        let turns = 20 + seededRandom(seed).below(400);
        const later = (): void => {
          turns -= 1;
          if (turns > 0) queueMicrotask(later);
          else world.interfaces[0]?.process.kill();
        };
        later();
      });
      expect(world.interfaces[0]?.process.killed).toBe(true);
      await world.clock.advance(20_000);
      expect(entered.filter(([, reply]) => reply.kind === 'refused')).toEqual([]);
      await expectOneConference(
        world,
        entered.map(([call]) => call),
      );
    });
  }

  for (const seed of [21, 22]) {
    it(`seed ${seed}: a proxy killed under load loses nothing either`, async () => {
      const world = await FakeWorld.start({ seed, proxies: 2, interfaces: 2 });
      await world.account({ waitingMode: 'start' });
      const codes = Array.from({ length: 100 }, () => PARTICIPANT);
      const entered = await enterAll(world, codes, () => {
        queueMicrotask(() => world.proxies[0]?.process.kill());
      });
      await world.clock.advance(20_000);
      expect(entered.filter(([, reply]) => reply.kind === 'refused')).toEqual([]);
      await expectOneConference(
        world,
        entered.map(([call]) => call),
      );
    });
  }

  it('a mixer killed: its conference is on another one within a second, ordinals as before', async () => {
    const world = await FakeWorld.start({ mixers: 2, vrus: 2, interfaces: 2 });
    await world.account({ waitingMode: 'start' });
    const entered = await enterAll(world, [HOST, PARTICIPANT, PARTICIPANT, PARTICIPANT]);
    const calls = entered.map(([call]) => call);
    const before = calls.map(({ place }) => place);
    const lost = world.mixers.find(({ id }) => id === before[0]?.mixerId);
    lost?.process.kill();
    // The VRUs notice the lost legs and ask, all at the same time, before any lease has run out.
    const [a, b] = [calls[0], calls[1]];
    if (a === undefined || b === undefined) throw new Error('no calls');
    const replies = await world.run(
      Promise.all([world.vru(0).reEnter(a), world.vru(1).reEnter(b)]),
      900,
    );
    expect(replies.map(({ kind }) => kind)).toEqual(['enter', 'enter']);
    await world.clock.advance(300);
    // Those who have not asked were told.
    expect(calls.map(({ place }) => place?.ordinal)).toEqual(before.map((place) => place?.ordinal));
    expect(calls.map(({ place }) => place?.confereeId)).toEqual(
      before.map((place) => place?.confereeId),
    );
    const living = world.mixers.find((part) => part !== lost);
    expect(new Set(calls.map(({ place }) => place?.mixerId))).toEqual(new Set([living?.id]));
    expect([...world.onMixers()]).toEqual([[before[0]?.conferenceId, 4]]);
  });

  it('a mixer killed and nobody notices: the lease tells, and everybody is moved', async () => {
    const world = await FakeWorld.start({ mixers: 3, interfaces: 3 });
    await world.account({ waitingMode: 'start' });
    const entered = await enterAll(
      world,
      Array.from({ length: 30 }, () => PARTICIPANT),
    );
    const calls = entered.map(([call]) => call);
    const lostId = calls[0]?.place?.mixerId;
    world.mixers.find(({ id }) => id === lostId)?.process.kill();
    await world.clock.advance(6_000);
    const now = new Set(calls.map(({ place }) => place?.mixerId));
    expect(now.size).toBe(1);
    expect(now.has(lostId)).toBe(false);
    await expectOneConference(world, calls);
  });

  it('a VRU killed: its conferees and waiting callers are gone for everybody', async () => {
    const world = await FakeWorld.start({ vrus: 2, interfaces: 2 });
    await world.account({ waitingMode: 'hold' });
    const [waiting] = await enterAll(world, [PARTICIPANT, PARTICIPANT]);
    expect(waiting?.[1].kind).toBe('wait');
    expect((await world.keys('waiting/')).length).toBe(2);
    world.vrus[0]?.process.kill();
    await world.clock.advance(10_000);
    expect((await world.keys('waiting/')).length).toBe(1);
    const [host] = await world.run(world.vru(1).enter(HOST));
    await world.settle();
    expect([...world.onMixers().values()]).toEqual([2]);
    world.vrus[1]?.process.kill();
    await world.clock.advance(10_000);
    expect(await world.keys('active/')).toEqual([]);
    expect(await world.keys('conference/')).toEqual([]);
    expect(world.onMixers().size).toBe(0);
    expect(host.place?.ordinal).toBe(1);
  });

  it('a VRU that starts anew under its old name has no calls of before', async () => {
    const world = await FakeWorld.start({ vrus: 1 });
    await world.account({ waitingMode: 'start' });
    await world.run(world.vru().enter(PARTICIPANT));
    const old = world.vrus[0];
    old?.process.kill();
    await world.run(world.addVru(old?.id));
    await world.clock.advance(10_000);
    expect(await world.keys('conference/')).toEqual([]);
    expect(world.onMixers().size).toBe(0);
  });

  it('a VRU that stalls longer than its lease keeps its calls', async () => {
    const world = await FakeWorld.start({ vrus: 1 });
    await world.account({ waitingMode: 'start' });
    const [call] = await world.run(world.vru().enter(PARTICIPANT));
    await world.run(world.store.delete(`vru/${world.vrus[0]?.id}`));
    await world.clock.advance(10_000);
    expect(call.place?.ordinal).toBe(1);
    expect((await world.keys('conference/')).length).toBe(1);
  });

  it('the whole system killed and started again on the same store: nothing of before is left', async () => {
    const world = await FakeWorld.start({ vrus: 1, mixers: 1, interfaces: 1 });
    await world.account({ waitingMode: 'hold' });
    await enterAll(world, [HOST, PARTICIPANT]);
    for (const part of [...world.vrus, ...world.mixers, ...world.interfaces]) part.process.kill();
    for (const prefix of ['vru/', 'mixer/', 'interface/']) {
      for (const key of await world.keys(prefix)) await world.run(world.store.delete(key));
    }
    await world.run(world.addInterface());
    await world.run(world.addMixer());
    await world.run(world.addVru());
    await world.clock.advance(1_000);
    expect(await world.keys('active/')).toEqual([]);
    const [, reply] = await world.run(world.vru(1).enter(PARTICIPANT));
    expect(reply.kind).toBe('wait');
  });

  it('drops the log of an ended conference after an hour', async () => {
    const world = await FakeWorld.start();
    await world.account({ waitingMode: 'start' });
    const [call] = await world.run(world.vru().enter(PARTICIPANT));
    await world.run(world.vru().hangUp(call));
    const listed = await world.store.list('ended/');
    expect(listed.ok && listed.value.map(({ value }) => endedRecord.parse(value)).length).toBe(1);
    await world.clock.advance(1_000);
    expect((await world.keys('event/')).length).toBeGreaterThan(0);
    await world.clock.advance(3_620_000);
    expect(await world.keys('event/')).toEqual([]);
    expect(await world.keys('ended/')).toEqual([]);
  });
});
