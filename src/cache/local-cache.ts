import type { EventSource } from '../kernel/index.ts';
import type { Cache, LoadingCache } from './cache.ts';
import type { EntryLifetime, EntryOptions, Loaded, Loader, LoadOptions } from './entry-options.ts';
import type { CacheEvents } from './events.ts';
import type { MemoryCache } from './memory-cache.ts';
import type { CacheStats } from './stats.ts';

/** A cache in memory, with the verbs of one that may have to ask a store. */
export class LocalCache<Value> implements Cache<Value>, LoadingCache<Value> {
  /** The cache itself. */
  readonly memory: MemoryCache<Value>;

  constructor(memory: MemoryCache<Value>) {
    this.memory = memory;
  }

  get name(): string {
    return this.memory.name;
  }

  get maxEntries(): number {
    return this.memory.maxEntries;
  }

  get ttlMs(): number {
    return this.memory.ttlMs;
  }

  get staleMs(): number {
    return this.memory.staleMs;
  }

  /** What there is to listen to. */
  get events(): EventSource<CacheEvents> {
    return this.memory.events;
  }

  async get(key: string): Promise<Value | undefined> {
    return this.memory.get(key);
  }

  async getMany(keys: readonly string[]): Promise<ReadonlyMap<string, Value>> {
    return this.memory.getMany(keys);
  }

  async set(key: string, value: Value, options?: EntryOptions): Promise<void> {
    this.memory.set(key, value, options);
  }

  async setMany(entries: Iterable<readonly [string, Value]>, options?: EntryOptions): Promise<void> {
    this.memory.setMany(entries, options);
  }

  async delete(key: string): Promise<boolean> {
    return this.memory.delete(key);
  }

  async deleteMany(keys: readonly string[]): Promise<number> {
    return this.memory.deleteMany(keys);
  }

  async exists(key: string): Promise<boolean> {
    return this.memory.has(key);
  }

  async clear(pattern?: string): Promise<number> {
    return this.memory.clear(pattern);
  }

  async increment(key: string, by?: number, lifetime?: Pick<EntryLifetime, 'ttlMs'>): Promise<number> {
    return this.memory.increment(key, by, lifetime);
  }

  async expire(key: string, ttlMs: number): Promise<boolean> {
    return this.memory.expire(key, ttlMs);
  }

  async deleteByTag(tag: string): Promise<void> {
    this.memory.deleteByTag(tag);
  }

  async expireByTag(tag: string): Promise<void> {
    this.memory.expireByTag(tag);
  }

  getOrSet(key: string, loader: Loader<Value>, options?: LoadOptions): Promise<Value> {
    return this.memory.getOrSet(key, loader, options);
  }

  valueOrPromise(key: string, loader: Loader<Value>, options?: LoadOptions): Value | Promise<Value> {
    return this.memory.valueOrPromise(key, loader, options);
  }

  load(key: string, loader: Loader<Value>, options?: LoadOptions): Promise<Loaded<Value>> {
    return this.memory.load(key, loader, options);
  }

  hit(key: string): Loaded<Value> | undefined {
    return this.memory.hit(key);
  }

  older(key: string): Loaded<Value> | undefined {
    return this.memory.older(key);
  }

  isLoading(key: string): boolean {
    return this.memory.isLoading(key);
  }

  async *keys(): AsyncIterableIterator<string> {
    yield* this.memory.keys();
  }

  stats(): CacheStats {
    return this.memory.stats();
  }
}
