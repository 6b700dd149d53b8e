import { describe, expect, it } from 'vitest';
import type { Random } from '../../../common/ids.ts';
import { seededRandom } from '../../../common/ids.ts';
import { FakeMedia } from '../fake-media.ts';
import { PEER_SDP, request } from '../testing/raw-messages.ts';
import { established, first, pair, SessionBench } from '../testing/session-bench.ts';

/** Loses the messages with these numbers, counted from 0, and no others. */
function losing(numbers: ReadonlySet<number>): Random {
  let count = 0;
  return {
    bytes: (length) => new Uint8Array(length),
    // The network asks once for each datagram; below the ratio means lost.
    below: () => (numbers.has(count++) ? 0 : 999_999),
  };
}

async function callWith(bench: SessionBench): Promise<void> {
  const call = await pair(undefined, { bench });
  const out = bench.call(call.caller, 2);
  await bench.advance(20_000);
  expect(out.session.state).toBe('established');
  expect(first(call).session.state).toBe('established');
  void out.session.end();
  expect(await bench.leftovers()).toEqual({ sessions: 0, timers: 0 });
  expect(out.events).toEqual(expect.arrayContaining(['established', 'ended by local']));
  expect(first(call).events).toEqual(['established', 'ended by remote']);
  expect(await bench.metrics.text()).not.toMatch(/illegal_transitions_total\{[^}]*\} [1-9]/);
}

describe('loss', () => {
  // INVITE, 180, 200, ACK, BYE, 200 of the BYE: any one, and any two.
  const six = [0, 1, 2, 3, 4, 5];
  const cases = [
    ...six.map((one) => [one]),
    ...six.flatMap((one) => six.filter((two) => two > one).map((two) => [one, two])),
  ];
  for (const lost of cases) {
    it(`of message ${lost.join(' and ')}: the call is made and ended`, async () => {
      const bench = new SessionBench(1, losing(new Set(lost)));
      bench.network.conditions.lossRatio = 0.5;
      await callWith(bench);
    });
  }

  it('every message twice', async () => {
    const bench = new SessionBench(3);
    bench.network.conditions.duplicateRatio = 1;
    await callWith(bench);
    // The second copies are absorbed or answered with the same; nothing is said twice by a session.
    expect(bench.responses(481)).toEqual([]);
    expect(bench.responses(482)).toEqual([]);
  });

  it('messages overtake one another', async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const bench = new SessionBench(seed);
      bench.network.conditions.jitterMs = 300;
      await callWith(bench);
    }
  });

  it('a quarter of everything lost, 60 seeds: no session hangs, each ends exactly once', async () => {
    let made = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const bench = new SessionBench(seed, seededRandom(seed));
      Object.assign(bench.network.conditions, {
        lossRatio: 0.25,
        duplicateRatio: 0.1,
        jitterMs: 50,
      });
      const call = await pair(undefined, { bench });
      const out = bench.call(call.caller, 2);
      await bench.advance(20_000);
      void out.session.reinvite();
      await bench.advance(10_000);
      if (out.session.state === 'established') made += 1;
      void out.session.end();
      expect(await bench.leftovers(), `seed ${seed}`).toEqual({ sessions: 0, timers: 0 });
      for (const side of [out, ...call.incoming]) {
        const ends = side.events.filter((event) => event.startsWith('ended'));
        expect(ends, `seed ${seed}`).toHaveLength(1);
      }
    }
    expect(made).toBeGreaterThan(50);
  });

  it('the ACK never comes: 200 repeated for 32 s, then BYE (section 13.3.1.4)', async () => {
    const bench = new SessionBench();
    const called = await bench.agent(2, {
      events: { onInvite: (session) => void session.accept(new FakeMedia()) },
    });
    const peer = bench.peer(1);
    peer.send(INVITE, 2);
    await bench.advance(31_000);
    const times = peer.responses().filter((response) => response.status === 200).length;
    // At 0, 0.5, 1.5, 3.5, 7.5, 11.5 … s.
    expect(times).toBe(10);
    await bench.advance(2_000);
    expect(peer.requests('BYE')).not.toHaveLength(0);
    expect(called.sessionCount).toBe(1);
    expect(await bench.leftovers()).toEqual({ sessions: 0, timers: 0 });
  });

  it('a 2xx that comes again gets the same ACK again, also when it is late', async () => {
    const call = await established();
    const [ack] = call.bench.network.trace.filter((record) =>
      Buffer.from(record.bytes).toString().startsWith('ACK'),
    );
    const answer = call.bench.network.trace.find((record) =>
      Buffer.from(record.bytes).toString().startsWith('SIP/2.0 200'),
    );
    expect(ack).toBeDefined();
    // The transaction is long gone by then (timer M).
    await call.bench.advance(60_000);
    const before = call.bench.requests('ACK').length;
    const wire = call.bench.network.attach('udp', '10.0.0.77', 5060, () => undefined);
    wire.send(answer?.bytes ?? '', { remoteAddress: '10.0.0.1', remotePort: 5060 });
    await call.bench.advance(50);
    expect(call.bench.requests('ACK').length).toBe(before + 1);
    void call.out.session.end();
    wire.detach();
    expect(await call.bench.leftovers()).toEqual({ sessions: 0, timers: 0 });
  });
});

const INVITE = request('INVITE', 1, { sdp: PEER_SDP });
