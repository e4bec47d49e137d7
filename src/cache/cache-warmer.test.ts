import { describe, expect, it } from 'vitest';
import { NetworkError } from '../errors/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { CacheWarmer } from './cache-warmer.ts';
import { MemoryCache } from './memory-cache.ts';

const keysOf = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `drug:${index}`);

describe('CacheWarmer', () => {
  it('loads what is not there, and leaves what is fresh', async () => {
    const cache = new MemoryCache<string>();
    cache.set('drug:1', 'old');
    const warmer = new CacheWarmer({ cache, load: async ({ key }) => `new ${key}` });
    expect(await warmer.warm(keysOf(3))).toMatchObject({ loaded: 2, present: 1, failed: [], stopped: false });
    expect(keysOf(3).map(key => cache.get(key))).toEqual(['new drug:0', 'old', 'new drug:2']);
  });

  it('goes on after a failure, and says which key it was', async () => {
    const cache = new MemoryCache<string>();
    const error = new NetworkError('No route');
    const load = async ({ key }: { key: string }): Promise<string> => {
      if (key === 'drug:1') throw error;
      return key;
    };
    const result = await new CacheWarmer({ cache, load, concurrency: 1 }).warm(keysOf(3));
    expect(result).toMatchObject({ loaded: 2, present: 0, failed: [{ key: 'drug:1', error }] });
  });

  it('counts an older value that covers for a failure as a failure', async () => {
    const clock = new VirtualClock();
    const cache = new MemoryCache<string>({ clock, ttlMs: 1_000, staleMs: 1_000_000 });
    cache.set('drug:0', 'older');
    await clock.advance(2_000);
    const error = new NetworkError('No route');
    const result = await new CacheWarmer({ cache, load: async () => Promise.reject(error), clock }).warm(keysOf(1));
    expect(result).toMatchObject({ loaded: 0, present: 0, failed: [{ key: 'drug:0', error }] });
  });

  it('loads so many at the same time and not more, and says how long it took', async () => {
    const clock = new VirtualClock();
    const cache = new MemoryCache<string>({ clock });
    let running = 0;
    let most = 0;
    const load = async ({ key }: { key: string }): Promise<string> => {
      running += 1;
      most = Math.max(most, running);
      await clock.sleep(100);
      running -= 1;
      return key;
    };
    const warming = new CacheWarmer({ cache, load, concurrency: 4, clock }).warm(keysOf(10));
    await clock.advance(1_000);
    expect(await warming).toMatchObject({ loaded: 10, durationMs: 300 });
    expect(most).toBe(4);
  });

  it('stops at the signal: begins no further key, aborts those under way, and says what was done', async () => {
    const clock = new VirtualClock();
    const cache = new MemoryCache<string>({ clock });
    const stop = new AbortController();
    const aborted: string[] = [];
    const load = async ({ key, signal }: { key: string; signal: AbortSignal }): Promise<string> => {
      signal.addEventListener('abort', () => aborted.push(key));
      await clock.sleep(100, signal);
      return key;
    };
    const warming = new CacheWarmer({ cache, load, concurrency: 2, clock }).warm(keysOf(10), { signal: stop.signal });
    await clock.advance(250);
    stop.abort();
    expect(await warming).toMatchObject({ loaded: 4, present: 0, failed: [], stopped: true });
    expect(aborted).toEqual(['drug:4', 'drug:5']);
  });

  it('does nothing with a signal that was aborted before', async () => {
    const cache = new MemoryCache<string>();
    const warmer = new CacheWarmer({ cache, load: async ({ key }) => key });
    const result = await warmer.warm(keysOf(3), { signal: AbortSignal.abort() });
    expect(result).toMatchObject({ loaded: 0, stopped: true });
    expect(cache.stats().entries).toBe(0);
  });

  it('takes keys as they come', async () => {
    const cache = new MemoryCache<string>();
    async function* arriving(): AsyncGenerator<string> {
      for (const key of keysOf(25)) yield key;
    }
    const result = await new CacheWarmer({ cache, load: async ({ key }) => key }).warm(arriving());
    expect(result.loaded).toBe(25);
  });

  it('keeps lifetime and tags for each key', async () => {
    const clock = new VirtualClock();
    const cache = new MemoryCache<string>({ clock });
    const warmer = new CacheWarmer({ cache, load: async ({ key }) => key, ttlMs: 50, tags: ['drugs'] });
    await warmer.warm(keysOf(2));
    cache.deleteByTag('drugs');
    expect(cache.get('drug:0')).toBeUndefined();
    await warmer.warm(keysOf(2));
    expect(cache.get('drug:0')).toBe('drug:0');
    await clock.advance(60);
    expect(cache.get('drug:0')).toBeUndefined();
  });

  it.each([{ concurrency: 0 }, { concurrency: 1.5 }, { ttlMs: -1 }, { ttlMs: Number.NaN }, { tags: [''] }])(
    'refuses %j',
    options => {
      const cache = new MemoryCache<string>();
      expect(() => new CacheWarmer({ cache, load: async ({ key }) => key, ...options })).toThrow(/^Cannot use/);
    },
  );
});
