import { type Clock, type EventSource, Events, requireDuration, requireNumber, systemClock } from '../kernel/index.ts';

/** What of a {@link RetryBudget} can be changed while it is in use. */
export interface RetryBudgetChanges {
  /** Retries per call: 0.1 allows one retry for ten calls. @default 0.1 */
  readonly ratio?: number | undefined;
  /** Retries per second that are allowed besides, so that a quiet service may retry at all. @default 1 */
  readonly minRetriesPerSecond?: number | undefined;
  /** How far back calls and retries count, in milliseconds. @default 10_000 */
  readonly windowMs?: number | undefined;
}

/** How a {@link RetryBudget} is made. */
export interface RetryBudgetOptions extends RetryBudgetChanges {
  /** What is called, for people and metrics. From a closed set. @default 'retry-budget' */
  readonly name?: string | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** The numbers of a {@link RetryBudget} that are in force. */
export interface RetryBudgetSettings {
  readonly ratio: number;
  readonly minRetriesPerSecond: number;
  readonly windowMs: number;
}

/** What a {@link RetryBudget} tells. */
export interface RetryBudgetEvents {
  /** A retry was not granted. */
  exhausted: { readonly name: string };
  /** The numbers were changed. */
  reconfigured: RetryBudgetSettings;
}

/** What happened within the window of a {@link RetryBudget}. */
export interface RetryBudgetStats {
  readonly name: string;
  /** Calls, first attempts only. */
  readonly calls: number;
  /** Retries and hedges that were granted. */
  readonly retries: number;
  /** Retries that would be granted now. */
  readonly available: number;
  /** Attempts per call: what an outage is multiplied by. 1 when there was no call. */
  readonly amplification: number;
}

/** In how many steps the window moves. */
const slots = 10;

/**
 * What retries and hedges are paid from, so that a dependency in trouble is not asked a multiple of what it cannot answer:
 * within a window that moves in ten steps, no more retries than a share of the calls, and a few besides. The idea is that
 * of Finagle's and Linkerd's retry budgets. Share one between all that call the same dependency.
 *
 * Nothing waits and nothing is armed: it counts, in bounded memory, on the coarse clock.
 *
 * @example
 * const budget = new RetryBudget({ ratio: 0.1, minRetriesPerSecond: 1 });
 * budget.recordCall();
 * if (budget.tryWithdraw()) await askAgain();
 */
export class RetryBudget {
  readonly name: string;
  readonly #clock: Clock;
  readonly #events = new Events<RetryBudgetEvents>();
  // One slot more than the window has steps: retries of the oldest, half-gone step still count, its calls do not.
  readonly #calls = new Float64Array(slots + 1);
  readonly #retries = new Float64Array(slots + 1);
  #settings: RetryBudgetSettings;
  #callsInWindow = 0;
  #retriesInWindow = 0;
  #slot: number;
  #slotEndsAtMs: number;

  constructor(options: RetryBudgetOptions = {}) {
    this.name = options.name ?? 'retry-budget';
    this.#clock = options.clock ?? systemClock;
    this.#settings = budgetSettings(options);
    this.#slot = this.#slotAt(this.#clock.monotonicCoarse());
    this.#slotEndsAtMs = (this.#slot + 1) * this.#slotMs;
  }

  get events(): EventSource<RetryBudgetEvents> {
    return this.#events;
  }

  /** The numbers in force. */
  get settings(): RetryBudgetSettings {
    return this.#settings;
  }

  /** How many retries would be granted now. */
  get available(): number {
    this.#refresh();
    return Math.max(0, Math.floor(this.#allowance - this.#retriesInWindow));
  }

  /** Counts a call, when its first attempt is made. */
  recordCall(): void {
    this.#refresh();
    const index = this.#slot % (slots + 1);
    this.#calls[index] = (this.#calls[index] ?? 0) + 1;
    this.#callsInWindow += 1;
  }

  /** Takes one retry out, if there is one. A retry that is then not made is not given back. */
  tryWithdraw(): boolean {
    this.#refresh();
    if (this.#retriesInWindow + 1 > this.#allowance) {
      if (this.#events.has('exhausted')) this.#events.emit('exhausted', { name: this.name });
      return false;
    }
    const index = this.#slot % (slots + 1);
    this.#retries[index] = (this.#retries[index] ?? 0) + 1;
    this.#retriesInWindow += 1;
    return true;
  }

  /** What happened within the window. */
  stats(): RetryBudgetStats {
    const { available } = this;
    const calls = this.#callsInWindow;
    const retries = this.#retriesInWindow;
    return { name: this.name, calls, retries, available, amplification: calls === 0 ? 1 : (calls + retries) / calls };
  }

  /**
   * Changes numbers while the budget is in use: all of them, or none if one makes no sense. What is left out stays. Another
   * `windowMs` starts to count anew.
   *
   * @throws {ArgumentError} with the option's name and value.
   */
  reconfigure(changes: RetryBudgetChanges): void {
    const before = this.#settings;
    this.#settings = budgetSettings({ ...before, ...changes });
    if (this.#settings.windowMs !== before.windowMs) {
      this.#slotEndsAtMs = Number.NEGATIVE_INFINITY;
      this.#slot = Number.NEGATIVE_INFINITY;
      this.#refresh();
    }
    if (this.#events.has('reconfigured')) this.#events.emit('reconfigured', this.#settings);
  }

  get #allowance(): number {
    const { ratio, minRetriesPerSecond, windowMs } = this.#settings;
    return ratio * this.#callsInWindow + (minRetriesPerSecond * windowMs) / 1_000;
  }

  get #slotMs(): number {
    return this.#settings.windowMs / slots;
  }

  #slotAt(nowMs: number): number {
    return Math.floor(nowMs / this.#slotMs);
  }

  /** Lets go of what has left the window. */
  #refresh(): void {
    const nowMs = this.#clock.monotonicCoarse();
    if (nowMs < this.#slotEndsAtMs) return;
    const slot = this.#slotAt(nowMs);
    if (slot - this.#slot > slots) {
      this.#calls.fill(0);
      this.#retries.fill(0);
      this.#callsInWindow = 0;
      this.#retriesInWindow = 0;
    } else {
      for (let entered = this.#slot + 1; entered <= slot; entered += 1) {
        const index = entered % (slots + 1);
        this.#retriesInWindow -= this.#retries[index] ?? 0;
        this.#retries[index] = 0;
        this.#calls[index] = 0;
        this.#callsInWindow -= this.#calls[(entered + 1) % (slots + 1)] ?? 0;
      }
    }
    this.#slot = slot;
    this.#slotEndsAtMs = (slot + 1) * this.#slotMs;
  }
}

function budgetSettings(options: RetryBudgetChanges): RetryBudgetSettings {
  const { ratio = 0.1, minRetriesPerSecond = 1, windowMs = 10_000 } = options;
  return Object.freeze({
    ratio: requireNumber('ratio', ratio, 0, 100),
    minRetriesPerSecond: requireNumber('minRetriesPerSecond', minRetriesPerSecond, 0),
    windowMs: requireDuration('windowMs', windowMs, 100),
  });
}
