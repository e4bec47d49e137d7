import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../testing/index.ts';
import { SlidingWindowRateLimiter, TokenBucketRateLimiter } from './index.ts';

/** A clock that is set by hand, also back. */
class HandClock extends VirtualClock {
  timeMs = 0;

  override monotonicCoarse(): number {
    return this.timeMs;
  }
}

interface Admission {
  readonly atMs: number;
  readonly cost: number;
}

interface Arrival {
  readonly stepMs: number;
  readonly cost: number;
}

interface Asked {
  check(key: string, options: { readonly cost: number }): { readonly allowed: boolean; readonly retryAfterMs: number };
}

/** Standing still, bursts, pauses, fractions of a millisecond, and now and then a step back. */
const arrivals = (maxCost: number): fc.Arbitrary<readonly Arrival[]> =>
  fc.array(
    fc.record({
      stepMs: fc.oneof(
        { weight: 4, arbitrary: fc.constant(0) },
        { weight: 6, arbitrary: fc.nat(40) },
        { weight: 2, arbitrary: fc.nat(400) },
        { weight: 2, arbitrary: fc.double({ min: 0, max: 3, noNaN: true }) },
        { weight: 1, arbitrary: fc.integer({ min: -200, max: -1 }) },
      ),
      cost: fc.integer({ min: 1, max: maxCost }),
    }),
    { maxLength: 300, size: 'max' },
  );

/** What was admitted, and when by a clock that does not go back. */
function play(limiter: Asked, clock: HandClock, steps: readonly Arrival[]): readonly Admission[] {
  const admissions: Admission[] = [];
  let latestMs = Number.NEGATIVE_INFINITY;
  for (const { stepMs, cost } of steps) {
    clock.timeMs += stepMs;
    latestMs = Math.max(latestMs, clock.timeMs);
    if (limiter.check('key', { cost }).allowed) admissions.push({ atMs: latestMs, cost });
  }
  return admissions;
}

/** How much more was admitted than may be, over all pairs of admissions, from the first to the last of them. */
function worstExcess(admissions: readonly Admission[], allowed: (lengthMs: number) => number): number {
  let worst = Number.NEGATIVE_INFINITY;
  for (const [index, first] of admissions.entries()) {
    let cost = 0;
    for (let other = index; other < admissions.length; other += 1) {
      const last = admissions[other] ?? first;
      cost += last.cost;
      worst = Math.max(worst, cost - allowed(last.atMs - first.atMs));
    }
  }
  return worst;
}

const windowNumbers = fc.record({
  requests: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 120, max: 400 })),
  windowMs: fc.integer({ min: 1, max: 2_000 }),
});

