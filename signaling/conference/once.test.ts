import { describe, expect, it } from 'vitest';
import type { AccountId, ConfereeId, ConferenceId, NodeId } from '../../common/ids.ts';
import { SimClock } from '../../common/sim-clock.ts';
import { MemoryStore } from '../../common/store/memory-store.ts';
import { ANSWER_KEPT_MS, Answers } from './answers.ts';
import type { ServiceReply } from './messages.ts';
import { type Remedy, remedy } from './once.ts';

const accountId = 'acme' as AccountId;
const enter = (confereeId: string): ServiceReply => ({
  kind: 'enter',
  place: {
    conferenceId: 'c1' as ConferenceId,
    mixerId: 'm1' as NodeId,
    mixerAddress: '127.0.0.1:5070',
    confereeId: confereeId as ConfereeId,
    ordinal: 1,
    role: 'participant',
    accountId,
    temporary: false,
    size: 1,
  },
});
const wait = (waitingId: string): ServiceReply => ({ kind: 'wait', accountId, waitingId });
const refused: ServiceReply = { kind: 'refused', reason: 'locked' };

describe('what a copy of an entry has made, where another answer counts', () => {
  const cases: [string, ServiceReply, ServiceReply, Remedy, Remedy][] = [
    // what, made by this copy, answered before, remedy for its own place, for a place of another origin
    ['the same place', enter('p1'), enter('p1'), 'nothing', 'nothing'],
    ['a place in a later conference', enter('p2'), enter('p1'), 'ask', 'nothing'],
    ['a place of one turned away', enter('p1'), refused, 'remove', 'nothing'],
    ['a place of one who waits', enter('p1'), wait('w1'), 'move', 'move'],
    ['the same waiting', wait('w1'), wait('w1'), 'nothing', 'nothing'],
    ['waiting once more', wait('w2'), wait('w1'), 'unwait', 'unwait'],
    ['waiting of one who is in', wait('w1'), enter('p1'), 'unwait', 'unwait'],
    ['waiting of one turned away', wait('w1'), refused, 'unwait', 'unwait'],
    ['nothing, of one who is in', refused, enter('p1'), 'nothing', 'nothing'],
    ['nothing, of one who waits', refused, wait('w1'), 'nothing', 'nothing'],
    ['nothing, of one turned away', refused, refused, 'nothing', 'nothing'],
  ];
  for (const [what, made, given, own, foreign] of cases) {
    it(`${what}: ${own}; not its own: ${foreign}`, () => {
      expect(remedy(made, given, true)).toBe(own);
      expect(remedy(made, given, false)).toBe(foreign);
    });
  }
});

describe('the answer of a request', () => {
  it('is the first one for all copies, and is forgotten by the clock', async () => {
    const clock = new SimClock();
    const store = new MemoryStore(clock);
    const answers = new Answers(store);
    const elsewhere = new Answers(store);
    expect(await answers.of('request-1')).toEqual({ ok: true, value: undefined });
    const first = await answers.give('request-1', refused);
    const second = await elsewhere.give('request-1', enter('p1'));
    expect(first).toEqual({ ok: true, value: { reply: refused, ours: true } });
    expect(second).toEqual({ ok: true, value: { reply: refused, ours: false } });
    expect(await answers.of('request-1')).toEqual({ ok: true, value: refused });
    expect(await answers.of('request-2')).toEqual({ ok: true, value: undefined });
    await clock.advance(ANSWER_KEPT_MS + 1);
    expect(await answers.of('request-1')).toEqual({ ok: true, value: undefined });
    expect(await store.list('')).toEqual({ ok: true, value: [] });
  });
});
