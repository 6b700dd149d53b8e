/** The metrics that all transports share. */
import type { Metrics } from '../../../common/metrics.ts';
import type { MessageProblem } from '../problem.ts';
import type { TransportKind } from './transport.ts';

export interface TransportCounters {
  received(): void;
  sent(): void;
  problem(problem: MessageProblem): void;
  /** Something a bound or a failure made us drop. */
  dropped(reason: string): void;
  connections(change: number): void;
}

export function createCounters(metrics: Metrics, kind: TransportKind): TransportCounters {
  const labels = { transport: kind };
  const received = metrics.counter(
    'minusone_sip_messages_received_total',
    'SIP messages received and parsed',
    ['transport'],
  );
  const sent = metrics.counter('minusone_sip_messages_sent_total', 'SIP messages sent', [
    'transport',
  ]);
  const malformed = metrics.counter(
    'minusone_sip_messages_malformed_total',
    'SIP messages that could not be parsed',
    ['transport', 'problem', 'answerable'],
  );
  const dropped = metrics.counter(
    'minusone_sip_transport_dropped_total',
    'SIP messages and connections dropped by a bound or a failure of the link',
    ['transport', 'reason'],
  );
  const connections = metrics.gauge('minusone_sip_connections', 'Open SIP connections', [
    'transport',
  ]);
  return {
    received: () => received.add(1, labels),
    sent: () => sent.add(1, labels),
    problem: (problem) =>
      malformed.add(1, {
        ...labels,
        problem: problem.code,
        answerable: String(problem.answerable !== undefined),
      }),
    dropped: (reason) => dropped.add(1, { ...labels, reason }),
    connections: (change) => connections.add(change, labels),
  };
}
