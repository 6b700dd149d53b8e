import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../common/ids.ts';
import { SimClock } from '../../../common/sim-clock.ts';
import { responseTo, type SipRequest } from '../message.ts';
import { serializeMessage } from '../serializer.ts';
import { createSimNetwork } from '../transport/sim.ts';
import {
  createSimStack,
  makeRequest,
  parsed,
  recorder,
  type SimStackOptions,
  target,
  wire,
} from './sim-stack.ts';
import type { ServerTransaction } from './transaction-user.ts';

const ALICE = '192.0.2.1';
const BOB = '192.0.2.2';

function setUp(seed = 1) {
  const clock = new SimClock();
  const network = createSimNetwork(clock, seededRandom(seed));
  const stack = (address: string, options: Omit<SimStackOptions, 'address'> = {}) =>
    createSimStack(network, clock, { address, seed: seed + address.length, ...options });
  return { clock, network, stack };
}

const answer =
  (...statuses: number[]) =>
  (transaction: ServerTransaction): void => {
    for (const status of statuses) {
      transaction.respond(responseTo(transaction.request, status, { toTag: 'bob' }));
    }
  };

/** A request of a peer without a stack, with its Via. */
function raw(
  request: SipRequest,
  branch: string,
  via = `SIP/2.0/UDP 192.0.2.9:5060;branch=${branch}`,
): Uint8Array {
  return serializeMessage({ ...request, headers: request.headers.prepend('Via', via) });
}

