import { deepEqual, equal, ok } from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { PlinthError } from '../errors/index.ts';
import type { Clock } from '../kernel/index.ts';
import type { ContractSuite } from './contract.ts';
import { observe } from './observed.ts';

/** A clock under test. */
export interface ClockSubject {
  readonly clock: Clock;
  /** Lets time of the clock pass: `clock.advance` of a virtual one, a real wait otherwise. At least so long. */
  advance(durationMs: number): Promise<void>;
}

/** The platform's timers count in whole milliseconds and may fire that much early. */
const earlyMs = 2;

/**
 * What a `Clock` promises. A real clock takes about half a second for all of it.
 *
 * @example
 * const clock = new VirtualClock();
 * for (const { name, run } of clockContract) it(name, () => run({ clock, advance: ms => clock.advance(ms) }));
 */
export const clockContract: ContractSuite<ClockSubject> = [
  {
    name: 'moves on as time passes, on the wall and monotonically',
    async run({ clock, advance }) {
      const [wallMs, startMs] = [clock.now(), clock.monotonic()];
      await advance(30);
      ok(clock.monotonic() - startMs >= 30 - earlyMs, 'The monotonic clock is slow');
      ok(clock.now() - wallMs >= 30 - earlyMs, 'The wall clock is slow');
    },
  },
  {
    name: 'has a coarse reading that is never ahead of the exact one, and keeps up with it',
    async run({ clock, advance }) {
      for (let reading = 0; reading < 200; reading += 1) {
        const coarseMs = clock.monotonicCoarse();
        ok(coarseMs <= clock.monotonic(), 'The coarse clock is ahead');
      }
      const beforeMs = clock.monotonic();
      await advance(20);
      ok(clock.monotonicCoarse() - beforeMs >= 10, 'The coarse clock stands still');
    },
  },
  {
    name: 'fires a timer once, not before its time and never at once',
    async run({ clock, advance }) {
      const firedMs: number[] = [];
      const startMs = clock.monotonic();
      clock.setTimer(20, () => firedMs.push(clock.monotonic() - startMs));
      clock.setTimer(0, () => firedMs.push(0));
      equal(firedMs.length, 0, 'A timer fired before it had been set');
      await advance(60);
      equal(firedMs.length, 2, `Two timers fired ${firedMs.length} times`);
      ok((firedMs[1] ?? 0) >= 20 - earlyMs, `A timer of 20 ms fired after ${firedMs[1]} ms`);
    },
  },
  {
    name: 'fires timers in the order of their time, one that should have been long ago first',
    async run({ clock, advance }) {
      const fired: string[] = [];
      clock.setTimer(40, () => fired.push('late'));
      clock.setTimer(15, () => fired.push('early'));
      clock.setTimer(-1_000, () => fired.push('first'));
      await advance(80);
      deepEqual(fired, ['first', 'early', 'late']);
    },
  },
  {
    name: 'does not fire a timer that was cancelled, and does not mind one that is cancelled late',
    async run({ clock, advance }) {
      let fired = 0;
      const cancelled = clock.setTimer(10, () => {
        fired += 10;
      });
      const done = clock.setTimer(10, () => {
        fired += 1;
      });
      cancelled.cancel();
      await advance(40);
      done.cancel();
      cancelled.cancel();
      await advance(10);
      equal(fired, 1);
    },
  },
  {
    name: 'fires a repeating timer until it is cancelled, also by itself',
    async run({ clock, advance }) {
      let fired = 0;
      const timer = clock.setRepeatingTimer(5, () => {
        fired += 1;
        if (fired === 3) timer.cancel();
      });
      for (let waits = 0; fired < 3 && waits < 100; waits += 1) await advance(10);
      await advance(30);
      equal(fired, 3, `A timer that was cancelled the third time fired ${fired} times`);
    },
  },
  {
    name: 'sleeps so long, and leaves nothing on the signal',
    async run({ clock, advance }) {
      const { signal } = new AbortController();
      const startMs = clock.monotonic();
      let sleptMs = 0;
      const sleeping = clock.sleep(20, signal).then(() => {
        sleptMs = clock.monotonic() - startMs;
      });
      const observed = observe(sleeping);
      await advance(60);
      equal(observed.state, 'fulfilled', 'A sleeper has not woken');
      ok(sleptMs >= 20 - earlyMs, `Slept ${sleptMs} ms instead of 20`);
      equal(getEventListeners(signal, 'abort').length, 0, 'A listener is left on the signal');
    },
  },
  {
    name: "wakes a sleeper with its signal's reason, and lets none sleep whose signal is aborted already",
    async run({ clock, advance }) {
      const controller = new AbortController();
      const reason = new PlinthError('Wake up', 'WOKEN');
      const sleeper = observe(clock.sleep(600_000, controller.signal));
      clock.setTimer(5, () => controller.abort(reason));
      await advance(20);
      deepEqual(sleeper, { state: 'rejected', reason });
      const late = observe(clock.sleep(600_000, controller.signal));
      await advance(1);
      deepEqual(late, { state: 'rejected', reason });
    },
  },
];
