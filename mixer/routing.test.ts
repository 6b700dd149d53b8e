import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../common/clock.ts';
import { silentLogger } from '../common/log.ts';
import { createMediaEngine } from './engine.ts';
import type { MediaConference, MediaEngine, MediaLeg, MixOptions } from './media.ts';
import { levelOf, TestPeer, toneOf } from './test-peer.ts';

/** Who hears whom, from the calls of media.ts to the packets, through a real engine at real time. */
const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Member {
  readonly hz: number;
  readonly leg: MediaLeg;
  readonly peer: TestPeer;
}

const TONES = [470, 830, 1210] as const;
const AMPLITUDE = 3000;
const SENT_DB = 20 * Math.log10(AMPLITUDE / 32767);

async function room(mix: MixOptions = {}): Promise<readonly [Member, Member, Member]> {
  const engine = await createMediaEngine({
    workers: 1,
    localAddress: '127.0.0.1',
    portRange: { min: 30_400, max: 30_499 },
    clock: systemClock,
    log: silentLogger,
    promptBytes: 1 << 20,
    maxLegsPerWorker: 16,
  });
  if (!engine.ok) throw engine.error;
  closers.push(() => engine.value.close());
  const conference = engine.value.openConference(mix);
  if (!conference.ok) throw conference.error;
  const join = async (hz: number): Promise<Member> => {
    const peer = await TestPeer.open(hz);
    closers.push(() => peer.close());
    const leg = openLeg(engine.value, conference.value);
    leg.configure(peer.parameters());
    leg.route({ kind: 'conference', conference: conference.value });
    peer.talk(leg.rtpPort, toneOf(hz, AMPLITUDE));
    return { hz, leg, peer };
  };
  return [await join(TONES[0]), await join(TONES[1]), await join(TONES[2])];
}

function openLeg(engine: MediaEngine, beside: MediaConference): MediaLeg {
  const leg = engine.openLeg({ with: beside });
  if (!leg.ok) throw leg.error;
  return leg.value;
}

/** Levels of all tones at everybody, relative to what was sent, over half a second from now on. */
async function hear(members: readonly Member[]): Promise<readonly (readonly number[])[]> {
  await systemClock.sleep(150);
  const from = members.map(({ peer }) => peer.received.length);
  await systemClock.sleep(600);
  return members.map(({ peer }, index) => {
    const samples = peer.audio(from[index]).slice(0, 4000);
    return TONES.map((hz) => levelOf(samples, hz) - SENT_DB);
  });
}

/** `+`: heard as sent; `.`: not heard. */
function picture(levels: readonly (readonly number[])[]): readonly string[] {
  return levels.map((row) =>
    row.map((db) => (Math.abs(db) < 1 ? '+' : db < -40 ? '.' : db.toFixed(1))).join(''),
  );
}

/** Looks again for a while: a test machine that stalls spoils a window, what is routed wrongly stays so. */
async function expectPicture(members: readonly Member[], wanted: readonly string[]): Promise<void> {
  let seen: readonly string[] = [];
  for (let look = 0; look < 10 && String(seen) !== String(wanted); look++) {
    seen = picture(await hear(members));
  }
  expect(seen).toEqual(wanted);
}

describe('who hears whom', () => {
  it('a coach is heard by the named, one on hold by nobody, then all is as before', async () => {
    const members = await room();
    const [client, agent, coach] = members;
    await expectPicture(members, ['.++', '+.+', '++.']);
    expect(coach.leg.setHearing({ heardBy: { only: [agent.leg] } }).ok).toBe(true);
    await expectPicture(members, ['.+.', '+.+', '++.']);
    expect(coach.leg.setHearing({ heardBy: { except: [agent.leg] } }).ok).toBe(true);
    await expectPicture(members, ['.++', '+..', '++.']);
    expect(client.leg.setHearing({ heardBy: 'nobody', hears: false }).ok).toBe(true);
    expect(coach.leg.setHearing({ heardBy: 'everybody', hears: false }).ok).toBe(true);
    await expectPicture(members, ['...', '..+', '...']);
    for (const { leg } of members) leg.setHearing({ heardBy: 'everybody' });
    await expectPicture(members, ['.++', '+.+', '++.']);
  }, 60_000);

  it('gains in and out, and what cannot be is refused by name', async () => {
    const members = await room();
    const [first, second] = members;
    expect(first.leg.setGains({ inputDb: 6, outputDb: 0 }).ok).toBe(true);
    expect(second.leg.setGains({ inputDb: 0, outputDb: -12 }).ok).toBe(true);
    const wanted = [
      [Number.NaN, 0, 0],
      [-6, Number.NaN, -12],
      [6, 0, Number.NaN],
    ];
    let worst = 99;
    for (let look = 0; look < 10 && worst > 1; look++) {
      const levels = await hear(members);
      const errors = wanted.flatMap((row, i) =>
        row.map((db, j) => Math.abs((levels[i]?.[j] ?? 99) - db)),
      );
      worst = Math.max(...errors.filter((error) => !Number.isNaN(error)));
    }
    expect(worst).toBeLessThan(1);
    const loud = first.leg.setGains({ inputDb: 25, outputDb: 0 });
    expect(loud.ok ? '' : loud.error.code).toBe('bad-request');
    const many = first.leg.setHearing({ heardBy: { only: Array(9).fill(second.leg) } });
    expect(many.ok ? '' : many.error.code).toBe('bad-request');
  }, 60_000);

  it('of three talkers the one who has the place is heard, nobody else', async () => {
    const members = await room({ contributors: 1, speechLevelDbov: null });
    const [, second] = members;
    second.leg.setHearing({ heardBy: 'everybody', priority: true });
    await expectPicture(members, ['.+.', '...', '.+.']);
  }, 60_000);
});
