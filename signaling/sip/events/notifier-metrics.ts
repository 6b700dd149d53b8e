/** Counters of the event layer; one set per process, whoever asks first makes it. */
import type { Metrics } from '../../../common/metrics.ts';

export interface NotifierMetrics {
  /** `granted`, `refreshed`, or why not. */
  subscribe(outcome: string): void;
  started(event: string): void;
  /** `reason` as in Subscription-State, or `failed`, `aborted`. */
  ended(event: string, reason: string): void;
  notify(event: string, outcome: 'taken' | 'put-off' | 'failed' | 'unanswered'): void;
}

export function createNotifierMetrics(metrics: Metrics): NotifierMetrics {
  const subscribes = metrics.counter(
    'minusone_sip_subscribes_total',
    'SUBSCRIBE requests, by what became of them.',
    ['outcome'],
  );
  const active = metrics.gauge('minusone_sip_subscriptions', 'Subscriptions that are not ended.', [
    'event',
  ]);
  const ends = metrics.counter(
    'minusone_sip_subscription_ends_total',
    'Subscriptions that ended.',
    ['event', 'reason'],
  );
  const notifies = metrics.counter(
    'minusone_sip_notifies_total',
    'NOTIFY requests, by what became of them.',
    ['event', 'outcome'],
  );
  return {
    subscribe: (outcome) => subscribes.add(1, { outcome }),
    started: (event) => active.add(1, { event }),
    ended: (event, reason) => {
      active.add(-1, { event });
      ends.add(1, { event, reason });
    },
    notify: (event, outcome) => notifies.add(1, { event, outcome }),
  };
}
