import { MemoryCache } from '../cache/index.ts';
import type { CircuitBreaker } from '../resilience/index.ts';
import type { Guard } from './guard.ts';
import { type PipelineOptions, pipeline } from './pipeline.ts';

/** The numbers of {@link standardGuard}. */
export interface StandardGuardOptions extends PipelineOptions {
  /** How long the whole call may take, retries included, in milliseconds. @default 30_000 */
  readonly deadlineMs?: number | undefined;
  /** How long one attempt may take, in milliseconds. @default 10_000 */
  readonly attemptTimeoutMs?: number | undefined;
  /** How many attempts in all. @default 3 */
  readonly maxAttempts?: number | undefined;
  /** The breaker, when others look at it too. @default 5 failures in a row, 60 s */
  readonly breaker?: CircuitBreaker | undefined;
  /** The cache, when others look at it too. @default 1,000 entries, fresh for an hour, stale for a day */
  readonly cache?: MemoryCache<unknown> | undefined;
}

/**
 * The usual guard of an outside source in one line: deadline, cache with single flight and stale answers, retries,
 * breaker, attempt timeout.
 *
 * @example
 * const guard = standardGuard('openfda', { attemptTimeoutMs: 5_000 });
 */
export function standardGuard(dependency: string, options: StandardGuardOptions = {}): Guard {
  const { clock } = options;
  return pipeline(dependency, options)
    .deadline(options.deadlineMs ?? 30_000)
    .cache(options.cache ?? new MemoryCache({ name: dependency, ttlMs: 3_600_000, staleMs: 86_400_000, clock }))
    .retry({ maxAttempts: options.maxAttempts })
    .breaker(options.breaker ?? { recoveryTimeMs: 60_000 })
    .attemptTimeout(options.attemptTimeoutMs ?? 10_000)
    .build();
}
