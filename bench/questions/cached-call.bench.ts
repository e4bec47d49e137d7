import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { MemoryCache } from 'plinth/cache';
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

export const question = 'What does a hit cost, awaited, when the value is in memory?';
export const limit = 'Map and await';

const keys = Array.from({ length: 1_000 }, (_, index) => `user:${index}`);
const hourMs = 3_600_000;

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
    fetchMethod: async key => Number(key.slice('user:'.length)),
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
  if (how === 'getOrSet') return reading((key, index) => cache.getOrSet(key, async () => index));
  return reading(async (key, index) => (await cache.load(key, async () => index)).value);
}

/** Every candidate is measured in a process of its own. */
export const candidates: Readonly<Record<string, Candidate>> = {
  'Map and await': readingMap(),
  'async function over Map': readingAsyncMap(),
  'lru-cache fetch': readingLru(),
  'lru-cache fetch, with TTL': readingLru(hourMs),
  'plinth MemoryCache.getOrSet': readingCache('getOrSet'),
  'plinth MemoryCache.load': readingCache('load'),
  'plinth guard, cache hit': readingGuard(false),
  'plinth guard, cache hit, with a CallLog': readingGuard(true),
};
