import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../testing/index.ts';
import { LeasedPermits, requireHoldShare } from './leased-permits.ts';
import { MemoryRateLimitStore } from './memory-store.ts';
import { type LimitAnswer, LimitPlan } from './redis-plan.ts';
import type { CompiledLimit, RateLimitLaw } from './store.ts';

const windowLaw = (requests: number, windowMs: number): RateLimitLaw => ({
  kind: 'sliding-window',
  requests,
  windowMs,
});

const limitOf = (law: RateLimitLaw): CompiledLimit => ({
  name: 'x',
  laws: [law],
  maxKeys: 10,
  onEvicted: () => undefined,
});

/** A server in memory that books by the law that leaves room for permits to be held, and grants as the script does. */
function arrange(law: RateLimitLaw, holdShare: number, delaysMs: readonly number[] = [0]) {
  const clock = new VirtualClock();
  const plan = new LimitPlan(limitOf(law), holdShare);
  const booked = limitOf(
    law.kind === 'sliding-window'
      ? { ...law, windowMs: law.windowMs + plan.holdMs }
      : { ...law, capacity: plan.maxCost },
  );
  const memory = new MemoryRateLimitStore({ clock });
  const trips: number[] = [];
  const ask = async (_: LimitPlan, key: string, cost: number, most: number): Promise<LimitAnswer> => {
    const delayMs = delaysMs[trips.length % delaysMs.length] ?? 0;
    trips.push(most);
    if (delayMs > 0) await clock.sleep(delayMs / 2);
    const { remaining, limit } = memory.peek(key, 1, booked);
    const grant = Math.min(most, Math.max(cost, Math.floor(remaining / 2)));
    const decision = memory.take(key, remaining >= cost ? grant : cost, booked);
    if (delayMs > 0) await clock.sleep(delayMs / 2);
    const { allowed, retryAfterMs: waitMs, resetAfterMs: wholeMs } = decision;
    return { allowed, granted: allowed ? grant : 0, limit, left: decision.remaining, waitMs, wholeMs };
  };
  const leases = new LeasedPermits({ maxPermits: 50, maxKeys: 10 }, clock, ask);
  return {
    clock,
    plan,
    leases,
    trips: () => trips.length,
    most: () => trips,
    take: async (cost = 1) => leases.take(plan, 'key', cost),
  };
}

