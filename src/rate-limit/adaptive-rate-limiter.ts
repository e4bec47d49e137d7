import { ArgumentError, RateLimitError } from '../errors/index.ts';
import {
  type Clock,
  type EventSource,
  Events,
  isAbortError,
  requireDuration,
  requireNumber,
  systemClock,
} from '../kernel/index.ts';
import { isDependencyFailure } from '../resilience/index.ts';
import type { RateLimitDecision } from './decision.ts';
import type { AdaptiveRateLimiterEvents, RateLimiterEvents } from './events.ts';
import { MemoryRateLimitStore } from './memory-store.ts';
import type { CheckOptions, RateLimiterOptions, RunOptions, WaitOptions } from './options.ts';
import { PausableStore } from './pausable-store.ts';
import { TokenBucketRateLimiter } from './token-bucket-rate-limiter.ts';

/** The options of an {@link AdaptiveRateLimiter}. */
export interface AdaptiveRateLimiterOptions extends Omit<RateLimiterOptions<RateLimitDecision>, 'store' | 'shadow'> {
  /** Where the rate begins, in requests per second. @default 10 */
  readonly initialRatePerSecond?: number | undefined;
  /** @default 1 */
  readonly minRatePerSecond?: number | undefined;
  /** @default 50 */
  readonly maxRatePerSecond?: number | undefined;
  /** An answer that takes no longer lets the rate rise, a slower one lowers it, in milliseconds. @default 500 */
  readonly targetLatencyMs?: number | undefined;
  /** How much the rate rises in a second of fast answers at full use, in requests per second. @default 1 */
  readonly risePerSecond?: number | undefined;
  /** What a slow answer multiplies the rate by. @default 0.9 */
  readonly slowFactor?: number | undefined;
  /** What an error multiplies the rate by. @default 0.5 */
  readonly errorFactor?: number | undefined;
  /** The most that can be asked at once after a pause. @default 1 */
  readonly capacity?: number | undefined;
}

/** The numbers of an {@link AdaptiveRateLimiter} that are in force. */
export interface AdaptiveRateSettings {
  readonly minRatePerSecond: number;
  readonly maxRatePerSecond: number;
  readonly targetLatencyMs: number;
  readonly risePerSecond: number;
  readonly slowFactor: number;
  readonly errorFactor: number;
}

/** Which rate a call was admitted under: give it back with what came of the call. */
export interface AdaptiveTicket {
  readonly epoch: number;
}

/** A decision that names the epoch it belongs to. */
export type AdaptiveDecision = RateLimitDecision & AdaptiveTicket;

/** The longest pause that another side can ask of us, in milliseconds. */
const maxPauseMs = 3_600_000;

/**
 * Finds the rate that another side can take: up by a little while its answers are fast, down by a part when they are slow,
 * by half when it fails (additive increase, multiplicative decrease; Chiu and Jain, 1989). At each moment the law of a
 * token bucket of the rate then in force holds. One rate for all keys; every key has its own bucket.
 *
 * Every fall begins an epoch. Ten calls that were under way together and all fail are one piece of news, not ten: what is
 * recorded with the ticket of an earlier epoch changes nothing. Without a ticket everything counts.
 *
 * @throws {ArgumentError} that names the option and its value, at construction.
 * @example
 * const limiter = new AdaptiveRateLimiter({ name: 'oncokb', initialRatePerSecond: 10, targetLatencyMs: 500 });
 * const answer = await limiter.run(() => client.getJson('/genes'), { signal });
 */
export class AdaptiveRateLimiter {
  readonly #clock: Clock;
  readonly #limiter: TokenBucketRateLimiter;
  readonly #store: PausableStore;
  readonly #events = new Events<AdaptiveRateLimiterEvents>();
  #settings: AdaptiveRateSettings;
  #ratePerSecond: number;
  #epoch = 0;

