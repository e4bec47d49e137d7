export {
  type AdaptiveDecision,
  AdaptiveRateLimiter,
  type AdaptiveRateLimiterOptions,
  type AdaptiveRateSettings,
  type AdaptiveTicket,
} from './adaptive-rate-limiter.ts';
export type { Answered, LiveSettings, RateLimiterSettings } from './base-rate-limiter.ts';
export {
  createRateLimiter,
  type RateLimiterConfiguration,
  type RateLimiterOfStrategy,
} from './create-rate-limiter.ts';
export type { RateLimitAnswer, RateLimitDecision } from './decision.ts';
export { DomainRateLimiter, type DomainRateLimiterOptions } from './domain-rate-limiter.ts';
export type { AdaptiveRateLimiterEvents, RateLimiterEvents } from './events.ts';
export type { LeaseOptions } from './leased-permits.ts';
export { MemoryRateLimitStore, type MemoryRateLimitStoreOptions } from './memory-store.ts';
export type { CheckOptions, RateLimiterOptions, RunOptions, WaitOptions } from './options.ts';
export type { WhenUnavailable } from './posture.ts';
export {
  parseRateLimit,
  parseRateLimitPolicy,
  type RateLimitFields,
  type RateLimitPolicy,
  type RateLimitState,
  rateLimitFields,
} from './rate-limit-fields.ts';
export { RateLimiter, type RateLimiterInit } from './rate-limiter.ts';
export { RedisRateLimitStore, type RedisRateLimitStoreOptions } from './redis-store.ts';
export {
  type RateLimitWindow,
  type RateLimitWindows,
  type SlidingWindowChanges,
  type SlidingWindowNumbers,
  SlidingWindowRateLimiter,
  type SlidingWindowRateLimiterOptions,
} from './sliding-window-rate-limiter.ts';
export type { CompiledLimit, RateLimitLaw, RateLimitStore, SlidingWindowLaw, TokenBucketLaw } from './store.ts';
export {
  type TokenBucketChanges,
  type TokenBucketNumbers,
  TokenBucketRateLimiter,
  type TokenBucketRateLimiterOptions,
} from './token-bucket-rate-limiter.ts';
