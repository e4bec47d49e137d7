import { RejectedError } from '../errors/index.ts';
import {
  abortReason,
  type Clock,
  type EventSource,
  Events,
  isAbortError,
  type Random,
  requireDuration,
  requireInteger,
  requireNumber,
  systemClock,
  systemRandom,
} from '../kernel/index.ts';
import type { ConcurrencySlot, SlotOutcome, SlotRelease, SlotRequest, SlotWait } from './concurrency-slot.ts';
import { GradientLimit, type GradientSettings } from './gradient-limit.ts';
import {
  type QueueChanges,
  type QueueOptions,
  type QueueSettings,
  queueSettings,
  SlotQueue,
  type SlotRejection,
} from './slot-queue.ts';

/** What of an {@link AdaptiveConcurrency} can be changed while it is in use. */
export interface AdaptiveConcurrencyChanges extends QueueChanges {
  /** The lowest limit; also the one under which the baseline is measured. @default 4 */
  readonly minLimit?: number | undefined;
  /** The highest limit. @default 200 */
  readonly maxLimit?: number | undefined;
  /** How much longer than the baseline a call may take before the limit shrinks: 0.25 is a quarter longer. @default 0.25 */
  readonly tolerance?: number | undefined;
  /** How often the limit is looked at, in milliseconds; less often where calls take longer. @default 100 */
  readonly windowMs?: number | undefined;
  /** How many calls must have ended before the limit changes. @default 20 */
  readonly minSamples?: number | undefined;
  /** How long a measured baseline holds, in milliseconds. Measuring never takes more than a twentieth of the time. @default 60_000 */
  readonly baselineIntervalMs?: number | undefined;
}

/** How an {@link AdaptiveConcurrency} is made. */
export interface AdaptiveConcurrencyOptions extends AdaptiveConcurrencyChanges, QueueOptions {
  /** What is called, for people and metrics. From a closed set. @default 'adaptive-concurrency' */
  readonly name?: string | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
  /** @default systemRandom */
  readonly random?: Random | undefined;
}

/** The numbers of an {@link AdaptiveConcurrency} that are in force. */
export interface AdaptiveConcurrencySettings extends QueueSettings, GradientSettings {}

/** What an {@link AdaptiveConcurrency} tells. */
export interface AdaptiveConcurrencyEvents {
  /** The limit changed, by what calls took or because the baseline is measured. */
  'limit-changed': { readonly name: string; readonly from: number; readonly to: number };
  /** A call got no slot. */
  rejected: { readonly name: string; readonly reason: SlotRejection };
  /** The numbers were changed. */
  reconfigured: AdaptiveConcurrencySettings;
}

/** An {@link AdaptiveConcurrency} as plain data. */
export interface AdaptiveConcurrencySnapshot {
  readonly name: string;
  /** Calls under way. */
  readonly active: number;
  /** Calls that wait. */
  readonly queued: number;
  /** How many calls may be under way now. */
  readonly limit: number;
  /** How long a call takes when the dependency is left alone, in milliseconds. Absent until it has been measured. */
  readonly baselineMs?: number;
  /** How long a call took lately, in milliseconds. Absent until enough have ended. */
  readonly latencyMs?: number;
}

/**
 * A bulkhead that finds its size by itself: as many calls at once as the dependency takes without making them wait
 * (Envoy's adaptive concurrency, Netflix' concurrency-limits). From time to time it lets only `minLimit` calls through, to
 * learn how long a call takes when nothing is in its way.
 *
 * @example
 * const slots = new AdaptiveConcurrency({ name: 'search', maxLimit: 100 });
 * const hits = await slots.execute(() => search(words));
 */
export class AdaptiveConcurrency implements ConcurrencySlot {
  readonly name: string;
  readonly measuresLatency = true as const;
  readonly #clock: Clock;
  readonly #events = new Events<AdaptiveConcurrencyEvents>();
  readonly #gradient: GradientLimit;
  readonly #queue: SlotQueue;
  #settings: AdaptiveConcurrencySettings;

