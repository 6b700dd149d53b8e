/** Greatest length, countdown, succession, hold and sub-conferences, announcements to all, recordings. */
import { describe, expect, it } from 'vitest';
import { removeAccount } from './accounts.ts';
import type { ControlAction } from './client.ts';
import type { FakeCall } from './fake-vru.ts';
import { FakeWorld, HOST, PARTICIPANT } from './fake-world.ts';
import type { AccountRecord, MixerRequest } from './messages.ts';
import { saveName } from './recorded-names.ts';

async function start(account: Partial<AccountRecord> = {}, participants = 2) {
  const world = await FakeWorld.start({ mixers: 1, vrus: 2, interfaces: 2 });
  await world.account({ waitingMode: 'start', ...account } as Parameters<FakeWorld['account']>[0]);
  const calls: FakeCall[] = [];
  const enter = async (code: string): Promise<FakeCall> => {
    const [call] = await world.run(world.vru(calls.length % 2).enter(code));
    calls.push(call);
    await world.settle();
    return call;
  };
  await enter(HOST);
  for (let index = 0; index < participants; index++) await enter(PARTICIPANT);
  const id = calls[0]?.place?.conferenceId;
  if (id === undefined) throw new Error('no conference');
  const control = async (by: FakeCall | undefined, action: ControlAction): Promise<string> => {
    const { client } = world.vru();
    const reply = await world.run(client.control(id, by?.place?.confereeId, action));
    await world.settle();
    return reply.ok ? 'done' : reply.error.code;
  };
  const roster = async () => {
    const read = await world.run(world.vru().client.roster(id));
    if (!read.ok) throw read.error;
    return read.value;
  };
  const heard = (call: FakeCall | undefined) =>
    world.vrus.flatMap(({ it }) =>
      it.commands.flatMap((command) =>
        command.kind === 'announce' && command.callId === call?.callId
          ? [[command.prompt, ...(command.numbers ?? [])].join(' ')]
          : [],
      ),
    );
  const said = () =>
    world
      .mixer()
      .history.filter(
        (one): one is Extract<MixerRequest, { kind: 'announce' }> => one.kind === 'announce',
      )
      .map(({ words }) => words);
  const hangUp = async (index: number) => {
    const call = calls[index];
    if (call === undefined) throw new Error('no such call');
    await world.run(world.vru(index % 2).hangUp(call));
    await world.settle();
  };
  return { world, calls, enter, control, roster, heard, said, hangUp };
}

describe('the greatest length of a conference', () => {
  it('is said five minutes, one minute and ten seconds before, once, and then it ends', async () => {
    const { world, calls, heard } = await start({ maxDurationMs: 600_000 });
    await world.clock.advance(290_000);
    expect(heard(calls[1])).toEqual([]);
    await world.clock.advance(20_000);
    expect(heard(calls[1])).toEqual(['conference-will-end-in 300']);
    await world.clock.advance(240_000);
    expect(heard(calls[1])).toEqual(['conference-will-end-in 300', 'conference-will-end-in 60']);
    await world.clock.advance(46_000);
    expect(heard(calls[2]).at(-1)).toBe('conference-will-end-in 10');
    expect(calls.map(({ released }) => released)).toEqual([undefined, undefined, undefined]);
    await world.clock.advance(6_000);
    expect(calls.map(({ released }) => released)).toEqual(Array(3).fill('time-limit'));
    expect(world.onMixers().size).toBe(0);
  });

  it('counts for a server that came later', async () => {
    const { world, calls } = await start({ maxDurationMs: 120_000 });
    for (const { process } of world.interfaces) process.kill();
    await world.addInterface();
    await world.clock.advance(119_000);
    expect(calls[0]?.released).toBeUndefined();
    await world.clock.advance(3_000);
    expect(calls[0]?.released).toBe('time-limit');
  });
});

describe('R28: the last host leaves', () => {
  it('end: the grace is said and counted down', async () => {
    const { world, calls, heard, hangUp } = await start({ hostLeaves: 'end', graceMs: 90_000 });
    await hangUp(0);
    expect(heard(calls[1])).toEqual(['host-has-left', 'conference-will-end-in 90']);
    await world.clock.advance(85_000);
    expect(heard(calls[1]).slice(2)).toEqual([
      'conference-will-end-in 60',
      'conference-will-end-in 10',
    ]);
    await world.clock.advance(6_000);
    expect(calls[1]?.released).toBe('host-left');
  });

  it('succeed: the participant who came first is host, also while the mode mutes all', async () => {
    const { calls, control, roster, heard, hangUp, world } = await start({ hostLeaves: 'succeed' });
    expect(await control(calls[0], { kind: 'mute-all', muted: true })).toBe('done');
    await hangUp(0);
    const after = await roster();
    expect([...after.conferees.values()].map(({ role }) => role)).toEqual(['host', 'participant']);
    expect(heard(calls[1]).at(-1)).toBe('you-are-now-host');
    const seats = [...world.mixer().conferences.values()].flatMap((all) => [...all.values()]);
    expect(seats.map(({ muted }) => muted)).toEqual([false, true]);
    expect(await control(calls[1], { kind: 'lock', locked: true })).toBe('done');
  });
});

