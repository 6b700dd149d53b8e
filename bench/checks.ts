/** What a load must hold to count; the same that the peers were measured with. Pure. */
import type { CallsReport } from './callers.ts';
import type { CountersReport, DelayReport, TonesReport } from './rtp-driver.ts';

export interface Measured {
  readonly calls: CallsReport;
  readonly endedEarly: number;
  readonly tones: TonesReport | null;
  readonly counters: readonly CountersReport[];
  readonly delay: DelayReport | null;
}

/** Names of the checks that failed, in the order of what an operator should look at first. */
export function failedChecks(measured: Measured): string[] {
  const { calls, tones, delay, endedEarly } = measured;
  const failures: string[] = [];
  if (calls.established < calls.wanted) failures.push('calls');
  if (endedEarly > 0) failures.push('ended-early');
  for (const name of measured.counters.flatMap(failedCounters)) {
    if (!failures.includes(name)) failures.push(name);
  }
  if (tones !== null) {
    if (tones.incomplete > 0) failures.push('incomplete');
    if (tones.levelFailures > 0) failures.push('levels');
    if (tones.ownFailures > 0) failures.push('minus-one');
    if (tones.foreignFailures > 0) failures.push('cross-talk');
  }
  if (delay !== null) {
    if (delay.missed + delay.broken > delay.probes / 100) failures.push('probes-missed');
  }
  // Not the target's fault: late packets are concealed, and then tones and chirps are not what was sent.
  const lateSlots = measured.counters.reduce((sum, counters) => sum + counters.driverLateSlots, 0);
  const spoiled = delay !== null && delay.spoiled > (delay.probes + delay.spoiled) / 5;
  if (spoiled || (failures.length > 0 && lateSlots > 0)) failures.push('driver-late');
  return failures;
}

function failedCounters(counters: CountersReport): string[] {
  const failures: string[] = [];
  // 99 % of the calls get at least 49.5 packets a second.
  if (counters.slowLegs > counters.legs / 100 || counters.silentLegs > 0)
    failures.push('packet-rate');
  if (counters.lost > 0) failures.push('loss');
  if (counters.timestampErrors > 0) failures.push('timestamps');
  if (counters.ssrcChanges > 0) failures.push('ssrc');
  return failures;
}
