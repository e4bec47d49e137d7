export { type MetricDefinition, metricDefinitions } from './metric-definitions.ts';
export type { CounterName, GaugeName, HistogramName, MetricName } from './metric-names.ts';
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
  ObservedDatabase,
  ObservedLimiter,
  ObservedLlm,
  ObservedQueuedBatch,
  ObservedRedis,
} from './readings.ts';