describe('client transactions on UDP', () => {
  it('INVITE: timer A doubles, timer B ends it after 64*T1 (RFC 3261 section 17.1.1.2)', async () => {
    const { clock, network, stack } = setUp();
    const alice = await stack(ALICE);
    const told: string[] = [];
    alice.layer.send(makeRequest('INVITE'), [target(BOB)], recorder(told));
    await clock.advance(33_000);
    expect(wire(network).map((line) => line.split(' ')[0])).toEqual([
      '0',
      '500',
      '1500',
      '3500',
      '7500',
      '15500',
      '31500',
    ]);
    expect(told).toEqual(['timeout', 'gone']);
    expect(clock.timerCount).toBe(0);
  });

  it('others: timer E doubles up to T2, timer F ends it (section 17.1.2.2)', async () => {
    const { clock, network, stack } = setUp();
    const alice = await stack(ALICE);
    const told: string[] = [];
    alice.layer.send(makeRequest('OPTIONS'), [target(BOB)], recorder(told));
    await clock.advance(33_000);
    const times = wire(network).map((line) => Number(line.split(' ')[0]));
    expect(times).toEqual([0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
    expect(told).toEqual(['timeout', 'gone']);
  });

  it('after a provisional response a non-INVITE is retransmitted every T2', async () => {
    const { clock, network, stack } = setUp();
    const alice = await stack(ALICE);
    await stack(BOB, { onRequest: answer(100) });
    alice.layer.send(makeRequest('OPTIONS'), [target(BOB)], recorder([]));
    await clock.advance(13_000);
    const sent = wire(network).filter((line) => line.endsWith('OPTIONS'));
    expect(sent).toEqual([
      '0 1>2 OPTIONS',
      '500 1>2 OPTIONS',
      '4500 1>2 OPTIONS',
      '8500 1>2 OPTIONS',
      '12500 1>2 OPTIONS',
    ]);
  });

  it('INVITE refused: ACK with the same branch, again for each retransmission (section 17.1.1.3)', async () => {
    const { clock, network, stack } = setUp();
    const alice = await stack(ALICE);
    const bob = await stack(BOB, { onRequest: answer(486) });
    const told: string[] = [];
    const route = [
      ['Route', '<sip:r1;lr>'],
      ['Route', '<sip:r2;lr>'],
    ] as const;
    alice.layer.send(makeRequest('INVITE', { headers: route }), [target(BOB)], recorder(told));
    await clock.advance(100);
    expect(wire(network)).toEqual(['0 1>2 INVITE', '1 2>1 486', '2 1>2 ACK']);
    const [invite, , ack] = network.trace.map((record) => parsed(record.bytes));
    expect(ack?.headers.get('Via')).toBe(invite?.headers.get('Via'));
    expect(ack?.headers.get('To')).toBe('<sip:bob@192.0.2.2>;tag=bob');
    expect(ack?.headers.get('CSeq')).toBe('1 ACK');
    expect(ack?.headers.all('Route')).toEqual(['<sip:r1;lr>', '<sip:r2;lr>']);
    await clock.advance(40_000);
    expect(told).toEqual(['486', 'gone']);
    expect(bob.told).toEqual(['INVITE']);
    expect(clock.timerCount).toBe(0);
  });

  it('INVITE accepted: every 2xx is told until timer M, a later one is stray (RFC 6026 section 7.2)', async () => {
    const { clock, network, stack } = setUp();
    const alice = await stack(ALICE);
    const bob = await stack(BOB, { onRequest: answer(180, 200) });
    const told: string[] = [];
    alice.layer.send(makeRequest('INVITE'), [target(BOB)], recorder(told));
    await clock.advance(10);
    expect(alice.layer.counts.inviteClient).toBe(1);
    const [transaction] = bob.requests;
    if (transaction === undefined) throw new Error('no INVITE');
    answer(200)(transaction);
    await clock.advance(10);
    expect(told).toEqual(['180', '200', '200']);
    await clock.advance(31_975);
    network.conditions.delayMs = 50;
    answer(200)(transaction);
    await clock.advance(100);
    expect(told).toEqual(['180', '200', '200', 'gone']);
    expect(alice.told).toEqual(['stray 200']);
    await clock.advance(100);
    expect(clock.timerCount).toBe(0);
  });

  it('drops responses whose Via is not ours (section 18.1.2)', async () => {
    const { clock, network, stack } = setUp();
    const alice = await stack(ALICE);
    const peer = network.attach('udp', '192.0.2.9', 5060, () => undefined);
    const stray = makeRequest('INVITE');
    const response = responseTo(
      {
        ...stray,
        headers: stray.headers.prepend('Via', 'SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKx'),
      },
      200,
    );
    peer.send(serializeMessage(response), { remoteAddress: ALICE, remotePort: 5060 });
    await clock.advance(10);
    expect(alice.told).toEqual([]);
    expect(await alice.metrics.text()).toContain(
      'minusone_sip_transaction_dropped_total{reason="foreign-via"} 1',
    );
  });
});

describe('CANCEL', () => {
  it('waits for a provisional response, is answered 200 and told (R47, section 9)', async () => {
    const { clock, network, stack } = setUp();
    const alice = await stack(ALICE);
    const bob = await stack(BOB, {
      onRequest: (transaction) => {
        transaction.onCancel = (cancel) => {
          bob.told.push(`cancel ${cancel.headers.get('Reason') ?? ''}`);
          answer(487)(transaction);
        };
      },
    });
    const told: string[] = [];
    const transaction = alice.layer.send(makeRequest('INVITE'), [target(BOB)], recorder(told));
    transaction.cancel([['Reason', 'SIP;cause=200']]);
    transaction.cancel();
    await clock.advance(1000);
    expect(wire(network)).toEqual([
      '0 1>2 INVITE',
      '201 2>1 100',
      '202 1>2 CANCEL',
      '203 2>1 200',
      '203 2>1 487',
      '204 1>2 ACK',
    ]);
    expect(told).toEqual(['100', '487']);
    expect(bob.told).toEqual(['INVITE', 'cancel SIP;cause=200']);
    await clock.advance(40_000);
    expect([alice.layer.counts, bob.layer.counts]).toEqual([
      { inviteClient: 0, nonInviteClient: 0, inviteServer: 0, nonInviteServer: 0 },
      { inviteClient: 0, nonInviteClient: 0, inviteServer: 0, nonInviteServer: 0 },
    ]);
    expect(clock.timerCount).toBe(0);
  });

  it('is not sent when the final response comes first', async () => {
    const { clock, network, stack } = setUp();
    const alice = await stack(ALICE);
    await stack(BOB, { onRequest: answer(200) });
    const transaction = alice.layer.send(makeRequest('INVITE'), [target(BOB)], recorder([]));
    transaction.cancel();
    await clock.advance(5000);
    expect(wire(network)).toEqual(['0 1>2 INVITE', '1 2>1 200']);
  });

  it('gives up 64*T1 after a CANCEL that brings no final response', async () => {
    const { clock, stack } = setUp();
    const alice = await stack(ALICE);
    await stack(BOB, { onRequest: answer(180) });
    const told: string[] = [];
    const transaction = alice.layer.send(makeRequest('INVITE'), [target(BOB)], recorder(told));
    await clock.advance(1000);
    transaction.cancel();
    await clock.advance(31_000);
    expect(told).toEqual(['180']);
    await clock.advance(2000);
    expect(told).toEqual(['180', 'timeout', 'gone']);
  });

  it('without its INVITE is answered 481, and once more for a retransmission', async () => {
    const { clock, network, stack } = setUp();
    const bob = await stack(BOB);
    const got: string[] = [];
    const peer = network.attach('udp', '192.0.2.9', 5060, (bytes) => {
      const message = parsed(bytes);
      got.push(message.kind === 'response' ? String(message.status) : '');
    });
    const cancel = raw(makeRequest('CANCEL'), 'z9hG4bKnone');
    for (let copy = 0; copy < 3; copy++) {
      peer.send(cancel, { remoteAddress: BOB, remotePort: 5060 });
      await clock.advance(10);
    }
    expect(got).toEqual(['481', '481', '481']);
    expect(bob.told).toEqual([]);
    expect(bob.layer.counts.nonInviteServer).toBe(1);
  });
});

describe('server transactions on UDP', () => {
  it('answers 100 after 200 ms if the user has not answered (section 17.2.1)', async () => {
    const { clock, network, stack } = setUp();
    const alice = await stack(ALICE);
    await stack(BOB);
    alice.layer.send(makeRequest('INVITE'), [target(BOB)], recorder([]));
    await clock.advance(5000);
    expect(wire(network)).toEqual(['0 1>2 INVITE', '201 2>1 100']);
  });

  it('retransmits a refusal by timer G until the ACK, else H ends it', async () => {
    const { clock, network, stack } = setUp();
    const errors: string[] = [];
    const bob = await stack(BOB, {
      onRequest: (transaction) => {
        transaction.onTransportError = (error) => errors.push(error.code);
        answer(486)(transaction);
      },
    });
    const times: number[] = [];
    const peer = network.attach('udp', '192.0.2.9', 5060, () => times.push(clock.nowMs() - 2));
    peer.send(raw(makeRequest('INVITE'), 'z9hG4bKa'), { remoteAddress: BOB, remotePort: 5060 });
    await clock.advance(40_000);
    expect(times).toEqual([0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
    expect(errors).toEqual(['timeout']);
    expect(bob.layer.counts.inviteServer).toBe(0);

    times.length = 0;
    const invite = makeRequest('INVITE', { callId: 'second' });
    peer.send(raw(invite, 'z9hG4bKb'), { remoteAddress: BOB, remotePort: 5060 });
    await clock.advance(10);
    const ack = { ...invite, method: 'ACK', headers: invite.headers.with('CSeq', '1 ACK') };
    peer.send(raw(ack, 'z9hG4bKb'), { remoteAddress: BOB, remotePort: 5060 });
    await clock.advance(40_000);
    expect(times).toHaveLength(1);
    expect(bob.told).toEqual(['INVITE', 'INVITE']);
    expect(clock.timerCount).toBe(0);
  });

  it('absorbs retransmissions: one request to the user, the last response again (R47)', async () => {
    const { clock, network, stack } = setUp();
    const bob = await stack(BOB, { onRequest: answer(180) });
    const got: number[] = [];
    const peer = network.attach('udp', '192.0.2.9', 5060, (bytes) => {
      const message = parsed(bytes);
      if (message.kind === 'response') got.push(message.status);
    });
    const to = { remoteAddress: BOB, remotePort: 5060 };
    const invite = raw(makeRequest('INVITE'), 'z9hG4bKa');
    for (let copy = 0; copy < 5; copy++) {
      peer.send(invite, to);
      await clock.advance(10);
    }
    expect(bob.told).toEqual(['INVITE']);
    expect(got).toEqual([180, 180, 180, 180, 180]);
    const [transaction] = bob.requests;
    if (transaction === undefined) throw new Error('no INVITE');
    answer(200)(transaction);
    // RFC 6026: in Accepted the INVITE is absorbed in silence; the ACK has a branch of its own.
    peer.send(invite, to);
    const ack = makeRequest('ACK');
    peer.send(raw(ack, 'z9hG4bKack'), to);
    await clock.advance(10);
    expect(got).toEqual([180, 180, 180, 180, 180, 200]);
    expect(bob.told).toEqual(['INVITE', 'ACK']);
  });

  it('matches RFC 2543 peers and bare cookies by their other fields', async () => {
    for (const via of ['SIP/2.0/UDP 192.0.2.9', 'SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK']) {
      const { clock, network, stack } = setUp();
      const bob = await stack(BOB, { onRequest: answer(486) });
      const peer = network.attach('udp', '192.0.2.9', 5060, () => undefined);
      const to = { remoteAddress: BOB, remotePort: 5060 };
      const invite = makeRequest('INVITE');
      peer.send(raw(invite, '', via), to);
      peer.send(raw(invite, '', via), to);
      await clock.advance(10);
      const acked = invite.headers.with('CSeq', '1 ACK').with('To', '<sip:bob@192.0.2.2>;tag=bob');
      peer.send(raw({ ...invite, method: 'ACK', headers: acked }, '', via), to);
      await clock.advance(6000);
      expect(bob.told).toEqual(['INVITE']);
      expect(bob.layer.counts.inviteServer).toBe(0);
      peer.send(raw(makeRequest('INVITE', { callId: 'other' }), '', via), to);
      await clock.advance(10);
      expect(bob.told).toEqual(['INVITE', 'INVITE']);
    }
  });

  it('answers 482 to the same request on another path (section 8.2.2.2)', async () => {
    const { clock, network, stack } = setUp();
    const bob = await stack(BOB, { onRequest: answer(180) });
    const got: number[] = [];
    const peer = network.attach('udp', '192.0.2.9', 5060, (bytes) => {
      const message = parsed(bytes);
      if (message.kind === 'response') got.push(message.status);
    });
    const to = { remoteAddress: BOB, remotePort: 5060 };
    peer.send(raw(makeRequest('INVITE'), 'z9hG4bKone'), to);
    peer.send(raw(makeRequest('INVITE'), 'z9hG4bKtwo'), to);
    await clock.advance(10);
    expect(got).toEqual([180, 482]);
    expect(bob.told).toEqual(['INVITE']);
  });

  it('answers 400 to what does not parse, drops what is not safe to answer', async () => {
    const { clock, network, stack } = setUp();
    const bob = await stack(BOB);
    const got: string[] = [];
    const peer = network.attach('udp', '192.0.2.9', 5060, (bytes) => {
      got.push(Buffer.from(bytes).toString().split('\r\n', 1)[0] ?? '');
    });
    const to = { remoteAddress: BOB, remotePort: 5060 };
    const bad = Buffer.from(raw(makeRequest('INVITE'), 'z9hG4bKx')).toString();
    peer.send(bad.replace('Call-ID', 'X-Call-ID'), to);
    peer.send(bad.replace('SIP/2.0\r\n', 'SIP/9.0\r\n'), to);
    peer.send(bad.replaceAll('INVITE', 'ACK').replace('Call-ID', 'X'), to);
    peer.send('\0\x01garbage garbage', to);
    await clock.advance(10);
    expect(got).toEqual([
      'SIP/2.0 400 Bad Request (no Call-ID)',
      'SIP/2.0 505 Version Not Supported (SIP version SIP/9.0)',
    ]);
    expect(bob.told).toEqual([]);
  });

  it.each([
    ['SIP/2.0/UDP 192.0.2.9:7000;branch=z9hG4bKx', '9:7000', undefined],
    ['SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx', '9', undefined],
    ['SIP/2.0/UDP 10.1.1.1:7000;branch=z9hG4bKx', '9:7000', 'received=192.0.2.9'],
    ['SIP/2.0/UDP 10.1.1.1:7000;rport;branch=z9hG4bKx', '9:6543', 'rport=6543'],
    ['SIP/2.0/UDP 192.0.2.9:7000;rport;branch=z9hG4bKx', '9:6543', 'received=192.0.2.9'],
    // What the peer writes about itself is not believed.
    ['SIP/2.0/UDP 192.0.2.9;received=198.51.100.7;branch=z9hG4bKx', '9', undefined],
    ['SIP/2.0/UDP 192.0.2.9;maddr=198.51.100.7;branch=z9hG4bKx', '9', undefined],
  ])('responds to %s at %s (section 18.2.2, RFC 3581)', async (via, destination, parameter) => {
    const { clock, network, stack } = setUp();
    await stack(BOB, { onRequest: answer(200) });
    const peer = network.attach('udp', '192.0.2.9', 6543, () => undefined);
    peer.send(raw(makeRequest('OPTIONS'), '', via), { remoteAddress: BOB, remotePort: 5060 });
    await clock.advance(10);
    expect(wire(network)[1]).toBe(`1 2>${destination} 200`);
    const stamped = parsed(network.trace[1]?.bytes ?? new Uint8Array()).headers.get('Via') ?? '';
    if (parameter === undefined) expect(stamped).not.toContain('received');
    else expect(stamped).toContain(parameter);
  });
});

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
