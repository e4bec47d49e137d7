import { getEventListeners, setMaxListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { MemoryCache } from '../cache/index.ts';
import { NetworkError, RejectedError, TimeoutError, UpstreamError } from '../errors/index.ts';
import { TokenBucketRateLimiter } from '../rate-limit/index.ts';
import { Bulkhead, CircuitBreaker, constantBackoff } from '../resilience/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { type CallRecord, type Guard, pipeline } from './index.ts';

const call = { operation: 'rates.read', repeatable: true };
const fail = (error: unknown) => () => Promise.reject(error);
const hang = (): Promise<never> => new Promise(() => {});

function recordsOf(guard: Guard): CallRecord[] {
  const records: CallRecord[] = [];
  guard.events.on('call', record => records.push(record));
  return records;
}

const storyOf = (record: CallRecord | undefined): readonly string[] | undefined =>
  record?.stages.map(({ stage, decision, reason }) => `${stage} ${decision}${reason ? `: ${reason}` : ''}`);

describe('numbers that change while the guard works', () => {
  const make = (clock: VirtualClock): Guard =>
    pipeline('rates', { clock })
      .deadline(10_000)
      .retry({ maxAttempts: 3, backoff: constantBackoff({ waitMs: 1 }) })
      .concurrency({ maxConcurrent: 5 })
      .breaker({ failureThreshold: 100 })
      .rate(new TokenBucketRateLimiter({ ratePerSecond: 1_000, capacity: 1_000, clock }))
      .attemptTimeout(1_000)
      .build();

  it('hold for the next call, and explain() says where they came from', async () => {
    const clock = new VirtualClock();
    const guard = make(clock);
    const records = recordsOf(guard);
    const told: unknown[] = [];
    guard.events.on('changed', event => told.push(event));
    const changes = { retry: { maxAttempts: 2 }, breaker: { failureThreshold: 2 }, attemptTimeout: { timeoutMs: 50 } };
    guard.reconfigure(changes);
    expect(told).toEqual([{ dependency: 'rates', changes }]);
    const failed = expect(guard.execute(call, hang)).rejects.toThrow(TimeoutError);
    await clock.advance(200);
    await failed;
    expect(records[0]).toMatchObject({ attempts: 2, durationMs: 101 });
    await expect(guard.execute(call, async () => 'never')).rejects.toMatchObject({ reason: 'open' });
    const retry = guard.explain().find(({ stage }) => stage === 'retry');
    expect(retry).toMatchObject({ settings: { maxAttempts: 2 }, origins: { maxAttempts: 'live' } });
  });

  it('change all together or not at all', () => {
    const guard = make(new VirtualClock());
    const before = guard.explain();
    const wrong = [
      { retry: { maxAttempts: 9 }, attemptTimeout: { timeoutMs: Number.NaN } },
      { breaker: { failureThreshold: 3 }, concurrency: { maxConcurrent: 0 } },
      { deadline: { timeoutMs: 5 }, rate: { ratePerSecond: -1 } },
      { retry: { maxAttempts: 9 }, hedge: { percentile: 0.5 } },
    ];
    for (const changes of wrong) expect(() => guard.reconfigure(changes)).toThrow(/Cannot/);
    expect(guard.explain()).toEqual(before);
  });
});

describe('while the breaker is open', () => {
  async function openGuard(clock: VirtualClock) {
    const breaker = new CircuitBreaker({ name: 'rates', failureThreshold: 1, recoveryTimeMs: 30_000, clock });
    const cache = new MemoryCache<unknown>({ ttlMs: 1_000, staleMs: 3_600_000, clock });
    const guard = pipeline('rates', { clock }).cache(cache).breaker(breaker).attemptTimeout(1_000).build();
    const key = { ...call, key: 'EUR' };
    await guard.execute(key, async () => 'old');
    await clock.advance(2_000);
    await guard.execute(key, fail(new NetworkError('down'))).catch(() => {});
    return { breaker, guard, key, records: recordsOf(guard) };
  }

  it('the older value is served at once, and no caller is made to probe', async () => {
    const clock = new VirtualClock();
    const { breaker, guard, key, records } = await openGuard(clock);
    await clock.advance(31_000);
    let probes = 0;
    const served = await guard.execute(key, async ({ signal }) => {
      probes += 1;
      await clock.sleep(500, signal);
      return 'new';
    });
    expect(served).toMatchObject({ value: 'old', freshness: 'stale', reason: 'CIRCUIT_OPEN', ageMs: 33_000 });
    expect([probes, breaker.state]).toEqual([1, 'half-open']);
    // The next caller does not wait either, and does not probe.
    expect(await guard.execute(key, async () => 'never')).toMatchObject({ value: 'old', freshness: 'stale' });
    expect(probes).toBe(1);
    await clock.advance(500);
    expect(breaker.state).toBe('closed');
    expect(await guard.execute(key, async () => 'never')).toMatchObject({ value: 'new', freshness: 'fresh' });
    const background = records.filter(record => record.background);
    expect(background.map(storyOf)).toEqual([['breaker ok: half-open', 'transport ok']]);
    expect(records.filter(record => !record.background).map(({ attempts }) => attempts)).toEqual([0, 0, 0]);
  });

  it('a probe that fails beside it disturbs nobody', async () => {
    const clock = new VirtualClock();
    const { breaker, guard, key } = await openGuard(clock);
    await clock.advance(31_000);
    expect(await guard.execute(key, fail(new UpstreamError('still down', 503)))).toMatchObject({ freshness: 'stale' });
    await clock.advance(0);
    expect(breaker.state).toBe('open');
    expect(await guard.execute(key, async () => 'never')).toMatchObject({ freshness: 'stale' });
  });
});

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
