import { ArgumentError, FailedError, PlinthError, RejectedError, UpstreamError } from '../errors/index.ts';
import { type Clock, isAbortError, SingleFlight, systemClock } from '../kernel/index.ts';

/** The numbers of a {@link MemoryCache}. */
export interface MemoryCacheOptions {
  /** What is kept, for people and metrics. From a closed set. @default 'memory' */
  readonly name?: string | undefined;
  /** How many entries are kept; beyond it the least recently used one goes. @default 1_000 */
  readonly maxEntries?: number | undefined;
  /** How long an entry is fresh, in milliseconds. @default 3_600_000 */
  readonly ttlMs?: number | undefined;
  /** How long after that an entry may still stand in when its loader fails, in milliseconds. @default 0 */
  readonly staleMs?: number | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** The lifetime of one entry, where it differs from the cache's. */
export interface EntryLifetime {
  /** How long the entry is fresh, in milliseconds. @default the cache's */
  readonly ttlMs?: number | undefined;
  /** How long after that it may stand in, in milliseconds. @default the cache's */
  readonly staleMs?: number | undefined;
}

/** How {@link MemoryCache.load} came by its value. */
export interface Loaded<Value> {
  readonly value: Value;
  /** `hit`: it was there; `loaded`: this call loaded it; `joined`: another call was loading it; `stale`: the loader failed and an older value stands in. */
  readonly state: 'hit' | 'loaded' | 'joined' | 'stale';
  /** Age of the value, in milliseconds. */
  readonly ageMs: number;
  /** Why the value is stale. */
  readonly error?: unknown;
}

/** What {@link MemoryCache.load} may be told. */
export interface LoadOptions extends EntryLifetime {
  /** Stops waiting. The loader is aborted when nobody waits any more. */
  readonly signal?: AbortSignal | undefined;
}

/** Counts since the cache was made. */
export interface CacheStats {
  readonly name: string;
  readonly entries: number;
  readonly maxEntries: number;
  /** Reads that found a fresh entry. */
  readonly hits: number;
  /** Reads that did not. */
  readonly misses: number;
  /** Loads that failed and were answered with an older value. */
  readonly stale: number;
  /** Loaders that ran. */
  readonly loads: number;
  /** Reads that waited for a load that was under way. */
  readonly joined: number;
  readonly evictions: number;
  /** Hits by reads, from 0 to 1; 0 before the first read. */
  readonly hitRate: number;
}

interface Entry<Value> {
  readonly value: Value;
  readonly storedAtMs: number;
  readonly freshUntilMs: number;
  readonly staleUntilMs: number;
}

/**
 * A bounded cache in the memory of the process, with lifetimes, single flight and stale answers. Reads and writes are
 * synchronous.
 *
 * @example
 * const cache = new MemoryCache<User>({ maxEntries: 10_000, ttlMs: 60_000 });
 * const user = await cache.getOrSet(id, signal => loadUser(id, signal));
 */
export class MemoryCache<Value> {
  readonly name: string;
  readonly maxEntries: number;
  readonly ttlMs: number;
  readonly staleMs: number;
  readonly #clock: Clock;
  // A Map keeps insertion order: a key that is read is moved to its end, so the least recently used one is the first.
  readonly #entries = new Map<string, Entry<Value>>();
  readonly #flights = new SingleFlight<string, Loaded<Value>>();
  #hits = 0;
  #misses = 0;
  #stale = 0;
  #loads = 0;
  #joined = 0;
  #evictions = 0;

  constructor(options: MemoryCacheOptions = {}) {
    this.name = options.name ?? 'memory';
    this.maxEntries = requirePositive('maxEntries', options.maxEntries ?? 1_000);
    this.ttlMs = requirePositive('ttlMs', options.ttlMs ?? 3_600_000);
    this.staleMs = requireStale(options.staleMs ?? 0);
    this.#clock = options.clock ?? systemClock;
  }

  /** The value, if a fresh one is there. */
  get(key: string): Value | undefined {
    const hit = this.hit(key);
    if (hit === undefined) this.#misses += 1;
    return hit?.value;
  }

  /** The value with its age, if a fresh one is there; it counts as a hit. What is not there is not counted as a miss. */
  hit(key: string): Loaded<Value> | undefined {
    const entry = this.#entries.get(key);
    const nowMs = this.#clock.monotonic();
    if (entry === undefined || entry.freshUntilMs <= nowMs) return undefined;
    this.#hits += 1;
    this.#touch(key, entry);
    return { value: entry.value, state: 'hit', ageMs: nowMs - entry.storedAtMs };
  }

