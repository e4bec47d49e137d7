import type { Clock } from '../kernel/index.ts';
import type { RateLimitDecision } from './decision.ts';
import type { MemoryRateLimitStore } from './memory-store.ts';
import type { CompiledLimit, RateLimitStore } from './store.ts';

/** A store in memory that can be told to admit nothing for a while. */
export class PausableStore implements RateLimitStore<RateLimitDecision> {
  readonly #store: MemoryRateLimitStore;
  readonly #clock: Clock;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(store: MemoryRateLimitStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Admits nothing for so long; a pause that ends earlier than the present one changes nothing. */
  pause(durationMs: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#clock.monotonic() + durationMs);
  }

  take(key: string, cost: number, limit: CompiledLimit): RateLimitDecision {
    const pauseMs = this.#pauseMs();
    return pauseMs > 0 ? this.#denial(key, cost, limit, pauseMs) : this.#store.take(key, cost, limit);
  }

  peek(key: string, cost: number, limit: CompiledLimit): RateLimitDecision {
    const pauseMs = this.#pauseMs();
    return pauseMs > 0 ? this.#denial(key, cost, limit, pauseMs) : this.#store.peek(key, cost, limit);
  }

  adopt(limit: CompiledLimit): void {
    this.#store.adopt(limit);
  }

  reset(key: string, limit: CompiledLimit): void {
    this.#store.reset(key, limit);
  }

  close(): void {
    this.#store.close();
  }

  #pauseMs(): number {
    return Math.max(0, Math.ceil(this.#pausedUntilMs - this.#clock.monotonic()));
  }

  #denial(key: string, cost: number, limit: CompiledLimit, pauseMs: number): RateLimitDecision {
    const decision = this.#store.peek(key, cost, limit);
    return {
      ...decision,
      allowed: false,
      outcome: 'denied',
      remaining: 0,
      retryAfterMs: Math.max(pauseMs, decision.retryAfterMs),
      resetAfterMs: Math.max(pauseMs, decision.resetAfterMs),
    };
  }
}
