import { describe, expect, it } from 'vitest';
import { NetworkError, NotFoundError, TimeoutError } from '../errors/index.ts';
import type { MemoryCacheStore } from '../testing/index.ts';
import type { HybridCache } from './index.ts';
import { cluster, controlledLoader, turns } from './processes.fixture.ts';

const outage = new NetworkError('The source is away');
const failing = (): Promise<string> => Promise.reject(outage);

describe('HybridCache.getOrSet', () => {
  it('loads once for 1,000 misses in one process', async () => {
    const { caches } = cluster({}, 1);
    const [cache] = caches as [HybridCache<string>];
    const loader = controlledLoader();
    const all = Array.from({ length: 1_000 }, () => cache.getOrSet('k', loader.load));
    await turns();
    loader.finish('v');
    expect(new Set(await Promise.all(all))).toEqual(new Set(['v']));
    expect(loader.runs).toHaveLength(1);
    expect(cache.stats()).toMatchObject({ loads: 1, joined: 999, misses: 1 });
  });

  it('with a lease, loads once for all processes', async () => {
    const { caches, clock } = cluster({ lease: true }, 4);
    const loader = controlledLoader();
    const all = caches.flatMap(cache => [cache.getOrSet('k', loader.load), cache.getOrSet('k', loader.load)]);
    await turns();
    await clock.advance(1_000);
    loader.finish('v');
    await clock.advance(1_000);
    expect(await Promise.all(all)).toEqual(Array(8).fill('v'));
    expect(loader.runs).toHaveLength(1);
  });

  it('hands the lease on at once when a loader fails, and after its time when a process dies', async () => {
    const { caches, stores, clock } = cluster({ lease: true, leaseMs: 5_000 });
    const [a, b] = caches as [HybridCache<string>, HybridCache<string>];
    const first = controlledLoader();
    const dying = a.getOrSet('k', first.load);
    dying.catch(() => {});
    await turns();
    const second = b.getOrSet('k', async () => 'of b');
    await clock.advance(400);
    first.fail(outage);
    await expect(dying).rejects.toBe(outage);
    await clock.advance(300);
    expect(await second).toBe('of b');

    const hung = controlledLoader();
    void a.getOrSet('dead', hung.load);
    await turns();
    // What happens to a process that is killed: it says nothing any more.
    (stores[0] as MemoryCacheStore).health = 'refusing';
    const third = b.getOrSet('dead', async () => 'of b');
    await clock.advance(4_000);
    let isThere = false;
    void third.then(() => {
      isThere = true;
    });
    await turns();
    expect(isThere).toBe(false);
    await clock.advance(2_000);
    expect(await third).toBe('of b');
  });

  it('without a lease every process loads, and only one of them keeps', async () => {
    const { caches } = cluster();
    const [a, b] = caches as [HybridCache<string>, HybridCache<string>];
    const [one, other] = [controlledLoader(), controlledLoader()];
    const loading = [a.getOrSet('k', one.load), b.getOrSet('k', other.load)];
    await turns();
    one.finish('of a');
    await turns();
    other.finish('of b');
    expect(await Promise.all(loading)).toEqual(['of a', 'of b']);
    expect([await a.get('k'), await b.get('k')]).toEqual(['of a', 'of a']);
  });

  it.each<[string, (b: HybridCache<string>, foreign: MemoryCacheStore) => Promise<unknown>, string | undefined]>([
    ['deleted by another process', b => b.delete('k'), undefined],
    ['set by another process', b => b.set('k', 'newer'), 'newer'],
    ['cleared by another process', b => b.clear(), undefined],
    ['deleted by another program', (_b, foreign) => foreign.delete(['cache:default:k']), undefined],
  ])('does not bring back what was %s while it was loading', async (_what, change, expected) => {
    for (const wasThere of [false, true]) {
      const { caches, stores, clock } = cluster({ ttlMs: 1_000, staleMs: 60_000 });
      const [a, b] = caches as [HybridCache<string>, HybridCache<string>];
      if (wasThere) await b.set('k', 'oldest');
      await clock.advance(1_500);
      const loader = controlledLoader();
      const loading = a.getOrSet('k', loader.load);
      await turns();
      await change(b, stores[1] as MemoryCacheStore);
      loader.finish('old');
      expect(await loading).toBe('old');
      expect([await a.get('k'), await b.get('k')]).toEqual([expected, expected]);
    }
  });

  it('lets an older value stand in for an outage, whichever tier has it, and not for a wrong question', async () => {
    const { caches, clock } = cluster({ ttlMs: 1_000, staleMs: 10_000 });
    const [a, b] = caches as [HybridCache<string>, HybridCache<string>];
    await a.set('k', 'older');
    await clock.advance(2_000);
    for (const cache of [a, b]) {
      expect(await cache.load('k', failing)).toEqual({ value: 'older', state: 'stale', ageMs: 2_000, error: outage });
      const wrong = new NotFoundError('k', 'thing');
      await expect(cache.load('k', () => Promise.reject(wrong))).rejects.toBe(wrong);
    }
    await clock.advance(9_000);
    for (const cache of [a, b]) await expect(cache.load('k', failing)).rejects.toBe(outage);
  });

  it('gives the older value at once and renews it beside, with a soft time-out of 0', async () => {
    const { caches, clock } = cluster({ ttlMs: 1_000, staleMs: 10_000, softTimeoutMs: 0 });
    const [a, b] = caches as [HybridCache<string>, HybridCache<string>];
    await a.set('k', 'older');
    await clock.advance(2_000);
    const loader = controlledLoader();
    expect(await b.load('k', loader.load)).toEqual({ value: 'older', state: 'stale', ageMs: 2_000 });
    expect(await b.load('k', loader.load)).toMatchObject({ state: 'stale' });
    await turns();
    loader.finish('newer');
    await turns();
    expect([await b.get('k'), await a.get('k'), loader.runs.length]).toEqual(['newer', 'newer', 1]);
  });

  it('waits for the loader as long as the soft time-out says, if there is something to give meanwhile', async () => {
    const { caches, clock } = cluster({ ttlMs: 1_000, staleMs: 10_000, softTimeoutMs: 100 }, 1);
    const [cache] = caches as [HybridCache<string>];
    await cache.set('k', 'older');
    await clock.advance(2_000);
    const quick = cache.load('k', () => clock.sleep(50).then(() => 'newer'));
    await clock.advance(60);
    expect(await quick).toMatchObject({ value: 'newer', state: 'loaded' });
    await clock.advance(2_000);
    const slow = cache.load('k', () => clock.sleep(500).then(() => 'newest'));
    await clock.advance(101);
    expect(await slow).toMatchObject({ value: 'newer', state: 'stale' });
    await clock.advance(500);
    expect(await cache.get('k')).toBe('newest');
    const nothing = cache.load('other', () => clock.sleep(500).then(() => 'w'));
    await clock.advance(501);
    expect(await nothing).toMatchObject({ value: 'w', state: 'loaded' });
  });

  it('ends a loader at the hard time-out', async () => {
    const { caches, clock } = cluster({ ttlMs: 1_000, staleMs: 10_000, hardTimeoutMs: 200 }, 1);
    const [cache] = caches as [HybridCache<string>];
    const loader = controlledLoader();
    const loading = cache.load('k', loader.load);
    loading.catch(() => {});
    await clock.advance(201);
    await expect(loading).rejects.toBeInstanceOf(TimeoutError);
    expect(loader.runs[0]?.signal.aborted).toBe(true);
    await cache.set('k', 'older');
    await clock.advance(2_000);
    const covered = cache.load('k', loader.load);
    await clock.advance(201);
    expect(await covered).toMatchObject({ value: 'older', state: 'stale', error: expect.any(TimeoutError) });
  });

  it('keeps that there is nothing, for as long as it was told to', async () => {
    for (const [negativeTtlMs, loads] of [
      [500, 2],
      [0, 3],
    ] as const) {
      const { caches, clock } = cluster({ negativeTtlMs }, 1);
      const cache = caches[0] as HybridCache<unknown>;
      let runs = 0;
      const load = async (): Promise<null> => {
        runs += 1;
        return null;
      };
      await cache.getOrSet('k', load);
      await cache.getOrSet('k', load);
      await clock.advance(600);
      await cache.getOrSet('k', load);
      expect(runs).toBe(loads);
    }
  });

  it('does as the loader says about its value', async () => {
    const { caches, clock } = cluster({ staleMs: 1_000 });
    const [a, b] = caches as [HybridCache<string>, HybridCache<string>];
    await a.getOrSet('short', async ({ keep }) => {
      keep({ ttlMs: 10, tags: ['t'] });
      return 'v';
    });
    await a.getOrSet('never', async ({ skip }) => {
      skip();
      return 'v';
    });
    expect([await b.get('short'), await b.get('never'), await a.get('never')]).toEqual(['v', undefined, undefined]);
    await clock.advance(20);
    expect(await a.get('short')).toBeUndefined();
    const seen = await a.getOrSet('short', async ({ older }) => `${older?.value} of ${older?.ageMs} ms`);
    expect(seen).toBe('v of 20 ms');
  });

  it('loads anew in the background when a hit comes late in the lifetime', async () => {
    const { caches, clock } = cluster({ ttlMs: 1_000, earlyRefreshRatio: 0.8 });
    const [a, b] = caches as [HybridCache<string>, HybridCache<string>];
    let runs = 0;
    const load = async (): Promise<string> => {
      runs += 1;
      return `load ${runs}`;
    };
    await a.getOrSet('k', load);
    await a.get('k');
    await clock.advance(700);
    expect(await a.getOrSet('k', load)).toBe('load 1');
    await turns();
    expect(runs).toBe(1);
    await clock.advance(150);
    expect(await a.getOrSet('k', load)).toBe('load 1');
    await turns();
    expect([runs, await a.get('k'), await b.get('k')]).toEqual([2, 'load 2', 'load 2']);
  });

  it('aborts the loader when everybody has left', async () => {
    const { caches } = cluster({}, 1);
    const [cache] = caches as [HybridCache<string>];
    const loader = controlledLoader();
    const leaving = new AbortController();
    const loading = cache.getOrSet('k', loader.load, { signal: leaving.signal });
    loading.catch(() => {});
    await turns();
    leaving.abort(new TypeError('left'));
    await expect(loading).rejects.toThrow('left');
    await turns();
    expect(loader.runs[0]?.signal.aborted).toBe(true);
    loader.finish('late');
    await turns();
    expect(await cache.get('k')).toBeUndefined();
    expect(await cache.getOrSet('k', async () => 'v')).toBe('v');
  });
});
