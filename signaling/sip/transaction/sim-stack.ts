/** A transaction layer on a simulated network, with a user that writes down what it is told. For tests. */

import { seededRandom } from '../../../common/ids.ts';
import { silentLogger } from '../../../common/log.ts';
import { createMetrics, type Metrics } from '../../../common/metrics.ts';
import { SimClock } from '../../../common/sim-clock.ts';
import { createHeaders } from '../headers.ts';
import { EMPTY_BODY, responseTo, type SipMessage, type SipRequest } from '../message.ts';
import { parseMessage } from '../parser.ts';
import { serializeMessage } from '../serializer.ts';
import { createSimNetwork, type SimNetwork } from '../transport/sim.ts';
import type { TransportKind } from '../transport/transport.ts';
import { createTransactionLayer, type RunningTransactionLayer } from './layer.ts';
import type {
  ClientTransactionUser,
  ServerTransaction,
  Target,
  TransactionUser,
} from './transaction-user.ts';

export interface SimStack {
  readonly layer: RunningTransactionLayer;
  readonly metrics: Metrics;
  readonly address: string;
  /** What the user of the layer was told, in order: `INVITE`, `ACK`, `stray 200`. */
  readonly told: string[];
  readonly requests: ServerTransaction[];
}

export interface SimStackOptions {
  readonly address: string;
  readonly kinds?: readonly TransportKind[];
  readonly onRequest?: (transaction: ServerTransaction) => void;
  readonly maxTransactions?: number;
  readonly seed?: number;
}

export async function createSimStack(
  network: SimNetwork,
  clock: SimClock,
  options: SimStackOptions,
): Promise<SimStack> {
  const told: string[] = [];
  const requests: ServerTransaction[] = [];
  const metrics = createMetrics();
  const user: TransactionUser = {
    onRequest: (transaction) => {
      told.push(transaction.request.method);
      requests.push(transaction);
      options.onRequest?.(transaction);
    },
    onAck: () => told.push('ACK'),
    onStrayResponse: (response) => told.push(`stray ${response.status}`),
  };
  const layer = createTransactionLayer({
    transports: (options.kinds ?? ['udp']).map((kind) =>
      network.createTransport({ kind, address: options.address, port: 5060 }),
    ),
    clock,
    random: seededRandom(options.seed ?? 1),
    log: silentLogger,
    metrics,
    user,
    ...(options.maxTransactions === undefined ? {} : { maxTransactions: options.maxTransactions }),
  });
  const started = await layer.start();
  if (!started.ok) throw started.error;
  return { layer, metrics, address: options.address, told, requests };
}

export function makeRequest(
  method: string,
  options: {
    readonly callId?: string;
    readonly body?: string;
    readonly headers?: readonly (readonly [string, string])[];
  } = {},
): SipRequest {
  return {
    kind: 'request',
    method,
    uri: 'sip:bob@192.0.2.2',
    headers: createHeaders([
      ['Max-Forwards', '70'],
      ['From', '<sip:alice@192.0.2.1>;tag=alice'],
      ['To', '<sip:bob@192.0.2.2>'],
      ['Call-ID', options.callId ?? 'call'],
      ['CSeq', `1 ${method}`],
      ...(options.headers ?? []),
    ]),
    body: options.body === undefined ? EMPTY_BODY : Buffer.from(options.body),
  };
}

export const target = (remoteAddress: string, transport: TransportKind = 'udp'): Target => ({
  transport,
  remoteAddress,
  remotePort: 5060,
});

/** Writes down what a client transaction tells: `180`, `200`, `timeout`, `error transport-failed`, `gone`. */
export function recorder(told: string[]): ClientTransactionUser {
  return {
    onProvisional: (response) => told.push(String(response.status)),
    onFinal: (response) => told.push(String(response.status)),
    onTimeout: () => told.push('timeout'),
    onTransportError: (error) => told.push(`error ${error.code}`),
    onTerminated: () => told.push('gone'),
  };
}

/** What was put on the wire, as `ms from>to first-line`, addresses by their last number. */
export function wire(network: SimNetwork): string[] {
  return network.trace.map(({ atMs, from, to, bytes }) => {
    const message = parsed(bytes);
    const what = message.kind === 'request' ? message.method : String(message.status);
    return `${Math.round(atMs)} ${short(from)}>${short(to)} ${what}`;
  });
}

/** `udp:192.0.2.7:5060` → `7`; other transports and ports are said. */
function short(end: string): string {
  const [transport = '', address = '', port = ''] = end.split(':');
  const number = address.split('.').at(-1) ?? '';
  return `${transport === 'udp' ? '' : `${transport}/`}${number}${port === '5060' ? '' : `:${port}`}`;
}

export function parsed(bytes: Uint8Array): SipMessage {
  const message = parseMessage(bytes);
  if (!message.ok) throw new Error(message.error.detail);
  return message.value;
}

export const ALICE = '192.0.2.1';
export const BOB = '192.0.2.2';

export function setUp(seed = 1) {
  const clock = new SimClock();
  const network = createSimNetwork(clock, seededRandom(seed));
  const stack = (address: string, options: Omit<SimStackOptions, 'address'> = {}) =>
    createSimStack(network, clock, { address, seed: seed + address.length, ...options });
  return { clock, network, stack };
}

export const answer =
  (...statuses: number[]) =>
  (transaction: ServerTransaction): void => {
    for (const status of statuses) {
      transaction.respond(responseTo(transaction.request, status, { toTag: 'bob' }));
    }
  };

/** A request of a peer without a stack, with its Via. */
export function raw(
  request: SipRequest,
  branch: string,
  via = `SIP/2.0/UDP 192.0.2.9:5060;branch=${branch}`,
): Uint8Array {
  return serializeMessage({ ...request, headers: request.headers.prepend('Via', via) });
}
