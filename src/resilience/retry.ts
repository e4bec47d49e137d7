import { PlinthError } from '../errors/index.ts';
import {
  abortReason,
  type Clock,
  isAbortError,
  type Random,
  requireDuration,
  requireInteger,
  systemClock,
  systemRandom,
} from '../kernel/index.ts';
import { type Backoff, exponentialBackoff } from './backoff.ts';

/** The numbers of a {@link RetryManager}. */
export interface RetryOptions {
  /** How many times the work is tried in all, counting the first. @default 3 */
  readonly maxAttempts?: number | undefined;
  /** The waits between attempts. @default exponentialBackoff() */
  readonly backoff?: Backoff | undefined;
  /**
   * The longest wait that an error may ask for by `retryAfterMs`, in milliseconds. One that asks for more is thrown at
   * once. @default 86_400_000
   */
  readonly maxRetryAfterMs?: number | undefined;
  /** Whether a failure is worth another attempt. @default errors that say so by `retryable`, and foreign errors */
  readonly isRetryable?: ((error: unknown) => boolean) | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
  /** @default systemRandom */
  readonly random?: Random | undefined;
}

/** One attempt that failed and is followed by another. */
export interface RetryEvent {
  /** The attempt that failed: 1 is the first. */
  readonly attempt: number;
  /** The wait before the next one, in milliseconds. */
  readonly delayMs: number;
  readonly error: unknown;
}

/** What one call may say to its retries. */
export interface RetryCallOptions {
  /** Ends the waits and the work. */
  readonly signal?: AbortSignal | undefined;
  /** No wait goes past this moment of the monotonic clock, in milliseconds: the last error is thrown at once instead. */
  readonly deadlineMs?: number | undefined;
  /** Told before each wait. */
  readonly onRetry?: ((event: RetryEvent) => void) | undefined;
}

/**
 * Tries again what failed for a passing reason. A `Retry-After` that the error carries is honoured when it is longer
 * than the backoff; a wait never goes past the deadline.
 *
 * Only for work that may safely be done twice: Plinth's HTTP client retries safe methods only.
 *
 * @example
 * const retry = new RetryManager({ maxAttempts: 3 });
 * const rates = await retry.execute(() => fetchRates());
 */
export class RetryManager {
  /** How many times the work is tried in all, counting the first. */
  readonly maxAttempts: number;
  readonly #backoff: Backoff;
  readonly #maxRetryAfterMs: number;
  readonly #isRetryable: (error: unknown) => boolean;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(options: RetryOptions = {}) {
    this.maxAttempts = requireInteger('maxAttempts', options.maxAttempts ?? 3, 1);
    this.#backoff = options.backoff ?? exponentialBackoff();
    this.#maxRetryAfterMs = requireDuration('maxRetryAfterMs', options.maxRetryAfterMs ?? 86_400_000, 0);
    this.#isRetryable = options.isRetryable ?? isRetryable;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
  }

  /** Runs the work, and again after failures that may pass. Throws the last failure. */
  async execute<Value>(work: (attempt: number) => Promise<Value>, options: RetryCallOptions = {}): Promise<Value> {
    for (let attempt = 1; ; attempt += 1) {
      if (options.signal?.aborted) throw abortReason(options.signal);
      try {
        return await work(attempt);
      } catch (error) {
        const delayMs = this.#delayBeforeNext(attempt, error, options);
        if (delayMs === undefined) throw error;
        options.onRetry?.({ attempt, delayMs, error });
        await this.#clock.sleep(delayMs, options.signal);
      }
    }
  }

  /** The same function with retries inside. */
  protect<Args extends unknown[], Value>(work: (...args: Args) => Promise<Value>): (...args: Args) => Promise<Value> {
    return (...args) => this.execute(() => work(...args));
  }

  #delayBeforeNext(attempt: number, error: unknown, options: RetryCallOptions): number | undefined {
    if (attempt >= this.maxAttempts || options.signal?.aborted || !this.#isRetryable(error)) return undefined;
    const askedMs = error instanceof PlinthError ? (error.retryAfterMs ?? 0) : 0;
    if (askedMs > this.#maxRetryAfterMs) return undefined;
    const delayMs = Math.max(askedMs, this.#backoff.delayMs(attempt, this.#random));
    const inTime = options.deadlineMs === undefined || this.#clock.monotonic() + delayMs < options.deadlineMs;
    return inTime ? delayMs : undefined;
  }
}

/** Plinth's errors say themselves whether another attempt may help; of others only a caller's abort is final. */
function isRetryable(error: unknown): boolean {
  return error instanceof PlinthError ? error.retryable : !isAbortError(error);
}
