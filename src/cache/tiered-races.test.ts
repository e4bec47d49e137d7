import { describe, expect, it } from 'vitest';
import { MemoryCacheStore, VirtualClock } from '../testing/index.ts';
import { HybridCache, type HybridCacheNumbers } from './index.ts';

/** A cache of whose requests each takes 2 ms, and a program that changes the store behind its back. */
function slowly(options: HybridCacheNumbers<string> = {}) {
  const clock = new VirtualClock();
  const store = new MemoryCacheStore({ clock, latencyMs: 2 });
  const cache = new HybridCache<string>({ ttlMs: 60_000, clock, ...options, store });
  return { clock, store, cache, other: store.connect() };
}

/** What a call gives, with as much time as it takes. */
async function end<Result>(clock: VirtualClock, call: Promise<Result>): Promise<Result> {
  call.catch(() => undefined);
  await clock.advance(1_000);
  return call;
}

describe('HybridCache that is read while it is changed', () => {
  it('forgets what it read before a clear had come that far', async () => {
    const { cache, clock } = slowly();
    await end(clock, cache.set('k', 'old'));
    const clearing = cache.clear();
    expect(await end(clock, cache.get('k'))).toBe('old');
    await clearing;
    expect(await end(clock, cache.get('k'))).toBeUndefined();
  });

  it('forgets what it read before a tag was found to be expired', async () => {
    const { cache, clock } = slowly();
    await end(clock, cache.set('k', 'old', { tags: ['t'] }));
    await end(clock, cache.get('k'));
    const expiring = cache.expireByTag('t');
    await end(clock, Promise.all([cache.get('k'), expiring]));
    expect(await end(clock, cache.get('k'))).toBeUndefined();
  });

  it('keeps nothing of a delete that was lost while a read got through', async () => {
    const { cache, clock, store } = slowly({ memoryTtlMs: 50_000 });
    await end(clock, cache.set('k', 'old'));
    store.health = 'hanging';
    const deleting = cache.delete('k');
    store.health = 'there';
    const reading = cache.get('k');
    await clock.advance(50);
    expect(await reading).toBe('old');
    await clock.advance(51);
    await deleting;
    const again = cache.get('k');
    await clock.advance(10);
    expect(await again).toBeUndefined();
    expect(await end(clock, cache.get('k'))).toBeUndefined();
    expect(store.size).toBe(0);
  });

  it('knows nothing of a key that it has set twice at once, in whichever order', async () => {
    const { cache, clock, store } = slowly();
    // The first has to ask for its tag, and is overtaken.
    const both = Promise.all([cache.set('k', 'first', { tags: ['t'] }), cache.set('k', 'second')]);
    await end(clock, both);
    const [bytes] = await end(clock, store.read(['cache:default:k']));
    const inStore = /first|second/.exec(String(bytes))?.[0];
    expect(await end(clock, cache.get('k'))).toBe(inStore);
  });

  it('forgets what it has told the store to forget after an outage', async () => {
    const { cache, clock, store } = slowly({ memoryTtlMs: 50_000 });
    store.health = 'hanging';
    const lost = cache.set('k', 'lost');
    await clock.advance(99);
    store.health = 'there';
    const kept = cache.set('k', 'kept');
    await end(clock, Promise.all([lost, kept]));
    // Which of the two the store has is not known to anybody, so it has none, and neither has memory.
    expect([store.size, await end(clock, cache.get('k'))]).toEqual([0, undefined]);
  });
});

describe('HybridCache that reads while others change', () => {
  it('does not keep what was changed after it had been read', async () => {
    for (const read of [
      async (cache: HybridCache<string>) => cache.get('k'),
      async (cache: HybridCache<string>) => (await cache.getMany(['k', 'l'])).get('k'),
    ]) {
      const { cache, clock, other } = slowly();
      const remote = new HybridCache<string>({ clock, store: other });
      await end(clock, remote.set('k', 'old'));
      const reading = read(cache);
      await clock.advance(1);
      const setting = remote.set('k', 'new');
      expect(await end(clock, Promise.all([reading, setting]))).toEqual(['old', undefined]);
      expect(await end(clock, read(cache))).toBe('new');
    }
  });
});

