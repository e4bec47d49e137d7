import { describe, expect, it } from 'vitest';
import {
  NetworkError,
  RateLimitError,
  RejectedError,
  ScraperError,
  TimeoutError,
  UpstreamError,
  ValidationError,
} from '../errors/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { MemoryCache } from './index.ts';

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));
const fail = (error: unknown) => () => Promise.reject(error);

/** A loader that ends when the test says so. */
function controlledLoader<Value>() {
  const signals: AbortSignal[] = [];
  const ends: { resolve(value: Value): void; reject(error: unknown): void }[] = [];
  const load = (signal: AbortSignal): Promise<Value> => {
    signals.push(signal);
    return new Promise((resolve, reject) => ends.push({ resolve, reject }));
  };
  const finish = (value: Value): void => ends.shift()?.resolve(value);
  return { signals, load, finish };
}

describe('MemoryCache', () => {
  it('keeps values, also those that are nothing', () => {
    const cache = new MemoryCache<unknown>();
    for (const value of [1, '', null, undefined, false, { a: 1 }]) {
      cache.set('key', value);
      expect(cache.get('key')).toBe(value);
      expect(cache.has('key')).toBe(true);
    }
    expect(cache.get('other')).toBeUndefined();
    expect(cache.delete('key')).toBe(true);
    expect(cache.delete('key')).toBe(false);
    expect(cache.has('key')).toBe(false);
  });

  it('takes any text as a key', () => {
    const cache = new MemoryCache<string>();
    const keys = ['', '__proto__', 'constructor', 'toString', 'a'.repeat(10_000), '\0', '🗝'];
    for (const key of keys) cache.set(key, `value of ${key}`);
    for (const key of keys) expect(cache.get(key)).toBe(`value of ${key}`);
  });

  it('lets the least recently used entry go when it is full', () => {
    const cache = new MemoryCache<number>({ maxEntries: 3 });
    for (const [index, key] of ['a', 'b', 'c'].entries()) cache.set(key, index);
    cache.get('a');
    cache.set('b', 9);
    cache.set('d', 3);
    expect(['a', 'b', 'c', 'd'].map(key => cache.has(key))).toEqual([true, true, false, true]);
    expect(cache.stats()).toMatchObject({ entries: 3, evictions: 1 });
  });

  it('keeps an entry for its lifetime, to the millisecond', async () => {
    const clock = new VirtualClock();
    const cache = new MemoryCache<number>({ ttlMs: 100, clock });
    cache.set('usual', 1);
    cache.set('short', 2, { ttlMs: 50 });
    cache.set('long', 3, { ttlMs: 200 });
    const there = (): readonly boolean[] => ['usual', 'short', 'long'].map(key => cache.has(key));
    await clock.advance(49);
    expect(there()).toEqual([true, true, true]);
    await clock.advance(1);
    expect(there()).toEqual([true, false, true]);
    await clock.advance(50);
    expect(there()).toEqual([false, false, true]);
    await clock.advance(100);
    expect(there()).toEqual([false, false, false]);
  });

  it('does not look at the wall clock, which may jump', async () => {
    const clock = new VirtualClock();
    const cache = new MemoryCache<number>({ ttlMs: 100, clock });
    cache.set('key', 1);
    clock.jump(3_600_000);
    expect(cache.get('key')).toBe(1);
    await clock.advance(100);
    clock.jump(-7_200_000);
    expect(cache.get('key')).toBeUndefined();
  });

  it('counts reads and what became of them', async () => {
    const cache = new MemoryCache<number>({ name: 'rates', maxEntries: 1 });
    expect(cache.stats().hitRate).toBe(0);
    cache.get('a');
    await Promise.all([cache.getOrSet('a', async () => 1), cache.getOrSet('a', async () => 1)]);
    cache.get('a');
    cache.set('b', 2);
    expect(cache.stats()).toEqual({
      name: 'rates',
      entries: 1,
      maxEntries: 1,
      hits: 1,
      misses: 3,
      stale: 0,
      loads: 1,
      joined: 1,
      evictions: 1,
      hitRate: 0.25,
    });
  });

  it('says how many entries it forgets', () => {
    const cache = new MemoryCache<number>();
    cache.set('a', 1);
    cache.set('b', 2);
    expect([cache.clear(), cache.clear()]).toEqual([2, 0]);
  });

  it('takes undefined for the default', () => {
    const cache = new MemoryCache({
      name: undefined,
      maxEntries: undefined,
      ttlMs: undefined,
      staleMs: undefined,
      clock: undefined,
    });
    expect(cache).toMatchObject({ name: 'memory', maxEntries: 1_000, ttlMs: 3_600_000, staleMs: 0 });
  });

  it.each([
    ...['maxEntries', 'ttlMs'].flatMap(argument =>
      [0, -1, Number.NaN, Number.POSITIVE_INFINITY].map(value => [argument, value] as const),
    ),
    ...[-1, Number.NaN, Number.POSITIVE_INFINITY].map(value => ['staleMs', value] as const),
  ])('refuses %s %d, with its name and value, for all entries and for one', (argument, value) => {
    const refusal = expect.objectContaining({ argument, message: expect.stringContaining(`got ${value}`) });
    expect(() => new MemoryCache({ [argument]: value })).toThrow(refusal);
    if (argument !== 'maxEntries') {
      expect(() => new MemoryCache().set('key', 1, { [argument]: value })).toThrow(refusal);
    }
  });
});

