import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NetworkError, RateLimitError, RejectedError, UpstreamError } from '../errors/index.ts';
import type { CallPermit } from '../pipeline/index.ts';
import { SlidingWindowRateLimiter, TokenBucketRateLimiter } from '../rate-limit/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { HostPace } from './index.ts';

const tooMany = (retryAfterMs?: number): RateLimitError =>
  new RateLimitError('answered 429', retryAfterMs === undefined ? {} : { retryAfterMs });

/** When each of so many requests was let through, in milliseconds. */
async function admissions(pace: HostPace, clock: VirtualClock, count: number): Promise<number[]> {
  const times: number[] = [];
  const waits = Array.from({ length: count }, () => pace.wait().then(() => times.push(clock.monotonic())));
  for (let step = 0; step < 10_000 && times.length < count; step += 1) await clock.advance(100);
  await Promise.all(waits);
  return times;
}

describe('HostPace', () => {
  it('asks as fast as its limit allows, and no faster', async () => {
    const clock = new VirtualClock();
    const pace = new HostPace({ ratePerSecond: 2, burst: 1, clock });
    expect(await admissions(pace, clock, 5)).toEqual([0, 500, 1_000, 1_500, 2_000]);
  });

  it('asks nothing until the time that a 429 names, and half as fast from then on', async () => {
    const clock = new VirtualClock();
    const pace = new HostPace({ ratePerSecond: 2, clock });
    pace.recordError(tooMany(10_000), await pace.wait());
    expect(pace.ratePerSecond).toBe(1);
    const [first = 0, second = 0, third = 0] = await admissions(pace, clock, 3);
    expect(first).toBeGreaterThanOrEqual(10_000);
    expect(second - first).toBeGreaterThanOrEqual(1_000);
    expect(third - second).toBeGreaterThanOrEqual(1_000);
  });

  it('takes a 503 that says when to come back as the same, and other failures as none of its business', async () => {
    const pace = new HostPace({ ratePerSecond: 2, clock: new VirtualClock() });
    const permit = await pace.wait();
    pace.recordError(new NetworkError('gone'), permit);
    pace.recordError(new UpstreamError('answered 503', 503), permit);
    pace.recordError(new UpstreamError('answered 500', 500, { retryAfterMs: 5_000 }), permit);
    expect(pace.ratePerSecond).toBe(2);
    pace.recordError(new UpstreamError('answered 503', 503, { retryAfterMs: 5_000 }), permit);
    expect(pace.ratePerSecond).toBe(1);
  });

  it('counts ten 429s of requests that were under way together as one', async () => {
    const pace = new HostPace({ ratePerSecond: 8, burst: 10, clock: new VirtualClock() });
    const permits: CallPermit[] = [];
    for (let count = 0; count < 10; count += 1) permits.push(await pace.wait());
    for (const permit of permits) pace.recordError(tooMany(), permit);
    expect(pace.ratePerSecond).toBe(4);
  });

  it('comes back to its whole pace by answers', async () => {
    const clock = new VirtualClock();
    const pace = new HostPace({ ratePerSecond: 0.5, clock });
    pace.recordError(tooMany());
    expect(pace.ratePerSecond).toBe(0.25);
    const paces: number[] = [];
    for (let answers = 0; answers < 12; answers += 1) {
      pace.recordLatency(5_000);
      paces.push(pace.ratePerSecond);
    }
    expect(paces).toEqual([...paces].sort((one, other) => one - other));
    expect(paces[0]).toBeCloseTo(0.275, 6);
    expect(paces.at(-1)).toBe(0.5);
  });

  it('slows down the host that said so, and no other', async () => {
    const clock = new VirtualClock();
    const busy = new HostPace({ name: 'busy', ratePerSecond: 10, clock });
    const calm = new HostPace({ name: 'calm', ratePerSecond: 10, clock });
    busy.recordError(tooMany(60_000));
    expect(await admissions(calm, clock, 3)).toEqual([0, 100, 200]);
    expect((await admissions(busy, clock, 1))[0]).toBeGreaterThanOrEqual(60_000);
  });

  it('refuses at once whoever cannot wait so long', async () => {
    const clock = new VirtualClock();
    const pace = new HostPace({ clock });
    pace.recordError(tooMany(60_000));
    const error = await pace.wait('', { deadlineMs: 5_000 }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RejectedError);
    expect(clock.monotonic()).toBe(0);
  });

  it('follows a crawl delay down, never up', () => {
    const pace = new HostPace({ ratePerSecond: 2, clock: new VirtualClock() });
    pace.slowTo(10);
    expect(pace.ratePerSecond).toBe(2);
    pace.slowTo(0.1);
    expect(pace.ratePerSecond).toBe(0.1);
    pace.recordLatency(1);
    expect(pace.ratePerSecond).toBe(0.1);
  });

  it.each([
    ['a token bucket', (clock: VirtualClock) => new TokenBucketRateLimiter({ ratePerSecond: 4, capacity: 2, clock })],
    ['a window', (clock: VirtualClock) => new SlidingWindowRateLimiter({ requests: 240, windowMs: 60_000, clock })],
  ])('stands before a limit of its own kind: %s', async (_kind, make) => {
    const clock = new VirtualClock();
    const limiter = make(clock);
    const pace = new HostPace({ limiter, clock });
    expect(pace.ratePerSecond).toBe(4);
    expect(pace.settings).toBe(limiter.settings);
    await admissions(pace, clock, 2);
    expect(limiter.check('', { cost: 1 }).remaining).toBeLessThan(240);
    pace.reconfigure('ratePerSecond' in limiter.settings ? { ratePerSecond: 8 } : { requests: 480 });
    for (let answers = 0; answers < 200; answers += 1) pace.recordLatency(1);
    expect(pace.ratePerSecond).toBe(8);
  });

  it('never asks more often than the limit allows, whatever it is told', async () => {
    const told = fc.oneof(
      fc.record({ error: fc.option(fc.integer({ min: 0, max: 5_000 })) }),
      fc.record({ answers: fc.integer({ min: 1, max: 20 }) }),
      fc.record({ requests: fc.integer({ min: 1, max: 8 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(told, { maxLength: 12 }), async steps => {
        const clock = new VirtualClock();
        const pace = new HostPace({ ratePerSecond: 5, burst: 2, clock });
        const times: number[] = [];
        for (const step of steps) {
          if ('requests' in step) times.push(...(await admissions(pace, clock, step.requests)));
          else if ('answers' in step) for (let n = 0; n < step.answers; n += 1) pace.recordLatency(1);
          else pace.recordError(tooMany(step.error ?? undefined));
        }
        // The law of the bucket: at most burst + rate * t within any t.
        for (const [index, end] of times.entries()) {
          for (const [from, start] of times.slice(0, index + 1).entries()) {
            expect(index - from + 1).toBeLessThanOrEqual(2 + ((end - start) / 1_000) * 5 + 1e-6);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    [{ ratePerSecond: 0 }, 'ratePerSecond'],
    [{ burst: 0 }, 'capacity'],
    [{ minRatio: 2 }, 'minRatio'],
  ])('refuses %j', (options, argument) => {
    expect(() => new HostPace(options)).toThrow(expect.objectContaining({ argument }));
  });
});
