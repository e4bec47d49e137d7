import { getEventListeners, setMaxListeners } from 'node:events';
import { RejectedError } from 'plinth/errors';
import { pipeline } from 'plinth/pipeline';
import { TokenBucketRateLimiter } from 'plinth/rate-limit';
import { Bulkhead, CircuitBreaker } from 'plinth/resilience';
import { VirtualClock } from 'plinth/testing';
import { describe, expect, it } from 'vitest';

const call = { operation: 'rates.read', repeatable: true };
const hang = (): Promise<never> => new Promise(() => {});

describe('100,000 calls that are left by their callers', () => {
  it('give back slots, queue places, permits and listeners', { timeout: 60_000 }, async () => {
    const clock = new VirtualClock();
    const slots = new Bulkhead({ maxConcurrent: 100, maxQueued: 200_000, clock });
    const limiter = new TokenBucketRateLimiter({ ratePerSecond: 1, capacity: 50, maxQueued: 200_000, clock });
    const breaker = new CircuitBreaker({ clock });
    const guard = pipeline('rates', { clock })
      .deadline(60_000)
      .retry()
      .concurrency(slots)
      .breaker(breaker)
      .rate(limiter)
      .attemptTimeout(30_000)
      .build();
    // One signal for a hundred calls: adding a listener to a signal of the platform looks at all it has.
    const leavers = Array.from({ length: 1_000 }, () => new AbortController());
    const signals = leavers.map(({ signal }) => signal);
    setMaxListeners(0, ...signals);
    const stayer = new AbortController();
    const calls = Array.from({ length: 100_000 }, (_, index) =>
      guard.execute({ ...call, signal: signals[index % 1_000] }, hang).catch(error => error),
    );
    await clock.advance(10);
    expect(slots.snapshot().active).toBe(100);
    for (const leaver of leavers) leaver.abort(new RejectedError('left', 'closed'));
    const ends = await Promise.all(calls);
    await clock.advance(0);
    expect(ends.every(error => error instanceof RejectedError && error.message === 'left')).toBe(true);
    expect(slots.snapshot()).toMatchObject({ active: 0, queued: 0 });
    expect(limiter.waiting).toBe(0);
    for (const signal of signals) expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(breaker.snapshot()).toMatchObject({ state: 'closed', failures: 0 });
    // Fifty permits went to calls that were under way; the rest of the callers took none.
    await clock.advance(1_000);
    const outcome = await guard.execute({ ...call, signal: stayer.signal }, async () => 'served');
    expect(outcome).toMatchObject({ value: 'served' });
    limiter.close();
    await clock.advance(0);
    expect(clock.pendingTimers).toBe(0);
  });
});
