/** The counters of the engine threads as totals, and as metrics. */
import type { Metrics } from '../common/metrics.ts';
import type { WorkerRecord } from './abi.gen.ts';
import type { MediaLoad } from './media.ts';

/** What a record holds besides counters. */
const NOT_COUNTERS = new Set([
  'version',
  'realtime',
  'busyShare',
  'cpuShare',
  'latenessP99Ms',
  'meanLegs',
  'legs',
  'conferences',
  'wallMs',
]);
/** Totals that can also fall. */
const GAUGES = new Set(['ports_in_use', 'prompt_bytes', 'kept_awake']);

export function totals(records: readonly WorkerRecord[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const record of records) {
    for (const [key, value] of Object.entries(record)) {
      if (NOT_COUNTERS.has(key) || typeof value !== 'number') continue;
      const name = key.replace(/[A-Z]|\d+/g, (part) => `_${part.toLowerCase()}`);
      sums.set(name, (sums.get(name) ?? 0) + value);
    }
  }
  return sums;
}

export function exportCounters(
  metrics: Metrics,
  /** Label of this engine; a process has several. */
  engine: string,
  counters: () => ReadonlyMap<string, number>,
  load: () => MediaLoad,
): void {
  const before = new Map<string, number>();
  const labels = { engine };
  const gauge = (name: string, help: string, value: number): void =>
    metrics.gauge(`minusone_media_${name}`, help, ['engine']).set(value, labels);
  metrics.onCollect(() => {
    for (const [name, value] of counters()) {
      if (GAUGES.has(name)) {
        gauge(name, `Media engine: ${name}`, value);
        continue;
      }
      const grown = value - (before.get(name) ?? 0);
      before.set(name, value);
      const help = `Media engine: ${name}`;
      const counter = metrics.counter(`minusone_media_${name}_total`, help, ['engine']);
      counter.add(Math.max(0, grown), labels);
    }
    const { busyShare, latenessMs, headroom, legs, conferences } = load();
    gauge('busy_ratio', 'Share of time in ticks, busiest thread', busyShare);
    gauge('lateness_seconds', '99th percentile of tick lateness', latenessMs / 1000);
    gauge('headroom_legs', 'Legs that still fit, as measured', headroom);
    gauge('legs', 'Open legs', legs);
    gauge('conferences', 'Open mixes', conferences);
  });
}
