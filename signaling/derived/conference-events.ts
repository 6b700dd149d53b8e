/** The event package of conferences with the one watch that it lives on; for the user agents of one process. */
import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/log.ts';
import type { Metrics } from '../../common/metrics.ts';
import type { Store } from '../../common/store/store.ts';
import type { NotifierOptions } from '../sip/events/notifier.ts';
import { createConferencePackage, type SubscriberRule } from './conference-package.ts';
import { ConferenceStates } from './conference-states.ts';
import { watchLogs } from './log-watch.ts';

export interface ConferenceEventsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly realm: string;
  readonly settings: {
    readonly subscribers: readonly (SubscriberRule & {
      readonly username: string;
      readonly password: string;
    })[];
    readonly conferees: 'none' | 'hosts' | 'all';
    readonly minimumExpiresS: number;
    readonly maximumExpiresS: number;
    readonly restMs: number;
    readonly subscriptionLimit: number;
    readonly subscriptionLimitPerSubscriber: number;
  };
}

export interface ConferenceEvents {
  /** For each user agent that may be subscribed at. */
  readonly notifier: NotifierOptions;
  /** After the user agents. */
  close(): Promise<void>;
}

/** RFC 4575 section 3.4. */
const DEFAULT_EXPIRES_S = 3_600;

/** Undefined: nobody may subscribe, and nothing is watched. */
export async function openConferenceEvents(
  options: ConferenceEventsOptions,
): Promise<ConferenceEvents | undefined> {
  const { settings, realm, metrics } = options;
  const { subscribers, conferees, minimumExpiresS, maximumExpiresS, restMs } = settings;
  if (subscribers.length === 0 && conferees === 'none') return undefined;
  const states = new ConferenceStates(options);
  const watch = await watchLogs(options, [states]);
  const followed = metrics.gauge(
    'minusone_conferences_followed',
    'Conferences that are subscribed to by SIP.',
  );
  metrics.onCollect(() => followed.set(states.size));
  const rules = new Map(subscribers.map((each) => [each.username, each]));
  const conference = createConferencePackage({
    ...options,
    states,
    subscribers: rules,
    conferees,
    restMs,
  });
  return {
    notifier: {
      packages: [conference],
      lifetimes: {
        defaultS: Math.min(DEFAULT_EXPIRES_S, maximumExpiresS),
        minS: minimumExpiresS,
        maxS: maximumExpiresS,
      },
      challenge: { realm, passwordOf: (name) => rules.get(name)?.password },
      limits: {
        total: settings.subscriptionLimit,
        perSubscriber: settings.subscriptionLimitPerSubscriber,
      },
    },
    close: () => watch.close(),
  };
}
