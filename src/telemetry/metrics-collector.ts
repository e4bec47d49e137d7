import { ArgumentError } from '../errors/index.ts';
import { type EventSource, Events, type Subscription } from '../kernel/index.ts';

/** What a {@link MetricsCollector} tells. */
export interface CollectorEvents {
  /** A request to a source ended. */
  request: CollectedRequest & { readonly source: string };
  /** A cache was read. */
  'cache-read': { readonly tier: string; readonly outcome: 'hit' | 'miss' };
  /** A rate limit held a request back. */
  'rate-limited': { readonly domain: string };
}

/** What a {@link MetricsCollector} reports to besides its own counts. */
export interface MetricsCollectorOptions {
  /** Metrics that count the same, so that Prometheus sees it. @default none */
  readonly metrics?: { observeCollector(source: EventSource<CollectorEvents>): Subscription } | undefined;
}

/** One request to a source. */
export interface CollectedRequest {
  /** How long it took, in seconds. */
  readonly durationSeconds: number;
  /** The status of the answer; 0 when there was none. */
  readonly status: number;
}

/** What was counted since the collector was made. */
export interface CollectorStats {
  readonly requests: number;
  /** Requests without an answer, or with one of 400 and above. */
  readonly failures: number;
  /** Mean duration in seconds; 0 before the first request. */
  readonly averageLatencySeconds: number;
  readonly cacheHits: number;
  readonly cacheMisses: number;
  /** Hits by reads, from 0 to 1; 0 before the first read. */
  readonly cacheHitRate: number;
  readonly rateLimited: number;
}

/**
 * Counts by hand what no event tells, such as the requests of a script of one's own. What goes through the pipeline is
 * counted by itself: see `Metrics.observeCalls`.
 *
 * @example
 * const collector = new MetricsCollector({ metrics });
 * collector.recordRequest('fda_api', { durationSeconds: 0.5, status: 200 });
 * collector.recordCacheHit('memory');
 * collector.stats().averageLatencySeconds; // 0.5
 */
export class MetricsCollector {
  readonly #events = new Events<CollectorEvents>();
  #requests = 0;
  #failures = 0;
  #durationSeconds = 0;
  #cacheHits = 0;
  #cacheMisses = 0;
  #rateLimited = 0;

  constructor(options: MetricsCollectorOptions = {}) {
    options.metrics?.observeCollector(this.#events);
  }

  /**
   * Counts one request to a source.
   *
   * @param source From a closed set: it becomes a label.
   * @throws {ArgumentError} when the duration is not a number of seconds.
   */
  recordRequest(source: string, request: CollectedRequest): void {
    const { durationSeconds, status } = request;
    if (!Number.isFinite(durationSeconds) || durationSeconds < 0) {
      throw new ArgumentError(
        `Cannot record a request of ${durationSeconds} seconds: durationSeconds must be 0 or more`,
        'durationSeconds',
      );
    }
    this.#requests += 1;
    this.#durationSeconds += durationSeconds;
    if (status < 100 || status >= 400) this.#failures += 1;
    this.#events.emit('request', { source, durationSeconds, status });
  }

  /** Counts a read that the cache answered. @param tier From a closed set, such as `memory`. */
  recordCacheHit(tier: string): void {
    this.#cacheHits += 1;
    this.#events.emit('cache-read', { tier, outcome: 'hit' });
  }

  /** Counts a read that the cache could not answer. @param tier From a closed set, such as `memory`. */
  recordCacheMiss(tier: string): void {
    this.#cacheMisses += 1;
    this.#events.emit('cache-read', { tier, outcome: 'miss' });
  }

  /** Counts a request that a rate limit held back. @param domain From a closed set, such as `clinicaltrials.gov`. */
  recordRateLimit(domain: string): void {
    this.#rateLimited += 1;
    this.#events.emit('rate-limited', { domain });
  }

  /** What was counted so far. */
  stats(): CollectorStats {
    const reads = this.#cacheHits + this.#cacheMisses;
    return {
      requests: this.#requests,
      failures: this.#failures,
      averageLatencySeconds: this.#requests === 0 ? 0 : this.#durationSeconds / this.#requests,
      cacheHits: this.#cacheHits,
      cacheMisses: this.#cacheMisses,
      cacheHitRate: reads === 0 ? 0 : this.#cacheHits / reads,
      rateLimited: this.#rateLimited,
    };
  }
}
