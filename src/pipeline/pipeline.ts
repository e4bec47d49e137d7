import type { LoadingCache } from '../cache/index.ts';
import { type Clock, Events, type Random, requireInteger, systemClock } from '../kernel/index.ts';
import {
  Bulkhead,
  type BulkheadOptions,
  CircuitBreaker,
  type CircuitBreakerOptions,
  type ConcurrencySlot,
  Hedge,
  type HedgeOptions,
  RetryManager,
  type RetryOptions,
  Timeout,
} from '../resilience/index.ts';
import type { FaultInjector } from './attempt.ts';
import type { StageName } from './call-record.ts';
import { Guard, type GuardEvents } from './guard.ts';
import type { CallLimiter, GuardPolicies, Substitute } from './policies.ts';
import type { GivenNumbers } from './stage-numbers.ts';

/** What the stages of a pipeline share. */
export interface PipelineOptions {
  /** @default systemClock */
  readonly clock?: Clock | undefined;
  /** @default systemRandom */
  readonly random?: Random | undefined;
  /** Where the calls of this guard are told, when several guards share one stream. @default a stream of its own */
  readonly events?: Events<GuardEvents> | undefined;
}

/** Which permits a call takes of its limiter. */
export interface RateOptions {
  /** Which of the limiter's keys the calls count for. @default the dependency */
  readonly key?: string | undefined;
  /** Permits per call. @default 1 */
  readonly cost?: number | undefined;
}

type AttemptStage = 'concurrency' | 'breaker' | 'rate' | 'attemptTimeout' | 'fault';

/** Every stage that can be added, each with what may still follow it. */
interface Steps {
  /** Ends the whole call, retries included, after so many milliseconds. */
  deadline(timeoutMs: number): PipelineBuilder<'fallback' | 'cache' | 'retry' | 'hedge' | AttemptStage>;
  /** Gives a substitute when everything inside has failed. */
  fallback(substitute: Substitute): PipelineBuilder<'cache' | 'retry' | 'hedge' | AttemptStage>;
  /** Answers from memory, joins calls for the same key, covers outages with older values. */
  cache(cache: LoadingCache<unknown>): PipelineBuilder<'retry' | 'hedge' | AttemptStage>;
  /** Tries again what failed for a passing reason. */
  retry(retry?: RetryManager | RetryOptions): PipelineBuilder<AttemptStage>;
  /** Starts a second attempt beside one that takes unusually long; the first answer counts. */
  hedge(hedge?: Hedge | HedgeOptions): PipelineBuilder<AttemptStage>;
  /** Bounds how many attempts are under way at once. A slot is given back while a retry waits. */
  concurrency(slots: ConcurrencySlot | BulkheadOptions): PipelineBuilder<Exclude<AttemptStage, 'concurrency'>>;
  /** Refuses while the dependency keeps failing. */
  breaker(breaker?: CircuitBreaker | CircuitBreakerOptions): PipelineBuilder<'rate' | 'attemptTimeout' | 'fault'>;
  /** Waits until the limiter lets the attempt through. What the breaker refuses takes no permit. */
  rate(limiter: CallLimiter, options?: RateOptions): PipelineBuilder<'attemptTimeout' | 'fault'>;
  /** Gives up on one attempt after so many milliseconds. */
  attemptTimeout(timeoutMs: number): PipelineBuilder<'fault'>;
  /** Disturbs attempts on purpose: for tests and drills. */
  fault(injector: FaultInjector): PipelineBuilder<never>;
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
 *   .concurrency({ maxConcurrent: 20 })
 *   .breaker({ failureThreshold: 5 })
 *   .rate(new TokenBucketRateLimiter({ ratePerSecond: 10, capacity: 20 }))
 *   .attemptTimeout(2_000)
 *   .build();
 */
export function pipeline(dependency: string, options: PipelineOptions = {}): PipelineBuilder<keyof Steps> {
  const { clock = systemClock, random, events = new Events<GuardEvents>() } = options;
  // Every step gives a new builder, so that one beginning can be finished in several ways.
  const after = (policies: GuardPolicies, given: GivenNumbers): Steps & { build(): Guard } => {
    const add = <Name extends StageName & keyof GuardPolicies>(
      stage: Name,
      policy: GuardPolicies[Name],
      names: readonly string[] | 'all' = 'all',
    ): Steps & { build(): Guard } => after({ ...policies, [stage]: policy }, { ...given, [stage]: names });
    return {
      deadline: timeoutMs => add('deadline', new Timeout({ timeoutMs, clock })),
      fallback: substitute => add('fallback', substitute),
      cache: cache => add('cache', cache),
      retry: retry =>
        retry instanceof RetryManager
          ? add('retry', retry)
          : add('retry', new RetryManager({ clock, random, ...retry }), Object.keys(retry ?? {})),
      hedge: hedge =>
        hedge instanceof Hedge
          ? add('hedge', hedge)
          : add('hedge', new Hedge({ clock, ...hedge }), Object.keys(hedge ?? {})),
      concurrency: slots =>
        'tryAcquire' in slots
          ? add('concurrency', slots)
          : add('concurrency', new Bulkhead({ name: dependency, clock, ...slots }), Object.keys(slots)),
      breaker: breaker =>
        breaker instanceof CircuitBreaker
          ? add('breaker', breaker)
          : add('breaker', new CircuitBreaker({ name: dependency, clock, ...breaker }), Object.keys(breaker ?? {})),
      rate: (limiter, { key = dependency, cost = 1 } = {}) =>
        add('rate', { limiter, key, cost: requireInteger('cost', cost, 1) }),
      attemptTimeout: timeoutMs => add('attemptTimeout', new Timeout({ timeoutMs, clock })),
      fault: injector => add('fault', injector),
      build: () => new Guard({ dependency, policies, given, clock, events }),
    };
  };
  return after({}, {});
}
