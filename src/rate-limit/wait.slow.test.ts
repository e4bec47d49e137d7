import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../testing/index.ts';
import {
  type CompiledLimit,
  MemoryRateLimitStore,
  type RateLimitDecision,
  type RateLimitStore,
  SlidingWindowRateLimiter,
  TokenBucketRateLimiter,
} from './index.ts';

/** The store in memory at the other end of a line that takes its time. */
class FarStore implements RateLimitStore<Promise<RateLimitDecision>> {
  readonly #store: MemoryRateLimitStore;
  readonly #clock: VirtualClock;
  readonly #tripMs: number;
  questions = 0;

  constructor(clock: VirtualClock, tripMs: number) {
    this.#store = new MemoryRateLimitStore({ clock });
    this.#clock = clock;
    this.#tripMs = tripMs;
  }

  async take(key: string, cost: number, limit: CompiledLimit): Promise<RateLimitDecision> {
    this.questions += 1;
    const decision = this.#store.take(key, cost, limit);
    await this.#clock.sleep(this.#tripMs);
    return decision;
  }

  async peek(key: string, cost: number, limit: CompiledLimit): Promise<RateLimitDecision> {
    return this.#store.peek(key, cost, limit);
  }

  async reset(key: string, limit: CompiledLimit): Promise<void> {
    this.#store.reset(key, limit);
  }

  async close(): Promise<void> {
    this.#store.close();
  }
}

interface Finish {
  readonly name: number;
  readonly atMs: number;
  readonly error?: unknown;
}

