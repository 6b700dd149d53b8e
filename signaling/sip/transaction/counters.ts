/** The metrics of the transaction layer. */
import type { Metrics } from '../../../common/metrics.ts';
import type { TransactionLayer } from './transaction-user.ts';

export interface LayerCounters {
  dropped(reason: string): void;
  illegal(machine: string, state: string, event: string): void;
}

export function createLayerCounters(
  metrics: Metrics,
  counts: TransactionLayer['counts'],
): LayerCounters {
  const dropped = metrics.counter(
    'minusone_sip_transaction_dropped_total',
    'SIP messages that matched nothing or met a full table',
    ['reason'],
  );
  const illegal = metrics.counter(
    'minusone_sip_transaction_illegal_total',
    'Events that no transaction expects in its state',
    ['machine', 'state', 'event'],
  );
  const open = metrics.gauge('minusone_sip_transactions', 'Open SIP transactions', ['machine']);
  // Layers of one process share the gauge: each adds what changed since it was last asked.
  const reported = new Map<string, number>();
  metrics.onCollect(() => {
    for (const [machine, count] of Object.entries(counts)) {
      open.add(count - (reported.get(machine) ?? 0), { machine });
      reported.set(machine, count);
    }
  });
  return {
    dropped: (reason) => dropped.add(1, { reason }),
    illegal: (machine, state, event) => illegal.add(1, { machine, state, event }),
  };
}
