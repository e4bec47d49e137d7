import { describe, expect, it } from 'vitest';
import { getRequestContext, runWithRequestContext } from '../context/index.ts';
import { NetworkError, TimeoutError, UpstreamError } from '../errors/index.ts';
import { AdaptiveRateLimiter, TokenBucketRateLimiter } from '../rate-limit/index.ts';
import { Bulkhead, CircuitBreaker, constantBackoff, RetryBudget, RetryManager } from '../resilience/index.ts';
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

describe('a concurrency slot', () => {
  it('is given back while a retry waits', async () => {
    const clock = new VirtualClock();
    const slots = new Bulkhead({ maxConcurrent: 1, maxQueued: 10, clock });
    const guard = pipeline('rates', { clock })
      .retry({ maxAttempts: 2, backoff: constantBackoff({ waitMs: 1_000 }) })
      .concurrency(slots)
      .build();
    const first = guard.execute(call, async ({ attempt }) => {
      if (attempt === 1) throw new NetworkError('m');
      return 'first';
    });
    await clock.advance(10);
    // The first call sleeps before its second attempt: its slot is free.
    expect(await guard.execute(call, async () => 'second')).toMatchObject({ value: 'second' });
    await clock.advance(1_000);
    expect(await first).toMatchObject({ value: 'first' });
  });

  it('is waited for in turn, and the record says so', async () => {
    const clock = new VirtualClock();
    const guard = pipeline('rates', { clock }).concurrency({ maxConcurrent: 1, maxQueued: 1 }).build();
    const records = recordsOf(guard);
    const first = guard.execute(call, () => clock.sleep(100));
    const second = guard.execute(call, async () => 'second');
    await expect(guard.execute(call, async () => 'third')).rejects.toMatchObject({
      name: 'RejectedError',
      reason: 'full',
      message: expect.stringMatching(/1/),
    });
    await clock.advance(100);
    await Promise.all([first, second]);
    expect(records.map(storyOf)).toEqual([
      ['concurrency rejected: CAPACITY_FULL'],
      ['transport ok'],
      ['concurrency waited', 'transport ok'],
    ]);
  });

  it('of a higher priority comes first', async () => {
    const clock = new VirtualClock();
    const guard = pipeline('rates', { clock }).concurrency({ maxConcurrent: 1, maxQueued: 10, priorities: 2 }).build();
    const order: string[] = [];
    const work = (name: string) => async () => {
      order.push(name);
      await clock.sleep(10);
    };
    const calls = [
      guard.execute(call, work('running')),
      guard.execute(call, work('low')),
      guard.execute({ ...call, priority: 1 }, work('high')),
    ];
    await clock.advance(30);
    await Promise.all(calls);
    expect(order).toEqual(['running', 'high', 'low']);
  });
});

