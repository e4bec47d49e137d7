import type { Registry } from 'prom-client';
import { ArgumentError } from '../errors/index.ts';
import { type Clock, type EventSource, type Subscription, systemClock } from '../kernel/index.ts';
import type { CallRecord } from '../pipeline/index.ts';
import { loadPromClient, type PromClient } from './load-prom-client.ts';
import { MetricSet } from './metric-set.ts';
import type { CollectorEvents } from './metrics-collector.ts';
import { ProcessMetrics } from './process-metrics.ts';

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
}

/** What a source of requests tells. */
export interface RequestEvents {
  'request-completed': RequestRecord;
}

/** A state of a circuit breaker. */
export type BreakerState = 'closed' | 'half-open' | 'open';

/** What a source of breaker changes tells. */
export interface BreakerEvents {
  'state-changed': { readonly name: string; readonly to: BreakerState };
}

/** A breaker as it is before its first change. */
export interface KnownBreaker {
  readonly name: string;
  readonly state: BreakerState;
}

/** Counts of a cache since it was made. */
export interface ObservedCacheStats {
  readonly hits: number;
  readonly misses: number;
  readonly stale: number;
  readonly evictions: number;
  readonly entries: number;
}

const stateNumbers = { closed: 0, 'half-open': 1, open: 2 } as const satisfies Record<BreakerState, number>;

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
  readonly #caches = new Map<string, () => ObservedCacheStats>();
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
    this.#pullCaches();
    return this.#set.registry.metrics();
  }

  /** Counts guarded calls, their outcomes, their durations and the decisions of their stages. */
  observeCalls(source: EventSource<{ call: CallRecord }>): Subscription {
    const calls = this.#set.counts('plinth_calls_total');
    const durations = this.#set.times('plinth_call_duration_seconds');
    const attempts = this.#set.counts('plinth_call_attempts_total');
    const decisions = this.#set.counts('plinth_stage_decisions_total');
    return this.#follow(
      source.on('call', call => {
        calls.of(call.dependency, call.operation, call.result, call.freshness ?? 'none').inc();
        durations.of(call.dependency, call.operation).observe(call.durationMs / 1_000);
        if (call.attempts > 0) attempts.of(call.dependency).inc(call.attempts);
        for (const { stage, decision } of call.stages) decisions.of(stage, decision).inc();
      }),
    );
  }

  /** Follows the states of breakers. A breaker tells only changes, so those that exist already are named beside. */
  observeBreakers(source: EventSource<BreakerEvents>, known: Iterable<KnownBreaker> = []): Subscription {
    const states = this.#set.levels('circuit_breaker_state');
    for (const breaker of known) states.of(breaker.name).set(stateNumbers[breaker.state]);
    return this.#follow(source.on('state-changed', change => states.of(change.name).set(stateNumbers[change.to])));
  }

  /** Counts answered requests and their latency. */
  observeRequests(source: EventSource<RequestEvents>): Subscription {
    const requests = this.#set.counts('request_count_total');
    const latencies = this.#set.times('request_latency_seconds');
    const responses = this.#set.counts('plinth_responses_total');
    return this.#follow(
      source.on('request-completed', request => {
        requests.of(request.endpoint).inc();
        latencies.of(request.endpoint).observe(request.durationMs / 1_000);
        responses.of(request.method, request.endpoint, statusClass(request.status)).inc();
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
    if (this.#caches.has(name)) {
      throw new ArgumentError(`Cannot observe two caches named "${name}": give each its own name`, 'name');
    }
    this.#caches.set(name, stats);
    return this.#keep(() => void this.#caches.delete(name));
  }

  /** Stops listening and measuring. What was counted can still be rendered. */
  close(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#process.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #follow(...subscriptions: readonly Subscription[]): Subscription {
    return this.#keep(() => {
      for (const subscription of subscriptions) subscription.unsubscribe();
    });
  }

  /** A subscription that ends with {@link close}, if not before. */
  #keep(stop: () => void): Subscription {
    const unsubscribe = (): void => {
      if (this.#subscriptions.delete(kept)) stop();
    };
    const kept: Subscription = { unsubscribe, [Symbol.dispose]: unsubscribe };
    this.#subscriptions.add(kept);
    return kept;
  }

  #pullCaches(): void {
    const counters = {
      hits: 'plinth_cache_hits_total',
      misses: 'plinth_cache_misses_total',
      stale: 'plinth_cache_stale_total',
      evictions: 'plinth_cache_evictions_total',
    } as const;
    for (const name of Object.values(counters)) this.#set.counter(name).reset();
    this.#set.gauge('plinth_cache_entries').reset();
    for (const [cache, read] of this.#caches) {
      const stats = read();
      for (const field of ['hits', 'misses', 'stale', 'evictions'] as const) {
        this.#set.counts(counters[field]).of(cache).inc(stats[field]);
      }
      this.#set.levels('plinth_cache_entries').of(cache).inc(stats.entries);
    }
  }
}

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
