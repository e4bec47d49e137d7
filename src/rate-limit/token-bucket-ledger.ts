import { grown, type Ledger } from './ledger.ts';
import type { TokenBucketLaw } from './store.ts';

/**
 * Time is counted in these units, about a nanosecond each: sums of whole units are exact, so that no rounding ever adds
 * up to a permit. Whole for 99 days of uptime; after that a sum is off by a few units at most.
 */
const unitsPerMs = 2 ** 20;

/**
 * The generic cell rate algorithm (ITU-T I.371): of every bucket only the moment is kept at which it will be full.
 * Eight bytes per key.
 */
export class TokenBucketLedger implements Ledger {
  readonly limit: number;
  readonly recoveryMs: number;
  // Units per permit, rounded up: the rate is never above the law.
  readonly #interval: number;
  readonly #capacity: number;
  #fullAt: Float64Array = new Float64Array(16);

  constructor(law: TokenBucketLaw) {
    this.limit = law.capacity;
    this.#interval = Math.ceil((unitsPerMs * 1_000) / law.ratePerSecond);
    this.#capacity = this.#interval * law.capacity;
    this.#fullAt[0] = Number.NEGATIVE_INFINITY;
    this.recoveryMs = Math.ceil(this.#capacity / unitsPerMs);
  }

  reserve(slot: number): void {
    if (slot >= this.#fullAt.length) this.#fullAt = grown(this.#fullAt, this.#fullAt.length * 2);
    this.#fullAt[slot] = Number.NEGATIVE_INFINITY;
  }

  /** A bucket that is full again needs no care. */
  settle(): void {}

  waitMs(slot: number, cost: number, nowMs: number): number {
    const excess = this.#debt(slot, nowMs) + cost * this.#interval - this.#capacity;
    return excess <= 0 ? 0 : Math.ceil(excess / unitsPerMs);
  }

  take(slot: number, cost: number, nowMs: number): void {
    this.#fullAt[slot] = Math.floor(nowMs * unitsPerMs) + this.#debt(slot, nowMs) + cost * this.#interval;
  }

  remaining(slot: number, nowMs: number): number {
    return Math.floor((this.#capacity - this.#debt(slot, nowMs)) / this.#interval);
  }

  resetAfterMs(slot: number, nowMs: number): number {
    return Math.ceil(this.#debt(slot, nowMs) / unitsPerMs);
  }

  clear(slot: number): void {
    this.#fullAt[slot] = Number.NEGATIVE_INFINITY;
  }

  /** Permits that were taken stay taken; of a larger bucket, no more than this one holds. */
  copy(from: Ledger, fromSlot: number, slot: number, nowMs: number): void {
    if (!(from instanceof TokenBucketLedger)) return;
    const owed = from.#debt(fromSlot, nowMs);
    const debt = from.#interval === this.#interval ? owed : Math.ceil((owed / from.#interval) * this.#interval);
    this.#fullAt[slot] = Math.floor(nowMs * unitsPerMs) + Math.min(debt, this.#capacity);
  }

  /** How long the bucket needs to be full, in units. */
  #debt(slot: number, nowMs: number): number {
    return Math.max(0, this.#fullAtOf(slot) - Math.floor(nowMs * unitsPerMs));
  }

  #fullAtOf(slot: number): number {
    return this.#fullAt[slot] as number; // reserved before it is asked for
  }
}
