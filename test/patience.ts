import { vi } from 'vitest';

/**
 * How long a test waits for a condition, in milliseconds. How soon it comes is a matter of the machine, which may have
 * other work: only what never comes is a failure.
 */
const patienceMs = 20_000;

const { waitFor } = vi;
vi.waitFor = (callback, options) =>
  waitFor(callback, typeof options === 'number' ? options : { timeout: patienceMs, ...options });
