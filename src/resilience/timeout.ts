import { TimeoutError } from '../errors/index.ts';
import { abortReason, type Clock, requireDuration, systemClock } from '../kernel/index.ts';

/** The numbers of a {@link Timeout}. */
export interface TimeoutOptions {
  /** How long the work may take, in milliseconds. */
  readonly timeoutMs: number;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** What one call may say to its timeout. */
export interface TimeoutCallOptions {
  /** Ends the work for the caller's own reasons. */
  readonly signal?: AbortSignal | undefined;
  /** A shorter limit for this call, in milliseconds. @default the timeout's own */
  readonly timeoutMs?: number | undefined;
}

/**
 * Gives up on work that takes too long: the work's signal is aborted and the caller gets a {@link TimeoutError} at
 * once, whether or not the work listens to the signal.
 *
 * @example
 * const timeout = new Timeout({ timeoutMs: 2_000 });
 * const page = await timeout.execute(signal => fetchPage(url, signal));
 */
export class Timeout {
  /** How long the work may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly #clock: Clock;

  constructor(options: TimeoutOptions) {
    this.timeoutMs = requireDuration('timeoutMs', options.timeoutMs, 1);
    this.#clock = options.clock ?? systemClock;
  }

  /** Runs the work against the clock. */
  execute<Value>(work: (signal: AbortSignal) => Promise<Value>, options: TimeoutCallOptions = {}): Promise<Value> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(abortReason(signal));
    const timeoutMs = Math.min(this.timeoutMs, options.timeoutMs ?? this.timeoutMs);
    const controller = new AbortController();
    return new Promise<Value>((resolve, reject) => {
      const stop = (reason: unknown): void => {
        finish();
        reject(reason);
        controller.abort(reason);
      };
      const onAbort = (): void => stop(abortReason(signal));
      const timer = this.#clock.setTimer(timeoutMs, () => stop(timeoutError(timeoutMs)), { keepsProcessAlive: true });
      const finish = (): void => {
        timer.cancel();
        signal?.removeEventListener('abort', onAbort);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      Promise.resolve(controller.signal).then(work).finally(finish).then(resolve, reject);
    });
  }

  /** The same function under this timeout. */
  protect<Args extends unknown[], Value>(work: (...args: Args) => Promise<Value>): (...args: Args) => Promise<Value> {
    return (...args) => this.execute(() => work(...args));
  }
}

function timeoutError(timeoutMs: number): TimeoutError {
  return new TimeoutError(`The work did not finish within ${timeoutMs} ms`, timeoutMs);
}
