import type { BatchEvents, BatchProgress } from '../batch/index.ts';
import type { DatabaseEvents, PoolStats, ReplicaStatus } from '../database/index.ts';
import { ArgumentError } from '../errors/index.ts';
import type { ContractEvents } from '../http/index.ts';
import type { EventSource, Subscription } from '../kernel/index.ts';
import type { LlmEvents } from '../llm/index.ts';
import type { RateLimiterEvents } from '../rate-limit/index.ts';
import type { RedisStatus } from '../redis/index.ts';
import type { CircuitBreakerEvents, CircuitSnapshot, RetryBudgetStats } from '../resilience/index.ts';
import type { GaugeName } from './metric-names.ts';
import type { MetricSet } from './metric-set.ts';

/** Counts of a cache since it was made. */
export interface ObservedCacheStats {
  readonly hits: number;
  readonly misses: number;
  readonly stale: number;
  readonly evictions: number;
  readonly entries: number;
}

/** The part of a circuit breaker that metrics need. */
export interface ObservedBreaker {
  readonly name: string;
  readonly events: EventSource<Pick<CircuitBreakerEvents, 'would-reject'>>;
  snapshot(): Pick<CircuitSnapshot, 'state' | 'mode'>;
}

/** The part of a rate limiter that metrics need. */
export interface ObservedLimiter {
  readonly name: string;
  readonly events: EventSource<Pick<RateLimiterEvents, 'admitted' | 'rejected' | 'evicted'>>;
  /** How many callers wait; absent for a limiter that lets nobody wait. */
  readonly waiting?: number;
}

/** How many attempts at a dependency there are. */
export interface ObservedConcurrency {
  readonly active: number;
  readonly queued: number;
  readonly limit: number;
}

/** What retries come to. */
export type ObservedBudget = Pick<RetryBudgetStats, 'amplification' | 'available'>;

/** The part of a connection to Redis that metrics need. */
export interface ObservedRedis {
  readonly name: string;
  readonly status: RedisStatus;
}

/** The part of a contract with a source that metrics need: `ResponseContract` has it. */
export interface ObservedContract {
  /** From a closed set. */
  readonly name: string;
  readonly events: EventSource<ContractEvents>;
}

/** The part of a client of a language model that metrics need: `LlmClient` has it. */
export interface ObservedLlm {
  readonly events: EventSource<LlmEvents>;
}

/** The part of a batch processor that metrics need. */
export interface ObservedBatch {
  readonly name: string;
  readonly events: EventSource<Pick<BatchEvents, 'progress' | 'item-failed' | 'ended'>>;
  /** How far the batch under way is, if there is one. */
  progress(): Pick<BatchProgress, 'active'> | undefined;
}

/** The part of a queued batch that metrics need. */
export interface ObservedQueuedBatch {
  readonly name: string;
  readonly events: EventSource<{
    'item-succeeded': { readonly index: number };
    'item-failed': { readonly index: number };
  }>;
  /** How many items this process has in hand. */
  readonly active: number;
}

/** The part of a database that metrics need. */
export interface ObservedDatabase {
  readonly events: EventSource<Pick<DatabaseEvents, 'transaction-retried' | 'slow-query'>>;
  poolStats(): PoolStats;
  replicaStats(): readonly Pick<ReplicaStatus, 'name' | 'state' | 'pool'>[];
}

interface Kinds {
  readonly pools: PoolStats;
  readonly replicas: Pick<ReplicaStatus, 'state'>;
  readonly batches: Pick<BatchProgress, 'active'>;
  readonly caches: ObservedCacheStats;
  readonly circuits: Pick<CircuitSnapshot, 'state' | 'mode'>;
  readonly limiters: { readonly waiting: number };
  readonly slots: ObservedConcurrency;
  readonly budgets: ObservedBudget;
  readonly connections: ObservedRedis;
}

const stateNumbers = { closed: 0, 'half-open': 1, open: 2 } as const satisfies Record<CircuitSnapshot['state'], number>;