  constructor(options: AdaptiveRateLimiterOptions = {}) {
    const { initialRatePerSecond = 10, capacity = 1 } = options;
    this.#clock = options.clock ?? systemClock;
    this.#settings = adaptiveSettings(options);
    const { minRatePerSecond: min, maxRatePerSecond: max } = this.#settings;
    this.#ratePerSecond = requireNumber('initialRatePerSecond', initialRatePerSecond, min, max);
    this.#store = new PausableStore(new MemoryRateLimitStore({ clock: this.#clock }), this.#clock);
    const { name, clock, maxQueued, maxKeys } = options;
    const ratePerSecond = this.#ratePerSecond;
    this.#limiter = new TokenBucketRateLimiter({
      name: name ?? 'adaptive',
      ratePerSecond,
      capacity,
      store: this.#store,
      clock,
      maxQueued,
      maxKeys,
    });
  }

  get name(): string {
    return this.#limiter.name;
  }

  /** The rate in force, in requests per second. */
  get ratePerSecond(): number {
    return this.#ratePerSecond;
  }

  /** The numbers in force, and the rate that they have led to. */
  get settings(): AdaptiveRateSettings & { readonly ratePerSecond: number } {
    return { ...this.#settings, ratePerSecond: this.#ratePerSecond };
  }

  /**
   * Changes numbers while the limiter works: all of them or none. A rate that is out of the new bounds moves to the nearer
   * one.
   *
   * @throws {ArgumentError} that names the option and its value.
   */
  reconfigure(changes: Partial<AdaptiveRateSettings>): void {
    this.#settings = adaptiveSettings({ ...this.#settings, ...changes });
    this.#change(this.#ratePerSecond, 'reconfigured');
  }

  /** Changes of the rate. What is admitted and denied is told by {@link limits}. */
  get events(): EventSource<AdaptiveRateLimiterEvents> {
    return this.#events;
  }

  /** What the limiter under it tells. */
  get limits(): EventSource<RateLimiterEvents> {
    return this.#limiter.events;
  }

  /** As `TokenBucketRateLimiter.check`; the decision is a ticket too. */
  check(key = '', options?: CheckOptions): AdaptiveDecision {
    return { ...this.#limiter.check(key, options), epoch: this.#epoch };
  }

  /** As `TokenBucketRateLimiter.wait`; the decision is a ticket too. */
  async wait(key = '', options: WaitOptions = {}): Promise<AdaptiveDecision> {
    const decision = await this.#limiter.wait(key, options);
    return { ...decision, epoch: this.#epoch };
  }

  /**
   * Waits, works, and records what came of it. Only what speaks against the other side lowers the rate: not refusals of
   * our own, aborts and questions that were wrong.
   */
  async run<Value>(work: () => Value | Promise<Value>, options: RunOptions = {}): Promise<Value> {
    const ticket = await this.wait(options.key, options);
    const startMs = this.#clock.monotonic();
    try {
      const value = await work();
      this.recordLatency(this.#clock.monotonic() - startMs, ticket);
      return value;
    } catch (error) {
      const speaks = error instanceof RateLimitError || (!isAbortError(error) && isDependencyFailure(error));
      if (speaks && options.signal?.aborted !== true) this.recordError(error, ticket);
      throw error;
    }
  }

  /** How long until a request would be allowed, in milliseconds; 0 means now. Takes nothing. */
  timeUntilAvailableMs(key = '', options?: CheckOptions): number {
    return this.#limiter.timeUntilAvailableMs(key, options);
  }

  /**
   * An answer came after so many milliseconds: the rate rises when that is within the target, and falls a little when it
   * is not.
   */
  recordLatency(latencyMs: number, ticket?: Partial<AdaptiveTicket>): void {
    requireDuration('latencyMs', latencyMs, 0);
    if (this.#isLate(ticket)) return;
    const { targetLatencyMs, risePerSecond, slowFactor } = this.#settings;
    if (latencyMs > targetLatencyMs) this.#fall(slowFactor, 'slow');
    // At full use this happens as often per second as the rate says.
    else this.#change(this.#ratePerSecond + risePerSecond / Math.max(1, this.#ratePerSecond), 'fast');
  }

  /**
   * A call failed: the rate falls by half. When the other side says when to come back (`retryAfterMs` of a
   * {@link RateLimitError}), nothing is admitted until then, for an hour at most.
   */
  recordError(error?: unknown, ticket?: Partial<AdaptiveTicket>): void {
    if (error instanceof RateLimitError && error.retryAfterMs !== undefined) this.#pause(error.retryAfterMs);
    if (!this.#isLate(ticket)) this.#fall(this.#settings.errorFactor, 'error');
  }

  /** Makes the bucket of a key full. The rate stays, and so does a pause. */
  reset(key = ''): void {
    this.#limiter.reset(key);
  }

  /** Refuses everybody who waits, and every later question. */
  close(): void {
    this.#limiter.close();
    this.#store.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #isLate(ticket: Partial<AdaptiveTicket> | undefined): boolean {
    return ticket?.epoch !== undefined && ticket.epoch !== this.#epoch;
  }

  #fall(factor: number, reason: 'slow' | 'error'): void {
    this.#epoch += 1;
    this.#change(this.#ratePerSecond * factor, reason);
  }

  #change(wanted: number, reason: 'fast' | 'slow' | 'error' | 'reconfigured'): void {
    const from = this.#ratePerSecond;
    const { minRatePerSecond, maxRatePerSecond } = this.#settings;
    const to = Math.min(maxRatePerSecond, Math.max(minRatePerSecond, wanted));
    if (to === from) return;
    this.#ratePerSecond = to;
    this.#limiter.reconfigure({ ratePerSecond: to });
    if (this.#events.has('rate-changed')) this.#events.emit('rate-changed', { name: this.name, from, to, reason });
  }

  #pause(retryAfterMs: number): void {
    const pauseMs = Math.min(maxPauseMs, retryAfterMs);
    this.#store.pause(pauseMs);
    if (this.#events.has('paused')) this.#events.emit('paused', { name: this.name, pauseMs });
  }
}

function adaptiveSettings(
  options: Partial<Record<keyof AdaptiveRateSettings, number | undefined>>,
): AdaptiveRateSettings {
  const min = requireNumber('minRatePerSecond', options.minRatePerSecond ?? 1, 0.000_01, 1_000_000);
  const max = requireNumber('maxRatePerSecond', options.maxRatePerSecond ?? 50, 0.000_01, 1_000_000);
  if (min > max) {
    throw new ArgumentError(
      `Cannot use minRatePerSecond ${min}: expected at most maxRatePerSecond, which is ${max}`,
      'minRatePerSecond',
    );
  }
  return Object.freeze({
    minRatePerSecond: min,
    maxRatePerSecond: max,
    targetLatencyMs: requireDuration('targetLatencyMs', options.targetLatencyMs ?? 500, 1),
    risePerSecond: requireNumber('risePerSecond', options.risePerSecond ?? 1, 0.000_01, 1_000_000),
    slowFactor: requireNumber('slowFactor', options.slowFactor ?? 0.9, 0.01, 0.999),
    errorFactor: requireNumber('errorFactor', options.errorFactor ?? 0.5, 0.01, 0.999),
  });
}
