import { CacheManager, HybridCache } from 'plinth/cache';
import { RedisConnection } from 'plinth/redis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../redis/hearing.ts';
import { askRedis, patientMs, type RedisClusterServers, startRedisCluster } from '../servers/redis.ts';
import { serverOrSkip } from '../servers/require.ts';
import type { LoadReport } from './cache-process.ts';
import { WorkerProcess } from './worker-process.ts';

const program = serverOrSkip('redis-server');

/** Keys on all nodes. */
const keys = Array.from({ length: 60 }, (_, index) => `key ${index}`);

describe.skipIf(program === undefined)('HybridCache on a Redis Cluster of three nodes', () => {
  let servers: RedisClusterServers;
  const connections: RedisConnection[] = [];
  const caches: HybridCache<string>[] = [];

  beforeEach(async () => {
    servers = await startRedisCluster();
  });
  afterEach(async () => {
    for (const cache of caches.splice(0)) await cache.close();
    for (const redis of connections.splice(0)) await redis.close();
    await servers?.dispose();
  });

  async function connect(): Promise<RedisConnection> {
    const redis = new RedisConnection({ url: servers.url, cluster: true, commandTimeoutMs: 500, beatMs: 50 });
    connections.push(redis);
    await redis.connect();
    return redis;
  }

  /** Caches with connections of their own, as two processes have them. */
  async function open(options: { readonly lease?: boolean; readonly maxStalenessMs?: number } = {}) {
    const two = [await connect(), await connect()].map(
      redis => new HybridCache<string>({ redis, maxEntries: 1_000, ...options }),
    );
    caches.push(...two);
    return two as [HybridCache<string>, HybridCache<string>];
  }

  /** What all nodes hold. */
  const sizes = (): readonly number[] => servers.nodes.map(({ port }) => Number(askRedis(port, 'DBSIZE')));

  /** The node that has a key of the cache. */
  function nodeOf(key: string) {
    const node = servers.nodes.find(({ port }) => askRedis(port, 'EXISTS', `cache:default:${key}`) === '1');
    if (node === undefined) throw new Error(`No node has ${key}`);
    return node;
  }

  it('does all that it does on one server, across the slots', async () => {
    const [a, b] = await open();
    await a.setMany(keys.map(key => [key, `value of ${key}`]));
    expect(Math.min(...sizes())).toBeGreaterThan(5);
    expect((await b.getMany([...keys, 'none'])).size).toBe(keys.length);
    expect(await b.get('key 7')).toBe('value of key 7');
    expect([await b.expire('key 7', 90_000), await b.exists('key 7'), await b.delete('key 7')]).toEqual([
      true,
      true,
      true,
    ]);
    expect(await b.deleteMany(keys.slice(0, 20))).toBe(19);
    expect(await b.clear('key 3*')).toBe(10);
    await until(async () => (await a.getMany(keys)).size === 30);
    expect(await a.clear()).toBe(30);
    const sums = await Promise.all(Array.from({ length: 10 }, (_, index) => [a, b][index % 2]?.increment('count', 3)));
    expect(Math.max(...sums.map(Number))).toBe(30);
    const manager = new CacheManager({ redis: await connect() });
    expect(await manager.getOrSet('k', async () => 'v', { tags: ['t'] })).toBe('v');
    expect(manager.health()).toMatchObject({ status: 'up', backend: 'hybrid', coherence: { coverage: 'tracking' } });
    await manager.close();
  });

  it('lets one hear of what the other changes, and of what another program does, on every node', async () => {
    const [a, b] = await open();
    await a.setMany(keys.map(key => [key, 'old']));
    const isOld = async (): Promise<number> =>
      [...(await b.getMany(keys)).values()].filter(value => value === 'old').length;
    expect(await isOld()).toBe(60);
    // What tells b of the writes before may come after its first reads, and costs one more of each.
    await until(async () => {
      const { storeHits } = b.stats();
      return (await isOld()) === 60 && b.stats().storeHits === storeHits;
    });
    for (const key of keys.slice(0, 20)) await a.set(key, 'new');
    await until(async () => (await isOld()) === 40);
    for (const key of keys.slice(20, 40)) askRedis(nodeOf(key).port, 'DEL', `cache:default:${key}`);
    await until(async () => (await isOld()) === 20);
    for (const { port } of servers.nodes) askRedis(port, 'FLUSHALL');
    await until(async () => (await isOld()) === 0);
  });

  it('forgets by tag wherever the entries are', async () => {
    const [a, b] = await open();
    await a.setMany(
      keys.map(key => [key, 'tagged']),
      { tags: ['t', 'u'] },
    );
    expect((await b.getMany(keys)).size).toBe(60);
    await b.deleteByTag('t');
    expect((await b.getMany(keys)).size).toBe(0);
    await until(async () => (await a.getMany(keys)).size === 0);
  });

  it('loads a cold key once for two processes with a lease', async () => {
    const options = JSON.stringify({ lease: true, cluster: true, commandTimeoutMs: patientMs });
    const workers = await Promise.all(
      [1, 2].map(() => WorkerProcess.start('cache-process.ts', ['hybrid', servers.url, options])),
    );
    try {
      for (let round = 0; round < 6; round += 1) {
        const command = { do: 'load', key: `cold ${round}`, callers: 25, loaderMs: 100 } as const;
        const reports = await Promise.all(workers.map(worker => worker.ask<LoadReport>(command, 10_000)));
        expect(reports.reduce((sum, { runs }) => sum + runs, 0)).toBe(1);
      }
    } finally {
      for (const worker of workers) worker.kill();
    }
  });

  it('goes on when one node is killed, says so, and is whole again when it is back', async () => {
    const [a] = await open({ maxStalenessMs: 1_000 });
    const told: string[] = [];
    a.events.on('degraded', () => told.push('degraded'));
    a.events.on('recovered', () => told.push('recovered'));
    await a.setMany(keys.map(key => [key, 'old']));
    const [, dead] = servers.nodes;
    const onDead = keys.filter(key => nodeOf(key) === dead);
    const elsewhere = keys.filter(key => !onDead.includes(key));
    await dead?.kill();
    const load = (key: string): Promise<string> => a.getOrSet(key, async () => 'loaded');
    const durations: number[] = [];
    for (const key of [...onDead, ...elsewhere]) {
      const startMs = performance.now();
      await a.delete(key);
      expect(await load(key)).toBe('loaded');
      durations.push(performance.now() - startMs);
    }
    expect(Math.max(...durations)).toBeLessThan(5_000);
    expect(told).toContain('degraded');
    expect(a.degraded).toBe(true);
    // The other nodes are used as before.
    const { nodes } = servers;
    const living = nodes.filter(node => node !== dead);
    await until(async () => {
      await a.set(elsewhere[0] as string, 'shared');
      return living.some(({ port }) => askRedis(port, 'EXISTS', `cache:default:${elsewhere[0]}`) === '1');
    });
    await dead?.start();
    await until(async () => {
      await a.set(onDead[0] as string, 'again');
      return !a.degraded;
    }, 20_000);
    expect(told.at(-1)).toBe('recovered');
    await until(async () => {
      await a.set(onDead[1] as string, 'shared again');
      return askRedis(dead?.port ?? 0, 'EXISTS', `cache:default:${onDead[1]}`) === '1';
    }, 20_000);
    await until(() => a.coherence.heardAgoMs < 1_000, 20_000);
  }, 90_000);
});