describe('SlidingWindowRateLimiter', () => {
  it('never admits more than any of its windows allows, in any interval of its length', () => {
    const cases = fc
      .array(windowNumbers, { minLength: 1, maxLength: 3 })
      .chain(windows => fc.tuple(fc.constant(windows), arrivals(Math.min(...windows.map(({ requests }) => requests)))));
    fc.assert(
      fc.property(cases, ([windows, steps]) => {
        const clock = new HandClock();
        const limiter = new SlidingWindowRateLimiter({ windows, clock });
        const admissions = play(limiter, clock, steps);
        for (const { requests, windowMs } of windows) {
          const inside = (lengthMs: number): number => (lengthMs < windowMs ? requests : Number.POSITIVE_INFINITY);
          expect(worstExcess(admissions, inside)).toBeLessThanOrEqual(0);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('admits at overload at least 99 of 100 that its law allows', () => {
    for (const { requests, windowMs } of [
      { requests: 5, windowMs: 1_000 },
      { requests: 128, windowMs: 1_000 },
      { requests: 1_000, windowMs: 1_000 },
      { requests: 20_000, windowMs: 60_000 },
    ]) {
      const clock = new HandClock();
      const limiter = new SlidingWindowRateLimiter({ requests, windowMs, clock });
      let admitted = 0;
      const windows = 20;
      for (; clock.timeMs < windows * windowMs; clock.timeMs += windowMs / 500) {
        for (let question = 0; question < requests / 100; question += 1) admitted += limiter.check().allowed ? 1 : 0;
      }
      expect(admitted / (windows * requests)).toBeGreaterThan(0.985);
      expect(admitted).toBeLessThanOrEqual(windows * requests);
    }
  });

  it('takes nothing from any window when one of them denies', () => {
    const clock = new HandClock();
    const windows = [
      { requests: 2, windowMs: 1_000 },
      { requests: 3, windowMs: 60_000 },
    ];
    const limiter = new SlidingWindowRateLimiter({ windows, clock });
    expect([1, 2, 3].map(() => limiter.check().allowed)).toEqual([true, true, false]);
    clock.timeMs = 1_000;
    expect(limiter.check()).toMatchObject({ allowed: true, limit: 3, remaining: 0, resetAfterMs: 60_000 });
    expect(limiter.check()).toMatchObject({ allowed: false, limit: 3, retryAfterMs: 59_000 });
  });

  it('says what is left, and when all of it is back', () => {
    const clock = new HandClock();
    const limiter = new SlidingWindowRateLimiter({ requests: 3, windowMs: 1_000, clock });
    expect(limiter.check('a')).toEqual({
      allowed: true,
      outcome: 'allowed',
      limit: 3,
      remaining: 2,
      retryAfterMs: 0,
      resetAfterMs: 1_000,
    });
    clock.timeMs = 400;
    limiter.check('a', { cost: 2 });
    expect(limiter.check('a')).toEqual({
      allowed: false,
      outcome: 'denied',
      limit: 3,
      remaining: 0,
      retryAfterMs: 600,
      resetAfterMs: 1_000,
    });
    expect(limiter.check('a', { cost: 2 }).retryAfterMs).toBe(1_000);
    expect(limiter.check('b').remaining).toBe(2);
  });
});

describe('TokenBucketRateLimiter', () => {
  const numbers = fc.record({
    ratePerSecond: fc.oneof(fc.constantFrom(0.5, 3, 10, 1_000, 7_777), fc.double({ min: 0.1, max: 500, noNaN: true })),
    capacity: fc.integer({ min: 1, max: 30 }),
  });

  it('never admits more than capacity and rate allow, in any interval', () => {
    const cases = numbers.chain(law => fc.tuple(fc.constant(law), arrivals(law.capacity)));
    fc.assert(
      fc.property(cases, ([law, steps]) => {
        const clock = new HandClock();
        const limiter = new TokenBucketRateLimiter({ ...law, clock });
        const admissions = play(limiter, clock, steps);
        // Moments are kept to the nanosecond.
        const inside = (lengthMs: number): number => law.capacity + (law.ratePerSecond * (lengthMs + 1e-6)) / 1_000;
        expect(worstExcess(admissions, inside)).toBeLessThanOrEqual(1e-9);
      }),
      { numRuns: 300 },
    );
  });

  it('admits all that its law allows when it is always asked', () => {
    const clock = new HandClock();
    const limiter = new TokenBucketRateLimiter({ ratePerSecond: 3, capacity: 4, clock });
    let admitted = 0;
    for (; clock.timeMs <= 60_000; clock.timeMs += 1) admitted += limiter.check().allowed ? 1 : 0;
    expect(admitted).toBeGreaterThanOrEqual(4 + 3 * 60 - 1);
  });

  it.each([1_000_000, 700_000, 4_999])('keeps to a rate of %i per second for a minute', ratePerSecond => {
    const clock = new HandClock();
    const limiter = new TokenBucketRateLimiter({ ratePerSecond, capacity: 10_000, clock });
    let admitted = 0;
    for (; clock.timeMs < 60_000; clock.timeMs += 1) {
      while (limiter.check('key', { cost: 99 }).allowed) admitted += 99;
    }
    expect(admitted).toBeLessThanOrEqual(10_000 + ratePerSecond * 59.999);
    expect(admitted).toBeGreaterThan(0.998 * ratePerSecond * 60);
  });

  it('says what is left, and when it is full again', () => {
    const clock = new HandClock();
    const limiter = new TokenBucketRateLimiter({ ratePerSecond: 10, capacity: 3, clock });
    expect(limiter.check('a', { cost: 2 })).toMatchObject({ allowed: true, limit: 3, remaining: 1, resetAfterMs: 200 });
    expect(limiter.check('a', { cost: 2 })).toMatchObject({ allowed: false, remaining: 1, retryAfterMs: 100 });
    clock.timeMs = 100;
    expect(limiter.check('a', { cost: 2 })).toMatchObject({ allowed: true, remaining: 0, resetAfterMs: 300 });
  });
});

describe.each([
  [
    'SlidingWindowRateLimiter',
    (requests: number, clock: HandClock) =>
      new SlidingWindowRateLimiter({
        windows: [
          { requests, windowMs: 700 },
          { requests: 2 * requests, windowMs: 3_000 },
        ],
        clock,
      }),
  ],
  [
    'TokenBucketRateLimiter',
    (requests: number, clock: HandClock) =>
      new TokenBucketRateLimiter({ ratePerSecond: requests * 1.3, capacity: requests, clock }),
  ],
] as const)('%s', (_, make) => {
  it('denies before retryAfterMs has passed, and allows then', () => {
    const cases = fc
      .integer({ min: 1, max: 300 })
      .chain(requests => fc.tuple(fc.constant(requests), arrivals(requests)));
    fc.assert(
      fc.property(cases, fc.integer({ min: 1, max: 300 }), ([requests, steps], wanted) => {
        const clock = new HandClock();
        const limiter = make(requests, clock);
        play(
          limiter,
          clock,
          steps.filter(({ stepMs }) => stepMs >= 0),
        );
        clock.timeMs = Math.ceil(clock.timeMs);
        const cost = Math.min(wanted, requests);
        const waitMs = limiter.timeUntilAvailableMs('key', { cost });
        const startMs = clock.timeMs;
        if (waitMs > 0) {
          expect(limiter.check('key', { cost })).toMatchObject({ allowed: false, retryAfterMs: waitMs });
          clock.timeMs = startMs + waitMs - 1;
          expect(limiter.check('key', { cost }).allowed).toBe(false);
        }
        clock.timeMs = startMs + waitMs;
        expect(limiter.check('key', { cost })).toMatchObject({ allowed: true, outcome: 'allowed', retryAfterMs: 0 });
      }),
      { numRuns: 300 },
    );
  });

  it('takes nothing by asking how long it takes', () => {
    const limiter = make(2, new HandClock());
    for (let time = 0; time < 5; time += 1) expect(limiter.timeUntilAvailableMs('a')).toBe(0);
    expect(limiter.check('a').remaining).toBe(1);
  });

  it('is whole again after a reset', () => {
    const limiter = make(2, new HandClock());
    limiter.check('a', { cost: 2 });
    expect(limiter.check('a').allowed).toBe(false);
    limiter.reset('a');
    limiter.reset('never seen');
    expect(limiter.check('a', { cost: 2 })).toMatchObject({ allowed: true, remaining: 0 });
  });

  it('stands still when its clock goes back', () => {
    const clock = new HandClock();
    const limiter = make(1, clock);
    clock.timeMs = 5_000;
    limiter.check('a');
    const { retryAfterMs } = limiter.check('a');
    clock.timeMs = 0;
    expect(limiter.check('a').retryAfterMs).toBe(retryAfterMs);
    clock.timeMs = 5_000 + retryAfterMs;
    expect(limiter.check('a').allowed).toBe(true);
  });
});
