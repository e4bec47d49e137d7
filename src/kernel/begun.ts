/**
 * Begins asynchronous work. What it throws before it gives a promise becomes a rejection like any other, and work that
 * gives a plain value, whatever its type says, has succeeded.
 */
export function begun<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    const working = work();
    return working instanceof Promise ? working : Promise.resolve(working);
  } catch (error) {
    return Promise.reject(error);
  }
}
