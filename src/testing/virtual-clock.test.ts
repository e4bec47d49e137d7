import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { getRequestContext, runWithRequestContext } from '../context/index.ts';
import { ArgumentError } from '../errors/index.ts';
import { seededRandom, VirtualClock } from './index.ts';

describe('VirtualClock', () => {
  it('stands still until it is told to move', async () => {
    const clock = new VirtualClock({ now: 5_000 });
    expect([clock.now(), clock.monotonic()]).toEqual([5_000, 0]);
    await clock.advance(250.5);
    expect([clock.now(), clock.monotonic()]).toEqual([5_250.5, 250.5]);
  });

  it('fires timers in the order of their time, then of their making, at exactly their time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(50), { maxLength: 30 }),
        fc.array(fc.nat(20), { maxLength: 10 }),
        async (delaysMs, stepsMs) => {
          const clock = new VirtualClock();
          const fired: { readonly delayMs: number; readonly index: number; readonly atMs: number }[] = [];
          delaysMs.forEach((delayMs, index) => {
            clock.setTimer(delayMs, () => fired.push({ delayMs, index, atMs: clock.monotonic() }));
          });
          for (const stepMs of stepsMs) await clock.advance(stepMs);
          const endMs = stepsMs.reduce((sum, stepMs) => sum + stepMs, 0);
          const expected = delaysMs
            .map((delayMs, index) => ({ delayMs, index, atMs: delayMs }))
            .filter(({ delayMs }) => stepsMs.length > 0 && delayMs <= endMs)
            .sort((a, b) => a.delayMs - b.delayMs || a.index - b.index);
          expect(fired).toEqual(expected);
          expect(clock.monotonic()).toBe(endMs);
          expect(clock.pendingTimers).toBe(delaysMs.length - expected.length);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('lets promises settle between two timers, as real time does', async () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    const sleeper = async (): Promise<void> => {
      await clock.sleep(10);
      seen.push('first');
      await clock.sleep(5);
      seen.push('second');
    };
    void sleeper();
    clock.setTimer(12, () => seen.push('between'));
    await clock.advance(20);
    expect(seen).toEqual(['first', 'between', 'second']);
  });

  it('fires a timer that a timer sets, when its time comes within the same advance', async () => {
    const clock = new VirtualClock();
    const atMs: number[] = [];
    const again = (): void => {
      atMs.push(clock.monotonic());
      clock.setTimer(10, again);
    };
    clock.setTimer(10, again);
    await clock.advance(35);
    expect(atMs).toEqual([10, 20, 30]);
  });

  it('repeats until cancelled, also from within', async () => {
    const clock = new VirtualClock();
    const atMs: number[] = [];
    const timer = clock.setRepeatingTimer(10, () => {
      atMs.push(clock.monotonic());
      if (atMs.length === 3) timer.cancel();
    });
    await clock.advance(100);
    expect(atMs).toEqual([10, 20, 30]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('takes a repeating timer as set anew each time: what was set before that and is due with it comes first', async () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    clock.setRepeatingTimer(10, () => seen.push(`repeats at ${clock.monotonic()}`));
    clock.setTimer(5, () => clock.setTimer(15, () => seen.push('once')));
    await clock.advance(20);
    expect(seen).toEqual(['repeats at 10', 'once', 'repeats at 20']);
  });

  it('wakes a sleeper that is aborted, and forgets its timer', async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const sleeping = clock.sleep(1_000, controller.signal);
    controller.abort(new TypeError('wake up'));
    await expect(sleeping).rejects.toThrow('wake up');
    expect(clock.pendingTimers).toBe(0);
  });

  it('jumps the wall clock without any time passing', async () => {
    const clock = new VirtualClock({ now: 0 });
    let fired = false;
    clock.setTimer(10, () => {
      fired = true;
    });
    clock.jump(3_600_000);
    expect([clock.now(), clock.monotonic(), fired]).toEqual([3_600_000, 0, false]);
    clock.jump(-7_200_000);
    expect(clock.now()).toBe(-3_600_000);
  });

  it('fires a timer in the request context in which it was set, as the platform does', async () => {
    const clock = new VirtualClock();
    const seen: (string | undefined)[] = [];
    const note = (): number => seen.push(getRequestContext().requestId);
    runWithRequestContext({ requestId: 'once' }, () => clock.setTimer(1, note));
    const repeating = runWithRequestContext({ requestId: 'again' }, () => clock.setRepeatingTimer(2, note));
    await runWithRequestContext({ requestId: 'test' }, () => clock.advance(5));
    expect(seen).toEqual(['once', 'again', 'again']);
    repeating.cancel();
  });

  it('never goes back, even when two advance it at once', async () => {
    const clock = new VirtualClock();
    await Promise.all([clock.advance(100), clock.advance(10)]);
    expect(clock.monotonic()).toBe(100);
  });

  it('stops at the timer that halts it, and goes on from there', async () => {
    const clock = new VirtualClock();
    let fired = 0;
    clock.setTimer(10, () => clock.halt());
    clock.setTimer(20, () => {
      fired += 1;
    });
    await clock.advance(100);
    expect([clock.monotonic(), fired]).toEqual([10, 0]);
    await clock.advance(10);
    expect([clock.monotonic(), fired]).toEqual([20, 1]);
  });

  it('is ended by what a timer throws, with time standing there', async () => {
    const clock = new VirtualClock();
    clock.setTimer(10, () => {
      throw new TypeError('in a timer');
    });
    await expect(clock.advance(100)).rejects.toThrow('in a timer');
    expect(clock.monotonic()).toBe(10);
    await clock.advance(1);
    expect(clock.monotonic()).toBe(11);
  });

  it('fires timers of one moment in the order of their making, or in an order that a seed decides', async () => {
    const orderOf = async (seed?: number): Promise<string> => {
      const clock = new VirtualClock({ random: seed === undefined ? undefined : seededRandom(seed) });
      let order = '';
      for (const name of 'abcdefgh') clock.setTimer(5, () => (order += name));
      await clock.advance(5);
      return order;
    };
    expect(await orderOf()).toBe('abcdefgh');
    const orders = await Promise.all(Array.from({ length: 20 }, (_, seed) => orderOf(seed)));
    expect(await Promise.all(Array.from({ length: 20 }, (_, seed) => orderOf(seed)))).toEqual(orders);
    expect(new Set(orders).size).toBe(20);
    expect(new Set(orders.map(order => order[0])).size).toBeGreaterThan(4);
    for (const order of orders) expect([...order].sort().join('')).toBe('abcdefgh');
  });

  it('fires a hundred thousand timers in a moment, half of them cancelled', { timeout: 5_000 }, async () => {
    const clock = new VirtualClock();
    const random = seededRandom(1);
    let fired = 0;
    for (let count = 0; count < 100_000; count += 1) {
      const timer = clock.setTimer(random.next() * 86_400_000, () => {
        fired += 1;
      });
      if (count % 2 === 0) timer.cancel();
    }
    expect(clock.pendingTimers).toBe(50_000);
    await clock.advance(86_400_000);
    expect([fired, clock.pendingTimers]).toEqual([50_000, 0]);
  });

  it.each([-1, Number.NaN])('refuses to advance by %d', async durationMs => {
    await expect(new VirtualClock().advance(durationMs)).rejects.toThrow(ArgumentError);
  });
});

describe('seededRandom', () => {
  it('repeats itself for the same seed, differs for another, and stays from 0 to 1', () => {
    fc.assert(
      fc.property(fc.integer(), seed => {
        const take = (from: number): readonly number[] => {
          const random = seededRandom(from);
          return Array.from({ length: 20 }, () => random.next());
        };
        const numbers = take(seed);
        expect(take(seed)).toEqual(numbers);
        expect(take(seed + 1)).not.toEqual(numbers);
        for (const number of numbers) expect(number >= 0 && number < 1).toBe(true);
      }),
    );
  });

  it('is spread evenly', () => {
    const random = seededRandom(42);
    const buckets = Array.from({ length: 10 }, () => 0);
    for (let count = 0; count < 10_000; count += 1) {
      const bucket = Math.floor(random.next() * 10);
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
    for (const count of buckets) expect(Math.abs(count - 1_000)).toBeLessThan(120);
  });
});
