import type { EntryOptions, Loaded, Loader, LoadOptions } from './entry-options.ts';

/**
 * What all caches have in common, whether they answer at once or have to ask a store: `MemoryCache`, and every `Cache`.
 * What stands on top of a cache takes any of them.
 */
export interface AnyCache {
  get(key: string): unknown;
  getMany(keys: readonly string[]): ReadonlyMap<string, unknown> | Promise<ReadonlyMap<string, unknown>>;
  set(key: string, value: unknown, options?: EntryOptions): unknown;
  delete(key: string): boolean | Promise<boolean>;
  deleteMany(keys: readonly string[]): number | Promise<number>;
  clear(pattern?: string): number | Promise<number>;
  getOrSet(key: string, loader: Loader<unknown>, options?: LoadOptions): Promise<unknown>;
  load(key: string, loader: Loader<unknown>, options?: LoadOptions): Promise<Loaded<unknown>>;
  /** As `getOrSet`, where what is in memory can be given at once. */
  valueOrPromise?(key: string, loader: Loader<unknown>, options?: LoadOptions): unknown;
  /** Whether a fresh value is there, where that is known at once. */
  has?(key: string): boolean;
  /** Whether a fresh value is there. */
  exists?(key: string): Promise<boolean>;
  /** The keys that are there, where the cache can tell. */
  keys?(): Iterable<string> | AsyncIterable<string>;
}
