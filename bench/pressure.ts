/**
 * What running conferences notice of others: a storm of joins that all fit (`storm`), or more than the
 * target can carry (`overload`). A base load runs and is measured before, during and after; the rest
 * is a burden only. The base must lose nothing and hear everybody as late as before; with `overload`
 * what does not fit must be refused with 503 and Retry-After (R45).
 */
import { systemClock } from '../common/clock.ts';
import type { Callers, CallsReport } from './callers.ts';
import { failedChecks } from './checks.ts';
import {
  type CpuReport,
  type DriverReport,
  driverReport,
  type LoadOptions,
  settleMs,
  withCallers,
} from './load.ts';
import { type Machine, thisMachine } from './machine.ts';
import type { CountersReport, DelayReport, RtpDriver, TonesReport } from './rtp-driver.ts';

export type PressureKind = 'storm' | 'overload';

export interface PressureOptions extends LoadOptions {
  readonly kind: PressureKind;
  /** What comes on top of the base, into conferences of its own. */
  readonly extraConferences: number;
  readonly extraSize: number;
  readonly extraRamp: number;
}

export interface Window {
  readonly counters: CountersReport;
  readonly delay: DelayReport;
}

export interface PressureReport {
  readonly kind: PressureKind;
  readonly machine: Machine;
  readonly options: Omit<PressureOptions, 'progress'>;
  readonly base: CallsReport;
  readonly extra: CallsReport;
  readonly endedEarly: number;
  readonly before: Window;
  readonly during: Window;
  readonly after: Window;
  readonly tones: TonesReport;
  readonly driver: DriverReport;
  readonly cpu: CpuReport | null;
  readonly failures: readonly string[];
}

/** More than this is a change of the delay, not its scatter. */
const P50_MARGIN_MS = 1.5;
const P99_MARGIN_MS = 10;
/** The measurement begins before the first extra call and ends after the last. */
const LEAD_MS = 1000;

export async function runPressure(options: PressureOptions): Promise<PressureReport> {
  const base = options.conferences * options.size;
  const legs = base + options.extraConferences * options.extraSize;
  return withCallers(options, legs, (callers, driver) => run(options, callers, driver, base));
}

async function run(
  options: PressureOptions,
  callers: Callers,
  driver: RtpDriver,
  baseLegs: number,
): Promise<PressureReport> {
  const { conferences, size, ramp, seconds, progress } = options;
  const baseCalls = await callers.place({
    prefix: 'load',
    conferences,
    size,
    ramp,
    firstLeg: 0,
    firstConference: 0,
    measured: true,
  });
  progress(`${baseCalls.established} of ${baseCalls.wanted} calls of the base established`);
  await systemClock.sleep(settleMs(options));
  const before = await driver.measureDelay(seconds);
  const extraCalls = options.extraConferences * options.extraSize;
  const rampSeconds = Math.ceil(extraCalls / options.extraRamp) + (2 * LEAD_MS) / 1000;
  const measuring = driver.measureDelay(Math.max(seconds, rampSeconds));
  await systemClock.sleep(LEAD_MS);
  const extra = await callers.place({
    prefix: 'extra',
    conferences: options.extraConferences,
    size: options.extraSize,
    ramp: options.extraRamp,
    firstLeg: baseLegs,
    firstConference: conferences,
    measured: false,
  });
  const during = await measuring;
  progress(`${extra.established} of ${extra.wanted} extra calls established`);
  const after = await driver.measureDelay(seconds);
  const { tones } = await driver.measureTones(Math.max(3, Math.min(seconds, 5)));
  const { progress: _, ...plainOptions } = options;
  const report = {
    kind: options.kind,
    machine: thisMachine(),
    options: plainOptions,
    base: baseCalls,
    extra,
    endedEarly: callers.endedEarly,
    before,
    during,
    after,
    tones,
    driver: driverReport(during.counters, null),
    cpu: null,
  };
  return { ...report, failures: pressureFailures(report) };
}

/** Pure, for its test. */
export function pressureFailures(
  report: Pick<
    PressureReport,
    'kind' | 'base' | 'extra' | 'endedEarly' | 'before' | 'during' | 'after' | 'tones'
  >,
): string[] {
  const { kind, extra, before, during, after } = report;
  const failures = failedChecks({
    calls: report.base,
    endedEarly: report.endedEarly,
    tones: report.tones,
    counters: [before.counters, during.counters, after.counters],
    delay: during.delay,
  });
  const grew = [during, after].some(
    ({ delay }) =>
      delay.p50Ms > before.delay.p50Ms + P50_MARGIN_MS ||
      delay.p99Ms > before.delay.p99Ms + P99_MARGIN_MS,
  );
  if (grew) failures.push('delay-grew');
  const refused = extra.wanted - extra.established;
  const busy = extra.failed['503'] ?? 0;
  if (kind === 'storm' && refused > 0) failures.push('extra-calls');
  if (kind === 'overload') {
    if (refused === 0) failures.push('nothing-refused');
    if (busy < refused) failures.push('refused-otherwise');
    if (extra.withRetryAfter < busy) failures.push('no-retry-after');
  }
  return failures;
}
