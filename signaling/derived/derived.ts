/**
 * What is derived from the event logs: call records and conference records (recorder.ts), and what is
 * told to other systems (webhooks.ts). Both read one watch (log-watch.ts) and never write into a log,
 * so that what they do, late or wrong, changes no conference. Start reading at log-watch.ts.
 */
import type { Clock } from '../../common/clock.ts';
import type { Random } from '../../common/ids.ts';
import type { Logger } from '../../common/log.ts';
import type { Metrics } from '../../common/metrics.ts';
import type { Role } from '../../common/role.ts';
import type { Store } from '../../common/store/store.ts';
import { watchLogs } from './log-watch.ts';
import { Recorder } from './recorder.ts';
import type { WebhookSender } from './webhook-sender.ts';
import { Webhooks } from './webhooks.ts';

export interface DerivedOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly random: Random;
  readonly keepRecordsMs: number;
  readonly webhooks: {
    readonly sender: WebhookSender;
    readonly maxBacklog: number;
    readonly disableAfterMs: number;
  };
}

export async function startDerived(options: DerivedOptions): Promise<Role> {
  const recorder = new Recorder({ ...options, keepMs: options.keepRecordsMs });
  const webhooks = new Webhooks({ ...options, ...options.webhooks });
  await webhooks.start();
  const watch = await watchLogs(options, [recorder, webhooks]);
  webhooks.started();
  await recorder.start();
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await watch.close();
    await webhooks.close();
    await recorder.close();
  };
  return {
    name: 'derived',
    health: () => ({ ready: stopped === undefined }),
    // The ends of the calls that a drain waits for are recorded too.
    drain() {},
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}
