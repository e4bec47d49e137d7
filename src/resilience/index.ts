export {
  AdaptiveConcurrency,
  type AdaptiveConcurrencyChanges,
  type AdaptiveConcurrencyEvents,
  type AdaptiveConcurrencyOptions,
  type AdaptiveConcurrencySettings,
  type AdaptiveConcurrencySnapshot,
} from './adaptive-concurrency.ts';
export {
  type Backoff,
  backoffOf,
  type ConstantBackoffOptions,
  constantBackoff,
  type DecorrelatedBackoffOptions,
  decorrelatedBackoff,
  type ExponentialBackoffOptions,
  exponentialBackoff,
  type Jitter,
  type LinearBackoffOptions,
  linearBackoff,
} from './backoff.ts';
export {
  Bulkhead,
  type BulkheadChanges,
  type BulkheadEvents,
  type BulkheadOptions,
  type BulkheadSettings,
  type BulkheadSnapshot,
} from './bulkhead.ts';
export {
  type Admission,
  CircuitBreaker,
  type CircuitBreakerEvents,
  type CircuitCallOptions,
  type CircuitSnapshot,
} from './circuit-breaker.ts';
export type {
  CircuitBreakerOptions,
  CircuitChanges,
  CircuitMode,
  CircuitSettings,
  CountWindowOptions,
  CountWindowSettings,
  TimeWindowOptions,
  TimeWindowSettings,
} from './circuit-options.ts';
export type { CircuitState } from './circuit-period.ts';
export type { CircuitRecord } from './circuit-record.ts';
export type { ConcurrencySlot, SlotOutcome, SlotRelease, SlotRequest, SlotWait } from './concurrency-slot.ts';
export {
  type MethodProtector,
  type Policy,
  protectedBy,
  type RetryWithBackoffOptions,
  retryWithBackoff,
} from './decorators.ts';
export { isDependencyFailure } from './dependency-failure.ts';
export { Fallback, type FallbackCallOptions, type FallbackEvents, type FallbackOptions } from './fallback.ts';
export {
  Hedge,
  type HedgeCallOptions,
  type HedgeChanges,
  type HedgeEvents,
  type HedgeOptions,
  type HedgeSettings,
} from './hedge.ts';
export {
  type FailedAttempt,
  type GiveUpReason,
  type RetryCallOptions,
  type RetryDecision,
  type RetryEvent,
  type RetryEvents,
  RetryManager,
  type RetryOptions,
  type RetrySettings,
} from './retry.ts';
export {
  RetryBudget,
  type RetryBudgetChanges,
  type RetryBudgetEvents,
  type RetryBudgetOptions,
  type RetryBudgetSettings,
  type RetryBudgetStats,
} from './retry-budget.ts';
export type { QueueChanges, QueueOptions, QueueSettings, SlotRejection } from './slot-queue.ts';
export {
  type TimedCall,
  Timeout,
  type TimeoutCallOptions,
  type TimeoutEvents,
  type TimeoutOptions,
  type TimeoutSettings,
  type TimeoutStrategy,
} from './timeout.ts';
