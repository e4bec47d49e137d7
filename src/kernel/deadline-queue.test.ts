import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../testing/index.ts';
import { DeadlineQueue, type QueuedDeadline } from './index.ts';

class Waiter implements QueuedDeadline {
  dueMs = 0;
  previous: QueuedDeadline | undefined;
  next: QueuedDeadline | undefined;
  expiredAtMs: number | undefined;
  readonly #clock: VirtualClock;
  readonly #onExpire: (() => void) | undefined;

  constructor(clock: VirtualClock, onExpire?: () => void) {
    this.#clock = clock;
    this.#onExpire = onExpire;
  }

  expire(): void {
    this.expiredAtMs = this.#clock.monotonic();
    this.#onExpire?.();
  }
}

describe('DeadlineQueue', () => {
  it('ends every wait at its time, whatever enters and leaves meanwhile', async () => {
    const step = fc.record({ advanceMs: fc.nat(40), enters: fc.nat(3), leaves: fc.nat(2) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 25 }),
        fc.integer({ min: 1, max: 100 }),
        async (steps, timeoutMs) => {
          const clock = new VirtualClock();
          const queue = new DeadlineQueue(timeoutMs, clock);
          const waiting: { readonly waiter: Waiter; readonly dueMs: number }[] = [];
          for (const { advanceMs, enters, leaves } of steps) {
            for (let count = 0; count < enters; count += 1) {
              const waiter = new Waiter(clock);
              queue.add(waiter);
              waiting.push({ waiter, dueMs: clock.monotonic() + timeoutMs });
            }
            for (let count = 0; count < leaves && waiting.length > 0; count += 1) {
              const [left] = waiting.splice((count * 7 + advanceMs) % waiting.length, 1);
              if (left !== undefined && left.waiter.expiredAtMs === undefined) queue.remove(left.waiter);
            }
            await clock.advance(advanceMs);
            for (const { waiter, dueMs } of waiting) {
              expect(waiter.expiredAtMs).toBe(dueMs <= clock.monotonic() ? dueMs : undefined);
            }
          }
          await clock.advance(timeoutMs);
          expect([queue.isEmpty, clock.pendingTimers]).toEqual([true, 0]);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('keeps one timer for 10,000 waits, and none when all have left', async () => {
    const clock = new VirtualClock();
    const queue = new DeadlineQueue(1_000, clock);
    const waiters = Array.from({ length: 10_000 }, () => new Waiter(clock));
    for (const waiter of waiters) queue.add(waiter);
    await clock.advance(10);
    expect(clock.pendingTimers).toBe(1);
    for (const waiter of waiters) queue.remove(waiter);
    expect([queue.isEmpty, clock.pendingTimers]).toEqual([true, 0]);
  });

  it('lets a wait that ends begin another one', async () => {
    const clock = new VirtualClock();
    const queue = new DeadlineQueue(10, clock);
    const second = new Waiter(clock);
    queue.add(new Waiter(clock, () => queue.add(second)));
    await clock.advance(20);
    expect(second.expiredAtMs).toBe(20);
  });

  it('lets a wait that ends take others out', async () => {
    const clock = new VirtualClock();
    const queue = new DeadlineQueue(10, clock);
    const taken = new Waiter(clock);
    queue.add(new Waiter(clock, () => queue.remove(taken)));
    queue.add(taken);
    await clock.advance(20);
    expect([taken.expiredAtMs, queue.isEmpty, clock.pendingTimers]).toEqual([undefined, true, 0]);
  });
});
