import { ArgumentError } from '../errors/index.ts';
import { AdaptiveRateLimiter, type AdaptiveRateLimiterOptions } from './adaptive-rate-limiter.ts';
import type { RateLimitAnswer, RateLimitDecision } from './decision.ts';
import { DomainRateLimiter, type DomainRateLimiterOptions } from './domain-rate-limiter.ts';
import { SlidingWindowRateLimiter, type SlidingWindowRateLimiterOptions } from './sliding-window-rate-limiter.ts';
import { TokenBucketRateLimiter, type TokenBucketRateLimiterOptions } from './token-bucket-rate-limiter.ts';

/** Which limiter, and its options. */
export type RateLimiterConfiguration<Answer extends RateLimitAnswer = RateLimitDecision> =
  | ({ readonly strategy: 'token-bucket' } & TokenBucketRateLimiterOptions<Answer>)
  | ({ readonly strategy: 'sliding-window' } & SlidingWindowRateLimiterOptions<Answer>)
  | ({ readonly strategy: 'adaptive' } & AdaptiveRateLimiterOptions)
  | ({ readonly strategy: 'domain' } & DomainRateLimiterOptions);

/** Which class stands behind each strategy. */
export interface RateLimiterOfStrategy<Answer extends RateLimitAnswer = RateLimitDecision> {
  readonly 'token-bucket': TokenBucketRateLimiter<Answer>;
  readonly 'sliding-window': SlidingWindowRateLimiter<Answer>;
  readonly adaptive: AdaptiveRateLimiter;
  readonly domain: DomainRateLimiter;
}

/**
 * The limiter that a configuration asks for.
 *
 * @throws {ArgumentError} when there is no such strategy, or an option of it cannot be used.
 * @example
 * const limiter = createRateLimiter({ strategy: 'token-bucket', ratePerSecond: 10, capacity: 20 });
 */
export function createRateLimiter<
  Configuration extends RateLimiterConfiguration<Answer>,
  Answer extends RateLimitAnswer = RateLimitDecision,
>(configuration: Configuration): RateLimiterOfStrategy<Answer>[Configuration['strategy']] {
  // Each strategy makes its own class, which is what the signature says of it.
  return make(configuration) as RateLimiterOfStrategy<Answer>[Configuration['strategy']];
}

function make<Answer extends RateLimitAnswer>(
  configuration: RateLimiterConfiguration<Answer>,
): RateLimiterOfStrategy<Answer>[keyof RateLimiterOfStrategy] {
  const { strategy } = configuration;
  switch (configuration.strategy) {
    case 'token-bucket':
      return new TokenBucketRateLimiter(configuration);
    case 'sliding-window':
      return new SlidingWindowRateLimiter(configuration);
    case 'adaptive':
      return new AdaptiveRateLimiter(configuration);
    case 'domain':
      return new DomainRateLimiter(configuration);
    default:
      throw new ArgumentError(
        `Cannot use strategy "${String(strategy)}": expected token-bucket, sliding-window, adaptive or domain`,
        'strategy',
      );
  }
}
