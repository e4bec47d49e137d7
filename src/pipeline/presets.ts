import { type LoadingCache, MemoryCache } from '../cache/index.ts';
import { type BulkheadOptions, CircuitBreaker, type ConcurrencySlot, type RetryBudget } from '../resilience/index.ts';
import type { Guard } from './guard.ts';
import { type PipelineOptions, pipeline } from './pipeline.ts';
import type { CallLimiter } from './policies.ts';

/** What every preset takes. */
export interface PresetOptions extends PipelineOptions {
  /** How long the whole call may take, retries included, in milliseconds. @default 30_000 */
  readonly deadlineMs?: number | undefined;
  /** How long one attempt may take, in milliseconds. @default 10_000 */
  readonly attemptTimeoutMs?: number | undefined;
  /** How many attempts may be under way at once, and how many may wait. @default { maxConcurrent: 100, maxQueued: 1_000 } */
  readonly concurrency?: ConcurrencySlot | BulkheadOptions | undefined;
  /** The breaker, when others look at it too. @default 5 failures in a row, 60 s */
  readonly breaker?: CircuitBreaker | undefined;
  /** What the dependency allows us, when it says so. @default no limit */
  readonly limiter?: CallLimiter | undefined;
}

/** The numbers of {@link standardGuard}. */
export interface StandardGuardOptions extends PresetOptions {
  /** How many attempts in all. @default 3 */
  readonly maxAttempts?: number | undefined;
  /** What retries are paid from. @default a budget of its own: a tenth of the calls, and one a second at low traffic */
  readonly budget?: RetryBudget | undefined;
  /** The cache, when others look at it too. @default 1,000 entries, fresh for an hour, stale for a day */
  readonly cache?: LoadingCache<unknown> | undefined;
}

/** The numbers of {@link hedgedGuard}. */
export interface HedgedGuardOptions extends PresetOptions {
  /** What second attempts are paid from; share it with those who retry. @default none: one call in twenty at most */
  readonly budget?: RetryBudget | undefined;
}

/**
 * The usual guard of an outside source in one line: deadline, cache with single flight and stale answers, retries on a
 * budget, concurrency slots, breaker, rate, attempt timeout.
 *
 * @example
 * const guard = standardGuard('openfda', { attemptTimeoutMs: 5_000 });
 */
export function standardGuard(dependency: string, options: StandardGuardOptions = {}): Guard {
  const { clock, maxAttempts, budget, cache } = options;
  const builder = pipeline(dependency, options)
    .deadline(options.deadlineMs ?? 30_000)
    .cache(cache ?? new MemoryCache({ name: dependency, ttlMs: 3_600_000, staleMs: 86_400_000, clock }))
    .retry({ maxAttempts, budget });
  return finish(dependency, builder, options);
}

/**
 * The guard of calls that change something and must not be made twice: no cache and no retry.
 *
 * @example
 * const guard = writeGuard('billing', { attemptTimeoutMs: 5_000 });
 */
export function writeGuard(dependency: string, options: PresetOptions = {}): Guard {
  return finish(dependency, pipeline(dependency, options).deadline(options.deadlineMs ?? 30_000), options);
}

/**
 * The guard of reads that must not be slow, from a dependency with several equal instances: a second attempt is started
 * beside one that takes longer than 95 % of the calls before it.
 *
 * @example
 * const guard = hedgedGuard('search', { deadlineMs: 1_000, attemptTimeoutMs: 500 });
 */
export function hedgedGuard(dependency: string, options: HedgedGuardOptions = {}): Guard {
  const { budget } = options;
  const builder = pipeline(dependency, options)
    .deadline(options.deadlineMs ?? 30_000)
    .hedge({ budget });
  return finish(dependency, builder, options);
}

type Unfinished = Pick<ReturnType<typeof pipeline>, 'concurrency' | 'build'>;

/** What all presets have around their attempts. */
function finish(dependency: string, builder: Unfinished, options: PresetOptions): Guard {
  const { clock, limiter, attemptTimeoutMs = 10_000 } = options;
  const broken = builder
    .concurrency(options.concurrency ?? { maxConcurrent: 100, maxQueued: 1_000 })
    .breaker(options.breaker ?? new CircuitBreaker({ name: dependency, recoveryTimeMs: 60_000, clock }));
  const limited = limiter === undefined ? broken : broken.rate(limiter);
  return limited.attemptTimeout(attemptTimeoutMs).build();
}
