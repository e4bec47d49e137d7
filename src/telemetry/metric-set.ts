import type { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { PromClient } from './load-prom-client.ts';
import { type MetricDefinition, metricDefinitions } from './metric-definitions.ts';
import type { CounterName, GaugeName, HistogramName, MetricName } from './metric-names.ts';
import { Series } from './series.ts';

type AnyMetric = Counter | Gauge | Histogram;

/** How a {@link MetricSet} is bounded and labelled. */
export interface MetricSetOptions {
  readonly appName: string;
  readonly maxLabelSets: number;
}

/** Every metric of the table, made once on a registry of its own, and given out by name and type. */
export class MetricSet {
  readonly registry: Registry;
  readonly #metrics = new Map<MetricName, AnyMetric>();
  readonly #series = new Map<MetricName, Series<unknown>>();

  constructor(client: PromClient, options: MetricSetOptions) {
    this.registry = new client.Registry();
    for (const definition of metricDefinitions) {
      this.#metrics.set(definition.name, make(client, definition, this.registry));
    }
    const overflow = this.counter('plinth_metric_overflow_total');
    for (const { name, labels } of metricDefinitions) {
      const metric = this.#metrics.get(name) as { labels(...values: string[]): unknown };
      const fixed = labels[0] === 'app_name' ? [options.appName] : [];
      const onOverflow = (): void => overflow.labels(name).inc();
      this.#series.set(name, new Series(metric, { fixed, maxSets: options.maxLabelSets, onOverflow }));
    }
  }

  /** A counter by name. */
  counter(name: CounterName): Counter {
    return this.#metrics.get(name) as Counter;
  }

  /** A gauge by name. */
  gauge(name: GaugeName): Gauge {
    return this.#metrics.get(name) as Gauge;
  }

  /** A counter with bounded label sets. */
  counts(name: CounterName): Series<Counter.Internal> {
    return this.#series.get(name) as Series<Counter.Internal>;
  }

  /** A gauge with bounded label sets. */
  levels(name: GaugeName): Series<Gauge.Internal<string>> {
    return this.#series.get(name) as Series<Gauge.Internal<string>>;
  }

  /** A histogram with bounded label sets. */
  times(name: HistogramName): Series<Histogram.Internal<string>> {
    return this.#series.get(name) as Series<Histogram.Internal<string>>;
  }
}

function make(client: PromClient, definition: MetricDefinition, registry: Registry): AnyMetric {
  const { name, help, labels, buckets } = definition;
  const configuration = { name, help, labelNames: [...labels], registers: [registry] };
  if (definition.type === 'counter') return new client.Counter(configuration);
  if (definition.type === 'gauge') return new client.Gauge(configuration);
  return new client.Histogram({ ...configuration, ...(buckets === undefined ? {} : { buckets: [...buckets] }) });
}
