import { ArgumentError } from '../errors/index.ts';
import { type Random, requireDuration, requireNumber } from '../kernel/index.ts';

/** How long to wait before a retry. A value: it keeps no count, so any number of calls can share one. */
export interface Backoff {
  /**
   * The wait in milliseconds.
   *
   * @param retry 1 before the second attempt, 2 before the third, and so on.
   * @param previousDelayMs The wait before, as this backoff gave it; undefined at the first retry.
   */
  delayMs(retry: number, random: Random, previousDelayMs?: number): number;
}

/**
 * What chance does to a wait: `full` takes any share of it, so that callers spread out; `equal` takes at least half of it;
 * `none` takes all of it (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 */
export type Jitter = 'full' | 'equal' | 'none';

/** The numbers of {@link constantBackoff}. */
export interface ConstantBackoffOptions {
  /** The longest wait, in milliseconds. @default 1_000 */
  readonly waitMs?: number | undefined;
  /** What chance does to the wait. @default 'none' */
  readonly jitter?: Jitter | undefined;
}

/** The numbers of {@link linearBackoff}. */
export interface LinearBackoffOptions {
  /** The longest first wait, in milliseconds. @default 200 */
  readonly initialDelayMs?: number | undefined;
  /** What is added to the longest wait at each further retry, in milliseconds. @default initialDelayMs */
  readonly stepMs?: number | undefined;
  /** The longest wait of all, in milliseconds. @default 60_000 */
  readonly maxDelayMs?: number | undefined;
  /** What chance does to the waits. @default 'full' */
  readonly jitter?: Jitter | undefined;
}

/** The numbers of {@link exponentialBackoff}. */
export interface ExponentialBackoffOptions {
  /** The longest first wait, in milliseconds. @default 200 */
  readonly initialDelayMs?: number | undefined;
  /** What the longest wait is multiplied by at each further retry. @default 2 */
  readonly factor?: number | undefined;
  /** The longest wait of all, in milliseconds. @default 60_000 */
  readonly maxDelayMs?: number | undefined;
  /** What chance does to the waits. @default 'full' */
  readonly jitter?: Jitter | undefined;
}

/** The numbers of {@link decorrelatedBackoff}. */
export interface DecorrelatedBackoffOptions {
  /** The shortest wait, in milliseconds: at least 1, for three times nothing is nothing. @default 200 */
  readonly initialDelayMs?: number | undefined;
  /** The longest wait of all, in milliseconds. @default 60_000 */
  readonly maxDelayMs?: number | undefined;
}

/** How many waits {@link backoffOf} takes from what it is given. */
const maxListedDelays = 10_000;

/**
 * The same wait every time.
 *
 * @throws {ArgumentError} for a wait that is not a number of milliseconds.
 * @example
 * const backoff = constantBackoff({ waitMs: 500 });
 */
export function constantBackoff(options: ConstantBackoffOptions = {}): Backoff {
  const { waitMs = 1_000, jitter = 'none' } = options;
  requireDuration('waitMs', waitMs, 0);
  return jittered(jitter, () => waitMs);
}

/**
 * Waits that grow by a step.
 *
 * @throws {ArgumentError} for numbers that make no sense, such as a longest wait that is shorter than the first.
 * @example
 * const backoff = linearBackoff({ initialDelayMs: 100, stepMs: 200, maxDelayMs: 5_000 });
 */
export function linearBackoff(options: LinearBackoffOptions = {}): Backoff {
  const { initialDelayMs = 200, stepMs = initialDelayMs, maxDelayMs = 60_000, jitter = 'full' } = options;
  requireDuration('initialDelayMs', initialDelayMs, 0);
  requireDuration('stepMs', stepMs, 0);
  requireDuration('maxDelayMs', maxDelayMs, initialDelayMs);
  return jittered(jitter, retry => Math.min(maxDelayMs, initialDelayMs + stepMs * (retry - 1)));
}

/**
 * Waits that grow by a factor, with full jitter unless told otherwise.
 *
 * @throws {ArgumentError} for numbers that make no sense, such as a longest wait that is shorter than the first.
 * @example
 * const backoff = exponentialBackoff({ initialDelayMs: 100, maxDelayMs: 5_000 });
 */
export function exponentialBackoff(options: ExponentialBackoffOptions = {}): Backoff {
  const { initialDelayMs = 200, factor = 2, maxDelayMs = 60_000, jitter = 'full' } = options;
  requireDuration('initialDelayMs', initialDelayMs, 0);
  requireDuration('maxDelayMs', maxDelayMs, initialDelayMs);
  requireNumber('factor', factor, 1);
  return jittered(jitter, retry => {
    // Bounded before it is multiplied: nothing times infinity is not a number.
    const growth = Math.min(factor ** (retry - 1), Number.MAX_VALUE);
    return Math.min(maxDelayMs, initialDelayMs * growth);
  });
}

/**
 * Waits between the shortest one and three times the wait before, at random: "decorrelated jitter" of the AWS article.
 * They grow, spread out, and never come back to nothing.
 *
 * @throws {ArgumentError} for numbers that make no sense, such as a longest wait that is shorter than the shortest.
 * @example
 * const backoff = decorrelatedBackoff({ initialDelayMs: 100, maxDelayMs: 20_000 });
 */
export function decorrelatedBackoff(options: DecorrelatedBackoffOptions = {}): Backoff {
  const { initialDelayMs = 200, maxDelayMs = 60_000 } = options;
  requireDuration('initialDelayMs', initialDelayMs, 1);
  requireDuration('maxDelayMs', maxDelayMs, initialDelayMs);
  return Object.freeze({
    delayMs(_retry: number, random: Random, previousDelayMs: number = initialDelayMs): number {
      const longestMs = Math.max(initialDelayMs, previousDelayMs * 3);
      return Math.min(maxDelayMs, initialDelayMs + (longestMs - initialDelayMs) * random.next());
    },
  });
}

/**
 * Waits as they are listed; after the last one, the last one again.
 *
 * @throws {ArgumentError} for no wait at all, more than 10,000, or one that is not a number of milliseconds.
 * @example
 * const backoff = backoffOf([100, 500, 2_000]);
 */
export function backoffOf(delaysMs: Iterable<number>): Backoff {
  const listed: number[] = [];
  for (const delayMs of delaysMs) {
    if (listed.length === maxListedDelays) {
      throw new ArgumentError(`Cannot list more than ${maxListedDelays} waits: use another backoff`, 'delaysMs');
    }
    listed.push(requireDuration('delaysMs', delayMs, 0));
  }
  const last = listed.at(-1);
  if (last === undefined) {
    throw new ArgumentError('Cannot make a backoff of no waits: expected at least one, got none', 'delaysMs');
  }
  return jittered('none', retry => listed[retry - 1] ?? last);
}

function jittered(jitter: Jitter, longestMs: (retry: number) => number): Backoff {
  const shares: Readonly<Record<Jitter, (random: Random) => number>> = {
    full: random => random.next(),
    equal: random => (1 + random.next()) / 2,
    none: () => 1,
  };
  const share = Object.hasOwn(shares, jitter) ? shares[jitter] : undefined;
  if (share === undefined) {
    throw new ArgumentError(`Cannot use jitter: expected full, equal or none, got ${String(jitter)}`, 'jitter');
  }
  return Object.freeze({ delayMs: (retry: number, random: Random): number => longestMs(retry) * share(random) });
}