describe('LeasedPermits', () => {
  it('takes more ahead the more is used, and far fewer trips than decisions', async () => {
    const { take, trips } = arrange(windowLaw(10_000, 60_000), 0.05);
    for (let index = 0; index < 1_000; index += 1) expect((await take()).allowed).toBe(true);
    expect(trips()).toBeLessThan(30);
  });

  it('serves callers that came together with few trips, in their order', async () => {
    const { take, trips, clock } = arrange(windowLaw(40, 1_000), 0.05, [10]);
    const order: number[] = [];
    const callers = Array.from({ length: 8 }, (_, index) => index);
    const all = Promise.all(callers.map(async index => (await take()).allowed && order.push(index)));
    await clock.advance(40);
    await all;
    expect(order).toEqual(callers);
    // The first one for itself, the second one for two, the rest together.
    expect(trips()).toBe(3);
  });

  it('takes no more than it is asked for where a key is asked for less often than permits may be held', async () => {
    const { take, most, clock } = arrange(windowLaw(1_000, 1_000), 0.05);
    for (let index = 0; index < 10; index += 1) {
      await take();
      await clock.advance(50);
    }
    expect(most()).toEqual(Array.from({ length: 10 }, () => 1));
    await take();
    await take();
    expect(most().slice(10)).toEqual([1, 2]);
  });

  it('remembers a denial until permits can be there again, for as much or more', async () => {
    const { take, trips, clock } = arrange(windowLaw(4, 1_000), 0.05);
    await take(3);
    expect(await take(2)).toMatchObject({ allowed: false, retryAfterMs: 1_050 });
    const asked = trips();
    await clock.advance(500);
    expect(await take(2)).toMatchObject({ allowed: false, outcome: 'denied', retryAfterMs: 550 });
    expect(trips()).toBe(asked);
    expect((await take(1)).allowed).toBe(true);
    expect(trips()).toBe(asked + 1);
    expect((await take(2)).allowed).toBe(false);
    await clock.advance(550);
    expect((await take(2)).allowed).toBe(true);
  });

  it('lets go of what was not used in time, and then asks for as much as was used', async () => {
    const { take, trips, clock } = arrange(windowLaw(1_000, 1_000), 0.05);
    for (let index = 0; index < 20; index += 1) await take();
    const asked = trips();
    await clock.advance(51);
    await take();
    expect(trips()).toBe(asked + 1);
  });

  it('counts the time that a permit is held from the moment of asking, not of the answer', async () => {
    const { take, trips, clock } = arrange(windowLaw(1_000, 1_000), 0.05, [40]);
    const first = take();
    await clock.advance(41);
    await first;
    const second = take();
    await clock.advance(45);
    await second;
    await clock.advance(10); // one more is in hand, asked for 55 ms ago
    expect(trips()).toBe(2);
    void take();
    expect(trips()).toBe(3);
  });

  it('asks for every permit where the law leaves no room to hold any', async () => {
    const { take, trips, plan } = arrange({ kind: 'token-bucket', ratePerSecond: 10, capacity: 1 }, 0.05);
    expect([plan.holdMs, plan.maxCost]).toEqual([0, 1]);
    await take();
    expect(trips()).toBe(1);
  });

  it('refuses a cost that its tighter law can never let through', async () => {
    const { take } = arrange({ kind: 'token-bucket', ratePerSecond: 10, capacity: 10 }, 0.05);
    await expect(take(10)).rejects.toMatchObject({ argument: 'cost', message: expect.stringContaining('holds 9') });
  });

  it('gives everybody who waits the error of the trip', async () => {
    const failure = new TypeError('away');
    const clock = new VirtualClock();
    const leases = new LeasedPermits({}, clock, () => Promise.reject(failure));
    const plan = new LimitPlan(limitOf(windowLaw(10, 1_000)), 0.05);
    const outcomes = await Promise.allSettled([leases.take(plan, 'a', 1), leases.take(plan, 'a', 1)]);
    expect(outcomes).toMatchObject([{ reason: failure }, { reason: failure }]);
  });

  it('keeps the law over all processes, however slow the trips are', async () => {
    const arrival = fc.record({ afterMs: fc.integer({ min: 0, max: 40 }), cost: fc.integer({ min: 1, max: 3 }) });
    const delays = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(arrival, { maxLength: 60 }),
        delays,
        fc.integer({ min: 3, max: 12 }),
        async (arrivals, delaysMs, requests) => {
          const { clock, take } = arrange(windowLaw(requests, 200), 0.25, delaysMs);
          const uses: { readonly fromMs: number; readonly untilMs: number; readonly cost: number }[] = [];
          const calls: Promise<void>[] = [];
          for (const { afterMs, cost } of arrivals) {
            await clock.advance(afterMs);
            const fromMs = clock.monotonic();
            calls.push(
              take(cost).then(({ allowed }) => {
                if (allowed) uses.push({ fromMs, untilMs: clock.monotonic(), cost });
              }),
            );
          }
          await clock.advance(20_000);
          await Promise.all(calls);
          for (const { fromMs } of uses) {
            const inside = uses.filter(use => use.fromMs >= fromMs && use.untilMs <= fromMs + 200);
            expect(inside.reduce((sum, use) => sum + use.cost, 0)).toBeLessThanOrEqual(requests);
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('requireHoldShare()', () => {
  it('is 0 without a lease, and refuses what is no share', () => {
    expect(requireHoldShare(undefined)).toBe(0);
    expect(requireHoldShare({})).toBe(0.05);
    expect(() => requireHoldShare({ holdShare: 0.6 })).toThrow('holdShare');
  });
});
