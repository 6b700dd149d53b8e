import { describe, expect, it } from 'vitest';
import type { ConferenceId } from '../../common/ids.ts';
import { type NumberedEvent, readEvents } from './events.ts';
import type { FakeCall } from './fake-vru.ts';
import { FakeWorld, HOST, PARTICIPANT } from './fake-world.ts';
import { SUBJECTS } from './messages.ts';
import { conferenceRecord, KEYS } from './records.ts';

async function eventsOf(world: FakeWorld, id: string): Promise<readonly NumberedEvent[]> {
  const read = await world.run(readEvents(world.store, id as ConferenceId));
  if (!read.ok) throw read.error;
  return read.value;
}

async function kindsOf(world: FakeWorld, id: string): Promise<string[]> {
  return (await eventsOf(world, id)).map(({ event }) => event.kind);
}

const idOf = (call: FakeCall): ConferenceId => {
  if (call.place === undefined) throw new Error('not in a conference');
  return call.place.conferenceId;
};

/** Nothing of any conference is left but the kept log. */
async function expectNothingLeft(world: FakeWorld): Promise<void> {
  await world.settle();
  for (const prefix of ['active/', 'mingle/', 'conference/', 'waiting/']) {
    expect(await world.keys(prefix)).toEqual([]);
  }
  expect([...world.onMixers()]).toEqual([]);
}

