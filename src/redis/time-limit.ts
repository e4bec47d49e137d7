import type { Clock } from '../kernel/index.ts';

/** The outcome of work, or an error when it takes too long. What comes later is dropped. */
export function withTimeLimit<T>(clock: Clock, limitMs: number, work: Promise<T>, late: () => Error): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = clock.setTimer(limitMs, () => reject(late()), { keepsProcessAlive: true });
    work.then(resolve, reject).finally(() => timer.cancel());
  });
}
