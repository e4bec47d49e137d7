export {
  type CacheStats,
  type EntryLifetime,
  type Loaded,
  type LoadOptions,
  MemoryCache,
  type MemoryCacheOptions,
} from './memory-cache.ts';
