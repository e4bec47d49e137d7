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

export const question = 'What does a hit cost when the caller awaits only what is a promise?';
export const limit = 'bare Map.get';

const keys = Array.from({ length: 1_000 }, (_, index) => `user:${index}`);

/** Reads the keys one after the other, awaits promises only, and adds up what comes. */
function reading(
  read: (key: string, index: number) => number | undefined | Promise<number | undefined>,
): CallCandidate {
  return {
    async check() {
      for (const [index, key] of keys.entries()) strictEqual(await read(key, index), index);
    },
    async run(count) {
      let sum = 0;
      for (let index = 0; index < count; index += 1) {
        const which = index % keys.length;
        const given = read(keys[which] ?? '', which);
        sum += (typeof given === 'number' ? given : await given) ?? Number.NaN;
      }
      return sum;
    },
  };
}

function readingMap(): CallCandidate {
  const map = new Map(keys.map((key, index) => [key, index]));
  return reading(key => map.get(key));
}

function readingLru(): CallCandidate {
  const { LRUCache } = peer<LruCacheModule>('lru-cache');
  const fetchMethod = async (key: string): Promise<number> => keys.indexOf(key);
  const cache = new LRUCache({ max: 10_000, ttl: 3_600_000, fetchMethod });
  return reading(key => cache.fetch(key));
}

function readingCache(): CallCandidate {
  const cache = new MemoryCache<number>({ maxEntries: 10_000 });
  const load: Loader<number> = async ({ key }) => keys.indexOf(key);
  return reading(key => cache.valueOrPromise(key, load));
}

/** Every candidate is measured in a process of its own. */
export const candidates: Readonly<Record<string, Candidate>> = {
  [limit]: readingMap(),
  'plinth MemoryCache.valueOrPromise': readingCache(),
  'lru-cache fetch, with TTL': readingLru(),
};
