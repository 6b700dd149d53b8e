/** The newest alarms of the fraud shields, as operators see them. In memory: the log has all of them. */
import type { Bus } from '../../common/bus/bus.ts';
import { alarmNotice, SUBJECTS } from '../conference/messages.ts';
import type { AlarmView } from './schemas.ts';

const KEPT = 200;

export interface AlarmBook {
  /** Newest first. */
  list(): readonly AlarmView[];
  close(): Promise<void>;
}

export async function openAlarmBook(bus: Bus): Promise<AlarmBook> {
  const alarms: AlarmView[] = [];
  const subscription = await bus.subscribe(SUBJECTS.alarms, (body) => {
    const notice = alarmNotice.safeParse(body);
    if (!notice.success) return;
    const { atMs, node, alarm } = notice.data;
    alarms.unshift({ at: new Date(atMs).toISOString(), node, alarm });
    if (alarms.length > KEPT) alarms.pop();
  });
  return { list: () => alarms, close: () => subscription.close() };
}
