import type { Registry } from 'prom-client';
import type { BatchProgress } from '../batch/index.ts';
import { ArgumentError } from '../errors/index.ts';
import { type Clock, type EventSource, type Subscription, systemClock } from '../kernel/index.ts';
import type { CallRecord } from '../pipeline/index.ts';
import { loadPromClient, type PromClient } from './load-prom-client.ts';
import { MetricSet } from './metric-set.ts';
import type { CollectorEvents } from './metrics-collector.ts';
import { ProcessMetrics } from './process-metrics.ts';
import {
  type ObservedBatch,
  type ObservedBreaker,
  type ObservedBudget,
  type ObservedCacheStats,
  type ObservedConcurrency,
  type ObservedContract,
  type ObservedDatabase,
  type ObservedLimiter,
  type ObservedLlm,
  type ObservedQueuedBatch,
  type ObservedRedis,
  Readings,
} from './readings.ts';

/** How {@link Metrics} are labelled and bounded. */
export interface MetricsOptions {
  /** The value of the label `app_name`. @default 'plinth' */
  readonly appName?: string | undefined;
  /** How many sets of label values one metric keeps apart; later ones count as `other`. @default 200 */
  readonly maxLabelSets?: number | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** One answered request, as the server tells it. */
export interface RequestRecord {
  readonly method: string;
  /** The pattern of the route, such as `/api/v1/users/:id`; `unmatched` when there was none. Never the path itself. */
  readonly endpoint: string;
  /** The status of the answer; 0 when the client left before it. */
  readonly status: number;
  readonly durationMs: number;
  /** What the limits on its way decided. */
  readonly limits?: readonly LimitOutcome[];
}

/** What a source of requests tells. */
export interface RequestEvents {
  'request-completed': RequestRecord;
}

/** What a limit decided about a request, as far as it is counted. */
export interface LimitOutcome {
  /** The limiter's name, from a closed set. */
  readonly limiter: string;
  readonly allowed: boolean;
  readonly outcome: 'allowed' | 'denied' | 'unavailable';
}

/**
 * What Prometheus sees of this process. Rooms know nothing of metrics: they emit events, and this listens. On a registry
 * of its own, so that several may live in one process. {@link createMetrics} makes one.
 *
 * @example
 * const metrics = await createMetrics({ appName: 'shop' });
 * metrics.observeCalls(guard.events);
 * metrics.observeCache('prices', () => cache.stats());
 * console.log(await metrics.render());
 */
export class Metrics implements Disposable {
  readonly #set: MetricSet;
  readonly #process: ProcessMetrics;
  readonly #readings: Readings;
  readonly #subscriptions = new Set<Subscription>();

  constructor(client: PromClient, options: MetricsOptions = {}) {
    const { appName = 'plinth', maxLabelSets = 200, clock = systemClock } = options;
    if (!Number.isSafeInteger(maxLabelSets) || maxLabelSets < 1) {
      throw new ArgumentError(
        `Cannot bound metrics: maxLabelSets must be a whole number of at least 1, got ${maxLabelSets}`,
        'maxLabelSets',
      );
    }
    this.#set = new MetricSet(client, { appName, maxLabelSets });
    this.#process = new ProcessMetrics(this.#set, clock);
    this.#readings = new Readings(this.#set);
  }

  /** The vendor's registry, for metrics of one's own. Read it through {@link render}, which brings it up to date. */
  get registry(): Registry {
    return this.#set.registry;
  }

  /** The media type of {@link render}. */
  get contentType(): string {
    return this.#set.registry.contentType;
  }

  /** All metrics in the text format of Prometheus, as of now. */
  render(): Promise<string> {
    this.#process.pull();
    this.#readings.pull();
    return this.#set.registry.metrics();
  }

  /** Counts guarded calls, their outcomes, their durations and the decisions of their stages. */
  observeCalls(source: EventSource<{ call: CallRecord }>): Subscription {
    const calls = this.#set.counts('plinth_calls_total');
    const durations = this.#set.times('plinth_call_duration_seconds');
    const attempts = this.#set.counts('plinth_call_attempts_total');
    const retries = this.#set.counts('plinth_call_retries_total');
    const hedges = this.#set.counts('plinth_call_hedges_total');
    const decisions = this.#set.counts('plinth_stage_decisions_total');
    return this.#follow(
      source.on('call', call => {
        calls.of(call.dependency, call.operation, call.result, call.freshness ?? 'none').inc();
        durations.of(call.dependency, call.operation).observe(call.durationMs / 1_000);
        if (call.attempts > 0) attempts.of(call.dependency).inc(call.attempts);
        for (const { stage, decision } of call.stages) {
          decisions.of(stage, decision).inc();
          if (decision === 'retried') retries.of(call.dependency).inc();
          else if (decision === 'hedged') hedges.of(call.dependency).inc();
        }
      }),
    );
  }

