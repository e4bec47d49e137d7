/** What has become of a promise so far. */
export interface Observed {
  state: 'pending' | 'fulfilled' | 'rejected';
  /** Why it was rejected. */
  reason?: unknown;
}

/** Watches a promise without waiting for it: a broken promise of a subject shall fail a test, not hang it. */
export function observe(promise: Promise<unknown>): Observed {
  const observed: Observed = { state: 'pending' };
  promise.then(
    () => {
      observed.state = 'fulfilled';
    },
    (reason: unknown) => {
      observed.state = 'rejected';
      observed.reason = reason;
    },
  );
  return observed;
}