describe('wait()', () => {
  it('is admitted at once, without a timer, when a permit is there', async () => {
    const clock = new VirtualClock();
    const limiter = new TokenBucketRateLimiter({ ratePerSecond: 1, capacity: 2, clock });
    limiter.check('warm');
    const timers = clock.pendingTimers;
    await expect(limiter.wait('warm', { timeoutMs: 1 })).resolves.toMatchObject({ allowed: true, remaining: 0 });
    expect(clock.pendingTimers).toBe(timers);
  });

  it.each([
    ['in memory', undefined],
    ['far away', 3],
  ])('admits first come, first served, each as soon as the law allows, with a store %s', async (_, tripMs) => {
    const clock = new VirtualClock();
    const store = tripMs === undefined ? undefined : new FarStore(clock, tripMs);
    const limiter = new TokenBucketRateLimiter({ ratePerSecond: 10, capacity: 2, clock, store: store as never });
    const order: Finish[] = [];
    for (const name of [0, 1, 2, 3, 4]) {
      void limiter.wait('a').then(() => order.push({ name, atMs: clock.monotonic() }));
    }
    void limiter.wait('b').then(() => order.push({ name: 9, atMs: clock.monotonic() }));
    await clock.advance(1_000);
    expect(order.filter(({ name }) => name !== 9).map(({ name }) => name)).toEqual([0, 1, 2, 3, 4]);
    expect(order.find(({ name }) => name === 9)?.atMs).toBeLessThanOrEqual(tripMs ?? 0);
    const lastMs = order.at(-1)?.atMs ?? 0;
    expect(lastMs).toBeGreaterThanOrEqual(300);
    expect(lastMs).toBeLessThanOrEqual(300 + 8 * (tripMs ?? 0));
    expect(limiter.waiting).toBe(0);
    // A waiter behind others asks nothing: five admissions, and one denial for each that had to wait.
    if (store !== undefined) expect(store.questions).toBeLessThanOrEqual(6 + 3);
  });

  it.each([undefined, 4])('never passes a deadline, and serves in order, whatever comes (trip %s ms)', async tripMs => {
    const callers = fc.array(
      fc.record({
        pauseMs: fc.nat(60),
        cost: fc.integer({ min: 1, max: 3 }),
        timeoutMs: fc.option(fc.integer({ min: 1, max: 900 }), { nil: undefined }),
        abortAfterMs: fc.option(fc.nat(500), { nil: undefined }),
      }),
      { maxLength: 25, size: 'max' },
    );
    await fc.assert(
      fc.asyncProperty(callers, async list => {
        const clock = new VirtualClock();
        const store = tripMs === undefined ? undefined : new FarStore(clock, tripMs);
        const windows = [
          { requests: 3, windowMs: 200 },
          { requests: 8, windowMs: 1_000 },
        ];
        const limiter = new SlidingWindowRateLimiter({ windows, clock, store: store as never });
        const done: (Finish & { readonly cost: number })[] = [];
        for (const [name, { pauseMs, cost, timeoutMs, abortAfterMs }] of list.entries()) {
          await clock.advance(pauseMs);
          const startMs = clock.monotonic();
          const controller = new AbortController();
          if (abortAfterMs !== undefined) clock.setTimer(abortAfterMs, () => controller.abort());
          const ended = (error?: unknown): void => {
            const atMs = clock.monotonic();
            expect(atMs - startMs).toBeLessThanOrEqual(Math.min(timeoutMs ?? 1e9, abortAfterMs ?? 1e9));
            if (error === undefined) expect(abortAfterMs === 0 || startMs <= atMs).toBe(true);
            done.push({ name, atMs, cost, error });
          };
          void limiter.wait('a', { cost, timeoutMs, signal: controller.signal }).then(() => ended(), ended);
        }
        await clock.advance(60_000);
        expect(done).toHaveLength(list.length);
        const admitted = done.filter(({ error }) => error === undefined);
        expect(admitted.map(({ name }) => name)).toEqual(admitted.map(({ name }) => name).sort((a, b) => a - b));
        expect(limiter.waiting).toBe(0);
        for (const { requests, windowMs } of windows) {
          for (const [index, { atMs }] of admitted.entries()) {
            const inside = admitted.slice(index).filter(later => later.atMs - atMs < windowMs - (tripMs ?? 0));
            expect(inside.reduce((sum, { cost }) => sum + cost, 0)).toBeLessThanOrEqual(requests);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('fails at once when its turn cannot come before the deadline', async () => {
    const clock = new VirtualClock();
    const limiter = new TokenBucketRateLimiter({ name: 'fda', ratePerSecond: 1, capacity: 1, clock });
    limiter.check();
    await expect(limiter.wait('', { timeoutMs: 999 })).rejects.toMatchObject({
      reason: 'out-of-time',
      retryAfterMs: 1_000,
      message: 'Cannot wait for "fda": its turn comes in 1s at the earliest, after the deadline',
    });
    const waits = [1, 2, 3].map(() => limiter.wait());
    await expect(limiter.wait('', { deadlineMs: 3_900 })).rejects.toMatchObject({ reason: 'out-of-time' });
    await expect(limiter.wait('', { deadlineMs: 0 })).rejects.toMatchObject({ reason: 'out-of-time' });
    const fourth = limiter.wait('', { deadlineMs: 4_100 });
    await clock.advance(4_000);
    await Promise.all([...waits, fourth]);
    expect(clock.pendingTimers).toBe(1);
  });

  it('refuses when too many wait, and names the size', async () => {
    const clock = new VirtualClock();
    const limiter = new TokenBucketRateLimiter({ name: 'fda', ratePerSecond: 1, capacity: 1, maxQueued: 2, clock });
    await limiter.wait();
    const waits = [limiter.wait(), limiter.wait()];
    await expect(limiter.wait()).rejects.toMatchObject({
      reason: 'full',
      message: 'Cannot wait for "fda": 2 callers wait already (maxQueued)',
    });
    await clock.advance(2_000);
    await Promise.all(waits);
  });

  it('leaves nothing behind after 100,000 aborted waits: no permit, no place, no timer, no listener', async () => {
    const clock = new VirtualClock();
    const limiter = new TokenBucketRateLimiter({ ratePerSecond: 1, capacity: 1, maxQueued: 100_000, clock });
    limiter.check('a');
    const timers = clock.pendingTimers;
    const kept = new AbortController().signal;
    const controllers = Array.from({ length: 100_000 }, () => new AbortController());
    const waits = controllers.map(({ signal }) => limiter.wait('a', { signal }));
    const reason = new TypeError('the caller has gone');
    const outcome = Promise.allSettled(waits);
    for (const controller of controllers) controller.abort(reason);
    const refused = (await outcome).filter(settled => settled.status === 'rejected' && settled.reason === reason);
    expect(refused).toHaveLength(100_000);
    await expect(limiter.wait('a', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect([limiter.waiting, clock.pendingTimers]).toEqual([0, timers]);
    expect(controllers.filter(({ signal }) => getEventListeners(signal, 'abort').length > 0)).toHaveLength(0);
    await clock.advance(1_000);
    await limiter.wait('a', { signal: kept });
    const next = limiter.wait('a', { signal: kept });
    await clock.advance(1_000);
    await next;
    expect(getEventListeners(kept, 'abort')).toEqual([]);
  });

  it('passes on what was granted to a caller that has left', async () => {
    const clock = new VirtualClock();
    const store = new FarStore(clock, 10);
    const limiter = new TokenBucketRateLimiter({ ratePerSecond: 1, capacity: 1, store, clock });
    const controller = new AbortController();
    const first = limiter.wait('a', { signal: controller.signal });
    const second = limiter.wait('a');
    controller.abort();
    await expect(first).rejects.toThrow('aborted');
    await clock.advance(10);
    await second;
    expect(store.questions).toBe(1);
  });

  it('rejects those whose store is away or breaks, and goes on with the next', async () => {
    const clock = new VirtualClock();
    const far = new FarStore(clock, 1);
    const away: RateLimitDecision = {
      allowed: false,
      outcome: 'unavailable',
      limit: 1,
      remaining: 0,
      retryAfterMs: 250,
      resetAfterMs: 250,
    };
    const answers = [Promise.resolve(away), Promise.reject(new RangeError('broken'))];
    far.take = async (key, cost, limit) => answers.shift() ?? FarStore.prototype.take.call(far, key, cost, limit);
    const limiter = new TokenBucketRateLimiter({ name: 'x', ratePerSecond: 1, capacity: 1, store: far, clock });
    const outcome = Promise.allSettled([limiter.wait(), limiter.wait(), limiter.wait()]);
    await clock.advance(10);
    expect(await outcome).toMatchObject([
      { status: 'rejected', reason: { reason: 'unavailable', retryAfterMs: 250 } },
      { status: 'rejected', reason: { message: 'broken' } },
      { status: 'fulfilled' },
    ]);
  });

  it('goes on at once when a reset or new numbers make room', async () => {
    const clock = new VirtualClock();
    const limiter = new TokenBucketRateLimiter({ ratePerSecond: 0.001, capacity: 1, clock });
    limiter.check('a');
    const first = limiter.wait('a');
    limiter.reset('a');
    await first;
    const second = limiter.wait('a');
    limiter.reconfigure({ capacity: 2 });
    await second;
    const third = limiter.wait('a', { cost: 2 });
    limiter.reconfigure({ capacity: 1 });
    await expect(third).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', argument: 'cost' });
  });

  it('ends with the limiter', async () => {
    const clock = new VirtualClock();
    const limiter = new TokenBucketRateLimiter({ name: 'fda', ratePerSecond: 1, capacity: 1, clock });
    limiter.check();
    const outcome = Promise.allSettled([limiter.wait(), limiter.wait('', { timeoutMs: 9_000 })]);
    await limiter[Symbol.asyncDispose]();
    const refused = { status: 'rejected', reason: { reason: 'closed', message: 'The rate limiter "fda" is closed' } };
    expect(await outcome).toMatchObject([refused, refused]);
    await expect(limiter.wait()).rejects.toMatchObject({ reason: 'closed' });
    expect([limiter.waiting, clock.pendingTimers]).toEqual([0, 0]);
  });
});

describe('run() and protect()', () => {
  it('wait for their turn, then work', async () => {
    const clock = new VirtualClock();
    const limiter = new TokenBucketRateLimiter({ ratePerSecond: 10, capacity: 1, clock });
    const atMs: number[] = [];
    const work = limiter.protect(async (value: string) => {
      atMs.push(clock.monotonic());
      return value;
    });
    const values = Promise.all([work('a'), work('b'), limiter.run(() => 'c')]);
    await clock.advance(200);
    expect(await values).toEqual(['a', 'b', 'c']);
    expect(atMs).toEqual([0, 100]);
  });

  it('do not work when they are refused', async () => {
    const limiter = new TokenBucketRateLimiter({ ratePerSecond: 1, capacity: 1, clock: new VirtualClock() });
    limiter.check('k');
    const work = (): never => expect.unreachable();
    await expect(limiter.run(work, { key: 'k', timeoutMs: 10 })).rejects.toMatchObject({ reason: 'out-of-time' });
  });
});
