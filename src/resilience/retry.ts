import { getRequestContext, runWithRequestContext } from '../context/index.ts';
import { PlinthError } from '../errors/index.ts';
import {
  abortReason,
  begun,
  type Clock,
  type EventSource,
  Events,
  isAbortError,
  type Random,
  requireDuration,
  requireInteger,
  systemClock,
  systemRandom,
} from '../kernel/index.ts';
import { type Backoff, exponentialBackoff } from './backoff.ts';
import { RetryBudget } from './retry-budget.ts';

/** The numbers of a {@link RetryManager} that can be changed while it works. */
export interface RetrySettings {
  /** How many times the work is tried in all, counting the first. @default 3 */
  readonly maxAttempts: number;
  /**
   * The longest wait that an error may ask for by `retryAfterMs`, in milliseconds. One that asks for more is thrown at
   * once. @default 86_400_000
   */
  readonly maxRetryAfterMs: number;
}

/** How a {@link RetryManager} is made. */
export interface RetryOptions extends Partial<{ -readonly [Name in keyof RetrySettings]: number | undefined }> {
  /** The waits between attempts. @default exponentialBackoff() */
  readonly backoff?: Backoff | undefined;
  /** Whether a failure is worth another attempt. @default errors that say so by `retryable`, and foreign errors */
  readonly isRetryable?: ((error: unknown) => boolean) | undefined;
  /**
   * What retries are paid from; share one between all that call the same dependency. `false` for none.
   * @default new RetryBudget(): a tenth of the calls, and one a second at low traffic
   */
  readonly budget?: RetryBudget | false | undefined;
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

/** Why a failure is not followed by another attempt. */
export type GiveUpReason =
  | 'attempts used up'
  | 'not retryable'
  | 'caller left'
  | 'caller retries already'
  | 'Retry-After too long'
  | 'no time left'
  | 'over budget';

/** What a {@link RetryManager} tells. */
export interface RetryEvents {
  /** An attempt failed and is followed by another. */
  retried: RetryEvent;
  /** An attempt failed and is not followed by another. */
  'gave-up': { readonly attempt: number; readonly reason: GiveUpReason; readonly error: unknown };
  /** The numbers were changed. */
  reconfigured: RetrySettings;
}

/** A failed attempt, as it is put before {@link RetryManager.decide}. */
export interface FailedAttempt {
  /** Which attempt failed: 1 is the first. */
  readonly attempt: number;
  readonly error: unknown;
  /** The wait before this attempt, in milliseconds. @default none */
  readonly previousDelayMs?: number | undefined;
  /** No wait goes past this moment of the monotonic clock, in milliseconds. @default none */
  readonly deadlineMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Whether another attempt follows, and after how long; or why not. */
export type RetryDecision = { readonly delayMs: number } | { readonly gaveUp: GiveUpReason };

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
 * than the backoff; a wait never goes past the deadline. Retries are paid from a budget, so that an outage is not
 * multiplied, and nothing is retried for a caller who retries already.
 *
 * Only for work that may safely be done twice: Plinth's HTTP client retries safe methods and keyed requests only.
 *
 * @example
 * const retry = new RetryManager({ maxAttempts: 3 });
 * const rates = await retry.execute(() => fetchRates());
 */
export class RetryManager {
  /** What retries are paid from. */
  readonly budget: RetryBudget | undefined;
  readonly #backoff: Backoff;
  readonly #isRetryable: (error: unknown) => boolean;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #events = new Events<RetryEvents>();
  #settings: RetrySettings;

