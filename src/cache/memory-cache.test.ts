import { describe, expect, it } from 'vitest';
import { NetworkError } from '../errors/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { MemoryCache } from './index.ts';

const fail = (error: unknown) => () => Promise.reject(error);

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
    const cache = new MemoryCache<number>({ maxEntries: 3, evictionPolicy: 'lru' });
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

  it('counts reads and what became of them, altogether and by prefix', async () => {
    const clock = new VirtualClock();
    const cache = new MemoryCache<number>({ name: 'rates', maxEntries: 1, sizeOf: () => 10, clock });
    expect(cache.stats()).toMatchObject({ hitRate: 0, bytes: 0, prefixes: {} });
    cache.get('a:1');
    const slow = async (): Promise<number> => {
      await clock.sleep(40);
      return 1;
    };
    const loading = Promise.all([cache.getOrSet('a:1', slow), cache.getOrSet('a:1', slow)]);
    await clock.advance(40);
    await loading;
    cache.get('a:1');
    cache.set('b:2', 2);
    cache.set('a:1', 1);
    await expect(cache.getOrSet('b:2', fail(new NetworkError('m')))).rejects.toThrow('m');
    const none = { storeHits: 0, stale: 0, loadFailures: 0, joined: 0, savedMs: 0, hits: 0, regrets: 0 };
    const ofA = { ...none, hits: 1, misses: 3, loads: 1, joined: 1, evictions: 1, regrets: 1, loadMs: 40, savedMs: 40 };
    const ofB = { ...none, misses: 1, loads: 1, loadFailures: 1, evictions: 1, loadMs: 0, hitRate: 0 };
    expect(cache.stats()).toEqual({
      name: 'rates',
      ...ofA,
      misses: 4,
      loads: 2,
      loadFailures: 1,
      evictions: 2,
      hitRate: 0.2,
      entries: 1,
      maxEntries: 1,
      bytes: 10,
      maxBytes: undefined,
      prefixes: {
        a: { ...ofA, hitRate: 0.25, entries: 1, bytes: 10 },
        b: { ...ofB, entries: 0, bytes: 0 },
      },
    });
  });

  it('counts up to 64 prefixes apart, whatever they are called', () => {
    const cache = new MemoryCache<number>({ maxEntries: 200 });
    for (const prefix of ['__proto__:a', 'no prefix', ':', '*:a']) cache.set(prefix, 1);
    for (let index = 0; index < 100; index += 1) cache.set(`p${index}:key`, index);
    for (let index = 0; index < 100; index += 1) cache.get(`p${index}:key`);
    const { prefixes, hits } = cache.stats();
    expect(Object.keys(prefixes)).toHaveLength(65);
    expect(hits).toBe(100);
    expect(Object.getOwnPropertyDescriptor(prefixes, '__proto__')?.value).toMatchObject({ entries: 1 });
    expect(prefixes['']).toMatchObject({ entries: 2, hits: 0 });
    expect(prefixes['p61']).toMatchObject({ entries: 1, hits: 1 });
    expect(prefixes['*']).toMatchObject({ entries: 39, hits: 38 });
  });

  it('is not disturbed by a scan of many keys, by default', () => {
    const cache = new MemoryCache<number>({ maxEntries: 100 });
    const hot = Array.from({ length: 50 }, (_, index) => `hot:${index}`);
    for (const key of hot) cache.set(key, 1);
    for (let time = 0; time < 3; time += 1) for (const key of hot) cache.get(key);
    for (let index = 0; index < 10_000; index += 1) cache.set(`scan:${index}`, 1);
    expect(hot.filter(key => cache.has(key))).toHaveLength(50);
  });

  it('tells how many of the evicted were wanted soon after', () => {
    const cache = new MemoryCache<number>({ maxEntries: 10, evictionPolicy: 'lru' });
    for (let round = 0; round < 2; round += 1) for (let index = 0; index < 15; index += 1) cache.set(`key:${index}`, 1);
    expect(cache.stats()).toMatchObject({ evictions: 20, regrets: 15 });
  });

  it('keeps as many bytes as it may, and no value that is larger than that', () => {
    const cache = new MemoryCache<string>({ maxBytes: 10, sizeOf: value => value.length, evictionPolicy: 'lru' });
    for (const key of ['a', 'b', 'c']) cache.set(key, '1234');
    expect([...cache.keys()]).toEqual(['b', 'c']);
    expect(cache.stats()).toMatchObject({ bytes: 8, maxBytes: 10, evictions: 1 });
    cache.set('b', '123456789');
    expect([...cache.keys()]).toEqual(['b']);
    cache.set('b', '12345678901');
    expect([...cache.keys()]).toEqual([]);
    expect(cache.stats().bytes).toBe(0);
  });

  it('weighs values itself when nobody says what they weigh', () => {
    const cache = new MemoryCache<unknown>({ maxBytes: 100_000 });
    const cyclic: Record<string, unknown> = { text: 'x'.repeat(1_000) };
    cyclic['self'] = cyclic;
    cache.set('cyclic', cyclic);
    const { bytes } = cache.stats();
    expect(bytes).toBeGreaterThan(1_000);
    expect(bytes).toBeLessThan(1_500);
    cache.set('large', new Uint8Array(200_000));
    expect(cache.has('large')).toBe(false);
    for (const value of [undefined, null, 5n, Symbol('s'), () => 1, new Map([[{}, new Set([1])]]), new Date()]) {
      cache.set('key', value);
      expect(cache.get('key')).toBe(value);
    }
  });

  it('estimates what it takes without a limit', () => {
    const cache = new MemoryCache<string>({ maxEntries: 10_000 });
    for (let index = 0; index < 5_000; index += 1) cache.set(`long:${index}`, 'x'.repeat(1_000));
    for (let index = 0; index < 1_000; index += 1) cache.set(`short:${index}`, '');
    const { bytes, prefixes } = cache.stats();
    expect(bytes / 6_000_000).toBeGreaterThan(0.9);
    expect(bytes / 6_000_000).toBeLessThan(1.2);
    expect(prefixes['short']?.bytes).toBeLessThan(200_000);
  });

  it('adds to whole numbers, and leaves their lifetime as it is', async () => {
    const clock = new VirtualClock();
    const cache = new MemoryCache<unknown>({ ttlMs: 100, clock });
    expect([cache.increment('n'), cache.increment('n', 5), cache.increment('n', -2)]).toEqual([1, 6, 4]);
    await clock.advance(60);
    expect(cache.increment('n')).toBe(5);
    await clock.advance(40);
    expect(cache.increment('n', 1, { ttlMs: 10 })).toBe(1);
    await clock.advance(10);
    expect(cache.has('n')).toBe(false);
  });

  it.each([
    ['text', 'string'],
    [1.5, '1.5'],
    [Number.MAX_SAFE_INTEGER, '9007199254740991'],
    [null, 'object'],
  ])('does not add to %s', (value, found) => {
    const cache = new MemoryCache<unknown>();
    cache.set('n', value);
    expect(() => cache.increment('n')).toThrow(
      expect.objectContaining({
        code: 'CACHE_ERROR',
        retryable: false,
        message: expect.stringContaining(`found ${found}`),
      }),
    );
    expect(cache.get('n')).toBe(value);
    expect(() => cache.increment('n', 0.5)).toThrow(expect.objectContaining({ argument: 'by' }));
  });

  it('lets an entry live longer or shorter, if it is there', async () => {
    const clock = new VirtualClock();
    const cache = new MemoryCache<number>({ ttlMs: 100, staleMs: 1_000, clock });
    cache.set('key', 1);
    expect([cache.expire('key', 200), cache.expire('other', 200)]).toEqual([true, false]);
    await clock.advance(199);
    expect(cache.hit('key')).toEqual({ value: 1, state: 'hit', ageMs: 199 });
    await clock.advance(1);
    expect(cache.expire('key', 200)).toBe(false);
    expect(() => cache.expire('key', Number.NaN)).toThrow(expect.objectContaining({ argument: 'ttlMs' }));
  });

  it('deletes and expires by tag: one is gone, the other may stand in', async () => {
    const clock = new VirtualClock();
    const cache = new MemoryCache<number>({ staleMs: 1_000, clock });
    cache.setMany(
      [
        ['a', 1],
        ['b', 2],
      ],
      { tags: ['red', 'blue', 'red'] },
    );
    cache.set('c', 3, { tags: ['blue'] });
    cache.set('a', 4, { tags: ['green'] });
    expect(cache.expireByTag('red')).toBe(1);
    await expect(cache.load('b', fail(new NetworkError('m')))).resolves.toMatchObject({ value: 2, state: 'stale' });
    expect(cache.deleteByTag('blue')).toBe(2);
    expect([...cache.entries()]).toEqual([['a', 4]]);
    expect([cache.deleteByTag('red'), cache.expireByTag('of nobody')]).toEqual([0, 0]);
    expect(() => cache.set('a', 1, { tags: [''] })).toThrow(expect.objectContaining({ argument: 'tags' }));
  });

  it('forgets the keys that a pattern matches, and no others', () => {
    const cache = new MemoryCache<number>();
    for (const key of ['user:1', 'user:12', 'use', 'user:*']) cache.set(key, 1);
    expect(cache.clear('user:?')).toBe(2);
    expect(cache.clear('user:\\*')).toBe(0);
    expect([...cache.keys()]).toEqual(['user:12', 'use']);
    expect(cache.clear('*')).toBe(2);
  });

  it('knows what is over when it has long been asked for nothing', async () => {
    const clock = new VirtualClock();
    const cache = new MemoryCache<number>({ ttlMs: 2 ** 40, staleMs: 2 ** 40, clock });
    cache.set('key', 1);
    await clock.advance(24 * 86_400_000 - 1);
    expect(cache.has('key')).toBe(true);
    await clock.advance(1);
    expect([cache.has('key'), cache.older('key')?.value]).toEqual([false, 1]);
    await clock.advance(2 ** 31);
    expect([cache.has('key'), cache.older('key')]).toEqual([false, undefined]);
    await clock.advance(2 ** 33);
    expect([cache.has('key'), cache.older('key'), cache.get('key')]).toEqual([false, undefined, undefined]);
    cache.set('other', 2);
    expect([...cache.entries()]).toEqual([['other', 2]]);
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
      maxBytes: undefined,
      sizeOf: undefined,
      evictionPolicy: undefined,
      earlyRefreshRatio: undefined,
      clock: undefined,
    });
    const expected = { name: 'memory', maxEntries: 1_000, ttlMs: 3_600_000, staleMs: 0, evictionPolicy: 's3-fifo' };
    expect(cache).toMatchObject(expected);
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
      const cache = new MemoryCache();
      expect(() => cache.set('key', 1, { [argument]: value })).toThrow(refusal);
      expect(cache.has('key')).toBe(false);
    }
  });

  it.each([
    ['maxEntries', 1.5],
    ['maxEntries', 2 ** 24],
    ['maxBytes', 0],
    ['evictionPolicy', 'fifo'],
    ['earlyRefreshRatio', 2],
  ])('refuses %s %s', (argument, value) => {
    expect(() => new MemoryCache({ [argument]: value })).toThrow(expect.objectContaining({ argument }));
  });

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY])('refuses a sizeOf that gives %d', size => {
    const cache = new MemoryCache({ sizeOf: () => size });
    expect(() => cache.set('key', 1)).toThrow(expect.objectContaining({ argument: 'sizeOf' }));
    expect(cache.has('key')).toBe(false);
  });
});
