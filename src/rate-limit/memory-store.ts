import { RejectedError } from '../errors/index.ts';
import { type Clock, systemClock } from '../kernel/index.ts';
import type { RateLimitDecision } from './decision.ts';
import { MemoryLimit } from './memory-limit.ts';
import type { CompiledLimit, RateLimitStore } from './store.ts';

/** The options of a {@link MemoryRateLimitStore}. */
export interface MemoryRateLimitStoreOptions {
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/**
 * Limits in the memory of this process, answered at once. Every limiter makes one of its own when it is given none; one
 * may also be shared by limiters of different names.
 *
 * Time is the coarse monotonic clock: an admission may be dated up to a millisecond early, and as much as the event loop
 * was held up by whoever asked.
 */
export class MemoryRateLimitStore implements RateLimitStore<RateLimitDecision> {
  readonly #clock: Clock;
  readonly #limits = new Map<string, MemoryLimit>();
  // The limit that was asked for last, found without a search.
  #lastLimit: CompiledLimit | undefined;
  #last: MemoryLimit | undefined;
  #isClosed = false;

  constructor(options: MemoryRateLimitStoreOptions = {}) {
    this.#clock = options.clock ?? systemClock;
  }

  /** How many keys are held, of all limits. Expired ones are held for up to one more window. */
  get size(): number {
    let size = 0;
    for (const limit of this.#limits.values()) size += limit.size;
    return size;
  }

  take(key: string, cost: number, limit: CompiledLimit): RateLimitDecision {
    return this.#find(limit).take(key, cost);
  }

  peek(key: string, cost: number, limit: CompiledLimit): RateLimitDecision {
    return this.#find(limit).peek(key, cost);
  }

  adopt(limit: CompiledLimit): void {
    this.#find(limit);
  }

  reset(key: string, limit: CompiledLimit): void {
    this.#find(limit).reset(key);
  }

  /** Forgets everything and stops the timers. */
  close(): void {
    this.#isClosed = true;
    for (const limit of this.#limits.values()) limit.close();
    this.#limits.clear();
    this.#lastLimit = undefined;
    this.#last = undefined;
  }

  #find(limit: CompiledLimit): MemoryLimit {
    return limit === this.#lastLimit && this.#last !== undefined ? this.#last : this.#search(limit);
  }

  #search(limit: CompiledLimit): MemoryLimit {
    if (this.#isClosed) throw new RejectedError(`Cannot decide about "${limit.name}": the store is closed`, 'closed');
    let found = this.#limits.get(limit.name);
    if (found === undefined) {
      found = new MemoryLimit(limit, this.#clock);
      this.#limits.set(limit.name, found);
    } else if (found.limit !== limit) {
      found.reconfigure(limit);
    }
    this.#lastLimit = limit;
    this.#last = found;
    return found;
  }
}
