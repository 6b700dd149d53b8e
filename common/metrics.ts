import { Counter, Gauge, Histogram, Registry } from 'prom-client';

type Labels = Readonly<Record<string, string>>;

export interface CounterMetric {
  add(amount?: number, labels?: Labels): void;
}

export interface GaugeMetric {
  set(value: number, labels?: Labels): void;
  add(amount: number, labels?: Labels): void;
}

export interface HistogramMetric {
  observe(value: number, labels?: Labels): void;
}

/**
 * Metrics in the Prometheus text format. Names are `minusone_…` with the unit last (`_total`,
 * `_seconds`, `_ratio`). Asking for a name again gives the same metric, so roles of one process share it.
 */
export interface Metrics {
  counter(name: string, help: string, labelNames?: readonly string[]): CounterMetric;
  gauge(name: string, help: string, labelNames?: readonly string[]): GaugeMetric;
  histogram(
    name: string,
    help: string,
    buckets: readonly number[],
    labelNames?: readonly string[],
  ): HistogramMetric;
  /** Called before each exposition, to set gauges that are measured on demand. */
  onCollect(collect: () => void): void;
  text(): Promise<string>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const made = new Map<string, unknown>();
  const collectors: (() => void)[] = [];
  const once = <T>(name: string, make: () => T): T => {
    const existing = made.get(name);
    if (existing !== undefined) return existing as T;
    const metric = make();
    made.set(name, metric);
    return metric;
  };
  return {
    counter: (name, help, labelNames = []) =>
      once(name, () => {
        const metric = new Counter({
          name,
          help,
          labelNames: [...labelNames],
          registers: [registry],
        });
        return { add: (amount = 1, labels = {}) => metric.inc(labels, amount) };
      }),
    gauge: (name, help, labelNames = []) =>
      once(name, () => {
        const metric = new Gauge({
          name,
          help,
          labelNames: [...labelNames],
          registers: [registry],
        });
        return {
          set: (value, labels = {}) => metric.set(labels, value),
          add: (amount, labels = {}) => metric.inc(labels, amount),
        };
      }),
    histogram: (name, help, buckets, labelNames = []) =>
      once(name, () => {
        const metric = new Histogram({
          name,
          help,
          buckets: [...buckets],
          labelNames: [...labelNames],
          registers: [registry],
        });
        return { observe: (value, labels = {}) => metric.observe(labels, value) };
      }),
    onCollect: (collect) => {
      collectors.push(collect);
    },
    text: () => {
      for (const collect of collectors) collect();
      return registry.metrics();
    },
  };
}
