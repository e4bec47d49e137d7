import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { HybridCache } from 'plinth/cache';
import { RedisConnection } from 'plinth/redis';

/** A cache under test, in one process. */
export interface CoherenceSubject {
  read(key: string, load: () => Promise<number>): Promise<number | undefined>;
  /** Says whether the store has learned of it. */
  set(key: string, version: number): Promise<boolean>;
  /** Says whether the store has learned of it. */
  delete(key: string): Promise<boolean>;
  /** What it says of itself at the end. */
  state(): { readonly memoryHits: number };
}

/** What another program has to delete so that this cache's entry is gone. */
export function storeKey(kind: string, key: string): string {
  return kind === 'plinth' ? `cache:coherence:${key}` : `bentocache:${key}`;
}

/** Opens one: ours, or bentocache with its bus, whose memory keeps entries for five minutes as ours does. */
export async function openSubject(kind: string, url: string): Promise<CoherenceSubject> {
  return kind === 'plinth' ? openPlinth(url) : openBentocache(url);
}

async function openPlinth(url: string): Promise<CoherenceSubject> {
  const redis = new RedisConnection({ url });
  await redis.connect();
  const cache = new HybridCache<number>({ redis, namespace: 'coherence', maxStalenessMs: 1_000 });
  return {
    read: (key, load) => (key.startsWith('loaded') ? cache.getOrSet(key, load) : cache.get(key)),
    async set(key, version) {
      await cache.set(key, version);
      return !cache.degraded;
    },
    async delete(key) {
      await cache.delete(key);
      return !cache.degraded;
    },
    state: () => {
      const { hits: memoryHits, storeHits, misses, loads } = cache.stats();
      return { ...cache.coherence, degraded: cache.degraded, memoryHits, storeHits, misses, loads };
    },
  };
}

/**
 * As its manual has it: memory in front of Redis, the bus with its queue of messages that could not be sent, errors of
 * Redis suppressed. What had to be set:
 *
 * - `commandTimeout` and no queue in the connection of the entries, so that a command to a silent Redis ends, after the
 *   same 100 ms as ours;
 * - nothing else: in particular errors stay suppressed, because otherwise an error while its lock of a key is held leaves
 *   the key locked for ever, and every `getOrSet` of it waits for ever.
 *
 * The connections of its bus are as ioredis makes them by default: they connect again, and send what was not sent.
 */
async function openBentocache(url: string): Promise<CoherenceSubject> {
  const load = createRequire(new URL('../../bench/peers/package.json', import.meta.url));
  const [{ BentoCache, bentostore }, { memoryDriver }, { redisDriver, redisBusDriver }, { Redis }] = await Promise.all([
    import(load.resolve('bentocache')),
    import(load.resolve('bentocache/drivers/memory')),
    import(load.resolve('bentocache/drivers/redis')),
    import(load.resolve('ioredis')),
  ]);
  const connection = new Redis(url, { commandTimeout: 100, maxRetriesPerRequest: 1, enableOfflineQueue: false });
  connection.on('error', () => {});
  await once(connection, 'ready');
  // Errors are suppressed, and a change of which the store has not learned counts as one that nobody can know of.
  const changes = new AsyncLocalStorage<{ isTold: boolean }>();
  const bento = new BentoCache({
    default: 'all',
    async internalOperationWrapper(operation: () => unknown) {
      try {
        return await operation();
      } catch (error) {
        const change = changes.getStore();
        if (change !== undefined) change.isTold = false;
        throw error;
      }
    },
    stores: {
      all: bentostore()
        .useL1Layer(memoryDriver({ maxItems: 1_000 }))
        .useL2Layer(redisDriver({ connection }))
        .useBus(redisBusDriver({ connection: { host: '127.0.0.1', port: Number(new URL(url).port) } })),
    },
  });
  let memoryHits = 0;
  bento.on('cache:hit', ({ layer }: { layer: string }) => {
    if (layer === 'l1') memoryHits += 1;
  });
  const told = (change: () => Promise<unknown>): Promise<boolean> => {
    const outcome = { isTold: true };
    return changes.run(outcome, async () => {
      await change();
      return outcome.isTold;
    });
  };
  return {
    read: (key, factory) =>
      key.startsWith('loaded') ? bento.getOrSet({ key, factory, ttl: '5m' }) : bento.get({ key }),
    set: (key, value) => told(() => bento.set({ key, value, ttl: '5m' })),
    delete: key => told(() => bento.delete({ key })),
    state: () => ({ memoryHits }),
  };
}
