import { describe, expect, it } from 'vitest';
import { CacheError } from '../errors/index.ts';
import type { MemoryCacheStore } from '../testing/index.ts';
import type { HybridCache } from './index.ts';
import { cluster } from './processes.fixture.ts';

describe('HybridCache whose store is away', () => {
  it('goes on in memory, for the bound at most, and tells the store afterwards what it missed', async () => {
    const { caches, stores, clock } = cluster({ maxStalenessMs: 1_000 });
    const [a, b] = caches as [HybridCache<string>, HybridCache<string>];
    const [store] = stores as [MemoryCacheStore];
    const told: string[] = [];
    a.events.on('degraded', ({ name }) => told.push(`${name} degraded`));
    a.events.on('recovered', ({ awayMs }) => told.push(`recovered after ${awayMs}`));
    await a.set('k', 'older');
    await a.set('gone', 'older');
    await b.get('k');
    store.health = 'refusing';
    store.changes.drop();
    await a.set('k', 'newer');
    expect([await a.get('k'), await a.delete('gone'), a.degraded, b.degraded]).toEqual(['newer', true, true, false]);
    expect(await a.getOrSet('loaded', async () => 'v')).toBe('v');
    await clock.advance(899);
    expect([await a.get('k'), await a.get('loaded')]).toEqual(['newer', 'v']);
    await clock.advance(2);
    expect([await a.get('k'), await a.get('loaded')]).toEqual([undefined, undefined]);
    store.health = 'there';
    store.changes.resume();
    await clock.advance(1_000);
    expect([a.degraded, await a.get('k'), await b.get('k'), await b.get('gone')]).toEqual([
      false,
      undefined,
      undefined,
      undefined,
    ]);
    expect(told).toEqual(['hybrid degraded', expect.stringMatching(/^recovered after \d+$/)]);
  });

  it('does not believe what the store holds of a key before the store has been told', async () => {
    const { caches, stores, clock } = cluster();
    const [a, b] = caches as [HybridCache<string>, HybridCache<string>];
    const [store] = stores as [MemoryCacheStore];
    await a.set('k', 'older');
    store.health = 'hanging';
    const deleting = a.delete('k');
    await clock.advance(100);
    await deleting;
    store.health = 'there';
    expect([await a.get('k'), await b.get('k')]).toEqual([undefined, 'older']);
    await clock.advance(250);
    expect([await b.get('k'), a.degraded]).toEqual([undefined, false]);
  });

  it('says so where it is told to be strict', async () => {
    const { caches, stores } = cluster({ strict: true }, 1);
    const [cache] = caches as [HybridCache<string>];
    (stores[0] as MemoryCacheStore).health = 'refusing';
    for (const work of [
      () => cache.get('k'),
      () => cache.set('k', 'v'),
      () => cache.delete('k'),
      () => cache.getOrSet('k', async () => 'v'),
      () => cache.clear(),
    ]) {
      await expect(work()).rejects.toBeInstanceOf(CacheError);
    }
  });

  it('never invents a sum', async () => {
    const { caches, stores } = cluster({}, 1);
    const [cache] = caches as unknown as [HybridCache<number>];
    (stores[0] as MemoryCacheStore).health = 'refusing';
    await expect(cache.increment('n')).rejects.toBeInstanceOf(CacheError);
  });

  it('makes a caller wait for the store once, however many requests a load has', async () => {
    const { caches, stores, clock } = cluster({ lease: true }, 1);
    const [cache] = caches as [HybridCache<string>];
    (stores[0] as MemoryCacheStore).health = 'hanging';
    const startedMs = clock.monotonic();
    const loading = cache.getOrSet('k', async () => 'v');
    await clock.advance(100);
    expect(await loading).toBe('v');
    expect(clock.monotonic() - startedMs).toBe(100);
  });

  it('keeps entries in memory for a short time only where nothing is told of changes', async () => {
    const { caches, stores, clock } = cluster({ maxStalenessMs: 500 });
    const [a, b] = caches as [HybridCache<string>, HybridCache<string>];
    for (const store of stores) store.changes.coverage = 'none';
    await a.set('k', 'older');
    expect(await b.get('k')).toBe('older');
    await a.set('k', 'newer');
    expect(await b.get('k')).toBe('older');
    await clock.advance(501);
    expect(await b.get('k')).toBe('newer');
    expect(b.coherence).toMatchObject({ coverage: 'none', maxStalenessMs: 500, heardAgoMs: Number.POSITIVE_INFINITY });
  });

  it('hears of changes through caches where they are only announced', async () => {
    const { caches, stores } = cluster();
    const [a, b] = caches as [HybridCache<string>, HybridCache<string>];
    for (const store of stores) store.changes.coverage = 'announcements';
    await a.set('k', 'older');
    expect(await b.get('k')).toBe('older');
    await a.set('k', 'newer');
    expect(await b.get('k')).toBe('newer');
    await a.getOrSet('l', async () => 'loaded', { tags: ['t'] });
    expect(await b.get('l')).toBe('loaded');
    await a.deleteByTag('t');
    expect(await b.get('l')).toBeUndefined();
  });
});
