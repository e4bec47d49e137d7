import {
  abortReason,
  type Clock,
  type EventSource,
  Events,
  requireDuration,
  requireInteger,
  requireNumber,
  systemClock,
} from '../kernel/index.ts';
import { HedgedCall } from './hedged-call.ts';
import { LatencyHistogram } from './latency-histogram.ts';
import type { RetryBudget } from './retry-budget.ts';

/** What of a {@link Hedge} can be changed while it is in use. */
export interface HedgeChanges {
  /** A call that takes longer than this share of the calls before it gets a second attempt; above 0, below 1. @default 0.95 */
  readonly percentile?: number | undefined;
  /** The shortest wait before another attempt, in milliseconds. @default 10 */
  readonly minDelayMs?: number | undefined;
  /** The longest wait before another attempt, in milliseconds. @default 10_000 */
  readonly maxDelayMs?: number | undefined;
  /** How many latencies must be known before anything is hedged. @default 100 */
  readonly minSamples?: number | undefined;
  /** How many attempts a call may have besides the first. @default 1 */
  readonly maxHedges?: number | undefined;
}

/** How a {@link Hedge} is made. */
export interface HedgeOptions extends HedgeChanges {
  /** What is called, for people and metrics. From a closed set. @default 'hedge' */
  readonly name?: string | undefined;
  /** What further attempts are paid from; share it with the retries. @default none: the percentile alone limits them */
  readonly budget?: RetryBudget | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** The numbers of a {@link Hedge} that are in force. */
export interface HedgeSettings {
  readonly percentile: number;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  readonly minSamples: number;
  readonly maxHedges: number;
}

/** What a {@link Hedge} tells. */
export interface HedgeEvents {
  /** Another attempt was begun, after this wait. */
  hedged: { readonly name: string; readonly attempt: number; readonly delayMs: number };
  /** A further attempt answered before the first did. */
  won: { readonly name: string; readonly attempt: number };
  /** The numbers were changed. */
  reconfigured: HedgeSettings;
}

/** What one call says to its hedge. */
export interface HedgeCallOptions {
  /** Whether the work may be done twice. Work that may not gets one attempt, whose latency still counts. */
  readonly repeatable: boolean;
  /** Ends all attempts. */
  readonly signal?: AbortSignal | undefined;
}

/** How many latencies are kept before old ones begin to fade. */
const maxSamples = 10_000;

/**
 * Begins a second attempt when the first takes longer than nearly all calls before it; the first success wins and the
 * other attempt is aborted (Dean and Barroso, "The Tail at Scale", 2013). At the 95th percentile that is one more attempt
 * for twenty calls.
 *
 * Only for work that may safely be done twice.
 *
 * @example
 * const hedge = new Hedge({ budget: new RetryBudget() });
 * const page = await hedge.execute(signal => fetchPage(url, signal), { repeatable: true });
 */
export class Hedge {
  readonly name: string;
  readonly #budget: RetryBudget | undefined;
  readonly #clock: Clock;
  readonly #events = new Events<HedgeEvents>();
  readonly #latencies = new LatencyHistogram(maxSamples);
  #settings: HedgeSettings;
  #delayMs: number | undefined;
  // How many latencies have come since the wait was last worked out.
  #unseen = 0;

  constructor(options: HedgeOptions = {}) {
    this.name = options.name ?? 'hedge';
    this.#budget = options.budget;
    this.#clock = options.clock ?? systemClock;
    this.#settings = hedgeSettings(options);
  }

  get events(): EventSource<HedgeEvents> {
    return this.#events;
  }

  /** The numbers in force. */
  get settings(): HedgeSettings {
    return this.#settings;
  }

  /** How long a call may take before it gets another attempt, in milliseconds; undefined while too little is known. */
  delayMs(): number | undefined {
    const { samples } = this.#latencies;
    const { percentile, minDelayMs, maxDelayMs, minSamples } = this.#settings;
    if (samples < minSamples) return undefined;
    // One look for many calls: a few new latencies among many change little.
    if (this.#delayMs === undefined || this.#unseen * 32 >= samples) {
      const observedMs = this.#latencies.percentileMs(percentile) ?? maxDelayMs;
      this.#delayMs = Math.min(maxDelayMs, Math.max(minDelayMs, observedMs));
      this.#unseen = 0;
    }
    return this.#delayMs;
  }

  /**
   * Takes note of how long a call took that succeeded, from the begin of its first attempt, in milliseconds. A hedged call
   * counts as a whole: what its slow first attempt would have taken nobody knows.
   */
  record(latencyMs: number): void {
    this.#latencies.record(latencyMs);
    this.#unseen += 1;
  }

  /**
   * Runs the work, and once more beside it if it takes long. Fails with the first failure when no other attempt is under
   * way; a failure alone begins no attempt.
   */
  execute<Value>(work: (signal: AbortSignal) => Promise<Value>, options: HedgeCallOptions): Promise<Value> {
    const { repeatable, signal } = options;
    if (signal?.aborted) return Promise.reject(abortReason(signal));
    this.#budget?.recordCall();
    const delayMs = repeatable ? this.delayMs() : undefined;
    const startedMs = this.#clock.monotonic();
    return new HedgedCall({
      work,
      signal,
      delayMs: delayMs ?? 0,
      maxHedges: delayMs === undefined ? 0 : this.#settings.maxHedges,
      clock: this.#clock,
      mayHedge: () => this.#budget?.tryWithdraw() ?? true,
      onHedged: attempt => {
        if (this.#events.has('hedged'))
          this.#events.emit('hedged', { name: this.name, attempt, delayMs: delayMs ?? 0 });
      },
      onSuccess: attempt => {
        this.record(this.#clock.monotonic() - startedMs);
        if (attempt > 1 && this.#events.has('won')) this.#events.emit('won', { name: this.name, attempt });
      },
    }).start();
  }

  /** The same function, hedged. Only for functions that may safely be called twice. */
  protect<Args extends unknown[], Value>(work: (...args: Args) => Promise<Value>): (...args: Args) => Promise<Value> {
    return (...args) => this.execute(() => work(...args), { repeatable: true });
  }

  /**
   * Changes numbers while the hedge is in use: all of them, or none if one makes no sense. What is left out stays.
   *
   * @throws {ArgumentError} with the option's name and value.
   */
  reconfigure(changes: HedgeChanges): void {
    this.#settings = hedgeSettings({ ...this.#settings, ...changes });
    this.#delayMs = undefined;
    if (this.#events.has('reconfigured')) this.#events.emit('reconfigured', this.#settings);
  }
}

function hedgeSettings(options: HedgeChanges): HedgeSettings {
  const { percentile = 0.95, minDelayMs = 10, maxDelayMs = 10_000, minSamples = 100, maxHedges = 1 } = options;
  requireDuration('minDelayMs', minDelayMs, 0);
  return Object.freeze({
    percentile: requireNumber('percentile', percentile, 0.01, 0.9999),
    minDelayMs,
    maxDelayMs: requireDuration('maxDelayMs', maxDelayMs, minDelayMs),
    // More than half of what is kept: fading must not end hedging.
    minSamples: requireInteger('minSamples', minSamples, 1, maxSamples / 4),
    maxHedges: requireInteger('maxHedges', maxHedges, 1, 10),
  });
}
