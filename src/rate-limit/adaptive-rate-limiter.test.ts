import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NetworkError, RateLimitError, RejectedError, ValidationError } from '../errors/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { AdaptiveRateLimiter } from './index.ts';

describe('AdaptiveRateLimiter', () => {
  it('rises a little on fast answers, falls a little on slow ones and by half on errors, within its bounds', () => {
    const limiter = new AdaptiveRateLimiter({ clock: new VirtualClock() });
    limiter.recordLatency(300);
    expect(limiter.ratePerSecond).toBeCloseTo(10.1);
    limiter.recordLatency(501);
    expect(limiter.ratePerSecond).toBeCloseTo(9.09);
    limiter.recordError();
    expect(limiter.ratePerSecond).toBeCloseTo(4.545);
    for (let time = 0; time < 9; time += 1) limiter.recordError(new NetworkError('gone'));
    expect(limiter.ratePerSecond).toBe(1);
    for (let time = 0; time < 5_000; time += 1) limiter.recordLatency(500);
    expect(limiter.ratePerSecond).toBe(50);
  });

  it('rises by about the rise per second at full use', async () => {
    const clock = new VirtualClock();
    const limiter = new AdaptiveRateLimiter({ clock, risePerSecond: 2 });
    const endMs = 10_000;
    const caller = async (): Promise<void> => {
      while (clock.monotonic() < endMs) await limiter.run(() => {});
    };
    void caller();
    await clock.advance(endMs + 1_000);
    expect(limiter.ratePerSecond).toBeGreaterThan(28);
    expect(limiter.ratePerSecond).toBeLessThan(32);
  });

  it('takes ten failures of one moment for one piece of news, and late good ones for none', async () => {
    const clock = new VirtualClock();
    const limiter = new AdaptiveRateLimiter({ clock, capacity: 20 });
    const tickets = await Promise.all(Array.from({ length: 12 }, () => limiter.wait()));
    for (const ticket of tickets.slice(0, 10)) limiter.recordError(new NetworkError('gone'), ticket);
    expect(limiter.ratePerSecond).toBe(5);
    for (const ticket of tickets.slice(10)) limiter.recordLatency(1, ticket);
    expect(limiter.ratePerSecond).toBe(5);
    limiter.recordLatency(1, limiter.check());
    expect(limiter.ratePerSecond).toBeCloseTo(5.2);
  });

  it('pauses for as long as the other side asks, also those who wait already', async () => {
    const clock = new VirtualClock();
    const limiter = new AdaptiveRateLimiter({ name: 'oncokb', clock });
    const told: unknown[] = [];
    limiter.events.on('paused', event => told.push(event));
    limiter.events.on('rate-changed', event => told.push(event));
    limiter.check();
    const atMs: number[] = [];
    void limiter.wait().then(() => atMs.push(clock.monotonic()));
    limiter.recordError(new RateLimitError('slow down', { retryAfterMs: 3_000 }));
    expect(limiter.check()).toMatchObject({ allowed: false, outcome: 'denied', retryAfterMs: 3_000 });
    expect(limiter.timeUntilAvailableMs()).toBe(3_000);
    await clock.advance(2_999);
    expect(atMs).toEqual([]);
    await clock.advance(1);
    expect(atMs).toEqual([3_000]);
    expect(told).toEqual([
      { name: 'oncokb', pauseMs: 3_000 },
      { name: 'oncokb', from: 10, to: 5, reason: 'error' },
    ]);
  });

  it('records by itself what its work comes to; refusals, aborts and wrong questions are no news', async () => {
    const clock = new VirtualClock();
    const limiter = new AdaptiveRateLimiter({ clock, capacity: 10 });
    await limiter.run(async () => 'fast');
    expect(limiter.ratePerSecond).toBeCloseTo(10.1);
    const slow = limiter.run(() => clock.sleep(600));
    await clock.advance(600);
    await slow;
    expect(limiter.ratePerSecond).toBeCloseTo(9.09);
    const noNews = [
      new RejectedError('open', 'open'),
      new ValidationError('no'),
      new DOMException('gone', 'AbortError'),
    ];
    for (const error of noNews) await expect(limiter.run(() => Promise.reject(error))).rejects.toBe(error);
    expect(limiter.ratePerSecond).toBeCloseTo(9.09);
    for (const error of [new NetworkError('gone'), new TypeError('?'), new RateLimitError('429')]) {
      await expect(limiter.run(() => Promise.reject(error))).rejects.toBe(error);
    }
    expect(limiter.ratePerSecond).toBeCloseTo(9.09 / 8);
  });

  it('keeps at each moment to the law of the highest rate that was in force since', async () => {
    const step = fc.record({ stepMs: fc.nat(300), news: fc.constantFrom('fast', 'slow', 'error', 'none') });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80, size: 'max' }), async steps => {
        const clock = new VirtualClock();
        const limiter = new AdaptiveRateLimiter({ clock, capacity: 3, risePerSecond: 50 });
        const moments: { readonly atMs: number; readonly rate: number; readonly admitted: number }[] = [];
        for (const { stepMs, news } of steps) {
          await clock.advance(stepMs);
          let admitted = 0;
          while (limiter.check().allowed) admitted += 1;
          moments.push({ atMs: clock.monotonic(), rate: limiter.ratePerSecond, admitted });
          if (news === 'error') limiter.recordError();
          else if (news !== 'none') limiter.recordLatency(news === 'fast' ? 1 : 900);
        }
        for (const [index, first] of moments.entries()) {
          let [sum, permits] = [0, 3];
          for (const [offset, moment] of moments.slice(index).entries()) {
            // The rate of a moment is what was in force since the one before.
            const before = moments[index + offset - 1];
            if (offset > 0 && before !== undefined) permits += ((moment.atMs - before.atMs) * moment.rate) / 1_000;
            sum += moment.admitted;
            expect(sum).toBeLessThanOrEqual(permits + 1e-6);
          }
          expect(first.rate).toBeLessThanOrEqual(50);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('ends with its waiters and timers', async () => {
    const clock = new VirtualClock();
    const limiter = new AdaptiveRateLimiter({ clock });
    limiter.check();
    const outcome = Promise.allSettled([limiter.wait()]);
    await limiter[Symbol.asyncDispose]();
    expect(await outcome).toMatchObject([{ reason: { reason: 'closed' } }]);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('the numbers of an adaptive limiter', () => {
  it('change while it works, and the rate keeps within them', () => {
    const limiter = new AdaptiveRateLimiter({ initialRatePerSecond: 10, clock: new VirtualClock() });
    limiter.reconfigure({ maxRatePerSecond: 8, errorFactor: 0.25 });
    expect(limiter.settings).toMatchObject({ ratePerSecond: 8, minRatePerSecond: 1, maxRatePerSecond: 8 });
    limiter.recordError();
    expect(limiter.ratePerSecond).toBe(2);
  });

  it('change all or none', () => {
    const limiter = new AdaptiveRateLimiter({ clock: new VirtualClock() });
    const before = limiter.settings;
    expect(() => limiter.reconfigure({ targetLatencyMs: 5, minRatePerSecond: 60 })).toThrow(/minRatePerSecond 60/);
    expect(() => limiter.reconfigure({ slowFactor: Number.NaN })).toThrow(/slowFactor/);
    expect(limiter.settings).toEqual(before);
  });
});
