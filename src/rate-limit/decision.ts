/** What a limit says to one request: an expected outcome as a value. All numbers are whole. */
export interface RateLimitDecision {
  /** Whether the request may go on. */
  readonly allowed: boolean;
  /**
   * `allowed` and `denied`: by the law of the limit. `unavailable`: the store is away, and what was said to do then
   * decided. `allowed` beside `denied` is a limiter in shadow.
   */
  readonly outcome: 'allowed' | 'denied' | 'unavailable';
  /** The size of the law that decided (the tightest): requests of the window, or the capacity of the bucket. */
  readonly limit: number;
  /** Whole permits left in it after this decision; never negative. */
  readonly remaining: number;
  /** When the same cost would be allowed at the earliest, in milliseconds; 0 when allowed. */
  readonly retryAfterMs: number;
  /** Until that law is whole again, in milliseconds. */
  readonly resetAfterMs: number;
}

/** The answer of a limiter: at once when its store is in memory, as a promise when the store is elsewhere. */
export type RateLimitAnswer = RateLimitDecision | Promise<RateLimitDecision>;
