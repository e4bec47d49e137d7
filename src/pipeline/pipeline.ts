import type { MemoryCache } from '../cache/index.ts';
import { type Clock, Events, type Random, systemClock } from '../kernel/index.ts';
import { CircuitBreaker, type CircuitBreakerOptions, RetryManager, type RetryOptions } from '../resilience/index.ts';
import { Guard, type GuardEvents } from './guard.ts';
import {
  attemptTimeoutStage,
  breakerStage,
  cacheStage,
  deadlineStage,
  fallbackStage,
  retryStage,
  type Stage,
} from './stages.ts';

/** What the stages of a pipeline share. */
export interface PipelineOptions {
  /** @default systemClock */
  readonly clock?: Clock | undefined;
  /** @default systemRandom */
  readonly random?: Random | undefined;
  /** Where the calls of this guard are told, when several guards share one stream. @default a stream of its own */
  readonly events?: Events<GuardEvents> | undefined;
}

/** Every stage that can be added, each with what may still follow it. */
interface Steps {
  /** Ends the whole call, retries included, after so many milliseconds. */
  deadline(timeoutMs: number): PipelineBuilder<'fallback' | 'cache' | 'retry' | 'breaker' | 'attemptTimeout'>;
  /** Gives a substitute when everything inside has failed. */
  fallback(substitute: (error: unknown) => unknown): PipelineBuilder<'cache' | 'retry' | 'breaker' | 'attemptTimeout'>;
  /** Answers from memory, joins calls for the same key, covers outages with older values. */
  cache(cache: MemoryCache<unknown>): PipelineBuilder<'retry' | 'breaker' | 'attemptTimeout'>;
  /** Tries again what failed for a passing reason. */
  retry(retry?: RetryManager | RetryOptions): PipelineBuilder<'breaker' | 'attemptTimeout'>;
  /** Refuses while the dependency keeps failing. */
  breaker(breaker?: CircuitBreaker | CircuitBreakerOptions): PipelineBuilder<'attemptTimeout'>;
  /** Gives up on one attempt after so many milliseconds. */
  attemptTimeout(timeoutMs: number): PipelineBuilder<never>;
}

/** A pipeline under construction. Only the stages that may stand further inside are there, so a wrong order does not compile. */
export type PipelineBuilder<Allowed extends keyof Steps> = Pick<Steps, Allowed> & {
  /** The finished guard. */
  build(): Guard;
};

/**
 * Begins the guard of a dependency. Stages are added from outside to inside; each is optional, their order is not.
 *
 * @param dependency Its name, from a closed set: it becomes a metric label.
 * @example
 * const guard = pipeline('rates')
 *   .deadline(10_000)
 *   .cache(new MemoryCache({ ttlMs: 60_000, staleMs: 3_600_000 }))
 *   .retry({ maxAttempts: 3 })
 *   .breaker({ failureThreshold: 5 })
 *   .attemptTimeout(2_000)
 *   .build();
 */
export function pipeline(dependency: string, options: PipelineOptions = {}): PipelineBuilder<keyof Steps> {
  const { clock = systemClock, random, events = new Events<GuardEvents>() } = options;
  // Every step gives a new builder, so that one beginning can be finished in several ways.
  const after = (...stages: readonly Stage[]): Steps & { build(): Guard } => ({
    deadline: timeoutMs => after(...stages, deadlineStage(timeoutMs, clock)),
    fallback: substitute => after(...stages, fallbackStage(substitute)),
    cache: cache => after(...stages, cacheStage(cache)),
    retry: retry =>
      after(
        ...stages,
        retryStage(retry instanceof RetryManager ? retry : new RetryManager({ clock, random, ...retry })),
      ),
    breaker: breaker =>
      after(
        ...stages,
        breakerStage(
          breaker instanceof CircuitBreaker ? breaker : new CircuitBreaker({ name: dependency, clock, ...breaker }),
        ),
      ),
    attemptTimeout: timeoutMs => after(...stages, attemptTimeoutStage(timeoutMs, clock)),
    build: () => new Guard(dependency, stages, clock, events),
  });
  return after();
}
