import { describe, expect, it } from 'vitest';
import type { CallId } from '../../common/ids.ts';
import { silentLogger } from '../../common/log.ts';
import { SimClock } from '../../common/sim-clock.ts';
import { MemoryStore } from '../../common/store/memory-store.ts';
import { FakeMediaEngine } from '../../mixer/fake-engine.ts';
import type { AnnouncedWord } from '../conference/messages.ts';
import { Announcements } from './announcements.ts';

/** Every word takes a second. */
function start() {
  const clock = new SimClock();
  const engine = new FakeMediaEngine('127.0.0.1', clock);
  const opened = engine.openConference();
  if (!opened.ok) throw opened.error;
  const media = opened.value;
  const outcomes: string[] = [];
  const announcements = new Announcements({
    engine,
    store: new MemoryStore(clock),
    log: silentLogger,
    speak: (_language, words) => words.map((word) => ({ name: String(word), durationMs: 1_000 })),
    onOutcome: (outcome) => outcomes.push(outcome),
  });
  let number = 0;
  const say = (...words: AnnouncedWord[]): Promise<void> =>
    announcements.say(
      media,
      { name: `request-${number++}`, language: 'en', words },
      () => !media.closed,
    );
  const heard = () => media.playbacks.map(({ names }) => names.join(' '));
  return { clock, media, say, heard, outcomes };
}

const roll = (count: number): AnnouncedWord[] =>
  Array.from({ length: count }, (_, index) => ({
    nameOf: `call-${index}` as CallId,
    followedBy: [],
    otherwise: ['beep'],
  }));

describe('announcements to a conference', () => {
  it('come one after another; more than eight wait for nobody', async () => {
    const { clock, say, heard, outcomes } = start();
    for (let index = 0; index < 12; index++) await say(`word-${index}`);
    await clock.advance(20_000);
    expect(heard()).toEqual(Array.from({ length: 9 }, (_, index) => `word-${index}`));
    expect(outcomes.filter((one) => one === 'dropped')).toHaveLength(3);
  });

  it('that it is recorded is said next, however many others wait', async () => {
    const { clock, say, heard, outcomes } = start();
    for (let index = 0; index < 12; index++) await say(`word-${index}`);
    await say('recording-started');
    await clock.advance(20_000);
    expect(heard().slice(0, 3)).toEqual(['word-0', 'recording-started', 'word-1']);
    expect(heard()).toHaveLength(9);
    expect(outcomes.filter((one) => one === 'dropped')).toHaveLength(4);
  });

  it('that it is recorded is said within a long roll call', async () => {
    const { clock, say, heard } = start();
    await say(...roll(30));
    await clock.advance(2_000);
    await say('recording-started');
    await clock.advance(60_000);
    const beeps = Array.from({ length: 8 }, () => 'beep').join(' ');
    expect(heard().slice(0, 3)).toEqual([beeps, 'recording-started', beeps]);
  });

  it('keep the newest word about recordings when only such wait', async () => {
    const { clock, say, heard } = start();
    for (let index = 0; index < 10; index++) {
      await say('recording-started');
      await say('recording-stopped');
    }
    await clock.advance(60_000);
    expect(heard()).toHaveLength(9);
    expect(heard().at(-1)).toBe('recording-stopped');
  });
});
