import { describe, expect, it } from 'vitest';
import { CacheError } from '../../errors/index.ts';
import { VirtualClock } from '../../testing/index.ts';
import { MemoryCache } from '../memory-cache.ts';
import { KeyvCacheStore } from './keyv-store.ts';

describe('KeyvCacheStore', () => {
  it('keeps values as long as it is told, or as long as the cache does', async () => {
    const clock = new VirtualClock();
    const store = new KeyvCacheStore(new MemoryCache<unknown>({ clock, ttlMs: 5_000 }));
    await store.set('brief', 1, 1_000);
    await store.setMany([
      { key: 'plain', value: 2 },
      { key: 'long', value: 3, ttl: 9_000 },
    ]);
    expect(await store.getMany(['brief', 'plain', 'none', 'long'])).toEqual([1, 2, undefined, 3]);
    await clock.advance(2_000);
    expect(await store.hasMany(['brief', 'plain', 'long'])).toEqual([false, true, true]);
    await clock.advance(4_000);
    expect(await store.getMany(['brief', 'plain', 'long'])).toEqual([undefined, undefined, 3]);
  });

  it('forgets a key whose lifetime is over when it is set', async () => {
    const store = new KeyvCacheStore(new MemoryCache<unknown>());
    await store.set('a', 1);
    await store.set('a', 2, -1);
    expect(await store.get('a')).toBeUndefined();
  });

  it('says what was there when it forgets', async () => {
    const store = new KeyvCacheStore(new MemoryCache<unknown>());
    await store.set('a', 1);
    await store.set('b', 1);
    await store.set('c', 1);
    expect([await store.delete('a'), await store.delete('a')]).toEqual([true, false]);
    expect([await store.deleteMany(['b', 'c', 'b']), await store.deleteMany(['b', 'x'])]).toEqual([true, false]);
    expect(await store.deleteMany([])).toBe(true);
  });

  it('clears its namespace and nothing else, whatever characters are in it', async () => {
    const cache = new MemoryCache<unknown>();
    const store = new KeyvCacheStore(cache, { keyPrefix: 'k[a]*:' });
    const others = ['n*:1', 'k[a]*:nx:1', 'ka:n*:1', 'k[a]x:n*:1'];
    for (const key of others) cache.set(key, 1);
    await store.set('n*:1', 1);
    await store.set('n*:2', 1);
    store.namespace = 'n*';
    await store.clear();
    expect(await store.hasMany(['n*:1', 'n*:2'])).toEqual([false, false]);
    expect(others.filter(key => cache.has(key))).toEqual(others);
    store.namespace = undefined;
    await store.clear();
    expect(others.filter(key => cache.has(key))).toEqual(['n*:1', 'ka:n*:1', 'k[a]x:n*:1']);
  });

  it('clears everything without prefix and namespace', async () => {
    const cache = new MemoryCache<unknown>();
    cache.set('a', 1);
    await new KeyvCacheStore(cache).clear();
    expect(cache.has('a')).toBe(false);
  });

  it('goes through the entries of its namespace', async () => {
    const cache = new MemoryCache<unknown>();
    const store = new KeyvCacheStore(cache, { keyPrefix: 'p:' });
    cache.set('n:1', 'foreign');
    await store.set('n:1', 1);
    await store.set('n:2', 2);
    await store.set('m:1', 3);
    const seen: unknown[] = [];
    for await (const entry of store.iterator?.('n') ?? []) seen.push(entry);
    expect(seen.sort()).toEqual([
      ['n:1', 1],
      ['n:2', 2],
    ]);
  });

  it('has no iterator where the cache cannot say its keys', () => {
    const cache = { get: async () => 1 } as unknown as ConstructorParameters<typeof KeyvCacheStore>[0];
    expect('iterator' in new KeyvCacheStore(cache)).toBe(false);
  });

  it('tells those who listen that a read has failed, about which Keyv is silent', async () => {
    const error = new CacheError('Away');
    const cache = { get: () => Promise.reject(error) } as unknown as ConstructorParameters<typeof KeyvCacheStore>[0];
    const heard: unknown[] = [];
    const store = new KeyvCacheStore(cache).on('error', told => heard.push(told)).on('other', () => heard.push('x'));
    await expect(store.get('a')).rejects.toBe(error);
    expect(heard).toEqual([error]);
  });
});