  /**
   * Reads a breaker's state at every scrape, and counts what it would have refused in shadow.
   *
   * @throws {ArgumentError} when a breaker of this name is observed already.
   */
  observeBreaker(breaker: ObservedBreaker): Subscription {
    const reading = this.#readings.add('circuits', breaker.name, () => breaker.snapshot());
    const shadowed = this.#set.counts('plinth_circuit_shadow_rejections_total');
    return this.#follow(
      reading,
      breaker.events.on('would-reject', ({ name }) => shadowed.of(name).inc()),
    );
  }

  /**
   * Counts who had to wait for a limit of calls to the outside, and reads at every scrape who waits. What limits decide
   * about requests comes with the requests: see {@link observeRequests}.
   *
   * @throws {ArgumentError} when a limiter of this name is observed already.
   */
  observeLimiter(limiter: ObservedLimiter): Subscription {
    const { events, name } = limiter;
    const decisions = this.#set.counts('plinth_limiter_decisions_total');
    const evicted = this.#set.counts('plinth_limiter_evicted_keys_total');
    const reading = this.#readings.add('limiters', name, () => ({ waiting: limiter.waiting ?? 0 }));
    return this.#follow(
      reading,
      events.on('admitted', () => decisions.of(name, 'waited').inc()),
      events.on('rejected', () => decisions.of(name, 'rejected').inc()),
      events.on('evicted', () => evicted.of(name).inc()),
    );
  }

  /**
   * Reads at every scrape how many attempts at a dependency are under way and wait.
   *
   * @throws {ArgumentError} when the slots of this dependency are observed already.
   */
  observeConcurrency(dependency: string, read: () => ObservedConcurrency): Subscription {
    return this.#follow(this.#readings.add('slots', dependency, read));
  }

  /**
   * Reads at every scrape what retries of a dependency come to.
   *
   * @throws {ArgumentError} when the budget of this dependency is observed already.
   */
  observeRetryBudget(dependency: string, read: () => ObservedBudget): Subscription {
    return this.#follow(this.#readings.add('budgets', dependency, read));
  }

  /**
   * Reads at every scrape whether Redis is there.
   *
   * @throws {ArgumentError} when a connection of this name is observed already.
   */
  observeRedis(connection: ObservedRedis): Subscription {
    return this.#follow(this.#readings.add('connections', connection.name, () => connection));
  }

  /**
   * Reads the connections of a database and its replicas at every scrape, and counts transactions that are run again and
   * slow statements.
   */
  observeDatabase(database: ObservedDatabase): Subscription {
    const retries = this.#set.counts('plinth_database_transaction_retries_total').of();
    const slow = this.#set.counts('plinth_database_slow_queries_total').of();
    const replicas = database.replicaStats().flatMap(({ name }) => {
      const now = (): ReturnType<ObservedDatabase['replicaStats']>[number] | undefined =>
        database.replicaStats().find(replica => replica.name === name);
      return [
        this.#readings.add('replicas', name, () => ({ state: now()?.state ?? 'unknown' })),
        this.#readings.add('pools', name, () => now()?.pool ?? noConnections),
      ];
    });
    return this.#follow(
      this.#readings.add('pools', 'primary', () => database.poolStats()),
      ...replicas,
      database.events.on('transaction-retried', () => retries.inc()),
      database.events.on('slow-query', () => slow.inc()),
    );
  }

  /** Counts answered requests, their latency, and what limits decided about them. */
  observeRequests(source: EventSource<RequestEvents>): Subscription {
    const requests = this.#set.counts('request_count_total');
    const latencies = this.#set.times('request_latency_seconds');
    const responses = this.#set.counts('plinth_responses_total');
    const decisions = this.#set.counts('plinth_limiter_decisions_total');
    return this.#follow(
      source.on('request-completed', request => {
        requests.of(request.endpoint).inc();
        latencies.of(request.endpoint).observe(request.durationMs / 1_000);
        responses.of(request.method, request.endpoint, statusClass(request.status)).inc();
        for (const limit of request.limits ?? []) decisions.of(limit.limiter, outcomeOf(limit)).inc();
      }),
    );
  }

  /** Counts what a {@link MetricsCollector} is told. */
  observeCollector(source: EventSource<CollectorEvents>): Subscription {
    const requests = this.#set.counts('plinth_source_requests_total');
    const durations = this.#set.times('plinth_source_request_duration_seconds');
    const reads = this.#set.counts('plinth_cache_tier_reads_total');
    const limited = this.#set.counts('plinth_rate_limited_total');
    return this.#follow(
      source.on('request', request => {
        requests.of(request.source, statusClass(request.status)).inc();
        durations.of(request.source).observe(request.durationSeconds);
      }),
      source.on('cache-read', read => reads.of(read.tier, read.outcome).inc()),
      source.on('rate-limited', ({ domain }) => limited.of(domain).inc()),
    );
  }

  /**
   * Reads a cache's counts at every scrape.
   *
   * @throws {ArgumentError} when a cache of this name is observed already.
   */
  observeCache(name: string, stats: () => ObservedCacheStats): Subscription {
    return this.#follow(this.#readings.add('caches', name, stats));
  }

  /**
   * Counts the items of a processor's batches by outcome, measures how long batches take, and reads at every scrape how
   * many items are worked on.
   *
   * @throws {ArgumentError} when a batch of this name is observed already.
   */
  observeBatch(batch: ObservedBatch): Subscription {
    const { name, events } = batch;
    const items = this.#set.counts('plinth_batch_items_total');
    const durations = this.#set.times('plinth_batch_duration_seconds');
    const reading = this.#readings.add('batches', name, () => ({ active: batch.progress()?.active ?? 0 }));
    // Of the batch under way: what has been counted of it already.
    let [succeeded, failed, recorded] = [0, 0, 0];
    const count = (progress: BatchProgress): void => {
      const now = progress.done - progress.recorded - failed;
      items.of(name, 'succeeded').inc(Math.max(0, now - succeeded));
      items.of(name, 'recorded').inc(progress.recorded - recorded);
      [succeeded, recorded] = [Math.max(now, succeeded), progress.recorded];
    };
    return this.#follow(
      reading,
      events.on('item-failed', () => {
        failed += 1;
        items.of(name, 'failed').inc();
      }),
      events.on('progress', count),
      events.on('ended', end => {
        count(end);
        durations.of(name, end.outcome).observe(end.elapsedMs / 1_000);
        [succeeded, failed, recorded] = [0, 0, 0];
      }),
    );
  }

  /**
   * Counts the items of a queue that this process has done, by outcome, and reads at every scrape how many it has in hand.
   *
   * @throws {ArgumentError} when a batch of this name is observed already.
   */
  observeQueuedBatch(batch: ObservedQueuedBatch): Subscription {
    const { name, events } = batch;
    const items = this.#set.counts('plinth_batch_items_total');
    return this.#follow(
      this.#readings.add('batches', name, () => ({ active: batch.active })),
      events.on('item-succeeded', () => items.of(name, 'succeeded').inc()),
      events.on('item-failed', () => items.of(name, 'failed').inc()),
    );
  }

  /** Counts differences and unreadable records of the contract with a source. */
  observeContract({ events }: ObservedContract): Subscription {
    const drifts = this.#set.counts('plinth_contract_drifts_total');
    const quarantined = this.#set.counts('plinth_contract_quarantined_total');
    return this.#follow(
      events.on('drift', ({ contract, kind }) => drifts.of(contract, kind).inc()),
      events.on('quarantined', ({ contract }) => quarantined.of(contract).inc()),
    );
  }

  /** Counts the answers of a language model, and the tokens that its provider counted. */
  observeLlm({ events }: ObservedLlm): Subscription {
    const answers = this.#set.counts('plinth_llm_answers_total');
    const tokens = this.#set.counts('plinth_llm_tokens_total');
    return this.#follow(
      events.on('answered', ({ provider, operation, finishReason, usage }) => {
        answers.of(provider, operation, finishReason).inc();
        tokens.of(provider, operation, 'prompt').inc(usage.promptTokens ?? 0);
        tokens.of(provider, operation, 'completion').inc(usage.completionTokens ?? 0);
      }),
    );
  }

  /** Stops listening and measuring. What was counted can still be rendered. */
  close(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#process.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** A subscription that ends with {@link close}, if not before. */
  #follow(...subscriptions: readonly Subscription[]): Subscription {
    const unsubscribe = (): void => {
      if (!this.#subscriptions.delete(kept)) return;
      for (const subscription of subscriptions) subscription.unsubscribe();
    };
    const kept: Subscription = { unsubscribe, [Symbol.dispose]: unsubscribe };
    this.#subscriptions.add(kept);
    return kept;
  }
}

const noConnections = { total: 0, idle: 0, active: 0, waiting: 0 } as const;

/**
 * Makes {@link Metrics}. Loads `prom-client`, an optional package, at this moment.
 *
 * @throws {ConfigurationError} when `prom-client` is not installed.
 * @example
 * const metrics = await createMetrics({ appName: 'shop' });
 */
export async function createMetrics(options: MetricsOptions = {}): Promise<Metrics> {
  return new Metrics(await loadPromClient(), options);
}

/** The class of a status as a label: `2xx`, or `aborted` when there was no answer. */
function statusClass(status: number): string {
  return status >= 100 && status <= 599 ? `${Math.floor(status / 100)}xx` : 'aborted';
}

/** What a limit decided, as a label. */
function outcomeOf({ outcome, allowed }: LimitOutcome): string {
  if (outcome === 'unavailable') return allowed ? 'unavailable-allowed' : 'unavailable-denied';
  return outcome === 'denied' && allowed ? 'would-deny' : outcome;
}
