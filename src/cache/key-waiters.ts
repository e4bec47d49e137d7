import type { Clock } from '../kernel/index.ts';

/** Callers that wait until a key changes. */
export class KeyWaiters {
  readonly #clock: Clock;
  readonly #wakes = new Map<string, Set<() => void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when the key changes, or after so many milliseconds, or when the signal is aborted. */
  wait(key: string, longestMs: number, signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const wakes = this.#wakes.get(key) ?? new Set();
      const wake = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', wake);
        wakes.delete(wake);
        if (wakes.size === 0) this.#wakes.delete(key);
        resolve();
      };
      const timer = this.#clock.setTimer(longestMs, wake, { keepsProcessAlive: true });
      signal.addEventListener('abort', wake, { once: true });
      wakes.add(wake);
      this.#wakes.set(key, wakes);
    });
  }

  /** The key has changed. */
  wake(key: string): void {
    const wakes = this.#wakes.get(key);
    if (wakes !== undefined) for (const wake of [...wakes]) wake();
  }

  /** Every key may have changed. */
  wakeAll(): void {
    for (const key of [...this.#wakes.keys()]) this.wake(key);
  }
}
