import { describe, expect, it, vi } from 'vitest';
import { MemoryCache } from '../cache/index.ts';
import { runWithRequestContext } from '../context/index.ts';
import { NetworkError, RejectedError, TimeoutError, UpstreamError, ValidationError } from '../errors/index.ts';
import { Events } from '../kernel/index.ts';
import { CircuitBreaker, exponentialBackoff } from '../resilience/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { type Attempt, type CallRecord, type Guard, type GuardEvents, pipeline } from './index.ts';

const call = { operation: 'rates.read', key: 'EUR', repeatable: true };
const fail = (error: unknown) => () => Promise.reject(error);
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

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

describe('the record of a call', () => {
  it('that missed and was answered', async () => {
    const clock = new VirtualClock({ now: 1_000_000 });
    const { guard, records } = fullGuard(clock);
    const outcome = runWithRequestContext({ requestId: 'req-123' }, () =>
      guard.execute(call, async ({ signal }) => {
        await clock.sleep(25, signal);
        return 1.08;
      }),
    );
    await clock.advance(25);
    expect(await outcome).toEqual({ value: 1.08, freshness: 'fresh', ageMs: 0 });
    expect(records).toEqual([
      {
        sequence: 1,
        dependency: 'rates',
        operation: 'rates.read',
        repeatable: true,
        key: 'EUR',
        requestId: 'req-123',
        startedAt: 1_000_000,
        durationMs: 25,
        result: 'ok',
        freshness: 'fresh',
        ageMs: 0,
        attempts: 1,
        stages: [
          { stage: 'cache', decision: 'miss', atMs: 0 },
          { stage: 'breaker', decision: 'ok', atMs: 0, reason: 'closed' },
          { stage: 'transport', decision: 'ok', atMs: 25, durationMs: 25 },
        ],
      },
    ]);
    expect(JSON.parse(JSON.stringify(records[0]))).toEqual(records[0]);
  });

  it('that hit', async () => {
    const clock = new VirtualClock();
    const { guard, records } = fullGuard(clock);
    await guard.execute(call, async () => 1.08);
    await clock.advance(999);
    const outcome = await guard.execute(call, async () => 'never asked');
    expect(outcome).toEqual({ value: 1.08, freshness: 'fresh', ageMs: 999 });
    expect(storyOf(records[1])).toEqual(['cache hit']);
    expect(records[1]).toMatchObject({ sequence: 2, result: 'ok', freshness: 'fresh', ageMs: 999, attempts: 0 });
  });

  it('that joined another one, in success and in failure', async () => {
    const clock = new VirtualClock();
    const { guard, records } = fullGuard(clock);
    await Promise.all([1, 2].map(() => guard.execute(call, async () => 1.08)));
    expect(records.map(storyOf)).toEqual([['cache miss', 'breaker ok: closed', 'transport ok'], ['cache joined']]);
    expect(records.map(({ attempts }) => attempts)).toEqual([1, 0]);

    records.length = 0;
    const wrong = fail(new UpstreamError('m', 400));
    await Promise.allSettled([1, 2].map(() => guard.execute({ ...call, key: 'XXX' }, wrong)));
    expect(records.map(storyOf)).toEqual([
      ['cache miss', 'breaker ok: closed', 'transport failed: UPSTREAM_ERROR 400'],
      ['cache joined: UPSTREAM_ERROR 400'],
    ]);
    expect(records.map(({ result }) => result)).toEqual(['failed', 'failed']);
  });

  it('that was retried and succeeded', async () => {
    const clock = new VirtualClock();
    const { guard, records } = fullGuard(clock);
    const outcome = guard.execute(call, async ({ attempt }) => {
      if (attempt === 1) throw new UpstreamError('m', 503, { retryAfterMs: 1_500 });
      if (attempt === 2) throw new NetworkError('m');
      return attempt;
    });
    await clock.advance(5_000);
    expect(await outcome).toMatchObject({ value: 3, freshness: 'fresh' });
    expect(storyOf(records[0])).toEqual([
      'cache miss',
      'breaker ok: closed',
      'transport failed: UPSTREAM_ERROR 503',
      'retry retried: UPSTREAM_ERROR 503, waits 1s500ms',
      'breaker ok: closed',
      'transport failed: NETWORK_ERROR',
      'retry retried: NETWORK_ERROR, waits 200ms',
      'breaker ok: closed',
      'transport ok',
    ]);
    expect(records[0]).toMatchObject({ attempts: 3, durationMs: 1_700 });
    expect(records[0]?.stages.map(({ atMs }) => atMs)).toEqual([0, 0, 0, 0, 1_500, 1_500, 1_500, 1_700, 1_700]);
  });

  it('that gave up', async () => {
    const clock = new VirtualClock();
    const { guard, records } = fullGuard(clock);
    const failed = expect(guard.execute(call, fail(new NetworkError('broken')))).rejects.toThrow('broken');
    await clock.advance(5_000);
    await failed;
    expect(storyOf(records[0])?.at(-1)).toBe('retry gave-up: 3 attempts');
    expect(records[0]).toMatchObject({
      result: 'failed',
      attempts: 3,
      error: { name: 'NetworkError', code: 'NETWORK_ERROR', message: 'broken' },
    });
    expect(records[0]).not.toHaveProperty('freshness');
  });

  it('that was refused by an open breaker: the transport is not asked', async () => {
    const clock = new VirtualClock();
    const breaker = new CircuitBreaker({ failureThreshold: 1, clock });
    const { guard, records } = fullGuard(clock, breaker);
    await breaker.execute(fail(new NetworkError('m'))).catch(() => {});
    let asked = false;
    const refused = guard.execute(call, async () => {
      asked = true;
    });
    await expect(refused).rejects.toThrow(RejectedError);
    expect(asked).toBe(false);
    expect(storyOf(records[0])).toEqual(['cache miss', 'breaker rejected: open']);
    expect(records[0]).toMatchObject({ result: 'rejected', attempts: 0, error: { code: 'CIRCUIT_OPEN' } });
    expect(clock.monotonic()).toBe(0);
  });

  it('that was refused by an open breaker and covered by an old value', async () => {
    const clock = new VirtualClock();
    const breaker = new CircuitBreaker({ failureThreshold: 1, clock });
    const { guard, records } = fullGuard(clock, breaker);
    await guard.execute(call, async () => 1.08);
    await breaker.execute(fail(new NetworkError('m'))).catch(() => {});
    await clock.advance(12_000);
    const outcome = await guard.execute(call, async () => 'never asked');
    expect(outcome).toEqual({ value: 1.08, freshness: 'stale', ageMs: 12_000, reason: 'CIRCUIT_OPEN' });
    expect(storyOf(records[1])).toEqual(['cache stale: CIRCUIT_OPEN, value is 12s old']);
    expect(records[1]).toMatchObject({
      result: 'ok',
      freshness: 'stale',
      ageMs: 12_000,
      attempts: 0,
      error: { name: 'RejectedError', code: 'CIRCUIT_OPEN' },
    });
  });

  it('whose attempts timed out', async () => {
    const clock = new VirtualClock();
    const { guard, records } = fullGuard(clock);
    const hung = guard.execute(call, () => new Promise(() => {}));
    const failed = expect(hung).rejects.toThrow(TimeoutError);
    await clock.advance(9_000);
    await failed;
    expect(storyOf(records[0])?.filter(line => /time-?out/i.test(line))).toEqual([
      'attemptTimeout timed-out: 2s',
      'retry retried: TIMEOUT, waits 100ms',
      'attemptTimeout timed-out: 2s',
      'retry retried: TIMEOUT, waits 200ms',
      'attemptTimeout timed-out: 2s',
    ]);
    expect(records[0]).toMatchObject({ result: 'failed', attempts: 3, durationMs: 6_300, error: { code: 'TIMEOUT' } });
    expect(clock.pendingTimers).toBe(0);
  });

  it('that was given a substitute', async () => {
    const clock = new VirtualClock();
    const guard = pipeline('rates', { clock })
      .fallback(error => `instead of ${String(error)}`)
      .build();
    const records = recordsOf(guard);
    const outcome = await guard.execute(call, fail(new UpstreamError('broken', 503)));
    expect(outcome).toEqual({
      value: 'instead of UpstreamError: broken',
      freshness: 'fallback',
      ageMs: 0,
      reason: 'UPSTREAM_ERROR 503',
    });
    expect(storyOf(records[0])).toEqual([
      'transport failed: UPSTREAM_ERROR 503',
      'fallback substituted: UPSTREAM_ERROR 503',
    ]);
    expect(records[0]).toMatchObject({ result: 'ok', freshness: 'fallback', error: { code: 'UPSTREAM_ERROR' } });
  });

  it('whose substitute failed too', async () => {
    const guard = pipeline('rates')
      .fallback(() => {
        throw new ValidationError('no substitute either');
      })
      .build();
    const records = recordsOf(guard);
    await expect(guard.execute(call, fail(new NetworkError('m')))).rejects.toThrow('no substitute either');
    expect(records[0]).toMatchObject({ result: 'failed', error: { code: 'VALIDATION_ERROR' } });
  });

  it('whose caller left: no retry, no substitute, and the wait ends at once', async () => {
    const clock = new VirtualClock();
    const { guard, records, breaker } = fullGuard(clock);
    const controller = new AbortController();
    const left = guard.execute({ ...call, signal: controller.signal }, fail(new NetworkError('m')));
    const failed = expect(left).rejects.toThrow('left');
    await clock.advance(50);
    controller.abort(new DOMException('left', 'AbortError'));
    await failed;
    expect(records[0]).toMatchObject({ result: 'failed', attempts: 1, error: { name: 'AbortError', code: 'ABORTED' } });
    await turn();
    expect(clock.pendingTimers).toBe(0);
    expect(breaker.snapshot().failures).toBe(1);
  });

  it('whose caller left gets no substitute', async () => {
    let substituted = false;
    const guard = pipeline('rates')
      .fallback(() => {
        substituted = true;
      })
      .build();
    const controller = new AbortController();
    const left = guard.execute({ ...call, signal: controller.signal }, async () => {
      controller.abort(new TypeError('left'));
      throw new TypeError('left');
    });
    await expect(left).rejects.toThrow('left');
    expect(substituted).toBe(false);
  });

  it('is not changed by what goes on after the call has ended', async () => {
    const clock = new VirtualClock();
    const { guard, records } = fullGuard(clock);
    const controller = new AbortController();
    const work = async ({ signal }: Attempt): Promise<string> => {
      await clock.sleep(50, signal);
      return 'value';
    };
    const left = guard.execute({ ...call, signal: controller.signal }, work).catch(() => {});
    await clock.advance(1);
    const stayed = guard.execute(call, work);
    controller.abort();
    await left;
    const story = storyOf(records[0]);
    await clock.advance(50);
    expect(await stayed).toMatchObject({ value: 'value' });
    expect(storyOf(records[0])).toEqual(story);
  });

  it('of something thrown that is no error', async () => {
    const guard = pipeline('rates').build();
    const records = recordsOf(guard);
    await expect(guard.execute({ operation: 'read' }, fail('a word'))).rejects.toBe('a word');
    expect(records[0]).toMatchObject({ result: 'failed', error: { name: 'unknown', code: 'UNKNOWN' } });
    expect(records[0]).not.toHaveProperty('key');
    expect(records[0]).not.toHaveProperty('requestId');
  });

  it('is not built when nobody listens', async () => {
    const events = new Events<GuardEvents>();
    const emit = vi.spyOn(events, 'emit');
    const guard = pipeline('rates', { events }).build();
    await guard.execute({ operation: 'read' }, async () => 'value');
    await guard.execute({ operation: 'read' }, fail(new NetworkError('m'))).catch(() => {});
    expect(emit).not.toHaveBeenCalled();
    const subscription = guard.events.on('call', () => {});
    await guard.execute({ operation: 'read' }, async () => 'value');
    subscription.unsubscribe();
    await guard.execute({ operation: 'read' }, async () => 'value');
    expect(emit).toHaveBeenCalledTimes(1);
  });

  it('goes to one stream when several guards share it', async () => {
    const events = new Events<GuardEvents>();
    const heard: string[] = [];
    events.on('call', record => heard.push(`${record.dependency} ${record.sequence}`));
    const guards = ['rates', 'billing'].map(dependency => pipeline(dependency, { events }).build());
    for (const guard of [...guards, ...guards]) await guard.execute({ operation: 'read' }, async () => 'value');
    expect(heard).toEqual(['rates 1', 'billing 1', 'rates 2', 'billing 2']);
  });
});
