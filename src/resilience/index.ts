export { type Backoff, type ExponentialBackoffOptions, exponentialBackoff } from './backoff.ts';
export {
  CircuitBreaker,
  type CircuitBreakerEvents,
  type CircuitBreakerOptions,
  type CircuitCallOptions,
  type CircuitSnapshot,
  type CircuitState,
  isDependencyFailure,
} from './circuit-breaker.ts';
export { type RetryCallOptions, type RetryEvent, RetryManager, type RetryOptions } from './retry.ts';
export { Timeout, type TimeoutCallOptions, type TimeoutOptions } from './timeout.ts';
