import { describe, expect, it } from 'vitest';
import { responseTo } from '../message.ts';
import { serializeMessage } from '../serializer.ts';
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
