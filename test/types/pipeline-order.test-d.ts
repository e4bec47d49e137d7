import { MemoryCache } from 'plinth/cache';
import { type Guard, type Outcome, pipeline, type stageOrder } from 'plinth/pipeline';
import { TokenBucketRateLimiter } from 'plinth/rate-limit';
import { CircuitBreaker, RetryManager } from 'plinth/resilience';
import { describe, expectTypeOf, it } from 'vitest';

// The compiler is the test: a line below `@ts-expect-error` that compiles is an error. Nothing here is run.

type Step = Exclude<(typeof stageOrder)[number], 'transport'>;
type Offered<Builder> = Exclude<keyof Builder, 'build'>;

const cache = new MemoryCache<unknown>();
const limiter = new TokenBucketRateLimiter({ ratePerSecond: 1, capacity: 1 });
const begin = () => pipeline('rates');
const substitute = (): number => 0;

describe('pipeline', () => {
  it('offers every stage at first, and after each only those further inside', () => {
    type Attempts = 'concurrency' | 'breaker' | 'rate' | 'attemptTimeout' | 'fault';
    expectTypeOf<Offered<ReturnType<typeof begin>>>().toEqualTypeOf<Step>();
    const deadline = begin().deadline(1);
    expectTypeOf<Offered<typeof deadline>>().toEqualTypeOf<'fallback' | 'cache' | 'retry' | 'hedge' | Attempts>();
    const fallback = begin().fallback(substitute);
    expectTypeOf<Offered<typeof fallback>>().toEqualTypeOf<'cache' | 'retry' | 'hedge' | Attempts>();
    const cached = begin().cache(cache);
    expectTypeOf<Offered<typeof cached>>().toEqualTypeOf<'retry' | 'hedge' | Attempts>();
    const retried = begin().retry();
    expectTypeOf<Offered<typeof retried>>().toEqualTypeOf<Attempts>();
    const hedged = begin().hedge();
    expectTypeOf<Offered<typeof hedged>>().toEqualTypeOf<Attempts>();
    const slotted = begin().concurrency({ maxConcurrent: 1 });
    expectTypeOf<Offered<typeof slotted>>().toEqualTypeOf<'breaker' | 'rate' | 'attemptTimeout' | 'fault'>();
    const broken = begin().breaker();
    expectTypeOf<Offered<typeof broken>>().toEqualTypeOf<'rate' | 'attemptTimeout' | 'fault'>();
    const limited = begin().rate(limiter);
    expectTypeOf<Offered<typeof limited>>().toEqualTypeOf<'attemptTimeout' | 'fault'>();
    const timed = begin().attemptTimeout(1);
    expectTypeOf<Offered<typeof timed>>().toEqualTypeOf<'fault'>();
    const disturbed = begin().fault(() => false);
    expectTypeOf<Offered<typeof disturbed>>().toEqualTypeOf<never>();
  });

  it('is a guard when it is built, at any point', () => {
    expectTypeOf(begin().build()).toEqualTypeOf<Guard>();
    expectTypeOf(
      begin().deadline(1).fallback(substitute).cache(cache).retry().breaker().attemptTimeout(1).build(),
    ).toEqualTypeOf<Guard>();
    expectTypeOf(
      begin()
        .hedge()
        .concurrency({ maxConcurrent: 1 })
        .breaker()
        .rate(limiter)
        .attemptTimeout(1)
        .fault(() => true)
        .build(),
    ).toEqualTypeOf<Guard>();
    expectTypeOf(begin().cache(cache).attemptTimeout(1).build()).toEqualTypeOf<Guard>();
  });

  it('does not compile in a wrong order', () => {
    // @ts-expect-error a deadline stands outside of the fallback
    begin().fallback(substitute).deadline(1);
    // @ts-expect-error a deadline stands outside of the cache
    begin().cache(cache).deadline(1);
    // @ts-expect-error a fallback stands outside of the cache
    begin().cache(cache).fallback(substitute);
    // @ts-expect-error a cache stands outside of the retry
    begin().retry().cache(cache);
    // @ts-expect-error a cache stands outside of the breaker, or no old value would be served while it is open
    begin().breaker().cache(cache);
    // @ts-expect-error a retry stands outside of the breaker, or the breaker would count calls and not attempts
    begin().breaker().retry();
    // @ts-expect-error a breaker stands outside of the attempt timeout, or it would not see that time ran out
    begin().attemptTimeout(1).breaker();
    // @ts-expect-error a retry stands outside of the attempt timeout
    begin().attemptTimeout(1).retry();
    // @ts-expect-error a deadline stands outside of the attempt timeout
    begin().attemptTimeout(1).deadline(1);
    // @ts-expect-error a retry stands outside of the slot, or a retry would hold its slot while it waits
    begin().concurrency({ maxConcurrent: 1 }).retry();
    // @ts-expect-error a slot stands outside of the breaker
    begin().breaker().concurrency({ maxConcurrent: 1 });
    // @ts-expect-error a breaker stands outside of the rate, or a refused call would take a permit
    begin().rate(limiter).breaker();
    // @ts-expect-error a rate stands outside of the attempt timeout, or waiting for a turn would count as slowness
    begin().attemptTimeout(1).rate(limiter);
    const disturbed = begin().fault(() => false);
    // @ts-expect-error a fault stands inside of everything: it is in the place of the dependency
    disturbed.attemptTimeout(1);
    // @ts-expect-error a call is retried or hedged, not both
    begin().retry().hedge();
    // @ts-expect-error a call is hedged or retried, not both
    begin().hedge().retry();
  });

  it('does not compile with a stage twice', () => {
    // @ts-expect-error one deadline
    begin().deadline(1).deadline(1);
    // @ts-expect-error one fallback
    begin().fallback(substitute).fallback(substitute);
    // @ts-expect-error one cache
    begin().cache(cache).cache(cache);
    // @ts-expect-error one retry
    begin().retry().retry();
    // @ts-expect-error one breaker
    begin().breaker().breaker();
    // @ts-expect-error one bulkhead
    begin().concurrency({ maxConcurrent: 1 }).concurrency({ maxConcurrent: 1 });
    // @ts-expect-error one rate
    begin().rate(limiter).rate(limiter);
    // @ts-expect-error one attempt timeout
    begin().attemptTimeout(1).attemptTimeout(1);
  });

  it('takes ready-made policies or their numbers, and nothing else', () => {
    begin().retry(new RetryManager()).breaker(new CircuitBreaker());
    begin().retry({ maxAttempts: 3 }).breaker({ failureThreshold: 5 });
    // @ts-expect-error not a number of attempts
    begin().retry(3);
    // @ts-expect-error a retry is no breaker
    begin().breaker(new RetryManager());
  });
});

describe('a guarded call', () => {
  it('gives the outcome of its work', () => {
    const guard = begin().build();
    expectTypeOf(guard.execute({ operation: 'read' }, async () => 1.08)).toEqualTypeOf<Promise<Outcome<number>>>();
    // @ts-expect-error a call has an operation
    guard.execute({}, async () => 1.08);
  });
});
