import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { type Loader, MemoryCache } from 'plinth/cache';
import { CallLog, pipeline } from 'plinth/pipeline';
import { peer } from '../peers.ts';
import type { CallCandidate, Candidate } from '../question.ts';

interface LruCacheModule {
  readonly LRUCache: new (options: {
    max: number;
    ttl?: number;
    fetchMethod: (key: string) => Promise<number>;
  }) => { fetch(key: string): Promise<number | undefined>; get(key: string): number | undefined };
}

interface DedupeModule {
  readonly createCache: (options: object) => {
    define(name: string, load: (key: string) => Promise<number>): { read(key: string): Promise<number> };
  };
}
interface CacheableModule {
  readonly Cacheable: new (
    options: object,
  ) => {
    getOrSet(key: string, load: () => Promise<number>): Promise<number | undefined>;
  };
  readonly CacheableMemory: new (options: object) => object;
}
interface BentoModule {
  readonly BentoCache: new (
    options: object,
  ) => {
    getOrSet(options: { key: string; factory: () => Promise<number> }): Promise<number>;
  };
  readonly bentostore: () => { useL1Layer(driver: object): object };
}
interface BentoMemoryModule {
  readonly memoryDriver: (options: object) => object;
}

export const question = 'What does a hit cost, awaited, when the value is in memory?';
export const limit = 'Map and await';

const keys = Array.from({ length: 1_000 }, (_, index) => `user:${index}`);
const hourMs = 3_600_000;

const numberOf = (key: string): number => Number(key.slice('user:'.length));

/** Reads the keys one after the other, and adds up what comes. */
function reading(read: (key: string, index: number) => Promise<number | undefined>): CallCandidate {
  return {
    async check() {
      for (const [index, key] of keys.entries()) strictEqual(await read(key, index), index);
      const all = await Promise.all(keys.map(read));
      deepStrictEqual(all, [...keys.keys()]);
    },
    async run(count) {
      let sum = 0;
      for (let index = 0; index < count; index += 1) {
        const which = index % keys.length;
        sum += (await read(keys[which] ?? '', which)) ?? Number.NaN;
      }
      return sum;
    },
  };
}

function readingMap(): CallCandidate {
  const map = new Map(keys.map((key, index) => [key, index]));
  return {
    check: () => strictEqual(map.get('user:7'), 7),
    async run(count) {
      let sum = 0;
      for (let index = 0; index < count; index += 1) {
        sum += (await map.get(keys[index % keys.length] ?? '')) ?? Number.NaN;
      }
      return sum;
    },
  };
}

function readingAsyncMap(): CallCandidate {
  const map = new Map(keys.map((key, index) => [key, index]));
  return reading(async key => map.get(key));
}

function readingLru(ttl?: number): CallCandidate {
  const { LRUCache } = peer<LruCacheModule>('lru-cache');
  const cache = new LRUCache({
    max: 10_000,
    ...(ttl === undefined ? {} : { ttl }),
    fetchMethod: async key => numberOf(key),
  });
  return reading(key => cache.fetch(key));
}

function readingGuard(listened: boolean): CallCandidate {
  const guard = pipeline('users')
    .cache(new MemoryCache({ maxEntries: 10_000, ttlMs: hourMs }))
    .build();
  if (listened) new CallLog().observe(guard.events);
  return reading(async (key, index) => {
    const outcome = await guard.execute({ operation: 'users.read', key }, async () => index);
    return outcome.value;
  });
}

function readingCache(how: 'getOrSet' | 'load'): CallCandidate {
  const cache = new MemoryCache<number>({ maxEntries: 10_000, ttlMs: hourMs });
  const load: Loader<number> = async ({ key }) => numberOf(key);
  if (how === 'getOrSet') return reading(key => cache.getOrSet(key, load));
  return reading(async key => (await cache.load(key, load)).value);
}

function readingDedupe(): CallCandidate {
  const { createCache } = peer<DedupeModule>('async-cache-dedupe');
  const cache = createCache({ ttl: hourMs / 1_000, storage: { type: 'memory', options: { size: 10_000 } } });
  const { read } = cache.define('read', async key => numberOf(key));
  return reading(key => read(key));
}

function readingCacheable(): CallCandidate {
  const { Cacheable, CacheableMemory } = peer<CacheableModule>('cacheable');
  const cache = new Cacheable({ primary: new CacheableMemory({ lruSize: 10_000, ttl: hourMs }) });
  return reading(key => cache.getOrSet(key, async () => numberOf(key)));
}

function readingBento(): CallCandidate {
  const { BentoCache, bentostore } = peer<BentoModule>('bentocache');
  const { memoryDriver } = peer<BentoMemoryModule>('bentocache/drivers/memory');
  const store = bentostore().useL1Layer(memoryDriver({ maxItems: 10_000 }));
  const cache = new BentoCache({ default: 'memory', ttl: '1h', stores: { memory: store } });
  return reading(key => cache.getOrSet({ key, factory: async () => numberOf(key) }));
}

/** Every candidate is measured in a process of its own. */
export const candidates: Readonly<Record<string, Candidate>> = {
  'Map and await': readingMap(),
  'async function over Map': readingAsyncMap(),
  'lru-cache fetch': readingLru(),
  'lru-cache fetch, with TTL': readingLru(hourMs),
  'plinth MemoryCache.getOrSet': readingCache('getOrSet'),
  'plinth MemoryCache.load': readingCache('load'),
  'async-cache-dedupe': readingDedupe(),
  'cacheable getOrSet': readingCacheable(),
  'bentocache getOrSet': readingBento(),
  'plinth guard, cache hit': readingGuard(false),
  'plinth guard, cache hit, with a CallLog': readingGuard(true),
};
