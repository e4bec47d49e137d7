import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../testing/index.ts';
import { RetryBudget } from './index.ts';

/** A clock that is moved without letting promises settle, which a budget has none of. */
function handClock(): VirtualClock & { ms: number } {
  const clock = Object.assign(new VirtualClock(), { ms: 0 });
  clock.monotonicCoarse = () => clock.ms;
  return clock;
}

describe('RetryBudget', () => {
  it('grants a tenth of the calls, and one a second besides', () => {
    const budget = new RetryBudget({ clock: handClock() });
    for (let call = 0; call < 100; call += 1) budget.recordCall();
    expect(budget.available).toBe(20);
    const granted = Array.from({ length: 30 }, () => budget.tryWithdraw()).filter(Boolean).length;
    expect(granted).toBe(20);
    expect(budget.stats()).toEqual({
      name: 'retry-budget',
      calls: 100,
      retries: 20,
      available: 0,
      amplification: 1.2,
    });
  });

  it('lets a quiet service retry', () => {
    const budget = new RetryBudget({ clock: handClock() });
    budget.recordCall();
    expect(budget.tryWithdraw()).toBe(true);
  });

  it('grants nothing beyond the ratio without a floor', () => {
    const budget = new RetryBudget({ minRetriesPerSecond: 0, clock: handClock() });
    expect(budget.tryWithdraw()).toBe(false);
    expect(budget.stats()).toMatchObject({ amplification: 1, retries: 0 });
  });

  it('forgets what is older than its window', () => {
    const clock = handClock();
    const budget = new RetryBudget({ minRetriesPerSecond: 0, clock });
    for (let call = 0; call < 100; call += 1) budget.recordCall();
    clock.ms = 9_999;
    expect(budget.available).toBe(10);
    clock.ms = 10_000;
    expect(budget.available).toBe(0);
    clock.ms = 1e9;
    expect(budget.stats()).toMatchObject({ calls: 0, retries: 0 });
  });

  it('never grants more than its share of the calls, in any window that ends with a retry', () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.constant('call' as const) },
      { weight: 5, arbitrary: fc.constant('retry' as const) },
      { weight: 2, arbitrary: fc.integer({ min: 0, max: 3_000 }) },
    );
    fc.assert(
      fc.property(
        fc.constantFrom(0, 0.1, 0.2, 0.5, 1),
        fc.constantFrom(0, 0.5, 2),
        fc.array(step, { maxLength: 200, size: 'max' }),
        (ratio, minRetriesPerSecond, steps) => {
          const clock = handClock();
          const budget = new RetryBudget({ ratio, minRetriesPerSecond, windowMs: 5_000, clock });
          const callsMs: number[] = [];
          const retriesMs: number[] = [];
          const within = (times: readonly number[]): number => times.filter(ms => ms > clock.ms - 5_000).length;
          for (const what of steps) {
            if (what === 'call') {
              budget.recordCall();
              callsMs.push(clock.ms);
            } else if (what !== 'retry') clock.ms += what;
            else if (budget.tryWithdraw()) {
              retriesMs.push(clock.ms);
              expect(within(retriesMs)).toBeLessThanOrEqual(ratio * within(callsMs) + minRetriesPerSecond * 5);
            } else {
              // It is not stingier than its steps make it: half a second more or less of the window.
              const calls = callsMs.filter(ms => ms > clock.ms - 4_500).length;
              const retries = retriesMs.filter(ms => ms > clock.ms - 5_500).length;
              expect(retries + 1).toBeGreaterThan(ratio * calls + minRetriesPerSecond * 5 - 1e-9);
            }
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('keeps an outage from multiplying: 100 calls a second that all fail for 30 s', () => {
    const clock = handClock();
    const budget = new RetryBudget({ clock });
    let attempts = 0;
    for (let call = 0; call < 3_000; call += 1) {
      clock.ms = call * 10;
      budget.recordCall();
      attempts += 1;
      for (let attempt = 1; attempt < 3 && budget.tryWithdraw(); attempt += 1) attempts += 1;
    }
    expect(attempts / 3_000).toBeLessThanOrEqual(1.12);
  });

  it('changes its numbers, all or none, and tells', () => {
    const budget = new RetryBudget({ clock: handClock() });
    const told: unknown[] = [];
    budget.events.on('reconfigured', event => told.push(event));
    budget.events.on('exhausted', event => told.push(event));
    budget.recordCall();
    budget.reconfigure({ ratio: 1, minRetriesPerSecond: 0 });
    expect(budget.available).toBe(1);
    expect(() => budget.reconfigure({ ratio: 0.5, windowMs: 0 })).toThrow(
      expect.objectContaining({ argument: 'windowMs' }),
    );
    expect(budget.settings).toEqual({ ratio: 1, minRetriesPerSecond: 0, windowMs: 10_000 });
    budget.reconfigure({ windowMs: 1_000 });
    expect(budget.tryWithdraw()).toBe(false);
    expect(told).toEqual([
      { ratio: 1, minRetriesPerSecond: 0, windowMs: 10_000 },
      { ratio: 1, minRetriesPerSecond: 0, windowMs: 1_000 },
      { name: 'retry-budget' },
    ]);
  });

  it.each([
    ['ratio', -0.1],
    ['ratio', Number.NaN],
    ['minRetriesPerSecond', -1],
    ['windowMs', 99],
    ['windowMs', Number.POSITIVE_INFINITY],
  ])('refuses %s %d, with its name and value', (argument, value) => {
    expect(() => new RetryBudget({ [argument]: value })).toThrow(
      expect.objectContaining({ argument, message: expect.stringContaining(`got ${value}`) }),
    );
  });
});
