import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryCache } from '../cache/index.ts';
import { NetworkError } from '../errors/index.ts';
import { CircuitBreaker, RetryManager } from '../resilience/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { type Guard, pipeline, stageOrder, standardGuard } from './index.ts';

type Optional = Exclude<(typeof stageOrder)[number], 'transport'>;

/** A guard with just these stages. The types forbid a wrong order; a test of any subset has to go around them. */
function guardOf(stages: readonly Optional[], clock: VirtualClock): Guard {
  let builder = pipeline('random', { clock });
  for (const stage of stages) {
    if (stage === 'deadline') builder = builder.deadline(1_000) as typeof builder;
    if (stage === 'fallback') builder = builder.fallback(() => 'substitute') as typeof builder;
    if (stage === 'cache') builder = builder.cache(new MemoryCache({ clock })) as typeof builder;
    if (stage === 'retry') builder = builder.retry({ maxAttempts: 2 }) as typeof builder;
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
        expect(guard.explain().map(({ stage }) => stage)).toEqual(stages);
        const call = { operation: 'any', key: 'key', repeatable: true };
        const outcome = await guard.execute(call, async () => 'value');
        expect(outcome).toEqual({ value: 'value', freshness: 'fresh', ageMs: 0 });
        expect(clock.pendingTimers).toBe(0);
      }),
    );
  });

  it('can be finished in several ways from one beginning', () => {
    const beginning = pipeline('rates').deadline(1_000);
    const plain = beginning.build();
    const retried = beginning.retry().build();
    const broken = beginning.breaker().build();
    const stagesOf = (guard: Guard): readonly string[] => guard.explain().map(({ stage }) => stage);
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
    expect(guard.explain()).toEqual([
      { stage: 'deadline', settings: { timeout: '10s' } },
      { stage: 'fallback', settings: {} },
      { stage: 'cache', settings: { cache: 'rates', fresh: '1m', stale: '1h', entries: 50 } },
      { stage: 'retry', settings: { maxAttempts: 4 } },
      { stage: 'breaker', settings: { failureThreshold: 7, recoveryTime: '1m30s' } },
      { stage: 'attemptTimeout', settings: { timeout: '2s500ms' } },
    ]);
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

describe('standardGuard', () => {
  it('has every stage but the fallback', () => {
    expect(standardGuard('openfda').explain()).toEqual([
      { stage: 'deadline', settings: { timeout: '30s' } },
      { stage: 'cache', settings: { cache: 'openfda', fresh: '1h', stale: '1d', entries: 1_000 } },
      { stage: 'retry', settings: { maxAttempts: 3 } },
      { stage: 'breaker', settings: { failureThreshold: 5, recoveryTime: '1m' } },
      { stage: 'attemptTimeout', settings: { timeout: '10s' } },
    ]);
  });

  it('takes other numbers, and a breaker and a cache that others look at', async () => {
    const breaker = new CircuitBreaker({ name: 'openfda', failureThreshold: 2 });
    const cache = new MemoryCache<unknown>({ ttlMs: 5_000 });
    const guard = standardGuard('openfda', {
      deadlineMs: 9_000,
      attemptTimeoutMs: 1_000,
      maxAttempts: 1,
      breaker,
      cache,
    });
    expect(guard.explain().map(({ settings }) => settings)).toMatchObject([
      { timeout: '9s' },
      { fresh: '5s' },
      { maxAttempts: 1 },
      { failureThreshold: 2 },
      { timeout: '1s' },
    ]);
    await guard.execute({ operation: 'read', key: 'key' }, async () => 'value');
    expect(cache.get('key')).toBe('value');
  });
});
