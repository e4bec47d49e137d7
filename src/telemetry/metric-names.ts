/** The counters of Plinth. */
export type CounterName =
  | 'plinth_source_requests_total'
  | 'request_count_total'
  | 'plinth_responses_total'
  | 'plinth_calls_total'
  | 'plinth_call_attempts_total'
  | 'plinth_stage_decisions_total'
  | 'plinth_cache_hits_total'
  | 'plinth_cache_misses_total'
  | 'plinth_cache_stale_total'
  | 'plinth_cache_evictions_total'
  | 'plinth_cache_tier_reads_total'
  | 'plinth_rate_limited_total'
  | 'plinth_limiter_decisions_total'
  | 'plinth_limiter_evicted_keys_total'
  | 'plinth_call_retries_total'
  | 'plinth_call_hedges_total'
  | 'plinth_circuit_shadow_rejections_total'
  | 'plinth_batch_items_total'
  | 'plinth_contract_drifts_total'
  | 'plinth_database_transaction_retries_total'
  | 'plinth_database_slow_queries_total'
  | 'plinth_contract_quarantined_total'
  | 'plinth_llm_answers_total'
  | 'plinth_llm_tokens_total'
  | 'plinth_metric_overflow_total'
  | 'process_cpu_seconds_total';

/** The gauges of Plinth. */
export type GaugeName =
  | 'nodejs_heap_size_total_bytes'
  | 'nodejs_heap_size_used_bytes'
  | 'nodejs_external_memory_bytes'
  | 'circuit_breaker_state'
  | 'plinth_cache_entries'
  | 'plinth_limiter_waiting'
  | 'plinth_retry_amplification_ratio'
  | 'plinth_retry_budget_available'
  | 'plinth_concurrency_active'
  | 'plinth_concurrency_queued'
  | 'plinth_concurrency_limit'
  | 'plinth_redis_up'
  | 'plinth_database_connections'
  | 'plinth_database_connections_active'
  | 'plinth_database_waiting'
  | 'plinth_database_replica_ready'
  | 'plinth_batch_active_items'
  | 'plinth_event_loop_lag_seconds'
  | 'process_start_time_seconds'
  | 'process_resident_memory_bytes'
  | 'nodejs_active_resources'
  | 'nodejs_version_info';

/** The histograms of Plinth. */
export type HistogramName =
  | 'request_latency_seconds'
  | 'plinth_call_duration_seconds'
  | 'plinth_batch_duration_seconds'
  | 'plinth_source_request_duration_seconds';

/** The name of a metric of Plinth. */
export type MetricName = CounterName | GaugeName | HistogramName;
