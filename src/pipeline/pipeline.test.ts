import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryCache } from '../cache/index.ts';
import { NetworkError } from '../errors/index.ts';
import { TokenBucketRateLimiter } from '../rate-limit/index.ts';
import { CircuitBreaker, RetryManager } from '../resilience/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { type Guard, hedgedGuard, pipeline, stageOrder, standardGuard, writeGuard } from './index.ts';

type Optional = Exclude<(typeof stageOrder)[number], 'transport'>;

const limiterOn = (clock: VirtualClock) => new TokenBucketRateLimiter({ ratePerSecond: 10, capacity: 5, clock });

/** A guard with just these stages. The types forbid a wrong order; a test of any subset has to go around them. */
function guardOf(stages: readonly Optional[], clock: VirtualClock): Guard {
  let builder = pipeline('random', { clock });
  for (const stage of stages) {
    if (stage === 'deadline') builder = builder.deadline(1_000) as typeof builder;
    if (stage === 'fallback') builder = builder.fallback(() => 'substitute') as typeof builder;
    if (stage === 'cache') builder = builder.cache(new MemoryCache({ clock })) as typeof builder;
    if (stage === 'retry') builder = builder.retry({ maxAttempts: 2 }) as typeof builder;
    // Retry and hedge exclude each other.
    if (stage === 'hedge' && !stages.includes('retry')) builder = builder.hedge() as typeof builder;
    if (stage === 'concurrency') builder = builder.concurrency({ maxConcurrent: 2 }) as typeof builder;
    if (stage === 'rate') builder = builder.rate(limiterOn(clock)) as typeof builder;
    if (stage === 'fault') builder = builder.fault(() => false) as typeof builder;
    if (stage === 'breaker') builder = builder.breaker() as typeof builder;
    if (stage === 'attemptTimeout') builder = builder.attemptTimeout(100) as typeof builder;
  }
  return builder.build();
}

