import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../common/ids.ts';
import { mutate } from '../conformance/mutate.ts';
import { eventBench, subscribe, text, toOf } from '../testing/event-bench.ts';

describe('peers that do not play by the rules', () => {
  it('4,000 damaged SUBSCRIBEs, inside and outside of the dialog: no exception, and a subscription lives', async () => {
    const made = await eventBench({ limits: { total: 50, perSubscriber: 50 } });
    const { bench, peer } = made;
    const to = toOf(await subscribe(made));
    const random = seededRandom(11);
    const target = `Target-Dialog: abc;local-tag=p1;remote-tag=${to.split('tag=')[1] ?? ''}`;
    const headers = ['Expires: 600', 'Accept: application/thing+xml, */*;q=0.1', target];
    for (let round = 0; round < 4_000; round++) {
      const inside = random.below(2) === 0;
      const message = text({
        headers,
        callId: inside ? 'abc' : `c${round}`,
        cseq: round + 10,
        ...(inside ? { to } : {}),
      });
      peer.sendBytes(mutate(Buffer.from(message.replaceAll('\n', '\r\n')), random), 2);
      if (round % 500 === 0) await bench.advance(10);
    }
    await bench.advance(100);
    expect((await subscribe(made, { callId: 'after' })).status).toBe(200);
    await bench.advance(8_000_000);
    expect(await bench.leftovers()).toEqual({ sessions: 0, timers: 0 });
  });

  it('a flood of strangers takes no place and no memory', async () => {
    const made = await eventBench({ limits: { total: 2, perSubscriber: 2 } });
    for (let round = 0; round < 1_000; round++) made.peer.send(text({ callId: `f${round}` }), 2);
    await made.bench.advance(100);
    expect(made.things.sources).toHaveLength(0);
    expect((await subscribe(made, { callId: 'honest' })).status).toBe(200);
  });

  it('a flood of one who may: bounded, and none of it is left when nobody answers', async () => {
    const made = await eventBench({ limits: { total: 8, perSubscriber: 5 } });
    made.answerWith = undefined;
    const statuses: number[] = [];
    for (let round = 0; round < 50; round++) {
      statuses.push((await subscribe(made, { callId: `f${round}` })).status);
    }
    expect(statuses.filter((status) => status === 200)).toHaveLength(5);
    expect(statuses.filter((status) => status === 486)).toHaveLength(45);
    await made.bench.advance(40_000);
    expect(made.things.sources.every(({ closed }) => closed > 0)).toBe(true);
    expect((await subscribe(made, { callId: 'later' })).status).toBe(200);
  });

  it('refreshes in a row: each answered, never two NOTIFYs under way', async () => {
    const made = await eventBench();
    const to = toOf(await subscribe(made));
    made.answerWith = undefined;
    await made.bench.advance(6_000);
    for (let round = 0; round < 200; round++) {
      made.peer.send(text({ cseq: round + 10, to }), 2);
    }
    await made.bench.advance(100);
    const numbers = new Set(made.peer.requests('NOTIFY').map(({ headers }) => headers.get('CSeq')));
    expect(numbers.size).toBe(2);
    expect(made.peer.statuses().filter((status) => status === 200).length).toBeGreaterThan(190);
  });
});
