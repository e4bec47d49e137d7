import { describe, expect, it } from 'vitest';
import { MemoryCache } from '../cache/index.ts';
import { runWithRequestContext } from '../context/index.ts';
import { NetworkError, RejectedError, UpstreamError, ValidationError } from '../errors/index.ts';
import { CircuitBreaker, exponentialBackoff } from '../resilience/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { type CallRecord, type Guard, pipeline } from './index.ts';

const call = { operation: 'rates.read', key: 'EUR', repeatable: true };
const fail = (error: unknown) => () => Promise.reject(error);

function recordsOf(guard: Guard): CallRecord[] {
  const records: CallRecord[] = [];
  guard.events.on('call', record => records.push(record));
  return records;
}

/** The decisions of a record, one line each. */
const storyOf = (record: CallRecord | undefined): readonly string[] | undefined =>
  record?.stages.map(({ stage, decision, reason }) => `${stage} ${decision}${reason ? `: ${reason}` : ''}`);

/** Every stage, with waits of exactly 100 ms, 200 ms and so on. */
function fullGuard(clock: VirtualClock, breaker = new CircuitBreaker({ name: 'rates', clock })) {
  const cache = new MemoryCache<unknown>({ ttlMs: 1_000, staleMs: 60_000, clock });
  const guard = pipeline('rates', { clock })
    .deadline(10_000)
    .cache(cache)
    .retry({ maxAttempts: 3, backoff: exponentialBackoff({ initialDelayMs: 100, jitter: 'none' }) })
    .breaker(breaker)
    .attemptTimeout(2_000)
    .build();
  return { guard, cache, breaker, records: recordsOf(guard) };
}

describe('a guarded call', () => {
  it('asks once for 1,000 callers at the same time', async () => {
    const clock = new VirtualClock();
    const { guard, records } = fullGuard(clock);
    let asked = 0;
    const outcomes = await Promise.all(
      Array.from({ length: 1_000 }, () =>
        guard.execute(call, async () => {
          asked += 1;
          return { rate: 1.08 };
        }),
      ),
    );
    expect(asked).toBe(1);
    expect(new Set(outcomes.map(({ value }) => value)).size).toBe(1);
    expect(records.reduce((sum, { attempts }) => sum + attempts, 0)).toBe(1);
  });

  it('is neither cached nor joined without a key', async () => {
    const { guard, cache } = fullGuard(new VirtualClock());
    let asked = 0;
    const ask = () =>
      guard.execute({ operation: 'read' }, async () => {
        asked += 1;
      });
    await Promise.all([ask(), ask()]);
    expect([asked, cache.stats().misses]).toEqual([2, 0]);
  });

  it('is never repeated unless it says that it may be', async () => {
    const clock = new VirtualClock();
    const { guard, records } = fullGuard(clock);
    const failed = expect(guard.execute({ operation: 'pay' }, fail(new NetworkError('broken')))).rejects.toThrow();
    await clock.advance(60_000);
    await failed;
    expect(records[0]).toMatchObject({ attempts: 1, result: 'failed' });
    expect(storyOf(records[0])).toEqual(['breaker ok: closed', 'transport failed: NETWORK_ERROR']);
  });

  it('opens the breaker by its attempts, and is refused then without being retried', async () => {
    const clock = new VirtualClock();
    const breaker = new CircuitBreaker({ failureThreshold: 2, clock });
    const { guard, records } = fullGuard(clock, breaker);
    const refused = expect(guard.execute(call, fail(new NetworkError('m')))).rejects.toThrow(RejectedError);
    await clock.advance(60_000);
    await refused;
    expect(records[0]).toMatchObject({ attempts: 2, result: 'rejected', durationMs: 300 });
    expect(storyOf(records[0])?.slice(-2)).toEqual(['breaker rejected: open', 'retry gave-up: 3 attempts']);
  });

  it('gives the work a signal that is aborted when the attempt is over', async () => {
    const clock = new VirtualClock();
    const { guard } = fullGuard(clock);
    const signals: (AbortSignal | undefined)[] = [];
    const hung = guard.execute(call, ({ signal }) => {
      signals.push(signal);
      return new Promise(() => {});
    });
    const failed = expect(hung).rejects.toThrow();
    await clock.advance(10_000);
    await failed;
    expect(signals.map(signal => signal?.aborted)).toEqual([true, true, true]);
  });

  it('that its caller leaves says nothing about the dependency, whatever the reason of leaving', async () => {
    const clock = new VirtualClock();
    const breaker = new CircuitBreaker({ failureThreshold: 1, clock });
    const { guard } = fullGuard(clock, breaker);
    const controller = new AbortController();
    const left = guard.execute({ operation: 'pay', signal: controller.signal }, ({ signal }) =>
      clock.sleep(1_000, signal),
    );
    const failed = expect(left).rejects.toThrow('the client went away');
    await clock.advance(10);
    controller.abort(new TypeError('the client went away'));
    await failed;
    await clock.advance(0);
    expect(breaker.snapshot()).toMatchObject({ state: 'closed', failures: 0 });
  });

  it('makes a failure of work that throws before it waits', async () => {
    const { guard, records } = fullGuard(new VirtualClock());
    const thrower = (): Promise<never> => {
      throw new ValidationError('at once');
    };
    await expect(guard.execute(call, thrower)).rejects.toThrow('at once');
    expect(records[0]).toMatchObject({ result: 'failed', attempts: 1 });
  });
});

