import type { Clock } from 'plinth/kernel';
import {
  type RateLimitDecision,
  type RedisRateLimitStore,
  SlidingWindowRateLimiter,
  TokenBucketRateLimiter,
} from 'plinth/rate-limit';

/** A law in numbers, to judge admissions by: at most `burst + perMs · t` in an interval of t, or `requests` in `windowMs`. */
export type JudgedLaw =
  | { readonly burst: number; readonly perMs: number }
  | { readonly requests: number; readonly windowMs: number };

/** The limits of an admission run. */
export const limits = {
  'token bucket': { ratePerSecond: 200, capacity: 50 },
  'sliding window': { requests: 100, windowMs: 500 },
  'large window': { requests: 400, windowMs: 1_000 },
  'two windows': {
    windows: [
      { requests: 60, windowMs: 300 },
      { requests: 150, windowMs: 1_000 },
    ],
  },
} as const;

export type LimitName = keyof typeof limits;

export const limitNames: readonly LimitName[] = ['token bucket', 'sliding window', 'large window', 'two windows'];

/** The laws of a limit. */
export function lawsOf(name: LimitName): readonly JudgedLaw[] {
  const limit = limits[name];
  if ('ratePerSecond' in limit) return [{ burst: limit.capacity, perMs: limit.ratePerSecond / 1_000 }];
  return 'windows' in limit ? limit.windows : [limit];
}

/** A limiter on a store. Leased and plain ones must not share their keys. */
export function limiterOf(
  name: LimitName,
  isLeased: boolean,
  store: RedisRateLimitStore,
  clock: Clock,
): () => Promise<RateLimitDecision> {
  const limit = limits[name];
  const common = { name: `${name}${isLeased ? ' leased' : ''}`, store, clock };
  const limiter =
    'ratePerSecond' in limit
      ? new TokenBucketRateLimiter({ ...limit, ...common })
      : new SlidingWindowRateLimiter({ ...limit, ...common });
  return async () => limiter.check('everybody');
}
