import { AsyncResource } from 'node:async_hooks';
import { ArgumentError } from '../errors/index.ts';
import { type Clock, type Random, sleepOn, type Timer } from '../kernel/index.ts';
import { type HeapTimer, TimerHeap } from './timer-heap.ts';

interface Entry extends HeapTimer {
  readonly callback: () => void;
  /** Where the timer was set: what is known there of the request is known in the callback. */
  readonly context: AsyncResource;
  readonly intervalMs: number | undefined;
}

/** How a {@link VirtualClock} starts. */
export interface VirtualClockOptions {
  /** Wall-clock time at the start, in milliseconds since 1970. @default 2026-01-15T23:00:00Z */
  readonly now?: number | undefined;
  /**
   * Decides which of several timers that are due at the same moment fires first, as on a real machine nobody can tell.
   * @default the one that was set first
   */
  readonly random?: Random | undefined;
}

/**
 * A clock that stands still until it is told to move. Timers fire in the order of their time, in the request context in
 * which they were set, and promises that they resolve get to run in between: code under test sees what it would see in
 * real time, at once.
 *
 * @example
 * const clock = new VirtualClock();
 * const sleeping = clock.sleep(1_000);
 * await clock.advance(1_000);
 * await sleeping;
 */
export class VirtualClock implements Clock {
  #wallOffsetMs: number;
  #monotonicMs = 0;
  #order = 0;
  #pending = 0;
  #isHalted = false;
  readonly #random: Random | undefined;
  readonly #timers = new TimerHeap<Entry>();

  constructor(options: VirtualClockOptions = {}) {
    this.#wallOffsetMs = options.now ?? Date.UTC(2026, 0, 15, 23);
    this.#random = options.random;
  }

  now(): number {
    return this.#wallOffsetMs + this.#monotonicMs;
  }

  monotonic(): number {
    return this.#monotonicMs;
  }

  /** As {@link monotonic}: virtual time has no cost that could be saved. */
  monotonicCoarse(): number {
    return this.#monotonicMs;
  }

  /** How many timers are set. */
  get pendingTimers(): number {
    return this.#pending;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    return this.#add(delayMs, callback, undefined);
  }

  setRepeatingTimer(intervalMs: number, callback: () => void): Timer {
    return this.#add(intervalMs, callback, Math.max(1, intervalMs));
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }

  /** Sets the wall clock forward or back without any time passing, as an administrator or NTP does. */
  jump(offsetMs: number): void {
    this.#wallOffsetMs += offsetMs;
  }

  /**
   * Lets time pass, firing every timer that comes due, and lets pending promises settle before and after each. What a
   * timer throws ends it, with time standing there.
   *
   * @throws {ArgumentError} when the duration is negative.
   */
  async advance(durationMs: number): Promise<void> {
    if (!(durationMs >= 0)) {
      throw new ArgumentError(`Cannot advance by ${durationMs} ms: expected 0 or more`, 'durationMs');
    }
    const untilMs = this.#monotonicMs + durationMs;
    this.#isHalted = false;
    await settle();
    for (;;) {
      if (this.#isHalted) return;
      const entry = this.#timers.peek();
      if (entry === undefined || entry.dueMs > untilMs) break;
      this.#timers.pop();
      this.#monotonicMs = Math.max(this.#monotonicMs, entry.dueMs);
      if (entry.intervalMs === undefined) this.#drop(entry);
      else {
        entry.dueMs += entry.intervalMs;
        entry.order = this.#nextOrder();
        this.#timers.push(entry);
      }
      entry.context.runInAsyncScope(entry.callback);
      await settle();
    }
    // Somebody else may have advanced further meanwhile.
    this.#monotonicMs = Math.max(this.#monotonicMs, untilMs);
    await settle();
  }

  /** Ends an {@link advance} that is under way: it resolves, with time standing at the timer that fired last. */
  halt(): void {
    this.#isHalted = true;
  }

  #add(delayMs: number, callback: () => void, intervalMs: number | undefined): Timer {
    const entry: Entry = {
      dueMs: this.#monotonicMs + Math.max(0, delayMs),
      order: this.#nextOrder(),
      isCancelled: false,
      callback,
      context: new AsyncResource('VirtualTimer'),
      intervalMs,
    };
    this.#pending += 1;
    this.#timers.push(entry);
    return { cancel: () => this.#drop(entry) };
  }

  #nextOrder(): number {
    if (this.#random !== undefined) return this.#random.next();
    this.#order += 1;
    return this.#order;
  }

  #drop(entry: Entry): void {
    if (entry.isCancelled) return;
    entry.isCancelled = true;
    this.#pending -= 1;
  }
}

/** Lets every promise that can settle without time passing do so: one turn of the event loop. */
function settle(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}