describe('pipeline', () => {
  it('has the stages that were added, in the order that is law, and works with any of them', async () => {
    const optional = stageOrder.filter((stage): stage is Optional => stage !== 'transport');
    await fc.assert(
      fc.asyncProperty(fc.subarray(optional), async stages => {
        const clock = new VirtualClock();
        const guard = guardOf(stages, clock);
        const chosen = stages.filter(stage => stage !== 'hedge' || !stages.includes('retry'));
        expect(guard.explain().map(({ stage }) => stage)).toEqual(chosen);
        const call = { operation: 'any', key: 'key', repeatable: true };
        const outcome = await guard.execute(call, async () => 'value');
        expect(outcome).toEqual({ value: 'value', freshness: 'fresh', ageMs: 0 });
        await clock.advance(0);
        expect(clock.pendingTimers).toBe(stages.includes('rate') ? 1 : 0);
      }),
    );
  });

  it('can be finished in several ways from one beginning', () => {
    const beginning = pipeline('rates').deadline(1_000);
    const plain = beginning.build();
    const retried = beginning.retry().build();
    const broken = beginning.breaker().build();
    expect([plain, retried, broken].map(stagesOf)).toEqual([
      ['deadline'],
      ['deadline', 'retry'],
      ['deadline', 'breaker'],
    ]);
  });

  it('takes a retry and a breaker that others use too', async () => {
    const breaker = new CircuitBreaker({ name: 'shared', failureThreshold: 1 });
    const first = pipeline('rates')
      .retry(new RetryManager({ maxAttempts: 1 }))
      .breaker(breaker)
      .build();
    const second = pipeline('rates').breaker(breaker).build();
    const failure = first.execute({ operation: 'read' }, () => Promise.reject(new NetworkError('m')));
    await expect(failure).rejects.toThrow('m');
    await expect(second.execute({ operation: 'read' }, async () => 'value')).rejects.toMatchObject({ reason: 'open' });
  });

  it('explains the stages with the numbers in force', () => {
    const guard = pipeline('rates')
      .deadline(10_000)
      .fallback(() => 0)
      .cache(new MemoryCache({ name: 'rates', maxEntries: 50, ttlMs: 60_000, staleMs: 3_600_000 }))
      .retry({ maxAttempts: 4 })
      .breaker({ failureThreshold: 7, recoveryTimeMs: 90_000 })
      .attemptTimeout(2_500)
      .build();
    const explained = Object.fromEntries(guard.explain().map(({ stage, settings }) => [stage, settings]));
    expect(explained).toMatchObject({
      deadline: { timeoutMs: 10_000 },
      fallback: {},
      cache: { name: 'rates', ttlMs: 60_000, staleMs: 3_600_000, maxEntries: 50 },
      retry: { maxAttempts: 4, maxRetryAfterMs: 86_400_000 },
      breaker: { failureThreshold: 7, recoveryTimeMs: 90_000 },
      attemptTimeout: { timeoutMs: 2_500 },
    });
    const origins = Object.fromEntries(guard.explain().map(stage => [stage.stage, stage.origins]));
    expect(origins).toMatchObject({
      deadline: { timeoutMs: 'given' },
      retry: { maxAttempts: 'given', maxRetryAfterMs: 'default' },
      breaker: { failureThreshold: 'given', halfOpenProbes: 'default' },
    });
  });

  it.each<[string, () => unknown, string]>([
    ['deadline', () => pipeline('x').deadline(0), 'timeoutMs'],
    ['attemptTimeout', () => pipeline('x').attemptTimeout(Number.NaN), 'timeoutMs'],
    ['retry', () => pipeline('x').retry({ maxAttempts: 0 }), 'maxAttempts'],
    ['breaker', () => pipeline('x').breaker({ failureThreshold: -1 }), 'failureThreshold'],
    ['cache', () => pipeline('x').cache(new MemoryCache({ ttlMs: Number.NaN })), 'ttlMs'],
  ])('refuses bad numbers of the %s stage at once', (_stage, build, argument) => {
    expect(build).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', argument }));
  });
});

const stagesOf = (guard: Guard): readonly string[] => guard.explain().map(({ stage }) => stage);

describe('the presets', () => {
  const limiter = new TokenBucketRateLimiter({ ratePerSecond: 10, capacity: 5 });

  it('are whole stacks in one line', () => {
    const inside = ['concurrency', 'breaker', 'attemptTimeout'];
    expect(stagesOf(standardGuard('openfda'))).toEqual(['deadline', 'cache', 'retry', ...inside]);
    expect(stagesOf(writeGuard('billing'))).toEqual(['deadline', ...inside]);
    expect(stagesOf(hedgedGuard('search'))).toEqual(['deadline', 'hedge', ...inside]);
    expect(stagesOf(writeGuard('billing', { limiter }))).toEqual([
      'deadline',
      'concurrency',
      'breaker',
      'rate',
      'attemptTimeout',
    ]);
  });

  it('take other numbers, and a breaker and a cache that others look at', async () => {
    const breaker = new CircuitBreaker({ name: 'openfda', failureThreshold: 2 });
    const cache = new MemoryCache<unknown>({ ttlMs: 5_000 });
    const guard = standardGuard('openfda', {
      deadlineMs: 9_000,
      attemptTimeoutMs: 1_000,
      maxAttempts: 1,
      concurrency: { maxConcurrent: 7 },
      breaker,
      cache,
    });
    expect(guard.explain().map(({ settings }) => settings)).toMatchObject([
      { timeoutMs: 9_000 },
      { ttlMs: 5_000 },
      { maxAttempts: 1 },
      { maxConcurrent: 7 },
      { failureThreshold: 2 },
      { timeoutMs: 1_000 },
    ]);
    await guard.execute({ operation: 'read', key: 'key' }, async () => 'value');
    expect(cache.get('key')).toBe('value');
  });
});
