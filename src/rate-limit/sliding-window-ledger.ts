import { grown, type Ledger } from './ledger.ts';
import type { SlidingWindowLaw } from './store.ts';

/** A key remembers at most about this many moments; within a limit of as many requests, each one. */
const moments = 128;

/**
 * A log of what was admitted when, per key, as a chain of entries in arrays that all keys share. Requests of one tick
 * share an entry, and count until the last of them could have left the window: so no interval of the window's length
 * ever holds more than the law, and at overload less than one percent less.
 *
 * A tick is a millisecond for limits up to {@link moments}, otherwise that part of the window. 12 bytes per key, and 16
 * per entry: one for a key that was seen in one tick, at most {@link moments} + 1 for a busy one.
 */
export class SlidingWindowLedger implements Ledger {
  readonly limit: number;
  readonly recoveryMs: number;
  readonly #windowMs: number;
  readonly #tickMs: number;
  // By slot. Entry 0 is none.
  #used: Uint32Array = new Uint32Array(16);
  #oldest: Uint32Array = new Uint32Array(16);
  #newest: Uint32Array = new Uint32Array(16);
  // By entry.
  #expiresAtMs: Float64Array = new Float64Array(16);
  #count: Uint32Array = new Uint32Array(16);
  #next: Uint32Array = new Uint32Array(16);
  #entries = 1;
  // Entries that were used before, as a chain of their own.
  #freed = 0;
  // The clock stands still for many decisions.
  #takenAtMs = Number.NaN;
  #takenExpiresAtMs = 0;

  constructor(law: SlidingWindowLaw) {
    this.limit = law.requests;
    this.#windowMs = law.windowMs;
    this.#tickMs = law.requests <= moments ? 1 : Math.ceil(law.windowMs / moments);
    this.recoveryMs = law.windowMs + this.#tickMs;
    this.#expiresAtMs[0] = Number.NEGATIVE_INFINITY;
  }

  reserve(slot: number): void {
    if (slot < this.#used.length) return;
    const length = this.#used.length * 2;
    this.#used = grown(this.#used, length);
    this.#oldest = grown(this.#oldest, length);
    this.#newest = grown(this.#newest, length);
  }

  settle(slot: number, nowMs: number): void {
    let oldest = at(this.#oldest, slot);
    while (oldest !== 0 && at(this.#expiresAtMs, oldest) <= nowMs) oldest = this.#dropOldest(slot);
  }

  waitMs(slot: number, cost: number, nowMs: number): number {
    let missing = at(this.#used, slot) + cost - this.limit;
    if (missing <= 0) return 0;
    let entry = at(this.#oldest, slot);
    for (missing -= at(this.#count, entry); missing > 0; missing -= at(this.#count, entry)) {
      entry = at(this.#next, entry);
    }
    return at(this.#expiresAtMs, entry) - Math.floor(nowMs);
  }

  take(slot: number, cost: number, nowMs: number): void {
    if (nowMs !== this.#takenAtMs) {
      this.#takenAtMs = nowMs;
      this.#takenExpiresAtMs = this.#expiryOf(Math.ceil(nowMs));
    }
    this.#append(slot, cost, this.#takenExpiresAtMs);
  }

  remaining(slot: number): number {
    return Math.max(0, this.limit - at(this.#used, slot));
  }

  resetAfterMs(slot: number, nowMs: number): number {
    return Math.max(0, at(this.#expiresAtMs, at(this.#newest, slot)) - Math.floor(nowMs));
  }

  clear(slot: number): void {
    while (at(this.#oldest, slot) !== 0) this.#dropOldest(slot);
  }

  /** Requests that were admitted stay admitted, as far back as the other ledger remembers them. */
  copy(from: Ledger, fromSlot: number, slot: number, nowMs: number): void {
    if (!(from instanceof SlidingWindowLedger)) return;
    for (let entry = at(from.#oldest, fromSlot); entry !== 0; entry = at(from.#next, entry)) {
      const expiresAtMs = this.#expiryOf(at(from.#expiresAtMs, entry) - from.#windowMs);
      if (expiresAtMs > nowMs) this.#append(slot, at(from.#count, entry), expiresAtMs);
    }
  }

  /** When a request of this moment (whole milliseconds) has left every interval that holds another one of its tick. */
  #expiryOf(momentMs: number): number {
    return Math.ceil(momentMs / this.#tickMs) * this.#tickMs + this.#windowMs;
  }

  #append(slot: number, count: number, expiresAtMs: number): void {
    this.#used[slot] = at(this.#used, slot) + count;
    const newest = at(this.#newest, slot);
    if (at(this.#expiresAtMs, newest) === expiresAtMs) {
      this.#count[newest] = at(this.#count, newest) + count;
      return;
    }
    const entry = this.#newEntry();
    this.#expiresAtMs[entry] = expiresAtMs;
    this.#count[entry] = count;
    this.#next[entry] = 0;
    if (newest === 0) this.#oldest[slot] = entry;
    else this.#next[newest] = entry;
    this.#newest[slot] = entry;
  }

  /** Says which entry is the oldest now. */
  #dropOldest(slot: number): number {
    const entry = at(this.#oldest, slot);
    const next = at(this.#next, entry);
    this.#used[slot] = at(this.#used, slot) - at(this.#count, entry);
    this.#oldest[slot] = next;
    if (next === 0) this.#newest[slot] = 0;
    this.#next[entry] = this.#freed;
    this.#freed = entry;
    return next;
  }

  #newEntry(): number {
    const entry = this.#freed;
    if (entry !== 0) {
      this.#freed = at(this.#next, entry);
      return entry;
    }
    if (this.#entries === this.#count.length) {
      const length = this.#count.length * 2;
      this.#expiresAtMs = grown(this.#expiresAtMs, length);
      this.#count = grown(this.#count, length);
      this.#next = grown(this.#next, length);
    }
    this.#entries += 1;
    return this.#entries - 1;
  }
}

/** Slots are reserved before they are asked for, and entries lead only to entries. */
function at(numbers: Float64Array | Uint32Array, index: number): number {
  return numbers[index] as number;
}
