import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../common/ids.ts';
import { mutate, tortureMessages } from '../conformance/mutate.ts';
import {
  ALICE,
  answer,
  BOB,
  makeRequest,
  parsed,
  raw,
  recorder,
  setUp,
  target,
  wire,
} from './sim-stack.ts';

describe('bounds', () => {
  it('a full table answers 503 with Retry-After without state, and frees itself', async () => {
    const { clock, network, stack } = setUp();
    const bob = await stack(BOB, { maxTransactions: 3, onRequest: answer(200) });
    const got: string[] = [];
    const peer = network.attach('udp', '192.0.2.9', 5060, (bytes) => {
      const message = parsed(bytes);
      if (message.kind === 'response') {
        got.push(`${message.status} ${message.headers.get('Retry-After') ?? ''}`.trim());
      }
    });
    const to = { remoteAddress: BOB, remotePort: 5060 };
    for (let call = 0; call < 5; call++) {
      peer.send(raw(makeRequest('OPTIONS', { callId: `c${call}` }), `z9hG4bK${call}`), to);
      await clock.advance(5);
    }
    expect(got).toEqual(['200', '200', '200', '503 5', '503 5']);
    expect(bob.layer.counts.nonInviteServer).toBe(3);
    await clock.advance(33_000);
    peer.send(raw(makeRequest('OPTIONS', { callId: 'later' }), 'z9hG4bKlater'), to);
    await clock.advance(5);
    expect(got.at(-1)).toBe('200');
    expect(await bob.metrics.text()).toContain('reason="server-table-full"} 2');
  });

  it('a full client table is an error told after send() returned', async () => {
    const { clock, stack } = setUp();
    const alice = await stack(ALICE, { maxTransactions: 1 });
    const told: string[] = [];
    alice.layer.send(makeRequest('OPTIONS'), [target(BOB)], recorder([]));
    alice.layer.send(makeRequest('OPTIONS'), [target(BOB)], recorder(told));
    expect(told).toEqual([]);
    await clock.advance(1);
    expect(told).toEqual(['error overloaded', 'gone']);
  });

  it('close() leaves no timer behind', async () => {
    const { clock, stack } = setUp();
    const alice = await stack(ALICE);
    const bob = await stack(BOB, { onRequest: answer(486) });
    for (let call = 0; call < 10; call++) {
      alice.layer.send(makeRequest('INVITE', { callId: `c${call}` }), [target(BOB)], recorder([]));
    }
    await clock.advance(1);
    await alice.layer.close();
    await bob.layer.close();
    await alice.layer.close();
    await clock.advance(10);
    expect(clock.timerCount).toBe(0);
    expect(bob.layer.counts.inviteServer).toBe(0);
  });
});

