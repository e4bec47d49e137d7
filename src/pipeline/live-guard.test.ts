import { describe, expect, it } from 'vitest';
import { MemoryCache } from '../cache/index.ts';
import { NetworkError, TimeoutError, UpstreamError } from '../errors/index.ts';
import { TokenBucketRateLimiter } from '../rate-limit/index.ts';
import { CircuitBreaker, constantBackoff } from '../resilience/index.ts';
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
