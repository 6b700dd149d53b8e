/** Reports as lines for the terminal. */
import type { CallsReport } from './callers.ts';
import type { FindReport } from './find.ts';
import type { LoadReport } from './load.ts';
import type { PressureReport } from './pressure.ts';
import type { CountersReport, DelayReport } from './rtp-driver.ts';

export function loadText(report: LoadReport): string {
  const { calls, tones, counters, delay, cpu, driver, failures } = report;
  const lines = [
    callsText('calls', calls),
    countersText(counters),
    `tones       ${tones.checked} legs, level error ${tones.worstLevelErrorDb} dB, ` +
      `own ${tones.worstOwnDbfs} dBFS, foreign ${tones.worstForeignDbfs} dBFS`,
  ];
  if (delay !== null) lines.push(delayText('delay', delay));
  if (cpu !== null) {
    lines.push(
      `cpu         ${percent(cpu.shareOfCore)} of a core, ${cpu.msPerConfereeSecond.toFixed(3)} ms a ` +
        `conferee-second, ${Math.round(cpu.confereesPerCore)} a core; foreign load ` +
        `${cpu.foreignCores.toFixed(2)} cores`,
      `memory      ${cpu.residentKibPerConferee.toFixed(1)} KiB a conferee ` +
        `(${kib(cpu.residentBeforeKib)} before, ${kib(cpu.residentAfterKib)} after)`,
    );
  }
  const ratio = driver.ratio === null ? '' : `, ${driver.ratio.toFixed(2)} of the target`;
  lines.push(
    `driver      ${percent(driver.shareOfCore)} of a core, ${driver.msPerConfereeSecond.toFixed(3)} ms a ` +
      `conferee-second${ratio}; late slots ${counters.driverLateSlots}, worst ${counters.driverWorstLateMs} ms`,
    failures.length === 0 ? 'held' : `FAILED: ${failures.join(', ')}`,
  );
  return lines.join('\n');
}

export function pressureText(report: PressureReport): string {
  const { before, during, after, failures } = report;
  return [
    callsText('base', report.base),
    callsText('extra', report.extra),
    delayText('before', before.delay),
    delayText('during', during.delay),
    delayText('after', after.delay),
    `lost        ${before.counters.lost} before, ${during.counters.lost} during, ${after.counters.lost} after; ` +
      `slowest leg ${during.counters.slowestRate}/s during`,
    failures.length === 0 ? 'held' : `FAILED: ${failures.join(', ')}`,
  ].join('\n');
}

/** A table for a page of the documentation. */
export function findTable(found: FindReport): string {
  const size = found.runs[0]?.options.size ?? 0;
  const rows = found.runs
    .toSorted((a, b) => a.calls.wanted - b.calls.wanted)
    .map(({ options, calls, cpu, delay, driver, counters, failures }) =>
      [
        `${options.codec} ${options.conferences} × ${options.size}`,
        calls.established,
        cpu === null ? '–' : percent(cpu.shareOfCore),
        cpu === null ? '–' : cpu.msPerConfereeSecond.toFixed(3),
        driver.msPerConfereeSecond.toFixed(3),
        delay === null ? '–' : `${delay.p50Ms} / ${delay.p99Ms}`,
        counters.lost,
        failures.length === 0 ? 'held' : failures.join(', '),
      ].join(' | '),
    );
  return [
    '| load | conferees | core | ms / conferee-s | driver ms | delay p50 / p99 ms | lost | checks |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row} |`),
    '',
    `holds ${found.held} × ${size} = ${found.held * size} conferees`,
  ].join('\n');
}

export function callsText(name: string, calls: CallsReport): string {
  const levels = calls.withLevels === 0 ? '' : `, ${calls.withLevels} with levels`;
  const failed = Object.entries(calls.failed).map(([why, count]) => `${count} × ${why}`);
  const refused =
    failed.length === 0
      ? ''
      : `; failed ${failed.join(', ')} (${calls.withRetryAfter} Retry-After)`;
  return (
    `${name.padEnd(12)}${calls.established} of ${calls.wanted} in ${calls.seconds.toFixed(1)} s, ` +
    `set up in ${calls.setupP50Ms.toFixed(0)} / ${calls.setupP99Ms.toFixed(0)} ms (p50 / p99)${levels}${refused}`
  );
}

export function countersText(counters: CountersReport): string {
  const injected =
    counters.injectedLoss + counters.injectedDuplicates + counters.injectedDelays === 0
      ? ''
      : `; injected: ${counters.injectedLoss} lost, ${counters.injectedDuplicates} twice, ${counters.injectedDelays} late`;
  return (
    `packets     sent ${counters.sent} received ${counters.received} lost ${counters.lost} ` +
    `timestamp errors ${counters.timestampErrors} slowest leg ${counters.slowestRate}/s${injected}`
  );
}

export function delayText(name: string, delay: DelayReport): string {
  return (
    `${name.padEnd(12)}p50 ${delay.p50Ms} p90 ${delay.p90Ms} p99 ${delay.p99Ms} max ${delay.maxMs} ms ` +
    `(${delay.probes} probes: ${delay.missed} missed, ${delay.broken} broken, ${delay.damaged} damaged; ` +
    `${delay.spoiled} more left late)`
  );
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function kib(value: number): string {
  return `${(value / 1024).toFixed(1)} MiB`;
}