describe('entry', () => {
  it('R4, R20: a host creates; code, id and mixer are in the store before the answer; leaving frees all', async () => {
    const world = await FakeWorld.start();
    await world.account();
    const order: string[] = [];
    const watch = await world.run(
      world.store.watch('', ({ key, kind }) => order.push(`${kind} ${key.split('/')[0]}`)),
    );
    order.length = 0;
    const [host, reply] = await world.run(world.vru().enter(HOST));
    order.push('answered');
    await watch.close();
    expect(reply.kind).toBe('enter');
    const place = host.place;
    if (place === undefined) throw new Error('no place');
    const writes = order.filter((line) => /active|event|conference|answered/.test(line));
    expect(writes).toEqual(['put active', 'put event', 'put active', 'put conference', 'answered']);
    const mixer = world.mixers.find(({ id }) => id === place.mixerId)?.it;
    expect(mixer?.history.map(({ kind }) => kind)).toEqual(['create', 'admit']);
    expect(mixer?.history[0]?.conferenceId).toBe(place.conferenceId);
    expect(place).toMatchObject({
      mixerAddress: mixer?.address,
      ordinal: 1,
      role: 'host',
      temporary: false,
      size: 1,
    });
    const entry = await world.run(world.store.get(KEYS.conference(place.conferenceId)));
    const record = conferenceRecord.parse(entry.ok ? entry.value?.value : undefined);
    expect(record).toMatchObject({ code: HOST, mixerId: place.mixerId, size: 1, hosts: 1 });

    await world.run(world.vru().hangUp(host));
    expect(mixer?.history.map(({ kind }) => kind)).toEqual(['create', 'admit', 'remove', 'end']);
    expect(mixer?.history[2]).toMatchObject({ confereeId: place.confereeId });
    await expectNothingLeft(world);
    expect(await kindsOf(world, place.conferenceId)).toEqual([
      'created',
      'joined',
      'left',
      'ended',
    ]);
  });

  it('R6: later hosts and participants join what exists, over several VRUs (R11)', async () => {
    const world = await FakeWorld.start({ vrus: 3 });
    await world.account();
    const [first] = await world.run(world.vru(0).enter(HOST));
    const [second] = await world.run(world.vru(1).enter(HOST));
    const [third] = await world.run(world.vru(2).enter(PARTICIPANT));
    expect([first, second, third].map(({ place }) => place?.ordinal)).toEqual([1, 2, 3]);
    expect(new Set([first, second, third].map(idOf)).size).toBe(1);
    expect(third.place).toMatchObject({ role: 'participant', size: 3 });
    expect([...world.onMixers().values()]).toEqual([3]);
  });

  it('R7: a host finds the stale record of a conference whose VRUs are gone, and creates a new one', async () => {
    const world = await FakeWorld.start({ vrus: 2 });
    await world.account();
    const [old] = await world.run(world.vru(0).enter(HOST));
    const before = idOf(old);
    // As after a kill -9 of everything: leases are gone, records are not.
    world.vrus[0]?.process.kill();
    await world.run(world.store.delete(`vru/${world.vrus[0]?.id}`));
    const [fresh] = await world.run(world.vru(1).enter(HOST));
    expect(idOf(fresh)).not.toBe(before);
    expect(fresh.place?.ordinal).toBe(1);
    await world.settle();
    expect([...world.onMixers().keys()]).toEqual([idOf(fresh)]);
  });

  it('R8: mode start, a participant creates and the host joins', async () => {
    const world = await FakeWorld.start();
    await world.account({ waitingMode: 'start' });
    const [participant] = await world.run(world.vru().enter(PARTICIPANT));
    const [host] = await world.run(world.vru().enter(HOST));
    expect(participant.place).toMatchObject({ ordinal: 1, temporary: false });
    expect(host.place).toMatchObject({ ordinal: 2, conferenceId: idOf(participant) });
  });

  it('R5, R9: mode hold, participants wait and are moved in order of arrival when the host comes', async () => {
    const world = await FakeWorld.start();
    await world.account({ waitingMode: 'hold' });
    const waiting: FakeCall[] = [];
    for (let index = 0; index < 5; index++) {
      const [call, reply] = await world.run(world.vru(index % 2).enter(PARTICIPANT));
      expect(reply.kind).toBe('wait');
      waiting.push(call);
    }
    expect(await world.keys('active/')).toEqual([]);
    expect(world.onMixers().size).toBe(0);
    const [host] = await world.run(world.vru().enter(HOST));
    await world.settle();
    expect(host.place?.ordinal).toBe(1);
    expect(waiting.map(({ place }) => place?.ordinal)).toEqual([2, 3, 4, 5, 6]);
    expect(waiting.every((call) => idOf(call) === idOf(host))).toBe(true);
    expect(await world.keys('waiting/')).toEqual([]);
    expect(world.onMixers().get(idOf(host))).toBe(6);
  });

  it('R10: mode mingle, a room with its own id; the host gets another, all are moved, the room ends', async () => {
    const world = await FakeWorld.start();
    await world.account({ waitingMode: 'mingle' });
    const talking: FakeCall[] = [];
    for (let index = 0; index < 3; index++) {
      const [call, reply] = await world.run(world.vru(index % 2).enter(PARTICIPANT));
      expect(reply).toMatchObject({ kind: 'enter', place: { temporary: true } });
      talking.push(call);
    }
    const room = idOf(talking[0] ?? world.vru().newCall());
    expect(talking.map(idOf)).toEqual([room, room, room]);
    const [host] = await world.run(world.vru().enter(HOST));
    expect(host.place).toMatchObject({ ordinal: 1, temporary: false });
    expect(idOf(host)).not.toBe(room);
    await world.settle();
    expect(talking.map(({ place }) => place?.ordinal)).toEqual([2, 3, 4]);
    expect(talking.map(({ been }) => been)).toEqual(talking.map(() => [room, idOf(host)]));
    expect([...world.onMixers()]).toEqual([[idOf(host), 4]]);
    expect(await world.keys('mingle/')).toEqual([]);
    expect(await kindsOf(world, room)).toEqual([
      'created',
      'joined',
      'joined',
      'joined',
      'superseded',
      'moved',
      'moved',
      'moved',
      'ended',
    ]);
    // Make before break: a seat in the room goes only after its VRU has switched.
    const order = world.mixers.flatMap(({ it }) => it.history);
    expect(order.some(({ kind }) => kind === 'remove')).toBe(true);
  });

  it('refuses an unknown code, and says no to everybody when nobody mixes (R12)', async () => {
    const world = await FakeWorld.start({ mixers: 0 });
    await world.account({ mixerClass: 'hd' });
    await world.addMixer({ mixerClass: 'standard' });
    expect((await world.run(world.vru().enter('999')))[1]).toEqual({
      kind: 'refused',
      reason: 'invalid-code',
    });
    expect((await world.run(world.vru().enter(HOST)))[1]).toEqual({
      kind: 'refused',
      reason: 'no-mixer-of-class',
    });
    const hd = await world.addMixer({ mixerClass: 'hd', headroom: 0 });
    expect((await world.run(world.vru().enter(HOST)))[1]).toEqual({
      kind: 'refused',
      reason: 'mixers-busy',
    });
    hd.it.headroom = 10;
    await world.run(hd.it.refresh());
    const [host] = await world.run(world.vru().enter(HOST));
    expect(host.place?.mixerId).toBe(hd.id);
  });

  it('keeps to the limit of the account, with a place for the host', async () => {
    const world = await FakeWorld.start();
    await world.account({ waitingMode: 'hold', maxConferees: 3 });
    const replies: string[] = [];
    for (const code of [PARTICIPANT, PARTICIPANT, PARTICIPANT, HOST]) {
      const [, reply] = await world.run(world.vru().enter(code));
      replies.push(reply.kind === 'refused' ? reply.reason : reply.kind);
    }
    expect(replies).toEqual(['wait', 'wait', 'conference-full', 'enter']);
    await world.settle();
    const [, late] = await world.run(world.vru().enter(PARTICIPANT));
    expect(late).toEqual({ kind: 'refused', reason: 'conference-full' });
  });
});

