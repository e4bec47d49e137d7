import type { Clock, Timer } from './clock.ts';

/** Something that waits in a {@link DeadlineQueue}. The links belong to the queue. */
export interface QueuedDeadline {
  /** Called once, when the time is up; not after {@link DeadlineQueue.remove}. */
  expire(): void;
  /** Set by the queue: when the time is up, on the monotonic clock. */
  dueMs: number;
  /** Set by the queue. */
  previous: QueuedDeadline | undefined;
  /** Set by the queue. */
  next: QueuedDeadline | undefined;
}

/**
 * Many waits of one length on one timer. To enter and to leave costs a few writes: no timer is set or taken back for a
 * wait that ends in time, and the clock is read once for all that entered in the same turn.
 *
 * A wait never ends early; it ends late by no more than a timer of its own would.
 */
export class DeadlineQueue {
  /** How long each wait is, in milliseconds. */
  readonly timeoutMs: number;
  readonly #clock: Clock;
  #first: QueuedDeadline | undefined;
  #last: QueuedDeadline | undefined;
  // Entered since the clock was last read: from here to the end of the queue, no deadline is known yet.
  #firstUndated: QueuedDeadline | undefined;
  #isDating = false;
  #timer: Timer | undefined;

  constructor(timeoutMs: number, clock: Clock) {
    this.timeoutMs = timeoutMs;
    this.#clock = clock;
  }

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  /** Begins to wait. */
  add(entry: QueuedDeadline): void {
    const last = this.#last;
    entry.previous = last;
    entry.next = undefined;
    this.#last = entry;
    if (last === undefined) this.#first = entry;
    else last.next = entry;
    if (this.#firstUndated === undefined) this.#firstUndated = entry;
    if (!this.#isDating) {
      this.#isDating = true;
      // A timer of no length fires in the next turn: until then time, as far as anybody can tell, stands still.
      this.#clock.setTimer(0, () => this.#date(), { keepsProcessAlive: true });
    }
  }

  /** Ends a wait before its time. The entry must be in the queue. */
  remove(entry: QueuedDeadline): void {
    const { previous, next } = entry;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    if (this.#firstUndated === entry) this.#firstUndated = next;
    entry.previous = undefined;
    entry.next = undefined;
    if (this.#first === undefined && this.#timer !== undefined) {
      this.#timer.cancel();
      this.#timer = undefined;
    }
  }

  #date(): void {
    this.#isDating = false;
    const dueMs = this.#clock.monotonic() + this.timeoutMs;
    let entry = this.#firstUndated;
    if (entry === undefined) return;
    for (; entry !== undefined; entry = entry.next) entry.dueMs = dueMs;
    this.#firstUndated = undefined;
    if (this.#timer === undefined) this.#arm();
  }

  #arm(): void {
    const first = this.#first;
    this.#timer =
      first === undefined
        ? undefined
        : this.#clock.setTimer(first.dueMs - this.#clock.monotonic(), () => this.#expire(), {
            keepsProcessAlive: true,
          });
  }

  #expire(): void {
    const nowMs = this.#clock.monotonic();
    for (;;) {
      const first = this.#first;
      if (first === undefined || first === this.#firstUndated || first.dueMs > nowMs) break;
      this.remove(first);
      first.expire();
    }
    // What has not been dated yet will arm the timer when it is.
    this.#timer = undefined;
    if (this.#first !== this.#firstUndated) this.#arm();
  }
}
