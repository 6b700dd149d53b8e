/** R22, R24: mute bits, modes, hands and hosts, as the log says, as the mixer was told, as conferees hear. */
import { describe, expect, it } from 'vitest';
import { type Random, seededRandom } from '../../common/ids.ts';
import type { ControlAction } from './client.ts';
import type { FakeCall, FakeVru } from './fake-vru.ts';
import { FakeWorld, HOST, PARTICIPANT } from './fake-world.ts';
import { isMuted, type Roster } from './roster.ts';

async function startWith(participants: number, seed = 1) {
  const world = await FakeWorld.start({ seed, mixers: 1, vrus: 2, interfaces: 2 });
  await world.account({ waitingMode: 'start' });
  const calls: FakeCall[] = [];
  const enter = async (code: string): Promise<FakeCall> => {
    const [call] = await world.run(world.vru(calls.length % 2).enter(code));
    calls.push(call);
    return call;
  };
  await enter(HOST);
  for (let index = 0; index < participants; index++) await enter(PARTICIPANT);
  const control = (by: FakeCall | undefined, action: ControlAction) => begin(by, action);
  const begin = async (by: FakeCall | undefined, action: ControlAction): Promise<string> => {
    const { client } = vruOf(world, by ?? calls[0]);
    const id = calls[0]?.place?.conferenceId;
    if (id === undefined) throw new Error('no conference');
    const reply = await client.control(id, by?.place?.confereeId, action);
    return reply.ok ? 'done' : reply.error.code;
  };
  const roster = async (): Promise<Roster> => {
    const id = calls[0]?.place?.conferenceId;
    if (id === undefined) throw new Error('no conference');
    const read = await world.run(world.vru().client.roster(id));
    if (!read.ok) throw read.error;
    return read.value;
  };
  const run = (by: FakeCall | undefined, action: ControlAction) => world.run(control(by, action));
  return { world, calls, enter, control, run, roster };
}

function vruOf(world: FakeWorld, call: FakeCall | undefined): FakeVru {
  const part = world.vrus.find(({ it }) => call !== undefined && it.calls.has(call.callId));
  if (part === undefined) throw new Error('the call is at no VRU');
  return part.it;
}

const mutedInLog = (roster: Roster) =>
  Object.fromEntries([...roster.conferees.values()].map((one) => [one.ordinal, isMuted(one)]));

function mutedInMixer(world: FakeWorld): Record<number, boolean> {
  const seats = [...world.mixer().conferences.values()].flatMap((all) => [...all.values()]);
  return Object.fromEntries(
    seats.toSorted((a, b) => a.ordinal - b.ordinal).map(({ ordinal, muted }) => [ordinal, muted]),
  );
}

const heardBy = (world: FakeWorld, call: FakeCall | undefined) =>
  vruOf(world, call).commands.flatMap((command) =>
    command.kind === 'announce' && command.callId === call?.callId ? [command.prompt] : [],
  );

