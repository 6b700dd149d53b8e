/** Sends one datagram to a transaction layer on a simulated network and tells what came of it. */
import { seededRandom } from '../../../common/ids.ts';
import { silentLogger } from '../../../common/log.ts';
import { createMetrics } from '../../../common/metrics.ts';
import { SimClock } from '../../../common/sim-clock.ts';
import { responseTo, type SipRequest } from '../message.ts';
import { createTransactionLayer } from '../transaction/layer.ts';
import { createSimNetwork } from '../transport/sim.ts';

export interface Outcome {
  /** What reached the user of the transactions. */
  readonly request: SipRequest | undefined;
  /** The answer on the wire; a request that reached the user is answered 200. */
  readonly status: number | undefined;
}

export async function outcomeOf(datagram: Uint8Array): Promise<Outcome> {
  const clock = new SimClock();
  const random = seededRandom(7);
  const network = createSimNetwork(clock, random);
  let request: SipRequest | undefined;
  const layer = createTransactionLayer({
    transports: [network.createTransport({ address: '192.0.2.50', port: 5060 })],
    clock,
    random,
    log: silentLogger,
    metrics: createMetrics(),
    user: {
      onRequest: (transaction) => {
        request = transaction.request;
        transaction.respond(responseTo(transaction.request, 200, { toTag: 'ours' }));
      },
      onAck: () => undefined,
      onStrayResponse: () => undefined,
    },
  });
  await layer.start();
  // The answer may go to the port of the Via or to the one that the datagram came from.
  const peer = network.attach('udp', '192.0.2.99', 5999, () => undefined);
  peer.send(datagram, { remoteAddress: '192.0.2.50', remotePort: 5060 });
  await clock.advance(150);
  const answers = network.trace.filter((record) => record.from === 'udp:192.0.2.50:5060');
  await layer.close();
  const [answer] = answers;
  return { request, status: answer === undefined ? undefined : statusOf(answer.bytes) };
}

/** By the first line, as an answer to a message without From, To or Call-ID lacks them too. */
function statusOf(bytes: Uint8Array): number {
  return Number(Buffer.from(bytes).toString('latin1', 8, 11));
}
