import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../testing/index.ts';
import { exponentialBackoff } from './index.ts';

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