describe('R22: modes', () => {
  it('lecture mutes all but hosts and who comes later; open frees all but their own bits', async () => {
    const { world, calls, enter, run, roster } = await startWith(2);
    const [host, first] = calls;
    expect(await run(first, { kind: 'mode', mode: 'lecture' })).toBe('not-allowed');
    expect(await run(first, { kind: 'mute-self', muted: true })).toBe('done');
    expect(await run(host, { kind: 'mode', mode: 'lecture' })).toBe('done');
    const late = await enter(PARTICIPANT);
    expect(mutedInLog(await roster())).toEqual({ 1: false, 2: true, 3: true, 4: true });
    expect(mutedInMixer(world)).toEqual({ 1: false, 2: true, 3: true, 4: true });
    expect(heardBy(world, first)).toEqual(['lecture-mode']);
    expect(heardBy(world, host)).toEqual([]);
    expect(await run(late, { kind: 'hand', raised: true })).toBe('not-allowed');
    expect(await run(host, { kind: 'mode', mode: 'open' })).toBe('done');
    expect(mutedInLog(await roster())).toEqual({ 1: false, 2: true, 3: false, 4: false });
    expect(mutedInMixer(world)).toEqual({ 1: false, 2: true, 3: false, 4: false });
  });

  it('a raised hand is told to hosts, and the word given lowers it', async () => {
    const { world, calls, run, roster } = await startWith(2);
    const [host, first] = calls;
    await run(host, { kind: 'mode', mode: 'questions' });
    expect(await run(first, { kind: 'hand', raised: true })).toBe('done');
    await world.settle();
    expect((await roster()).conferees.get(2)?.handRaisedAtMs).not.toBeNull();
    expect(heardBy(world, host)).toEqual(['a-hand-was-raised']);
    await run(host, { kind: 'mute', ordinal: 2, muted: false });
    await world.settle();
    expect(heardBy(world, first)).toEqual(['question-mode', 'you-may-talk']);
    expect(mutedInMixer(world)).toEqual({ 1: false, 2: false, 3: true });
    expect((await roster()).conferees.get(2)?.handRaisedAtMs).toBeNull();
  });

  it('a conferee made host is muted by no mode, and may do what hosts do', async () => {
    const { world, calls, run, roster } = await startWith(1);
    const [host, guest] = calls;
    await run(host, { kind: 'mode', mode: 'lecture' });
    expect(await run(guest, { kind: 'make-host', ordinal: 2 })).toBe('not-allowed');
    expect(await run(host, { kind: 'make-host', ordinal: 2 })).toBe('done');
    await world.settle();
    expect((await roster()).hosts).toBe(2);
    expect(mutedInMixer(world)).toEqual({ 1: false, 2: false });
    const command = vruOf(world, guest).commands.at(-1);
    expect(command).toMatchObject({ prompt: 'you-are-now-host', role: 'host' });
    expect(await run(guest, { kind: 'lock', locked: true })).toBe('done');
    expect(world.mixer().history.some(({ kind }) => kind === ('lock' as string))).toBe(false);
  });

  it('a mixer that did not acknowledge is told again', async () => {
    const { world, calls, run } = await startWith(1);
    world.mixer().refusing = 'overloaded';
    expect(await run(calls[0], { kind: 'mode', mode: 'lecture' })).toBe('done');
    expect(mutedInMixer(world)).toEqual({ 1: false, 2: false });
    world.mixer().refusing = undefined;
    await world.clock.advance(15_000);
    expect(mutedInMixer(world)).toEqual({ 1: false, 2: true });
  });
});

function randomAction(random: Random, ordinals: number): ControlAction {
  const muted = random.below(2) === 0;
  const ordinal = 1 + random.below(ordinals);
  const actions: readonly ControlAction[] = [
    { kind: 'mute', ordinal, muted },
    { kind: 'mute', ordinal, muted },
    { kind: 'mute-self', muted },
    { kind: 'mute-self', muted },
    { kind: 'mute-all', muted },
    { kind: 'mode', mode: (['open', 'questions', 'lecture'] as const)[random.below(3)] ?? 'open' },
    { kind: 'hand', raised: muted },
    { kind: 'lower-hand', ordinal },
    { kind: 'lock', locked: muted },
  ];
  const rare: readonly ControlAction[] = [
    { kind: 'make-host', ordinal },
    { kind: 'delete', ordinal: 2 + random.below(Math.max(1, ordinals - 1)) },
  ];
  const from = random.below(10) === 0 ? rare : actions;
  return from[random.below(from.length)] ?? { kind: 'lock', locked: false };
}

describe('R22: property', () => {
  const seeds = Array.from({ length: Number(process.env['SEEDS'] ?? 12) }, (_, seed) => seed + 1);
  it.each(seeds)(
    'seed %i: at rest the fold of the log, the record and the mixer agree',
    async (seed) => {
      const random = seededRandom(seed);
      const { world, calls, enter, control, roster } = await startWith(4, seed);
      for (let step = 0; step < 60; step++) {
        if (random.below(12) === 0) await enter(PARTICIPANT);
        const living = calls.filter((call) => call.place !== undefined);
        // Of the operator, or of anybody; several at once, through different servers.
        const by = random.below(4) === 0 ? undefined : living[random.below(living.length)];
        void control(by, randomAction(random, calls.length));
        await world.clock.advance(random.below(30));
      }
      await world.clock.advance(20_000);
      const now = await roster();
      expect(mutedInMixer(world)).toEqual(mutedInLog(now));
      const entry = await world.run(world.store.get(`conference/${now.conferenceId}`));
      expect(entry.ok ? entry.value?.value : undefined).toEqual(now.record());
    },
  );
});
