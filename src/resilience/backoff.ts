import { ArgumentError } from '../errors/index.ts';
import { type Random, requireDuration } from '../kernel/index.ts';

/** How long to wait before a retry. A value: it keeps no count, so any number of calls can share one. */
export interface Backoff {
  /**
   * The wait in milliseconds.
   *
   * @param retry 1 before the second attempt, 2 before the third, and so on.
   */
  delayMs(retry: number, random: Random): number;
}

/** The numbers of {@link exponentialBackoff}. */
export interface ExponentialBackoffOptions {
  /** The longest first wait, in milliseconds. @default 200 */
  readonly initialDelayMs?: number | undefined;
  /** What the longest wait is multiplied by at each further retry. @default 2 */
  readonly factor?: number | undefined;
  /** The longest wait of all, in milliseconds. @default 60_000 */
  readonly maxDelayMs?: number | undefined;
  /** `full` waits a random share of the longest wait, so that callers spread out; `none` waits all of it. @default 'full' */
  readonly jitter?: 'full' | 'none' | undefined;
}

/**
 * Waits that grow by a factor, with full jitter (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog,
 * 2015).
 *
 * @example
 * const backoff = exponentialBackoff({ initialDelayMs: 100, maxDelayMs: 5_000 });
 */
export function exponentialBackoff(options: ExponentialBackoffOptions = {}): Backoff {
  const { initialDelayMs = 200, factor = 2, maxDelayMs = 60_000, jitter = 'full' } = options;
  requireDuration('initialDelayMs', initialDelayMs, 0);
  requireDuration('maxDelayMs', maxDelayMs, initialDelayMs);
  if (!(Number.isFinite(factor) && factor >= 1)) {
    throw new ArgumentError(`Cannot use factor: expected a number of at least 1, got ${factor}`, 'factor');
  }
  return Object.freeze({
    delayMs(retry: number, random: Random): number {
      // Bounded before it is multiplied: nothing times infinity is not a number.
      const growth = Math.min(factor ** (retry - 1), Number.MAX_VALUE);
      const longestMs = Math.min(maxDelayMs, initialDelayMs * growth);
      return jitter === 'full' ? longestMs * random.next() : longestMs;
    },
  });
}
