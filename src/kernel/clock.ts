import { abortReason } from './abort.ts';
import { CoarseClock } from './coarse-clock.ts';

/** A timer that has been set and can be taken back. */
export interface Timer {
  /** Takes the timer back. Does nothing after it has fired. */
  cancel(): void;
}

/** How a timer behaves besides its delay. */
export interface TimerOptions {
  /** Whether the timer keeps the process alive while it waits. @default false */
  readonly keepsProcessAlive?: boolean;
}

/**
 * Time as an input. Everything in Plinth that reads a clock or waits does so through this port, so that every test runs
 * on a virtual clock and never sleeps.
 */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970-01-01 UTC. May jump when the machine's clock is set. */
  now(): number;
  /** Milliseconds since some fixed moment, with fractions. Never goes backwards: use it for durations and deadlines. */
  monotonic(): number;
  /**
   * As {@link monotonic}, for a few nanoseconds: it may lag by a millisecond, and by as long as one turn of the event loop
   * is held up. For limits and counters that are asked very often, not for measuring.
   */
  monotonicCoarse(): number;
  /** Calls back once after `delayMs` milliseconds. */
  setTimer(delayMs: number, callback: () => void, options?: TimerOptions): Timer;
  /** Calls back every `intervalMs` milliseconds until cancelled. */
  setRepeatingTimer(intervalMs: number, callback: () => void, options?: TimerOptions): Timer;
  /**
   * Resolves after `delayMs` milliseconds, or rejects with the signal's reason.
   *
   * @example
   * await clock.sleep(200, signal);
   */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** The longest delay that the platform's timers take (2^31 - 1 ms, 24.8 days); longer waits are made of several. */
const maxTimerDelayMs = 2_147_483_647;

// What was last read of the machine's clock: a reading, not a state of the program.
const coarse = new CoarseClock(() => performance.now());

/** The machine's own clock and timers. */
export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  monotonic: () => performance.now(),
  monotonicCoarse: () => coarse.read(),
  setTimer(delayMs: number, callback: () => void, options: TimerOptions = {}): Timer {
    let handle: NodeJS.Timeout;
    const arm = (remainingMs: number): void => {
      const stepMs = Math.min(remainingMs, maxTimerDelayMs);
      handle = setTimeout(() => (remainingMs > stepMs ? arm(remainingMs - stepMs) : callback()), stepMs);
      if (!options.keepsProcessAlive) handle.unref();
    };
    arm(Math.max(0, delayMs));
    return { cancel: () => clearTimeout(handle) };
  },
  setRepeatingTimer(intervalMs: number, callback: () => void, options: TimerOptions = {}): Timer {
    const handle = setInterval(callback, Math.min(Math.max(1, intervalMs), maxTimerDelayMs));
    if (!options.keepsProcessAlive) handle.unref();
    return { cancel: () => clearInterval(handle) };
  },
  sleep: (delayMs: number, signal?: AbortSignal) => sleepOn(systemClock, delayMs, signal),
});

/** The `sleep` of any clock, made of its timers. For those who write a {@link Clock}. */
export function sleepOn(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortReason(signal));
    const onAbort = (): void => {
      timer.cancel();
      reject(abortReason(signal));
    };
    const timer = clock.setTimer(
      delayMs,
      () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      },
      { keepsProcessAlive: true },
    );
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
