import { describe, expect, it } from 'vitest';
import { ArgumentError, NetworkError } from '../errors/index.ts';
import { MemoryCacheStore, VirtualClock } from '../testing/index.ts';
import { CacheManager, type CacheManagerOptions } from './cache-manager.ts';

function setUp(options: CacheManagerOptions = {}) {
  const clock = new VirtualClock();
  const store = new MemoryCacheStore({ clock });
  const manager = new CacheManager({ clock, store, ...options });
  return { clock, store, manager };
}

/** The warnings that are emitted meanwhile. */
async function warnings(act: () => void): Promise<readonly string[]> {
  const found: string[] = [];
  const note = (warning: Error): void => {
    if (warning.name === 'CacheWarning') found.push(warning.message);
  };
  process.on('warning', note);
  act();
  await new Promise(resolve => setImmediate(resolve));
  process.off('warning', note);
  return found;
}

describe('CacheManager', () => {
  it('has the verbs of a cache, for a namespace of its own', async () => {
    const { manager } = setUp();
    await manager.set('a', 1);
    await manager.setMany([
      ['b', 2],
      ['c', 3],
    ]);
    expect(await manager.get('a')).toBe(1);
    expect(await manager.getMany(['b', 'c', 'd'])).toEqual(
      new Map([
        ['b', 2],
        ['c', 3],
      ]),
    );
    expect([await manager.exists('a'), await manager.expire('a', 1_000), await manager.increment('n', 4)]).toEqual([
      true,
      true,
      4,
    ]);
    expect([await manager.delete('a'), await manager.deleteMany(['b', 'x'])]).toEqual([true, 1]);
    expect(await manager.getOrSet('l', async () => 'loaded', { tags: ['t'] })).toBe('loaded');
    expect(await manager.load('l', async () => 'again')).toMatchObject({ value: 'loaded', state: 'hit' });
    await manager.expireByTag('t');
    expect(await manager.get('l')).toBeUndefined();
    await manager.set('l', 'v', { tags: ['t'] });
    await manager.deleteByTag('t');
    expect([await manager.get('l'), await manager.clear('[cn]')]).toEqual([undefined, 2]);
    expect(manager.stats()).toMatchObject({ name: 'default', loads: 1 });
  });

  it('keeps namespaces apart, and gives the same cache for the same name', async () => {
    const { manager, store } = setUp({ ttlMs: 1_000 });
    const opened: string[] = [];
    manager.events.on('opened', ({ name }) => opened.push(name));
    const users = manager.namespace<string>('users', { ttlMs: 5_000 });
    const orders = manager.namespace<string>('orders');
    expect(manager.namespace('users')).toBe(users);
    await users.set('7', 'Ann');
    await orders.set('7', 'chair');
    await manager.set('7', 'plain');
    expect([await users.get('7'), await orders.get('7'), await manager.get('7')]).toEqual(['Ann', 'chair', 'plain']);
    expect(await orders.clear('*')).toBe(1);
    expect([await users.get('7'), await manager.get('7')]).toEqual(['Ann', 'plain']);
    expect([opened, manager.namespaces]).toEqual([
      ['users', 'orders', 'default'],
      ['users', 'orders', 'default'],
    ]);
    expect([users.ttlMs, orders.ttlMs]).toEqual([5_000, 1_000]);
    expect(await store.read(['cache:users:7'])).toEqual([expect.anything()]);
    expect(Object.keys(manager.statsByNamespace())).toEqual(['users', 'orders', 'default']);
  });

  it('lets what a namespace does not say be as the manager says', () => {
    const { manager } = setUp({ staleMs: 9, maxEntries: 7 });
    expect(manager.namespace('a', { staleMs: undefined, maxEntries: 3 })).toMatchObject({ staleMs: 9, maxEntries: 3 });
    expect(manager.namespace('b')).toMatchObject({ staleMs: 9, maxEntries: 7, ttlMs: 300_000 });
  });

  it.each(['', 'a b', 'a:b', '-a', 'ü', 'a'.repeat(65)])('refuses the namespace "%s"', name => {
    for (const manager of [setUp().manager, new CacheManager()]) {
      expect(() => manager.namespace(name)).toThrow(ArgumentError);
      expect(manager.namespaces).toEqual([]);
    }
  });

  it('stays in memory when it is told to, or has nothing else', async () => {
    const { store, manager } = setUp({ backend: 'memory' });
    // It was told where to keep entries, and does not ask the store even for its time.
    const alone = new CacheManager();
    for (const one of [alone, manager]) {
      await one.set('a', 1);
      expect(await one.get('a')).toBe(1);
      expect([one.backend, one.health()]).toEqual(['memory', { status: 'up', backend: 'memory' }]);
    }
    expect(store.requests).toBe(0);
  });

  it('warns that it cannot share entries without a store, and says so for as long as it lives', async () => {
    const made: CacheManager[] = [];
    const found = await warnings(() => made.push(new CacheManager({ backend: 'redis', name: 'shop' })));
    expect(found).toEqual([expect.stringContaining('The cache "shop" was told to keep entries on Redis (redis)')]);
    expect(made[0]?.health()).toEqual({ status: 'degraded', backend: 'memory', message: found[0] });
    await made[0]?.set('a', 1);
    expect(await made[0]?.get('a')).toBe(1);
    expect(() => new CacheManager({ backend: 'disk' as 'redis' })).toThrow(/Cannot use the backend "disk"/);
  });

  it('with the backend redis asks the store every time, and hybrid does not', async () => {
    for (const [backend, requests] of [
      ['redis', 4],
      ['hybrid', 1],
    ] as const) {
      const { manager, store } = setUp({ backend });
      await manager.set('a', 1);
      for (let count = 0; count < 3; count += 1) expect(await manager.get('a')).toBe(1);
      expect(store.requests).toBe(requests);
    }
  });

  it('tells of all namespaces with their names, and of an outage as long as one of them has it', async () => {
    const { manager, store, clock } = setUp();
    const told: string[] = [];
    for (const type of ['degraded', 'recovered', 'loaded'] as const) {
      manager.events.on(type, ({ name }) => told.push(`${name} ${type}`));
    }
    const [users, orders] = [manager.namespace<string>('users'), manager.namespace<string>('orders')];
    await orders.set('k', 'v');
    store.health = 'refusing';
    await users.set('k', 'v');
    await users.getOrSet('l', async () => 'loaded');
    expect(manager).toMatchObject({ degraded: true });
    expect(manager.health()).toMatchObject({ status: 'degraded', message: expect.stringContaining('store is away') });
    store.health = 'there';
    await clock.advance(250);
    expect([manager.degraded, manager.health().status]).toEqual([false, 'up']);
    expect(told).toEqual(['users degraded', 'users loaded', 'users recovered']);
  });

  it('says when changes are not heard of as they should be', async () => {
    const { manager, store } = setUp();
    await manager.set('a', 1);
    expect(manager.health()).toMatchObject({
      status: 'up',
      coherence: { coverage: 'tracking', maxStalenessMs: 1_000 },
    });
    store.changes.coverage = 'announcements';
    expect(manager.health()).toMatchObject({ status: 'degraded', message: expect.stringContaining('does not tell') });
    store.changes.coverage = 'none';
    expect(manager.health()).toMatchObject({ status: 'degraded', message: expect.stringContaining('short time only') });
    const { manager: asking, store: other } = setUp({ backend: 'redis' });
    other.changes.coverage = 'none';
    await asking.set('a', 1);
    expect(asking.health()).toMatchObject({ status: 'up' });
  });

  it('stops listening when it is closed, and leaves the store to its owner', async () => {
    const { manager, store, clock } = setUp();
    await manager.getOrSet('k', async () => 'v', { tags: ['t'] });
    store.health = 'refusing';
    await manager.delete('k');
    await manager.close();
    expect(clock.pendingTimers).toBe(0);
    store.health = 'there';
    await store.write('x', 'text', 1_000);
    expect(store.size).toBeGreaterThan(0);
  });

  it('is not brought down by a loader that fails', async () => {
    const { manager } = setUp();
    const failure = new NetworkError('away');
    await expect(manager.getOrSet('k', () => Promise.reject(failure))).rejects.toBe(failure);
    expect(manager.health().status).toBe('up');
  });
});
