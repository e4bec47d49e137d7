import { TimeoutError } from '../errors/index.ts';
import {
  abortReason,
  type Clock,
  DeadlineQueue,
  type EventSource,
  Events,
  type QueuedDeadline,
  requireDuration,
  systemClock,
  type Timer,
} from '../kernel/index.ts';

/** How a {@link Timeout} ends work: `abandoning` returns at once, `cooperative` tells the work and waits for it. */
export type TimeoutStrategy = 'abandoning' | 'cooperative';

/** The numbers of a {@link Timeout} that can be changed while it works. */
export interface TimeoutSettings {
  /** How long the work may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** How a {@link Timeout} is made. */
export interface TimeoutOptions extends TimeoutSettings {
  /**
   * `abandoning` gives the caller a {@link TimeoutError} at once, whether or not the work listens to its signal;
   * `cooperative` aborts the signal and waits until the work has ended. @default 'abandoning'
   */
  readonly strategy?: TimeoutStrategy | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** What one call may say to its timeout. */
export interface TimeoutCallOptions {
  /** Ends the work for the caller's own reasons. */
  readonly signal?: AbortSignal | undefined;
  /** A shorter limit for this call, in milliseconds. @default the timeout's own */
  readonly timeoutMs?: number | undefined;
}

/** What timed work is given. */
export interface TimedCall {
  /** Aborted when the time is up or the caller gives up. Made when it is first read: work that never asks pays nothing. */
  readonly signal: AbortSignal;
}

/** What a {@link Timeout} tells. */
export interface TimeoutEvents {
  /** The time of a call was up. */
  'timed-out': { readonly timeoutMs: number };
  /** The numbers were changed. */
  reconfigured: TimeoutSettings;
}

/**
 * Gives up on work that takes too long. All calls of one timeout wait in one queue behind one timer, and an
 * `AbortSignal` exists only for work that reads it.
 *
 * @example
 * const timeout = new Timeout({ timeoutMs: 2_000 });
 * const page = await timeout.execute(({ signal }) => fetchPage(url, signal));
 */
export class Timeout {
  readonly strategy: TimeoutStrategy;
  readonly #clock: Clock;
  readonly #events = new Events<TimeoutEvents>();
  #queue: DeadlineQueue;

  constructor(options: TimeoutOptions) {
    this.strategy = options.strategy ?? 'abandoning';
    this.#clock = options.clock ?? systemClock;
    this.#queue = new DeadlineQueue(requireDuration('timeoutMs', options.timeoutMs, 1), this.#clock);
  }

  get events(): EventSource<TimeoutEvents> {
    return this.#events;
  }

  /** How long the work may take, in milliseconds. */
  get timeoutMs(): number {
    return this.#queue.timeoutMs;
  }

  /** Where the calls of this limit wait, for those who run the work themselves. Another one after each change. */
  get queue(): DeadlineQueue {
    return this.#queue;
  }

  /** The numbers in force. */
  get settings(): TimeoutSettings {
    return { timeoutMs: this.timeoutMs };
  }

  /** Changes the limit for calls that begin from now on. */
  reconfigure(changes: Partial<TimeoutSettings>): void {
    const timeoutMs = requireDuration('timeoutMs', changes.timeoutMs ?? this.timeoutMs, 1);
    if (timeoutMs === this.timeoutMs) return;
    this.#queue = new DeadlineQueue(timeoutMs, this.#clock);
    if (this.#events.has('reconfigured')) this.#events.emit('reconfigured', this.settings);
  }

  /**
   * Runs the work against the clock.
   *
   * @throws {TimeoutError} when the time is up. What the work does afterwards is ignored.
   */
  execute<Value>(work: (call: TimedCall) => Promise<Value>, options?: TimeoutCallOptions): Promise<Value> {
    const signal = options?.signal;
    if (signal?.aborted) return Promise.reject(abortReason(signal));
    const call = new RunningCall<Value>(this.strategy, signal, this.#events);
    const ownMs = options?.timeoutMs;
    if (ownMs === undefined || ownMs >= this.timeoutMs) call.waitIn(this.#queue);
    else call.waitOn(this.#clock, requireDuration('timeoutMs', ownMs, 0));
    return call.begin(work);
  }

  /** The same function under this timeout. */
  protect<Args extends unknown[], Value>(work: (...args: Args) => Promise<Value>): (...args: Args) => Promise<Value> {
    return (...args) => this.execute(() => work(...args));
  }
}

class RunningCall<Value> implements QueuedDeadline, TimedCall {
  dueMs = 0;
  previous: QueuedDeadline | undefined = undefined;
  next: QueuedDeadline | undefined = undefined;
  readonly #strategy: TimeoutStrategy;
  readonly #callerSignal: AbortSignal | undefined;
  readonly #events: Events<TimeoutEvents>;
  #queue: DeadlineQueue | undefined = undefined;
  #timer: Timer | undefined = undefined;
  #timeoutMs = 0;
  #controller: AbortController | undefined = undefined;
  #onAbort: (() => void) | undefined = undefined;
  #resolve: ((value: Value) => void) | undefined = undefined;
  #reject: ((reason: unknown) => void) | undefined = undefined;
  #isOver = false;
  #stopReason: unknown = undefined;

  constructor(strategy: TimeoutStrategy, callerSignal: AbortSignal | undefined, events: Events<TimeoutEvents>) {
    this.#strategy = strategy;
    this.#callerSignal = callerSignal;
    this.#events = events;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#stopReason !== undefined) this.#controller.abort(this.#stopReason);
    }
    return this.#controller.signal;
  }

  waitIn(queue: DeadlineQueue): void {
    this.#queue = queue;
    this.#timeoutMs = queue.timeoutMs;
    queue.add(this);
  }

  waitOn(clock: Clock, timeoutMs: number): void {
    this.#timeoutMs = timeoutMs;
    this.#timer = clock.setTimer(timeoutMs, () => this.expire(), { keepsProcessAlive: true });
  }

  begin(work: (call: TimedCall) => Promise<Value>): Promise<Value> {
    if (this.#callerSignal !== undefined) {
      this.#onAbort = () => this.#stop(abortReason(this.#callerSignal));
      this.#callerSignal.addEventListener('abort', this.#onAbort, { once: true });
    }
    const promise = new Promise<Value>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    void this.#run(work);
    return promise;
  }

  expire(): void {
    this.#queue = undefined;
    if (this.#events.has('timed-out')) this.#events.emit('timed-out', { timeoutMs: this.#timeoutMs });
    this.#stop(new TimeoutError(`The work did not finish within ${this.#timeoutMs} ms`, this.#timeoutMs));
  }

  async #run(work: (call: TimedCall) => Promise<Value>): Promise<void> {
    try {
      const value = await work(this);
      if (!this.#isOver) {
        this.#end();
        this.#resolve?.(value);
      }
    } catch (error) {
      if (!this.#isOver) {
        this.#end();
        // Work that was told to stop says so in words of its own: the reason is ours.
        this.#reject?.(this.#stopReason ?? error);
      }
    }
  }

  #stop(reason: unknown): void {
    this.#stopReason ??= reason;
    if (this.#strategy === 'abandoning') {
      this.#end();
      this.#reject?.(reason);
    }
    this.#controller?.abort(reason);
  }

  #end(): void {
    this.#isOver = true;
    this.#queue?.remove(this);
    this.#timer?.cancel();
    if (this.#onAbort !== undefined) this.#callerSignal?.removeEventListener('abort', this.#onAbort);
  }
}
