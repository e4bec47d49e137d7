export {
  type CounterName,
  type GaugeName,
  type HistogramName,
  type MetricDefinition,
  type MetricName,
  metricDefinitions,
} from './metric-definitions.ts';
export {
  createMetrics,
  type LimitOutcome,
  Metrics,
  type MetricsOptions,
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
export type {
  ObservedBatch,
  ObservedBreaker,
  ObservedBudget,
  ObservedCacheStats,
  ObservedConcurrency,
  ObservedContract,
  ObservedLimiter,
  ObservedQueuedBatch,
  ObservedRedis,
} from './readings.ts';
