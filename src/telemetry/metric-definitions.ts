import type { CounterName, GaugeName, MetricName } from './metric-names.ts';

/** One metric as it is exposed and documented. */
export interface MetricDefinition {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Label names, in the order in which values are given. */
  readonly labels: readonly string[];
  /** One sentence for people; Prometheus shows it. */
  readonly help: string;
  /** What one unit of the value is. */
  readonly unit: string;
  /** Upper bounds of a histogram. @default prom-client's, 5 ms to 10 s */
  readonly buckets?: readonly number[];
}

/** Upper bounds for durations, in seconds: from a memory hit to the longest wait that is allowed. */
const durationBuckets: readonly number[] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Upper bounds for what takes seconds or hours, in seconds. */
const longDurationBuckets: readonly number[] = [1, 5, 15, 60, 300, 900, 3_600, 14_400, 43_200];

type TypeOf<Name extends MetricName> = Name extends CounterName
  ? 'counter'
  : Name extends GaugeName
    ? 'gauge'
    : 'histogram';

type Definitions = {
  readonly [Name in MetricName]: Omit<MetricDefinition, 'name'> & { readonly type: TypeOf<Name> };
};

const definitions: Definitions = {
  request_count_total: {
    type: 'counter',
    labels: ['app_name', 'endpoint'],
    help: 'Total request count',
    unit: 'requests',
  },
  request_latency_seconds: {
    type: 'histogram',
    labels: ['app_name', 'endpoint'],
    help: 'Request latency',
    unit: 'seconds',
    buckets: durationBuckets,
  },
  plinth_responses_total: {
    type: 'counter',
    labels: ['method', 'endpoint', 'status_class'],
    help: 'Answers by method, route pattern and class of status (2xx, 4xx, aborted)',
    unit: 'answers',
  },
  circuit_breaker_state: {
    type: 'gauge',
    labels: ['service_name'],
    help: 'Circuit breaker state: 0 closed, 1 half-open, 2 open; a breaker in shadow refuses nothing and is 0',
    unit: 'state',
  },
  plinth_circuit_shadow_rejections_total: {
    type: 'counter',
    labels: ['service_name'],
    help: 'Calls that a breaker in shadow let through and would have refused',
    unit: 'calls',
  },
  plinth_calls_total: {
    type: 'counter',
    labels: ['dependency', 'operation', 'result', 'freshness'],
    help: 'Guarded calls by outcome; freshness is none when there was no value',
    unit: 'calls',
  },
  plinth_call_duration_seconds: {
    type: 'histogram',
    labels: ['dependency', 'operation'],
    help: 'Duration of guarded calls, waits and retries included',
    unit: 'seconds',
    buckets: durationBuckets,
  },
  plinth_call_attempts_total: {
    type: 'counter',
    labels: ['dependency'],
    help: 'How often the dependency was really asked',
    unit: 'attempts',
  },
  plinth_call_retries_total: {
    type: 'counter',
    labels: ['dependency'],
    help: 'Attempts that were made because the one before had failed',
    unit: 'attempts',
  },
  plinth_call_hedges_total: {
    type: 'counter',
    labels: ['dependency'],
    help: 'Attempts that were made beside one that took long',
    unit: 'attempts',
  },
  plinth_retry_amplification_ratio: {
    type: 'gauge',
    labels: ['dependency'],
    help: 'Attempts per call within the window of the retry budget, 10 s by default: what an outage is multiplied by',
    unit: 'attempts per call',
  },
  plinth_retry_budget_available: {
    type: 'gauge',
    labels: ['dependency'],
    help: 'Retries that the retry budget would grant now',
    unit: 'attempts',
  },
  plinth_concurrency_active: {
    type: 'gauge',
    labels: ['dependency'],
    help: 'Attempts under way now',
    unit: 'attempts',
  },
  plinth_concurrency_queued: {
    type: 'gauge',
    labels: ['dependency'],
    help: 'Attempts that wait for a slot now',
    unit: 'attempts',
  },
  plinth_concurrency_limit: {
    type: 'gauge',
    labels: ['dependency'],
    help: 'Attempts that may be under way at once',
    unit: 'attempts',
  },
  plinth_limiter_decisions_total: {
    type: 'counter',
    labels: ['limiter', 'outcome'],
    help: 'Decisions of rate limits: of requests allowed, denied, would-deny (shadow), unavailable-allowed, unavailable-denied (store away); of calls that had to wait waited, rejected',
    unit: 'decisions',
  },
  plinth_limiter_waiting: {
    type: 'gauge',
    labels: ['limiter'],
    help: 'Callers that wait for a rate limit now',
    unit: 'callers',
  },
  plinth_limiter_evicted_keys_total: {
    type: 'counter',
    labels: ['limiter'],
    help: 'Keys that a rate limit in memory forgot because there were too many; their limit began anew',
    unit: 'keys',
  },
  plinth_redis_up: {
    type: 'gauge',
    labels: ['connection'],
    help: 'Whether Redis carries out commands: 1 yes, 0 no',
    unit: 'boolean',
  },
  plinth_database_connections: {
    type: 'gauge',
    labels: ['pool'],
    help: 'Connections to the database that are open: primary, or the name of a replica',
    unit: 'connections',
  },
  plinth_database_connections_active: {
    type: 'gauge',
    labels: ['pool'],
    help: 'Connections to the database that are on loan',
    unit: 'connections',
  },
  plinth_database_waiting: {
    type: 'gauge',
    labels: ['pool'],
    help: 'Callers that wait for a connection to the database',
    unit: 'callers',
  },
  plinth_database_replica_ready: {
    type: 'gauge',
    labels: ['replica'],
    help: 'Whether a replica answers reads: 1 yes, 0 no',
    unit: 'boolean',
  },
  plinth_database_transaction_retries_total: {
    type: 'counter',
    labels: [],
    help: 'Transactions that lost against others (serialization failure, deadlock) and were run again',
    unit: 'transactions',
  },
  plinth_database_slow_queries_total: {
    type: 'counter',
    labels: [],
    help: 'Statements beyond the threshold for slow ones',
    unit: 'statements',
  },
  plinth_stage_decisions_total: {
    type: 'counter',
    labels: ['stage', 'decision'],
    help: 'Decisions of the stages of guarded calls',
    unit: 'decisions',
  },
  plinth_cache_hits_total: {
    type: 'counter',
    labels: ['cache'],
    help: 'Reads that found a fresh entry',
    unit: 'reads',
  },
  plinth_cache_misses_total: {
    type: 'counter',
    labels: ['cache'],
    help: 'Reads that found no fresh entry',
    unit: 'reads',
  },
  plinth_cache_stale_total: {
    type: 'counter',
    labels: ['cache'],
    help: 'Reads that were answered with an older value because loading failed',
    unit: 'reads',
  },
  plinth_cache_evictions_total: {
    type: 'counter',
    labels: ['cache'],
    help: 'Entries that went because the cache was full',
    unit: 'entries',
  },
  plinth_cache_entries: { type: 'gauge', labels: ['cache'], help: 'Entries in the cache now', unit: 'entries' },
  plinth_batch_items_total: {
    type: 'counter',
    labels: ['batch', 'outcome'],
    help: 'Items of batches that have a result: succeeded, failed, or recorded (known from a checkpoint)',
    unit: 'items',
  },
  plinth_batch_active_items: {
    type: 'gauge',
    labels: ['batch'],
    help: 'Items that are worked on now, or wait at the limiter',
    unit: 'items',
  },
  plinth_batch_duration_seconds: {
    type: 'histogram',
    labels: ['batch', 'outcome'],
    help: 'Duration of batches by how they ended: completed, stopped, aborted, failed',
    unit: 'seconds',
    buckets: longDurationBuckets,
  },
  plinth_contract_drifts_total: {
    type: 'counter',
    labels: ['contract', 'kind'],
    help: 'Differences between what a source sends and its recorded shape: new-field, missing-field, retyped-field; each once',
    unit: 'differences',
  },
  plinth_contract_quarantined_total: {
    type: 'counter',
    labels: ['contract'],
    help: 'Records that could not be read and went to quarantine',
    unit: 'records',
  },
  plinth_llm_answers_total: {
    type: 'counter',
    labels: ['provider', 'operation', 'finish_reason'],
    help: 'Answers that a language model gave, by prompt and by why they ended: stop, length, content-filter, other',
    unit: 'answers',
  },
  plinth_llm_tokens_total: {
    type: 'counter',
    labels: ['provider', 'operation', 'direction'],
    help: 'Tokens that a language model counted, by prompt and direction (prompt, completion); answers from a cache count none',
    unit: 'tokens',
  },
  plinth_source_requests_total: {
    type: 'counter',
    labels: ['source', 'status_class'],
    help: 'Requests that a collector was told about, by source and class of status',
    unit: 'requests',
  },
  plinth_source_request_duration_seconds: {
    type: 'histogram',
    labels: ['source'],
    help: 'Duration of requests that a collector was told about',
    unit: 'seconds',
    buckets: durationBuckets,
  },
  plinth_cache_tier_reads_total: {
    type: 'counter',
    labels: ['tier', 'outcome'],
    help: 'Cache reads that a collector was told about, by tier and outcome (hit, miss)',
    unit: 'reads',
  },
  plinth_rate_limited_total: {
    type: 'counter',
    labels: ['domain'],
    help: 'Times that a rate limit held a request back',
    unit: 'requests',
  },
  plinth_metric_overflow_total: {
    type: 'counter',
    labels: ['metric'],
    help: 'Observations counted under the label value other because a metric had too many label sets',
    unit: 'observations',
  },
  plinth_event_loop_lag_seconds: {
    type: 'gauge',
    labels: [],
    help: 'How late the event loop was in 99 of 100 turns since the last scrape',
    unit: 'seconds',
  },
  process_cpu_seconds_total: {
    type: 'counter',
    labels: [],
    help: 'Processor time spent, user and system',
    unit: 'seconds',
  },
  process_start_time_seconds: {
    type: 'gauge',
    labels: [],
    help: 'When the process started, since 1970',
    unit: 'seconds',
  },
  process_resident_memory_bytes: { type: 'gauge', labels: [], help: 'Resident memory', unit: 'bytes' },
  nodejs_heap_size_total_bytes: { type: 'gauge', labels: [], help: 'Size of the JavaScript heap', unit: 'bytes' },
  nodejs_heap_size_used_bytes: { type: 'gauge', labels: [], help: 'Used part of the JavaScript heap', unit: 'bytes' },
  nodejs_external_memory_bytes: {
    type: 'gauge',
    labels: [],
    help: 'Memory outside the JavaScript heap that its objects hold',
    unit: 'bytes',
  },
  nodejs_active_resources: {
    type: 'gauge',
    labels: ['type'],
    help: 'What keeps the event loop alive, by type',
    unit: 'resources',
  },
  nodejs_version_info: { type: 'gauge', labels: ['version'], help: 'Always 1; the version is the label', unit: 'one' },
};

/** The one table of all metrics: what is exposed and `docs/metrics.md` both come from it. */
export const metricDefinitions: readonly (MetricDefinition & { readonly name: MetricName })[] = Object.freeze(
  (Object.keys(definitions) as MetricName[]).map(name => Object.freeze({ name, ...definitions[name] })),
);