/** The gauges of each kind, and how they are read. */
const gauges: {
  readonly [Kind in keyof Kinds]: Readonly<Partial<Record<GaugeName, (reading: Kinds[Kind]) => number>>>;
} = {
  batches: { plinth_batch_active_items: ({ active }) => active },
  caches: { plinth_cache_entries: ({ entries }) => entries },
  circuits: { circuit_breaker_state: ({ state, mode }) => (mode === 'shadow' ? 0 : stateNumbers[state]) },
  limiters: { plinth_limiter_waiting: ({ waiting }) => waiting },
  slots: {
    plinth_concurrency_active: ({ active }) => active,
    plinth_concurrency_queued: ({ queued }) => queued,
    plinth_concurrency_limit: ({ limit }) => limit,
  },
  budgets: {
    plinth_retry_amplification_ratio: ({ amplification }) => amplification,
    plinth_retry_budget_available: ({ available }) => available,
  },
  pools: {
    plinth_database_connections: ({ total }) => total,
    plinth_database_connections_active: ({ active }) => active,
    plinth_database_waiting: ({ waiting }) => waiting,
  },
  replicas: { plinth_database_replica_ready: ({ state }) => (state === 'ready' ? 1 : 0) },
  connections: { plinth_redis_up: ({ status }) => (status === 'ready' ? 1 : 0) },
};

const cacheCounters = {
  hits: 'plinth_cache_hits_total',
  misses: 'plinth_cache_misses_total',
  stale: 'plinth_cache_stale_total',
  evictions: 'plinth_cache_evictions_total',
} as const;

/** What is not told by events but read at every scrape, because only the present state counts. */
export class Readings {
  readonly #set: MetricSet;
  readonly #readers: { readonly [Kind in keyof Kinds]: Map<string, () => Kinds[Kind]> } = {
    batches: new Map(),
    caches: new Map(),
    circuits: new Map(),
    limiters: new Map(),
    slots: new Map(),
    budgets: new Map(),
    connections: new Map(),
    pools: new Map(),
    replicas: new Map(),
  };

  constructor(set: MetricSet) {
    this.#set = set;
  }

  /**
   * Reads something from now on.
   *
   * @throws {ArgumentError} when one of this kind and name is read already.
   */
  add<Kind extends keyof Kinds>(kind: Kind, name: string, read: () => Kinds[Kind]): Subscription {
    const readers = this.#readers[kind];
    if (readers.has(name)) {
      throw new ArgumentError(`Cannot observe two ${kind} named "${name}": give each its own name`, 'name');
    }
    readers.set(name, read);
    const unsubscribe = (): void => {
      if (readers.get(name) === read) readers.delete(name);
    };
    return { unsubscribe, [Symbol.dispose]: unsubscribe };
  }

  /** Brings the metrics up to date. */
  pull(): void {
    for (const kind of Object.keys(gauges) as (keyof Kinds)[]) this.#pullGauges(kind);
    for (const counter of Object.values(cacheCounters)) this.#set.counter(counter).reset();
    for (const [cache, read] of this.#readers.caches) {
      const stats = read();
      for (const [field, counter] of Object.entries(cacheCounters) as [keyof typeof cacheCounters, CacheCounter][]) {
        this.#set.counts(counter).of(cache).inc(stats[field]);
      }
    }
  }

  #pullGauges<Kind extends keyof Kinds>(kind: Kind): void {
    const columns = Object.entries(gauges[kind]) as [GaugeName, (reading: Kinds[Kind]) => number][];
    for (const [gauge] of columns) this.#set.gauge(gauge).reset();
    for (const [name, read] of this.#readers[kind]) {
      const reading = read();
      for (const [gauge, value] of columns) this.#set.levels(gauge).of(name).inc(value(reading));
    }
  }
}

type CacheCounter = (typeof cacheCounters)[keyof typeof cacheCounters];
