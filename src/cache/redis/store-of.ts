import type { RedisConnection } from '../../redis/index.ts';
import type { CacheStore } from '../cache-store.ts';
import { RedisCacheStore } from './redis-cache-store.ts';

/** The store that a cache was given, or the one on the Redis that it was given. */
export function storeOf(place: {
  readonly redis?: RedisConnection | undefined;
  readonly store?: CacheStore | undefined;
}): CacheStore {
  return place.store ?? new RedisCacheStore({ redis: place.redis as RedisConnection, keyPrefix: '' });
}