describe('targets and transports', () => {
  it('on TCP nothing is retransmitted and the waiting states end at once', async () => {
    const { clock, network, stack } = setUp();
    const alice = await stack(ALICE, { kinds: ['tcp'] });
    const bob = await stack(BOB, { kinds: ['tcp'], onRequest: answer(486) });
    const told: string[] = [];
    alice.layer.send(makeRequest('INVITE'), [target(BOB, 'tcp')], recorder(told));
    await clock.advance(100);
    expect(wire(network)).toEqual([
      '0 tcp/1>tcp/2 INVITE',
      '1 tcp/2>tcp/1 486',
      '2 tcp/1>tcp/2 ACK',
    ]);
    expect(told).toEqual(['486', 'gone']);
    expect(bob.layer.counts.inviteServer).toBe(0);
    expect(clock.timerCount).toBe(0);
  });

  it('a large request goes by TCP (section 18.1.1)', async () => {
    const { clock, network, stack } = setUp();
    const alice = await stack(ALICE, { kinds: ['udp', 'tcp'] });
    await stack(BOB, { kinds: ['udp', 'tcp'], onRequest: answer(200) });
    const told: string[] = [];
    const large = makeRequest('MESSAGE', { body: 'x'.repeat(1300) });
    alice.layer.send(large, [target(BOB)], recorder(told));
    await clock.advance(10);
    expect(wire(network)).toEqual(['0 tcp/1>tcp/2 MESSAGE', '1 tcp/2>tcp/1 200']);
    expect(parsed(network.trace[0]?.bytes ?? new Uint8Array()).headers.get('Via')).toContain(
      '/TCP',
    );
    expect(told).toEqual(['200', 'gone']);
  });

  it('and by UDP if the peer has no TCP', async () => {
    const { clock, network, stack } = setUp();
    const alice = await stack(ALICE, { kinds: ['udp', 'tcp'] });
    await stack(BOB, { onRequest: answer(200) });
    const told: string[] = [];
    const large = makeRequest('MESSAGE', { body: 'x'.repeat(1300) });
    alice.layer.send(large, [target(BOB)], recorder(told));
    await clock.advance(10);
    expect(wire(network)).toEqual(['0 tcp/1>tcp/2 MESSAGE', '0 1>2 MESSAGE', '1 2>1 200']);
    expect(parsed(network.trace[1]?.bytes ?? new Uint8Array()).headers.get('Via')).toContain(
      '/UDP',
    );
    expect(told).toEqual(['200']);
    alice.layer.sendDirectly(makeRequest('ACK', { body: 'x'.repeat(1300) }), target(BOB));
    await clock.advance(10);
    expect(wire(network).at(-1)).toBe('10 1>2 ACK');
  });

  it('tries the next target on 503, on refusal and on time-out, each with a branch of its own (RFC 3263 section 4.3)', async () => {
    const { clock, network, stack } = setUp();
    const alice = await stack(ALICE, { kinds: ['udp', 'tcp'] });
    await stack('192.0.2.4', { onRequest: answer(100, 503) });
    await stack('192.0.2.5', { onRequest: answer(200) });
    const told: string[] = [];
    const transaction = alice.layer.send(
      makeRequest('INVITE'),
      [target('192.0.2.3', 'tcp'), target('192.0.2.4'), target('192.0.2.5')],
      recorder(told),
    );
    const firstBranch = transaction.branch;
    await clock.advance(50);
    expect(told).toEqual(['100', '200']);
    expect(transaction.branch).not.toBe(firstBranch);
    const invites = network.trace.map((record) => parsed(record.bytes).headers.get('Via'));
    expect(new Set(invites).size).toBeGreaterThanOrEqual(3);
    await clock.advance(40_000);
    expect(told).toEqual(['100', '200', 'gone']);

    const silent: string[] = [];
    const targets = [target('192.0.2.6'), target('192.0.2.5')];
    alice.layer.send(makeRequest('OPTIONS'), targets, recorder(silent));
    await clock.advance(31_000);
    expect(silent).toEqual([]);
    await clock.advance(2000);
    expect(silent).toEqual(['200']);
  });

  it('does not go on to the next target once cancelled, nor on 6xx', async () => {
    const { clock, stack } = setUp();
    const alice = await stack(ALICE);
    await stack('192.0.2.4', { onRequest: answer(603) });
    const bob = await stack(BOB, { onRequest: answer(200) });
    const told: string[] = [];
    alice.layer.send(makeRequest('INVITE'), [target('192.0.2.4'), target(BOB)], recorder(told));
    await clock.advance(50);
    expect(told).toEqual(['603']);
    const cancelled: string[] = [];
    alice.layer
      .send(
        makeRequest('INVITE', { callId: 'x' }),
        [target('192.0.2.7'), target(BOB)],
        recorder(cancelled),
      )
      .cancel();
    await clock.advance(40_000);
    expect(cancelled).toEqual(['timeout', 'gone']);
    expect(bob.told).toEqual([]);
  });

  it('says so when no transport reaches the target', async () => {
    const { clock, stack } = setUp();
    const alice = await stack(ALICE);
    const told: string[] = [];
    alice.layer.send(makeRequest('OPTIONS'), [target(BOB, 'tls')], recorder(told));
    alice.layer.send(makeRequest('OPTIONS'), [], recorder(told));
    await clock.advance(1);
    expect(told).toEqual(['error transport-failed', 'gone', 'error transport-failed', 'gone']);
  });
});