describe('HybridCache.expire', () => {
  it('makes nothing fresh that is stale, or that may have been changed', async () => {
    const { cache, clock, store, other } = slowly({ staleMs: 60_000, memoryTtlMs: 50_000 });
    await end(clock, cache.set('k', 'old', { tags: ['t'] }));
    await end(clock, cache.get('k'));
    await end(clock, cache.expireByTag('t'));
    expect(await end(clock, cache.get('k'))).toBeUndefined();
    const both = Promise.all([cache.expire('k', 50_000), cache.get('k')]);
    expect(await end(clock, both)).toEqual([false, undefined]);
    await end(clock, cache.set('l', 'old'));
    store.changes.drop();
    await end(clock, other.delete(['cache:default:l']));
    await clock.advance(1_000);
    const expiring = cache.expire('l', 50_000);
    const reading = cache.get('l');
    expect(await end(clock, Promise.all([expiring, reading]))).toEqual([false, undefined]);
  });

  it('does not let memory be relied upon for longer while the store is away', async () => {
    const { cache, clock, store } = slowly();
    store.health = 'refusing';
    await cache.set('k', 'v');
    await clock.advance(800);
    expect(await cache.expire('k', 50_000)).toBe(true);
    expect(await cache.get('k')).toBe('v');
    await clock.advance(101);
    expect(await cache.get('k')).toBeUndefined();
  });

  it('shortens the lifetime in memory, too', async () => {
    const { cache, clock } = slowly();
    await end(clock, cache.set('k', 'v'));
    const expiring = cache.expire('k', 3_000);
    await end(clock, Promise.all([expiring, cache.get('k')]));
    expect(await end(clock, cache.get('k'))).toBe('v');
    await clock.advance(1_500);
    expect(await end(clock, cache.get('k'))).toBeUndefined();
  });
});

describe('HybridCache.getOrSet', () => {
  /** A loader that takes so long, and how often it ran. */
  function slowLoader(clock: VirtualClock, tookMs: number) {
    const counted = { runs: 0, load: async (): Promise<string> => `run ${await sleep()}` };
    const sleep = async (): Promise<number> => {
      counted.runs += 1;
      await clock.sleep(tookMs);
      return counted.runs;
    };
    return counted;
  }

  it('loads once, however long it takes, although Redis tells a process of its own scripts', async () => {
    const { cache, clock, store } = slowly({ leaseMs: 300 });
    const replace = store.replace.bind(store);
    store.replace = async (key, expected, bytes, lifetimeMs) => {
      const isDone = await replace(key, expected, bytes, lifetimeMs);
      if (isDone && expected !== undefined) store.changes.tell([key], 'tracked');
      return isDone;
    };
    const loader = slowLoader(clock, 5_000);
    const calls: Promise<string>[] = [];
    for (let call = 0; call < 20; call += 1) {
      calls.push(cache.getOrSet('k', loader.load));
      await clock.advance(200);
    }
    await clock.advance(5_000);
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['run 1']));
    expect(await end(clock, cache.get('k'))).toBe('run 1');
  });

  it('loads once when everything may have changed before it has come to its loader', async () => {
    const { cache, clock, store } = slowly();
    const loader = slowLoader(clock, 1_000);
    const first = cache.getOrSet('k', loader.load);
    store.changes.loseTrack();
    await clock.advance(500);
    const second = cache.getOrSet('k', loader.load);
    expect(await end(clock, Promise.all([first, second]))).toEqual(['run 1', 'run 1']);
    store.changes.loseTrack();
    const third = cache.getOrSet('other', loader.load);
    await clock.advance(500);
    store.changes.loseTrack();
    const fourth = cache.getOrSet('other', loader.load);
    await clock.advance(2_000);
    expect([await third, await fourth]).toEqual(['run 3', 'run 3']);
  });

  it('leaves no place in the store for long when it fails', async () => {
    const { cache, clock, store } = slowly({ leaseMs: 3_000 });
    const failing = cache.getOrSet('k', () => Promise.reject(new TypeError('failed')));
    await expect(end(clock, failing)).rejects.toThrow('failed');
    expect(store.size).toBe(1);
    await clock.advance(3_000);
    expect([store.size, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('gives way to a load with a lease, and leaves a place of a failed load to it at once', async () => {
    const { cache, clock } = slowly();
    const failing = cache.getOrSet('k', () => Promise.reject(new TypeError('failed')));
    await expect(end(clock, failing)).rejects.toThrow('failed');
    const leased = cache.getOrSet('k', async () => 'leased', { lease: true });
    await clock.advance(20);
    expect(await leased).toBe('leased');
    expect(await end(clock, cache.get('k'))).toBe('leased');
  });

  it('does not keep in memory what the store holds as deleted: a tag was deleted as the load began', async () => {
    const { cache, clock, other } = slowly();
    const remote = new HybridCache<string>({ clock, store: other });
    await end(clock, cache.set('x', 'x', { tags: ['t'] }));
    await end(clock, cache.get('x'));
    const loading = cache.getOrSet('k', async () => 'v', { tags: ['t'] });
    await clock.advance(3);
    const deleting = remote.deleteByTag('t');
    await end(clock, Promise.all([loading, deleting]));
    expect([await end(clock, cache.get('k')), await end(clock, remote.get('k'))]).toEqual([undefined, undefined]);
  });
});