describe('in the conference', () => {
  const talk = async (more: Parameters<FakeWorld['account']>[0] = {}) => {
    const world = await FakeWorld.start();
    await world.account({ waitingMode: 'start', ...more });
    const [host] = await world.run(world.vru(0).enter(HOST));
    const [a] = await world.run(world.vru(0).enter(PARTICIPANT));
    const [b] = await world.run(world.vru(1).enter(PARTICIPANT));
    const id = idOf(host);
    const control = async (
      by: FakeCall | undefined,
      action: Parameters<FakeWorld['vrus'][0]['it']['client']['control']>[2],
    ): Promise<string> => {
      const done = await world.run(world.vru().client.control(id, by?.place?.confereeId, action));
      return done.ok ? 'done' : done.error.code;
    };
    const mixer = world.mixers.find((part) => part.id === host.place?.mixerId)?.it;
    if (mixer === undefined) throw new Error('no mixer');
    const muted = (): boolean[] =>
      [...(mixer.conferences.get(id)?.values() ?? [])].map((seat) => seat.muted);
    return { world, host, a, b, id, control, mixer, muted };
  };

  it('R22: mute and unmute by ordinal, all but hosts, and oneself; as separate bits', async () => {
    const { host, a, control, muted, world } = await talk();
    expect(await control(host, { kind: 'mute', ordinal: 2, muted: true })).toBe('done');
    expect(muted()).toEqual([false, true, false]);
    expect(await control(a, { kind: 'mute-self', muted: true })).toBe('done');
    expect(await control(host, { kind: 'mute', ordinal: 2, muted: false })).toBe('done');
    // Still muted by itself.
    expect(muted()).toEqual([false, true, false]);
    expect(await control(a, { kind: 'mute-self', muted: false })).toBe('done');
    expect(muted()).toEqual([false, false, false]);
    expect(await control(undefined, { kind: 'mute-all', muted: true })).toBe('done');
    expect(muted()).toEqual([false, true, true]);
    const [late] = await world.run(world.vru().enter(PARTICIPANT));
    expect(late.place?.ordinal).toBe(4);
    expect(muted()).toEqual([false, true, true, true]);
    expect(await control(host, { kind: 'mute', ordinal: 4, muted: false })).toBe('done');
    expect(muted()).toEqual([false, true, true, false]);
    expect(await control(host, { kind: 'mute-all', muted: false })).toBe('done');
    expect(muted()).toEqual([false, false, false, false]);
  });

  it('lets only hosts and operators do it, and only to who is there', async () => {
    const { a, host, control } = await talk();
    expect(await control(a, { kind: 'mute', ordinal: 3, muted: true })).toBe('not-allowed');
    expect(await control(a, { kind: 'lock', locked: true })).toBe('not-allowed');
    expect(await control(a, { kind: 'end' })).toBe('not-allowed');
    expect(await control(undefined, { kind: 'mute-self', muted: true })).toBe('not-allowed');
    expect(await control(host, { kind: 'delete', ordinal: 9 })).toBe('conference-unknown');
  });

  it('R23: delete by ordinal; the one deleted hears why, ordinals stay', async () => {
    const { world, host, a, b, id, control, mixer } = await talk();
    expect(await control(host, { kind: 'delete', ordinal: 2 })).toBe('done');
    expect(a.released).toBe('deleted');
    expect([...(mixer.conferences.get(id)?.values() ?? [])].map(({ ordinal }) => ordinal)).toEqual([
      1, 3,
    ]);
    const [late] = await world.run(world.vru().enter(PARTICIPANT));
    expect(late.place?.ordinal).toBe(4);
    expect(b.place?.ordinal).toBe(3);
    const deleted = (await eventsOf(world, id)).find(({ event }) => event.kind === 'deleted');
    expect(deleted).toMatchObject({ by: 1, event: { ordinal: 2 } });
  });

  it('R24, R25: lock only in the store, seen by VRUs there and enforced by interface servers', async () => {
    const { world, host, control, mixer } = await talk();
    const told = mixer.history.length;
    const accountId = host.place?.accountId;
    if (accountId === undefined) throw new Error('no account');
    const isLocked = () => world.run(world.vru(1).client.isLocked(accountId, 'participant'));
    expect(await isLocked()).toBe(false);
    expect(await control(host, { kind: 'lock', locked: true })).toBe('done');
    expect(mixer.history.length).toBe(told);
    expect(await isLocked()).toBe(true);
    const refused = { kind: 'refused', reason: 'locked' };
    expect((await world.run(world.vru(1).enter(PARTICIPANT)))[1]).toEqual(refused);
    expect((await world.run(world.vru(1).enter(HOST)))[1]).toEqual(refused);
    expect(await control(host, { kind: 'lock', locked: false })).toBe('done');
    expect(await isLocked()).toBe(false);
    expect((await world.run(world.vru(1).enter(PARTICIPANT)))[1].kind).toBe('enter');
  });

  it('ends for everybody on a host’s word', async () => {
    const { world, host, a, b, id, control } = await talk();
    expect(await control(host, { kind: 'end' })).toBe('done');
    expect([host, a, b].map(({ released }) => released)).toEqual(['ended', 'ended', 'ended']);
    await expectNothingLeft(world);
    expect(await control(undefined, { kind: 'lock', locked: true })).toBe('conference-unknown');
    expect((await kindsOf(world, id)).at(-1)).toBe('ended');
    const [again] = await world.run(world.vru().enter(HOST));
    expect(again.place?.ordinal).toBe(1);
  });

  it('publishes every event once, numbered without a gap', async () => {
    const world = await FakeWorld.start();
    await world.account();
    const seen: unknown[] = [];
    await world.bus.subscribe('conference.events.>', (body) => seen.push(body));
    const [host] = await world.run(world.vru().enter(HOST));
    const id = idOf(host);
    await world.run(world.vru().enter(PARTICIPANT));
    await world.run(world.vru().hangUp(host));
    await world.settle();
    expect(seen).toEqual(await eventsOf(world, id));
    expect(await eventsOf(world, id)).toMatchObject([1, 2, 3, 4].map((number) => ({ number })));
    expect(SUBJECTS.events(id)).toBe(`conference.events.${id}`);
    // No reader of events learns a code.
    expect(JSON.stringify(seen)).not.toContain(HOST);
  });
});

