import { requireDuration } from '../kernel/index.ts';
import type { RedisConnection } from '../redis/index.ts';
import type { CacheStore } from './cache-store.ts';
import { storeOf } from './redis/store-of.ts';
import { TieredCache } from './tiered-cache.ts';
import { type TieredOptions, tieredParts } from './tiered-options.ts';

/** Where a cache keeps what processes share: on a Redis, or in a store of one's own. */
export type StorePlace =
  | { readonly redis: RedisConnection; readonly store?: undefined }
  | { readonly store: CacheStore; readonly redis?: undefined };

/** The numbers of a {@link HybridCache}; `maxEntries` is 100 and `ttlMs` is a day by default. */
export interface HybridCacheNumbers<Value> extends TieredOptions<Value> {
  /** How long an entry is fresh in memory at most, in milliseconds. @default 300_000 */
  readonly memoryTtlMs?: number | undefined;
}

/** How to make a {@link HybridCache}. */
export type HybridCacheOptions<Value> = HybridCacheNumbers<Value> & StorePlace;

/**
 * A cache in the memory of the process, in front of one that processes share. A hit in memory costs no trip; a change by
 * anybody, be it `redis-cli`, is heard of and seen, at the latest after `maxStalenessMs`. Without Redis it goes on in
 * memory, in the state `degraded`.
 *
 * The connection or store remains the caller's to close.
 *
 * @example
 * const users = new HybridCache<User>({ redis, namespace: 'users', ttlMs: 60_000, staleMs: 600_000, lease: true });
 * const user = await users.getOrSet(id, ({ key, signal }) => loadUser(key, signal), { tags: ['users'] });
 */
export class HybridCache<Value = unknown> extends TieredCache<Value> {
  /** @throws {ArgumentError} that names the option, its value and what was expected. */
  constructor(options: HybridCacheOptions<Value>) {
    const memoryTtlMs = requireDuration('memoryTtlMs', options.memoryTtlMs ?? 300_000, 1);
    super(
      tieredParts(storeOf(options), options, {
        name: 'hybrid',
        maxEntries: 100,
        ttlMs: 86_400_000,
        memoryTtlMs,
        memoryServes: 'always',
      }),
    );
  }
}
