import { strictEqual } from 'node:assert/strict';
import { MemoryCache } from 'plinth/cache';
import { peer } from './peers.ts';
import type { CallCandidate } from './question.ts';
import { zipfIndices } from './zipf.ts';

/** What all synchronous caches have in common. */
export interface SyncCache {
  get(key: string): number | undefined;
  set(key: string, value: number): unknown;
}

interface LruCacheModule {
  readonly LRUCache: new (options: { max: number; ttl?: number }) => SyncCache;
}
interface TtlCacheModule {
  readonly TTLCache: new (options: { max: number; ttl: number }) => SyncCache;
}
interface SieveCacheModule {
  readonly SieveCache: new (size: number) => SyncCache;
}
interface QuickLruModule {
  readonly default: new (options: { maxSize: number; maxAge?: number }) => SyncCache;
}
interface CacheableModule {
  readonly CacheableMemory: new (options: { lruSize: number; ttl?: number }) => SyncCache;
}

/** How long everything is fresh where there are lifetimes: longer than any run. */
export const hourMs = 3_600_000;

/** Makes a cache of so many entries. */
export type MakeCache = (entries: number) => SyncCache;

/** A cache in a `Map` that looks at the clock, as it is written first. */
export class DeadlineMap implements SyncCache {
  readonly #entries = new Map<string, { readonly value: number; readonly deadline: number }>();

  get(key: string): number | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && entry.deadline > Date.now() ? entry.value : undefined;
  }

  set(key: string, value: number): void {
    this.#entries.set(key, { value, deadline: Date.now() + hourMs });
  }
}

/** Caches with a size. Ours has lifetimes and counts all the same; the peers do neither. */
export const boundedCaches: Readonly<Record<string, MakeCache>> = {
  'lru-cache': max => new (peer<LruCacheModule>('lru-cache').LRUCache)({ max }),
  'sieve-cache': max => new (peer<SieveCacheModule>('@neophi/sieve-cache').SieveCache)(max),
  'quick-lru': maxSize => new (peer<QuickLruModule>('quick-lru').default)({ maxSize }),
};

/** Caches with a size and lifetimes. */
export const lifetimeCaches: Readonly<Record<string, MakeCache>> = {
  'plinth MemoryCache': maxEntries => new MemoryCache<number>({ maxEntries }),
  'plinth MemoryCache, lru': maxEntries => new MemoryCache<number>({ maxEntries, evictionPolicy: 'lru' }),
  'lru-cache, with TTL': max => new (peer<LruCacheModule>('lru-cache').LRUCache)({ max, ttl: hourMs }),
  '@isaacs/ttlcache': max => new (peer<TtlCacheModule>('@isaacs/ttlcache').TTLCache)({ max, ttl: hourMs }),
  'quick-lru, with maxAge': maxSize => new (peer<QuickLruModule>('quick-lru').default)({ maxSize, maxAge: hourMs }),
  'cacheable CacheableMemory': lruSize =>
    new (peer<CacheableModule>('cacheable').CacheableMemory)({ lruSize, ttl: hourMs }),
};

/** Reads keys that are there, by Zipf's law; the cache is filled when it is checked, in the process that measures it. */
export function hitting(entries: number, make: MakeCache): CallCandidate {
  let cache: SyncCache = new Map<string, number>();
  let stream: string[] = [];
  return {
    check() {
      const keys = Array.from({ length: entries }, (_, index) => `user:${index}`);
      cache = make(entries);
      for (const [index, key] of keys.entries()) cache.set(key, index);
      for (const [index, key] of keys.entries()) strictEqual(cache.get(key), index);
      stream = Array.from(zipfIndices(entries, 0.99, 1 << 20), index => keys[index] as string);
    },
    run(count) {
      let sum = 0;
      for (let index = 0; index < count; index += 1) {
        sum += cache.get(stream[index & (stream.length - 1)] as string) ?? Number.NaN;
      }
      return sum;
    },
  };
}

/** Overwrites keys that are there, by Zipf's law. */
export function overwriting(entries: number, make: MakeCache): CallCandidate {
  let cache: SyncCache = new Map<string, number>();
  let stream: string[] = [];
  return {
    check() {
      const keys = Array.from({ length: entries }, (_, index) => `user:${index}`);
      cache = make(entries);
      for (const key of keys) cache.set(key, -1);
      for (const [index, key] of keys.entries()) cache.set(key, index);
      for (const [index, key] of keys.entries()) strictEqual(cache.get(key), index);
      stream = Array.from(zipfIndices(entries, 0.99, 1 << 20), index => keys[index] as string);
    },
    run(count) {
      for (let index = 0; index < count; index += 1) cache.set(stream[index & (stream.length - 1)] as string, index);
      return cache.get(stream[0] as string) ?? Number.NaN;
    },
  };
}

/** A map that holds so many entries, and forgets the one that was there first. */
export class FifoMap implements SyncCache {
  readonly #entries = new Map<string, number>();
  readonly #ring: string[] = [];
  readonly #maxEntries: number;
  #oldest = 0;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  get(key: string): number | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: number): void {
    if (this.#entries.size < this.#maxEntries) this.#ring.push(key);
    else {
      this.#entries.delete(this.#ring[this.#oldest] as string);
      this.#ring[this.#oldest] = key;
      this.#oldest = (this.#oldest + 1) % this.#maxEntries;
    }
    this.#entries.set(key, value);
  }
}

/** Puts in keys that are not there, each of which displaces another one. */
export function displacing(entries: number, make: MakeCache): CallCandidate {
  let cache: SyncCache = new Map<string, number>();
  let keys: string[] = [];
  let next = 0;
  return {
    check() {
      // So many that none is remembered when it comes again.
      keys = Array.from({ length: 1 << 18 }, (_, index) => `user:${index}`);
      cache = make(entries);
      for (const [index, key] of keys.entries()) cache.set(key, index);
      const there = keys.filter(key => cache.get(key) !== undefined).length;
      strictEqual(there > entries / 2 && there <= 2 * entries, true);
      strictEqual(cache.get(keys.at(-1) as string), keys.length - 1);
    },
    run(count) {
      for (let index = 0; index < count; index += 1) {
        cache.set(keys[next] as string, index);
        next = (next + 1) & (keys.length - 1);
      }
      return next;
    },
  };
}
