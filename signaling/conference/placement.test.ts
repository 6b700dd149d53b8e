import { describe, expect, it } from 'vitest';
import { type NodeId, seededRandom } from '../../common/ids.ts';
import { FakeWorld, HOST } from './fake-world.ts';
import type { MixerRecord } from './messages.ts';
import { choosePlacement } from './placement.ts';

const mixer = (id: string, more: Partial<MixerRecord> = {}): MixerRecord => ({
  id: id as NodeId,
  mixerClass: 'standard',
  address: '127.0.0.1:5070',
  busyShare: 0,
  latenessMs: 0,
  headroom: 100,
  conferences: 0,
  conferees: 0,
  draining: false,
  ...more,
});
const wanted = { mixerClass: 'standard', avoid: [] };

function choose(mixers: readonly MixerRecord[], more: Partial<typeof wanted> = {}, seed = 1) {
  const offers = mixers.map((record) => ({ record, placedSince: 0 }));
  return choosePlacement(offers, { ...wanted, ...more }, seededRandom(seed));
}

describe('placement', () => {
  it('R12: takes only mixers of the class, and says when there is none', () => {
    const mixers = [mixer('a'), mixer('b', { mixerClass: 'hd', headroom: 5 })];
    expect(choose(mixers, { mixerClass: 'hd' })).toMatchObject({ mixers: [{ id: 'b' }] });
    expect(choose(mixers, { mixerClass: 'recorded' })).toEqual({
      kind: 'refused',
      reason: 'no-mixer-of-class',
    });
  });

  it('passes over what drains, is to be avoided, or has no headroom; busy when nothing is left', () => {
    const mixers = [mixer('a', { draining: true }), mixer('b'), mixer('c', { headroom: 0 })];
    expect(choose(mixers)).toMatchObject({ mixers: [{ id: 'b' }] });
    expect(choose(mixers, { avoid: ['b' as never] })).toEqual({
      kind: 'refused',
      reason: 'mixers-busy',
    });
  });

  it('R45: more measured headroom takes more, in proportion to nothing fixed', () => {
    const mixers = [mixer('idle', { headroom: 900 }), mixer('loaded', { headroom: 50 })];
    const first = Array.from({ length: 200 }, (_, seed) => {
      const placement = choose(mixers, {}, seed);
      return placement.kind === 'candidates' ? placement.mixers[0]?.id : undefined;
    });
    const idle = first.filter((id) => id === 'idle').length;
    expect(idle).toBeGreaterThan(120);
    expect(idle).toBeLessThan(200);
  });

  it('counts what it placed since a mixer measured last', () => {
    const offers = [{ record: mixer('a', { headroom: 9 }), placedSince: 3 }];
    expect(choosePlacement(offers, wanted, seededRandom(1))).toMatchObject({ kind: 'refused' });
  });

  it('R43: tries the next mixer when one refuses or does not answer', async () => {
    const world = await FakeWorld.start({ mixers: 3 });
    await world.account();
    world.mixer(0).refusing = 'engine-full';
    world.mixer(1).hanging = true;
    const [host] = await world.run(world.vru().enter(HOST));
    expect(host.place?.mixerId).toBe(world.mixers[2]?.id);
    await world.settle();
    // The one that did not answer is told that it is off the hook.
    const told = world.mixer(1).history.map(({ kind }) => kind);
    expect(told.filter((kind) => kind !== 'create')).toEqual(told.slice(1));
  });

  it('R45: a mixer under other load gets none of the next conferences', async () => {
    const world = await FakeWorld.start({ mixers: 2 });
    await world.account({ waitingMode: 'start' });
    world.mixer(0).headroom = 0;
    await world.run(world.mixer(0).refresh());
    const [host] = await world.run(world.vru().enter(HOST));
    expect(host.place?.mixerId).toBe(world.mixers[1]?.id);
  });
});
