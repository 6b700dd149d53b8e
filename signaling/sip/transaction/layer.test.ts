import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../common/ids.ts';
import { silentLogger } from '../../../common/log.ts';
import { createMetrics } from '../../../common/metrics.ts';
import { SimClock } from '../../../common/sim-clock.ts';
import { createHeaders } from '../headers.ts';
import { EMPTY_BODY, responseTo, type SipRequest } from '../message.ts';
import { createSimNetwork } from '../transport/sim.ts';
import { createTransactionLayer } from './layer.ts';

describe('transaction layer', () => {
  it('carries an INVITE and its 200', async () => {
    const clock = new SimClock();
    const random = seededRandom(1);
    const network = createSimNetwork(clock, random);
    const seen: string[] = [];
    const make = (address: string) =>
      createTransactionLayer({
        transports: [network.createTransport({ address, port: 5060 })],
        clock,
        random,
        log: silentLogger,
        metrics: createMetrics(),
        user: {
          onRequest: (transaction) => {
            seen.push(transaction.request.method);
            transaction.respond(responseTo(transaction.request, 200, { toTag: 'b' }));
          },
          onAck: () => seen.push('ACK'),
          onStrayResponse: () => seen.push('stray'),
        },
      });
    const alice = make('10.0.0.1');
    const bob = make('10.0.0.2');
    await alice.start();
    await bob.start();
    const invite: SipRequest = {
      kind: 'request',
      method: 'INVITE',
      uri: 'sip:bob@10.0.0.2',
      headers: createHeaders([
        ['From', '<sip:a@10.0.0.1>;tag=a'],
        ['To', '<sip:bob@10.0.0.2>'],
        ['Call-ID', 'x'],
        ['CSeq', '1 INVITE'],
        ['Max-Forwards', '70'],
      ]),
      body: EMPTY_BODY,
    };
    alice.send(invite, [{ transport: 'udp', remoteAddress: '10.0.0.2', remotePort: 5060 }], {
      onProvisional: () => seen.push('1xx'),
      onFinal: (response) => seen.push(String(response.status)),
      onTimeout: () => seen.push('timeout'),
      onTransportError: () => seen.push('error'),
      onTerminated: () => seen.push('terminated'),
    });
    await clock.advance(100);
    expect(seen).toEqual(['INVITE', '200']);
    await clock.advance(33_000);
    expect(seen).toEqual(['INVITE', '200', 'terminated']);
    expect(clock.timerCount).toBe(0);
  });
});