describe('the host leaves (R28)', () => {
  const leave = async (more: Parameters<FakeWorld['account']>[0]) => {
    const world = await FakeWorld.start();
    await world.account(more);
    const [host] = await world.run(world.vru(0).enter(HOST));
    const [a] = await world.run(world.vru(0).enter(PARTICIPANT));
    const [b] = await world.run(world.vru(1).enter(PARTICIPANT));
    const id = idOf(host);
    await world.run(world.vru(0).hangUp(host));
    await world.settle();
    return { world, a, b, id };
  };

  it('continue: it goes on until the last one leaves', async () => {
    const { world, a, b, id } = await leave({ hostLeaves: 'continue' });
    await world.clock.advance(600_000);
    expect([a, b].map(idOf)).toEqual([id, id]);
    await world.run(world.vru(0).hangUp(a));
    await world.run(world.vru(1).hangUp(b));
    await expectNothingLeft(world);
  });

  it('end: announced, and over after the grace time', async () => {
    const { world, a, b } = await leave({ hostLeaves: 'end', graceMs: 30_000 });
    const announced = world.vrus
      .flatMap(({ it }) => it.commands)
      .map((command) => (command.kind === 'announce' ? command.prompt : command.kind));
    expect(announced.toSorted()).toEqual([
      'conference-will-end-in',
      'conference-will-end-in',
      'host-has-left',
      'host-has-left',
    ]);
    await world.clock.advance(29_000);
    expect([a, b].map(({ released }) => released)).toEqual([undefined, undefined]);
    await world.clock.advance(2_000);
    expect([a, b].map(({ released }) => released)).toEqual(['host-left', 'host-left']);
    await expectNothingLeft(world);
  });

  it('end: a host who returns in time keeps it', async () => {
    const { world, a, id } = await leave({ hostLeaves: 'end', graceMs: 30_000 });
    await world.clock.advance(20_000);
    const [back] = await world.run(world.vru().enter(HOST));
    expect(back.place).toMatchObject({ conferenceId: id, ordinal: 4 });
    await world.clock.advance(60_000);
    expect(idOf(a)).toBe(id);
  });

  it('end: the grace time survives the server that began it', async () => {
    const world = await FakeWorld.start({ interfaces: 1 });
    await world.account({ hostLeaves: 'end', graceMs: 30_000, waitingMode: 'start' });
    const [host] = await world.run(world.vru().enter(HOST));
    const [a] = await world.run(world.vru().enter(PARTICIPANT));
    await world.run(world.vru().hangUp(host));
    world.interfaces[0]?.process.kill();
    await world.addInterface();
    await world.clock.advance(25_000);
    expect(a.released).toBeUndefined();
    await world.clock.advance(12_000);
    expect(a.released).toBe('host-left');
  });

  it('wait: participants hear music again and rejoin when the host returns', async () => {
    const { world, a, b, id } = await leave({ hostLeaves: 'wait', waitingMode: 'hold' });
    expect([a, b].map(({ place }) => place)).toEqual([undefined, undefined]);
    expect([a, b].every(({ waitingId }) => waitingId !== undefined)).toBe(true);
    expect((await world.keys('waiting/')).length).toBe(2);
    expect(world.onMixers().size).toBe(0);
    const [back] = await world.run(world.vru().enter(HOST));
    await world.settle();
    expect(idOf(back)).not.toBe(id);
    expect([back, a, b].map(({ place }) => place?.ordinal)).toEqual([1, 2, 3]);
    expect(await world.keys('waiting/')).toEqual([]);
    await world.run(world.vru(0).hangUp(back));
    await world.settle();
    // One of them hangs up while waiting.
    await world.run(world.vru(0).hangUp(a, 'acme' as never));
    expect((await world.keys('waiting/')).length).toBe(1);
  });

  it('wait, mode mingle: they talk on in a waiting room', async () => {
    const { world, a, b, id } = await leave({ hostLeaves: 'wait', waitingMode: 'mingle' });
    expect(idOf(a)).not.toBe(id);
    expect(idOf(b)).toBe(idOf(a));
    expect(a.place?.temporary).toBe(true);
    const [back] = await world.run(world.vru().enter(HOST));
    await world.settle();
    expect([a, b].map(idOf)).toEqual([idOf(back), idOf(back)]);
    expect([...world.onMixers()]).toEqual([[idOf(back), 3]]);
  });
});
