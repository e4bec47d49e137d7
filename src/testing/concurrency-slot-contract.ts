import { deepEqual, equal, ok } from 'node:assert/strict';
import { PlinthError, RejectedError } from '../errors/index.ts';
import type { Clock } from '../kernel/index.ts';
import type { ConcurrencySlot } from '../resilience/index.ts';
import type { ContractSuite } from './contract.ts';
import { type Observed, observe } from './observed.ts';

/** Slots under test: exactly two of them, a queue of exactly two, and two priorities at least. */
export interface ConcurrencySlotSubject {
  readonly slots: ConcurrencySlot;
  /** The clock that they were given. */
  readonly clock: Clock;
  /** Lets time of the clock pass. */
  advance(durationMs: number): Promise<void>;
}

/**
 * What a `ConcurrencySlot` promises.
 *
 * @example
 * const clock = new VirtualClock();
 * const slots = new Bulkhead({ maxConcurrent: 2, maxQueued: 2, clock });
 * for (const { name, run } of concurrencySlotContract) it(name, () => run({ slots, clock, advance: ms => clock.advance(ms) }));
 */
export const concurrencySlotContract: ContractSuite<ConcurrencySlotSubject> = [
  {
    name: 'gives out as many slots as there are, and each again when it is back',
    async run({ slots }) {
      deepEqual(taken(slots, 4), [true, true, false, false]);
      slots.release({ outcome: 'succeeded', latencyMs: 10 });
      deepEqual(taken(slots, 2), [true, false]);
      slots.release({ outcome: 'failed', latencyMs: 10 });
      slots.release();
      deepEqual(taken(slots, 3), [true, true, false]);
    },
  },
  {
    name: 'gives a free slot at once to whom would wait',
    async run({ slots, advance }) {
      const [first, second, third] = [observe(slots.acquire()), observe(slots.acquire({})), observe(slots.acquire())];
      await advance(0);
      deepEqual(states(first, second, third), ['fulfilled', 'fulfilled', 'pending']);
    },
  },
  {
    name: 'gives what comes back to those who wait, in the order of arrival, and to nobody before them',
    async run({ slots, advance }) {
      taken(slots, 2);
      const [first, second] = [observe(slots.acquire()), observe(slots.acquire())];
      slots.release();
      equal(slots.tryAcquire(), false, 'A slot was given to somebody who had not waited');
      await advance(0);
      deepEqual(states(first, second), ['fulfilled', 'pending']);
      slots.release();
      await advance(0);
      deepEqual(states(first, second), ['fulfilled', 'fulfilled']);
    },
  },
  {
    name: 'serves a higher priority first',
    async run({ slots, advance }) {
      taken(slots, 2);
      const [low, high] = [observe(slots.acquire({ priority: 0 })), observe(slots.acquire({ priority: 1 }))];
      slots.release();
      await advance(0);
      deepEqual(states(low, high), ['pending', 'fulfilled']);
    },
  },
  {
    name: 'refuses whom the queue has no place for, as full',
    async run({ slots, advance }) {
      taken(slots, 2);
      const waiting = [observe(slots.acquire()), observe(slots.acquire()), observe(slots.acquire())] as const;
      await advance(0);
      deepEqual(states(...waiting), ['pending', 'pending', 'rejected']);
      isRefusal(waiting[2], 'full');
    },
  },
  {
    name: 'ends a wait at the deadline as out of time, and one that would be over already at once',
    async run({ slots, clock, advance }) {
      taken(slots, 2);
      const patient = observe(slots.acquire({ deadlineMs: clock.monotonic() + 50 }));
      const late = observe(slots.acquire({ deadlineMs: clock.monotonic() - 1 }));
      await advance(20);
      deepEqual(states(patient, late), ['pending', 'rejected']);
      await advance(60);
      isRefusal(late, 'out-of-time');
      isRefusal(patient, 'out-of-time');
      slots.release();
      deepEqual(taken(slots, 2), [true, false], 'Who left the queue holds or keeps a slot');
    },
  },
  {
    name: "ends a wait with its signal's reason, and the place goes to the next one",
    async run({ slots, advance }) {
      taken(slots, 2);
      const controller = new AbortController();
      const reason = new PlinthError('No longer wanted', 'NOT_WANTED');
      const leaver = observe(slots.acquire({ signal: controller.signal }));
      const next = observe(slots.acquire());
      controller.abort(reason);
      await advance(0);
      deepEqual(leaver, { state: 'rejected', reason });
      slots.release();
      await advance(0);
      equal(next.state, 'fulfilled', 'The slot went to somebody who had left');
    },
  },
  {
    name: 'gives nothing to a signal that is aborted already',
    async run({ slots, advance }) {
      const reason = new PlinthError('No longer wanted', 'NOT_WANTED');
      const aborted = observe(slots.acquire({ signal: AbortSignal.abort(reason) }));
      await advance(0);
      deepEqual(aborted, { state: 'rejected', reason });
      deepEqual(taken(slots, 3), [true, true, false], 'A slot was taken for nobody');
    },
  },
  {
    name: 'does not mind a signal that is aborted after the slot was given',
    async run({ slots, advance }) {
      taken(slots, 2);
      const controller = new AbortController();
      const holder = observe(slots.acquire({ signal: controller.signal }));
      slots.release();
      await advance(0);
      controller.abort();
      await advance(0);
      equal(holder.state, 'fulfilled');
      deepEqual(taken(slots, 1), [false], 'The abort gave back a slot that is still held');
    },
  },
  {
    name: 'counts for tenants what they give back',
    async run({ slots }) {
      deepEqual([slots.tryAcquire({ tenant: 'a' }), slots.tryAcquire({ tenant: 'b' })], [true, true]);
      equal(slots.tryAcquire({ tenant: 'c' }), false);
      slots.release({ tenant: 'a' });
      slots.release({ tenant: 'b' });
      deepEqual(taken(slots, 3), [true, true, false]);
    },
  },
  {
    name: 'changes no number when one of the changes makes no sense',
    async run({ slots }) {
      const before = JSON.stringify(slots.settings);
      let refused: unknown;
      try {
        slots.reconfigure({ maxQueued: 7, maxWaitMs: -1 });
      } catch (error) {
        refused = error;
      }
      ok(refused instanceof Error, 'A negative wait was accepted');
      equal(JSON.stringify(slots.settings), before);
      slots.reconfigure({ maxWaitMs: 1_234 });
      equal((slots.settings as { readonly maxWaitMs?: unknown }).maxWaitMs, 1_234);
    },
  },
];

function taken(slots: ConcurrencySlot, count: number): readonly boolean[] {
  return Array.from({ length: count }, () => slots.tryAcquire());
}

function states(...observed: readonly Observed[]): readonly string[] {
  return observed.map(({ state }) => state);
}

function isRefusal({ reason }: Observed, why: string): void {
  ok(reason instanceof RejectedError, `Expected a RejectedError, got ${String(reason)}`);
  equal(reason.reason, why);
}
