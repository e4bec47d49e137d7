import type { EntryLifetime, EntryOptions, Loaded, Loader, LoadOptions } from './entry-options.ts';
import type { CacheStats } from './stats.ts';

/**
 * What every cache can do that may have to ask a store outside the process. {@link MemoryCache} has the same verbs, and
 * answers at once.
 *
 * A value is kept as it is in memory, and shared with everybody who reads it: do not change it afterwards.
 */
export interface Cache<Value = unknown> {
  /** What it is called, for people and metrics. From a closed set. */
  readonly name: string;
  /** The value, if a fresh one is there. */
  get(key: string): Promise<Value | undefined>;
  /** The fresh values that are there, by key. */
  getMany(keys: readonly string[]): Promise<ReadonlyMap<string, Value>>;
  /** Keeps a value. A load that is under way does not overwrite it. */
  set(key: string, value: Value, options?: EntryOptions): Promise<void>;
  /** Keeps many values. */
  setMany(entries: Iterable<readonly [string, Value]>, options?: EntryOptions): Promise<void>;
  /** Forgets a key, also what a load under way would have kept. Says whether there was anything to forget. */
  delete(key: string): Promise<boolean>;
  /** Forgets keys; says how many were there. */
  deleteMany(keys: readonly string[]): Promise<number>;
  /** Whether a fresh value is there. Counts as neither hit nor miss. */
  exists(key: string): Promise<boolean>;
  /**
   * Forgets every key that a pattern matches: `*` any text, `?` one character, `[abc]` one of them, `\` takes the next
   * character as it is. Without a pattern, everything. Never touches another namespace. Says how many keys that was.
   */
  clear(pattern?: string): Promise<number>;
  /** Adds to a whole number, in one step for all processes; what is not there counts as 0. Gives the sum. */
  increment(key: string, by?: number, lifetime?: Pick<EntryLifetime, 'ttlMs'>): Promise<number>;
  /** Lets an entry be fresh for so many milliseconds from now on; says whether it is there. */
  expire(key: string, ttlMs: number): Promise<boolean>;
  /** Forgets every entry with this tag. */
  deleteByTag(tag: string): Promise<void>;
  /** Makes every entry with this tag stale: it may still stand in when its loader fails. */
  expireByTag(tag: string): Promise<void>;
  /** The value that is there, or else what the loader gives: it runs once for any number of callers. */
  getOrSet(key: string, loader: Loader<Value>, options?: LoadOptions): Promise<Value>;
  /** As {@link getOrSet}, and says how it came by the value. */
  load(key: string, loader: Loader<Value>, options?: LoadOptions): Promise<Loaded<Value>>;
  /** The keys that are there, in no order; what comes or goes meanwhile may be missed, or be stale. */
  keys(): AsyncIterableIterator<string>;
  /** What was counted since the cache was made. */
  stats(): CacheStats;
}

/** What a guard of `plinth/pipeline` needs of a cache: `MemoryCache`, `HybridCache` and namespaces of a `CacheManager` have it. */
export interface LoadingCache<Value> {
  /** What it is called, for people and metrics. */
  readonly name: string;
  /** How many entries it keeps in memory. */
  readonly maxEntries: number;
  /** How long an entry is fresh unless it says otherwise, in milliseconds. */
  readonly ttlMs: number;
  /** How long after that it may stand in, in milliseconds. */
  readonly staleMs: number;
  /** The value with its age, if a fresh one is in memory; it counts as a hit. What is not there counts as nothing. */
  hit(key: string): Loaded<Value> | undefined;
  /** The value that is there, or else what the loader gives, and how it was come by. */
  load(key: string, loader: Loader<Value>, options?: LoadOptions): Promise<Loaded<Value>>;
  /** The value with its age, if one is in memory that is past its freshness and may still stand in. */
  older(key: string): Loaded<Value> | undefined;
  /** Whether a load of this key is under way in this process. */
  isLoading(key: string): boolean;
}
