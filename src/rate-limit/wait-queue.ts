import { type PlinthError, RejectedError } from '../errors/index.ts';
import { abortReason, type Clock, formatDuration, type Timer } from '../kernel/index.ts';
import type { RateLimitAnswer, RateLimitDecision } from './decision.ts';

/** A caller that waits to be admitted. The links belong to the queue. */
export interface Waiter {
  readonly cost: number;
  /** On the monotonic clock; `Infinity`: none. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
  /** Called when it is clear that the caller has to wait; what it returns is why it may not. */
  readonly wait: () => PlinthError | undefined;
  readonly admit: (decision: RateLimitDecision) => void;
  readonly refuse: (error: unknown) => void;
}

interface Entry extends Waiter {
  previous: Entry | undefined;
  next: Entry | undefined;
  timer: Timer | undefined;
  isWaiting: boolean;
  onAbort: (() => void) | undefined;
}

/** What a {@link WaitQueue} needs of its limiter. */
export interface WaitQueueOptions {
  readonly name: string;
  readonly clock: Clock;
  /** Asks for the first in line. */
  readonly ask: (cost: number) => RateLimitAnswer;
  /** Called when nobody waits any more. */
  readonly onEmpty: () => void;
}

/**
 * The callers that wait for one key, first come, first served. Only the first one asks; when it is denied it asks again
 * as soon as the same cost can be there. Nobody waits past its deadline: who cannot make it is told at once.
 */
export class WaitQueue {
  readonly #options: WaitQueueOptions;
  #first: Entry | undefined;
  #last: Entry | undefined;
  #totalCost = 0;
  #isAsking = false;
  #timer: Timer | undefined;
  #nextAskMs = 0;

  constructor(options: WaitQueueOptions) {
    this.#options = options;
  }

  /** What all that wait will take. */
  get totalCost(): number {
    return this.#totalCost;
  }

  /** When the first in line asks again, in milliseconds of the monotonic clock; earlier nobody is admitted. */
  get nextAskMs(): number {
    return this.#nextAskMs;
  }

  /** Stands in line; the first in line asks at once. */
  add(waiter: Waiter): void {
    const previous = this.#last;
    const links = { previous, next: undefined, timer: undefined, onAbort: undefined, isWaiting: false };
    const entry: Entry = { ...waiter, ...links };
    if (previous === undefined) this.#first = entry;
    else previous.next = entry;
    this.#last = entry;
    this.#totalCost += entry.cost;
    if (previous !== undefined && !this.#mayWait(entry)) return;
    this.#watch(entry);
    if (previous === undefined) this.ask();
  }

  /** Asks for the first in line, unless that is being done; and for the next ones as long as they are admitted. */
  ask(): void {
    if (this.#isAsking) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    while (this.#first !== undefined && this.#timer === undefined) {
      const first = this.#first;
      let answer: RateLimitAnswer;
      try {
        answer = this.#options.ask(first.cost);
      } catch (error) {
        this.#refuse(first, error);
        continue;
      }
      if (answer instanceof Promise) {
        this.#askAsync(first, answer);
        return;
      }
      this.#settle(first, answer);
    }
  }

  /** Refuses everybody. */
  close(error: PlinthError): void {
    while (this.#first !== undefined) this.#refuse(this.#first, error);
  }

  /** Whether the entry waits; it is out of the line when it may not. */
  #mayWait(entry: Entry): boolean {
    if (entry.isWaiting) return true;
    const error = entry.wait();
    entry.isWaiting = error === undefined;
    if (error !== undefined) this.#refuse(entry, error);
    return entry.isWaiting;
  }

  #watch(entry: Entry): void {
    const { signal, deadlineMs } = entry;
    const { clock } = this.#options;
    if (signal !== undefined) {
      entry.onAbort = () => this.#leave(entry, abortReason(signal));
      signal.addEventListener('abort', entry.onAbort, { once: true });
    }
    if (deadlineMs === Number.POSITIVE_INFINITY) return;
    const expire = (): void => this.#leave(entry, this.#outOfTime(Math.max(1, this.#nextAskMs - clock.monotonic())));
    entry.timer = clock.setTimer(deadlineMs - clock.monotonic(), expire, { keepsProcessAlive: true });
  }

  #askAsync(first: Entry, answer: Promise<RateLimitDecision>): void {
    this.#isAsking = true;
    const proceed = (act: () => void): void => {
      this.#isAsking = false;
      act();
      if (this.#timer === undefined) this.ask();
    };
    answer.then(
      decision =>
        proceed(() => {
          // Who asked may have left meanwhile: what it was given goes to the next one, if it is enough.
          const taker = decision.allowed && (this.#first?.cost ?? 0) > first.cost ? undefined : this.#first;
          if (taker !== undefined && (taker === first || decision.allowed)) this.#settle(taker, decision);
        }),
      error => proceed(() => first === this.#first && this.#refuse(first, error)),
    );
  }

  #settle(first: Entry, decision: RateLimitDecision): void {
    if (decision.allowed) {
      this.#remove(first);
      first.admit(decision);
      return;
    }
    const retryAfterMs = Math.max(1, decision.retryAfterMs);
    const { clock, name } = this.#options;
    const nextAskMs = clock.monotonic() + retryAfterMs;
    if (decision.outcome === 'unavailable') {
      const message = `Cannot wait for "${name}": its store is away`;
      this.#refuse(first, new RejectedError(message, 'unavailable', { retryAfterMs }));
    } else if (nextAskMs >= first.deadlineMs) {
      this.#refuse(first, this.#outOfTime(retryAfterMs));
    } else if (this.#mayWait(first)) {
      this.#nextAskMs = nextAskMs;
      this.#timer = clock.setTimer(retryAfterMs, () => this.ask(), { keepsProcessAlive: true });
    }
  }

  #leave(entry: Entry, error: unknown): void {
    const wasFirst = entry === this.#first;
    this.#refuse(entry, error);
    // The next one may want less, and need not wait for what the first one wanted.
    if (wasFirst) this.ask();
  }

  #refuse(entry: Entry, error: unknown): void {
    this.#remove(entry);
    entry.refuse(error);
  }

  #remove(entry: Entry): void {
    const { previous, next } = entry;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    this.#totalCost -= entry.cost;
    entry.timer?.cancel();
    if (entry.onAbort !== undefined) entry.signal?.removeEventListener('abort', entry.onAbort);
    if (this.#first !== undefined) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#options.onEmpty();
  }

  #outOfTime(retryAfterMs: number): RejectedError {
    return outOfTime(this.#options.name, Math.ceil(retryAfterMs));
  }
}

/** The refusal of a caller whose deadline comes before its turn. */
export function outOfTime(name: string, retryAfterMs: number): RejectedError {
  const message = `Cannot wait for "${name}": its turn comes in ${formatDuration(retryAfterMs)} at the earliest, after the deadline`;
  return new RejectedError(message, 'out-of-time', { retryAfterMs });
}
