import { describe, expect, it } from 'vitest';
import { ArgumentError, NetworkError } from '../errors/index.ts';
import { MemoryCacheStore, VirtualClock } from '../testing/index.ts';
import { HybridCache } from './index.ts';
import { cluster, controlledLoader, turns } from './processes.fixture.ts';

const outage = new NetworkError('The source is away');
const failing = (): Promise<string> => Promise.reject(outage);

describe('HybridCache', () => {
  it('answers from memory without a trip, and shares what it keeps', async () => {
    const { caches, stores } = cluster();
    const [a, b] = caches as [HybridCache<string>, HybridCache<string>];
    await a.set('k', 'v');
    expect(await b.get('k')).toBe('v');
    const requests = stores.map(store => store.requests);
    expect([await a.get('k'), await b.get('k'), await b.getOrSet('k', failing)]).toEqual(['v', 'v', 'v']);
    expect(stores.map(store => store.requests)).toEqual(requests);
    expect(b.stats()).toMatchObject({ hits: 2, storeHits: 1, misses: 0 });
  });

  it('gives the same promise for every hit, and the value itself where one is wanted', async () => {
    const { caches } = cluster({}, 1);
    const [cache] = caches as [HybridCache<string>];
    await cache.set('k', 'v');
    expect(cache.get('k')).toBe(cache.get('k'));
    expect(cache.valueOrPromise('k', failing)).toBe('v');
    expect(cache.valueOrPromise('other', async () => 'w')).toBeInstanceOf(Promise);
  });

  it('hears of every change, whoever makes it', async () => {
    const { caches, stores } = cluster();
    const [a, b] = caches as [HybridCache<string>, HybridCache<string>];
    for (const change of [
      () => b.set('k', 'newer'),
      () => b.delete('k'),
      () => b.clear('k*'),
      () => stores[1]?.delete(['cache:default:k']),
      async () => stores[0]?.flush(),
    ]) {
      await a.set('k', 'older');
      expect(await a.get('k')).toBe('older');
      await change();
      expect(await a.get('k')).not.toBe('older');
    }
  });

  it('hears of another cache in its own process, which the store does not tell of', async () => {
    const clock = new VirtualClock();
    const store = new MemoryCacheStore({ clock });
    const [a, b] = [new HybridCache<string>({ store, clock }), new HybridCache<string>({ store, clock })];
    await a.set('k', 'older', { tags: ['t'] });
    expect(await b.get('k')).toBe('older');
    await a.set('k', 'newer', { tags: ['t'] });
    expect([await b.get('k'), await a.get('k')]).toEqual(['newer', 'newer']);
    await b.deleteByTag('t');
    expect([await a.get('k'), await b.get('k')]).toEqual([undefined, undefined]);
    expect(a.stats()).toMatchObject({ hits: 1 });
  });

  it('reads, writes and deletes many', async () => {
    const { caches } = cluster();
    const [a, b] = caches as [HybridCache<string>, HybridCache<string>];
    await a.setMany([
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
    ]);
    await b.get('a');
    expect(await b.getMany(['a', 'b', 'b', 'x'])).toEqual(
      new Map([
        ['a', '1'],
        ['b', '2'],
      ]),
    );
    expect([await b.exists('c'), await b.exists('x')]).toEqual([true, false]);
    expect([await b.deleteMany(['a', 'b', 'x']), await a.get('a'), await a.get('c')]).toEqual([2, undefined, '3']);
    expect(await a.clear()).toBe(1);
  });

  it('counts in one step for all, and starts a lifetime anew', async () => {
    const { caches, clock } = cluster();
    const [a, b] = caches as unknown as [HybridCache<number>, HybridCache<number>];
    const sums = await Promise.all(Array.from({ length: 20 }, (_, index) => [a, b][index % 2]?.increment('n', 2)));
    expect(Math.max(...sums.map(Number))).toBe(40);
    expect(await b.get('n')).toBe(40);
    await a.set('k', 1, { ttlMs: 100 });
    expect([await b.expire('k', 10_000), await b.expire('x', 1)]).toEqual([true, false]);
    await clock.advance(5_000);
    expect(await a.get('k')).toBe(1);
  });

  it('forgets by tag, or lets what has the tag be stale', async () => {
    const { caches } = cluster({ staleMs: 60_000 });
    const [a, b] = caches as [HybridCache<string>, HybridCache<string>];
    const tagged = { tags: ['t'] };
    await a.set('k', 'v', tagged);
    await b.get('k');
    await a.expireByTag('t');
    for (const cache of [a, b]) {
      expect(await cache.get('k')).toBeUndefined();
      expect(await cache.load('k', failing)).toMatchObject({ value: 'v', state: 'stale' });
    }
    await a.set('k', 'w', tagged);
    await b.get('k');
    await a.deleteByTag('t');
    for (const cache of [a, b]) await expect(cache.load('k', failing)).rejects.toBe(outage);
  });

  it('does not bring back what was tagged and deleted while it was loading', async () => {
    const { caches } = cluster();
    const [a, b] = caches as [HybridCache<string>, HybridCache<string>];
    const loader = controlledLoader();
    const loading = a.getOrSet('k', loader.load, { tags: ['t'] });
    await turns();
    await b.deleteByTag('t');
    loader.finish('old');
    expect(await loading).toBe('old');
    expect([await a.get('k'), await b.get('k')]).toEqual([undefined, undefined]);
  });

  it.each([
    ['empty keys', (cache: HybridCache<unknown>) => cache.set('', 1), 'got 0 characters'],
    ['keys of a megabyte', cache => cache.get('k'.repeat(1_000_000)), 'got 1000000 characters'],
    ['functions', cache => cache.set('k', () => 1), 'a function'],
    ['circles', cache => cache.set('k', circle()), "codec: 'structured'"],
    ['values of 100 MB', cache => cache.set('k', 'x'.repeat(100_000_000)), 'bytes'],
    ['negative lifetimes', cache => cache.set('k', 1, { ttlMs: -1 }), 'ttlMs'],
    ['lifetimes that are no number', cache => cache.set('k', 1, { ttlMs: Number.NaN }), 'ttlMs'],
    ['endless lifetimes', cache => cache.set('k', 1, { ttlMs: Number.POSITIVE_INFINITY }), 'ttlMs'],
    ['empty tags', cache => cache.set('k', 1, { tags: [''] }), 'tag'],
    ['rules that cannot be', cache => cache.getOrSet('k', failing, { earlyRefreshRatio: 2 }), 'earlyRefreshRatio'],
  ] satisfies [string, (cache: HybridCache<unknown>) => Promise<unknown>, string][])(
    'refuses %s and says what was wrong',
    async (_what, use, message) => {
      const cache = cluster({}, 1).caches[0] as HybridCache<unknown>;
      const refusal = await use(cache).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(refusal).toBeInstanceOf(ArgumentError);
      expect((refusal as Error).message).toContain(message);
      expect(cache.degraded).toBe(false);
    },
  );

  it('leaves what is there alone when it is given something that cannot be kept', async () => {
    const { caches, clock } = cluster();
    const [a, b] = caches as unknown as [HybridCache<unknown>, HybridCache<unknown>];
    await a.set('k', 'v');
    await expect(a.set('k', () => 1)).rejects.toBeInstanceOf(ArgumentError);
    await expect(a.increment('k')).rejects.toThrow('whole number');
    await clock.advance(1_000);
    expect([await a.get('k'), await b.get('k'), a.degraded]).toEqual(['v', 'v', false]);
  });

  it('keeps any other key apart from all others', async () => {
    const cache = cluster({}, 1).caches[0] as HybridCache<string>;
    const keys = ['a*', 'a', 'ab', '[a]', 'a?', 'a\n\0b', '__proto__', 'a:b', '{a}b', 'ключ'];
    for (const key of keys) await cache.set(key, `value of ${key}`);
    for (const key of keys) expect(await cache.get(key)).toBe(`value of ${key}`);
    expect(await cache.delete('a*')).toBe(true);
    expect(await cache.clear('a\\?')).toBe(1);
    expect([await cache.exists('a'), await cache.exists('ab')]).toEqual([true, true]);
  });

  it('gives a loaded value that cannot be kept, and tells of it', async () => {
    const cache = cluster({}, 1).caches[0] as HybridCache<unknown>;
    const told: unknown[] = [];
    cache.events.on('unstorable', event => told.push(event));
    const value = await cache.getOrSet('k', async () => Symbol.iterator);
    expect(value).toBe(Symbol.iterator);
    expect(told).toMatchObject([{ key: 'k', error: { argument: expect.anything() } }]);
    expect(await cache.get('k')).toBeUndefined();
  });
});

function circle(): unknown {
  const one: { self?: unknown } = {};
  one.self = one;
  return one;
}
