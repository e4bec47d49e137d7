import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../testing/index.ts';
import { MemoryRateLimitStore, RateLimiter, SlidingWindowRateLimiter, TokenBucketRateLimiter } from './index.ts';

describe('MemoryRateLimitStore', () => {
  it('lets 1,000,000 idle keys go within a window after they have expired, and its timer with them', async () => {
    const clock = new VirtualClock();
    const store = new MemoryRateLimitStore({ clock });
    const limiter = new SlidingWindowRateLimiter({ requests: 100, windowMs: 60_000, store, clock });
    for (let index = 0; index < 1_000_000; index += 1) limiter.check(`key:${index}`);
    expect([store.size, clock.pendingTimers]).toEqual([1_000_000, 1]);
    await clock.advance(59_000);
    expect(store.size).toBe(1_000_000);
    await clock.advance(62_000);
    expect(store.size).toBe(0);
    await clock.advance(61_000);
    expect(clock.pendingTimers).toBe(0);
  });

  it('keeps to the law across the turns of its generations', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(1_500), { maxLength: 60, size: 'max' }), async steps => {
        const clock = new VirtualClock();
        const limiter = new SlidingWindowRateLimiter({ requests: 3, windowMs: 2_000, clock });
        const bucket = new TokenBucketRateLimiter({ ratePerSecond: 2, capacity: 4, clock });
        const windowed: number[] = [];
        const poured: number[] = [];
        for (const stepMs of steps) {
          await clock.advance(stepMs);
          if (limiter.check('a').allowed) windowed.push(clock.monotonic());
          if (bucket.check('a').allowed) poured.push(clock.monotonic());
        }
        for (const [index, atMs] of windowed.entries()) {
          expect((windowed[index + 3] ?? Number.POSITIVE_INFINITY) - atMs).toBeGreaterThanOrEqual(2_000);
        }
        for (const [first, fromMs] of poured.entries()) {
          for (const [last, toMs] of poured.entries()) {
            if (last >= first) expect(last - first + 1).toBeLessThanOrEqual(4 + ((toMs - fromMs) * 2) / 1_000);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('forgets the key that entered longest ago when there are too many, and tells', () => {
    const evicted: string[] = [];
    const limiter = new SlidingWindowRateLimiter({
      requests: 1,
      windowMs: 1_000,
      maxKeys: 3,
      clock: new VirtualClock(),
    });
    limiter.events.on('evicted', ({ key }) => evicted.push(key));
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) expect(limiter.check(key).allowed).toBe(true);
    expect(evicted).toEqual(['a', 'b', 'c', 'd']);
    expect(['e', 'f', 'g'].map(key => limiter.check(key).allowed)).toEqual([false, false, false]);
    expect(limiter.check('a').allowed).toBe(true);
  });

  it('does not take the state of a key for expired because others had to go', async () => {
    const clock = new VirtualClock();
    const limiter = new SlidingWindowRateLimiter({ requests: 1, windowMs: 5_000, maxKeys: 2, clock });
    limiter.check('first');
    await clock.advance(3_900);
    limiter.check('kept');
    limiter.check('one too many');
    await clock.advance(1_200);
    expect(limiter.check('kept').allowed).toBe(false);
  });

  it('lets expired keys go before it forgets any other', async () => {
    const clock = new VirtualClock();
    const evicted: string[] = [];
    const limiter = new SlidingWindowRateLimiter({ requests: 1, windowMs: 5_000, maxKeys: 3, clock });
    limiter.events.on('evicted', ({ key }) => evicted.push(key));
    for (const key of ['a', 'b', 'c']) limiter.check(key);
    await clock.advance(10_100);
    for (const key of ['d', 'e', 'f']) limiter.check(key);
    expect(evicted).toEqual([]);
  });

  it('never holds more keys than it may', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(30), { maxLength: 200, size: 'max' }),
        fc.integer({ min: 1, max: 10 }),
        (keys, maxKeys) => {
          const clock = new VirtualClock();
          const store = new MemoryRateLimitStore({ clock });
          const limiter = new TokenBucketRateLimiter({ ratePerSecond: 1, capacity: 1, maxKeys, store, clock });
          for (const key of keys) {
            limiter.check(String(key));
            expect(store.size).toBeLessThanOrEqual(maxKeys);
          }
        },
      ),
    );
  });

  it('keeps limiters of different names apart and those of one name together', () => {
    const clock = new VirtualClock();
    const store = new MemoryRateLimitStore({ clock });
    const limiter = (name: string): RateLimiter =>
      new RateLimiter({ name, requests: 2, windowMs: 1_000, store, clock });
    const limiters = [limiter('login'), limiter('login'), limiter('search')];
    expect(limiters.map(each => each.check('a').remaining)).toEqual([1, 0, 1]);
  });

  it('is closed with the limiter that made it, and by nobody else', () => {
    const clock = new VirtualClock();
    const store = new MemoryRateLimitStore({ clock });
    const options = { requests: 1, windowMs: 1_000, clock };
    const [own, given] = [new SlidingWindowRateLimiter(options), new SlidingWindowRateLimiter({ ...options, store })];
    own.check();
    given.check();
    own.close();
    given.close();
    expect(clock.pendingTimers).toBe(1);
    expect(() => given.check()).toThrow(expect.objectContaining({ reason: 'closed' }));
    store.close();
    expect(clock.pendingTimers).toBe(0);
  });
});
