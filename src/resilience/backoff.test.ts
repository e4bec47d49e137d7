import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../testing/index.ts';
import {
  backoffOf,
  constantBackoff,
  decorrelatedBackoff,
  exponentialBackoff,
  type Jitter,
  linearBackoff,
} from './index.ts';

const lawful = fc.record({
  initialDelayMs: fc.nat(10_000),
  factor: fc.double({ min: 1, max: 10, noNaN: true }),
  maxDelayMs: fc.integer({ min: 10_000, max: 1_000_000 }),
  retry: fc.integer({ min: 1, max: 5_000 }),
  seed: fc.integer(),
});

describe('exponentialBackoff', () => {
  it('doubles from 200 ms up to a minute by default', () => {
    const backoff = exponentialBackoff({ jitter: 'none' });
    const delaysMs = [1, 2, 3, 4, 9, 10, 100].map(retry => backoff.delayMs(retry, seededRandom(1)));
    expect(delaysMs).toEqual([200, 400, 800, 1_600, 51_200, 60_000, 60_000]);
  });

  it('takes undefined for the default', () => {
    const options = { initialDelayMs: undefined, factor: undefined, maxDelayMs: undefined, jitter: undefined };
    expect(exponentialBackoff(options).delayMs(3, { next: () => 0.5 })).toBe(400);
  });

  it('waits from nothing to the longest wait of its law, and never longer, however often it is asked', () => {
    fc.assert(
      fc.property(lawful, ({ initialDelayMs, factor, maxDelayMs, retry, seed }) => {
        const numbers = { initialDelayMs, factor, maxDelayMs };
        const longestMs = exponentialBackoff({ ...numbers, jitter: 'none' }).delayMs(retry, seededRandom(seed));
        const delayMs = exponentialBackoff(numbers).delayMs(retry, seededRandom(seed));
        expect(longestMs).toBeLessThanOrEqual(maxDelayMs);
        expect(longestMs).toBeGreaterThanOrEqual(initialDelayMs);
        expect(delayMs).toBeGreaterThanOrEqual(0);
        expect(delayMs).toBeLessThanOrEqual(longestMs);
      }),
      { numRuns: 1_000 },
    );
  });

  it('spreads its waits over the whole range', () => {
    const backoff = exponentialBackoff({ initialDelayMs: 1_000 });
    const random = seededRandom(7);
    const delaysMs = Array.from({ length: 1_000 }, () => backoff.delayMs(1, random));
    expect(Math.min(...delaysMs)).toBeLessThan(20);
    expect(Math.max(...delaysMs)).toBeGreaterThan(980);
    expect(delaysMs.reduce((sum, delayMs) => sum + delayMs, 0) / 1_000).toBeCloseTo(500, -2);
  });

  it.each([
    ['initialDelayMs', { initialDelayMs: -1 }, -1],
    ['initialDelayMs', { initialDelayMs: Number.NaN }, Number.NaN],
    ['initialDelayMs', { initialDelayMs: Number.POSITIVE_INFINITY }, Number.POSITIVE_INFINITY],
    ['maxDelayMs', { initialDelayMs: 500, maxDelayMs: 499 }, 499],
    ['maxDelayMs', { maxDelayMs: Number.NaN }, Number.NaN],
    ['maxDelayMs', { maxDelayMs: Number.POSITIVE_INFINITY }, Number.POSITIVE_INFINITY],
    ['factor', { factor: 0.5 }, 0.5],
    ['factor', { factor: Number.NaN }, Number.NaN],
    ['factor', { factor: Number.POSITIVE_INFINITY }, Number.POSITIVE_INFINITY],
  ])('refuses %s in %j, with its name and value', (argument, options, value) => {
    expect(() => exponentialBackoff(options)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', argument, message: expect.stringContaining(`got ${value}`) }),
    );
  });
});

describe('backoffs', () => {
  const random = { next: () => 0.5 };

  it.each([
    ['constant', constantBackoff({ waitMs: 500 }), [500, 500, 500, 500]],
    [
      'linear',
      linearBackoff({ initialDelayMs: 100, stepMs: 50, maxDelayMs: 220, jitter: 'none' }),
      [100, 150, 200, 220],
    ],
    ['listed', backoffOf(new Set([100, 500, 2_000])), [100, 500, 2_000, 2_000]],
    ['equal jitter', exponentialBackoff({ jitter: 'equal' }), [150, 300, 600, 1_200]],
  ])('wait as told: %s', (_kind, backoff, expected) => {
    expect([1, 2, 3, 4].map(retry => backoff.delayMs(retry, random))).toEqual(expected);
    expect(Object.isFrozen(backoff)).toBe(true);
  });

  it('leave nothing, half or all of the wait to chance', () => {
    const bounds: Readonly<Record<Jitter, readonly number[]>> = {
      full: [0, 1_000],
      equal: [500, 1_000],
      none: [1_000, 1_000],
    };
    for (const [jitter, [shortestMs, longestMs]] of Object.entries(bounds)) {
      const backoff = constantBackoff({ waitMs: 1_000, jitter: jitter as Jitter });
      expect(backoff.delayMs(1, { next: () => 0 })).toBe(shortestMs);
      expect(backoff.delayMs(1, { next: () => 1 })).toBe(longestMs);
    }
  });

  it('stay between the shortest wait and three times the one before when decorrelated, whatever chance says', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        fc.integer({ min: 1_000, max: 100_000 }),
        fc.integer(),
        (initialDelayMs, maxDelayMs, seed) => {
          const backoff = decorrelatedBackoff({ initialDelayMs, maxDelayMs });
          const chance = seededRandom(seed);
          let previousMs: number | undefined;
          for (let retry = 1; retry <= 20; retry += 1) {
            const delayMs = backoff.delayMs(retry, chance, previousMs);
            expect(delayMs).toBeGreaterThanOrEqual(initialDelayMs);
            expect(delayMs).toBeLessThanOrEqual(Math.min(maxDelayMs, 3 * (previousMs ?? initialDelayMs)));
            previousMs = delayMs;
          }
        },
      ),
    );
  });

  it('keep nothing between calls: callers that share one do not disturb each other', () => {
    const backoff = decorrelatedBackoff({ initialDelayMs: 100 });
    const first = backoff.delayMs(2, random, 400);
    backoff.delayMs(9, random, 50_000);
    expect(backoff.delayMs(2, random, 400)).toBe(first);
  });

  it.each<[string, () => unknown]>([
    ['waitMs', () => constantBackoff({ waitMs: -1 })],
    ['stepMs', () => linearBackoff({ stepMs: Number.NaN })],
    ['maxDelayMs', () => linearBackoff({ initialDelayMs: 500, maxDelayMs: 499 })],
    ['initialDelayMs', () => decorrelatedBackoff({ initialDelayMs: 0 })],
    ['maxDelayMs', () => decorrelatedBackoff({ initialDelayMs: 500, maxDelayMs: 499 })],
    ['jitter', () => exponentialBackoff({ jitter: 'some' as Jitter })],
    ['delaysMs', () => backoffOf([])],
    ['delaysMs', () => backoffOf([100, -1])],
    [
      'delaysMs',
      () =>
        backoffOf(
          (function* () {
            for (;;) yield 1;
          })(),
        ),
    ],
  ])('refuse %s that makes no sense', (argument, make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', argument }));
  });
});
