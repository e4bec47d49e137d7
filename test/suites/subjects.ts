import { type Cache, HybridCache, MemoryCache } from 'plinth/cache';
import { RedisCache } from 'plinth/cache/redis';
import { RedisConnection } from 'plinth/redis';
import { startRedis } from '../servers/redis.ts';

/** A cache that a suite is run on, empty. */
export interface SuiteSubject {
  readonly cache: Cache | MemoryCache<unknown>;
  close(): Promise<void>;
}

/** The kinds of caches, and whether they need a Redis. */
export const subjectKinds = [
  { kind: 'memory', needsRedis: false },
  { kind: 'redis', needsRedis: true },
  { kind: 'hybrid', needsRedis: true },
] as const;

/** Makes a cache of a kind; those that need one get a Redis of their own. */
export async function makeSubject(kind: (typeof subjectKinds)[number]['kind']): Promise<SuiteSubject> {
  if (kind === 'memory') return { cache: new MemoryCache<unknown>(), close: async () => {} };
  const server = await startRedis();
  const redis = new RedisConnection({ url: server.url, commandTimeoutMs: 1_000 });
  await redis.connect();
  const options = { redis, namespace: 'suite' };
  const cache = kind === 'redis' ? new RedisCache<unknown>(options) : new HybridCache<unknown>(options);
  return {
    cache,
    async close() {
      await cache.close();
      await redis.close();
      await server.dispose();
    },
  };
}
