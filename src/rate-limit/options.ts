import type { Clock } from '../kernel/index.ts';
import type { RateLimitAnswer } from './decision.ts';
import type { RateLimitStore } from './store.ts';

/** What all limiters may be told besides their numbers. */
export interface RateLimiterOptions<Answer extends RateLimitAnswer> {
  /** What is limited, for people, metrics and the keys of a shared store. From a closed set. @default 'rate-limit' */
  readonly name?: string | undefined;
  /** Where the state is kept; a store that is given is not closed with the limiter. @default a store of its own in memory */
  readonly store?: RateLimitStore<Answer> | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
  /** How many callers may wait, all keys together. @default 1_000 */
  readonly maxQueued?: number | undefined;
  /**
   * How many keys are remembered in memory. Beyond it the key that entered longest ago is forgotten and its limit begins
   * anew: whoever can invent more keys than this within a window is not limited. @default 1_000_000
   */
  readonly maxKeys?: number | undefined;
  /** Decides and tells, but always admits: to try numbers out. @default false */
  readonly shadow?: boolean | undefined;
}

/** What one question may say. */
export interface CheckOptions {
  /** How many permits it takes; whole. @default 1 */
  readonly cost?: number | undefined;
}

/** What one caller that waits may say. */
export interface WaitOptions extends CheckOptions {
  /** Stops waiting, and takes nothing. */
  readonly signal?: AbortSignal | undefined;
  /** The wait ends no later than this, in milliseconds of the clock's `monotonic()`. @default none */
  readonly deadlineMs?: number | undefined;
  /** The wait takes no longer than this, in milliseconds. @default none */
  readonly timeoutMs?: number | undefined;
}

/** What {@link WaitOptions} say, and for which key. */
export interface RunOptions extends WaitOptions {
  /** Whose limit it is. @default '' */
  readonly key?: string | undefined;
}
