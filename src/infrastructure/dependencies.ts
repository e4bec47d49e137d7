import type { CacheManager, CacheStats, NamespaceCache } from '../cache/index.ts';
import { ArgumentError } from '../errors/index.ts';
import { HostPace } from '../http/index.ts';
import { type Clock, Events, type Random } from '../kernel/index.ts';
import { CallLog, type Guard, type GuardEvents, standardGuard } from '../pipeline/index.ts';
import { AdaptiveRateLimiter, type AdaptiveRateLimiterEvents } from '../rate-limit/index.ts';
import {
  Bulkhead,
  CircuitBreaker,
  type CircuitBreakerEvents,
  type CircuitSnapshot,
  RetryBudget,
} from '../resilience/index.ts';
import type { Settings } from '../settings/index.ts';
import type { Limits, OutboundLimiter, OutboundRate } from './limits.ts';

/**
 * The numbers of the guard around a dependency. What is left open about attempts is as the settings say:
 * `MEDAUG_SCRAPER_TIMEOUT` and `MEDAUG_SCRAPER_MAX_RETRIES`.
 */
export interface DependencyOptions extends OutboundRate {
  /**
   * How long the whole call may take, retries included, in milliseconds. @default twice `attemptTimeoutMs`, and twice that
   * of the settings at least
   */
  readonly deadlineMs?: number | undefined;
  /** How long one attempt may take, in milliseconds. @default settings.scrapers.attemptTimeoutMs */
  readonly attemptTimeoutMs?: number | undefined;
  /** How many attempts in all. @default settings.scrapers.maxAttempts */
  readonly maxAttempts?: number | undefined;
  /** How many failures in a row open the breaker. @default 5 */
  readonly failureThreshold?: number | undefined;
  /** How long the breaker stays open before a probe, in milliseconds. @default 60_000 */
  readonly recoveryTimeMs?: number | undefined;
  /** How many answers are remembered. @default 1_000 */
  readonly cacheEntries?: number | undefined;
  /** How long an answer is fresh, in milliseconds. @default 3_600_000 */
  readonly ttlMs?: number | undefined;
  /** How long after that it may stand in during an outage, in milliseconds. @default 86_400_000 */
  readonly staleMs?: number | undefined;
  /** How many attempts may be under way at once. @default 100 */
  readonly maxConcurrent?: number | undefined;
  /** How many attempts may wait for that; calls with a higher `priority` go first. @default 1_000 */
  readonly maxQueued?: number | undefined;
}

/** What {@link Dependencies} are made of. */
export interface DependenciesParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly cache: CacheManager;
  /** What goes for a dependency whose options do not say. */
  readonly scrapers: Settings['scrapers'];
}

/** Something outside the process that is called through a guard. */
export interface Dependency {
  readonly name: string;
  readonly guard: Guard;
  readonly breaker: CircuitBreaker;
  /** Its answers: a namespace of the process's cache, and with Redis shared by all processes. */
  readonly cache: NamespaceCache<unknown>;
  /** How many attempts may be under way at once. */
  readonly slots: Bulkhead;
  /** What retries are paid from. */
  readonly budget: RetryBudget;
  /** How often it may be asked; absent when nothing limits it. */
  readonly limiter: OutboundLimiter | undefined;
  /** How often it is asked: by the limit, or less while it answers 429. Absent when the limit adapts by itself. */
  readonly pace: HostPace | undefined;
}

/** What {@link Dependencies} tell, for all of them together. */
export interface DependencyEvents
  extends GuardEvents,
    Pick<CircuitBreakerEvents, 'state-changed' | 'rejected' | 'would-reject'> {
  /** A source is asked more slowly, or faster again. */
  'pace-changed': AdaptiveRateLimiterEvents['rate-changed'];
  /** A source said when to come back; until then nothing is asked of it. */
  paused: AdaptiveRateLimiterEvents['paused'];
}

/**
 * Every dependency of the process with its guard, on one stream of events, so that logs, metrics, health and the console
 * see all of them without knowing any.
 */
export class Dependencies {
  readonly events: Events<DependencyEvents> = new Events<DependencyEvents>();
  /** The last calls of all dependencies. */
  readonly calls: CallLog = new CallLog();
  readonly #parts: DependenciesParts;
  readonly #all = new Map<string, Dependency>();

  constructor(parts: DependenciesParts) {
    this.#parts = parts;
    this.calls.observe(this.events);
  }

  /**
   * Puts a guard around a new dependency.
   *
   * @param name From a closed set: it becomes a metric label.
   * @throws {ArgumentError} when there is one of this name already, or a number cannot be used.
   */
  add(name: string, options: DependencyOptions = {}): Dependency {
    if (this.#all.has(name)) {
      throw new ArgumentError(`Cannot add the dependency "${name}": there is one of this name already`, 'name');
    }
    const { clock, random, limits, scrapers } = this.#parts;
    const { attemptTimeoutMs = scrapers.attemptTimeoutMs, maxAttempts = scrapers.maxAttempts } = options;
    const { deadlineMs = Math.max(attemptTimeoutMs, scrapers.attemptTimeoutMs) * 2 } = options;
    const breaker = new CircuitBreaker({
      name,
      clock,
      failureThreshold: options.failureThreshold,
      recoveryTimeMs: options.recoveryTimeMs ?? 60_000,
    });
    // What answers are made of is not known here, so everything that can be cloned must be kept as it is.
    const cache = this.#parts.cache.namespace<unknown>(name, {
      maxEntries: options.cacheEntries,
      ttlMs: options.ttlMs ?? 3_600_000,
      staleMs: options.staleMs ?? 86_400_000,
      codec: 'structured',
      lease: true,
    });
    const slots = new Bulkhead({
      name,
      clock,
      maxConcurrent: options.maxConcurrent ?? 100,
      maxQueued: options.maxQueued ?? 1_000,
    });
    const budget = new RetryBudget({ name, clock });
    const limiter = limits.outbound(name, options);
    const pace =
      limiter === undefined || limiter instanceof AdaptiveRateLimiter
        ? undefined
        : new HostPace({ name, limiter, clock });
    const guard = standardGuard(name, {
      clock,
      random,
      events: this.events,
      breaker,
      cache,
      concurrency: slots,
      budget,
      limiter: pace ?? limiter,
      deadlineMs,
      attemptTimeoutMs,
      maxAttempts,
    });
    for (const type of ['state-changed', 'rejected', 'would-reject'] as const) {
      breaker.events.on(type, event => this.events.emit(type, event as never));
    }
    pace?.events.on('rate-changed', event => this.events.emit('pace-changed', event));
    pace?.events.on('paused', event => this.events.emit('paused', event));
    const dependency = { name, guard, breaker, cache, slots, budget, limiter, pace };
    this.#all.set(name, dependency);
    return dependency;
  }

  /** The dependency of this name. */
  get(name: string): Dependency | undefined {
    return this.#all.get(name);
  }

  /** Every dependency. */
  list(): readonly Dependency[] {
    return [...this.#all.values()];
  }

  /** Refuses everybody who waits for a turn. */
  close(): void {
    for (const { pace } of this.list()) pace?.close();
  }

  /** Every breaker as plain data. */
  breakers(): readonly CircuitSnapshot[] {
    return this.list().map(({ breaker }) => breaker.snapshot());
  }

  /** The counts of every cache. */
  caches(): readonly CacheStats[] {
    return this.list().map(({ cache }) => cache.stats());
  }
}
