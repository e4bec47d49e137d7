import { type Clock, Events, type Timer } from '../kernel/index.ts';
import {
  type EntryOptions,
  type Loaded,
  type Loader,
  type LoadRules,
  type OlderValue,
  requireStale,
  requireTtl,
} from './entry-options.ts';
import type { CacheEvents } from './events.ts';
import { type Flight, Loads } from './loads.ts';

/** How {@link KeptValues} are kept. */
export interface KeptValuesOptions {
  readonly name: string;
  readonly maxEntries: number;
  readonly ttlMs: number;
  readonly staleMs: number;
  readonly rules: LoadRules;
  readonly clock: Clock;
}

/** One value, with all that a hit needs side by side. */
interface Kept<Value> {
  readonly value: Value;
  readonly promise: Promise<Value>;
  readonly bornAtMs: number;
  /** Until then a hit has nothing to do but to give the value. */
  readonly quietUntilMs: number;
  readonly freshUntilMs: number;
  readonly staleUntilMs: number;
  isUsed: boolean;
}

/** How many entries a sweep may go through per millisecond: it bounds how much of the time goes by with sweeping. */
const sweptPerMs = 1_000;

const noTally = Object.freeze({ joined() {}, loaded() {}, loadFailed() {}, stale() {} });

/**
 * The values of one function, in memory. It loads as a `MemoryCache` does, and leaves out what that counts: a timer takes
 * away what is past its time, so that a hit is to look up a `Map` and no more. A lifetime is off by a few milliseconds at most, and by as long as the
 * event loop is held up.
 * When there is no room, the oldest value goes that was not asked for since its last turn (second chance).
 */
export class KeptValues<Value> {
  readonly #options: KeptValuesOptions;
  readonly #clock: Clock;
  readonly #quiet = new Map<string, Kept<Value>>();
  /** What is late in its lifetime, or over it and may stand in. */
  readonly #late = new Map<string, Kept<Value>>();
  readonly #loads: Loads<Value>;
  #timer: Timer | undefined;
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(options: KeptValuesOptions) {
    const { name, rules, clock } = options;
    this.#options = options;
    this.#clock = clock;
    this.#loads = new Loads<Value>({
      name,
      clock,
      events: new Events<CacheEvents>(),
      rules,
      tally: noTally,
      standIn: key => this.#standIn(key),
      fill: flight => this.#fill(flight),
    });
  }

  /** How many values take room. */
  get size(): number {
    return this.#quiet.size + this.#late.size;
  }

  /** The value, loaded if need be. All hits of a value give the same promise. */
  getOrSet(key: string, loader: Loader<Value>): Promise<Value> {
    const kept = this.#quiet.get(key);
    if (kept === undefined) return this.#load(key, loader);
    kept.isUsed = true;
    return kept.promise;
  }

  /** As {@link getOrSet}, but a value that is there is given as it is. */
  valueOrPromise(key: string, loader: Loader<Value>): Value | Promise<Value> {
    const kept = this.#quiet.get(key);
    if (kept === undefined) return this.#load(key, loader);
    kept.isUsed = true;
    return kept.value;
  }

  /** Forgets a value, also the one that is being loaded; says whether there was a fresh one. */
  delete(key: string): boolean {
    this.#loads.forget(key);
    const late = this.#late.get(key);
    this.#late.delete(key);
    return this.#quiet.delete(key) || (late !== undefined && late.freshUntilMs > this.#clock.monotonic());
  }

  #load(key: string, loader: Loader<Value>): Promise<Value> {
    const late = this.#late.get(key);
    if (late === undefined || late.freshUntilMs <= this.#clock.monotonic()) return this.#loads.value(key, loader, {});
    late.isUsed = true;
    this.#loads.refresh(key, loader, {});
    return late.promise;
  }

  async #fill(flight: Flight<Value>): Promise<Loaded<Value>> {
    flight.hasLooked();
    const { value, keep } = await flight.load();
    // What was forgotten or abandoned meanwhile must not come back as it was when the load began.
    if (keep !== undefined && this.#loads.isCurrent(flight)) this.#keep(flight.key, value, keep);
    return { value, state: 'loaded', ageMs: 0 };
  }

  #keep(key: string, value: Value, options: EntryOptions): void {
    const { maxEntries, rules } = this.#options;
    const ttlMs = requireTtl(options.ttlMs ?? this.#options.ttlMs);
    const staleMs = requireStale(options.staleMs ?? this.#options.staleMs);
    // Whole milliseconds: a number with a fraction would be an object of its own in every entry.
    const bornAtMs = Math.floor(this.#clock.monotonic());
    const quietUntilMs = bornAtMs + Math.ceil(ttlMs * (rules.earlyRefreshRatio ?? 1));
    const freshUntilMs = bornAtMs + Math.ceil(ttlMs);
    const staleUntilMs = freshUntilMs + Math.ceil(staleMs);
    const promise = Promise.resolve(value);
    this.#quiet.delete(key);
    this.#late.delete(key);
    this.#quiet.set(key, { value, promise, bornAtMs, quietUntilMs, freshUntilMs, staleUntilMs, isUsed: false });
    if (this.size > maxEntries) this.#evict();
    this.#arm(quietUntilMs, bornAtMs);
  }

  #evict(): void {
    for (const key of this.#late.keys()) {
      this.#late.delete(key);
      return;
    }
    for (const [key, kept] of this.#quiet) {
      this.#quiet.delete(key);
      if (!kept.isUsed) return;
      kept.isUsed = false;
      this.#quiet.set(key, kept);
    }
  }

  #standIn(key: string): OlderValue<Value> | undefined {
    const kept = this.#quiet.get(key) ?? this.#late.get(key);
    const nowMs = this.#clock.monotonic();
    if (kept === undefined || kept.staleUntilMs <= nowMs) return undefined;
    return { value: kept.value, ageMs: nowMs - kept.bornAtMs };
  }

  #arm(dueMs: number, nowMs: number): void {
    if (dueMs >= this.#dueMs) return;
    this.#timer?.cancel();
    this.#dueMs = dueMs;
    // The timer must not keep alive what nobody else knows any more, such as the values of an instance that is gone.
    const self = new WeakRef(this);
    const delayMs = Math.max(dueMs - nowMs, 1, this.size / sweptPerMs);
    this.#timer = this.#clock.setTimer(delayMs, () => {
      const values = self.deref();
      if (values !== undefined) values.#sweep();
    });
  }

  #sweep(): void {
    const nowMs = this.#clock.monotonic();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [key, kept] of this.#quiet) {
      if (kept.quietUntilMs > nowMs) nextMs = Math.min(nextMs, kept.quietUntilMs);
      else {
        this.#quiet.delete(key);
        this.#late.set(key, kept);
      }
    }
    for (const [key, kept] of this.#late) {
      if (kept.staleUntilMs > nowMs) nextMs = Math.min(nextMs, kept.staleUntilMs);
      else this.#late.delete(key);
    }
    this.#dueMs = Number.POSITIVE_INFINITY;
    if (nextMs < this.#dueMs) this.#arm(nextMs, nowMs);
  }
}