  constructor(options: AdaptiveConcurrencyOptions = {}) {
    const { name = 'adaptive-concurrency', clock = systemClock, random = systemRandom } = options;
    this.name = name;
    this.#clock = clock;
    this.#settings = adaptiveSettings(options);
    this.#gradient = new GradientLimit(this.#settings, clock.monotonic(), random);
    this.#queue = new SlotQueue({
      title: `adaptive concurrency "${name}"`,
      clock,
      limit: this.#gradient.limit,
      settings: this.#settings,
      onRejected: reason => {
        if (this.#events.has('rejected')) this.#events.emit('rejected', { name, reason });
      },
    });
  }

  get events(): EventSource<AdaptiveConcurrencyEvents> {
    return this.#events;
  }

  /** The numbers in force. */
  get settings(): AdaptiveConcurrencySettings {
    return this.#settings;
  }

  /** How many calls may be under way now. */
  get limit(): number {
    return this.#queue.limit;
  }

  /** The state as plain data, for consoles and metrics. */
  snapshot(): AdaptiveConcurrencySnapshot {
    const { active, queued, limit } = this.#queue;
    const { baselineMs, latencyMs } = this.#gradient;
    return {
      name: this.name,
      active,
      queued,
      limit,
      ...(baselineMs === undefined ? {} : { baselineMs }),
      ...(latencyMs === undefined ? {} : { latencyMs }),
    };
  }

  tryAcquire(request?: SlotRequest): boolean {
    return this.#queue.tryAcquire(request);
  }

  acquire(wait: SlotWait = {}): Promise<void> {
    return this.#queue.acquire(wait);
  }

  release(release: SlotRelease = {}): void {
    const { outcome = 'ignored', latencyMs, tenant } = release;
    if (latencyMs !== undefined && outcome !== 'ignored') {
      const nowMs = this.#clock.monotonic();
      this.#gradient.record({ succeeded: outcome === 'succeeded', latencyMs, nowMs, active: this.#queue.active });
    }
    this.#queue.release(tenant);
    this.#resize();
  }

  /**
   * Runs the work when there is a slot for it.
   *
   * @throws {RejectedError} with reason `full` when too many wait already, `out-of-time` when the wait takes too long.
   */
  async execute<Value>(work: () => Promise<Value>, options: SlotWait = {}): Promise<Value> {
    const { signal, tenant } = options;
    if (signal?.aborted) throw abortReason(signal);
    if (!this.tryAcquire(options)) await this.acquire(options);
    const startedMs = this.#clock.monotonic();
    let outcome: SlotOutcome = 'succeeded';
    try {
      return await work();
    } catch (error) {
      const saysNothing = signal?.aborted || error instanceof RejectedError || isAbortError(error);
      outcome = saysNothing ? 'ignored' : 'failed';
      throw error;
    } finally {
      this.release({ tenant, outcome, latencyMs: this.#clock.monotonic() - startedMs });
    }
  }

  /** The same function, as many times at once as is good for it. */
  protect<Args extends unknown[], Value>(work: (...args: Args) => Promise<Value>): (...args: Args) => Promise<Value> {
    return (...args) => this.execute(() => work(...args));
  }

  /**
   * Changes numbers while calls are under way: all of them, or none if one makes no sense. What is left out stays.
   *
   * @throws {ArgumentError} with the option's name and value.
   */
  reconfigure(changes: AdaptiveConcurrencyChanges): void {
    const settings = adaptiveSettings({ ...this.#settings, ...changes });
    this.#queue.reconfigure(settings);
    this.#settings = settings;
    this.#gradient.reconfigure(settings);
    this.#resize();
    if (this.#events.has('reconfigured')) this.#events.emit('reconfigured', this.#settings);
  }

  #resize(): void {
    const from = this.#queue.limit;
    const to = this.#gradient.limit;
    if (from === to) return;
    this.#queue.resize(to);
    if (this.#events.has('limit-changed')) this.#events.emit('limit-changed', { name: this.name, from, to });
  }
}

function adaptiveSettings(options: AdaptiveConcurrencyOptions): AdaptiveConcurrencySettings {
  const { minLimit = 4, maxLimit = 200, tolerance = 0.25, minSamples = 20 } = options;
  const { windowMs = 100, baselineIntervalMs = 60_000 } = options;
  requireInteger('minLimit', minLimit, 1);
  return Object.freeze({
    minLimit,
    maxLimit: requireInteger('maxLimit', maxLimit, minLimit),
    tolerance: requireNumber('tolerance', tolerance, 0, 10),
    windowMs: requireDuration('windowMs', windowMs, 1),
    minSamples: requireInteger('minSamples', minSamples, 1),
    baselineIntervalMs: requireDuration('baselineIntervalMs', baselineIntervalMs, 1),
    ...queueSettings(options),
  });
}
