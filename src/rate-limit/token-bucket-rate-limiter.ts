import { requireInteger, requireNumber } from '../kernel/index.ts';
import { BaseRateLimiter } from './base-rate-limiter.ts';
import type { RateLimitAnswer, RateLimitDecision } from './decision.ts';
import type { RateLimiterOptions } from './options.ts';

/** The numbers of a token bucket. */
export interface TokenBucketNumbers {
  /** Permits that come back per second, evenly; from 0.00001 (about one a day) to 1_000_000. */
  readonly ratePerSecond: number;
  /** The most that can be taken at once, after a pause; whole. */
  readonly capacity: number;
}

/** What may change of a token bucket. */
export type TokenBucketChanges = { readonly [Name in keyof TokenBucketNumbers]?: number | undefined };

/** The options of a {@link TokenBucketRateLimiter}. */
export interface TokenBucketRateLimiterOptions<Answer extends RateLimitAnswer = RateLimitDecision>
  extends TokenBucketNumbers,
    RateLimiterOptions<Answer> {}

/**
 * Allows an even rate with bursts: of every key, no more than `capacity + ratePerSecond · t` is admitted within any `t`
 * seconds.
 *
 * @throws {ArgumentError} that names the option and its value, at construction.
 * @example
 * const limiter = new TokenBucketRateLimiter({ name: 'fda', ratePerSecond: 10, capacity: 20 });
 * await limiter.wait('api.fda.gov', { signal });
 */
export class TokenBucketRateLimiter<Answer extends RateLimitAnswer = RateLimitDecision> extends BaseRateLimiter<
  Answer,
  TokenBucketNumbers,
  TokenBucketChanges
> {
  constructor(options: TokenBucketRateLimiterOptions<Answer>) {
    super(options, options, {
      read: (changes, current) => ({
        // What is missing is found by its check.
        ratePerSecond: requireNumber(
          'ratePerSecond',
          (changes.ratePerSecond ?? current?.ratePerSecond) as number,
          0.000_01,
          1_000_000,
        ),
        capacity: requireInteger('capacity', (changes.capacity ?? current?.capacity) as number, 1, 1_000_000_000),
      }),
      lawsOf: ({ ratePerSecond, capacity }) => [{ kind: 'token-bucket', ratePerSecond, capacity }],
    });
  }
}