describe('a source that hangs', () => {
  it('is given up shortly before the deadline, so that the older value is there for the caller who waited', async () => {
    const clock = new VirtualClock();
    const cache = new MemoryCache<unknown>({ ttlMs: 1_000, staleMs: 60_000, clock });
    const guard = pipeline('rates', { clock })
      .deadline(5_000)
      .cache(cache)
      .retry()
      .breaker()
      .attemptTimeout(30_000)
      .build();
    await guard.execute(call, async () => 1.08);
    await clock.advance(2_000);
    const outcome = guard.execute(call, () => new Promise(() => {}));
    await clock.advance(5_000);
    expect(await outcome).toMatchObject({ value: 1.08, freshness: 'stale', reason: 'TIMEOUT' });
  });
});

describe('the deadline', () => {
  const hang = (): Promise<never> => new Promise(() => {});

  it('ends the whole call, and is not mistaken for that of an attempt', async () => {
    const clock = new VirtualClock();
    const guard = pipeline('rates', { clock }).deadline(500).retry().breaker().build();
    const records = recordsOf(guard);
    const failed = expect(guard.execute(call, hang)).rejects.toMatchObject({ name: 'TimeoutError', timeoutMs: 500 });
    await clock.advance(500);
    await failed;
    expect(storyOf(records[0])).toEqual(['breaker ok: closed', 'deadline timed-out: 500ms']);
    expect(records[0]).toMatchObject({ result: 'failed', durationMs: 500, attempts: 1 });
    expect(clock.pendingTimers).toBe(0);
  });

  it('of the request counts when it is nearer', async () => {
    const clock = new VirtualClock();
    const { guard, records } = fullGuard(clock);
    await clock.advance(1_000);
    const context = { deadlineMs: clock.monotonic() + 50 };
    const failed = expect(runWithRequestContext(context, () => guard.execute(call, hang))).rejects.toMatchObject({
      timeoutMs: 30,
    });
    await clock.advance(50);
    await failed;
    // An attempt is given 20 ms less than the call, so that something can still stand in for it.
    expect(records[0]).toMatchObject({ durationMs: 30 });
  });

  it('of the request does not lengthen that of the guard', async () => {
    const clock = new VirtualClock();
    const guard = pipeline('rates', { clock }).deadline(500).build();
    const failed = expect(
      runWithRequestContext({ deadlineMs: 60_000 }, () => guard.execute(call, hang)),
    ).rejects.toMatchObject({ timeoutMs: 500 });
    await clock.advance(500);
    await failed;
  });

  it('refuses a call that has no time left, without asking anybody', async () => {
    const clock = new VirtualClock();
    const { guard, records, cache } = fullGuard(clock);
    await clock.advance(100);
    const refused = runWithRequestContext({ deadlineMs: 100 }, () => guard.execute(call, async () => 'never'));
    await expect(refused).rejects.toMatchObject({ name: 'RejectedError', reason: 'out-of-time' });
    expect(storyOf(records[0])).toEqual(['deadline rejected: no time left before the call began']);
    expect(records[0]).toMatchObject({ result: 'rejected', attempts: 0 });
    expect(cache.stats().misses).toBe(0);
  });

  it('lets no retry begin that could not end: the failure is told at once', async () => {
    const clock = new VirtualClock();
    const { guard, records } = fullGuard(clock);
    const limited = new UpstreamError('m', 503, { retryAfterMs: 10_000 });
    await expect(guard.execute(call, fail(limited))).rejects.toBe(limited);
    expect(records[0]).toMatchObject({ attempts: 1, durationMs: 0 });
  });

  it('of the request holds for retries also where the guard has no deadline of its own', async () => {
    const clock = new VirtualClock();
    const guard = pipeline('rates', { clock }).retry().build();
    const limited = new UpstreamError('m', 503, { retryAfterMs: 1_000 });
    const context = { deadlineMs: 999 };
    await expect(runWithRequestContext(context, () => guard.execute(call, fail(limited)))).rejects.toBe(limited);
  });
});
