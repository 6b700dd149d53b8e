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
  'legs',
  'conferences',
  'wallMs',
]);
/** Totals that can also fall. */
const GAUGES = new Set(['ports_in_use', 'prompt_bytes']);

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
  counters: () => ReadonlyMap<string, number>,
  load: () => MediaLoad,
): void {
  const before = new Map<string, number>();
  metrics.onCollect(() => {
    for (const [name, value] of counters()) {
      if (GAUGES.has(name)) {
        metrics.gauge(`minusone_media_${name}`, `Media engine: ${name}`).set(value);
        continue;
      }
      const grown = value - (before.get(name) ?? 0);
      before.set(name, value);
      const counter = metrics.counter(`minusone_media_${name}_total`, `Media engine: ${name}`);
      counter.add(Math.max(0, grown));
    }
    const { busyShare, latenessMs, headroom, legs, conferences } = load();
    const set = (name: string, help: string, value: number): void =>
      metrics.gauge(`minusone_media_${name}`, help).set(value);
    set('busy_ratio', 'Share of time in ticks, busiest thread', busyShare);
    set('lateness_seconds', '99th percentile of tick lateness', latenessMs / 1000);
    set('headroom_legs', 'Legs that still fit, as measured', headroom);
    set('legs', 'Open legs', legs);
    set('conferences', 'Open mixes', conferences);
  });
}