describe('on a bad network', () => {
  it.each([1, 2, 3, 4, 5, 6])(
    'loss, duplicates and reordering, seed %i: each request is told once and ends once (R47)',
    async (seed) => {
      const { clock, network, stack } = setUp(seed);
      Object.assign(network.conditions, {
        lossRatio: 0.3,
        duplicateRatio: 0.2,
        delayMs: 20,
        jitterMs: 300,
      });
      const alice = await stack(ALICE, { seed });
      const bob = await stack(BOB, {
        seed: seed + 100,
        onRequest: (transaction) => {
          const status = transaction.request.method === 'INVITE' ? 486 : 200;
          answer(180, status)(transaction);
        },
      });
      const calls = Array.from({ length: 30 }, () => [] as string[]);
      for (const [index, told] of calls.entries()) {
        const method = index % 2 === 0 ? 'INVITE' : 'OPTIONS';
        alice.layer.send(
          makeRequest(method, { callId: `c${index}` }),
          [target(BOB)],
          recorder(told),
        );
        await clock.advance(20);
      }
      await clock.advance(120_000);
      for (const [index, told] of calls.entries()) {
        const final = told.filter((each) => each !== '180');
        // With 30% loss each way a transaction may fail, but rarely; and it always ends.
        expect([index % 2 === 0 ? '486' : '200', 'timeout']).toContain(final[0]);
        expect(final.slice(1)).toEqual(['gone']);
      }
      const finished = calls.filter((told) => !told.includes('timeout')).length;
      expect(finished).toBeGreaterThanOrEqual(28);
      const seen = bob.requests.map(({ request }) => request.headers.get('Call-ID'));
      expect(new Set(seen).size).toBe(seen.length);
      const nothing = { inviteClient: 0, nonInviteClient: 0, inviteServer: 0, nonInviteServer: 0 };
      expect(alice.layer.counts).toEqual(nothing);
      expect(bob.layer.counts).toEqual(nothing);
      expect(clock.timerCount).toBe(0);
      expect(await bob.metrics.text()).not.toMatch(/illegal_total\{/);
    },
  );
});

describe('under fire', () => {
  it('3,000 damaged messages: nothing throws, calls in between go through, nothing stays', async () => {
    const { clock, network, stack } = setUp(11);
    const random = seededRandom(47);
    const seeds = tortureMessages();
    const alice = await stack(ALICE);
    const bob = await stack(BOB, {
      onRequest: (transaction) => {
        answer(transaction.request.method === 'INVITE' ? 486 : 200)(transaction);
      },
    });
    const peer = network.attach('udp', '192.0.2.9', 5060, () => undefined);
    const told: string[] = [];
    for (let round = 0; round < 3000; round++) {
      const seed = seeds[random.below(seeds.length)] ?? Buffer.alloc(0);
      peer.send(mutate(seed, random), { remoteAddress: BOB, remotePort: 5060 });
      if (round % 100 === 0) {
        const options = makeRequest('OPTIONS', { callId: `c${round}` });
        alice.layer.send(options, [target(BOB)], recorder(told));
        await clock.advance(10);
      }
    }
    await clock.advance(70_000);
    expect(told.filter((each) => each === '200')).toHaveLength(30);
    expect(told).toHaveLength(60);
    expect(bob.told.length).toBeGreaterThan(50);
    expect(clock.timerCount).toBe(0);
    const nothing = { inviteClient: 0, nonInviteClient: 0, inviteServer: 0, nonInviteServer: 0 };
    expect(bob.layer.counts).toEqual(nothing);
  });
});
