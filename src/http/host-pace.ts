import { RateLimitError, UpstreamError } from '../errors/index.ts';
import { type Clock, type EventSource, requireNumber, systemClock } from '../kernel/index.ts';
import type { CallLimiter, CallPermit } from '../pipeline/index.ts';
import {
  AdaptiveRateLimiter,
  type AdaptiveRateLimiterEvents,
  type RateLimitWindow,
  type TokenBucketNumbers,
  TokenBucketRateLimiter,
} from '../rate-limit/index.ts';

/** How a {@link HostPace} begins. */
export interface HostPaceOptions {
  /** Whose pace it is, for people and metrics, such as `api.fda.gov`. @default 'host' */
  readonly name?: string | undefined;
  /** The most that the host is asked, in requests per second. @default 1 */
  readonly ratePerSecond?: number | undefined;
  /** How many requests may go out at once after a pause. @default 1 */
  readonly burst?: number | undefined;
  /** A limit of your own instead of these two numbers, such as one that is shared by processes. @default none */
  readonly limiter?: CallLimiter | undefined;
  /** The slowest pace that 429s lead to, as a part of the whole one. @default 1 / 60 */
  readonly minRatio?: number | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/**
 * How fast one host is asked: never more than its limit, and less when the host says that it is too much. Each 429, and
 * each 503 with `Retry-After`, halves the pace and holds every request until the time that was named; every second of
 * answers at full use (below one a second: every answer) gives back a twentieth of the whole. It concerns this host only.
 *
 * A limiter for the rate stage of a guard; `BaseScraper` has one.
 *
 * @throws {ArgumentError} that names the option and its value, at construction.
 * @example
 * const pace = new HostPace({ name: 'api.example.com', ratePerSecond: 5 });
 * const guard = standardGuard('example', { limiter: pace });
 */
export class HostPace implements CallLimiter {
  readonly name: string;
  readonly #law: CallLimiter;
  readonly #ownLaw: TokenBucketRateLimiter | undefined;
  readonly #pace: AdaptiveRateLimiter;
  readonly #minRatio: number;

  constructor(options: HostPaceOptions = {}) {
    const { name = 'host', ratePerSecond = 1, burst = 1, clock = systemClock } = options;
    this.name = name;
    this.#minRatio = requireNumber('minRatio', options.minRatio ?? 1 / 60, 0.000_1, 1);
    if (options.limiter === undefined) {
      this.#ownLaw = new TokenBucketRateLimiter({ name, ratePerSecond, capacity: burst, clock });
    }
    this.#law = options.limiter ?? (this.#ownLaw as CallLimiter);
    const { rate, capacity } = numbersOf(this.#law.settings, { rate: ratePerSecond, capacity: burst });
    this.#pace = new AdaptiveRateLimiter({
      name,
      clock,
      capacity,
      initialRatePerSecond: rate,
      ...this.#bounds(rate),
      // A slow answer is no request to ask less often: that is the breaker's and the bulkhead's to judge.
      targetLatencyMs: 2_147_483_647,
    });
  }

  /** The pace in force, in requests per second. */
  get ratePerSecond(): number {
    return this.#pace.ratePerSecond;
  }

  /** Changes of the pace, and pauses that the host asked for. */
  get events(): EventSource<AdaptiveRateLimiterEvents> {
    return this.#pace.events;
  }

  /** The numbers of the limit. What the pace is now, {@link ratePerSecond} says. */
  get settings(): object {
    return this.#law.settings;
  }

  /** Changes numbers of the limit; the pace moves within the new ones. @throws {ArgumentError} when one cannot be used. */
  reconfigure(changes: object): void {
    this.#law.reconfigure(changes);
    const { maxRatePerSecond } = this.#pace.settings;
    const { rate } = numbersOf(this.#law.settings, { rate: maxRatePerSecond, capacity: 1 });
    if (rate !== maxRatePerSecond) this.#pace.reconfigure(this.#bounds(rate));
  }

  /** Asks for no more than this many requests per second from now on, as a `Crawl-delay` says; never for more than before. */
  slowTo(ratePerSecond: number): void {
    const { maxRatePerSecond } = this.#pace.settings;
    if (ratePerSecond < maxRatePerSecond) this.#pace.reconfigure(this.#bounds(ratePerSecond));
  }

  /** Resolves when the host may be asked. @throws {RejectedError} when that is too late for the caller */
  async wait(key?: string, options: Parameters<CallLimiter['wait']>[1] = {}): Promise<CallPermit> {
    // The limit comes first: what keeps it never waits for the whole pace, and the limit goes on telling who waits.
    const { outcome } = await this.#law.wait(key, options);
    const { epoch } = await this.#pace.wait('', { signal: options.signal, deadlineMs: options.deadlineMs });
    return { outcome, epoch };
  }

  /** An answer came: the pace rises. */
  recordLatency(latencyMs: number, permit?: CallPermit): void {
    this.#pace.recordLatency(latencyMs, permit);
  }

  /** A request failed. Only what says "too often" slows the pace. */
  recordError(error: unknown, permit?: CallPermit): void {
    if (error instanceof RateLimitError) {
      this.#pace.recordError(error, permit);
    } else if (error instanceof UpstreamError && error.status === 503 && error.retryAfterMs !== undefined) {
      const { message, retryAfterMs } = error;
      this.#pace.recordError(new RateLimitError(message, { retryAfterMs, cause: error }), permit);
    }
  }

  /** Refuses everybody who waits, and every later question. A limiter that was given stays open. */
  close(): void {
    this.#pace.close();
    this.#ownLaw?.close();
  }

  #bounds(rate: number): {
    readonly minRatePerSecond: number;
    readonly maxRatePerSecond: number;
    readonly risePerSecond: number;
  } {
    return { minRatePerSecond: rate * this.#minRatio, maxRatePerSecond: rate, risePerSecond: rate / 20 };
  }
}

/** The rate and the burst of a limiter, whatever its strategy: a bucket of them is never stricter than the limiter. */
function numbersOf(
  settings: object,
  otherwise: { readonly rate: number; readonly capacity: number },
): { readonly rate: number; readonly capacity: number } {
  if ('windows' in settings) {
    const windows = settings.windows as readonly RateLimitWindow[];
    const rate = Math.min(...windows.map(({ requests, windowMs }) => (requests * 1_000) / windowMs));
    return { rate, capacity: Math.max(...windows.map(({ requests }) => requests)) };
  }
  const { ratePerSecond, capacity } = settings as Partial<TokenBucketNumbers>;
  return { rate: ratePerSecond ?? otherwise.rate, capacity: capacity ?? otherwise.capacity };
}
