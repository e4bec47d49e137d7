import { strictEqual } from 'node:assert/strict';
import { type Loader, MemoryCache } from 'plinth/cache';
import { peer } from '../peers.ts';
import type { CallCandidate, Candidate } from '../question.ts';

interface LruCacheModule {
  readonly LRUCache: new (options: {
    max: number;
    ttl: number;
    fetchMethod: (key: string) => Promise<number>;
  }) => { fetch(key: string): Promise<number | undefined> };
}
interface CacheableModule {
  readonly Cacheable: new (
    options?: object,
  ) => {
    getOrSet(key: string, load: () => Promise<number>): Promise<number | undefined>;
  };
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

export const question = 'What do 1,000 misses of one key at the same time cost, with a loader that takes 3 ms?';
export const limit = 'bare Map of promises';

const callers = 1_000;
let calls = 0;

async function load(): Promise<number> {
  calls += 1;
  await new Promise(resolve => setTimeout(resolve, 3));
  return 1;
}

/** Every time another key is asked for by all callers at once; one operation is one such stampede. */
function stampeding(ask: (key: string) => Promise<number | undefined>): CallCandidate {
  let turn = 0;
  const run = async (): Promise<number> => {
    turn += 1;
    const key = `key:${turn}`;
    const values = await Promise.all(Array.from({ length: callers }, () => ask(key)));
    return values.reduce<number>((sum, value) => sum + (value ?? Number.NaN), 0);
  };
  return {
    async check() {
      calls = 0;
      strictEqual(await run(), callers);
      strictEqual(calls, 1);
    },
    async run(count) {
      let sum = 0;
      for (let done = 0; done < count; done += 1) sum += await run();
      return sum;
    },
  };
}

function bare(): CallCandidate {
  const values = new Map<string, number>();
  const loading = new Map<string, Promise<number>>();
  const fill = async (key: string): Promise<number> => {
    try {
      const value = await load();
      values.set(key, value);
      return value;
    } finally {
      loading.delete(key);
    }
  };
  return stampeding(async key => {
    const value = values.get(key);
    if (value !== undefined) return value;
    let promise = loading.get(key);
    if (promise === undefined) {
      promise = fill(key);
      loading.set(key, promise);
    }
    return promise;
  });
}

function withPlinth(): CallCandidate {
  const cache = new MemoryCache<number>({ maxEntries: 10_000 });
  const loader: Loader<number> = () => load();
  return stampeding(key => cache.getOrSet(key, loader));
}

function withLru(): CallCandidate {
  const { LRUCache } = peer<LruCacheModule>('lru-cache');
  const cache = new LRUCache({ max: 10_000, ttl: 3_600_000, fetchMethod: load });
  return stampeding(key => cache.fetch(key));
}

function withCacheable(): CallCandidate {
  const { Cacheable } = peer<CacheableModule>('cacheable');
  const cache = new Cacheable();
  return stampeding(key => cache.getOrSet(key, load));
}

function withBento(): CallCandidate {
  const { BentoCache, bentostore } = peer<BentoModule>('bentocache');
  const { memoryDriver } = peer<BentoMemoryModule>('bentocache/drivers/memory');
  const store = bentostore().useL1Layer(memoryDriver({ maxItems: 10_000 }));
  const cache = new BentoCache({ default: 'memory', ttl: '1h', stores: { memory: store } });
  return stampeding(key => cache.getOrSet({ key, factory: load }));
}

/** Every candidate is measured in a process of its own. */
export const candidates: Readonly<Record<string, Candidate>> = {
  [limit]: bare(),
  'plinth MemoryCache.getOrSet': withPlinth(),
  'lru-cache fetch': withLru(),
  'cacheable getOrSet': withCacheable(),
  'bentocache getOrSet': withBento(),
};
