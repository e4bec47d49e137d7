export { runWithCache } from './ambient-cache.ts';
export type { AnyCache } from './any-cache.ts';
export type { Cache, LoadingCache } from './cache.ts';
export { cacheKey } from './cache-key.ts';
export {
  type CacheBackend,
  type CacheHealth,
  CacheManager,
  type CacheManagerEvents,
  type CacheManagerOptions,
  type NamespaceCache,
  type NamespaceOptions,
} from './cache-manager.ts';
export type { CacheStore, ChangeCoverage, ChangeListener, StoreChanges, StoredBytes } from './cache-store.ts';
export { CacheWarmer, type CacheWarmerOptions, type WarmedCache, type WarmingResult } from './cache-warmer.ts';
export {
  type AsyncMethod,
  type CachedDecorator,
  type CachedMethodDecorator,
  type CachedMethodOptions,
  cached,
} from './cached.ts';
export type { Cacheable, CachedFunction, CachedOptions, CacheSource } from './cached-function.ts';
export type { CacheCodec } from './codecs.ts';
export type {
  EntryLifetime,
  EntryOptions,
  LoadContext,
  Loaded,
  Loader,
  LoadOptions,
  LoadRules,
  OlderValue,
} from './entry-options.ts';
export type { CacheEvents, UnusableReason } from './events.ts';
export { HybridCache, type HybridCacheNumbers, type HybridCacheOptions, type StorePlace } from './hybrid-cache.ts';
export {
  type AdvisedCache,
  type LifetimeAdvice,
  LifetimeAdviser,
  type LifetimeAdviserOptions,
} from './lifetime-adviser.ts';
export { MemoryCache } from './memory-cache.ts';
export type { EvictionPolicyName, MemoryCacheOptions } from './memory-cache-options.ts';
export type { CacheCounts, CacheStats } from './stats.ts';
export { type CacheCoherence, TieredCache, type TieredCacheParts } from './tiered-cache.ts';
export type { MemoryTierOptions, StoreOptions, TieredOptions } from './tiered-options.ts';
