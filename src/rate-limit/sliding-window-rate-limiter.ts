import { ArgumentError } from '../errors/index.ts';
import { requireInteger } from '../kernel/index.ts';
import { BaseRateLimiter } from './base-rate-limiter.ts';
import type { RateLimitAnswer, RateLimitDecision } from './decision.ts';
import type { RateLimiterOptions } from './options.ts';

/** One window: at most so many requests within any interval of its length. */
export interface RateLimitWindow {
  /** How many requests; whole. */
  readonly requests: number;
  /** The length of the window, in whole milliseconds. */
  readonly windowMs: number;
}

/** One window in short, or several that hold at once. */
export type RateLimitWindows =
  | (RateLimitWindow & { readonly windows?: undefined })
  | {
      readonly windows: readonly RateLimitWindow[];
      readonly requests?: undefined;
      readonly windowMs?: undefined;
    };

/** The numbers of a sliding window limiter as they are in force. */
export interface SlidingWindowNumbers {
  readonly windows: readonly RateLimitWindow[];
}

/** What may change of the windows: all of them, or numbers of the only one. */
export interface SlidingWindowChanges {
  /** How many requests; whole. */
  readonly requests?: number | undefined;
  /** The length of the window, in whole milliseconds. */
  readonly windowMs?: number | undefined;
  /** All windows. */
  readonly windows?: readonly RateLimitWindow[] | undefined;
}

/** The options of a {@link SlidingWindowRateLimiter}. */
export type SlidingWindowRateLimiterOptions<Answer extends RateLimitAnswer = RateLimitDecision> = RateLimitWindows &
  RateLimiterOptions<Answer>;

/** More windows than people can think about cost every decision. */
const maxWindows = 8;
/** Counts are kept in 32 bits. */
const maxRequests = 1_000_000_000;
const maxWindowMs = 3_650 * 86_400_000;

/**
 * Allows at most `requests` within any interval of `windowMs`, exactly: not only in windows that begin at full minutes, and
 * not by an estimate. Above 128 requests the window moves in steps of a 128th, so that at overload up to one percent less is
 * admitted. Several windows are one decision: all admit, or nothing is taken.
 *
 * @throws {ArgumentError} that names the option and its value, at construction.
 * @example
 * const limiter = new SlidingWindowRateLimiter({
 *   windows: [{ requests: 5, windowMs: 1_000 }, { requests: 100, windowMs: 60_000 }],
 * });
 */
export class SlidingWindowRateLimiter<Answer extends RateLimitAnswer = RateLimitDecision> extends BaseRateLimiter<
  Answer,
  SlidingWindowNumbers,
  SlidingWindowChanges
> {
  constructor(options: SlidingWindowRateLimiterOptions<Answer>) {
    super(options, options, {
      read: readWindows,
      lawsOf: ({ windows }) => windows.map(window => Object.freeze({ kind: 'sliding-window', ...window })),
    });
  }
}

function readWindows(changes: SlidingWindowChanges, current: SlidingWindowNumbers | undefined): SlidingWindowNumbers {
  const { windows, requests, windowMs } = changes;
  if (windows === undefined) {
    const known = current?.windows ?? [];
    if (requests === undefined && windowMs === undefined && current !== undefined) return { windows: known };
    if (known.length > 1) {
      throw new ArgumentError('Cannot change requests or windowMs of several windows: give windows', 'windows');
    }
    const only = { requests: requests ?? known[0]?.requests, windowMs: windowMs ?? known[0]?.windowMs };
    return { windows: Object.freeze([readWindow(only as RateLimitWindow, '')]) };
  }
  if (requests !== undefined || windowMs !== undefined) {
    throw new ArgumentError('Cannot use windows beside requests and windowMs: give one or the other', 'windows');
  }
  if (!Array.isArray(windows) || windows.length === 0 || windows.length > maxWindows) {
    const got = Array.isArray(windows) ? `${windows.length}` : String(windows);
    throw new ArgumentError(`Cannot use windows: expected from 1 to ${maxWindows} of them, got ${got}`, 'windows');
  }
  return { windows: Object.freeze(windows.map((window, index) => readWindow(window, `windows[${index}].`))) };
}

function readWindow({ requests, windowMs }: RateLimitWindow, path: string): RateLimitWindow {
  return Object.freeze({
    requests: requireInteger(`${path}requests`, requests, 1, maxRequests),
    windowMs: requireInteger(`${path}windowMs`, windowMs, 1, maxWindowMs),
  });
}
