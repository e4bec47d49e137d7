import { abortReason, type Clock, type EventSource, Events, requireInteger, systemClock } from '../kernel/index.ts';
import type { ConcurrencySlot, SlotRelease, SlotRequest, SlotWait } from './concurrency-slot.ts';
import {
  type QueueChanges,
  type QueueOptions,
  type QueueSettings,
  queueSettings,
  SlotQueue,
  type SlotRejection,
} from './slot-queue.ts';

/** What of a {@link Bulkhead} can be changed while it is in use. */
export interface BulkheadChanges extends QueueChanges {
  /** How many calls may be under way at once. @default 10 */
  readonly maxConcurrent?: number | undefined;
}

/** How a {@link Bulkhead} is made. */
export interface BulkheadOptions extends BulkheadChanges, QueueOptions {
  /** What is called, for people and metrics. From a closed set. @default 'bulkhead' */
  readonly name?: string | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** The numbers of a {@link Bulkhead} that are in force. */
export interface BulkheadSettings extends QueueSettings {
  readonly maxConcurrent: number;
}

/** What a {@link Bulkhead} tells. */
export interface BulkheadEvents {
  /** A call got no slot. */
  rejected: { readonly name: string; readonly reason: SlotRejection };
  /** The numbers were changed. */
  reconfigured: BulkheadSettings;
}

/** A {@link Bulkhead} as plain data. */
export interface BulkheadSnapshot {
  readonly name: string;
  /** Calls under way. */
  readonly active: number;
  /** Calls that wait. */
  readonly queued: number;
  readonly maxConcurrent: number;
  readonly maxQueued: number;
}

/**
 * Limits how many calls are under way at once, so that one slow dependency cannot take all there is (Michael Nygard,
 * "Release It!", 2007). What comes too many waits in a bounded queue: higher priorities first, and with `tenantShare` no
 * tenant is given more than its share while others wait; those who hold the fewest slots come first.
 *
 * @example
 * const bulkhead = new Bulkhead({ name: 'reports', maxConcurrent: 10, maxQueued: 100, tenantShare: 0.5 });
 * const report = await bulkhead.execute(() => render(id), { tenant: 'acme', priority: 1 });
 */
export class Bulkhead implements ConcurrencySlot {
  readonly name: string;
  readonly measuresLatency = false as const;
  readonly #events = new Events<BulkheadEvents>();
  readonly #queue: SlotQueue;
  #settings: BulkheadSettings;

  constructor(options: BulkheadOptions = {}) {
    const { name = 'bulkhead', clock = systemClock } = options;
    this.name = name;
    this.#settings = bulkheadSettings(options);
    this.#queue = new SlotQueue({
      title: `bulkhead "${name}"`,
      clock,
      limit: this.#settings.maxConcurrent,
      settings: this.#settings,
      onRejected: reason => {
        if (this.#events.has('rejected')) this.#events.emit('rejected', { name, reason });
      },
    });
  }

  get events(): EventSource<BulkheadEvents> {
    return this.#events;
  }

  /** The numbers in force. */
  get settings(): BulkheadSettings {
    return this.#settings;
  }

  /** The bulkhead as plain data, for consoles and metrics. */
  snapshot(): BulkheadSnapshot {
    const { active, queued } = this.#queue;
    const { maxConcurrent, maxQueued } = this.#settings;
    return { name: this.name, active, queued, maxConcurrent, maxQueued };
  }

  tryAcquire(request?: SlotRequest): boolean {
    return this.#queue.tryAcquire(request);
  }

  acquire(wait: SlotWait = {}): Promise<void> {
    return this.#queue.acquire(wait);
  }

  release(release?: SlotRelease): void {
    this.#queue.release(release?.tenant);
  }

  /**
   * Runs the work when there is a slot for it.
   *
   * @throws {RejectedError} with reason `full` when too many wait already, `out-of-time` when the wait takes too long.
   */
  execute<Value>(work: () => Promise<Value>, options?: SlotWait): Promise<Value> {
    if (options?.signal?.aborted) return Promise.reject(abortReason(options.signal));
    return this.#queue.tryAcquire(options) ? this.#run(work, options?.tenant) : this.#runLater(work, options ?? {});
  }

  /** The same function, so many times at once. */
  protect<Args extends unknown[], Value>(work: (...args: Args) => Promise<Value>): (...args: Args) => Promise<Value> {
    return (...args) => this.execute(() => work(...args));
  }

  /**
   * Changes numbers while the bulkhead is in use: all of them, or none if one makes no sense. What is left out stays. Calls
   * under way and calls that wait are not disturbed.
   *
   * @throws {ArgumentError} with the option's name and value.
   */
  reconfigure(changes: BulkheadChanges): void {
    const settings = bulkheadSettings({ ...this.#settings, ...changes });
    this.#queue.reconfigure(settings);
    this.#settings = settings;
    this.#queue.resize(settings.maxConcurrent);
    if (this.#events.has('reconfigured')) this.#events.emit('reconfigured', this.#settings);
  }

  async #runLater<Value>(work: () => Promise<Value>, wait: SlotWait): Promise<Value> {
    await this.#queue.acquire(wait);
    return this.#run(work, wait.tenant);
  }

  async #run<Value>(work: () => Promise<Value>, tenant: string | undefined): Promise<Value> {
    try {
      return await work();
    } finally {
      this.#queue.release(tenant);
    }
  }
}

function bulkheadSettings(options: BulkheadOptions): BulkheadSettings {
  const maxConcurrent = requireInteger('maxConcurrent', options.maxConcurrent ?? 10, 1);
  return Object.freeze({ maxConcurrent, ...queueSettings(options) });
}