describe('MemoryCache.load', () => {
  it('loads once for 1,000 misses at the same time', async () => {
    const cache = new MemoryCache<object>();
    const loader = controlledLoader<object>();
    const loads = Array.from({ length: 1_000 }, () => cache.load('key', loader.load));
    await turn();
    const value = {};
    loader.finish(value);
    const results = await Promise.all(loads);
    expect(loader.signals).toHaveLength(1);
    expect(results.filter(result => result.value === value)).toHaveLength(1_000);
    expect(results.map(({ state }) => state).sort()).toEqual([...Array(999).fill('joined'), 'loaded']);
    expect(cache.stats()).toMatchObject({ loads: 1, joined: 999, misses: 1_000 });
  });

  it('says how it came by the value, and how old it is', async () => {
    const clock = new VirtualClock();
    const cache = new MemoryCache<string>({ ttlMs: 100, staleMs: 1_000, clock });
    const load = () => cache.load('key', async () => 'value');
    expect(await load()).toEqual({ value: 'value', state: 'loaded', ageMs: 0 });
    await clock.advance(99);
    expect(await load()).toEqual({ value: 'value', state: 'hit', ageMs: 99 });
    await clock.advance(1);
    expect(await load()).toEqual({ value: 'value', state: 'loaded', ageMs: 0 });
  });

  it('uses the lifetime of the call for the entry that it stores', async () => {
    const clock = new VirtualClock();
    const cache = new MemoryCache<number>({ ttlMs: 100, clock });
    await cache.getOrSet('key', async () => 1, { ttlMs: 10, staleMs: 10 });
    await clock.advance(10);
    const outage = new NetworkError('m');
    expect(await cache.load('key', fail(outage))).toMatchObject({ value: 1, state: 'stale', ageMs: 10 });
    await clock.advance(10);
    await expect(cache.load('key', fail(outage))).rejects.toBe(outage);
  });

  it.each([
    ['a broken connection', new NetworkError('m')],
    ['a time-out', new TimeoutError('m', 5)],
    ['a failing server', new UpstreamError('m', 500)],
    ['an unusable answer', new ScraperError('m')],
    ['too many requests', new RateLimitError('m')],
    ['a refusal of ours', new RejectedError('m', 'open')],
    ['an error of unknown kind', new TypeError('m')],
  ])('covers %s with the old value, and says so', async (_what, error) => {
    const clock = new VirtualClock();
    const cache = new MemoryCache<string>({ ttlMs: 100, staleMs: 1_000, clock });
    cache.set('key', 'old');
    await clock.advance(150);
    expect(await cache.load('key', fail(error))).toEqual({ value: 'old', state: 'stale', ageMs: 150, error });
    expect(cache.stats().stale).toBe(1);
    expect(cache.get('key')).toBeUndefined();
  });

  it.each([
    ['a wrong question', new UpstreamError('m', 400)],
    ['a thing that is not there', new UpstreamError('m', 404)],
    ['unacceptable input', new ValidationError('m')],
    ['an abort', new DOMException('m', 'AbortError')],
  ])('does not cover %s', async (_what, error) => {
    const clock = new VirtualClock();
    const cache = new MemoryCache<string>({ ttlMs: 100, staleMs: 1_000, clock });
    cache.set('key', 'old');
    await clock.advance(150);
    await expect(cache.load('key', fail(error))).rejects.toBe(error);
    expect(cache.stats().stale).toBe(0);
  });

  it('serves no value that is too old even for an outage, to the millisecond', async () => {
    const clock = new VirtualClock();
    const cache = new MemoryCache<string>({ ttlMs: 100, staleMs: 50, clock });
    cache.set('key', 'old');
    await clock.advance(149);
    await expect(cache.getOrSet('key', fail(new NetworkError('m')))).resolves.toBe('old');
    await clock.advance(1);
    await expect(cache.getOrSet('key', fail(new NetworkError('m')))).rejects.toThrow('m');
  });

  it('does not serve stale values by default', async () => {
    const clock = new VirtualClock();
    const cache = new MemoryCache<string>({ ttlMs: 100, clock });
    cache.set('key', 'old');
    await clock.advance(100);
    await expect(cache.getOrSet('key', fail(new NetworkError('m')))).rejects.toThrow('m');
  });

  it('tells everybody who joined that the value is stale', async () => {
    const clock = new VirtualClock();
    const cache = new MemoryCache<string>({ ttlMs: 100, staleMs: 50, clock });
    cache.set('key', 'old');
    await clock.advance(100);
    const results = await Promise.all([1, 2, 3].map(() => cache.load('key', fail(new NetworkError('m')))));
    expect(results.map(({ state }) => state)).toEqual(['stale', 'stale', 'stale']);
    expect(cache.stats()).toMatchObject({ loads: 1, stale: 1 });
  });

  it('stores no failure: the next call loads again', async () => {
    const cache = new MemoryCache<string>();
    await expect(cache.getOrSet('key', fail(new NetworkError('m')))).rejects.toThrow('m');
    await expect(cache.getOrSet('key', async () => 'value')).resolves.toBe('value');
  });

  it('aborts the loader when everybody has left, and not before', async () => {
    const cache = new MemoryCache<number>();
    const loader = controlledLoader<number>();
    const [first, second] = [new AbortController(), new AbortController()];
    const settled = Promise.allSettled([first, second].map(({ signal }) => cache.load('key', loader.load, { signal })));
    await turn();
    first.abort(new TypeError('first left'));
    await turn();
    expect(loader.signals[0]?.aborted).toBe(false);
    second.abort(new TypeError('second left'));
    expect((await settled).map(result => 'reason' in result && result.reason.message)).toEqual([
      'first left',
      'second left',
    ]);
    expect(loader.signals[0]?.aborted).toBe(true);
    loader.finish(1);
    await turn();
    expect(cache.has('key')).toBe(false);
  });

  it.each<[string, (cache: MemoryCache<string>) => void, string | undefined]>([
    ['deleted', cache => void cache.delete('key'), undefined],
    ['cleared', cache => void cache.clear(), undefined],
    ['set anew', cache => cache.set('key', 'newer'), 'newer'],
  ])('does not bring back what was %s while it was loading', async (_what, change, expected) => {
    const cache = new MemoryCache<string>();
    const loader = controlledLoader<string>();
    const loading = cache.getOrSet('key', loader.load);
    await turn();
    change(cache);
    loader.finish('as it was before');
    await expect(loading).resolves.toBe('as it was before');
    expect(cache.get('key')).toBe(expected);
  });

  it('loads anew for a caller who comes after a delete, and keeps the newer value', async () => {
    const cache = new MemoryCache<string>();
    const loader = controlledLoader<string>();
    const before = cache.getOrSet('key', loader.load);
    await turn();
    cache.delete('key');
    const after = cache.getOrSet('key', loader.load);
    await turn();
    expect(loader.signals).toHaveLength(2);
    loader.finish('older');
    loader.finish('newer');
    expect(await Promise.all([before, after])).toEqual(['older', 'newer']);
    expect(cache.get('key')).toBe('newer');
  });
});
