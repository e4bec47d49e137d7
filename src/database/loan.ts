import { abortReason } from '../kernel/index.ts';

/** Lets the signal end the wait for a connection, but not work that has begun on it: that ends by itself. */
export function waitForLoan<Result>(
  run: (begun: () => void) => Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  if (signal === undefined) return run(() => undefined);
  if (signal.aborted) return Promise.reject(abortReason(signal));
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortReason(signal));
    const stopListening = (): void => signal.removeEventListener('abort', onAbort);
    signal.addEventListener('abort', onAbort, { once: true });
    const begun = (): void => {
      stopListening();
      signal.throwIfAborted();
    };
    run(begun).then(resolve, reject).finally(stopListening);
  });
}