describe('the rate', () => {
  it('is not paid by calls that an open breaker stops', async () => {
    const clock = new VirtualClock();
    const limiter = new TokenBucketRateLimiter({ ratePerSecond: 1, capacity: 5, clock });
    const breaker = new CircuitBreaker({ failureThreshold: 1, clock });
    const guard = pipeline('rates', { clock }).breaker(breaker).rate(limiter).build();
    await guard.execute(call, fail(new NetworkError('m'))).catch(() => {});
    for (let count = 0; count < 20; count += 1) {
      await expect(guard.execute(call, async () => 'never')).rejects.toMatchObject({ reason: 'open' });
    }
    expect(limiter.check('rates').remaining).toBe(3);
  });

  it('is waited for, and its wait is not counted as slowness of the dependency', async () => {
    const clock = new VirtualClock();
    const limiter = new TokenBucketRateLimiter({ ratePerSecond: 1, capacity: 1, clock });
    const guard = pipeline('rates', { clock }).rate(limiter).attemptTimeout(500).build();
    const records = recordsOf(guard);
    await guard.execute(call, async () => 'first');
    const second = guard.execute(call, async () => 'second');
    await clock.advance(1_000);
    expect(await second).toMatchObject({ value: 'second' });
    expect(storyOf(records[1])).toEqual(['rate waited: 1s', 'transport ok']);
  });

  it('fails at once when its turn comes after the deadline, which is a refusal of ours', async () => {
    const clock = new VirtualClock();
    const limiter = new TokenBucketRateLimiter({ ratePerSecond: 0.1, capacity: 1, clock });
    const breaker = new CircuitBreaker({ failureThreshold: 1, clock });
    const guard = pipeline('rates', { clock }).deadline(5_000).breaker(breaker).rate(limiter).build();
    await guard.execute(call, async () => 'first');
    const refused = guard.execute(call, async () => 'never');
    await expect(refused).rejects.toMatchObject({ name: 'RejectedError', reason: 'out-of-time' });
    expect([clock.monotonic(), breaker.state]).toEqual([0, 'closed']);
  });

  it('that adapts is told what came of every call', async () => {
    const clock = new VirtualClock();
    const limiter = new AdaptiveRateLimiter({ initialRatePerSecond: 10, capacity: 10, targetLatencyMs: 100, clock });
    const guard = pipeline('rates', { clock }).rate(limiter).attemptTimeout(1_000).build();
    const ratesAfter = async (work: () => Promise<unknown>): Promise<number> => {
      const settled = guard.execute(call, work).catch(() => {});
      await clock.advance(1_000);
      await settled;
      return limiter.ratePerSecond;
    };
    await clock.advance(5_000);
    expect(await ratesAfter(async () => 'fast')).toBeGreaterThan(10);
    const raised = limiter.ratePerSecond;
    expect(await ratesAfter(() => clock.sleep(200))).toBeCloseTo(raised * 0.9);
    expect(await ratesAfter(fail(new UpstreamError('m', 503)))).toBeCloseTo(raised * 0.45);
    expect(await ratesAfter(hang)).toBeCloseTo(raised * 0.225);
    // A wrong question says nothing about what the other side can take.
    expect(await ratesAfter(fail(new UpstreamError('m', 404)))).toBeCloseTo(raised * 0.225);
    guard.reconfigure({ rate: { minRatePerSecond: 5 } });
    expect(limiter.ratePerSecond).toBe(5);
    expect(guard.explain()[0]).toMatchObject({
      settings: { minRatePerSecond: 5 },
      origins: { minRatePerSecond: 'live' },
    });
  });
});

describe('in shadow', () => {
  it('a breaker and a limiter decide and are recorded, and let the call through', async () => {
    const clock = new VirtualClock();
    const limiter = new TokenBucketRateLimiter({ ratePerSecond: 0.001, capacity: 2, shadow: true, clock });
    const breaker = new CircuitBreaker({ failureThreshold: 1, mode: 'shadow', clock });
    const guard = pipeline('rates', { clock }).breaker(breaker).rate(limiter).build();
    const records = recordsOf(guard);
    await guard.execute(call, fail(new NetworkError('m'))).catch(() => {});
    for (let count = 0; count < 2; count += 1) await guard.execute(call, async () => 'served');
    expect(records.map(storyOf).slice(1)).toEqual([
      ['breaker would-reject: open', 'transport ok'],
      ['breaker would-reject: open', 'rate would-reject', 'transport ok'],
    ]);
  });
});

describe('a hedged call', () => {
  it('is asked a second time when it takes long, and the first answer counts', async () => {
    const clock = new VirtualClock();
    const guard = pipeline('search', { clock }).hedge({ minSamples: 10, minDelayMs: 50 }).build();
    for (let count = 0; count < 10; count += 1) await guard.execute(call, async () => 'quick');
    const records = recordsOf(guard);
    let asked = 0;
    let left: unknown;
    const outcome = guard.execute(call, async ({ signal }) => {
      asked += 1;
      if (asked === 1) {
        await clock.sleep(10_000, signal).catch(error => {
          left = error;
          throw error;
        });
      }
      return `attempt ${asked}`;
    });
    await clock.advance(50);
    expect(await outcome).toMatchObject({ value: 'attempt 2' });
    expect(storyOf(records[0])).toEqual(['hedge hedged', 'transport ok']);
    expect(records[0]).toMatchObject({ attempts: 2, durationMs: 50 });
    expect(left).toBeDefined();
  });

  it('is asked once when it must not be made twice', async () => {
    const clock = new VirtualClock();
    const guard = pipeline('search', { clock }).hedge({ minSamples: 1, minDelayMs: 1 }).build();
    await guard.execute(call, async () => 'quick');
    let asked = 0;
    const outcome = guard.execute({ operation: 'pay' }, async () => {
      asked += 1;
      await clock.sleep(5_000);
    });
    await clock.advance(5_000);
    await outcome;
    expect(asked).toBe(1);
  });
});