describe('R28: who succeeds', () => {
  it('is not somebody on hold or away while others are there', async () => {
    const { calls, control, roster, hangUp } = await start({ hostLeaves: 'succeed' }, 3);
    await control(calls[0], { kind: 'hold', ordinal: 2, held: true });
    await control(calls[2], { kind: 'sub-conference', sub: 1 });
    await hangUp(0);
    const roles = [...(await roster()).conferees.values()].map(({ role }) => role);
    expect(roles).toEqual(['participant', 'participant', 'host']);
  });

  it('is off hold, and may talk, as nobody else could set that right', async () => {
    const { calls, control, roster, hangUp, world } = await start({ hostLeaves: 'succeed' });
    for (const ordinal of [2, 3]) {
      await control(calls[0], { kind: 'hold', ordinal, held: true });
      await control(calls[0], { kind: 'mute', ordinal, muted: true });
    }
    await hangUp(0);
    expect((await roster()).conferees.get(2)).toMatchObject({ role: 'host', held: false });
    const seats = [...world.mixer().conferences.values()].flatMap((all) => [...all.values()]);
    expect(seats).toMatchObject([
      { ordinal: 2, held: false, muted: false },
      { ordinal: 3, held: true, muted: true },
    ]);
    const told = world.vrus.flatMap(({ it }) => it.commands).at(-1);
    expect(told).toMatchObject({ prompt: 'you-are-now-host', role: 'host', held: false });
  });
});

describe('hold and sub-conferences', () => {
  it('R22: the mixer, the log and the conferee agree', async () => {
    const { calls, control, roster, heard, world } = await start();
    expect(await control(calls[1], { kind: 'hold', ordinal: 3, held: true })).toBe('not-allowed');
    expect(await control(calls[0], { kind: 'hold', ordinal: 3, held: true })).toBe('done');
    expect((await roster()).conferees.get(3)?.held).toBe(true);
    const seatOf = (ordinal: number) =>
      [...world.mixer().conferences.values()]
        .flatMap((all) => [...all.values()])
        .find((seat) => seat.ordinal === ordinal);
    expect(seatOf(3)?.held).toBe(true);
    expect(heard(calls[2])).toEqual(['you-are-on-hold']);
    expect(await control(calls[0], { kind: 'hold', ordinal: 3, held: false })).toBe('done');
    expect(seatOf(3)?.held).toBe(false);
    expect(heard(calls[2]).at(-1)).toBe('reconnected');
  });

  it('keep ordinals; anybody may go, hosts move others; a waiting room has none', async () => {
    const { calls, control, roster, heard } = await start();
    expect(await control(calls[1], { kind: 'sub-conference', sub: 2 })).toBe('done');
    expect(await control(calls[1], { kind: 'send', ordinal: 3, sub: 2 })).toBe('not-allowed');
    expect(await control(calls[0], { kind: 'send', ordinal: 3, sub: 2 })).toBe('done');
    expect(heard(calls[2])).toEqual(['entering-sub-conference 2']);
    expect(
      [...(await roster()).conferees.values()].map(({ ordinal, sub }) => [ordinal, sub]),
    ).toEqual([
      [1, 0],
      [2, 2],
      [3, 2],
    ]);
    expect(await control(calls[1], { kind: 'sub-conference', sub: 0 })).toBe('done');
    expect((await roster()).conferees.get(2)?.sub).toBe(0);
  });

  it('survive the loss of the mixer', async () => {
    const { calls, control, world } = await start();
    await control(calls[0], { kind: 'hold', ordinal: 2, held: true });
    await control(calls[2], { kind: 'sub-conference', sub: 4 });
    await world.addMixer();
    world.mixers[0]?.process.kill();
    await world.clock.advance(8_000);
    const seats = [...world.mixer(1).conferences.values()].flatMap((all) => [...all.values()]);
    expect(seats.map(({ ordinal, held, sub }) => [ordinal, held, sub])).toEqual([
      [1, false, 0],
      [2, true, 0],
      [3, false, 4],
    ]);
  });
});