  constructor(options: RetryOptions = {}) {
    this.#settings = checked({
      maxAttempts: options.maxAttempts ?? 3,
      maxRetryAfterMs: options.maxRetryAfterMs ?? 86_400_000,
    });
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#backoff = options.backoff ?? exponentialBackoff();
    this.#isRetryable = options.isRetryable ?? isRetryable;
    this.budget = options.budget === false ? undefined : (options.budget ?? new RetryBudget({ clock: this.#clock }));
  }

  get events(): EventSource<RetryEvents> {
    return this.#events;
  }

  /** How many times the work is tried in all, counting the first. */
  get maxAttempts(): number {
    return this.#settings.maxAttempts;
  }

  /** The numbers in force. */
  get settings(): RetrySettings {
    return this.#settings;
  }

  /** Changes numbers, all of them or none; the next failure is judged by the new ones. */
  reconfigure(changes: Partial<RetrySettings>): void {
    this.#settings = checked({ ...this.#settings, ...changes });
    if (this.#events.has('reconfigured')) this.#events.emit('reconfigured', this.#settings);
  }

  /** Runs the work, and again after failures that may pass. Throws the last failure. */
  execute<Value>(work: (attempt: number) => Promise<Value>, options?: RetryCallOptions): Promise<Value> {
    if (options?.signal?.aborted) return Promise.reject(abortReason(options.signal));
    this.budget?.recordCall();
    // A reaction and not an async function: that would be another frame around every call.
    return begun(() => work(1)).then(undefined, error => this.#again(work, error, options ?? {}));
  }

  /** The same function with retries inside. */
  protect<Args extends unknown[], Value>(work: (...args: Args) => Promise<Value>): (...args: Args) => Promise<Value> {
    return (...args) => this.execute(() => work(...args));
  }

  /**
   * Judges one failure, for those who run the attempts themselves. When it says that another attempt follows, that
   * attempt has been paid for.
   */
  decide(failed: FailedAttempt): RetryDecision {
    const { attempt, error } = failed;
    const decision = this.#judge(failed);
    if ('delayMs' in decision) {
      if (this.#events.has('retried')) this.#events.emit('retried', { attempt, delayMs: decision.delayMs, error });
    } else if (this.#events.has('gave-up')) {
      this.#events.emit('gave-up', { attempt, reason: decision.gaveUp, error });
    }
    return decision;
  }

  async #again<Value>(
    work: (attempt: number) => Promise<Value>,
    firstError: unknown,
    { signal, deadlineMs, onRetry }: RetryCallOptions,
  ): Promise<Value> {
    let error = firstError;
    let previousDelayMs: number | undefined;
    for (let attempt = 1; ; attempt += 1) {
      const decision = this.decide({ attempt, error, previousDelayMs, deadlineMs, signal });
      if ('gaveUp' in decision) throw error;
      onRetry?.({ attempt, delayMs: decision.delayMs, error });
      await this.#clock.sleep(decision.delayMs, signal);
      previousDelayMs = decision.delayMs;
      try {
        return await runWithRequestContext({ attempt: attempt + 1 }, () => work(attempt + 1));
      } catch (failure) {
        error = failure;
      }
    }
  }

  #judge({ attempt, error, previousDelayMs, deadlineMs, signal }: FailedAttempt): RetryDecision {
    if (signal?.aborted) return { gaveUp: 'caller left' };
    if (!this.#isRetryable(error)) return { gaveUp: 'not retryable' };
    if (attempt >= this.#settings.maxAttempts) return { gaveUp: 'attempts used up' };
    if ((getRequestContext().attempt ?? 1) > 1) return { gaveUp: 'caller retries already' };
    const askedMs = error instanceof PlinthError ? (error.retryAfterMs ?? 0) : 0;
    if (askedMs > this.#settings.maxRetryAfterMs) return { gaveUp: 'Retry-After too long' };
    const delayMs = Math.max(askedMs, this.#backoff.delayMs(attempt, this.#random, previousDelayMs));
    if (deadlineMs !== undefined && this.#clock.monotonic() + delayMs >= deadlineMs) return { gaveUp: 'no time left' };
    if (this.budget !== undefined && !this.budget.tryWithdraw()) return { gaveUp: 'over budget' };
    return { delayMs };
  }
}

function checked(settings: RetrySettings): RetrySettings {
  requireInteger('maxAttempts', settings.maxAttempts, 1);
  requireDuration('maxRetryAfterMs', settings.maxRetryAfterMs, 0);
  return Object.freeze({ ...settings });
}

/** Plinth's errors say themselves whether another attempt may help; of others only a caller's abort is final. */
function isRetryable(error: unknown): boolean {
  return error instanceof PlinthError ? error.retryable : !isAbortError(error);
}
