export {
  type CounterName,
  type GaugeName,
  type HistogramName,
  type MetricDefinition,
  type MetricName,
  metricDefinitions,
} from './metric-definitions.ts';
export {
  type BreakerEvents,
  type BreakerState,
  createMetrics,
  type KnownBreaker,
  Metrics,
  type MetricsOptions,
  type ObservedCacheStats,
  type RequestEvents,
  type RequestRecord,
} from './metrics.ts';
export {
  type CollectedRequest,
  type CollectorEvents,
  type CollectorStats,
  MetricsCollector,
  type MetricsCollectorOptions,
} from './metrics-collector.ts';
