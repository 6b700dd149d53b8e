/**
 * A system in use while parts of it are killed, by seed: callers enter, leave and are sent away,
 * hosts lock and end, servers, mixers and VRUs die and are replaced, in any order and at any moment.
 * When it has come to rest, what VRUs believe, what the store says and what mixers hold is the same.
 * SEEDS=500 FIRST_SEED=1 npx vitest run signaling/conference/chaos tries more.
 */
import { describe, expect, it } from 'vitest';
import { type CallId, type ConferenceId, type Random, seededRandom } from '../../common/ids.ts';
import { ConferenceLog } from './conference-log.ts';
import type { FakeCall, FakeVru } from './fake-vru.ts';
import { FakeWorld, HOST, PARTICIPANT, type Part } from './fake-world.ts';
import { waitingRecord } from './records.ts';
import type { Roster } from './roster.ts';

const SEEDS = Number(process.env['SEEDS'] ?? 40);
const FIRST_SEED = Number(process.env['FIRST_SEED'] ?? 1);
const STEPS = 120;

const pick = <T>(random: Random, items: readonly T[]): T | undefined =>
  items[random.below(Math.max(1, items.length))];

class Chaos {
  readonly world: FakeWorld;
  readonly #random: Random;
  /** Everything that was begun and is not answered. */
  readonly #open = new Set<Promise<unknown>>();
  readonly unavailable: string[] = [];

  constructor(world: FakeWorld, random: Random) {
    this.world = world;
    this.#random = random;
  }

