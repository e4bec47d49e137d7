export { RedisCache, type RedisCacheOptions } from './redis-cache.ts';
export { RedisCacheStore, type RedisCacheStoreOptions } from './redis-cache-store.ts';
export { RedisChanges } from './redis-changes.ts';