  /** The value with its age, if one is there that is past its freshness and may still stand in. Counts as neither. */
  older(key: string): Loaded<Value> | undefined {
    const entry = this.#entries.get(key);
    const nowMs = this.#clock.monotonic();
    if (entry === undefined || entry.freshUntilMs > nowMs || entry.staleUntilMs <= nowMs) return undefined;
    return { value: entry.value, state: 'stale', ageMs: nowMs - entry.storedAtMs };
  }

  /** Whether a fresh value is there. Counts as neither hit nor miss. */
  has(key: string): boolean {
    const entry = this.#entries.get(key);
    return entry !== undefined && entry.freshUntilMs > this.#clock.monotonic();
  }

  /** Whether a load for this key is under way. */
  isLoading(key: string): boolean {
    return this.#flights.has(key);
  }

  /** Keeps a value. A load that is under way does not overwrite it. */
  set(key: string, value: Value, lifetime: EntryLifetime = {}): void {
    const ttlMs = lifetime.ttlMs === undefined ? this.ttlMs : requirePositive('ttlMs', lifetime.ttlMs);
    const staleMs = lifetime.staleMs === undefined ? this.staleMs : requireStale(lifetime.staleMs);
    const nowMs = this.#clock.monotonic();
    const freshUntilMs = nowMs + ttlMs;
    const entry = { value, storedAtMs: nowMs, freshUntilMs, staleUntilMs: freshUntilMs + staleMs };
    this.#flights.forget(key);
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size > this.maxEntries) this.#evict();
  }

  /** Forgets a key, also what a load under way would have stored. Says whether there was anything to forget. */
  delete(key: string): boolean {
    this.#flights.forget(key);
    return this.#entries.delete(key);
  }

  /** Forgets everything, as {@link delete} does. Says how many entries that was. */
  clear(): number {
    this.#flights.forgetAll();
    const { size } = this.#entries;
    this.#entries.clear();
    return size;
  }

  /** The value, loaded if need be: once, however many ask at the same time. */
  async getOrSet(
    key: string,
    loader: (signal: AbortSignal) => Promise<Value>,
    options: LoadOptions = {},
  ): Promise<Value> {
    const loaded = await this.load(key, loader, options);
    return loaded.value;
  }

  /** The value as {@link getOrSet} gives it, and how it was come by. */
  async load(
    key: string,
    loader: (signal: AbortSignal) => Promise<Value>,
    options: LoadOptions = {},
  ): Promise<Loaded<Value>> {
    const hit = this.hit(key);
    if (hit !== undefined) return hit;
    this.#misses += 1;
    if (!this.#flights.has(key))
      return this.#flights.run(key, signal => this.#fill(key, loader, signal, options), options.signal);
    this.#joined += 1;
    const loaded = await this.#flights.run(key, signal => this.#fill(key, loader, signal, options), options.signal);
    return loaded.state === 'loaded' ? { ...loaded, state: 'joined' } : loaded;
  }

  stats(): CacheStats {
    const reads = this.#hits + this.#misses;
    return {
      name: this.name,
      entries: this.#entries.size,
      maxEntries: this.maxEntries,
      hits: this.#hits,
      misses: this.#misses,
      stale: this.#stale,
      loads: this.#loads,
      joined: this.#joined,
      evictions: this.#evictions,
      hitRate: reads === 0 ? 0 : this.#hits / reads,
    };
  }

  async #fill(
    key: string,
    loader: (signal: AbortSignal) => Promise<Value>,
    signal: AbortSignal,
    lifetime: EntryLifetime,
  ): Promise<Loaded<Value>> {
    this.#loads += 1;
    try {
      const value = await loader(signal);
      // What was deleted, set or abandoned meanwhile must not come back as it was when the load began.
      if (this.#flights.isCurrent(key, signal)) this.set(key, value, lifetime);
      return { value, state: 'loaded', ageMs: 0 };
    } catch (error) {
      const entry = this.#entries.get(key);
      const nowMs = this.#clock.monotonic();
      if (entry === undefined || entry.staleUntilMs <= nowMs || !isOutage(error)) throw error;
      this.#stale += 1;
      return { value: entry.value, state: 'stale', ageMs: nowMs - entry.storedAtMs, error };
    }
  }

  #touch(key: string, entry: Entry<Value>): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
  }

  #evict(): void {
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      this.#evictions += 1;
      return;
    }
  }
}

/** Whether an old value may cover for this error: an outage may be covered, a wrong question must not be. */
function isOutage(error: unknown): boolean {
  if (isAbortError(error)) return false;
  if (error instanceof UpstreamError) return error.status >= 500 && error.retryable;
  return error instanceof FailedError || error instanceof RejectedError || !(error instanceof PlinthError);
}

function requireStale(value: number): number {
  return value === 0 ? 0 : requirePositive('staleMs', value);
}

function requirePositive(name: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw new ArgumentError(`Cannot use ${name}: expected a number above 0, got ${value}`, name);
}
