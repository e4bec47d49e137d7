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
import { type LoadContext, MemoryCache } from './index.ts';

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));
const fail = (error: unknown) => () => Promise.reject(error);

/** A loader that ends when the test says so. */
function controlledLoader<Value>() {
  const signals: AbortSignal[] = [];
  const ends: { resolve(value: Value): void; reject(error: unknown): void }[] = [];
  const load = ({ signal }: LoadContext<Value>): Promise<Value> => {
    signals.push(signal);
    return new Promise((resolve, reject) => ends.push({ resolve, reject }));
  };
  const finish = (value: Value): void => ends.shift()?.resolve(value);
  return { signals, load, finish };
}

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

  it.each<[string, (cache: MemoryCache<string>) => void]>([
    ['deleted by its tag', cache => void cache.deleteByTag('red')],
    ['expired by its tag', cache => void cache.expireByTag('red')],
    ['cleared by a pattern', cache => void cache.clear('k*')],
  ])('does not keep what was %s while it was loading', async (_what, change) => {
    const cache = new MemoryCache<string>();
    const loader = controlledLoader<string>();
    const loading = cache.getOrSet('key', loader.load, { tags: ['red'] });
    await turn();
    change(cache);
    loader.finish('as it was before');
    await expect(loading).resolves.toBe('as it was before');
    expect(cache.has('key')).toBe(false);
  });

  it('keeps what it loads although other tags and keys change meanwhile', async () => {
    const cache = new MemoryCache<string>();
    const loader = controlledLoader<string>();
    const loading = cache.getOrSet('key', loader.load, { tags: ['red'] });
    await turn();
    cache.deleteByTag('blue');
    cache.clear('other*');
    loader.finish('value');
    await loading;
    expect(cache.get('key')).toBe('value');
  });

  it('lets the loader say how long its value lives, what its tags are, and whether it is kept', async () => {
    const clock = new VirtualClock();
    const cache = new MemoryCache<number>({ clock });
    await cache.getOrSet('short', async ({ keep }) => {
      keep({ ttlMs: 10, tags: ['red'] });
      return 1;
    });
    await cache.getOrSet('not at all', async ({ skip }) => {
      skip();
      return 2;
    });
    expect([...cache.keys()]).toEqual(['short']);
    await clock.advance(10);
    expect(cache.has('short')).toBe(false);
    expect(cache.deleteByTag('red')).toBe(0);
  });

  it('gives the same promise for every hit, and a value as it is to those who can take it', async () => {
    const cache = new MemoryCache<object | undefined>();
    const value = {};
    cache.set('key', value);
    const load = fail(new NetworkError('m'));
    expect(cache.getOrSet('key', load)).toBe(cache.getOrSet('key', load));
    expect(await cache.getOrSet('key', load)).toBe(value);
    expect(cache.valueOrPromise('key', load)).toBe(value);
    cache.set('key', undefined);
    expect(await cache.getOrSet('key', load)).toBeUndefined();
    expect(cache.valueOrPromise('key', load)).toBeUndefined();
    expect(cache.stats()).toMatchObject({ hits: 6, misses: 0, loads: 0 });
  });

  it('loads anew in the background late in the lifetime of an entry', async () => {
    const clock = new VirtualClock();
    const cache = new MemoryCache<number>({ ttlMs: 100, earlyRefreshRatio: 0.8, clock });
    let loads = 0;
    const load = async (): Promise<number> => {
      loads += 1;
      return loads;
    };
    expect(await cache.getOrSet('key', load)).toBe(1);
    await clock.advance(79);
    expect(await cache.getOrSet('key', load)).toBe(1);
    expect(cache.valueOrPromise('key', load, { earlyRefreshRatio: 0.7 })).toBe(1);
    await turn();
    expect(await cache.load('key', load)).toEqual({ value: 2, state: 'hit', ageMs: 0 });
    expect(loads).toBe(2);
  });

  it('tells of loads', async () => {
    const clock = new VirtualClock();
    const cache = new MemoryCache<number>({ name: 'users', ttlMs: 10, staleMs: 100, clock });
    const events: unknown[] = [];
    cache.events.on('loaded', event => events.push(event));
    cache.events.on('load-failed', event => events.push(event));
    await cache.getOrSet('user:1', async () => 1);
    await clock.advance(10);
    const error = new NetworkError('m');
    await cache.getOrSet('user:1', fail(error));
    const told = { name: 'users', key: 'user:1', prefix: 'user', durationMs: 0 };
    expect(events).toEqual([
      { ...told, value: 1, older: undefined },
      { ...told, error, covered: true },
    ]);
  });
});
