import type { RateLimitAnswer } from './decision.ts';

/** A bucket that holds `capacity` permits and is filled again at `ratePerSecond`. */
export interface TokenBucketLaw {
  readonly kind: 'token-bucket';
  /** Permits that come back per second; above 0, may be a fraction. */
  readonly ratePerSecond: number;
  /** The most that can be taken at once; whole. */
  readonly capacity: number;
}

/** At most `requests` permits within any interval of `windowMs`. */
export interface SlidingWindowLaw {
  readonly kind: 'sliding-window';
  /** Whole. */
  readonly requests: number;
  /** Whole milliseconds. */
  readonly windowMs: number;
}

/** What a limit promises for every interval of time, at any pattern of arrivals. */
export type RateLimitLaw = TokenBucketLaw | SlidingWindowLaw;

/**
 * A limit as its limiter hands it to the store: checked and frozen. When the numbers of a limiter change it hands over
 * another object from the next decision on, so that a store may keep what it derived from a limit beside the object.
 */
export interface CompiledLimit {
  /** The limiter's name. It sets the keys of limiters that share a store apart; two limiters of one name are one limit. */
  readonly name: string;
  /** At least one; a decision must please all of them. */
  readonly laws: readonly RateLimitLaw[];
  /** How many keys a store in memory may hold for this limit. Stores whose keys expire elsewhere have no use for it. */
  readonly maxKeys: number;
  /** For a store in memory: called for a key whose state was given up before it had expired. */
  readonly onEvicted: (key: string) => void;
}

/**
 * Where the state of limits is kept. A store in memory answers at once (`Answer` is the decision), one elsewhere with a
 * promise; limiters are generic in it.
 *
 * The caller has checked the cost: whole, at least 1, and within the smallest law.
 */
export interface RateLimitStore<Answer extends RateLimitAnswer> {
  /** One decision over all laws at once: all admit, or nothing is taken. */
  take(key: string, cost: number, limit: CompiledLimit): Answer;
  /** What {@link take} would answer; takes nothing. `remaining` is what is left now. */
  peek(key: string, cost: number, limit: CompiledLimit): Answer;
  /**
   * Called when the numbers of a limit change, before the next decision: a store that can counts by them from this moment
   * on, not from the next decision on.
   */
  adopt?(limit: CompiledLimit): void;
  /** Makes the limit of a key whole. */
  reset(key: string, limit: CompiledLimit): void | Promise<void>;
  /** Lets go of what the store holds. Limiters close only a store that they made themselves. */
  close(): void | Promise<void>;
}