describe('retries', () => {
  it('are not made for a call that must not be made twice, also not after a timeout', async () => {
    const clock = new VirtualClock();
    const guard = pipeline('billing', { clock }).retry().attemptTimeout(100).build();
    const records = recordsOf(guard);
    const failed = expect(guard.execute({ operation: 'pay' }, hang)).rejects.toThrow(TimeoutError);
    await clock.advance(60_000);
    await failed;
    expect(records[0]).toMatchObject({ attempts: 1 });
  });

  it('end when their budget is used up, and the record says so', async () => {
    const clock = new VirtualClock();
    const budget = new RetryBudget({ ratio: 0, minRetriesPerSecond: 0.1, windowMs: 10_000, clock });
    const guard = pipeline('rates', { clock })
      .retry(new RetryManager({ budget, backoff: constantBackoff({ waitMs: 1 }), clock }))
      .build();
    const records = recordsOf(guard);
    for (let count = 0; count < 3; count += 1) {
      const failed = expect(guard.execute(call, fail(new NetworkError('m')))).rejects.toThrow('m');
      await clock.advance(10);
      await failed;
    }
    expect(records.map(({ attempts }) => attempts)).toEqual([2, 1, 1]);
    expect(storyOf(records[2])?.at(-1)).toBe('retry gave-up: 1 attempt, over budget');
  });

  it('are not made for a caller who retries already, here or in another process', async () => {
    const clock = new VirtualClock();
    const guard = pipeline('rates', { clock })
      .retry({ backoff: constantBackoff({ waitMs: 1 }) })
      .build();
    const records = recordsOf(guard);
    const retried = runWithRequestContext({ attempt: 2 }, () => guard.execute(call, fail(new NetworkError('m'))));
    await expect(retried).rejects.toThrow('m');
    expect(storyOf(records[0])?.at(-1)).toBe('retry gave-up: 1 attempt, caller retries already');

    const inner: number[] = [];
    const outer = pipeline('outer', { clock })
      .retry({ backoff: constantBackoff({ waitMs: 1 }) })
      .build();
    const nested = outer.execute(call, () =>
      guard.execute(call, ({ attempt }) => {
        inner.push(attempt);
        return Promise.reject(new NetworkError('m'));
      }),
    );
    const failed = expect(nested).rejects.toThrow('m');
    await clock.advance(100);
    await failed;
    // Three attempts of the first outer one; each outer retry asks once: 5 and not 9.
    expect(inner).toEqual([1, 2, 3, 1, 1]);
  });

  it('after an attempt that timed out run in the context of their own call', async () => {
    const clock = new VirtualClock();
    const guard = pipeline('rates', { clock })
      .retry({ backoff: constantBackoff({ waitMs: 1 }) })
      .attemptTimeout(100)
      .build();
    const seen: string[] = [];
    const calls = ['a', 'b'].map(requestId =>
      runWithRequestContext({ requestId }, () =>
        guard.execute(call, ({ attempt }) => {
          seen.push(`${requestId} ${getRequestContext().requestId} ${getRequestContext().attempt ?? 1}`);
          return attempt === 1 ? hang() : Promise.resolve(attempt);
        }),
      ),
    );
    await clock.advance(200);
    await Promise.all(calls);
    expect(seen).toEqual(['a a 1', 'b b 1', 'a a 2', 'b b 2']);
  });
});

describe('a fault', () => {
  it('stands in for the dependency: it counts against the breaker, and its slowness against the timeout', async () => {
    const clock = new VirtualClock();
    let fault: () => boolean | Promise<boolean> = () => false;
    const breaker = new CircuitBreaker({ failureThreshold: 2, clock });
    const guard = pipeline('rates', { clock })
      .breaker(breaker)
      .attemptTimeout(100)
      .fault(() => fault())
      .build();
    const records = recordsOf(guard);
    expect(await guard.execute(call, async () => 'undisturbed')).toMatchObject({ value: 'undisturbed' });
    fault = () => {
      throw new NetworkError('drill');
    };
    await expect(guard.execute(call, async () => 'never')).rejects.toThrow('drill');
    fault = () => clock.sleep(5_000).then(() => true);
    let asked = false;
    const slow = guard.execute(call, async () => {
      asked = true;
    });
    const failed = expect(slow).rejects.toThrow(TimeoutError);
    await clock.advance(10_000);
    await failed;
    expect([asked, breaker.state]).toEqual([false, 'open']);
    expect(records.map(storyOf)).toEqual([
      ['breaker ok: closed', 'transport ok'],
      ['breaker ok: closed', 'fault injected'],
      ['breaker ok: closed', 'attemptTimeout timed-out: 100ms'],
    ]);
  });
});
