import type { Clock, Random } from '../kernel/index.ts';
import { exponentialBackoff } from './backoff.ts';
import { RetryManager } from './retry.ts';
import type { RetryBudget } from './retry-budget.ts';

/** Anything that runs work under its own rules: a breaker, a retry, a timeout, a bulkhead, or one of yours. */
export interface Policy {
  execute<Value>(work: () => Promise<Value>): Promise<Value>;
}

/** A method decorator that keeps the method's type. */
export type MethodProtector = <This, Args extends unknown[], Value>(
  method: (this: This, ...args: Args) => Promise<Value>,
  context: ClassMethodDecoratorContext<This, (this: This, ...args: Args) => Promise<Value>>,
) => (this: This, ...args: Args) => Promise<Value>;

/**
 * Puts a method behind a policy, which all instances share. Of several decorators the upper one stands outside.
 *
 * @example
 * class Billing {
 *   @protectedBy(retry)
 *   @protectedBy(breaker)
 *   async fetchInvoice(id: string) {}
 * }
 */
export function protectedBy(policy: Policy): MethodProtector {
  return method =>
    function (...args) {
      return policy.execute(() => method.apply(this, args));
    };
}

/** The numbers of {@link retryWithBackoff}. */
export interface RetryWithBackoffOptions {
  /** How many times the method is tried in all, counting the first. @default 4 */
  readonly maxAttempts?: number | undefined;
  /** The longest wait before the second attempt, in milliseconds; doubled before each further one. @default 1_000 */
  readonly baseDelayMs?: number | undefined;
  /** The longest wait of all, in milliseconds. @default 60_000 */
  readonly maxDelayMs?: number | undefined;
  /** What retries are paid from; `false` for none. @default a budget of the method's own */
  readonly budget?: RetryBudget | false | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
  /** @default systemRandom */
  readonly random?: Random | undefined;
}

/**
 * Tries a method again when it fails for a passing reason, after waits that double. Only for methods that may safely be
 * called twice.
 *
 * @throws {ArgumentError} for numbers that make no sense, when the class is defined.
 * @example
 * class Rates {
 *   @retryWithBackoff({ maxAttempts: 4, baseDelayMs: 1_000 })
 *   async fetch() {}
 * }
 */
export function retryWithBackoff(options: RetryWithBackoffOptions = {}): MethodProtector {
  const { maxAttempts = 4, baseDelayMs = 1_000, maxDelayMs, budget, clock, random } = options;
  const backoff = exponentialBackoff({ initialDelayMs: baseDelayMs, maxDelayMs });
  return protectedBy(new RetryManager({ maxAttempts, backoff, budget, clock, random }));
}