  #living(): Part<FakeVru>[] {
    return this.world.vrus.filter(({ process }) => !process.killed);
  }

  #begin(work: Promise<unknown>): void {
    const noted: Promise<unknown> = work.finally(() => this.#open.delete(noted));
    this.#open.add(noted);
  }

  async step(): Promise<void> {
    const random = this.#random;
    const choice = random.below(100);
    if (choice < 50) this.#enter();
    else if (choice < 75) this.#hangUp();
    else if (choice < 88) this.#control();
    else if (choice < 97) await this.#kill();
    // Seldom nothing at all, now and then long enough for leases to run out.
    await this.world.clock.advance(random.below(20) === 0 ? 5_000 : random.below(40));
  }

  #enter(): void {
    const vru = pick(this.#random, this.#living());
    if (vru === undefined) return;
    const code = this.#random.below(4) === 0 ? HOST : PARTICIPANT;
    this.#begin(
      vru.it.enter(code).then(([call, reply]) => {
        if (reply.kind !== 'refused') return;
        vru.it.calls.delete(call.callId);
        if (reply.reason !== 'locked' && reply.reason !== 'ended') {
          this.unavailable.push(reply.reason);
        }
      }),
    );
  }

  #anyCall(): { readonly vru: FakeVru; readonly call: FakeCall } | undefined {
    const vru = pick(this.#random, this.#living())?.it;
    const call = pick(this.#random, [...(vru?.calls.values() ?? [])]);
    const settled = call?.place !== undefined || call?.waitingId !== undefined;
    return vru === undefined || call === undefined || !settled ? undefined : { vru, call };
  }

  #hangUp(): void {
    const any = this.#anyCall();
    if (any !== undefined) this.#begin(any.vru.hangUp(any.call, 'acme' as never));
  }

  #control(): void {
    const any = this.#anyCall();
    if (any?.call.place === undefined) return;
    const { conferenceId, ordinal } = any.call.place;
    const action = pick(this.#random, [
      { kind: 'lock', locked: true },
      { kind: 'lock', locked: false },
      { kind: 'lock', locked: false },
      { kind: 'mute', ordinal, muted: true },
      { kind: 'mute', ordinal, muted: false },
      { kind: 'mute-all', muted: true },
      { kind: 'delete', ordinal },
      { kind: 'end' },
    ] as const);
    if (action === undefined) return;
    this.#begin(any.vru.client.control(conferenceId, undefined, action));
  }

  async #kill(): Promise<void> {
    const { world } = this;
    const kind = this.#random.below(4);
    // One lives on while the new one starts: a system of which all is dead answers nobody.
    if (kind === 0) {
      await world.run(world.addInterface());
      pick(this.#random, world.interfaces.slice(0, -1))?.process.kill();
    } else if (kind === 1) {
      await world.run(world.addMixer());
      pick(this.#random, world.mixers.slice(0, -1))?.process.kill();
    } else if (kind === 2) {
      await world.run(world.addProxy());
      pick(this.#random, world.proxies.slice(0, -1))?.process.kill();
    } else {
      await world.run(world.addVru());
      const vru = pick(this.#random, this.#living().slice(0, -1));
      vru?.process.kill();
      vru?.it.calls.clear();
    }
  }

  /** Every VRU hears that a leg to a dead mixer is lost, as it would from the silence. */
  async reEnterLost(): Promise<void> {
    const dead = new Set(this.world.mixers.filter((m) => m.process.killed).map(({ id }) => id));
    for (const { it: vru } of this.#living()) {
      for (const call of [...vru.calls.values()]) {
        if (call.place === undefined || !dead.has(call.place.mixerId)) continue;
        const reply = await this.world.run(vru.reEnter(call));
        if (reply.kind === 'refused') vru.calls.delete(call.callId);
      }
    }
  }

  async rest(): Promise<void> {
    await this.world.run(Promise.all([...this.#open].map((work) => raceDead(work, this.world))));
    await this.world.clock.advance(40_000);
    await this.reEnterLost();
    await this.world.clock.advance(40_000);
  }

  calls(): FakeCall[] {
    return this.#living().flatMap(({ it }) => [...it.calls.values()]);
  }
}

/** What a killed VRU had begun is never answered. */
function raceDead(work: Promise<unknown>, world: FakeWorld): Promise<unknown> {
  return Promise.race([work, world.clock.sleep(50_000)]);
}

async function rosters(world: FakeWorld): Promise<Map<ConferenceId, Roster>> {
  const all = new Map<ConferenceId, Roster>();
  for (const key of await world.keys('conference/')) {
    const id = key.slice('conference/'.length) as ConferenceId;
    const log = new ConferenceLog(id, {
      store: world.store,
      clock: world.clock,
      onAppended: () => {},
      onRaceLost: () => {},
    });
    await log.load();
    all.set(id, log.roster);
  }
  return all;
}

async function expectOneTruth(world: FakeWorld, chaos: Chaos): Promise<void> {
  const all = await rosters(world);
  const proper = [...all.values()].filter(({ created }) => created?.temporary === false);
  expect(proper.length).toBeLessThanOrEqual(1);
  const inStore = new Map<CallId, string>();
  const seats = new Set<string>();
  for (const roster of all.values()) {
    expect(roster.ended).toBeUndefined();
    for (const { caller, confereeId, ordinal } of roster.conferees.values()) {
      expect(inStore.has(caller.callId), `${caller.callId} is in two places`).toBe(false);
      inStore.set(caller.callId, `${roster.conferenceId} ${confereeId} ${ordinal}`);
      seats.add(`${roster.created?.mixerId} ${roster.conferenceId} ${confereeId}`);
    }
  }
  const waiting = await world.store.list('waiting/');
  if (!waiting.ok) throw waiting.error;
  for (const { value } of waiting.value) {
    const { caller, waitingId } = waitingRecord.parse(value);
    expect(inStore.has(caller.callId), `${caller.callId} is in two places`).toBe(false);
    inStore.set(caller.callId, `waits ${waitingId}`);
  }
  const believed = new Map<CallId, string>();
  for (const { callId, place, waitingId } of chaos.calls()) {
    const { conferenceId, confereeId, ordinal } = place ?? {};
    const where = place === undefined ? `waits ${waitingId}` : undefined;
    believed.set(callId, where ?? `${conferenceId} ${confereeId} ${ordinal}`);
  }
  expect(Object.fromEntries(inStore)).toEqual(Object.fromEntries(believed));
  const held = world.mixers
    .filter(({ process }) => !process.killed)
    .flatMap(({ id, it }) =>
      [...it.conferences].flatMap(([conference, all]) =>
        [...all.keys()].map((conferee) => `${id} ${conference} ${conferee}`),
      ),
    );
  for (const seat of seats) expect(held).toContain(seat);
  const guards = [...(await world.keys('active/')), ...(await world.keys('mingle/'))];
  expect(guards.length).toBe(all.size);
}

describe('chaos', () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    it(`seed ${seed}: comes to rest in one truth`, async () => {
      const random = seededRandom(seed);
      const world = await FakeWorld.start({ seed, proxies: 2, interfaces: 2, mixers: 2, vrus: 2 });
      await world.account({
        waitingMode: pick(random, ['start', 'hold', 'mingle'] as const) ?? 'hold',
        hostLeaves: pick(random, ['continue', 'end', 'wait'] as const) ?? 'continue',
        graceMs: 3_000,
      });
      const chaos = new Chaos(world, random);
      for (let step = 0; step < STEPS; step++) await chaos.step();
      await chaos.rest();
      await expectOneTruth(world, chaos);
      expect(chaos.unavailable).toEqual([]);
    });
  }
});