describe('what the whole conference hears', () => {
  it('tones for callers who come and go, in a conference of up to so many', async () => {
    const { enter, said, hangUp } = await start({ announceEntry: 'tone', announceUpTo: 3 }, 1);
    expect(said()).toEqual([['entry-tone']]);
    await enter(PARTICIPANT);
    await enter(PARTICIPANT);
    // The fourth is too many, also when it leaves.
    expect(said()).toEqual([['entry-tone'], ['entry-tone']]);
    await hangUp(3);
    expect(said().at(-1)).toEqual(['exit-tone']);
  });

  it('names; nothing for those whom the host brings in from waiting, nor in a waiting room', async () => {
    const world = await FakeWorld.start({ mixers: 1 });
    await world.account({ waitingMode: 'mingle', announceEntry: 'name' });
    await world.run(world.vru().enter(PARTICIPANT));
    await world.run(world.vru().enter(PARTICIPANT));
    await world.run(world.vru().enter(HOST));
    await world.clock.advance(3_000);
    const said = () => world.mixer().history.filter(({ kind }) => kind === 'announce');
    expect(said()).toEqual([]);
    const [late] = await world.run(world.vru().enter(PARTICIPANT));
    await world.settle();
    expect(said()).toMatchObject([
      { words: [{ nameOf: late.callId, followedBy: ['has-joined'], otherwise: ['entry-tone'] }] },
    ]);
  });

  it('a roll call for all, by a host', async () => {
    const { calls, control, said } = await start();
    expect(await control(calls[1], { kind: 'roll-call' })).toBe('not-allowed');
    expect(await control(calls[0], { kind: 'roll-call' })).toBe('done');
    expect(said()[0]?.slice(0, 5)).toEqual([
      'in-the-conference-there-are',
      { participants: 3 },
      'silence',
      'conferee-number',
      { number: 1 },
    ]);
  });
});

describe('recordings of a conference', () => {
  it('begin and end once, are announced, and go on at another mixer', async () => {
    const { calls, control, roster, said, world, enter } = await start();
    expect(await control(calls[1], { kind: 'record', on: true })).toBe('not-allowed');
    expect(await control(calls[0], { kind: 'record', on: true })).toBe('done');
    expect(await control(calls[0], { kind: 'record', on: true })).toBe('done');
    expect(world.mixer().recording.size).toBe(1);
    expect(said()).toEqual([['recording-started']]);
    expect((await enter(PARTICIPANT)).place?.recorded).toBe(true);
    await world.addMixer();
    world.mixers[0]?.process.kill();
    await world.clock.advance(8_000);
    expect((await roster()).recording?.mixerId).toBe(world.mixer(1).id);
    expect(world.mixer(1).recording.size).toBe(1);
    expect(await control(calls[0], { kind: 'record', on: false })).toBe('done');
    expect(world.mixer(1).recording.size).toBe(0);
  });

  it('are refused where the account does not allow them, and once it is gone', async () => {
    const { calls, control, world } = await start({ recording: 'never' });
    expect(await control(calls[0], { kind: 'record', on: true })).toBe('not-allowed');
    expect(world.mixer().recording.size).toBe(0);
    const other = await start();
    const { accountId } = other.calls[0]?.place ?? {};
    if (accountId === undefined) throw new Error('no account');
    await other.world.run(removeAccount(other.world.store, accountId));
    expect(await other.control(other.calls[0], { kind: 'record', on: true })).toBe('not-allowed');
    expect(other.world.mixer().recording.size).toBe(0);
  });

  it('are told to whoever comes back from a sub-conference or from hold', async () => {
    const { calls, control, heard } = await start();
    await control(calls[1], { kind: 'sub-conference', sub: 2 });
    await control(calls[0], { kind: 'hold', ordinal: 3, held: true });
    expect(await control(calls[0], { kind: 'record', on: true })).toBe('done');
    expect(heard(calls[1])).toEqual([]);
    await control(calls[1], { kind: 'sub-conference', sub: 0 });
    expect(heard(calls[1])).toEqual(['recording-started']);
    await control(calls[0], { kind: 'send', ordinal: 3, sub: 0 });
    expect(heard(calls[2])).not.toContain('recording-started');
    await control(calls[0], { kind: 'hold', ordinal: 3, held: false });
    expect(heard(calls[2]).slice(-2)).toEqual(['reconnected', 'recording-started']);
  });

  it('end also when the log knows of none', async () => {
    const { calls, control, world } = await start();
    const id = calls[0]?.place?.conferenceId;
    if (id === undefined) throw new Error('no conference');
    // The server that began it died before it could write so.
    world.mixer().recording.add(id);
    expect(await control(calls[0], { kind: 'record', on: false })).toBe('done');
    expect(world.mixer().recording.size).toBe(0);
  });
});

describe('recorded names in the store', () => {
  it('go with the VRU that died', async () => {
    const { world } = await start();
    const vru = world.vrus[1];
    if (vru === undefined) throw new Error('no VRU');
    const name = { rateHz: 8000, samples: Int16Array.of(1, 2, 3) } as const;
    for (const { id } of world.vrus) {
      const caller = { callId: `call of ${id}` as FakeCall['callId'], vruId: id };
      expect((await saveName(world.store, caller, name)).ok).toBe(true);
    }
    expect(await world.keys('name/')).toHaveLength(2);
    vru.process.kill();
    await world.clock.advance(10_000);
    expect(await world.keys('name/')).toEqual([`name/call_20of_20${world.vrus[0]?.id ?? ''}`]);
  });
});
